//! Every bound of this crate.

/// Channel reports that wait for JavaScript; beyond it the session's receive window closes.
pub(crate) const MAX_WAITING_REPORTS: usize = 4_096;

/// Bytes of messages that wait for JavaScript.
pub(crate) const MAX_WAITING_BYTES: usize = 4 << 20;

/// Messages that JavaScript takes at a time; timers and sockets have their turn between two
/// batches.
pub(crate) const MAX_BATCH: usize = 64;

/// Threads of the runtime.
pub(crate) const MAX_THREADS: usize = 4;

/// Bytes of a message up to which it is copied into an `ArrayBuffer`.
pub(crate) const MAX_COPIED_BYTES: usize = 4_096;
