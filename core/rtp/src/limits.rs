//! Every bound of the crate. A peer must not choose how much memory or work it costs us.

/// Elements beside the known ones that one header is written with.
pub(crate) const MAX_OTHER_ELEMENTS: usize = 16;

/// Entries of one NACK, each a sequence number with a mask of the next sixteen: a thousand bytes.
pub(crate) const MAX_NACK_ENTRIES: usize = 250;

/// Answers to receivers' reference times in one extended report.
pub(crate) const MAX_DLRR_ENTRIES: usize = 64;

/// Packets that the report of one stream in a congestion control feedback tells of (RFC 8888 §3.1).
pub(crate) const MAX_METRICS: usize = 16_384;

/// Parts of one frame: NAL units, OBUs. Encoders make a few, one for each slice or tile at most.
pub(crate) const MAX_PARTS: usize = 4_096;

/// Least room for a payload that a packetiser works with, in bytes: what descriptors take in each
/// packet must leave some for the frame.
pub(crate) const MIN_ROOM: usize = 64;

/// Parameter sets read from one line of a description.
pub(crate) const MAX_PARAMETER_SETS: usize = 64;
