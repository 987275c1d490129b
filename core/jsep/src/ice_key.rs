use duologue_base::{Generation, TransportKey};

/// One set of ICE credentials of a transport.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IceKey {
    /// The transport.
    pub transport: TransportKey,
    /// 0 at first, one more for each ICE restart.
    pub generation: Generation,
}
