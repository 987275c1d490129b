//! `NativeEffect`: what JavaScript is to perform.

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_peer::{
    Answer, Effect, Event, IceCandidate, IceCandidateError, IceCandidateInit, IceCandidatePair,
    IceCandidateParts, IceServerTransportProtocol, IdentityAssertion, IdentityAssertionResult,
    IdentityProviderDetails, IdentityProviderError, IdentityProviderOptions,
    IdentityValidationResult, Message, OperationId, Question, QuestionId, RtcErrorDetail,
    SessionDescription, Value,
};
use napi::bindgen_prelude::{ArrayBuffer, Result};
use napi::{Env, JsValue, Unknown};
use serde::{Deserialize, Serialize};

use crate::exception::Exception;

/// `NativeCandidate`
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeCandidate", optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CandidateView {
    init: IceCandidateInit,
    parts: Option<IceCandidateParts>,
    relay_protocol: Option<IceServerTransportProtocol>,
    url: Option<String>,
}

impl From<IceCandidate> for CandidateView {
    fn from(candidate: IceCandidate) -> Self {
        CandidateView {
            init: candidate.init,
            parts: candidate.parts,
            relay_protocol: candidate.relay_protocol,
            url: candidate.url,
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeCandidatePair")
)]
pub(crate) struct PairView {
    id: u32,
    local: CandidateView,
    remote: CandidateView,
}

impl From<IceCandidatePair> for PairView {
    fn from(pair: IceCandidatePair) -> Self {
        PairView {
            id: pair.id.0,
            local: pair.local.into(),
            remote: pair.remote.into(),
        }
    }
}

/// `NativeEffect`: an event to dispatch, or a promise to settle. What is frequent at channels is no
/// such object, see [`Told`].
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "NativeEffect"))]
#[serde(tag = "effect", rename_all = "lowercase")]
pub(crate) enum EffectView {
    Event(EventView),
    Resolve(Resolution),
    Reject(Rejection),
    Ask(QuestionView),
}

/// What an identity provider is asked: an assertion, unless there is one to validate.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeQuestion", optional_fields = nullable)
)]
pub(crate) struct QuestionView {
    question: f64,
    provider: IdentityProviderDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<IdentityProviderOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion: Option<String>,
}

/// What an identity provider answered.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "NativeAnswer"))]
#[serde(tag = "answer", rename_all = "lowercase")]
pub(crate) enum AnswerView {
    Assertion(IdentityAssertionResult),
    Validation(IdentityValidationResult),
    Failed(ProviderFailure),
}

#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeProviderFailure", optional_fields = nullable)
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProviderFailure {
    detail: RtcErrorDetail,
    message: String,
    http_request_status_code: Option<i32>,
    login_url: Option<String>,
    error_info: Option<String>,
}

impl From<AnswerView> for Answer {
    fn from(answer: AnswerView) -> Self {
        match answer {
            AnswerView::Assertion(result) => Answer::Assertion(result),
            AnswerView::Validation(result) => Answer::Validation(result),
            AnswerView::Failed(failure) => Answer::Failed(failure.into()),
        }
    }
}

impl From<ProviderFailure> for IdentityProviderError {
    fn from(failure: ProviderFailure) -> Self {
        let message = failure.message;
        let error = match failure.detail {
            RtcErrorDetail::IdpLoadFailure => {
                IdentityProviderError::load_failure(failure.http_request_status_code, message)
            }
            RtcErrorDetail::IdpNeedLogin => {
                IdentityProviderError::need_login(failure.login_url.unwrap_or_default())
            }
            RtcErrorDetail::IdpTlsFailure => IdentityProviderError::tls_failure(message),
            RtcErrorDetail::IdpBadScriptFailure => IdentityProviderError::bad_script(message),
            RtcErrorDetail::IdpTimeout => IdentityProviderError::timeout(),
            RtcErrorDetail::IdpTokenExpired => IdentityProviderError::token_expired(message),
            RtcErrorDetail::IdpTokenInvalid => IdentityProviderError::token_invalid(message),
            _ => IdentityProviderError::execution_failure(message),
        };
        match failure.error_info {
            Some(info) => error.with_info(info),
            None => error,
        }
    }
}

