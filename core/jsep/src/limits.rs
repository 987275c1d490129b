//! Every bound of the crate, so that the other end cannot choose how much memory is used. The
//! text of a description is bounded by `duologue_sdp::limits`.

/// M-sections of a description. Browsers become unusable well before.
pub const MAX_SECTIONS: usize = 1024;

/// Sources of an m-section that the other end announces. Old conference servers put each
/// participant's into one section.
pub const MAX_SOURCES: usize = 256;

/// Candidates of one end for one set of ICE credentials.
pub const MAX_CANDIDATES: usize = 256;
