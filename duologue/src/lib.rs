//! `RTCPeerConnection` outside the browser.
//!
//! Names, behaviour and the order of events are those of the W3C's [WebRTC] and the documents around
//! it; the wire is what browsers speak. A type `RTCFoo` is called `Foo` here, a method
//! `setLocalDescription` is [`PeerConnection::set_local_description`]; where the W3C's method returns
//! a promise, the method here is `async`, and where it throws, the method returns an [`Exception`] of
//! the same name.
#![cfg_attr(
    feature = "tokio",
    doc = r#"
```
use duologue::{Configuration, Endpoint, Event, Message};

# #[tokio::main]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
// Two peers in one process; without a network they find each other over loopback.
let endpoint = Endpoint::builder().loopback(true).build()?;
let (alice, mut alice_events) = endpoint.connection(Configuration::default())?;
let (bob, mut bob_events) = endpoint.connection(Configuration::default())?;

let channel = alice.create_data_channel("chat", Default::default())?;

// Offer and answer would go through a server of yours, as JSON if you like.
alice.set_local_description(None).await?;
bob.set_remote_description(alice.local_description().unwrap()).await?;
bob.set_local_description(None).await?;
alice.set_remote_description(bob.local_description().unwrap()).await?;

// So would the candidates, as they are found.
let (a, b) = (alice.clone(), bob.clone());
tokio::spawn(async move {
    while let Some(event) = alice_events.recv().await {
        if let Event::IceCandidate(Some(candidate)) = event {
            b.add_ice_candidate(candidate.init).await.unwrap();
        }
    }
});
let incoming = loop {
    match bob_events.recv().await.unwrap() {
        Event::IceCandidate(Some(candidate)) => a.add_ice_candidate(candidate.init).await?,
        Event::DataChannel(channel) => break channel,
        _ => {}
    }
};

channel.opened().await?;
channel.send_text("Hello, Bob").await?;
assert_eq!(incoming.recv().await, Some(Message::Text("Hello, Bob".into())));
# Ok(())
# }
```
"#
)]
//!
//! # WebRTC in one page
//!
//! Two programs that are to talk without a server between them know neither where the other is nor
//! that it is who it claims to be. WebRTC settles both, in this order:
//!
//! 1. **Signalling.** The two exchange a few kilobytes of text over something that they share
//!    already: a web server, a chat, a file. WebRTC leaves the choice to the application, and so
//!    does this crate.
//! 2. **Offer and answer.** One end says in a [`SessionDescription`] what it would like
//!    ([`set_local_description`]), the other what it takes. The text is SDP; both ends pass it on
//!    unread. It also has the fingerprint of the [`Certificate`] that each end is going to show:
//!    who can change the signalling can pass for the peer, nobody else.
//! 3. **Candidates.** Meanwhile each end finds out where it might be reached, by its own interfaces,
//!    by asking a STUN server what its address is from outside, or by renting one from a TURN server
//!    that relays ([`Configuration::ice_servers`]). Every finding is an [`Event::IceCandidate`] to be
//!    sent to the other end and added there ([`add_ice_candidate`]).
//! 4. **Connection.** ICE tries the pairs of candidates and keeps the best that works, and goes on
//!    looking after it; DTLS makes it secret and compares the fingerprints; SCTP carries messages
//!    over it. [`PeerConnection::connection_state`] tells how far that is.
//! 5. **Data channels.** Any number of [`DataChannel`]s share the connection, each with an order and
//!    a reliability of its own ([`DataChannelInit`]).
//!
//! What changes later, such as a network or another medium, is negotiated again in the
//! same way: [`Event::NegotiationNeeded`] calls for it. The example at [`PeerConnection`] does all of
//! this in fifty lines, with both ends free to begin.
//!
//! # Where to find what
//!
//! | W3C | here |
//! |---|---|
//! | `new RTCPeerConnection(configuration)` | [`PeerConnection::new`]; [`Endpoint::connection`] with options that browsers do not have: interfaces, ports, TCP, external addresses, ICE-lite |
//! | `createOffer()`, `setLocalDescription()`, … | the same in snake case: [`PeerConnection::create_offer`] |
//! | attributes | methods without `get_`: [`PeerConnection::signaling_state`] |
//! | `getStats()` | [`PeerConnection::get_stats`], [`StatsReport`] |
//! | `addEventListener()`, `onicecandidate`, … | [`Events`]: one stream of [`Event`]s for a connection and all its objects |
//! | `RTCDataChannel.onmessage`, `send()` | [`DataChannel::recv`]; [`DataChannel::send`] at the pace of the network, [`DataChannel::try_send`] at once |
//! | `RTCSessionDescription`, `RTCIceCandidate`, their JSON | [`SessionDescription`], [`IceCandidateInit`], by serde the JSON of browsers |
//! | `addTransceiver()`, `RTCRtpSender`, … | the same; media is negotiated, and goes over the wire as packets ([`RtpReceiver::packets`], [`RtpSender::packets`]) or as encoded frames ([`RtpReceiver::frames`], [`RtpSender::frames`]); a [`Forwarder`] sends one connection's by many, a [`Transform`] changes frames on their way (`RTCRtpScriptTransform`), an [`SFrameTransform`] encrypts them from end to end. With the feature `codecs` as raw pictures and sound, too: `RtpSender::video` and `audio`, `RtpReceiver::video` and `audio` |
//! | `setIdentityProvider()`, `peerIdentity` | the same; a provider is an [`IdentityProvider`] that the [`Endpoint`] trusts |
//! | `navigator.mediaDevices.getUserMedia()`, constraints | with the feature `codecs`: the module `devices`; `PeerConnection::add_local_track` sends what a device gives |
//! | `RTCCertificate`, persisted | [`Certificate`]; `to_pem` and `from_pem` keep it from run to run |
//! | `addStream()`, `onaddstream`, callbacks | with the feature `legacy`: the module of that name |
//! | `DOMException`, `RTCError` | [`Exception`] |
//!
//! # What happens when
//!
//! * Every event of a connection and of its objects comes out of one stream, [`Events`]. Messages
//!   come out of their [`DataChannel`].
//! * An event is in the stream before the operation that caused it resolves.
//! * No getter shows a state whose event is not in the stream yet.
//! * A method's work begins when its future is first polled; dropping the future afterwards does
//!   not cancel it, as a promise cannot be cancelled.
//! * The connection closes when its last handle is dropped: [`PeerConnection`] and everything
//!   that belongs to one, such as a [`DataChannel`]. [`Events`] is no handle.
//! * What a peer or a server sends never makes this crate panic and is never kept without a bound
//!   ([`limits`]); a slow reader slows its peer down.
//!
//! # Without tokio
//!
//! The same two machines that this API runs, the W3C's algorithms and the protocols, are in
//! [`sans_io`], without sockets, clocks, threads or tasks. Without the default feature `tokio`
//! they are all there is.
//!
//! [WebRTC]: https://www.w3.org/TR/webrtc/
//! [`set_local_description`]: PeerConnection::set_local_description
//! [`add_ice_candidate`]: PeerConnection::add_ice_candidate
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "tokio"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "most of what these docs speak of is the API on tokio"
    )
)]

