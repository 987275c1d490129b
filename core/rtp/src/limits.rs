//! Every bound of the crate. A peer must not choose how much memory or work it costs us.

/// Elements beside the known ones that one header is written with.
pub(crate) const MAX_OTHER_ELEMENTS: usize = 16;

/// Entries of one NACK, each a sequence number with a mask of the next sixteen: a thousand bytes.
pub(crate) const MAX_NACK_ENTRIES: usize = 250;

/// Answers to receivers' reference times in one extended report.
pub(crate) const MAX_DLRR_ENTRIES: usize = 64;

/// Packets that the report of one stream in a congestion control feedback tells of (RFC 8888 §3.1).
pub(crate) const MAX_METRICS: usize = 16_384;
