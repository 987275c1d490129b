use std::net::IpAddr;

use duologue_base::{Foundation, Protocol};

use crate::candidate::{self, CandidateKind, RelayProtocol};
use crate::gather::Gathering;
use crate::generation::Base;
use crate::mdns::Names;
use crate::tcp::PeerStream;

/// The first part of an [`Agent`](crate::Agent): where this end is, and what it asks to learn where it
/// can be reached.
#[derive(Debug, Default)]
pub(crate) struct Local {
    pub(crate) bases: Vec<Base>,
    /// Those whose address went away and may come back.
    pub(crate) away: Vec<Base>,
    /// Where streams may begin, with how many of its family came before each.
    pub(crate) stream_ips: Vec<(IpAddr, u16)>,
    /// Streams to and from the other agent.
    pub(crate) streams: Vec<PeerStream>,
    pub(crate) next_connect: u32,
    pub(crate) addresses_complete: bool,
    pub(crate) gathering: Gathering,
    pub(crate) names: Names,
    /// What candidates of one foundation share; the index is the foundation.
    pub(crate) foundations: Vec<Shared>,
}

/// RFC 8445 §5.1.1.3: equal for candidates of one kind, protocol, base address and server.
pub(crate) type Shared = (
    CandidateKind,
    Protocol,
    IpAddr,
    Option<(IpAddr, RelayProtocol)>,
);

impl Local {
    pub(crate) fn foundation(
        &mut self,
        kind: CandidateKind,
        base: Base,
        server: Option<(IpAddr, RelayProtocol)>,
    ) -> Foundation {
        let shared = (kind, base.protocol, base.addr.ip(), server);
        let at = self.foundations.iter().position(|known| *known == shared);
        let at = at.unwrap_or_else(|| {
            self.foundations.push(shared);
            self.foundations.len() - 1
        });
        candidate::foundation("", at + 1)
    }
}
