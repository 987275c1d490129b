//! WebRTC data channels (RFC 8831): the messages that open them (RFC 8832, "DCEP") and their life
//! on top of an SCTP association.
//!
//! A channel is a pair of SCTP streams with the same number, one in each direction. It is opened by
//! one [`DcepMessage::Open`] from the side that makes it, or by nothing at all if both applications
//! agreed on its number ("negotiated"). It is closed by resetting both streams. [`Channels`] keeps
//! the channels of one association; the owner passes the association to each call.
#![forbid(unsafe_code)]

mod channel;
mod channels;
mod dcep;
mod error;
mod init;
mod limits;
mod message;
mod report;

pub use channels::{Channels, Counters};
pub use dcep::{DcepError, DcepMessage};
pub use error::ChannelError;
pub use init::{ChannelInit, Priority, Reliability};
pub use message::DCEP;
pub use report::ChannelReport;
