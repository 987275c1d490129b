//! The data plane of one connection, sans-IO: ICE, DTLS, SCTP and data channels of all its
//! transports behind commands and reports.
//!
//! A session knows no session description. Whoever does (the `peer` crate, or a media server by
//! itself) tells it what was agreed with a [`Command`] and learns what happened from a [`Report`]
//! or a [`ChannelReport`]. Commands cannot fail; what really fails, such as a handshake, is
//! reported, and stays.
#![forbid(unsafe_code)]

mod action;
mod command;
mod report;

pub use action::{Action, BindError, BindId, Interface};
pub use command::Command;
pub use duologue_datachannel::ChannelReport;
pub use report::{DtlsReport, Report, SctpError};
