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

/// NAL units before a picture's first slice that are compared with parameter sets behind it.
pub(crate) const LEADING_UNITS: usize = 16;

/// Least room for a payload that a packetiser works with, in bytes: what descriptors take in each
/// packet must leave some for the frame.
pub(crate) const MIN_ROOM: usize = 64;

/// Parameter sets of one codec that a description has. Encoders have two or three.
pub(crate) const MAX_PARAMETER_SETS: usize = 64;

/// Bytes of them: encoders' have some hundred.
pub(crate) const MAX_PARAMETER_SET_BYTES: usize = 8 << 10;

/// Redundant blocks in one payload of RED: what fits into half a second of audio.
pub(crate) const MAX_RED_DEPTH: usize = 9;

/// Templates of a dependency structure: their ids have six bits.
pub(crate) const MAX_TEMPLATES: usize = 64;

/// Decode targets of a dependency structure, and its chains.
pub(crate) const MAX_DECODE_TARGETS: usize = 32;
pub(crate) const MAX_CHAINS: usize = MAX_DECODE_TARGETS;

/// Frames that one frame depends on: AV1 has seven references, and one is spare.
pub(crate) const MAX_FRAME_DIFFS: usize = 8;

/// Spatial layers of all streams of a simulcast: four of four.
pub(crate) const MAX_ALLOCATED_LAYERS: usize = 16;
