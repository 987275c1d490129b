use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::address::NetAddress;
use crate::error::SyntaxError;
use crate::scan::{Words, decimal};
use crate::text::Token;

/// `a=rtcp:<port> [<address>]` (RFC 3605 §2.1): ICE makes it meaningless.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Rtcp {
    /// The port.
    pub port: u16,
    /// The address, if not that of the `c=` line.
    pub address: Option<NetAddress>,
}

impl FromStr for Rtcp {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=rtcp", value);
        let port = words.number("a port from 0 to 65535")?;
        let address = match words.rest() {
            "" => None,
            _ => Some(NetAddress::read(&mut words, false)?),
        };
        words.end()?;
        Ok(Rtcp { port, address })
    }
}

impl fmt::Display for Rtcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "{} {address}", self.port),
            None => self.port.fmt(f),
        }
    }
}

super::number!(
    /// `a=sctp-port` (RFC 8841 §5): 0 closes the association.
    SctpPort(u16),
    "a=sctp-port",
    "a port from 0 to 65535"
);
super::number!(
    /// `a=max-message-size` (RFC 8841 §6): bytes of the largest message its end receives. 0 means
    /// any size; absent means [`MaxMessageSize::DEFAULT`].
    MaxMessageSize(u64),
    "a=max-message-size",
    "a number of bytes below 2^64"
);

impl MaxMessageSize {
    /// 64 KiB (RFC 8841 §6.1).
    pub const DEFAULT: MaxMessageSize = MaxMessageSize(65_536);
}

/// `a=sctpmap:<port> <application> [<streams>]`: the form that RFC 8841 replaced.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Sctpmap {
    /// The SCTP port, which is also the format of the `m=` line.
    pub port: u16,
    /// `webrtc-datachannel`.
    pub application: Token,
    /// How many streams.
    pub streams: Option<u32>,
}

impl FromStr for Sctpmap {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=sctpmap", value);
        let port = words.number("a port from 0 to 65535")?;
        let application = words.parse("an application")?;
        Ok(Sctpmap {
            port,
            application,
            // Also written `streams=16`; SCTP itself says how many there are.
            streams: words.take().and_then(decimal),
        })
    }
}

impl fmt::Display for Sctpmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.port, self.application)?;
        match self.streams {
            Some(streams) => write!(f, " {streams}"),
            None => Ok(()),
        }
    }
}

crate::text::plain_text!(
    /// `a=sctp-init` (draft-hancke-tsvwg-snap): the SCTP INIT chunk, in base64.
    SctpInit,
    "a=sctp-init",
    "a chunk in base64",
    super::dtls::is_base64
);

impl SctpInit {
    /// The line of a chunk. `None` for an empty one.
    pub fn of_chunk(chunk: &[u8]) -> Option<Self> {
        STANDARD.encode(chunk).parse().ok()
    }

    /// The chunk, if it is one INIT that a peer may answer (RFC 9260 §3.3.2): its length is right,
    /// and neither its tag nor a number of streams is zero. What is not is to be ignored.
    pub fn chunk(&self) -> Option<Vec<u8>> {
        let chunk = STANDARD.decode(self.as_str()).ok()?;
        let (head, rest) = chunk.split_first_chunk::<20>()?;
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        // The padding that a packet would have may be there.
        let whole = len >= head.len() && (len..len.next_multiple_of(4) + 1).contains(&chunk.len());
        let fits = head[0] == 1
            && head[4..8] != [0; 4]
            && head[12..14] != [0; 2]
            && head[14..16] != [0; 2]
            && rest.len() <= 1004;
        (whole && fits).then_some(chunk)
    }
}
