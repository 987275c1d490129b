use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;

use crate::limits::PACKETS;

/// Packets that wait, by their time stamps.
#[derive(Debug)]
pub(crate) struct Packets {
    waiting: VecDeque<Waiting>,
}

/// A packet that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Extended.
    pub(crate) timestamp: i64,
    /// What its payload is of: a place in the list of codecs.
    pub(crate) codec: usize,
    pub(crate) payload: Bytes,
    pub(crate) received: Instant,
}

/// What became of a packet, beside others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Inserted {
    /// It waits; so many older ones had to go for it.
    Waits { dropped: usize },
    /// One with this time stamp waits already.
    Duplicate,
}

impl Packets {
    pub(crate) fn new() -> Self {
        Packets {
            waiting: VecDeque::with_capacity(PACKETS + 1),
        }
    }

    /// `span` is how far apart packets may be, in ticks.
    pub(crate) fn insert(&mut self, packet: Waiting, span: i64) -> Inserted {
        let after = self.waiting.iter().rev();
        let after = after.take_while(|it| it.timestamp > packet.timestamp);
        let at = self.waiting.len() - after.count();
        let before = at.checked_sub(1).and_then(|at| self.waiting.get(at));
        if before.is_some_and(|it| it.timestamp == packet.timestamp) {
            return Inserted::Duplicate;
        }
        self.waiting.insert(at, packet);

        let mut dropped = 0;
        while self.waiting.len() > PACKETS || self.span() > span {
            self.waiting.pop_front();
            dropped += 1;
        }
        Inserted::Waits { dropped }
    }

    pub(crate) fn front(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.waiting.pop_front()
    }

    /// Drops those that come too late; how many that were.
    pub(crate) fn drop_before(&mut self, timestamp: i64) -> usize {
        let mut dropped = 0;
        while self.front().is_some_and(|it| it.timestamp < timestamp) {
            self.waiting.pop_front();
            dropped += 1;
        }
        dropped
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// From the first to the last, in ticks.
    pub(crate) fn span(&self) -> i64 {
        match (self.waiting.front(), self.waiting.back()) {
            (Some(first), Some(last)) => last.timestamp.saturating_sub(first.timestamp),
            _ => 0,
        }
    }
}

/// A length of time in ticks of a clock.
pub(crate) fn ticks(time: Duration, clock_rate: u32) -> i64 {
    let ticks = time.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// Ticks of a clock in nanoseconds.
pub(crate) fn nanos(ticks: i64, clock_rate: u32) -> i64 {
    let nanos = i128::from(ticks) * 1_000_000_000 / i128::from(clock_rate.max(1));
    nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(timestamp: i64) -> Waiting {
        Waiting {
            timestamp,
            codec: 0,
            payload: Bytes::new(),
            received: Instant::ZERO,
        }
    }

    #[test]
    fn they_leave_in_the_order_of_their_time_stamps_and_once() {
        let mut packets = Packets::new();
        for timestamp in [30, 10, 20, 10, 30] {
            packets.insert(packet(timestamp), 1_000);
        }
        let left = std::iter::from_fn(|| packets.pop());
        let left: Vec<_> = left.map(|it| it.timestamp).collect();
        assert_eq!(left, [10, 20, 30]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_are_too_far_apart() {
        let mut packets = Packets::new();
        for timestamp in 0..1_000 {
            packets.insert(packet(timestamp), 1_000);
        }
        assert_eq!(packets.waiting.len(), PACKETS);
        assert_eq!(packets.front().map(|it| it.timestamp), Some(800));
        let inserted = packets.insert(packet(1_850), 1_000);
        assert_eq!(inserted, Inserted::Waits { dropped: 50 });
        assert_eq!(packets.drop_before(1_000), PACKETS - 50);
        assert_eq!((packets.waiting.len(), packets.span()), (1, 0));
    }
}
