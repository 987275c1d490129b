//! Every bound of this crate: the remote end must not choose how much memory a description takes.

/// Longest description accepted, in bytes. A conference of 300 media sections has about 1.5 MB.
pub const MAX_DESCRIPTION_BYTES: usize = 4 << 20;

/// Longest line accepted, in bytes: an identity assertion is the longest that occurs.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// Most lines in a description.
pub const MAX_LINES: usize = 100_000;

/// Most media sections in a description.
pub const MAX_MEDIA_SECTIONS: usize = 2_000;

/// Most formats on one `m=` line. There are 128 RTP payload types.
pub const MAX_FORMATS: usize = 256;

/// Most candidates in one media section.
pub const MAX_CANDIDATES: usize = 1_000;

/// Most extension attributes of one candidate.
pub const MAX_CANDIDATE_EXTENSIONS: usize = 32;

/// Most items of a list inside one attribute: mids of a group, options, SSRCs, restrictions.
pub const MAX_ITEMS: usize = 4_096;
