//! WebRTC data channels (RFC 8831): the messages that open them (RFC 8832, "DCEP") and their life
//! on top of an SCTP association.
//!
//! A channel is a pair of SCTP streams with the same number, one in each direction. It is opened by
//! one [`DcepMessage::Open`] from the side that makes it, or by nothing at all if both applications
//! agreed on its number ("negotiated"). It is closed by resetting both streams. [`Channels`] keeps
//! the channels of one association; the owner passes the association to each call.
//!
//! ```
//! use duologue_base::{ChannelKey, Instant, Rng, StreamId};
//! use duologue_datachannel::{ChannelInit, ChannelReport, Channels};
//! use duologue_sctp::{Association, Config};
//!
//! const NOW: Instant = Instant::ZERO;
//!
//! struct End {
//!     association: Association,
//!     channels: Channels,
//! }
//!
//! fn end(dtls_client: bool) -> End {
//!     let rng = Rng::from_u64(u64::from(dtls_client));
//!     let mut association = Association::new(Config::default(), rng);
//!     association.connect(NOW);
//!     End { association, channels: Channels::new(dtls_client, 262_144) }
//! }
//!
//! /// Takes the packets of one end to the other.
//! fn carry(from: &mut End, to: &mut End) {
//!     let mut packet = Vec::new();
//!     while from.association.poll_packet(NOW, &mut packet) {
//!         to.association.handle_packet(NOW, &packet);
//!         packet.clear();
//!     }
//!     while let Some(event) = to.association.poll_event() {
//!         to.channels.handle_event(&mut to.association, &event);
//!     }
//! }
//!
//! let (mut alice, mut bob) = (end(true), end(false));
//! let (chat, init) = (ChannelKey(0), ChannelInit { label: "chat".into(), ..Default::default() });
//! alice.channels.open(NOW, &mut alice.association, chat, StreamId(0), &init);
//! alice.channels.send(NOW, &mut alice.association, chat, "hello".into(), false);
//!
//! let mut told = Vec::new();
//! while told.len() < 2 {
//!     carry(&mut alice, &mut bob);
//!     carry(&mut bob, &mut alice);
//!     told.extend(bob.channels.poll_report(NOW, &mut bob.association));
//! }
//! assert!(matches!(&told[0], ChannelReport::Announced { init, .. } if init.label == "chat"));
//! assert!(matches!(&told[1], ChannelReport::Message { data, .. } if data == "hello"));
//! ```
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
