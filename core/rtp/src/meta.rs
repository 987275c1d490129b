use duologue_base::{Ecn, Instant};

use crate::ext::Extensions;
use crate::{PayloadType, Ssrc};

/// What is known of a received packet, beside its payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacketMeta {
    /// The stream.
    pub ssrc: Ssrc,
    /// Which format the payload has.
    pub payload_type: PayloadType,
    /// The M bit.
    pub marker: bool,
    /// The mark that the network left on the datagram.
    pub ecn: Ecn,
    /// The sequence number, extended so that it never wraps.
    pub sequence_number: u64,
    /// The time stamp in ticks of the format's clock, extended so that it never wraps.
    pub timestamp: u64,
    /// When the datagram arrived.
    pub arrival: Instant,
    /// What the header extension says.
    pub extensions: Extensions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_at_most_96_bytes() {
        assert!(size_of::<PacketMeta>() <= 96);
        fn copy<T: Copy>() {}
        copy::<PacketMeta>();
    }
}
