//! RTP and RTCP (RFC 3550) as bytes: what a packet says, and how to write one. It knows no stream:
//! what packets have to do with one another is `duologue_media`'s.
//!
//! Reading borrows the received bytes and allocates nothing; writing appends to a buffer of the
//! caller's. Start with [`Packet`] and [`HeaderToSend`]; header extensions are in [`ext`],
//! RTCP is in [`rtcp`], what repairs losses in [`rtx`], [`red`] and [`fec`].
#![forbid(unsafe_code)]

mod codec;
mod event;
pub mod ext;
pub mod fec;
mod feedback;
mod header;
mod id;
mod limits;
mod meta;
mod ntp;
mod parameters;
pub mod payload;
mod plan;
pub mod red;
pub mod rtcp;
pub mod rtx;
mod scalability;

pub use codec::{Codec, CodecParameters, CodecRole, Fmtp, MediaKind, common_feedback};
pub use duologue_base::Mid;
pub use event::TelephoneEvent;
pub use feedback::RtcpFeedback;
pub use header::{Content, Header, HeaderError, HeaderToSend, Packet, is_rtcp, write_padding};
pub use id::{ExtensionId, PayloadType, PayloadTypeError, Rid, RidError, Ssrc, SsrcError};
pub use meta::PacketMeta;
pub use ntp::{NtpShort, NtpTime};
pub use parameters::{Cryptex, HeaderExtensionParameters, RtpParameters};
pub use plan::{ReceivePlan, SendPlan, SendStream, SentFormat, SourceParameters};
pub use scalability::{InterLayer, ScalabilityMode, ScalabilityModeError};
