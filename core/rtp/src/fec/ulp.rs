use super::parity::Parity;
use super::{Protected, ProtectedSet, Protector, from_mask, to_mask};
use crate::Ssrc;

/// A packet of ULPFEC (RFC 5109 §7.3, §7.4). It travels in RED, in the stream that it protects. Of
/// several levels of protection the first is used, as everybody sends one.
#[derive(Clone, Copy, Debug)]
pub struct UlpFec<'a> {
    head: u16,
    timestamp: u32,
    len: u16,
    set: ProtectedSet,
    body: &'a [u8],
}

impl<'a> UlpFec<'a> {
    /// Packets from the first to the last that one packet may protect: a mask of 48 bits.
    pub const MAX_SPAN: u16 = 48;

    /// Reads a payload, without RED; `None` if it is none, or protects nothing.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let (&[h0, h1, b0, b1, t0, t1, t2, t3, l0, l1], rest) = payload.split_first_chunk()?;
        let (&[p0, p1, m0, m1], mut rest) = rest.split_first_chunk()?;
        let mut bits = from_mask(u16::from_be_bytes([m0, m1]).into(), 16);
        if h0 & LONG_MASK != 0 {
            let (&[m2, m3, m4, m5], behind) = rest.split_first_chunk()?;
            let mask = u64::from_be_bytes([0, 0, m0, m1, m2, m3, m4, m5]);
            bits = from_mask(mask, 48);
            rest = behind;
        }
        if bits == 0 {
            return None;
        }

        Some(UlpFec {
            head: u16::from_be_bytes([h0 & 0x3f, h1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            len: u16::from_be_bytes([l0, l1]),
            set: ProtectedSet {
                base: u16::from_be_bytes([b0, b1]),
                bits,
            },
            body: rest.get(..u16::from_be_bytes([p0, p1]).into())?,
        })
    }

    /// The packets that the parity protects.
    pub fn protected(&self) -> ProtectedSet {
        self.set
    }

    /// Appends the packet with this sequence number to `out`, if `others` are all others that this
    /// protects, as they were without RED; else nothing, and `false`. It is a packet without RED.
    pub fn recover<'p>(
        &self,
        ssrc: Ssrc,
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
        super::flex::recover(parity, self.set, ssrc, sequence, others, out)
    }
}

impl Protector {
    /// Appends the payload of a packet of ULPFEC, which is to go into RED; nothing, and `false`, if
    /// nothing was taken in, or too much of it (see [`UlpFec::MAX_SPAN`]).
    pub fn write_ulp(&self, out: &mut Vec<u8>) -> bool {
        let fits = |set: &ProtectedSet| set.bits >> UlpFec::MAX_SPAN == 0;
        let Some(set) = self.set().filter(fits) else {
            return false;
        };
        let long = set.bits >> 16 != 0;

        let [h0, h1] = self.parity.head.to_be_bytes();
        out.extend_from_slice(&[(h0 & 0x3f) | (u8::from(long) * LONG_MASK), h1]);
        out.extend_from_slice(&set.base.to_be_bytes());
        out.extend_from_slice(&self.parity.timestamp.to_be_bytes());
        out.extend_from_slice(&self.parity.len.to_be_bytes());
        // The longest is less than a datagram.
        out.extend_from_slice(&(self.parity.body.len() as u16).to_be_bytes());
        if long {
            out.extend_from_slice(&to_mask(set.bits, 48).to_be_bytes()[2..]);
        } else {
            out.extend_from_slice(&to_mask(set.bits, 16).to_be_bytes()[6..]);
        }
        out.extend_from_slice(&self.parity.body);
        true
    }
}

/// The L bit: the mask has 48 bits.
const LONG_MASK: u8 = 0x40;
