/// What media was received and not acted on. Nothing of this ends anything.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Packets that are no RTP or RTCP, or whose payload is not what its type says.
    pub malformed: u64,
    /// Packets that no receiver claims.
    pub unclaimed: u64,
    /// Packets with a payload type that their receiver has not.
    pub unknown_payload_type: u64,
    /// Items that nobody took in time.
    pub outlet_overflows: u64,
    /// Packets to send beyond those that a sender keeps.
    pub send_overflows: u64,
    /// Packets to send that no encoding or payload type is agreed on for, that are too large, or in whose
    /// place a tone was played.
    pub unsendable: u64,
}
