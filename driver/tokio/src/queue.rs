//! What other tasks hand to a session's task: a queue that wakes it once for many items.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Many producers, one consumer that takes everything at once.
///
/// A producer wakes the consumer only if nobody has since it last looked, so that a thousand
/// messages sent in a row cost one wake-up. The lock is held for a push or a swap, never while a
/// packet is made.
#[derive(Debug)]
pub(crate) struct Queue<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    items: Vec<T>,
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
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Queue(Mutex::new(State {
            items: Vec::new(),
            consumer: Consumer::Running,
        }))
    }

    /// Adds an item. Returns whether anybody is there to take it.
    pub(crate) fn push(&self, item: T) -> bool {
        self.extend(std::iter::once(item))
    }

    /// Adds items with one lock and at most one wake-up.
    pub(crate) fn extend(&self, items: impl IntoIterator<Item = T>) -> bool {
        let mut state = self.lock();
        if let Consumer::Gone = state.consumer {
            return false;
        }
        state.items.extend(items);
        Self::wake(state);
        true
    }

    /// Wakes the consumer without an item.
    pub(crate) fn notify(&self) {
        Self::wake(self.lock());
    }

    /// Moves everything into `into`, which is empty and lends its capacity to the queue.
    pub(crate) fn take(&self, into: &mut Vec<T>) {
        let mut state = self.lock();
        if let Consumer::Notified = state.consumer {
            state.consumer = Consumer::Running;
        }
        std::mem::swap(&mut state.items, into);
    }

    /// Registers how to wake the consumer, unless something came since it last took. Returns
    /// whether it may wait.
    pub(crate) fn wait(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        match &state.consumer {
            Consumer::Notified | Consumer::Gone => return false,
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

    fn wake(mut state: MutexGuard<'_, State<T>>) {
        if let Consumer::Gone | Consumer::Notified = state.consumer {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

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
        let queue = Queue::new();
        assert!(queue.wait(&waker));
        for item in 0..1000 {
            assert!(queue.push(item));
        }
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let mut taken = Vec::new();
        queue.take(&mut taken);
        assert_eq!(taken.len(), 1000);
    }

    #[test]
    fn a_consumer_does_not_wait_for_what_has_come() {
        let waker = Waker::noop();
        let queue = Queue::<u8>::new();
        queue.notify();
        assert!(!queue.wait(waker));
        queue.take(&mut Vec::new());
        assert!(queue.wait(waker));
    }

    #[test]
    fn nobody_takes_items_of_a_closed_queue() {
        let item = Arc::new(());
        let queue = Queue::new();
        queue.push(item.clone());
        queue.close();
        assert!(!queue.push(item.clone()));
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
