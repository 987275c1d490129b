//! Bounds of the payload formats. A peer must not choose how much memory or work it costs us; how
//! large a frame may be is the caller's number.

/// Parts of one frame: NAL units, OBUs. Encoders make a few, one for each slice or tile at most.
pub(crate) const MAX_PARTS: usize = 4_096;

/// Least room for a payload that a packetiser works with, in bytes: what descriptors take in each
/// packet must leave some for the frame.
pub(crate) const MIN_ROOM: usize = 64;

/// Bytes of a number in LEB128 (AV1 specification §4.10.5).
pub(crate) const MAX_LEB128: usize = 8;
