use super::parity::Parity;
use super::{Protected, ProtectedSet, Protector, from_mask, to_mask};
use crate::Ssrc;

/// A packet of FlexFEC (draft-ietf-payload-flexible-fec-scheme-03 §4.2.2.1) with a mask over one
/// stream, as Chromium has it. It travels in a stream of its own, with the time stamp of the last
/// packet that it protects.
#[derive(Clone, Copy, Debug)]
pub struct FlexFec<'a> {
    head: u16,
    timestamp: u32,
    len: u16,
    ssrc: Ssrc,
    set: ProtectedSet,
    body: &'a [u8],
}

impl<'a> FlexFec<'a> {
    /// Packets from the first to the last that one packet may protect: masks of 15, 31 and 63 bits.
    pub const MAX_SPAN: u16 = 109;

    /// Reads a payload; `None` if it is none, protects nothing, or is of a kind that nobody sends
    /// (retransmissions, fixed blocks, several streams).
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let (&[h0, h1, l0, l1, t0, t1, t2, t3], rest) = payload.split_first_chunk()?;
        let (&[streams, _, _, _, s0, s1, s2, s3], rest) = rest.split_first_chunk()?;
        let (&[b0, b1, m0, m1], mut rest) = rest.split_first_chunk()?;
        if h0 & (RETRANSMISSION | FIXED_BLOCK) != 0 || streams != 1 {
            return None;
        }

        let first = u16::from_be_bytes([m0, m1]);
        let mut bits = from_mask(u64::from(first) & 0x7fff, 15);
        if first >> 15 == 0 {
            let (word, behind) = rest.split_first_chunk()?;
            let second = u32::from_be_bytes(*word);
            bits |= from_mask(u64::from(second) & 0x7fff_ffff, 31) << 15;
            rest = behind;
            if second >> 31 == 0 {
                let (word, behind) = rest.split_first_chunk()?;
                let third = u64::from_be_bytes(*word);
                bits |= from_mask(third & (u64::MAX >> 1), 63) << 46;
                rest = behind;
            }
        }
        if bits == 0 {
            return None;
        }

        Some(FlexFec {
            head: u16::from_be_bytes([h0, h1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            len: u16::from_be_bytes([l0, l1]),
            ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])),
            set: ProtectedSet {
                base: u16::from_be_bytes([b0, b1]),
                bits,
            },
            body: rest,
        })
    }

    /// The stream that the parity protects.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// The packets that the parity protects.
    pub fn protected(&self) -> ProtectedSet {
        self.set
    }

    /// Appends the packet with this sequence number to `out`, if `others` are all others that this
    /// protects; else nothing, and `false`.
    pub fn recover<'p>(
        &self,
        sequence: u16,
        others: impl Iterator<Item = Protected<'p>>,
        out: &mut Vec<u8>,
    ) -> bool {
        let parity = Parity {
            head: self.head,
            timestamp: self.timestamp,
            len: self.len,
            body: self.body.to_vec(),
        };
        recover(parity, self.set, self.ssrc, sequence, others, out)
    }
}

/// Takes all others off the parity; what is left is the one.
pub(super) fn recover<'p>(
    mut parity: Parity,
    set: ProtectedSet,
    ssrc: Ssrc,
    sequence: u16,
    others: impl Iterator<Item = Protected<'p>>,
    out: &mut Vec<u8>,
) -> bool {
    if !set.contains(sequence) {
        return false;
    }
    let mut missing = set;
    for packet in others {
        let number = packet.sequence_number.0;
        if number == sequence || !missing.contains(number) {
            return false;
        }
        missing.bits &= !(1 << number.wrapping_sub(set.base));
        parity.xor(&packet);
    }
    missing.count() == 1 && parity.write(ssrc, sequence, out)
}

impl Protector {
    /// Appends the payload of a packet of FlexFEC for this stream; nothing, and `false`, if nothing
    /// was taken in.
    pub fn write_flex(&self, ssrc: Ssrc, out: &mut Vec<u8>) -> bool {
        let Some(set) = self.set() else {
            return false;
        };
        let [h0, h1] = self.parity.head.to_be_bytes();
        out.extend_from_slice(&[h0 & 0x3f, h1]);
        out.extend_from_slice(&self.parity.len.to_be_bytes());
        out.extend_from_slice(&self.parity.timestamp.to_be_bytes());
        out.extend_from_slice(&[1, 0, 0, 0]);
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(&set.base.to_be_bytes());

        // The first bit of each part of the mask says that it is the last.
        let (more, most) = (set.bits >> 15, set.bits >> 46);
        let last = |bits: u128| u64::from(bits == 0);
        let first = last(more) << 15 | to_mask(set.bits, 15);
        out.extend_from_slice(&first.to_be_bytes()[6..]);
        if more != 0 {
            let second = last(most) << 31 | to_mask(more, 31);
            out.extend_from_slice(&second.to_be_bytes()[4..]);
        }
        if most != 0 {
            let third = 1 << 63 | to_mask(most, 63);
            out.extend_from_slice(&third.to_be_bytes());
        }
        out.extend_from_slice(&self.parity.body);
        true
    }
}

/// The R bit.
const RETRANSMISSION: u8 = 0x80;
/// The F bit.
const FIXED_BLOCK: u8 = 0x40;
