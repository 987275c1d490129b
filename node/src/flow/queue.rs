//! What waits for one reader.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use super::hub::{Listener, Waiters, lock};
use crate::limits::ITEMS_IN_SHARED_MEMORY;

/// What a queue holds.
pub(super) trait Item {
    /// How many wait.
    const LIMIT: usize;

    /// And how many bytes of them; a larger one waits alone.
    const LIMIT_BYTES: usize;

    fn payload(&mut self) -> &mut Bytes;

    fn len(&self) -> usize;
}

/// What waits for one reader, whichever thread it is in.
pub(super) struct Queue<T>(Mutex<Waiting<T>>);

struct Waiting<T> {
    items: VecDeque<T>,
    bytes: usize,
    dropped: u64,
    /// Nothing comes any more.
    ended: bool,
    reader: Reader,
    /// Writers that found it full.
    writers: Waiters,
}

enum Reader {
    /// It is still to come.
    Expected,
    /// It is told of what comes next.
    Waits(Listener),
    /// It knows that there is something.
    Told(Listener),
    Gone,
}

/// A batch that was taken.
pub(super) struct Taken<T> {
    pub(super) items: Vec<T>,
    /// Nothing follows.
    pub(super) ended: bool,
}

impl<T: Item> Queue<T> {
    pub(super) fn new() -> Self {
        Queue(Mutex::new(Waiting {
            items: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            ended: false,
            reader: Reader::Expected,
            writers: Waiters::default(),
        }))
    }

    /// From now on somebody reads.
    pub(super) fn set_reader(&self, reader: Listener) {
        let mut waiting = self.lock();
        // What came before it is told at once.
        if !waiting.items.is_empty() || waiting.ended {
            reader.notify();
        }
        waiting.reader = Reader::Waits(reader);
    }

    /// Nobody reads any more: what waits is dropped, and all that comes.
    pub(super) fn remove_reader(&self) {
        let mut waiting = self.lock();
        waiting.reader = Reader::Gone;
        waiting.items = VecDeque::new();
        waiting.bytes = 0;
        waiting.writers.notify();
    }

    /// What is not read in time makes room for what is newer.
    pub(super) fn push(&self, items: impl IntoIterator<Item = T>) {
        let mut waiting = self.lock();
        for item in items {
            waiting.push(item);
        }
        waiting.notify_reader();
    }

    /// Takes as many from the front of `items` as there is room for. Who reads no more takes all.
    pub(super) fn offer(&self, items: &mut VecDeque<T>, writer: &Listener) {
        let mut waiting = self.lock();
        if waiting.refuses() {
            waiting.dropped += items.len() as u64;
            items.clear();
            return;
        }
        while waiting.has_room() {
            let Some(item) = items.pop_front() else {
                break;
            };
            waiting.push(item);
        }
        waiting.notify_reader();
        if !waiting.has_room() {
            waiting.writers.add(writer);
        }
    }

    /// Whether there is room; if not, the writer is told when there is.
    pub(super) fn has_room(&self, writer: &Listener) -> bool {
        let mut waiting = self.lock();
        let room = waiting.refuses() || waiting.has_room();
        if !room {
            waiting.writers.add(writer);
        }
        room
    }

    /// The oldest ones, at most so many and so many bytes, if there is one.
    pub(super) fn take(&self, limit: usize, limit_bytes: usize) -> Taken<T> {
        let mut waiting = self.lock();
        let mut items = Vec::with_capacity(limit.min(waiting.items.len()));
        let mut bytes = 0;
        while items.len() < limit
            && let Some(next) = waiting.items.front()
            && (items.is_empty() || bytes + next.len() <= limit_bytes)
            && let Some(item) = waiting.items.pop_front()
        {
            bytes += item.len();
            items.push(item);
        }
        waiting.bytes -= bytes;
        waiting.listen();
        if waiting.items.len() <= T::LIMIT / 2 && waiting.bytes <= T::LIMIT_BYTES / 2 {
            waiting.writers.notify();
        }
        Taken {
            items,
            ended: waiting.ended && waiting.items.is_empty(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// What waits can be read still; nothing follows it.
    pub(super) fn end(&self) {
        let mut waiting = self.lock();
        waiting.ended = true;
        if let Reader::Waits(reader) = &waiting.reader {
            reader.notify();
        }
        waiting.writers.notify();
    }

    /// Writers look again whether there is room, and where.
    pub(super) fn notify_writers(&self) {
        self.lock().writers.notify();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        lock(&self.0)
    }
}

impl<T: Item> Waiting<T> {
    fn refuses(&self) -> bool {
        self.ended || matches!(self.reader, Reader::Gone)
    }

    fn has_room(&self) -> bool {
        self.items.len() < T::LIMIT && self.bytes < T::LIMIT_BYTES
    }

    fn push(&mut self, mut item: T) {
        if self.refuses() {
            self.dropped += 1;
            return;
        }
        if self.items.len() >= ITEMS_IN_SHARED_MEMORY {
            // It may wait for long, and would keep what it shares its memory with.
            let payload = item.payload();
            *payload = Bytes::copy_from_slice(payload);
        }
        let bytes = item.len();
        while self.items.len() >= T::LIMIT || self.bytes + bytes > T::LIMIT_BYTES {
            let Some(oldest) = self.items.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
            self.dropped += 1;
        }
        self.bytes += bytes;
        self.items.push_back(item);
    }

    fn notify_reader(&mut self) {
        if let Reader::Waits(reader) = &self.reader
            && !self.items.is_empty()
        {
            reader.notify();
            self.reader = Reader::Told(reader.clone());
        }
    }

    /// Who has taken all is told of what comes next.
    fn listen(&mut self) {
        if let Reader::Told(reader) = &self.reader
            && self.items.is_empty()
        {
            self.reader = Reader::Waits(reader.clone());
        }
    }
}
