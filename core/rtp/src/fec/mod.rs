//! Forward error correction by parity: packets that are the exclusive or of others.
//!
//! [`Protector`] makes one of some packets and writes it as [`ULPFEC`](UlpFec) (RFC 5109) or as
//! [`FlexFEC`](FlexFec) (draft-ietf-payload-flexible-fec-scheme-03, with a mask: `R` and `F` zero);
//! those say which packets they protect and recover the one that is missing. Which packets to keep
//! for that is the caller's.
//!
//! Browsers send neither and use both. ULPFEC is over the packets as they were without RED, and must
//! follow the frame's last packet.
//!
//! ```
//! use duologue_rtp::fec::{FlexFec, Protected, Protector};
//! use duologue_rtp::Ssrc;
//!
//! let packet = |n: u8| vec![0x80, 96, 0, n, 0, 0, 0, 9, 0, 0, 0, 5, b'p', n, n];
//! let (first, lost) = (packet(1), packet(2));
//!
//! let mut protector = Protector::default();
//! for packet in [&first, &lost] {
//!     protector.add(Protected::packet(packet).unwrap(), FlexFec::MAX_SPAN);
//! }
//! let mut payload = Vec::new();
//! protector.write_flex(Ssrc(5), &mut payload);
//!
//! let fec = FlexFec::parse(&payload).unwrap();
//! assert!(fec.protected().iter().eq([1, 2]));
//! let mut recovered = Vec::new();
//! let others = [Protected::packet(&first).unwrap()];
//! assert!(fec.recover(2, others.into_iter(), &mut recovered));
//! assert_eq!(recovered, lost);
//! ```

mod flex;
mod parity;
mod protector;
mod ulp;

pub use flex::FlexFec;
pub use parity::Protected;
pub use protector::Protector;
pub use ulp::UlpFec;

/// The packets that one packet of parity protects, by sequence number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProtectedSet {
    base: u16,
    /// The lowest bit is the base's.
    bits: u128,
}

impl ProtectedSet {
    /// The sequence numbers of the protected packets, in order.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        let mut bits = self.bits;
        std::iter::from_fn(move || {
            let place = bits.trailing_zeros();
            bits &= bits.checked_sub(1)?;
            Some(self.base.wrapping_add(place as u16))
        })
    }

    /// How many there are, at most 109.
    pub fn count(self) -> usize {
        self.bits.count_ones() as usize
    }

    /// Whether the packet of this number is protected.
    pub fn contains(self, sequence: u16) -> bool {
        let place = u32::from(sequence.wrapping_sub(self.base));
        self.bits
            .checked_shr(place)
            .is_some_and(|bits| bits & 1 == 1)
    }
}

/// `count` bits, of which the first is for the base, as bits from the lowest on.
fn from_mask(mask: u64, count: u32) -> u128 {
    u128::from(mask.reverse_bits() >> (64 - count))
}

/// The other way round: the lowest `count` bits, the lowest first.
fn to_mask(bits: u128, count: u32) -> u64 {
    ((bits as u64) << (64 - count)).reverse_bits()
}

#[cfg(test)]
mod tests;
