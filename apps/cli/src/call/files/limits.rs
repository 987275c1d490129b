//! Every bound of files that come and go.

use std::time::Duration;

/// Bytes of each message that carries a file: what every peer takes.
pub(super) const CHUNK: usize = 64 * 1024;
/// Chunks that wait between the disk and the network.
pub(super) const CHUNKS: usize = 16;
/// Bytes of a word of the other end.
pub(super) const WORD_BYTES: usize = 16 * 1024;
/// The longest name of a file, in bytes: with what a part adds it is below the 255 of file systems.
pub(super) const NAME_BYTES: usize = 180;
/// Files of one call that are kept.
pub(super) const FILES: usize = 10_000;
/// Other names that are tried for a file whose name is taken.
pub(super) const NAMES: usize = 1_000;
/// The sender is told at least so often, in bytes, what has arrived, …
pub(super) const TELL_BYTES: u64 = 1 << 20;
/// … and in time.
pub(super) const TELL_TIME: Duration = Duration::from_millis(100);
/// How long the other end may say nothing to an offer. What it has of the file already it reads first, and says so.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// Characters of a reason of the other end's.
pub(super) const TOLD: usize = 200;
