//! Every bound of the crate, so that the other end cannot choose how much memory is used. The
//! text of a description is bounded by `duologue_sdp::limits`.

/// M-sections of a description. Browsers become unusable well before.
pub const MAX_SECTIONS: usize = 1024;

/// Sources of an m-section that the other end announces. Old conference servers put each
/// participant's into one section.
pub const MAX_SOURCES: usize = 256;

/// Streams that the track of an m-section is in: one for each source at most.
pub const MAX_STREAMS: usize = MAX_SOURCES;

/// `a=rid` lines of an m-section, and layers of a direction. Browsers send three.
pub const MAX_RIDS: usize = 64;

/// Header extensions of an m-section, with those of the session level. Browsers offer about twenty.
pub const MAX_EXTENSIONS: usize = 64;

/// Bytes of a header extension's URI; one that is longer is none that anybody knows.
pub const MAX_URI_BYTES: usize = 256;

/// Kinds of feedback for a format; lines for `*` count for each format.
pub const MAX_FEEDBACK: usize = 16;

/// Bytes of the words of a kind of feedback.
pub const MAX_FEEDBACK_BYTES: usize = 64;

/// Fingerprints of an m-section: one for each hash function of a few certificates.
pub const MAX_FINGERPRINTS: usize = 16;

/// Candidates of one end for one set of ICE credentials.
pub const MAX_CANDIDATES: usize = 256;
