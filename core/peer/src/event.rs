//! What comes out: events, and promises that settle.

use std::fmt;

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_ice as ice;

use crate::{
    DtlsTransportState, Exception, IceCandidate, IceCandidatePair, IceConnectionState,
    IceGathererState, IceGatheringState, IceTransportState, IdentityAssertion, MediaStreamId,
    Message, PeerConnectionState, Question, QuestionId, Rejection, SctpTransportState,
    SessionDescription, SignalingState, StatsReport, TrackId,
};

/// The promise that a method returned.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OperationId(pub(crate) u64);

impl OperationId {
    /// A number that no other operation of the connection has.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

/// A thing for the host to do: dispatch an event or settle a promise. It performs each before
/// it takes the next.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a host must handle every kind")]
pub enum Effect {
    /// Fire this event.
    Event(Event),
    /// Resolve the promise of this operation.
    Resolve {
        /// Which operation.
        operation: OperationId,
        /// The promise's value.
        value: Value,
    },
    /// Reject the promise of this operation.
    Reject {
        /// Which operation.
        operation: OperationId,
        /// The reason.
        exception: Exception,
    },
    /// Find out what the connection cannot, and tell it by
    /// [`answer`](crate::PeerConnection::answer). After `close()` nobody waits for it.
    Ask {
        /// Which question, for the answer.
        question: QuestionId,
        /// What is asked.
        what: Question,
    },
}

/// What a promise resolves to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `undefined`
    Undefined,
    /// The description that `createOffer` or `createAnswer` made.
    Description(SessionDescription),
    /// The report that `getStats` made.
    Stats(StatsReport),
    /// The assertion that `getIdentityAssertion` gives, in base64.
    Assertion(String),
    /// Who the other end is, of `peerIdentity`.
    Identity(IdentityAssertion),
}

