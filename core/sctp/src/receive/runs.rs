use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bytes::Bytes;
use duologue_base::StreamId;

use super::inbox::cost;
use super::spare::Spare;
use crate::limits::{GUESSED_BYTES, GUESSED_RUNS};
use crate::packet::Fragment;
use crate::{Message, Ppid};

/// Where a fragment belongs: fragments of one message have consecutive numbers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    /// What numbers are counted in: everything for the TSNs of DATA, a stream's ordered or unordered
    /// messages for I-DATA.
    pub(super) lane: u32,
    /// The TSN, or MID and FSN.
    pub(super) number: u64,
}

/// One fragment of a message of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) place: Place,
    pub(super) fragment: Fragment,
    pub(super) stream: StreamId,
    pub(super) sequence: u32,
    pub(super) unordered: bool,
    pub(super) ppid: Ppid,
    pub(super) payload: &'a [u8],
}

/// Consecutive fragments of one message, put together.
#[derive(Debug)]
pub(super) struct Run {
    /// The number that continues it.
    next: u64,
    fragment: Fragment,
    pub(super) stream: StreamId,
    pub(super) sequence: u32,
    unordered: bool,
    ppid: Ppid,
    /// Its bytes, behind room for some that come before them.
    data: Vec<u8>,
    head: usize,
}

/// What adding a fragment led to.
#[derive(Debug)]
pub(super) enum Added {
    /// The message is still incomplete; so many of its bytes are in one piece.
    Pending(usize),
    Whole(Run),
}

/// Runs of fragments that are no whole messages yet, by the place of their first.
///
/// Fragments in order extend the last run: one copy and no search. A loss starts a second run; the
/// retransmission joins the two. In whatever order fragments come, what each costs grows with the
/// logarithm of what is there.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: BTreeMap<Place, Run>,
    cost: usize,
    /// Bytes of the last message completed: a guess for the next one.
    expected: usize,
}

impl Runs {
    /// Adds a fragment.
    pub(super) fn add(&mut self, piece: &Piece<'_>, spare: &mut Spare) -> Added {
        if let Some(mut last) = self.runs.last_entry()
            && last.get().is_continued_by(piece)
        {
            let run = last.get_mut();
            run.append(piece.fragment, piece.payload);
            self.cost += piece.payload.len();
            if !run.is_whole() {
                return Added::Pending(run.len());
            }
            let run = last.remove();
            return self.whole(run);
        }
        let Some(first) = self.join(piece, spare) else {
            // Overlaps: no correct peer numbers fragments like that.
            return Added::Pending(0);
        };
        match self.runs.get(&first) {
            Some(run) if !run.is_whole() => Added::Pending(run.len()),
            _ => match self.runs.remove(&first) {
                Some(run) => self.whole(run),
                None => Added::Pending(0),
            },
        }
    }

    fn whole(&mut self, run: Run) -> Added {
        self.cost -= cost(run.len());
        self.expected = run.len();
        Added::Whole(run)
    }

    /// Puts a fragment to those before and after it. Returns where their run begins.
    fn join(&mut self, piece: &Piece<'_>, spare: &mut Spare) -> Option<Place> {
        let place = piece.place;
        let after = Place {
            number: place.number + 1,
            ..place
        };
        let left = self.runs.range(..=place).next_back();
        let left = left.filter(|(first, _)| first.lane == place.lane);
        if left.is_some_and(|(_, run)| run.next > place.number) {
            return None;
        }

        let left = left
            .filter(|(_, run)| run.is_continued_by(piece))
            .map(|(&first, _)| first);
        let continues = |run: &Run| run.continues(piece);
        let joins_right = self.runs.get(&after).is_some_and(continues);
        let right = joins_right.then(|| self.runs.remove(&after)).flatten();
        self.cost += piece.payload.len();
        if let Some(first) = left
            && let Some(run) = self.runs.get_mut(&first)
        {
            run.append(piece.fragment, piece.payload);
            if let Some(right) = right {
                self.cost -= cost(0);
                run.append_run(right);
            }
            return Some(first);
        }

        let run = match right {
            Some(mut run) => {
                run.prepend(piece.payload);
                run.ppid = piece.ppid;
                run.fragment.begin |= piece.fragment.begin;
                run
            }
            None => {
                self.cost += cost(0);
                self.begin(piece, spare)
            }
        };
        self.runs.insert(place, run);
        Some(place)
    }

    fn begin(&self, piece: &Piece<'_>, spare: &mut Spare) -> Run {
        // A guess is not counted, so that there are few.
        let guess = match self.runs.len() {
            0 => self.expected,
            1..GUESSED_RUNS => self.expected.min(GUESSED_BYTES),
            _ => 0,
        };
        let mut data = if guess > 0 && piece.fragment.begin {
            spare.take(guess.max(piece.payload.len()))
        } else {
            Vec::with_capacity(piece.payload.len())
        };
        data.extend_from_slice(piece.payload);
        Run {
            next: piece.place.number + 1,
            fragment: piece.fragment,
            stream: piece.stream,
            sequence: piece.sequence,
            unordered: piece.unordered,
            ppid: piece.ppid,
            data,
            head: 0,
        }
    }

