//! RTP and RTCP (RFC 3550) as bytes: what a packet says, and how to write one. It knows no stream:
//! what packets have to do with one another is `duologue_media`'s.
#![forbid(unsafe_code)]

mod codec;
mod feedback;
mod id;
mod parameters;

pub use codec::{Codec, CodecParameters, CodecRole, Fmtp, MediaKind, common_feedback};
pub use duologue_base::Mid;
pub use feedback::RtcpFeedback;
pub use id::{ExtensionId, PayloadType, PayloadTypeError, Rid, RidError, Ssrc, SsrcError};
pub use parameters::{HeaderExtensionParameters, RtpParameters};
