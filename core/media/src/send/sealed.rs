//! What a stream without a stream of repetitions sent lately, as it went over the wire: where the other
//! end asks for packets again (RFC 4585 §6.2.1) and no RTX is agreed on (RFC 4588), they go again under
//! their own numbers.
//!
//! SRTP must not protect two packets of one number (RFC 7714 §8.2, RFC 3711 §9.1). These are not protected
//! again: each is the very same bytes, which tell nobody more than when they went first.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use duologue_base::Instant;

use super::history::is_lately;
use crate::limits::{SEALED_BYTES, SEALED_PACKETS};

/// The last packets of a stream, protected, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct SealedHistory {
    packets: VecDeque<Sealed>,
    bytes: usize,
    slab: BytesMut,
}

/// A packet as it left.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    number: u16,
    /// Bytes of its payload, as counters have them.
    pub(crate) payload: usize,
    pub(crate) datagram: Bytes,
    /// When it was sent again last.
    resent: Option<Instant>,
}

impl SealedHistory {
    pub(crate) fn keep(&mut self, number: u16, payload: usize, datagram: &[u8]) {
        self.bytes += datagram.len();
        self.packets.push_back(Sealed {
            number,
            payload,
            datagram: crate::slab::copy(&mut self.slab, datagram),
            resent: None,
        });
        while self.packets.len() > SEALED_PACKETS || self.bytes > SEALED_BYTES {
            if let Some(oldest) = self.packets.pop_front() {
                self.bytes -= oldest.datagram.len();
            }
        }
    }

    /// Other keys protect what follows: nobody can open what went before.
    pub(crate) fn clear(&mut self) {
        *self = SealedHistory::default();
    }

    /// The packet of this number, unless it was sent again less than a round trip ago.
    pub(crate) fn again(&self, now: Instant, round_trip: Duration, number: u16) -> Option<&Sealed> {
        let sealed = &self.packets[self.place(number)?];
        let lately = sealed
            .resent
            .is_some_and(|at| is_lately(now, at, round_trip));
        (!lately).then_some(sealed)
    }

    pub(crate) fn note_resent(&mut self, now: Instant, number: u16) {
        if let Some(at) = self.place(number) {
            self.packets[at].resent = Some(now);
        }
    }

    fn place(&self, number: u16) -> Option<usize> {
        let newest = self.packets.back()?.number;
        // Numbers are given out one by one, mostly: it is about so far back.
        let back = usize::from(newest.wrapping_sub(number));
        let guess = self.packets.len().checked_sub(back + 1);
        guess
            .filter(|at| self.packets[*at].number == number)
            .or_else(|| self.packets.iter().rposition(|it| it.number == number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_given_as_it_went_once_a_round_trip() {
        let mut history = SealedHistory::default();
        for number in [65_534, 65_535, 0, 2] {
            history.keep(number, 3, &number.to_be_bytes());
        }
        let trip = Duration::from_millis(100);
        let now = Instant::ZERO + Duration::from_secs(1);
        let again = |history: &SealedHistory, now, number| {
            let sealed = history.again(now, trip, number)?;
            Some(sealed.datagram.to_vec())
        };
        for number in [65_534_u16, 65_535, 0, 2] {
            let as_it_was = Some(number.to_be_bytes().to_vec());
            assert_eq!(again(&history, now, number), as_it_was);
        }
        assert_eq!(again(&history, now, 1), None, "it was not sent");
        history.note_resent(now, 0);
        assert_eq!(again(&history, now + trip / 2, 0), None);
        assert!(again(&history, now + trip, 0).is_some());
        history.clear();
        assert_eq!(again(&history, now + trip, 0), None);
    }

    #[test]
    fn no_more_is_kept_than_bounds_allow() {
        let mut history = SealedHistory::default();
        for number in 0..2_000_u16 {
            history.keep(number, 1_200, &[7; 1_200]);
        }
        assert!(history.packets.len() <= SEALED_PACKETS);
        assert!(history.bytes <= SEALED_BYTES);
        let now = Instant::ZERO;
        assert!(history.again(now, Duration::ZERO, 1_999).is_some());
        assert!(history.again(now, Duration::ZERO, 0).is_none());
    }
}
