use std::collections::VecDeque;

use duologue_base::Seq32;

use crate::limits::{MAX_RECEIVED_RANGES, MAX_REPORTED_DUPLICATES, MAX_TSN_SPAN};
use crate::packet::GapBlock;
use crate::tsn::Tsn;

/// What a TSN is to us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Arrival {
    New,
    Duplicate,
    /// So far ahead, or so scattered, that it could not be acknowledged.
    OutOfRange,
}

/// The TSNs received: all up to `cumulative`, and ranges beyond it.
///
/// In order it is one number; a range per gap otherwise, the newest at the back where most
/// arrivals belong.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// Before anything was received.
    origin: Tsn,
    cumulative: Tsn,
    /// Disjoint, apart from each other, ascending; both ends included.
    ranges: VecDeque<(Tsn, Tsn)>,
    duplicates: Vec<Seq32>,
}

impl Tracker {
    pub(crate) fn new(peer_initial_tsn: Seq32) -> Self {
        let origin = Tsn::initial(peer_initial_tsn).previous();
        Tracker {
            origin,
            cumulative: origin,
            ranges: VecDeque::new(),
            duplicates: Vec::new(),
        }
    }

    /// Nothing was received.
    pub(crate) fn is_fresh(&self) -> bool {
        self.cumulative == self.origin && self.ranges.is_empty()
    }

    pub(crate) fn cumulative(&self) -> Tsn {
        self.cumulative
    }

    pub(crate) fn highest(&self) -> Tsn {
        self.ranges.back().map_or(self.cumulative, |range| range.1)
    }

    pub(crate) fn has_gaps(&self) -> bool {
        !self.ranges.is_empty()
    }

    #[inline]
    pub(crate) fn classify(&self, tsn: Tsn) -> Arrival {
        // Nearly always: the next one, and nothing is missing.
        if tsn == self.cumulative.next() && self.ranges.is_empty() {
            return Arrival::New;
        }
        self.classify_out_of_order(tsn)
    }

    fn classify_out_of_order(&self, tsn: Tsn) -> Arrival {
        if tsn <= self.cumulative {
            return Arrival::Duplicate;
        }
        if tsn.since(self.cumulative) > MAX_TSN_SPAN {
            return Arrival::OutOfRange;
        }
        if tsn > self.highest() {
            return self.room_for(tsn, self.ranges.len());
        }
        let index = self.ranges.partition_point(|range| range.1 < tsn);
        match self.ranges.get(index) {
            Some(range) if range.0 <= tsn => Arrival::Duplicate,
            _ => self.room_for(tsn, index),
        }
    }

    /// Only a range of its own needs room, at `index`. What joins others makes room, above all what
    /// is missing first: refused, it would be missing for ever.
    fn room_for(&self, tsn: Tsn, index: usize) -> Arrival {
        let before = match index.checked_sub(1) {
            Some(index) => self.ranges[index].1,
            None => self.cumulative,
        };
        let joins_right = || {
            let right = self.ranges.get(index);
            right.is_some_and(|range| range.0 == tsn.next())
        };
        if self.ranges.len() < MAX_RECEIVED_RANGES || before.next() == tsn || joins_right() {
            Arrival::New
        } else {
            Arrival::OutOfRange
        }
    }

    /// Takes note of a TSN that is [`Arrival::New`].
    pub(crate) fn insert(&mut self, tsn: Tsn) {
        if tsn == self.cumulative.next() {
            self.cumulative = tsn;
            self.absorb_front();
            return;
        }
        if let Some(back) = self.ranges.back_mut()
            && back.1.next() == tsn
        {
            back.1 = tsn;
            return;
        }
        let index = self.ranges.partition_point(|range| range.1 < tsn);
        let joins_left = index > 0 && self.ranges[index - 1].1.next() == tsn;
        let joins_right = self
            .ranges
            .get(index)
            .is_some_and(|range| range.0 == tsn.next());
        match (joins_left, joins_right) {
            (true, true) => {
                self.ranges[index - 1].1 = self.ranges[index].1;
                self.ranges.remove(index);
            }
            (true, false) => self.ranges[index - 1].1 = tsn,
            (false, true) => self.ranges[index].0 = tsn,
            (false, false) => self.ranges.insert(index, (tsn, tsn)),
        }
    }

