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
//! ```text
//! loop {
//!     while let Some(effect) = pc.poll_effect() { dispatch it, which may call any method }
//!     while let Some(command) = pc.poll_command() { session.handle_command(now, command) }
//!     // then one more task, or wait
//!     if !pc.run_task(now) { wait for: a method call, session.poll_report() → pc.handle_report(report),
//!                            session.poll_channel() → pc.handle_channel_report(report),
//!                            pc.poll_timeout() → pc.handle_timeout(now) }
//! }
//! ```
//!
//! * `handle_report` and `handle_channel_report` only queue tasks. Reports go before channel
//!   reports when both wait.
//! * `run_task(now)` runs the oldest task: it sets slots and leaves effects. The host performs
//!   them all, one by one, before it runs the next task. That is JavaScript's run to completion:
//!   getters read slots, and no slot changes but in a task, in a method, or in the effect that
//!   the specification puts it in (a track's `muted` changes with its `mute` event).
//! * An effect of a method that settles at once (a promise rejected in the method's own steps)
//!   comes before the effects that are still left of the running task, as microtasks do. A
//!   JavaScript host drains `poll_effect` in a microtask after each call, and runs tasks from
//!   its event loop.
//! * After `close()` no promise settles and no event fires.
//!
//! # Methods (landing with the algorithms)
//!
//! ```text
//! PeerConnection::new(Configuration, Env { now: WallClock, rng: Rng }) -> Result<Self, Exception>
//! create_offer(OfferOptions) | create_answer() | set_local_description(LocalSessionDescription)
//! | set_remote_description(SessionDescription) | add_ice_candidate(IceCandidateInit)
//! | replace_track(TransceiverId, Option<Track>) | set_parameters(TransceiverId, RtpSendParameters) -> OperationId
//! restart_ice() close() set_configuration(Configuration) -> Result<(), Exception>  configuration() -> &Configuration
//! local_description() current_local_description() pending_local_description() (remote the same) -> Option<SessionDescription>
//! signaling_state() ice_gathering_state() ice_connection_state() connection_state() can_trickle_ice_candidates() -> Option<bool>
//! add_track(Track, &[MediaStreamId]) -> Result<TransceiverId, Exception>   remove_track(TransceiverId) -> Result<(), Exception>
//! add_transceiver(impl Into<TrackOrKind>, TransceiverInit) -> Result<TransceiverId, Exception>
//! transceivers() -> ids in insertion order; senders() / receivers() -> those not stopped
//! transceiver(id) -> Option<TransceiverView>: mid, direction, current_direction, stopped; sender's track, streams, transport;
//!     receiver's track, streams, transport
//! set_direction(id, dir) stop(id) set_codec_preferences(id, Vec<RtpCodec>) -> Result<(), Exception>
//! parameters(id) (sender's, mutable: it starts a transaction)  receiver_parameters(id)  set_streams(id, &[MediaStreamId])
//! sender_capabilities(kind) receiver_capabilities(kind) (static)
//! header_extensions_to_negotiate(id) set_header_extensions_to_negotiate(id, Vec<..>) negotiated_header_extensions(id)
//! insert_dtmf(id, tones, duration, gap) can_insert_dtmf(id) tone_buffer(id)
//! track(&TrackId) -> Option<&MediaStreamTrack>  stream(&MediaStreamId) -> Option<&MediaStream>  set_track_enabled stop_track
//! dtls_transport(TransportKey) ice_transport(TransportKey) sctp() -> Option<&SctpTransport>
//! create_data_channel(label, DataChannelInit) -> Result<ChannelKey, Exception>   data_channel(ChannelKey) -> Option<&DataChannel>
//! send(ChannelKey, Message) close_channel(ChannelKey) set_buffered_amount_low_threshold(ChannelKey, u64)
//! generate_certificate(KeygenAlgorithm, expires ms, now, &mut Rng) -> Result<Certificate, Exception> (static)
//! ```
#![forbid(unsafe_code)]

mod candidate;
mod config;
mod data_channel;
mod description;
mod enums;
mod error;
mod event;
mod ice_server;
pub mod limits;
mod media;
mod params;

pub use candidate::{
    IceCandidate, IceCandidateInit, IceCandidatePair, IceCandidateParts, IceParameters,
};
pub use config::{Configuration, IceServer};
pub use data_channel::{DataChannel, DataChannelInit, Message};
pub use description::{LocalSessionDescription, OfferOptions, SessionDescription};
pub use enums::{
    BundlePolicy, DataChannelState, DegradationPreference, DtlsTransportState, IceCandidateType,
    IceComponent, IceConnectionState, IceGathererState, IceGatheringState, IceProtocol, IceRole,
    IceServerTransportProtocol, IceTcpCandidateType, IceTransportPolicy, IceTransportState,
    MediaKind, MediaStreamTrackState, PeerConnectionState, PriorityType, RtcpMuxPolicy,
    SctpTransportState, SdpType, SignalingState, TransceiverDirection,
};
pub use error::{Exception, ExceptionName, RtcErrorDetail, RtcErrorInit};
pub use event::{Effect, Event, IceCandidateError, OperationId, Target, Value};
pub use ice_server::{IceServerScheme, IceServerUrl, UrlError};
pub use media::{MediaStream, MediaStreamId, MediaStreamTrack, Track, TrackId};
pub use params::{
    RtcpParameters, RtpCapabilities, RtpCodec, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionCapability, RtpHeaderExtensionParameters, RtpReceiveParameters,
    RtpSendParameters, TrackOrKind, TransceiverInit,
};
