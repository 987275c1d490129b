#![cfg_attr(
    feature = "tokio",
    doc = r#"
`RTCPeerConnection` outside the browser.

Names, behaviour and the order of events are those of the W3C's [WebRTC] and the documents around
it; the wire is what browsers speak. A type `RTCFoo` is called `Foo` here, a method
`setLocalDescription` is [`PeerConnection::set_local_description`]; where the W3C's method returns
a promise, the method here is `async`, and where it throws, the method returns an [`Exception`] of
the same name.

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
//!
//! # Without tokio
//!
//! The same two machines that this API runs, the W3C's algorithms and the protocols, are in
//! [`sans_io`], without sockets, clocks, threads or tasks. Without the default feature `tokio`
//! they are all there is.
//!
//! [WebRTC]: https://www.w3.org/TR/webrtc/
#![forbid(unsafe_code)]

pub mod sans_io;

pub use bytes::Bytes;
pub use duologue_base::{ChannelKey, StreamId, TransceiverId, TransportKey, WallClock};
pub use duologue_identity::{Certificate, Fingerprint, KeygenAlgorithm};
pub use duologue_peer::{
    BundlePolicy, CandidatePairStats, CertificateStats, Configuration, DataChannelInit,
    DataChannelState, DataChannelStats, DegradationPreference, DtlsTransportState, Exception,
    ExceptionName, IceCandidate, IceCandidateError, IceCandidateInit, IceCandidatePair,
    IceCandidatePairState, IceCandidateParts, IceCandidateStats, IceCandidateType, IceComponent,
    IceConnectionState, IceGathererState, IceGatheringState, IceParameters, IceProtocol, IceRole,
    IceServer, IceServerTransportProtocol, IceTcpCandidateType, IceTransportPolicy,
    IceTransportState, LocalSessionDescription, MediaKind, MediaSourceStats, MediaStreamId,
    MediaStreamTrackState, OfferOptions, PeerConnectionState, PeerConnectionStats, PriorityType,
    ResolutionRestriction, RtcErrorDetail, RtcErrorInit, RtcpMuxPolicy, RtcpParameters,
    RtpCapabilities, RtpCodec, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionCapability, RtpHeaderExtensionParameters, RtpReceiveParameters,
    RtpSendParameters, SctpTransportState, SdpType, SessionDescription, SignalingState, Stats,
    StatsReport, Track, TrackId, TrackOrKind, TransceiverDirection, TransceiverInit,
    TransportStats,
};

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
mod host;
#[cfg(feature = "tokio")]
pub mod limits;
#[cfg(feature = "tokio")]
mod media;
#[cfg(feature = "tokio")]
mod message;
#[cfg(feature = "tokio")]
mod transport;
#[cfg(feature = "tokio")]
mod wakers;

#[cfg(feature = "tokio")]
pub use {
    channel::DataChannel,
    connection::PeerConnection,
    dtmf::DtmfSender,
    duologue_session::TcpTypes,
    duologue_tokio::EndpointStats,
    endpoint::{Endpoint, EndpointBuilder},
    event::{Event, Events},
    media::{MediaStream, MediaStreamTrack, RtpReceiver, RtpSender, RtpTransceiver},
    message::Message,
    transport::{DtlsTransport, IceTransport, SctpTransport},
};
