//! By what the other end tells of a packet, for congestion control.

use duologue_base::Dscp;
use duologue_rtp::Ssrc;

use super::Kept;

/// A packet that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Written {
    pub(super) len: usize,
    pub(super) ssrc: Ssrc,
    pub(super) number: u16,
    /// The other end tells of it for congestion control.
    pub(super) tracked: bool,
    pub(super) dscp: Dscp,
    /// It was protected before.
    pub(super) sealed: bool,
    /// It is to be kept as it will be protected.
    pub(super) kept: Option<Kept>,
}

/// By what the other end tells of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tracking {
    /// It does not.
    None,
    /// By its number among all of the transport.
    Numbered(u16),
    /// By its stream and its number there (RFC 8888).
    ByStream,
}
