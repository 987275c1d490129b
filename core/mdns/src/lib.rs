//! Multicast DNS (RFC 6762) as far as ICE needs it: names of host candidates
//! (draft-ietf-mmusic-mdns-ice-candidates).
//!
//! An [`Mdns`] announces, answers for and withdraws the names of this host's addresses, and finds
//! out the address behind another host's name. It does no input or output: its owner has the
//! sockets, hands it what they receive and the time, and sends what it gives.
//!
//! ```
//! use duologue_base::{Instant, MdnsName, Rng};
//! use duologue_mdns::{Event, Link, Mdns};
//!
//! let name = MdnsName::random(&mut Rng::from_u64(1));
//! let mut hosts = [Mdns::default(), Mdns::default()];
//! for host in &mut hosts {
//!     host.set_links(Instant::ZERO, &[Link(0)]);
//! }
//! hosts[0].announce(Instant::ZERO, name, "192.0.2.1".parse()?);
//! hosts[1].resolve(Instant::ZERO, name);
//! // The network between these two is a loop.
//! while let Some(datagram) = hosts[0].poll_transmit(Instant::ZERO) {
//!     hosts[1].handle_datagram(Instant::ZERO, Link(0), "192.0.2.1:5353".parse()?, &datagram.bytes);
//! }
//! let resolved = Event::Resolved { name, addresses: vec!["192.0.2.1".parse()?] };
//! assert_eq!(hosts[1].poll_event(), Some(resolved));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! # What is different from a general implementation
//!
//! * Only names of the draft's form are announced, asked for and remembered: another host's
//!   printer cannot be made a target (§3.2.2).
//! * Names are not probed for, being unique by chance (§3.1.1 step 4), so there are no conflicts.
//! * The first query leaves from a port of its own, which makes responders answer it at once and
//!   by unicast (RFC 6762 §6.7): the answer is of no use to others, does not wait for the record's
//!   multicast interval, and cannot end up at another program that shares port 5353 (§15.1). Later
//!   ones are multicast from port 5353, for responders that know multicast only.
//! * What others ask and answer is listened to, so a name that was just announced is known.
#![forbid(unsafe_code)]

mod cache;
mod limits;
mod link;
mod mdns;
mod message;
mod querier;
mod responder;

pub use link::{Link, Source};
pub use mdns::{Counters, Destination, Event, Mdns, Transmit};
