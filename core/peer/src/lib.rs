//! The control plane of duologue: `RTCPeerConnection` as webrtc-pc writes it, without I/O.
//!
//! A `PeerConnection` has one owner and no lock, clock, thread or socket. Its methods are the
//! W3C's in snake case. Those that return a promise in a browser return an [`OperationId`] here;
//! the promise settles by an [`Effect`]. Objects are named by small ids: a transceiver, its
//! sender and its receiver by `TransceiverId`, a data channel by `ChannelKey`, a DTLS transport
//! and the ICE transport below it by `TransportKey`, tracks and streams by their W3C `id`.
//!
//! # How a host drives it
//!
//! ```
//! use duologue_base::{Instant, Rng, WallClock};
//! use duologue_peer::{
//!     Capabilities, Configuration, Effect, Env, MediaKind, OperationId, PeerConnection,
//!     SessionDescription, SignalingState, TransceiverInit, Value,
//! };
//!
//! /// A turn of the host's event loop: perform what waits, then run one task.
//! fn turn(pc: &mut PeerConnection, now: Instant, settled: &mut Vec<(OperationId, Value)>) -> bool {
//!     while let Some(effect) = pc.poll_effect() {
//!         match effect {
//!             Effect::Event(event) => println!("{:?}: {}", event.target(), event.name()),
//!             Effect::Resolve { operation, value } => settled.push((operation, value)),
//!             Effect::Reject { exception, .. } => panic!("{exception}"),
//!             // Only with identity providers: pc.answer(question, …), once it is known.
//!             Effect::Ask { .. } => {}
//!         }
//!     }
//!     while let Some(_command) = pc.poll_command() {
//!         // session.handle_command(now, command)
//!     }
//!     // The other direction: session.poll_report() goes to pc.handle_report(report), and
//!     // session.poll_channel() to pc.handle_channel_report(report).
//!     pc.run_task(now)
//! }
//!
//! /// Runs until an operation's promise is resolved.
//! fn wait(pc: &mut PeerConnection, operation: OperationId) -> Value {
//!     let mut settled = Vec::new();
//!     while turn(pc, Instant::ZERO, &mut settled) {}
//!     let found = settled.into_iter().find(|(id, _)| *id == operation);
//!     found.expect("resolved").1
//! }
//!
//! let mut peers = [1, 2].map(|seed| {
//!     let env = Env {
//!         now: WallClock::from_unix_millis(1_700_000_000_000),
//!         epoch: std::time::Duration::from_secs(1_700_000_000),
//!         rng: Rng::from_u64(seed),
//!         capabilities: Capabilities::shared_default(),
//!         sctp_init: None,
//!     };
//!     PeerConnection::new(Configuration::default(), env).unwrap()
//! });
//! let [offerer, answerer] = &mut peers;
//! offerer.add_transceiver(MediaKind::Audio, TransceiverInit::default())?;
//!
//! let set = offerer.set_local_description(None);
//! wait(offerer, set);
//! let offer = offerer.local_description().unwrap();
//! let set = answerer.set_remote_description(offer);
//! wait(answerer, set);
//! let create = answerer.create_answer();
//! let Value::Description(answer) = wait(answerer, create) else {
//!     unreachable!("createAnswer resolves to a description");
//! };
//! let set = answerer.set_local_description(answer.clone());
//! wait(answerer, set);
//! let set = offerer.set_remote_description(answer);
//! wait(offerer, set);
//! assert_eq!(offerer.signaling_state(), SignalingState::Stable);
//! # Ok::<(), duologue_peer::Exception>(())
//! ```
//!
//! * `handle_report` and `handle_channel_report` only queue tasks. When both wait, reports go
//!   first.
//! * `run_task(now)` runs the oldest task: it sets slots and leaves effects. The host performs
//!   them all, one by one, before it runs the next task. That is JavaScript's run to completion:
//!   getters read slots, and no slot changes but in a task, in a method, or in the effect that
//!   the specification puts it in (a track's `muted` changes with its `mute` event).
//! * What a method settles in its own steps (a promise that it returns rejected) comes before the
//!   effects that are still left of the running task, as microtasks do. A JavaScript host drains
//!   `poll_effect` in a microtask after each call and runs tasks from its event loop.
//! * After `close()` no pending promise settles and no event fires, but `ended` at the receivers'
//!   tracks.
//!
//! # What is where
//!
//! Slots that a description determines are read from [`duologue_jsep`]'s immutable state, so that
//! a rollback is to drop a pointer; see ARCHITECTURE.md, "JSEP: rollback by construction".
//! `methods/` has the synchronous steps, `task/` what they queue, `chain.rs` the operations chain.
//! `task/media.rs` tells the session what packets each transceiver takes and sends; the packets
//! themselves never come here.
#![forbid(unsafe_code)]

