//! WebRTC data channels (RFC 8831): the messages that open them (RFC 8832) and their life on top
//! of an SCTP association.
#![forbid(unsafe_code)]

mod error;
mod init;

pub use error::ChannelError;
pub use init::{ChannelInit, Priority, Reliability};