/// Every event of a connection and of the objects that belong to it. Where a state changed, the
/// event carries the new one; in the slots it is already set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// `negotiationneeded` at the connection.
    NegotiationNeeded,
    /// `signalingstatechange` at the connection.
    SignalingStateChange(SignalingState),
    /// `icegatheringstatechange` at the connection.
    IceGatheringStateChange(IceGatheringState),
    /// `iceconnectionstatechange` at the connection.
    IceConnectionStateChange(IceConnectionState),
    /// `connectionstatechange` at the connection.
    ConnectionStateChange(PeerConnectionState),
    /// `icecandidate` at the connection. An empty candidate ends a generation; none at all says
    /// that all gathering ended (for old applications; not to be sent to the peer).
    IceCandidate(Option<IceCandidate>),
    /// `icecandidateerror` at the connection.
    IceCandidateError(IceCandidateError),
    /// `track` at the connection.
    Track {
        /// The transceiver of the track, which also names the receiver.
        transceiver: TransceiverId,
        /// The receiver's track.
        track: TrackId,
        /// The streams the track is in.
        streams: Vec<MediaStreamId>,
    },
    /// `datachannel` at the connection; the channel is open already, its `open` follows.
    DataChannel(ChannelKey),

    /// `addtrack` at a stream.
    StreamAddTrack {
        /// The stream.
        stream: MediaStreamId,
        /// The track that is in it now.
        track: TrackId,
    },
    /// `removetrack` at a stream.
    StreamRemoveTrack {
        /// The stream.
        stream: MediaStreamId,
        /// The track that is no longer in it.
        track: TrackId,
    },
    /// An answer rejected a transceiver's m-section: it is stopped, unless the application made it and
    /// the answer is this end's, which then offers it again. An extension, `rejected` at the connection:
    /// webrtc-pc does not say why.
    TransceiverRejected(TransceiverId, Rejection),
    /// `mute` at a track.
    TrackMute(TrackId),
    /// `unmute` at a track.
    TrackUnmute(TrackId),
    /// `isolationchange` of a receiver's track (webrtc-identity §9), and whether it is isolated.
    TrackIsolationChange(TrackId, bool),
    /// `ended` at a track.
    TrackEnded(TrackId),

    /// `statechange` at a DTLS transport.
    DtlsStateChange(TransportKey, DtlsTransportState),
    /// `error` at a DTLS transport, an `RTCErrorEvent`.
    DtlsError(TransportKey, Exception),
    /// `silent` at a DTLS transport, an extension: nothing comes of the other end's part in the
    /// handshake, which it would begin; this end goes on waiting. webrtc-pc lets the state stay `connecting`.
    DtlsSilent(TransportKey),
    /// `statechange` at an ICE transport.
    IceTransportStateChange(TransportKey, IceTransportState),
    /// `gatheringstatechange` at an ICE transport.
    IceTransportGatheringStateChange(TransportKey, IceGathererState),
    /// `selectedcandidatepairchange` at an ICE transport.
    SelectedCandidatePairChange(TransportKey),
    /// `icecandidatepairadd` at an ICE transport, of an application that
    /// [controls](crate::PeerConnection::control_candidate_pairs) its pairs.
    IceCandidatePairAdd(TransportKey, Box<IceCandidatePair>),
    /// `icecandidatepairnominate` at an ICE transport, cancelable: whether to nominate the pair is
    /// [answered](crate::PeerConnection::answer_candidate_pair) after it.
    IceCandidatePairNominate(TransportKey, Box<IceCandidatePair>),
    /// `icecandidatepairremove` at an ICE transport.
    IceCandidatePairRemove {
        /// The transport.
        transport: TransportKey,
        /// The pair.
        pair: Box<IceCandidatePair>,
        /// Nothing needs the pair any more, but it may stay: whether to remove it is
        /// [answered](crate::PeerConnection::answer_candidate_pair) after the event.
        cancelable: bool,
    },
    /// `statechange` at the SCTP transport.
    SctpStateChange(SctpTransportState),

    /// `open` at a data channel.
    ChannelOpen(ChannelKey),
    /// `message` at a data channel.
    ChannelMessage(ChannelKey, Message),
    /// `bufferedamountlow` at a data channel.
    ChannelBufferedAmountLow(ChannelKey),
    /// `error` at a data channel, an `RTCErrorEvent`.
    ChannelError(ChannelKey, Exception),
    /// `closing` at a data channel.
    ChannelClosing(ChannelKey),
    /// `close` at a data channel.
    ChannelClose(ChannelKey),

    /// The other end of a sender's stream needs a key frame: `keyframerequest` of
    /// webrtc-encoded-transform, which browsers fire at the sender's transformer.
    KeyFrameRequest {
        /// Whose sender.
        transceiver: TransceiverId,
        /// The index of the sender's encoding.
        encoding: usize,
        /// The RID of the encoding.
        rid: Option<String>,
    },
    /// What the encoders of a transceiver's sender may make is another rate: the extension
    /// `targetbitratechange`, fired at the sender.
    TargetBitrateChange(TransceiverId),
    /// `tonechange` at the `RTCDTMFSender` of a transceiver's sender; empty when the last ended.
    ToneChange(TransceiverId, String),
}

/// The object that an event is fired at.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// The `RTCPeerConnection`.
    PeerConnection,
    /// A `MediaStream`.
    MediaStream(MediaStreamId),
    /// A `MediaStreamTrack`.
    MediaStreamTrack(TrackId),
    /// An `RTCDtlsTransport`.
    DtlsTransport(TransportKey),
    /// An `RTCIceTransport`.
    IceTransport(TransportKey),
    /// The `RTCSctpTransport`.
    SctpTransport,
    /// An `RTCDataChannel`.
    DataChannel(ChannelKey),
    /// The `RTCRtpSender` of a transceiver.
    RtpSender(TransceiverId),
    /// The `RTCDTMFSender` of a transceiver's sender.
    DtmfSender(TransceiverId),
}

