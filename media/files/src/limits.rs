//! Bounds of what a file can make a reader hold, and of what a writer holds back.

use std::time::Duration;

/// Bytes of one frame. A file with a larger one is not read on.
pub const FRAME_BYTES: usize = 8 << 20;

/// Bytes of the index of an MP4 file (`moov`), or of one of its fragments.
pub const INDEX_BYTES: usize = 64 << 20;

/// Samples that a fragment of MP4 may claim without a byte for each.
pub(crate) const SAMPLES_WITHOUT_BYTES: u64 = 1 << 16;

/// Bytes of what a WebM file says of one track.
pub const TRACK_BYTES: usize = 1 << 20;

/// Tracks of a file that are looked at.
pub const TRACKS: usize = 16;

/// Packets of Ogg that are looked at for the beginning of a stream of Opus, and bytes of one packet
/// with the pages around it.
pub(crate) const OGG_HEADERS: usize = 64;
pub(crate) const OGG_PACKET_BYTES: usize = FRAME_BYTES + (1 << 20);

/// How much a fragment of MP4 holds before it is written.
pub(crate) const FRAGMENT_TIME: Duration = Duration::from_secs(1);
pub(crate) const FRAGMENT_BYTES: usize = 4 << 20;

/// How much a page of Ogg holds before it is written.
pub(crate) const PAGE_TIME: Duration = Duration::from_secs(1);

/// How long a cluster of WebM is at most: its blocks say their times in 16 bits of milliseconds.
pub(crate) const CLUSTER_TIME: Duration = Duration::from_secs(20);

/// How much longer or shorter the step of a stream's time stamps may be than the one by which the frames
/// arrived before they are taken for those of another source.
pub(crate) const TIME_STAMP_DRIFT: Duration = Duration::from_secs(3);

/// How late frames may come that go on where those before ended, and how long before that is taken for how it is: a
/// network that stalled gives them faster then than they were made.
pub(crate) const LATEST: Duration = Duration::from_secs(15);
pub(crate) const LATE_PATIENCE: Duration = Duration::from_secs(1);

/// How far a stream's times may be from those at which its frames arrive before they are brought nearer, and how long
/// that takes: networks delay frames, and clocks are off by some parts of a million.
pub(crate) const FOLLOWED_DRIFT: Duration = Duration::from_millis(100);
pub(crate) const FOLLOWED_WITHIN: Duration = Duration::from_secs(60);

/// The latest time of a frame: a hundred years. Containers count in nanoseconds, and from 1970 at
/// times.
pub const FRAME_TIME: Duration = Duration::from_secs(100 * 365 * 86_400);