    /// Takes everything up to `tsn` as received (RFC 3758 §3.6).
    pub(crate) fn forward(&mut self, tsn: Tsn) {
        self.cumulative = self.cumulative.max(tsn);
        self.absorb_front();
    }

    fn absorb_front(&mut self) {
        while let Some(&(start, end)) = self.ranges.front()
            && start <= self.cumulative.next()
        {
            self.cumulative = self.cumulative.max(end);
            self.ranges.pop_front();
        }
    }

    pub(crate) fn note_duplicate(&mut self, tsn: Seq32) {
        if self.duplicates.len() < MAX_REPORTED_DUPLICATES {
            self.duplicates.push(tsn);
        }
    }

    /// Gap-ack blocks for a SACK, the lowest first (RFC 9260 §3.3.4).
    pub(crate) fn gap_blocks(&self) -> impl Iterator<Item = GapBlock> {
        let offset = |tsn: Tsn| u16::try_from(tsn.since(self.cumulative)).unwrap_or(u16::MAX);
        self.ranges.iter().map(move |&(start, end)| GapBlock {
            start: offset(start),
            end: offset(end),
        })
    }

    pub(crate) fn duplicates(&self) -> &[Seq32] {
        &self.duplicates
    }

    pub(crate) fn clear_duplicates(&mut self) {
        self.duplicates.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker(received: &[u64]) -> Tracker {
        let mut tracker = Tracker::new(Seq32(1));
        for &n in received {
            let tsn = Tsn::initial(Seq32(0)).plus(n);
            assert_eq!(tracker.classify(tsn), Arrival::New, "{n}");
            tracker.insert(tsn);
            assert_eq!(tracker.classify(tsn), Arrival::Duplicate, "{n}");
        }
        tracker
    }

    fn blocks(tracker: &Tracker) -> Vec<(u16, u16)> {
        tracker.gap_blocks().map(|b| (b.start, b.end)).collect()
    }

    #[test]
    fn gaps_open_grow_join_and_close() {
        assert_eq!(blocks(&tracker(&[1, 2, 4, 6])), [(2, 2), (4, 4)]);
        assert_eq!(blocks(&tracker(&[1, 2, 4, 6, 5])), [(2, 4)]);
        assert_eq!(blocks(&tracker(&[4, 3, 9, 7])), [(3, 4), (7, 7), (9, 9)]);
        let closed = tracker(&[4, 3, 2, 6, 1]);
        assert_eq!(closed.cumulative(), Tsn::initial(Seq32(4)));
        assert_eq!(blocks(&closed), [(2, 2)]);
    }

    #[test]
    fn forwarding_skips_what_is_missing() {
        let mut tracker = tracker(&[1, 3, 5, 6, 9]);
        tracker.forward(Tsn::initial(Seq32(4)));
        assert_eq!(tracker.cumulative(), Tsn::initial(Seq32(6)));
        assert_eq!(blocks(&tracker), [(3, 3)]);
    }

    #[test]
    fn what_could_not_be_acknowledged_is_out_of_range() {
        let far = Tsn::initial(Seq32(1)).plus(MAX_TSN_SPAN);
        assert_eq!(tracker(&[]).classify(far), Arrival::OutOfRange);
        let scattered: Vec<u64> = (1..=MAX_RECEIVED_RANGES as u64).map(|n| n * 2).collect();
        let odd = Tsn::initial(Seq32(0)).plus(MAX_RECEIVED_RANGES as u64 * 2 + 2);
        assert_eq!(tracker(&scattered).classify(odd), Arrival::OutOfRange);
    }

    #[test]
    fn what_closes_a_gap_is_taken_however_many_there_are() {
        let scattered: Vec<u64> = (1..=MAX_RECEIVED_RANGES as u64).map(|n| n * 3).collect();
        let mut full = tracker(&scattered);
        for n in [1, 2, 7, 8, scattered.last().expect("many") + 1] {
            let tsn = Tsn::initial(Seq32(0)).plus(n);
            assert_eq!(full.classify(tsn), Arrival::New, "{n}");
            full.insert(tsn);
        }
        assert_eq!(full.cumulative(), Tsn::initial(Seq32(3)));
    }
}