pub mod sans_io;

pub use bytes::Bytes;
pub use duologue_base::{ChannelKey, Instant, StreamId, TransceiverId, TransportKey, WallClock};
pub use duologue_identity::{Certificate, Fingerprint, KeygenAlgorithm};
pub use duologue_peer::{
    AudioPlayoutStats, BundlePolicy, CandidatePairStats, CertificateStats, CodecStats,
    Configuration, DataChannelInit, DataChannelState, DataChannelStats, DegradationPreference,
    DtlsTransportState, Exception, ExceptionName, IceCandidate, IceCandidateError,
    IceCandidateInit, IceCandidatePair, IceCandidatePairId, IceCandidatePairState,
    IceCandidateParts, IceCandidateStats, IceCandidateType, IceComponent, IceConnectionState,
    IceCredential, IceFailure, IceGatherOptions, IceGathererState, IceGatheringState,
    IceParameters, IceProtocol, IceRole, IceServer, IceServerTransportProtocol,
    IceTcpCandidateType, IceTransportPolicy, IceTransportState, IdentityAssertion,
    IdentityAssertionResult, IdentityProviderDetails, IdentityProviderError,
    IdentityProviderOptions, IdentityValidationResult, InboundRtpStreamStats,
    LocalSessionDescription, MediaKind, MediaSourceStats, MediaStreamId, MediaStreamTrackState,
    OAuthCredential, OfferOptions, OutboundRtpStreamStats, PeerConnectionState,
    PeerConnectionStats, PriorityType, Rejection, RemoteInboundRtpStreamStats,
    RemoteOutboundRtpStreamStats, ResolutionRestriction, RtcErrorDetail, RtcErrorInit,
    RtcpMuxPolicy, RtcpParameters, RtpCapabilities, RtpCodec, RtpCodecParameters,
    RtpContributingSource, RtpEncodingParameters, RtpHeaderEncryptionPolicy,
    RtpHeaderExtensionCapability, RtpHeaderExtensionParameters, RtpReceiveParameters,
    RtpSendParameters, SctpTransportState, SdpType, SessionDescription, SignalingState,
    StandaloneIceEvent, Stats, StatsReport, Track, TrackId, TrackOrKind, TransceiverDirection,
    TransceiverInit, TransportStats,
};
pub use duologue_rtp::ext::{
    AllocatedLayer, AudioLevel, CaptureTime, DependencyDescriptor, DependencyReader,
    DependencyStructure, DescriptorError, FrameDependencies, Indication, LayerSize,
    LayersAllocation,
};
pub use duologue_rtp::payload::FrameSize;
pub use duologue_rtp::{
    InterLayer, NtpTime, PayloadType, Rid, ScalabilityMode, ScalabilityModeError, Ssrc,
};
pub use duologue_session::{
    Contributor, EncodedFrame, EncodedFrameInit, RtpPacket, RtpPacketInit, SenderTime,
};