    /// Drops the runs that begin in a range.
    pub(super) fn drop_range(&mut self, range: RangeInclusive<Place>) {
        while let Some((&first, _)) = self.runs.range(range.clone()).next() {
            if let Some(run) = self.runs.remove(&first) {
                self.cost -= cost(run.len());
            }
        }
    }

    /// Drops the runs of streams, which ascend.
    pub(super) fn drop_streams(&mut self, streams: &[StreamId]) {
        let mut dropped = 0;
        self.runs.retain(|_, run| {
            let stays = streams.binary_search(&run.stream).is_err();
            dropped += if stays { 0 } else { cost(run.len()) };
            stays
        });
        self.cost -= dropped;
    }

    /// What the runs count against the window.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }
}

impl Run {
    fn is_whole(&self) -> bool {
        self.fragment.begin && self.fragment.end
    }

    fn is_continued_by(&self, piece: &Piece<'_>) -> bool {
        self.next == piece.place.number
            && !self.fragment.end
            && !piece.fragment.begin
            && self.is_same_message(piece)
    }

    /// For the run that begins behind the piece.
    fn continues(&self, piece: &Piece<'_>) -> bool {
        !self.fragment.begin && !piece.fragment.end && self.is_same_message(piece)
    }

    fn is_same_message(&self, piece: &Piece<'_>) -> bool {
        self.stream == piece.stream
            && self.sequence == piece.sequence
            && self.unordered == piece.unordered
    }

    fn append(&mut self, fragment: Fragment, payload: &[u8]) {
        self.extend(payload);
        self.fragment.end |= fragment.end;
        self.next += 1;
    }

    /// Joins the run behind this one. The shorter one is copied.
    fn append_run(&mut self, mut right: Run) {
        self.fragment.end |= right.fragment.end;
        self.next = right.next;
        if right.len() > self.len() {
            right.prepend(self.bytes());
            (self.data, self.head) = (right.data, right.head);
        } else {
            self.extend(right.bytes());
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        if self.data.capacity() - self.data.len() < bytes.len() {
            // By half and not by a whole: a peer may leave it like that.
            self.data.reserve_exact(bytes.len().max(self.len() / 2));
        }
        self.data.extend_from_slice(bytes);
    }

    fn prepend(&mut self, bytes: &[u8]) {
        if self.head < bytes.len() {
            let head = bytes.len().max(self.len() / 2);
            let mut data = Vec::with_capacity(head + self.len());
            data.resize(head, 0);
            data.extend_from_slice(self.bytes());
            (self.data, self.head) = (data, head);
        }
        self.head -= bytes.len();
        self.data[self.head..][..bytes.len()].copy_from_slice(bytes);
    }

    fn bytes(&self) -> &[u8] {
        &self.data[self.head..]
    }

    pub(super) fn len(&self) -> usize {
        self.data.len() - self.head
    }

    pub(super) fn into_message(mut self) -> Message {
        if self.head > 0 {
            self.data.drain(..self.head);
        }
        if self.data.capacity() / 2 > self.data.len() {
            self.data.shrink_to_fit();
        }
        Message {
            stream: self.stream,
            ppid: self.ppid,
            data: Bytes::from(self.data),
            unordered: self.unordered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"abcdefgh";

    fn piece(index: usize) -> Piece<'static> {
        Piece {
            place: Place {
                lane: 0,
                number: 100 + index as u64,
            },
            fragment: Fragment {
                begin: index == 0,
                end: index + 1 == MESSAGE.len(),
            },
            stream: StreamId(1),
            sequence: 7,
            unordered: false,
            ppid: Ppid(if index == 0 { 51 } else { 0 }),
            payload: &MESSAGE[index..=index],
        }
    }

    #[test]
    fn a_message_comes_together_in_any_order() {
        for seed in 0..200 {
            let mut rng = duologue_base::Rng::from_u64(seed);
            let mut order: Vec<usize> = (0..MESSAGE.len()).collect();
            for i in (1..order.len()).rev() {
                order.swap(i, rng.below(i as u32 + 1) as usize);
            }
            let mut runs = Runs::default();
            let (last, others) = order.split_last().expect("not empty");
            for &index in others {
                assert!(matches!(
                    runs.add(&piece(index), &mut Spare::new(0)),
                    Added::Pending(_)
                ));
            }
            let Added::Whole(run) = runs.add(&piece(*last), &mut Spare::new(0)) else {
                panic!("incomplete");
            };
            let message = run.into_message();
            assert_eq!((&message.data[..], message.ppid), (MESSAGE, Ppid(51)));
            assert_eq!(runs.cost(), 0);
        }
    }

    #[test]
    fn fragments_of_different_messages_do_not_join() {
        let mut runs = Runs::default();
        assert!(matches!(
            runs.add(&piece(0), &mut Spare::new(0)),
            Added::Pending(1)
        ));
        let stranger = Piece {
            sequence: 8,
            ..piece(1)
        };
        assert!(matches!(
            runs.add(&stranger, &mut Spare::new(0)),
            Added::Pending(1)
        ));
        assert_eq!(runs.runs.len(), 2);
        // The same key again is dropped.
        assert!(matches!(
            runs.add(&piece(1), &mut Spare::new(0)),
            Added::Pending(0)
        ));
        assert_eq!(runs.runs.len(), 2);
    }
}
