use std::collections::VecDeque;

use bytes::Bytes;
use duologue_base::StreamId;

use super::inbox::cost;
use super::spare::Spare;
use crate::packet::Fragment;
use crate::{Message, Ppid};

/// One fragment of a message of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// Fragments of one message have consecutive keys: TSNs of DATA, (MID, FSN) of I-DATA.
    pub(super) key: u64,
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
    first: u64,
    /// The key that continues it.
    next: u64,
    fragment: Fragment,
    pub(super) stream: StreamId,
    pub(super) sequence: u32,
    unordered: bool,
    ppid: Ppid,
    data: Vec<u8>,
}

/// What adding a fragment led to.
#[derive(Debug)]
pub(super) enum Added {
    /// The message is still incomplete; so many of its bytes are in one piece.
    Pending(usize),
    Whole(Run),
}

/// Runs of fragments that are no whole messages yet, ascending by key.
///
/// Fragments in order extend the last run: one copy and no search. A loss starts a second run; the
/// retransmission joins the two.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
    cost: usize,
    /// Bytes of the last message completed: a guess for the next one.
    expected: usize,
}

impl Runs {
    /// Adds a fragment.
    pub(super) fn add(&mut self, piece: &Piece<'_>, spare: &mut Spare) -> Added {
        let index = match self.runs.back() {
            Some(back) if piece.key < back.first => {
                self.runs.partition_point(|run| run.first <= piece.key)
            }
            _ => self.runs.len(),
        };
        if index > 0 && self.runs[index - 1].next > piece.key {
            // Overlaps: no correct peer numbers fragments like that.
            return Added::Pending(0);
        }
        let joins_left = index > 0 && self.runs[index - 1].is_continued_by(piece);
        let joins_right = self.runs.get(index).is_some_and(|run| run.continues(piece));
        let index = if joins_left {
            self.runs[index - 1].append(piece.fragment, piece.payload);
            self.cost += piece.payload.len();
            if joins_right && let Some(right) = self.runs.remove(index) {
                self.cost -= cost(0);
                self.runs[index - 1].append_run(&right);
            }
            index - 1
        } else if joins_right {
            self.runs[index].prepend(piece);
            self.cost += piece.payload.len();
            index
        } else {
            self.insert(index, piece, spare);
            index
        };
        let len = self.runs[index].len();
        if !self.runs[index].is_whole() {
            return Added::Pending(len);
        }
        let Some(run) = self.runs.remove(index) else {
            return Added::Pending(len);
        };
        self.cost -= cost(len);
        self.expected = len;
        Added::Whole(run)
    }

    fn insert(&mut self, index: usize, piece: &Piece<'_>, spare: &mut Spare) {
        // The guess is for one run at a time, or a peer could make us reserve without end.
        let mut data = if self.runs.is_empty() && piece.fragment.begin {
            spare.take(self.expected.max(piece.payload.len()))
        } else {
            Vec::with_capacity(piece.payload.len())
        };
        data.extend_from_slice(piece.payload);
        self.cost += cost(data.len());
        let run = Run {
            first: piece.key,
            next: piece.key + 1,
            fragment: piece.fragment,
            stream: piece.stream,
            sequence: piece.sequence,
            unordered: piece.unordered,
            ppid: piece.ppid,
            data,
        };
        self.runs.insert(index, run);
    }

    /// Drops the runs that begin at `key` or before.
    pub(super) fn drop_through(&mut self, key: u64) {
        while self.runs.front().is_some_and(|run| run.first <= key)
            && let Some(run) = self.runs.pop_front()
        {
            self.cost -= cost(run.len());
        }
    }

    /// Drops the runs of a stream.
    pub(super) fn drop_stream(&mut self, stream: StreamId) {
        self.runs.retain(|run| run.stream != stream);
        self.cost = self.runs.iter().map(|run| cost(run.len())).sum();
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
        self.next == piece.key
            && !self.fragment.end
            && !piece.fragment.begin
            && self.is_same_message(piece)
    }

    fn continues(&self, piece: &Piece<'_>) -> bool {
        self.first == piece.key + 1
            && !self.fragment.begin
            && !piece.fragment.end
            && self.is_same_message(piece)
    }

    fn is_same_message(&self, piece: &Piece<'_>) -> bool {
        self.stream == piece.stream
            && self.sequence == piece.sequence
            && self.unordered == piece.unordered
    }

    fn append(&mut self, fragment: Fragment, payload: &[u8]) {
        self.data.extend_from_slice(payload);
        self.fragment.end |= fragment.end;
        self.next += 1;
    }

    fn append_run(&mut self, right: &Run) {
        self.data.extend_from_slice(&right.data);
        self.fragment.end |= right.fragment.end;
        self.next = right.next;
    }

    fn prepend(&mut self, piece: &Piece<'_>) {
        let mut data = Vec::with_capacity(piece.payload.len() + self.data.len());
        data.extend_from_slice(piece.payload);
        data.extend_from_slice(&self.data);
        self.data = data;
        self.first = piece.key;
        self.ppid = piece.ppid;
        self.fragment.begin |= piece.fragment.begin;
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    pub(super) fn into_message(mut self) -> Message {
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
            key: 100 + index as u64,
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
