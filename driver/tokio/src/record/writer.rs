use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::limits::RECORDS_WAITING;

/// A file that a thread writes, entry by entry. Dropping it waits until all are written.
pub(super) struct Writer<T> {
    entries: Option<SyncSender<T>>,
    lost: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

/// What an entry becomes.
pub(super) trait Format<T>: Send + 'static {
    fn write(&mut self, entry: T) -> io::Result<()>;

    fn flush(&mut self) -> io::Result<()>;
}

impl<T: Send + 'static> Writer<T> {
    pub(super) fn start(name: &str, format: impl Format<T>) -> io::Result<Self> {
        let (entries, waiting) = sync_channel(RECORDS_WAITING);
        let thread = std::thread::Builder::new().name(name.to_owned());
        let thread = thread.spawn(move || {
            if let Err(error) = write_all(&waiting, format) {
                tracing::warn!(%error, "a record cannot be written any more");
            }
        })?;
        Ok(Writer {
            entries: Some(entries),
            lost: AtomicU64::new(0),
            thread: Some(thread),
        })
    }

    /// Hands an entry over; without room it is lost and counted.
    pub(super) fn write(&self, entry: T) {
        let taken = self.entries.as_ref().map(|entries| entries.try_send(entry));
        if !matches!(taken, Some(Ok(()))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// What has come is flushed whenever nothing waits: a file can be read while it grows.
fn write_all<T>(waiting: &Receiver<T>, mut format: impl Format<T>) -> io::Result<()> {
    while let Ok(first) = waiting.recv() {
        format.write(first)?;
        for entry in waiting.try_iter() {
            format.write(entry)?;
        }
        format.flush()?;
    }
    Ok(())
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        self.entries = None;
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and if it did there would be nothing more to write.
            let _ = thread.join();
        }
    }
}
