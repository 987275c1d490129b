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
//! * [`Association::poll_inbound`] is pulled at the application's pace: what is not pulled
//!   shrinks the window that the peer may fill.
//!
//! Calls and polls may come in any order. What comes from the network never makes a call fail:
//! noise is counted in [`Stats`], an end is an [`Event::Closed`].
//!
//! ```
//! use duologue_base::{Instant, Rng, StreamId};
//! use duologue_sctp::{Association, Config, Ppid, SendOptions};
//!
//! let now = Instant::ZERO;
//! let mut a = Association::new(Config::default(), Rng::from_u64(1));
//! let mut b = Association::new(Config::default(), Rng::from_u64(2));
//! a.connect(now);
//! b.connect(now);
//! a.send(now, StreamId(0), Ppid(51), "hello".into(), SendOptions::default())?;
//!
//! let mut packet = Vec::new();
//! let message = loop {
//!     while a.poll_packet(now, &mut packet) {
//!         b.handle_packet(now, &packet);
//!         packet.clear();
//!     }
//!     while b.poll_packet(now, &mut packet) {
//!         a.handle_packet(now, &packet);
//!         packet.clear();
//!     }
//!     if let Some(message) = b.poll_message() {
//!         break message;
//!     }
//! };
//! assert_eq!(message.data, "hello");
//! # Ok::<(), duologue_sctp::SendError>(())
//! ```
//!
//! # Standards
//!
//! - [x] RFC 9260: the protocol, simultaneous opening and restart included
//! - [x] RFC 8261: over DTLS, one path, no addresses
//! - [x] RFC 3758, RFC 7496: partial reliability by time and by retransmissions
//! - [x] RFC 6525: stream reset in both directions, each by who sends on it; more streams are granted, never asked for
//! - [x] RFC 8260: I-DATA, round-robin and weighted fair scheduling
//! - [x] RFC 9653: zero checksum over DTLS
//! - [x] RFC 7053: the I bit
//! - [x] RFC 4820: padding is taken, and sent in probes of the path alone: there are peers that lose data
//!   over chunks they do not know. Packets of a train are equal because messages are cut so that they
//!   fill them
//! - [x] RFC 8985 (RACK-TLP), RFC 9438 and RFC 9406 (CUBIC, HyStart++), draft-ietf-ccwg-bbr
//! - [x] RFC 8899 (path MTU discovery) from [`Config::mtu`] to [`Config::largest_packet`]: see
//!   `send/path_mtu.rs`
//! - [x] draft-hancke-tsvwg-snap: set-up by both ends' INITs in the descriptions
//!
//! # Congestion control
//!
//! The default is [`CongestionAlgorithm::Bbr`], by simulation (`tests/goodput.rs`): with 20 ms each
//! way and 5 % of the packets lost at random it keeps over 90 % of the rate, where a window that is
//! cut at each loss keeps less than 1 %; alone it leaves a bottleneck's queue nearly empty; two
//! share it evenly; beside a Reno flow neither gets less than about a fifth.
//!
//! # What a peer can cost
//!
//! Every queue has a bound in `limits.rs` or [`Config`]. What is received and not read, whole or in
//! fragments, counts against [`Config::receive_window`], with an overhead per piece.
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
mod signalled;
mod stats;
mod stream_map;
mod tsn;

pub use association::Association;
pub use config::{Config, CongestionAlgorithm, Scheduler, Timers};
pub use error::{CloseReason, PeerMisbehaved, SendError};
pub use event::{AssociationState, Departed, Event};
pub use limits::LARGEST_PACKET;
pub use message::{Inbound, Message, Ppid, Reliability, SendOptions};
pub use signalled::SignalledInit;
pub use stats::Stats;
