//! RTP and RTCP (RFC 3550) as bytes: what a packet says, and how to write one. It knows no stream:
//! what packets have to do with one another is `duologue_media`'s.
#![forbid(unsafe_code)]

mod id;

pub use duologue_base::Mid;
pub use id::{ExtensionId, PayloadType, Rid, RidError, Ssrc};
