//! ICE (RFC 8445): finds a path between two agents, and keeps knowing that it works.
//!
//! An [`Agent`] is one transport with one component. It does no input or output: its owner hands
//! it received STUN messages, the time, local addresses and what signalling brought, and takes
//! datagrams to send and events from it. Nothing ticks: checks leave when a pair appears.
//!
//! ```
//! use duologue_base::{
//!     Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Rng, SocketId,
//! };
//! use duologue_ice::{Agent, Config, Event, RemoteOptions, TransportState};
//!
//! let mut rng = Rng::from_u64(1);
//! let addresses = ["192.0.2.1:5000".parse()?, "192.0.2.2:5000".parse()?];
//! let credentials = [(); 2].map(|()| IceCredentials::generate(&mut rng));
//! let mut agents = [IceRole::Controlling, IceRole::Controlled].map(|role| {
//!     let own = credentials[role as usize].clone();
//!     Agent::new(Config::default(), role, Generation(0), own, rng.fork())
//! });
//!
//! let (mut now, mut buffer) = (Instant::ZERO, Vec::new());
//! for at in 0..2 {
//!     agents[at].set_remote_credentials(now, Generation(0), credentials[1 - at].clone(), RemoteOptions::default());
//!     agents[at].add_local_address(now, SocketId(0), addresses[at]);
//!     agents[at].end_of_local_addresses(now);
//! }
//! while agents.iter().any(|agent| agent.state() != TransportState::Completed) {
//!     for at in 0..2 {
//!         // Events: candidates go to the other agent by signalling.
//!         while let Some(event) = agents[at].poll_event() {
//!             match event {
//!                 Event::LocalCandidate { generation, candidate } => {
//!                     agents[1 - at].add_remote_candidate(now, generation, candidate);
//!                     agents[1 - at].end_of_remote_candidates(now, generation);
//!                 }
//!                 other => println!("{other:?}"),
//!             }
//!         }
//!         // Datagrams: the network between these two is a loop.
//!         while let Some(transmit) = agents[at].poll_transmit(now, &mut buffer) {
//!             let datagram = Datagram {
//!                 socket: SocketId(0),
//!                 received: now,
//!                 remote: addresses[at],
//!                 local_ip: None,
//!                 ecn: Ecn::NotEct,
//!             };
//!             agents[1 - at].handle_datagram(now, &datagram, &buffer[..transmit.len]);
//!         }
//!         agents[at].handle_timeout(now);
//!     }
//!     // Time: a host sleeps until the earliest `poll_timeout`.
//!     now += std::time::Duration::from_millis(1);
//! }
//! assert!(agents[0].route().is_some_and(|route| route.remote == addresses[1]));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! Messages from the network never cause an error: what is wrong with them is answered as the RFCs
//! say, dropped and counted ([`Agent::counters`]).
//!
//! # Standards
//!
//! * RFC 8445: full and lite agents, regular nomination; aggressive nomination by the other side.
//!   Two lite agents do not connect: neither would get consent to send (RFC 7675).
//! * draft-thatcher-ice-renomination: by option as the controlling agent, always as the other one.
//! * RFC 8838, RFC 8840: trickle, end of candidates, candidates tagged with a username fragment.
//! * RFC 8489, RFC 8656: server-reflexive candidates, and relayed ones over UDP, DTLS, TCP and TLS:
//!   long-term credentials with MD5 and SHA-256, stale nonces, anonymous user names, alternate
//!   servers, refreshes, a channel for every peer.
//! * RFC 6544, RFC 4571: TCP candidates, server-reflexive ones included.
//! * draft-ietf-mmusic-mdns-ice-candidates: names in place of addresses, both ways.
//! * draft-hancke-webrtc-sped: datagrams of a handshake inside of checks, by option, and in answer to
//!   an agent that does so.
//! * RFC 8863: patience. RFC 7675: consent. RFC 8421: IPv6 and IPv4 in turns.
//! * webrtc-pc §5.6: the states of `RTCIceTransport`. webrtc-extensions: the owner's say in which pairs
//!   are nominated, used and dropped.
//!
//! Three deliberate differences to RFC 8445: data may use the best valid pair before the
//! nomination, on both sides, so a connection exists after one round trip (§12.1 allows it); a
//! silent pair holds its foundation back until its first retransmission only; when the pair in use
//! goes silent, both sides ask the other valid pairs again, and the controlling one nominates one
//! that answers. Of pairs that answer it nominates one, once (§8.1.1), where libwebrtc goes over to
//! a better one that it finds later: that is what renomination is for. So the nomination waits a
//! little for better pairs, and up to a second when data would go through a TURN server.
#![forbid(unsafe_code)]

mod agent;
mod candidate;
mod checklist;
mod checks;
mod config;
mod consent;
mod consult;
mod control;
mod drive;
mod embed;
mod event;
mod failure;
mod gather;
mod generation;
mod leave;
mod limits;
mod local;
mod mdns;
mod nominate;
mod nomination;
mod outbox;
mod pool;
mod receive;
mod reply;
mod request;
mod response;
mod restart;
mod role;
mod state;
mod stats;
mod status;
mod tcp;
mod traffic;
mod transaction;
mod turn;

pub use agent::{Agent, Route};
pub use candidate::{Candidate, CandidateKind, RelayProtocol, TcpType};
pub use config::{Config, ExternalAddress, RemoteOptions, TcpTypes};
pub use control::PairCommand;
pub use event::{CandidateError, CandidatePair, Event, PairEvent};
pub use failure::Failure;
pub use gather::{RelayRoute, Server, ServerKind, TokenCredential};
pub use leave::CheckLeave;
pub use receive::Input;
pub use state::{GatheringState, TransportState};
pub use stats::{Counters, PairCounters, PairId, PairState, PairStats, PathTraffic};
pub use tcp::{ConnectError, ConnectId, Deframer, Framing, FramingError, Security};