impl Event {
    /// The event's `type`, as `addEventListener` takes it.
    pub fn name(&self) -> &'static str {
        match self {
            Event::NegotiationNeeded => "negotiationneeded",
            Event::SignalingStateChange(_) => "signalingstatechange",
            Event::IceGatheringStateChange(_) => "icegatheringstatechange",
            Event::IceConnectionStateChange(_) => "iceconnectionstatechange",
            Event::ConnectionStateChange(_) => "connectionstatechange",
            Event::IceCandidate(_) => "icecandidate",
            Event::IceCandidateError(_) => "icecandidateerror",
            Event::Track { .. } => "track",
            Event::DataChannel(_) => "datachannel",
            Event::StreamAddTrack { .. } => "addtrack",
            Event::StreamRemoveTrack { .. } => "removetrack",
            Event::TransceiverRejected(..) => "rejected",
            Event::TrackMute(_) => "mute",
            Event::TrackUnmute(_) => "unmute",
            Event::TrackIsolationChange(..) => "isolationchange",
            Event::TrackEnded(_) => "ended",
            Event::DtlsStateChange(..)
            | Event::IceTransportStateChange(..)
            | Event::SctpStateChange(_) => "statechange",
            Event::DtlsError(..) | Event::ChannelError(..) => "error",
            Event::DtlsSilent(_) => "silent",
            Event::IceTransportGatheringStateChange(..) => "gatheringstatechange",
            Event::SelectedCandidatePairChange(_) => "selectedcandidatepairchange",
            Event::IceCandidatePairAdd(..) => "icecandidatepairadd",
            Event::IceCandidatePairNominate(..) => "icecandidatepairnominate",
            Event::IceCandidatePairRemove { .. } => "icecandidatepairremove",
            Event::ChannelOpen(_) => "open",
            Event::ChannelMessage(..) => "message",
            Event::ChannelBufferedAmountLow(_) => "bufferedamountlow",
            Event::ChannelClosing(_) => "closing",
            Event::ChannelClose(_) => "close",
            Event::KeyFrameRequest { .. } => "keyframerequest",
            Event::TargetBitrateChange(_) => "targetbitratechange",
            Event::ToneChange(..) => "tonechange",
        }
    }

    /// The object that the event is fired at.
    pub fn target(&self) -> Target {
        match self {
            Event::NegotiationNeeded
            | Event::SignalingStateChange(_)
            | Event::IceGatheringStateChange(_)
            | Event::IceConnectionStateChange(_)
            | Event::ConnectionStateChange(_)
            | Event::IceCandidate(_)
            | Event::IceCandidateError(_)
            | Event::Track { .. }
            | Event::TransceiverRejected(..)
            | Event::DataChannel(_) => Target::PeerConnection,
            Event::StreamAddTrack { stream, .. } | Event::StreamRemoveTrack { stream, .. } => {
                Target::MediaStream(stream.clone())
            }
            Event::TrackMute(track)
            | Event::TrackUnmute(track)
            | Event::TrackIsolationChange(track, _)
            | Event::TrackEnded(track) => Target::MediaStreamTrack(track.clone()),
            Event::DtlsStateChange(key, _) | Event::DtlsError(key, _) | Event::DtlsSilent(key) => {
                Target::DtlsTransport(*key)
            }
            Event::IceTransportStateChange(key, _)
            | Event::IceTransportGatheringStateChange(key, _)
            | Event::SelectedCandidatePairChange(key)
            | Event::IceCandidatePairAdd(key, _)
            | Event::IceCandidatePairNominate(key, _)
            | Event::IceCandidatePairRemove { transport: key, .. } => Target::IceTransport(*key),
            Event::SctpStateChange(_) => Target::SctpTransport,
            Event::ChannelOpen(channel)
            | Event::ChannelMessage(channel, _)
            | Event::ChannelBufferedAmountLow(channel)
            | Event::ChannelError(channel, _)
            | Event::ChannelClosing(channel)
            | Event::ChannelClose(channel) => Target::DataChannel(*channel),
            Event::KeyFrameRequest { transceiver, .. } => Target::RtpSender(*transceiver),
            Event::TargetBitrateChange(transceiver) => Target::RtpSender(*transceiver),
            Event::ToneChange(transceiver, _) => Target::DtmfSender(*transceiver),
        }
    }
}

/// The attributes of `icecandidateerror` (webrtc-pc §4.8.3).
#[doc(alias = "RTCPeerConnectionIceErrorEvent")]
#[derive(Clone, Eq, PartialEq)]
pub struct IceCandidateError {
    /// The local address used.
    pub address: Option<String>,
    /// The local port used.
    pub port: Option<u16>,
    /// The server's URL.
    pub url: String,
    /// STUN's error code, or 701 when the server cannot be reached.
    pub error_code: u16,
    /// STUN's reason, or the host's text.
    pub error_text: String,
}

impl From<ice::CandidateError> for IceCandidateError {
    fn from(error: ice::CandidateError) -> Self {
        IceCandidateError {
            address: error.local.map(|local| local.ip().to_string()),
            port: error.local.map(|local| local.port()),
            url: error.url,
            error_code: error.code,
            error_text: error.text,
        }
    }
}

impl fmt::Debug for IceCandidateError {
    /// Without the local address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidateError")
            .field("url", &self.url)
            .field("error_code", &self.error_code)
            .field("error_text", &self.error_text)
            .finish_non_exhaustive()
    }
}
