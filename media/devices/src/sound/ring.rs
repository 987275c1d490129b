//! What a sound card's thread and ours share: samples between the two.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue of samples of all channels in turn, of a bounded length. Both sides hold its lock for a copy.
#[derive(Clone)]
pub(super) struct Ring(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    more: Condvar,
    /// Samples at most; whole frames.
    most: usize,
}

struct State {
    samples: VecDeque<f32>,
    /// Samples that were dropped, and not told of yet.
    dropped: u64,
    /// Samples that were asked for and not there.
    missed: u64,
    /// Why nothing comes or goes any more.
    failed: Option<String>,
}

/// What came.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// A whole piece, and how many samples were dropped before it.
    Piece(Vec<f32>, u64),
    /// Nothing within the time.
    Nothing,
    /// The device has gone.
    Failed(String),
}

impl Ring {
    pub(super) fn new(most: usize) -> Self {
        Ring(Arc::new(Shared {
            state: Mutex::new(State {
                samples: VecDeque::with_capacity(most),
                dropped: 0,
                missed: 0,
                failed: None,
            }),
            more: Condvar::new(),
            most,
        }))
    }

    /// Adds samples; the oldest are dropped.
    pub(super) fn push(&self, samples: impl ExactSizeIterator<Item = f32>) {
        let mut state = self.lock();
        let over = (state.samples.len() + samples.len()).saturating_sub(self.0.most);
        let old = over.min(state.samples.len());
        state.samples.drain(..old);
        state.samples.extend(samples.skip(over - old));
        state.dropped += over as u64;
        drop(state);
        self.0.more.notify_one();
    }

    /// Waits for so many samples.
    pub(super) fn take(&self, count: usize, wait: Duration) -> Taken {
        // Not under the lock, which the sound card's thread wants.
        let mut piece = Vec::with_capacity(count);
        let lacks = |state: &mut State| state.samples.len() < count && state.failed.is_none();
        let waited = self.0.more.wait_timeout_while(self.lock(), wait, lacks);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.samples.len() >= count {
            let dropped = std::mem::take(&mut state.dropped);
            piece.extend(state.samples.drain(..count));
            return Taken::Piece(piece, dropped);
        }
        match &state.failed {
            Some(why) => Taken::Failed(why.clone()),
            None => Taken::Nothing,
        }
    }

    /// So many samples at once; `false` if there were less: the rest is silence.
    pub(super) fn fill(&self, out: &mut [f32]) -> bool {
        let mut state = self.lock();
        let there = out.len().min(state.samples.len());
        state.missed += (out.len() - there) as u64;
        let (heard, silent) = out.split_at_mut(there);
        for (out, sample) in heard.iter_mut().zip(state.samples.drain(..there)) {
            *out = sample;
        }
        silent.fill(0.0);
        silent.is_empty()
    }

    /// So many samples were silence that is none of [`fill`](Self::fill).
    pub(super) fn miss(&self, samples: usize) {
        self.lock().missed += samples as u64;
    }

    pub(super) fn len(&self) -> usize {
        self.lock().samples.len()
    }

    pub(super) fn missed(&self) -> u64 {
        self.lock().missed
    }

    /// Nothing comes or goes any more.
    pub(super) fn fail(&self, why: String) {
        self.lock().failed.get_or_insert(why);
        self.0.more.notify_one();
    }

    pub(super) fn failed(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_much_the_oldest_is_dropped_and_told() {
        let ring = Ring::new(4);
        ring.push([1.0, 2.0, 3.0].into_iter());
        ring.push([4.0, 5.0, 6.0].into_iter());
        let piece = ring.take(2, Duration::ZERO);
        assert_eq!(piece, Taken::Piece(vec![3.0, 4.0], 2));
        ring.push([7.0, 8.0, 9.0, 10.0, 11.0, 12.0].into_iter());
        let piece = ring.take(4, Duration::ZERO);
        assert_eq!(piece, Taken::Piece(vec![9.0, 10.0, 11.0, 12.0], 4));
        assert_eq!(ring.take(1, Duration::ZERO), Taken::Nothing);
    }

    #[test]
    fn what_came_before_the_end_is_given_before_it() {
        let ring = Ring::new(4);
        ring.push([1.0, 2.0].into_iter());
        ring.fail("unplugged".to_owned());
        let piece = ring.take(2, Duration::ZERO);
        assert_eq!(piece, Taken::Piece(vec![1.0, 2.0], 0));
        let end = ring.take(1, Duration::ZERO);
        assert_eq!(end, Taken::Failed("unplugged".to_owned()));
    }

    #[test]
    fn what_is_not_there_in_time_is_silence_and_counted() {
        let ring = Ring::new(4);
        ring.push([1.0, 2.0].into_iter());
        let mut out = [9.0; 3];
        assert!(!ring.fill(&mut out));
        assert_eq!((out, ring.missed()), ([1.0, 2.0, 0.0], 1));
    }
}
