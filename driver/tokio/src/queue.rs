//! What other tasks hand to a session's task: a queue that wakes it once for many items, and that is
//! bounded by what they cost.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Many producers, one consumer that takes everything at once.
///
/// A producer wakes the consumer only if nobody has since it last looked, so that a thousand
/// messages sent in a row cost one wake-up. The lock is held for a push or a swap, never while a
/// packet is made.
///
/// What producers hand over cannot be refused piece by piece: one that lost a command would disagree
/// with the consumer from then on. So the queue ends as a whole when more waits than its bound.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    bound: usize,
}

/// What an item of a [`Queue`] counts against its bound.
pub(crate) trait Cost {
    /// Bytes, about.
    fn cost(&self) -> usize;
}

#[derive(Debug)]
struct State<T> {
    items: Vec<T>,
    /// What they cost.
    cost: usize,
    consumer: Consumer,
}

#[derive(Debug)]
enum Consumer {
    /// Nothing came since it last took: whoever comes next wakes it.
    Waiting(Waker),
    /// It has not said how to wake it since it last took.
    Running,
    /// Something came since it last took, and it knows.
    Notified,
    /// Gone: whatever is pushed is dropped.
    Gone,
    /// More came than there was room for: whatever is pushed is dropped, and the consumer has to go.
    Overrun,
}

/// There was more than the queue holds: the consumer has missed something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Overrun;

impl<T: Cost> Queue<T> {
    pub(crate) fn new(bound: usize) -> Self {
        let state = State {
            items: Vec::new(),
            cost: 0,
            consumer: Consumer::Running,
        };
        Queue {
            state: Mutex::new(state),
            bound,
        }
    }

