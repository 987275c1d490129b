//! `NativeEffect`: what JavaScript is to perform.

use duologue_base::{ChannelKey, TransceiverId, TransportKey};
use duologue_peer::{Effect, Event, IceCandidate, IceCandidateInit, IceCandidateParts};
use duologue_peer::{IceCandidateError, Message, SessionDescription, Target, Value};
use napi::bindgen_prelude::{ArrayBuffer, Result};
use napi::{Env, JsValue, Unknown};
use serde::Serialize;

use crate::exception::Exception;
use crate::limits::MAX_COPIED_BYTES;

/// `NativeCandidate`
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CandidateView {
    init: IceCandidateInit,
    parts: Option<IceCandidateParts>,
    relay_protocol: Option<&'static str>,
    url: Option<String>,
}

impl From<IceCandidate> for CandidateView {
    fn from(candidate: IceCandidate) -> Self {
        CandidateView {
            init: candidate.init,
            parts: candidate.parts,
            relay_protocol: candidate.relay_protocol.map(|protocol| protocol.as_str()),
            url: candidate.url,
        }
    }
}

/// Every kind of effect but messages, with the members that it has.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct EffectView {
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<SessionDescription>,
    /// JSON: its counters are wider than what a `u32` of Node-API holds, and it is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<Exception>,

    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    event_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<Option<CandidateView>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    candidate_error: Option<CandidateErrorView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transceiver: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Exception>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rid: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateErrorView {
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

/// Another effect, as a JavaScript object.
pub(crate) fn to_js<'env>(env: &'env Env, effect: Effect) -> Result<Unknown<'env>> {
    match effect {
        Effect::Event(event) => env.to_js_value(&event_view(event)),
        Effect::Resolve { operation, value } => {
            let mut view = EffectView {
                effect: "resolve",
                operation: Some(operation.as_u64() as f64),
                ..EffectView::default()
            };
            match value {
                Value::Description(description) => view.description = Some(description),
                Value::Stats(report) => view.stats = Some(serde_json::to_string(&report)?),
                _ => {}
            }
            env.to_js_value(&view)
        }
        Effect::Reject {
            operation,
            exception,
        } => env.to_js_value(&EffectView {
            effect: "reject",
            operation: Some(operation.as_u64() as f64),
            exception: Some(Exception::from(&exception)),
            ..EffectView::default()
        }),
    }
}

/// The channel of an event without data, and its number in `CHANNEL_EVENTS` of
/// `lib/rtc/connection.ts`: these events are frequent.
pub(crate) fn channel_event(effect: &Effect) -> Option<(u32, u32)> {
    let Effect::Event(event) = effect else {
        return None;
    };
    match *event {
        Event::ChannelOpen(ChannelKey(channel)) => Some((channel, 0)),
        Event::ChannelBufferedAmountLow(ChannelKey(channel)) => Some((channel, 1)),
        Event::ChannelClosing(ChannelKey(channel)) => Some((channel, 2)),
        Event::ChannelClose(ChannelKey(channel)) => Some((channel, 3)),
        _ => None,
    }
}

/// The `data` of a message. Small ones are copied into memory of JavaScript's own: memory of ours
/// would need a finalizer for each, which costs more.
pub(crate) fn data_to_js<'env>(env: &'env Env, message: Message) -> Result<Unknown<'env>> {
    let Message { data, binary } = message;
    Ok(match binary {
        false => {
            let text = String::from_utf8_lossy(&data);
            env.create_string(&*text)?.to_unknown()
        }
        true if data.len() <= MAX_COPIED_BYTES => ArrayBuffer::copy_from(env, data)?.to_unknown(),
        true => ArrayBuffer::from_data(env, data)?.to_unknown(),
    })
}

fn event_view(event: Event) -> EffectView {
    let mut view = EffectView {
        effect: "event",
        event_type: Some(event.name()),
        ..EffectView::default()
    };
    set_target(&mut view, event.target());
    match event {
        Event::IceCandidate(candidate) => view.candidate = Some(candidate.map(Into::into)),
        Event::IceCandidateError(error) => view.candidate_error = Some(error.into()),
        Event::Track {
            transceiver: TransceiverId(transceiver),
            streams,
            ..
        } => {
            view.transceiver = Some(transceiver);
            view.streams = Some(streams.iter().map(ToString::to_string).collect());
        }
        Event::DataChannel(ChannelKey(channel)) => view.channel = Some(channel),
        Event::StreamAddTrack { track, .. } | Event::StreamRemoveTrack { track, .. } => {
            view.track = Some(track.to_string());
        }
        Event::DtlsError(_, error) | Event::ChannelError(_, error) => {
            view.error = Some(Exception::from(&error));
        }
        Event::ToneChange(_, tone) => view.tone = Some(tone),
        Event::KeyFrameRequest { encoding, rid, .. } => {
            view.encoding = Some(encoding);
            view.rid = rid.map(|rid| rid.to_string());
        }
        // The state that the others carry is in the mirror.
        _ => {}
    }
    view
}

fn set_target(view: &mut EffectView, target: Target) {
    view.target = Some(match target {
        Target::MediaStream(stream) => {
            view.stream = Some(stream.to_string());
            "stream"
        }
        Target::MediaStreamTrack(track) => {
            view.track = Some(track.to_string());
            "track"
        }
        Target::DtlsTransport(TransportKey(key)) => {
            view.key = Some(key);
            "dtls"
        }
        Target::IceTransport(TransportKey(key)) => {
            view.key = Some(key);
            "ice"
        }
        Target::SctpTransport => "sctp",
        Target::DataChannel(ChannelKey(channel)) => {
            view.channel = Some(channel);
            "channel"
        }
        Target::RtpSender(TransceiverId(transceiver)) => {
            view.transceiver = Some(transceiver);
            "sender"
        }
        Target::DtmfSender(TransceiverId(transceiver)) => {
            view.transceiver = Some(transceiver);
            "dtmf"
        }
        _ => "connection",
    });
}