fn question_view(question: QuestionId, what: Question) -> Option<QuestionView> {
    let question = question.as_u64() as f64;
    let view = |provider| QuestionView {
        question,
        provider,
        contents: None,
        options: None,
        assertion: None,
    };
    match what {
        Question::GenerateAssertion {
            provider,
            contents,
            options,
        } => Some(QuestionView {
            contents: Some(contents),
            options: Some(options),
            ..view(provider)
        }),
        Question::ValidateAssertion {
            provider,
            assertion,
        } => Some(QuestionView {
            assertion: Some(assertion),
            ..view(provider)
        }),
        _ => None,
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeResolution", optional_fields = nullable)
)]
pub(crate) struct Resolution {
    operation: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<SessionDescription>,
    /// JSON: its counters are wider than what a `u32` of Node-API holds, and it is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<IdentityAssertion>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeRejection")
)]
pub(crate) struct Rejection {
    operation: f64,
    exception: Exception,
}

/// `NativeEvent`: whose it is, and then its `type`. The state that events tell of is in the mirror.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(rename = "NativeEvent"))]
#[serde(tag = "target", rename_all = "lowercase")]
pub(crate) enum EventView {
    Connection(ConnectionEvent),
    Stream(StreamEvent),
    Track(TrackEvent),
    Dtls(DtlsEvent),
    Ice(IceEvent),
    Sctp(SctpEvent),
    Channel(ChannelEvent),
    Sender(SenderEvent),
    Dtmf(DtmfEvent),
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeConnectionEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ConnectionEvent {
    NegotiationNeeded,
    SignalingStateChange,
    IceGatheringStateChange,
    IceConnectionStateChange,
    ConnectionStateChange,
    IceCandidate {
        candidate: Option<CandidateView>,
    },
    IceCandidateError(CandidateErrorView),
    Track {
        transceiver: u32,
        streams: Vec<String>,
    },
    DataChannel {
        channel: u32,
    },
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeStreamEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum StreamEvent {
    AddTrack { stream: String, track: String },
    RemoveTrack { stream: String, track: String },
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeTrackEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum TrackEvent {
    Mute { track: String },
    Unmute { track: String },
    Ended { track: String },
    IsolationChange { track: String, isolated: bool },
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeDtlsEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum DtlsEvent {
    StateChange { key: u32 },
    Error { key: u32, error: Exception },
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeIceEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum IceEvent {
    StateChange { key: u32 },
    GatheringStateChange { key: u32 },
    SelectedCandidatePairChange { key: u32 },
    IceCandidatePairAdd(Box<PairEvent>),
    IceCandidatePairNominate(Box<PairEvent>),
    IceCandidatePairRemove(Box<PairEvent>),
}

/// Of a candidate pair; one that is cancelable is answered.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativePairEvent")
)]
pub(crate) struct PairEvent {
    key: u32,
    pair: PairView,
    cancelable: bool,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeSctpEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum SctpEvent {
    StateChange,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeChannelEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ChannelEvent {
    Error { channel: u32, error: Exception },
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeSenderEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum SenderEvent {
    KeyFrameRequest(KeyFrameRequest),
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeKeyFrameRequest", optional_fields = nullable)
)]
pub(crate) struct KeyFrameRequest {
    transceiver: u32,
    encoding: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeDtmfEvent")
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum DtmfEvent {
    ToneChange { transceiver: u32, tone: String },
}

#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeCandidateError")
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CandidateErrorView {
    address: Option<String>,
    port: Option<u16>,
    url: String,
    error_code: u16,
    error_text: String,
}

impl From<IceCandidateError> for CandidateErrorView {
    fn from(error: IceCandidateError) -> Self {
        CandidateErrorView {
            address: error.address,
            port: error.port,
            url: error.url,
            error_code: error.error_code,
            error_text: error.error_text,
        }
    }
}

/// An effect, as JavaScript is told of it.
pub(crate) enum Told {
    Message(ChannelKey, Message),
    /// An event without data at a channel, by its number in `CHANNEL_EVENTS` of
    /// `lib/rtc/connection.ts`: these events are frequent.
    OfChannel(ChannelKey, u32),
    Other(EffectView),
}

impl Told {
    /// What JavaScript is told; nothing of an event that this package does not show.
    pub(crate) fn of(effect: Effect) -> Result<Option<Self>> {
        Ok(Some(match effect {
            Effect::Event(Event::ChannelMessage(channel, message)) => {
                Told::Message(channel, message)
            }
            Effect::Event(Event::ChannelOpen(channel)) => Told::OfChannel(channel, 0),
            Effect::Event(Event::ChannelBufferedAmountLow(channel)) => Told::OfChannel(channel, 1),
            Effect::Event(Event::ChannelClosing(channel)) => Told::OfChannel(channel, 2),
            Effect::Event(Event::ChannelClose(channel)) => Told::OfChannel(channel, Self::CLOSE),
            Effect::Event(event) => match event_view(event) {
                Some(event) => Told::Other(EffectView::Event(event)),
                None => return Ok(None),
            },
            Effect::Resolve { operation, value } => {
                Told::Other(EffectView::Resolve(resolution(operation, value)?))
            }
            Effect::Reject {
                operation,
                exception,
            } => Told::Other(EffectView::Reject(Rejection {
                operation: operation.as_u64() as f64,
                exception: Exception::from(&exception),
            })),
            Effect::Ask { question, what } => match question_view(question, what) {
                Some(question) => Told::Other(EffectView::Ask(question)),
                None => return Ok(None),
            },
        }))
    }

    const CLOSE: u32 = 3;

    /// The channel that the other end made.
    pub(crate) fn new_channel(&self) -> Option<ChannelKey> {
        match self {
            Told::Other(EffectView::Event(EventView::Connection(
                ConnectionEvent::DataChannel { channel },
            ))) => Some(ChannelKey(*channel)),
            _ => None,
        }
    }

    /// The channel that is closed.
    pub(crate) fn closed_channel(&self) -> Option<ChannelKey> {
        match self {
            Told::OfChannel(channel, Self::CLOSE) => Some(*channel),
            _ => None,
        }
    }
}

fn resolution(operation: OperationId, value: Value) -> Result<Resolution> {
    let mut resolution = Resolution {
        operation: operation.as_u64() as f64,
        description: None,
        stats: None,
        assertion: None,
        identity: None,
    };
    match value {
        Value::Description(made) => resolution.description = Some(made),
        Value::Stats(report) => resolution.stats = Some(serde_json::to_string(&report)?),
        Value::Assertion(assertion) => resolution.assertion = Some(assertion),
        Value::Identity(identity) => resolution.identity = Some(identity),
        _ => {}
    }
    Ok(resolution)
}

/// The `data` of a message, in memory of JavaScript's own: what is in memory of ours cannot be transferred to
/// another thread, as an `ArrayBuffer` can (webrtc-pc §6.2).
pub(crate) fn data_to_js<'env>(env: &'env Env, message: Message) -> Result<Unknown<'env>> {
    let Message { data, binary } = message;
    Ok(match binary {
        false => {
            let text = String::from_utf8_lossy(&data);
            env.create_string(&*text)?.to_unknown()
        }
        true => ArrayBuffer::copy_from(env, data)?.to_unknown(),
    })
}

fn event_view(event: Event) -> Option<EventView> {
    Some(match event {
        Event::StreamAddTrack { stream, track } => EventView::Stream(StreamEvent::AddTrack {
            stream: stream.to_string(),
            track: track.to_string(),
        }),
        Event::StreamRemoveTrack { stream, track } => EventView::Stream(StreamEvent::RemoveTrack {
            stream: stream.to_string(),
            track: track.to_string(),
        }),
        Event::TrackMute(track) => EventView::Track(TrackEvent::Mute {
            track: track.to_string(),
        }),
        Event::TrackUnmute(track) => EventView::Track(TrackEvent::Unmute {
            track: track.to_string(),
        }),
        Event::TrackIsolationChange(track, isolated) => {
            let track = track.to_string();
            EventView::Track(TrackEvent::IsolationChange { track, isolated })
        }
        Event::TrackEnded(track) => EventView::Track(TrackEvent::Ended {
            track: track.to_string(),
        }),
        Event::ChannelError(ChannelKey(channel), error) => {
            let error = Exception::from(&error);
            EventView::Channel(ChannelEvent::Error { channel, error })
        }
        Event::KeyFrameRequest {
            transceiver: TransceiverId(transceiver),
            encoding,
            rid,
        } => EventView::Sender(SenderEvent::KeyFrameRequest(KeyFrameRequest {
            transceiver,
            encoding,
            rid,
        })),
        Event::ToneChange(TransceiverId(transceiver), tone) => {
            EventView::Dtmf(DtmfEvent::ToneChange { transceiver, tone })
        }
        other => return transport_event(&other).or_else(|| connection_event(other)),
    })
}

fn transport_event(event: &Event) -> Option<EventView> {
    Some(match event {
        Event::DtlsStateChange(TransportKey(key), _) => {
            EventView::Dtls(DtlsEvent::StateChange { key: *key })
        }
        Event::DtlsError(TransportKey(key), error) => EventView::Dtls(DtlsEvent::Error {
            key: *key,
            error: Exception::from(error),
        }),
        Event::IceTransportStateChange(TransportKey(key), _) => {
            EventView::Ice(IceEvent::StateChange { key: *key })
        }
        Event::IceTransportGatheringStateChange(TransportKey(key), _) => {
            EventView::Ice(IceEvent::GatheringStateChange { key: *key })
        }
        Event::SelectedCandidatePairChange(TransportKey(key)) => {
            EventView::Ice(IceEvent::SelectedCandidatePairChange { key: *key })
        }
        Event::SctpStateChange(_) => EventView::Sctp(SctpEvent::StateChange),
        _ => return pair_event(event),
    })
}

fn pair_event(event: &Event) -> Option<EventView> {
    let view = |key: TransportKey, pair: &IceCandidatePair, cancelable| {
        Box::new(PairEvent {
            key: key.0,
            pair: pair.clone().into(),
            cancelable,
        })
    };
    Some(EventView::Ice(match event {
        Event::IceCandidatePairAdd(key, pair) => {
            IceEvent::IceCandidatePairAdd(view(*key, pair, false))
        }
        Event::IceCandidatePairNominate(key, pair) => {
            IceEvent::IceCandidatePairNominate(view(*key, pair, true))
        }
        Event::IceCandidatePairRemove {
            transport,
            pair,
            cancelable,
        } => IceEvent::IceCandidatePairRemove(view(*transport, pair, *cancelable)),
        _ => return None,
    }))
}

fn connection_event(event: Event) -> Option<EventView> {
    Some(EventView::Connection(match event {
        Event::NegotiationNeeded => ConnectionEvent::NegotiationNeeded,
        Event::SignalingStateChange(_) => ConnectionEvent::SignalingStateChange,
        Event::IceGatheringStateChange(_) => ConnectionEvent::IceGatheringStateChange,
        Event::IceConnectionStateChange(_) => ConnectionEvent::IceConnectionStateChange,
        Event::ConnectionStateChange(_) => ConnectionEvent::ConnectionStateChange,
        Event::IceCandidate(candidate) => ConnectionEvent::IceCandidate {
            candidate: candidate.map(Into::into),
        },
        Event::IceCandidateError(error) => ConnectionEvent::IceCandidateError(error.into()),
        Event::Track {
            transceiver: TransceiverId(transceiver),
            streams,
            ..
        } => ConnectionEvent::Track {
            transceiver,
            streams: streams.iter().map(ToString::to_string).collect(),
        },
        Event::DataChannel(ChannelKey(channel)) => ConnectionEvent::DataChannel { channel },
        _ => return None,
    }))
}
