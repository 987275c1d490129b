use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::{Class, Dropped, Next, Queued, StreamKey};
use crate::limits::PACED_PACKETS;

/// What waits in one stream.
#[derive(Debug)]
pub(super) struct Stream<T> {
    pub(super) key: StreamKey,
    pub(super) class: Class,
    weight: u16,
    packets: VecDeque<(Instant, T)>,
    pub(super) bytes: usize,
    /// Bytes in a queue of its own.
    pub(super) demand: usize,
    /// Bytes that it may still send in its turn.
    turn: i64,
}

impl<T: Queued> Stream<T> {
    pub(super) fn push(&mut self, now: Instant, item: T) -> Option<T> {
        if self.packets.len() >= PACED_PACKETS {
            return Some(item);
        }
        self.bytes += item.size();
        self.packets.push_back((now, item));
        None
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let (_, item) = self.packets.pop_front()?;
        self.bytes -= item.size();
        self.turn -= item.size() as i64;
        Some(item)
    }

    pub(super) fn next(&self) -> Next {
        match self.packets.front() {
            Some((_, item)) => Next::Packet(self.key, item.size()),
            None => Next::Demand(self.key),
        }
    }

    /// The first frame, if it has waited too long, with all its packets.
    pub(super) fn drop_late(&mut self, now: Instant) -> Option<Dropped> {
        let (queued, first) = self.packets.front()?;
        if self.class != Class::Video || now - *queued <= FRAME_PATIENCE {
            return None;
        }
        let frame = first.frame();
        let mut dropped = Dropped {
            stream: self.key,
            frame,
            packets: 0,
            bytes: 0,
        };
        while let Some((_, item)) = self.packets.front()
            && item.frame() == frame
        {
            dropped.packets += 1;
            dropped.bytes += item.size();
            self.bytes -= item.size();
            self.packets.pop_front();
        }
        Some(dropped)
    }
}

impl<T> Stream<T> {
    pub(super) fn new(key: StreamKey, class: Class, weight: u16) -> Self {
        let mut stream = Stream {
            key,
            class,
            weight: weight.max(1),
            packets: VecDeque::new(),
            bytes: 0,
            demand: 0,
            turn: 0,
        };
        stream.begin_turn();
        stream
    }

    pub(super) fn has_something(&self) -> bool {
        !self.packets.is_empty() || self.demand > 0
    }

    pub(super) fn take_demand(&mut self, bytes: usize) {
        self.demand = self.demand.saturating_sub(bytes);
        self.turn -= bytes as i64;
    }

    /// It has had its share, or has nothing more.
    pub(super) fn is_turn_over(&self) -> bool {
        self.turn <= 0 || !self.has_something()
    }

    /// A stream that took too much has less the next time; one that had nothing keeps nothing.
    pub(super) fn begin_turn(&mut self) {
        self.turn = self.turn.min(0) + TURN * i64::from(self.weight);
    }
}

/// Bytes of a turn for each unit of weight: a train of four.
const TURN: i64 = 4_800;
/// A frame that has waited longer is dropped: what comes after it is more worth.
const FRAME_PATIENCE: Duration = Duration::from_millis(250);
