use std::cmp::Reverse;
use std::collections::BinaryHeap;

use duologue_base::StreamId;

use crate::Scheduler as Discipline;

/// Fixed-point scale of virtual time: one byte at weight 1.
const SCALE: u64 = 1 << 16;

/// Whose turn it is among the streams with something to send (RFC 8260 §3).
///
/// Start-time fair queueing: each turn begins at a virtual time, and costs its bytes divided by the
/// stream's weight; the least beginning is next. Round robin is the same with equal costs. A
/// stream that is alone never touches the heap.
#[derive(Debug)]
pub(crate) struct Scheduler {
    discipline: Discipline,
    current: Option<Turn>,
    others: BinaryHeap<Reverse<Turn>>,
    virtual_time: u64,
    arrivals: u64,
}

/// A stream and when its turn begins; the arrival breaks ties.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Turn {
    begins: u64,
    arrival: u64,
    stream: u16,
}

impl Scheduler {
    pub(crate) fn new(discipline: Discipline) -> Self {
        Scheduler {
            discipline,
            current: None,
            others: BinaryHeap::new(),
            virtual_time: 0,
            arrivals: 0,
        }
    }

    /// The stream whose turn it is.
    pub(crate) fn current(&self) -> Option<StreamId> {
        self.current.map(|turn| StreamId(turn.stream))
    }

    /// A stream that had nothing to send has something. `paid_until` is what its last turns cost.
    pub(crate) fn activate(&mut self, stream: StreamId, paid_until: u64) {
        let begins = match self.discipline {
            Discipline::WeightedFair => paid_until.max(self.virtual_time),
            Discipline::RoundRobin => self.arrivals,
        };
        let turn = self.turn(stream, begins);
        match self.current {
            None => self.current = Some(turn),
            Some(_) => self.others.push(Reverse(turn)),
        }
    }

    /// The current stream sent `bytes` and its turn is over. Returns what it has paid until.
    pub(crate) fn end_turn(&mut self, bytes: usize, weight: u16, has_more: bool) -> u64 {
        let Some(turn) = self.current else {
            return 0;
        };
        self.virtual_time = self.virtual_time.max(turn.begins);
        let cost = bytes as u64 * SCALE / u64::from(weight.max(1));
        let paid_until = turn.begins + cost;
        if !has_more {
            self.current = self.others.pop().map(|Reverse(next)| next);
            return paid_until;
        }
        if self.others.is_empty() {
            self.current = Some(Turn {
                begins: paid_until,
                ..turn
            });
            return paid_until;
        }
        let begins = match self.discipline {
            Discipline::WeightedFair => paid_until,
            Discipline::RoundRobin => self.arrivals,
        };
        let again = self.turn(StreamId(turn.stream), begins);
        if let Some(mut next) = self.others.peek_mut() {
            self.current = Some(if next.0 < again {
                std::mem::replace(&mut *next, Reverse(again)).0
            } else {
                again
            });
        }
        paid_until
    }

    /// No stream has anything to send.
    pub(crate) fn clear(&mut self) {
        self.current = None;
        self.others = BinaryHeap::new();
    }

    fn turn(&mut self, stream: StreamId, begins: u64) -> Turn {
        self.arrivals += 1;
        Turn {
            begins,
            arrival: self.arrivals,
            stream: stream.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that each of three streams gets of 300 turns of 1000 bytes.
    fn shares(discipline: Discipline, weights: [u16; 3]) -> [usize; 3] {
        let mut scheduler = Scheduler::new(discipline);
        for stream in 0..3 {
            scheduler.activate(StreamId(stream), 0);
        }
        let mut sent = [0; 3];
        for _ in 0..300 {
            let stream = usize::from(scheduler.current().expect("all are active").0);
            sent[stream] += 1000;
            scheduler.end_turn(1000, weights[stream], true);
        }
        sent
    }

    #[test]
    fn round_robin_is_equal_whatever_the_weights() {
        let sent = shares(Discipline::RoundRobin, [128, 256, 1024]);
        assert_eq!(sent, [100_000; 3]);
    }

    #[test]
    fn fair_queueing_shares_by_weight() {
        let sent = shares(Discipline::WeightedFair, [128, 256, 768]);
        for (sent, weight) in sent.iter().zip([128, 256, 768]) {
            let fair = 300_000 * weight / 1152;
            assert!(sent.abs_diff(fair) <= 2_000, "{sent} for {weight}");
        }
    }

    #[test]
    fn a_stream_cannot_save_up_turns_while_it_is_silent() {
        let mut scheduler = Scheduler::new(Discipline::WeightedFair);
        scheduler.activate(StreamId(0), 0);
        for _ in 0..100 {
            scheduler.end_turn(1000, 256, true);
        }
        scheduler.activate(StreamId(1), 0);
        let mut turns = [0; 2];
        for _ in 0..20 {
            turns[usize::from(scheduler.current().expect("active").0)] += 1;
            scheduler.end_turn(1000, 256, true);
        }
        assert!(turns[0] >= 9 && turns[1] >= 9, "{turns:?}");
    }
}
