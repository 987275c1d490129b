//! Feedback by transport-wide numbers (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

mod read;
mod write;

pub use read::{Received, TransportFeedback};
pub use write::TransportFeedbackToSend;

/// What became of one packet (§3.1.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Symbol {
    NotReceived,
    /// One byte of time behind the packet before.
    Small,
    /// Two bytes, with a sign.
    Large,
}

impl Symbol {
    /// `None` of the reserved one.
    fn from_bits(bits: u16) -> Option<Self> {
        match bits & 3 {
            0 => Some(Symbol::NotReceived),
            1 => Some(Symbol::Small),
            2 => Some(Symbol::Large),
            _ => None,
        }
    }

    /// Bytes of its time.
    fn size(self) -> usize {
        self as usize
    }
}

/// Ticks of 250 µs in the 64 ms that a reference time counts.
const TICKS_PER_REFERENCE: u32 = 256;
/// Base, count, reference time and number of the feedback.
const FIXED: usize = 8;
/// What one run-length chunk has room for: 13 bits.
const MAX_RUN: u16 = 0x1fff;

#[cfg(test)]
mod tests;
