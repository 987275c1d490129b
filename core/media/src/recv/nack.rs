//! Which packets of a stream are missing, and when to ask for them again (RFC 4585 §6.2.1).

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use crate::limits::{LARGEST_GAP, MISSING, NACK_TRIES};

/// The missing packets of one stream.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// In order of their numbers.
    packets: VecDeque<Lost>,
    highest: Option<u64>,
    /// When there is something to ask for, or earlier.
    due: Option<Instant>,
    /// Numbers that were given up.
    given_up: u64,
    /// The last of them, which may come late.
    late: VecDeque<u64>,
}

/// What a packet was to its stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    /// Ahead of all others.
    New,
    /// It was missing.
    Missed,
    /// It was given up.
    Late,
    /// It was there.
    Duplicate,
}

#[derive(Clone, Copy, Debug)]
struct Lost {
    sequence_number: u64,
    tries: u8,
    /// When it is to be asked for.
    due: Instant,
}

impl Missing {
    /// A packet came, by itself or sent again.
    pub(crate) fn arrived(&mut self, now: Instant, sequence_number: u64) -> Arrival {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence_number);
            return Arrival::New;
        };
        if sequence_number <= highest {
            let at = self
                .packets
                .binary_search_by_key(&sequence_number, |lost| lost.sequence_number);
            return match at.ok().and_then(|at| self.packets.remove(at)) {
                Some(_) => {
                    self.due = self.due.filter(|_| !self.packets.is_empty());
                    Arrival::Missed
                }
                None => self.late_or_duplicate(sequence_number),
            };
        }
        self.highest = Some(sequence_number);

        if sequence_number - highest > LARGEST_GAP {
            self.forget();
            return Arrival::New;
        }
        if sequence_number > highest + 1 {
            self.due = Instant::earliest([self.due, Some(now)]);
        }
        for sequence_number in highest + 1..sequence_number {
            self.packets.push_back(Lost {
                sequence_number,
                tries: 0,
                due: now,
            });
        }
        while self.packets.len() > MISSING {
            if let Some(lost) = self.packets.pop_front() {
                self.give_up(lost.sequence_number);
            }
        }
        Arrival::New
    }

    fn late_or_duplicate(&mut self, sequence_number: u64) -> Arrival {
        let at = self.late.iter().position(|late| *late == sequence_number);
        match at.and_then(|at| self.late.remove(at)) {
            Some(_) => Arrival::Late,
            None => Arrival::Duplicate,
        }
    }

    fn give_up(&mut self, sequence_number: u64) {
        self.given_up += 1;
        if self.late.len() >= MISSING {
            self.late.pop_front();
        }
        self.late.push_back(sequence_number);
    }

    /// Nothing that is missing will be needed any more, since a key frame is asked for.
    pub(crate) fn forget(&mut self) {
        self.due = None;
        for lost in std::mem::take(&mut self.packets) {
            self.give_up(lost.sequence_number);
        }
    }

    /// Nothing of the stream is taken for a while.
    pub(crate) fn pause(&mut self) {
        self.forget();
        self.highest = None;
    }

    /// How many were given up.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// When there is something to ask for, if nothing of it comes until then.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Puts what is due into `numbers`, so many at most. What was asked for is due again after a round
    /// trip, some tries long.
    pub(crate) fn take_due(
        &mut self,
        now: Instant,
        round_trip: Duration,
        most: usize,
        numbers: &mut Vec<u16>,
    ) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let mut packets = std::mem::take(&mut self.packets);
        packets.retain(|lost| {
            let is_over = lost.due <= now && lost.tries >= NACK_TRIES;
            if is_over {
                self.give_up(lost.sequence_number);
            }
            !is_over
        });
        self.packets = packets;

        let again = now + round_trip.max(SHORTEST_WAIT);
        let due = self.packets.iter_mut().filter(|lost| lost.due <= now);
        for lost in due.take(most) {
            numbers.push(lost.sequence_number as u16);
            lost.tries += 1;
            lost.due = again;
        }
        self.due = self.packets.iter().map(|lost| lost.due).min();
    }
}

/// Browsers do not send a packet twice within 5 ms (Chromium 156 and Firefox 153, measured).
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Duration = Duration::from_millis(100);

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn due(missing: &mut Missing, now: Instant) -> Vec<u16> {
        let mut numbers = Vec::new();
        missing.take_due(now, TRIP, MISSING, &mut numbers);
        numbers
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_again_after_each_round_trip() {
        let mut missing = Missing::default();
        missing.arrived(at(0), 65_534);
        missing.arrived(at(1), 65_538);
        assert_eq!(missing.poll_timeout(), Some(at(1)));
        assert_eq!(due(&mut missing, at(1)), [65_535, 0, 1]);
        assert_eq!(due(&mut missing, at(100)), []);

        assert_eq!(missing.arrived(at(100), 65_536), Arrival::Missed);
        assert_eq!(due(&mut missing, at(101)), [65_535, 1]);
        assert_eq!(missing.arrived(at(102), 65_536), Arrival::Duplicate);
    }

    #[test]
    fn what_never_comes_is_given_up() {
        let mut missing = Missing::default();
        missing.arrived(at(0), 1);
        missing.arrived(at(0), 3);
        let asked = (0..30).filter(|n| !due(&mut missing, at(n * 100)).is_empty());
        assert_eq!(asked.count(), usize::from(NACK_TRIES));
        assert_eq!((missing.given_up(), missing.poll_timeout()), (1, None));
        // It comes after all, twice.
        assert_eq!(missing.arrived(at(9_000), 2), Arrival::Late);
        assert_eq!(missing.arrived(at(9_000), 2), Arrival::Duplicate);
    }

    #[test]
    fn a_flood_of_gaps_is_bounded_and_a_jump_is_no_loss() {
        let mut missing = Missing::default();
        for n in 0..10 * MISSING as u64 {
            missing.arrived(at(0), n * 2);
        }
        assert_eq!(missing.packets.len(), MISSING);
        missing.arrived(at(0), 10_000_000);
        assert!(missing.packets.is_empty());
    }
}
