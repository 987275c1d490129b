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

/// Encoded frames that wait for one reader, or for one transform.
pub(crate) const MAX_FRAMES: usize = 256;

/// Bytes of them; a larger frame waits alone.
pub(crate) const MAX_FRAME_BYTES: usize = 4 << 20;

/// RTP packets that wait for one reader.
pub(crate) const MAX_PACKETS: usize = 1_024;

/// Bytes of them.
pub(crate) const MAX_PACKET_BYTES: usize = 2 << 20;

/// Of frames or packets that wait, those that share pieces of memory with others, as they come from
/// the session: a piece of 64 KiB lives as long as any packet in it. Further ones are copied.
pub(crate) const ITEMS_IN_SHARED_MEMORY: usize = 64;

/// Frames that one frame needs: what a dependency descriptor can tell.
pub(crate) const MAX_DEPENDENCIES: usize = 8;

/// Contributing sources of a frame or packet: what its header counts (RFC 3550 §5.1).
pub(crate) const MAX_CONTRIBUTORS: usize = 15;

/// Frames and packets that one sender was given and that have not left.
pub(crate) const MAX_OUTGOING: usize = 1_024;

/// Bytes of them.
pub(crate) const MAX_OUTGOING_BYTES: usize = 2 << 20;

/// Frames or packets that JavaScript takes at a time.
pub(crate) const MAX_TAKEN: usize = 64;

/// Bytes of them, unless the first one is larger.
pub(crate) const MAX_TAKEN_BYTES: usize = 1 << 20;

/// Frames of a device that wait for JavaScript, beside those that wait in the device's track.
pub(crate) const WAITING_FRAMES: usize = 1;

/// Events of a device, or of the list of devices, that wait for JavaScript.
pub(crate) const WAITING_EVENTS: usize = 16;

/// Encodings of one sender that a key frame is wanted of; the core has no more.
pub(crate) const MAX_KEY_FRAME_REQUESTS: usize = 64;
