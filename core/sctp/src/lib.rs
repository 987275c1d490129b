//! SCTP for data channels (RFC 9260 over DTLS, RFC 8261), without sockets, clocks or threads.
//!
//! An [`Association`] turns messages into packets and packets into messages. The host moves the
//! packets (in WebRTC through DTLS) and tells the time:
//!
//! * `handle_*` takes what came: packets and expired timers. Several packets may be handled
//!   before the next poll; they are acknowledged together.
//! * `poll_*` gives what is to be done, until it returns nothing. [`Association::poll_packet`]
//!   appends one packet per call. While there is much to send all packets have the same size, so
//!   that the host can send a train of them with one system call.
//! * [`Association::poll_message`] is pulled at the application's pace: what is not pulled
//!   shrinks the window that the peer may fill.
//!
//! Calls and polls may come in any order. What comes from the network never makes a call fail:
//! noise is counted in [`Stats`], an end is an [`Event::Closed`].
#![forbid(unsafe_code)]

mod association;
mod config;
mod congestion;
mod error;
mod event;
mod limits;
mod message;
mod packet;
mod receive;
mod send;
mod stats;
mod stream_map;
mod tsn;

pub use association::Association;
pub use config::{Config, CongestionAlgorithm, Scheduler, Timers};
pub use error::{CloseReason, PeerMisbehaved, SendError};
pub use event::{AssociationState, Departed, Event};
pub use message::{Message, Ppid, Reliability, SendOptions};
pub use stats::Stats;
