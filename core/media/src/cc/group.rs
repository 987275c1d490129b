//! Packets in groups, as they were sent: what delay is measured between.

use std::time::Duration;

use duologue_base::Instant;

use super::PacketResult;
use super::time::ms_between;

/// Puts packets that were sent within 5 ms, or that arrived in one burst, into one group, and
/// measures between groups.
///
/// A sender paces in bursts and paths hold packets back and let them go together: the delay signal
/// lies between such bursts, not in them (draft-ietf-rmcat-gcc-02 §5.2 and §5.3).
#[derive(Debug, Default)]
pub struct Groups {
    current: Option<Group>,
    previous: Option<Group>,
    reordered: u32,
}

/// What lies between two groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delta {
    /// Milliseconds between the last packets of the two, as they were sent.
    pub sent: f64,
    /// Milliseconds between their last arrivals.
    pub arrived: f64,
    /// The last arrival of the later group.
    pub at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: Instant,
    last_sent: Instant,
    first_arrival: Instant,
    last_arrival: Instant,
    /// When we heard of its last packet.
    heard: Instant,
}

impl Groups {
    /// A packet that arrived; `now` is when feedback told of it. A delta when it begins a new group.
    pub fn push(&mut self, now: Instant, packet: &PacketResult) -> Option<Delta> {
        let arrival = packet.arrival?;
        let Some(current) = &mut self.current else {
            self.current = Some(Group::new(now, packet.sent, arrival));
            return None;
        };
        if packet.sent < current.first_sent {
            // Sent before the group: it came late.
            return None;
        }
        if current.takes(packet.sent, arrival) {
            current.last_sent = current.last_sent.max(packet.sent);
            current.last_arrival = arrival;
            current.heard = now;
            return None;
        }

        let done = *current;
        let delta = match self.previous {
            None => None,
            Some(previous) => Some(self.compare(&previous, &done)?),
        };
        self.previous = Some(done);
        self.current = Some(Group::new(now, packet.sent, arrival));
        delta
    }

    /// `None` when the groups did not arrive in order, or by another clock.
    fn compare(&mut self, previous: &Group, done: &Group) -> Option<Delta> {
        let arrived = ms_between(previous.last_arrival, done.last_arrival);
        let heard = ms_between(previous.heard, done.heard);
        if arrived - heard >= CLOCK_OFFSET_MS {
            *self = Groups::default();
            return None;
        }
        if arrived < 0.0 {
            self.reordered += 1;
            if self.reordered >= REORDERED_MAX {
                *self = Groups::default();
            }
            return None;
        }
        self.reordered = 0;
        Some(Delta {
            sent: ms_between(previous.last_sent, done.last_sent),
            arrived,
            at: done.last_arrival,
        })
    }
}

impl Group {
    fn new(now: Instant, sent: Instant, arrival: Instant) -> Self {
        Group {
            first_sent: sent,
            last_sent: sent,
            first_arrival: arrival,
            last_arrival: arrival,
            heard: now,
        }
    }

    fn takes(&self, sent: Instant, arrival: Instant) -> bool {
        sent - self.first_sent <= SENT_TOGETHER || self.is_burst(sent, arrival)
    }

    /// It arrived close behind the last one, closer than it was sent.
    fn is_burst(&self, sent: Instant, arrival: Instant) -> bool {
        let since_arrival = ms_between(self.last_arrival, arrival);
        let since_sent = ms_between(self.last_sent, sent);
        since_sent == 0.0
            || (since_arrival < since_sent
                && since_arrival <= BURST_GAP_MS
                && arrival - self.first_arrival < BURST_MAX)
    }
}

const SENT_TOGETHER: Duration = Duration::from_millis(5);
const BURST_GAP_MS: f64 = 5.0;
const BURST_MAX: Duration = Duration::from_millis(100);
/// Arrivals that are so much further apart than our hearing of them come from a clock that was set.
const CLOCK_OFFSET_MS: f64 = 3_000.0;
const REORDERED_MAX: u32 = 3;
