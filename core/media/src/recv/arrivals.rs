//! When packets arrived, as the other end's congestion control is told
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Instant, Seq16};

use crate::limits::{ARRIVALS, LATE_ARRIVALS};

/// The arrivals of one transport that were not told yet.
///
/// Only what went on to a stream is noted: a packet that was told of as received is never sent again
/// by browsers, whatever NACK says (Chromium 156 and Firefox 153, measured).
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// By transport-wide number, none where nothing came; the first is `next`.
    waiting: VecDeque<Option<Instant>>,
    /// The number that the next feedback begins with.
    next: Option<u64>,
    /// What was told of as lost, and came after all.
    late: Vec<(u64, Instant)>,
    due: Option<Instant>,
    feedbacks: u8,
}

/// One feedback message to write.
pub(crate) struct Feedback<'a> {
    /// The number that it begins with, extended.
    pub(crate) base: u64,
    pub(crate) count: u8,
    arrivals: &'a [Option<Instant>],
}

impl Feedback<'_> {
    /// What came, by its number.
    pub(crate) fn arrivals(&self) -> impl Iterator<Item = (u64, Instant)> + Clone {
        let arrivals = self.arrivals.iter().zip(self.base..);
        arrivals.filter_map(|(arrival, number)| Some((number, (*arrival)?)))
    }
}

/// How often browsers send feedback (50 and 62 ms, measured). More often is sooner known, and the
/// bytes are few.
const INTERVAL: Duration = Duration::from_millis(50);

/// A number this far from the others is another beginning.
const LARGEST_JUMP: u64 = 8_192;

impl Arrivals {
    /// A packet with this transport-wide number came.
    pub(crate) fn note(&mut self, arrival: Instant, now: Instant, number: u16) {
        let next = self.next.unwrap_or(u64::from(number) + 0x1_0000);
        let number = Seq16(number).extend(next + self.waiting.len() as u64);
        if self.next.is_none() || number.abs_diff(next) > LARGEST_JUMP {
            self.waiting.clear();
            self.late.clear();
            self.next = Some(number);
        }
        self.due.get_or_insert(now + INTERVAL);

        let next = self.next.unwrap_or(number);
        let Some(at) = number.checked_sub(next) else {
            if self.late.len() < LATE_ARRIVALS {
                self.late.push((number, arrival));
            }
            return;
        };
        let at = at as usize;
        if at >= self.waiting.len() {
            self.waiting.resize(at + 1, None);
        }
        self.waiting[at].get_or_insert(arrival);
        while self.waiting.len() > ARRIVALS {
            self.waiting.pop_front();
            self.next = self.next.map(|next| next + 1);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Gives the next message to `write`, which says behind which number it ends. False: none is due.
    pub(crate) fn tell(&mut self, now: Instant, write: impl FnOnce(Feedback<'_>) -> u64) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        let count = self.feedbacks;
        self.feedbacks = count.wrapping_add(1);

        if let Some((base, arrival)) = self.late.pop() {
            let arrivals = &[Some(arrival)];
            write(Feedback {
                base,
                count,
                arrivals,
            });
        } else if let Some(base) = self.next {
            let arrivals = self.waiting.make_contiguous();
            let end = write(Feedback {
                base,
                count,
                arrivals,
            });
            let told = end.saturating_sub(base).max(1) as usize;
            self.waiting.drain(..told.min(self.waiting.len()));
            self.next = Some(base + told as u64);
        }
        // What did not fit follows at once.
        let more = !self.waiting.is_empty() || !self.late.is_empty();
        self.due = more.then_some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    type Told = (u16, u8, Vec<(u16, Instant)>);

    fn told(arrivals: &mut Arrivals, now: Instant) -> Option<Told> {
        let mut told = None;
        arrivals.tell(now, |feedback| {
            let arrivals: Vec<_> = feedback.arrivals().collect();
            let end = arrivals
                .last()
                .map_or(feedback.base, |(number, _)| number + 1);
            let arrivals = arrivals.into_iter().map(|(n, at)| (n as u16, at)).collect();
            told = Some((feedback.base as u16, feedback.count, arrivals));
            end
        });
        told
    }

    #[test]
    fn feedback_joins_without_gap_and_says_what_is_lost() {
        let mut arrivals = Arrivals::default();
        arrivals.note(at(0), at(0), 65_534);
        arrivals.note(at(3), at(3), 1);
        assert_eq!(arrivals.poll_timeout(), Some(at(50)));
        assert_eq!(told(&mut arrivals, at(49)), None);
        let expected = vec![(65_534, at(0)), (1, at(3))];
        assert_eq!(told(&mut arrivals, at(50)), Some((65_534, 0, expected)));

        assert_eq!(arrivals.poll_timeout(), None);
        arrivals.note(at(60), at(60), 4);
        let expected = vec![(4, at(60))];
        assert_eq!(told(&mut arrivals, at(110)), Some((2, 1, expected)));
    }

    #[test]
    fn what_comes_late_is_told_by_itself() {
        let mut arrivals = Arrivals::default();
        arrivals.note(at(0), at(0), 10);
        arrivals.note(at(0), at(0), 12);
        told(&mut arrivals, at(50));
        arrivals.note(at(60), at(60), 11);
        arrivals.note(at(61), at(61), 13);
        let expected = vec![(11, at(60))];
        assert_eq!(told(&mut arrivals, at(120)), Some((11, 1, expected)));
        let expected = vec![(13, at(61))];
        assert_eq!(told(&mut arrivals, at(120)), Some((13, 2, expected)));
        assert_eq!(told(&mut arrivals, at(500)), None);
    }

    #[test]
    fn hostile_numbers_are_bounded() {
        let mut arrivals = Arrivals::default();
        for n in 0..100_000_u32 {
            let number = (n.wrapping_mul(40_503) >> 3) as u16;
            arrivals.note(at(0), at(0), number);
            assert!(arrivals.waiting.len() <= ARRIVALS);
            assert!(arrivals.late.len() <= LATE_ARRIVALS);
        }
    }
}
