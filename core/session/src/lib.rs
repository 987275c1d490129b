//! The data plane of one connection, sans-IO: ICE, DTLS, SCTP and data channels of all its
//! transports behind commands and reports.
//!
//! A session knows no session description. Whoever does (the `peer` crate, or a media server by
//! itself) tells it what was agreed with a [`Command`] and learns what happened from a [`Report`]
//! or a [`ChannelReport`]. Commands cannot fail; what really fails, such as a handshake, is
//! reported, and stays.
//!
//! ```text
//! Command ─► ┌───────────────────────────────────────────────┐ ─► Report, ChannelReport
//!            │ Session                                       │
//! datagrams ►│ demux ─► ICE ─► DTLS ─► SCTP ─► data channels │ ─► trains of datagrams
//! streams ─► │   ▲ cut into datagrams                        │ ─► Action (bind, connect)
//! time ────► └───────────────────────────────────────────────┘
//! ```
//!
//! The host's loop, after any input:
//!
//! 1. `poll_transmit` until `None`, sending each train;
//! 2. `poll_action`, `poll_report` and, as fast as the reader is, `poll_channel` until `None`;
//! 3. `poll_transmit` again if anything was polled from the channels: a window may have opened;
//! 4. wait for input until `poll_timeout`, then `handle_timeout`.
//!
//! A session is `Send`, holds no lock and allocates nothing per packet once it runs.
#![forbid(unsafe_code)]

mod action;
mod apply;
mod association;
mod command;
mod config;
mod counters;
mod demux;
mod gather;
mod limits;
mod names;
mod report;
mod session;
mod stats;
mod stream;
mod transmit;
mod transport;

pub use action::{Action, BindError, BindId, Interface};
pub use command::Command;
pub use config::SessionConfig;
pub use counters::Counters;
pub use duologue_datachannel::ChannelReport;
pub use duologue_ice::{ConnectError, ExternalAddress, Security, TcpTypes};
pub use report::{DtlsReport, Report, SctpError};
pub use session::Session;
pub use stats::{ChannelTraffic, GenerationStats, Stats, TransportStats};
