//! What waits for a reader: bounded, the newest wins.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use duologue_peer::Exception;

use crate::port::ENDED;

/// A queue between a task of a connection and the application. Either end may end it.
#[derive(Debug)]
pub(super) struct Queue<T> {
    limit: usize,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    dropped: u64,
    ended: bool,
    /// Who reads, and who writes: one task each.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl<T> Queue<T> {
    pub(super) fn new(limit: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            dropped: 0,
            ended: false,
            reader: None,
            writer: None,
        };
        Queue {
            limit,
            state: Mutex::new(state),
        }
    }

    /// Adds one; the oldest makes room for it. `false` at the end.
    pub(super) fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        if state.ended {
            return false;
        }
        while state.items.len() >= self.limit {
            state.items.pop_front();
            state.dropped += 1;
        }
        state.items.push_back(item);
        wake(&mut state.reader);
        true
    }

    /// How many wait to be read.
    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    pub(super) fn try_pop(&self) -> Option<T> {
        self.lock().items.pop_front()
    }

    /// What is there is still read after the end.
    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        let item = state.items.pop_front();
        if item.is_none() && !state.ended {
            register(&mut state.reader, cx);
            return Poll::Pending;
        }
        Poll::Ready(item)
    }

    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        wake(&mut state.reader);
        wake(&mut state.writer);
    }

    /// Ready once an end has ended it.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.ended {
            return Poll::Ready(());
        }
        register(&mut state.writer, cx);
        Poll::Pending
    }

    /// One that was not used for another reason than that there was no room.
    pub(super) fn count_dropped(&self) {
        self.lock().dropped += 1;
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn register(waiting: &mut Option<Waker>, cx: &Context<'_>) {
    match waiting {
        Some(known) => known.clone_from(cx.waker()),
        None => *waiting = Some(cx.waker().clone()),
    }
}

fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

/// The application's end of a queue that it fills, which ends with it.
#[derive(Debug)]
pub(super) struct Input<T>(Arc<Queue<T>>);

impl<T> Input<T> {
    pub(super) fn new(queue: Arc<Queue<T>>) -> Self {
        Input(queue)
    }

    pub(super) fn write(&self, item: T) -> Result<(), Exception> {
        match self.0.push(item) {
            true => Ok(()),
            false => Err(Exception::invalid_state(ENDED)),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl<T> Drop for Input<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}