mod candidate;
mod candidate_pairs;
mod candidate_text;
mod chain;
mod channels;
mod config;
mod connection;
mod connection_state;
mod data_channel;
mod description;
mod enums;
mod error;
mod event;
mod ice_server;
mod identity;
pub mod limits;
mod max_message_size;
mod media;
mod methods;
mod negotiation_needed;
mod params;
mod pool;
mod revised;
mod rtp_source;
mod scalability;
mod send_queue;
mod shown_pair;
mod slots;
mod standalone;
mod states;
mod stats;
mod task;
mod transports;

pub use candidate::{
    IceCandidate, IceCandidateInit, IceCandidatePair, IceCandidateParts, IceParameters,
};
pub use candidate_text::{UnusableCandidate, candidate_attribute, ice_candidate};
pub use config::{Configuration, IceCredential, IceServer, OAuthCredential};
pub use connection::{Env, PeerConnection};
pub use data_channel::{DataChannel, DataChannelInit, Message};
pub use description::{LocalSessionDescription, OfferOptions, SessionDescription};
pub use enums::{
    BundlePolicy, DataChannelState, DegradationPreference, DtlsTransportState,
    IceCandidatePairState, IceCandidateType, IceComponent, IceConnectionState, IceGathererState,
    IceGatheringState, IceProtocol, IceRole, IceServerTransportProtocol, IceTcpCandidateType,
    IceTransportPolicy, IceTransportState, MediaStreamTrackState, PeerConnectionState,
    PriorityType, RtcpMuxPolicy, RtpHeaderEncryptionPolicy, SctpTransportState, SdpType,
    SignalingState, TransceiverDirection,
};
pub use error::{Exception, ExceptionName, RtcErrorDetail, RtcErrorInit};
pub use event::{Effect, Event, IceCandidateError, OperationId, Target, Value};
pub use ice_server::{IceServerScheme, IceServerUrl, UrlError};
pub use identity::{
    Answer, IdentityAssertion, IdentityAssertionResult, IdentityProviderDetails,
    IdentityProviderError, IdentityProviderOptions, IdentityValidationResult, Question, QuestionId,
};
pub use media::{MediaStream, MediaStreamId, MediaStreamTrack, Track, TrackId};
pub use methods::TransceiverView;
pub use params::{
    ResolutionRestriction, RtcpParameters, RtpCapabilities, RtpCodec, RtpCodecParameters,
    RtpEncodingParameters, RtpHeaderExtensionCapability, RtpHeaderExtensionParameters,
    RtpReceiveParameters, RtpSendParameters, TrackOrKind, TransceiverInit,
};
pub use revised::Revisions;
pub use rtp_source::RtpContributingSource;
pub use send_queue::SendQueue;
pub use standalone::{IceGatherOptions, StandaloneIceEvent, StandaloneIceTransport};
pub use stats::{
    AudioPlayoutStats, CandidatePairStats, CertificateStats, CodecStats, DataChannelStats,
    IceCandidateStats, InboundRtpStreamStats, MediaSourceStats, OutboundRtpStreamStats,
    PeerConnectionStats, RemoteInboundRtpStreamStats, RemoteOutboundRtpStreamStats, Stats,
    StatsReport, StatsSelector, TransportStats,
};
pub use transports::{DtlsTransport, IceTransport, SctpTransport};

pub use duologue_ice::{Failure as IceFailure, PairId as IceCandidatePairId};
pub use duologue_jsep::Capabilities;
pub use duologue_jsep::Rejection;
pub use duologue_rtp::MediaKind;