/// Encoded media in files, read and written without a codec: IVF, Ogg, WebM, MP4, byte streams. With the
/// feature `files`.
#[cfg(feature = "files")]
pub use duologue_files as files;

#[cfg(feature = "tokio")]
mod candidate_pair;
#[cfg(feature = "tokio")]
mod channel;
#[cfg(feature = "tokio")]
mod connection;
#[cfg(feature = "tokio")]
mod control;
#[cfg(feature = "tokio")]
mod dtmf;
#[cfg(feature = "tokio")]
mod endpoint;
#[cfg(feature = "tokio")]
mod event;
#[cfg(feature = "tokio")]
mod flow;
#[cfg(feature = "tokio")]
mod forward;
#[cfg(feature = "tokio")]
mod frames;
#[cfg(feature = "tokio")]
mod host;
#[cfg(feature = "tokio")]
mod identity;
#[cfg(feature = "legacy")]
pub mod legacy;
#[cfg(feature = "tokio")]
pub mod limits;
#[cfg(feature = "codecs")]
mod local;
#[cfg(feature = "tokio")]
mod logged;
#[cfg(feature = "tokio")]
mod media;
#[cfg(feature = "tokio")]
mod message;
#[cfg(feature = "tokio")]
#[cfg(feature = "tokio")]
mod packets;
#[cfg(feature = "codecs")]
mod raw;
#[cfg(feature = "tokio")]
mod sframe;
#[cfg(feature = "tokio")]
mod standalone;
#[cfg(feature = "tokio")]
mod transform;
#[cfg(feature = "tokio")]
mod transport;
#[cfg(feature = "tokio")]
mod wakers;

#[cfg(feature = "tokio")]
pub use {
    candidate_pair::CandidatePairProposal,
    channel::{ByteStream, DataChannel},
    connection::PeerConnection,
    dtmf::DtmfSender,
    duologue_media::forward::Choice,
    duologue_session::{Bitrate, BitrateBounds, TcpTypes},
    duologue_sframe::{
        CipherSuite as SFrameCipherSuite, DecryptError as SFrameDecryptError,
        KeyError as SFrameKeyError,
    },
    duologue_tokio::{EndpointStats, Metrics, Traffic},
    endpoint::{Endpoint, EndpointBuilder},
    event::{Event, Events},
    forward::{Forwarder, Forwarding},
    frames::{EncodedFrameWriter, EncodedFrames},
    identity::{IdentityProvider, ProviderFuture},
    media::{MediaStream, MediaStreamTrack, RtpReceiver, RtpSender, RtpTransceiver},
    message::Message,
    packets::{RtpPacketWriter, RtpPackets},
    sframe::{SFrameFailure, SFrameTransform},
    standalone::{StandaloneIceEvents, StandaloneIceTransport},
    transform::{FrameMetadata, Transform, TransformFrame, Transformer},
    transport::{DtlsTransport, IceTransport, SctpTransport},
};

/// Raw pictures and sound, what encodes and decodes them, and where that comes from: feature `codecs`.
#[cfg(feature = "codecs")]
pub mod codec {
    pub use duologue_codec::*;
    pub use duologue_g7xx::{ComfortNoise, NoiseGenerator};
    pub use duologue_raw::{built_in_codecs, found_codecs};
    pub use duologue_system::{Library, Missing, libraries};
}

/// Cameras, microphones and what takes their place: `getUserMedia`, with the feature `codecs`.
#[cfg(feature = "codecs")]
pub use duologue_devices as devices;

#[cfg(feature = "codecs")]
pub use duologue_raw::{
    AudioTrackGenerator, AudioTrackProcessor, VideoTrackGenerator, VideoTrackProcessor,
};

/// What the project's README shows runs.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