    /// Adds an item. Returns whether anybody is there to take it.
    pub(crate) fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        if let Consumer::Gone | Consumer::Overrun = state.consumer {
            return false;
        }
        state.cost += item.cost();
        state.items.push(item);
        self.pushed(state)
    }

    /// Adds an item that may be lost: it is dropped when there is no room. Returns whether it was taken.
    pub(crate) fn offer(&self, item: T) -> bool {
        let mut state = self.lock();
        let cost = state.cost + item.cost();
        if matches!(state.consumer, Consumer::Gone | Consumer::Overrun) || cost > self.bound {
            return false;
        }
        state.cost = cost;
        state.items.push(item);
        Self::wake(state);
        true
    }

    /// Adds items with one lock and at most one wake-up. They are made before: their maker may use the queue itself.
    pub(crate) fn extend(&self, items: impl IntoIterator<Item = T>) -> bool {
        let mut items: Vec<T> = items.into_iter().collect();
        let cost: usize = items.iter().map(Cost::cost).sum();
        let mut state = self.lock();
        if let Consumer::Gone | Consumer::Overrun = state.consumer {
            return false;
        }
        state.cost += cost;
        state.items.append(&mut items);
        self.pushed(state)
    }

    /// Wakes the consumer, or ends the queue.
    fn pushed(&self, state: MutexGuard<'_, State<T>>) -> bool {
        if state.cost > self.bound {
            Self::overrun(state);
            return false;
        }
        Self::wake(state);
        true
    }

    /// Wakes the consumer without an item.
    pub(crate) fn notify(&self) {
        Self::wake(self.lock());
    }

    /// Moves everything into `into`, which is empty and lends its capacity to the queue.
    pub(crate) fn take(&self, into: &mut Vec<T>) -> Result<(), Overrun> {
        let mut state = self.lock();
        match state.consumer {
            Consumer::Overrun => return Err(Overrun),
            Consumer::Notified => state.consumer = Consumer::Running,
            Consumer::Waiting(_) | Consumer::Running | Consumer::Gone => {}
        }
        state.cost = 0;
        std::mem::swap(&mut state.items, into);
        Ok(())
    }

    /// Registers how to wake the consumer, unless something came since it last took. Returns
    /// whether it may wait.
    pub(crate) fn wait(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        match &state.consumer {
            Consumer::Notified | Consumer::Gone | Consumer::Overrun => return false,
            Consumer::Waiting(known) if known.will_wake(waker) => {}
            Consumer::Waiting(_) | Consumer::Running => {
                state.consumer = Consumer::Waiting(waker.clone());
            }
        }
        true
    }

    /// Drops what is queued and whatever comes.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.consumer = Consumer::Gone;
        let items = std::mem::take(&mut state.items);
        drop(state);
        drop(items);
    }

    fn overrun(mut state: MutexGuard<'_, State<T>>) {
        let before = std::mem::replace(&mut state.consumer, Consumer::Overrun);
        let items = std::mem::take(&mut state.items);
        drop(state);
        drop(items);
        if let Consumer::Waiting(waker) = before {
            waker.wake();
        }
    }

    fn wake(mut state: MutexGuard<'_, State<T>>) {
        if let Consumer::Gone | Consumer::Notified | Consumer::Overrun = state.consumer {
            return;
        }
        let before = std::mem::replace(&mut state.consumer, Consumer::Notified);
        // Outside the lock: the woken task takes it at once, on another thread.
        drop(state);
        if let Consumer::Waiting(waker) = before {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    impl Cost for u8 {
        fn cost(&self) -> usize {
            usize::from(*self)
        }
    }

    impl Cost for Arc<()> {
        fn cost(&self) -> usize {
            1
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn many_items_wake_the_consumer_once() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let queue = Queue::<u8>::new(1000);
        assert!(queue.wait(&waker));
        for _ in 0..1000 {
            assert!(queue.push(1));
        }
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let mut taken = Vec::new();
        queue.take(&mut taken).unwrap();
        assert_eq!(taken.len(), 1000);
    }

    #[test]
    fn what_makes_items_may_use_the_queue() {
        let queue = Queue::<u8>::new(1000);
        let mut made = 0;
        let items = std::iter::from_fn(|| {
            made += 1;
            (made < 4).then(|| {
                assert!(queue.push(made * 10));
                made
            })
        });
        assert!(queue.extend(items));
        let mut taken = Vec::new();
        queue.take(&mut taken).unwrap();
        assert_eq!(taken, [10, 20, 30, 1, 2, 3]);
    }

    #[test]
    fn a_consumer_does_not_wait_for_what_has_come() {
        let waker = Waker::noop();
        let queue = Queue::<u8>::new(1);
        queue.notify();
        assert!(!queue.wait(waker));
        queue.take(&mut Vec::new()).unwrap();
        assert!(queue.wait(waker));
    }

    #[test]
    fn room_is_counted_anew_when_the_consumer_has_taken() {
        let queue = Queue::<u8>::new(100);
        for _ in 0..10 {
            assert!(queue.push(100));
            queue.take(&mut Vec::new()).unwrap();
        }
    }

    #[test]
    fn a_consumer_that_takes_too_little_is_woken_to_end_and_nothing_waits_for_it() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let item = Arc::new(());
        let queue = Queue::new(2);
        assert!(queue.wait(&waker));
        let pushed = queue.extend([item.clone(), item.clone(), item.clone()]);
        assert!(!pushed);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&item), 1, "what waited is dropped");
        assert!(!queue.push(item.clone()));
        assert_eq!(queue.take(&mut Vec::new()), Err(Overrun));
        assert_eq!(Arc::strong_count(&item), 1);
    }

    #[test]
    fn what_may_be_lost_is_dropped_when_there_is_no_room() {
        let queue = Queue::<u8>::new(2);
        assert!(queue.offer(2));
        assert!(!queue.offer(1));
        let mut taken = Vec::new();
        queue.take(&mut taken).unwrap();
        assert_eq!(taken, [2]);
        assert!(queue.offer(1));
    }

    #[test]
    fn nobody_takes_items_of_a_closed_queue() {
        let item = Arc::new(());
        let queue = Queue::new(8);
        queue.push(item.clone());
        queue.close();
        assert!(!queue.push(item.clone()));
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
