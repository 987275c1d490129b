//! What each report is in the log of events. The names are documented in `docs/event-log.md`.

use duologue_session::{
    Candidate, ChannelReport, DtlsReport, MediaReport, Report, SctpReport, TransportReport,
};
use serde_json::{Value, json};

type Event = (&'static str, Value);

/// None: it is no event, but a count or an answer.
pub(crate) fn report_event(report: &Report) -> Option<Event> {
    match report {
        Report::Transport(key, report) => {
            let (event, mut more) = transport_event(report)?;
            more["transport"] = key.0.into();
            Some((event, more))
        }
        Report::Sctp(report) => sctp_event(report),
        Report::Media(transceiver, report) => {
            let (event, mut more) = media_event(report)?;
            more["transceiver"] = transceiver.0.into();
            Some((event, more))
        }
        _ => None,
    }
}

fn transport_event(report: &TransportReport) -> Option<Event> {
    Some(match report {
        TransportReport::LocalCandidate {
            generation,
            candidate,
        } => {
            let mut more = candidate_value(candidate);
            more["generation"] = generation.0.into();
            ("local-candidate", more)
        }
        TransportReport::GatheringState { generation, state } => (
            "ice-gathering-state",
            json!({ "generation": generation.0, "state": state.as_str() }),
        ),
        TransportReport::CandidateError { error } => (
            "candidate-error",
            json!({ "url": error.url, "code": error.code, "text": error.text }),
        ),
        TransportReport::IceState { state, failure } => {
            let error = failure.map(|failure| failure.to_string());
            let state = state.as_str();
            ("ice-state", json!({ "state": state, "error": error }))
        }
        TransportReport::IceRole { role } => ("ice-role", json!({ "role": role.as_str() })),
        TransportReport::SelectedPair { pair } => (
            "selected-pair",
            json!({
                "generation": pair.generation.0,
                "local": candidate_value(&pair.local),
                "remote": candidate_value(&pair.remote),
            }),
        ),
        TransportReport::DtlsSilent => ("dtls-silent", json!({})),
        TransportReport::DtlsState { state } => ("dtls-state", dtls_value(state)),
        _ => return None,
    })
}

fn candidate_value(candidate: &Candidate) -> Value {
    // What is hidden from the other end is hidden here.
    let address = match &candidate.name {
        Some(name) => name.to_string(),
        None => candidate.addr.ip().to_string(),
    };
    json!({
        "type": candidate.kind.as_str(),
        "protocol": format!("{:?}", candidate.protocol).to_lowercase(),
        "address": address,
        "port": candidate.addr.port(),
    })
}

fn dtls_value(state: &DtlsReport) -> Value {
    match state {
        DtlsReport::Connecting => json!({ "state": "connecting" }),
        DtlsReport::Connected { version, .. } => {
            json!({ "state": "connected", "version": format!("{version:?}") })
        }
        DtlsReport::Closed => json!({ "state": "closed" }),
        DtlsReport::Failed { error } => json!({ "state": "failed", "error": error.to_string() }),
    }
}

fn sctp_event(report: &SctpReport) -> Option<Event> {
    let value = match report {
        SctpReport::Connected { max_channels } => {
            json!({ "state": "connected", "maxChannels": max_channels })
        }
        SctpReport::Connecting => json!({ "state": "connecting" }),
        SctpReport::Stopped => json!({ "state": "closed" }),
        SctpReport::Closed { error } => {
            let error = error.as_ref().map(ToString::to_string);
            json!({ "state": "closed", "error": error })
        }
        _ => return None,
    };
    Some(("sctp-state", value))
}

fn media_event(report: &MediaReport) -> Option<Event> {
    Some(match report {
        MediaReport::Unmuted => ("media-unmuted", json!({})),
        MediaReport::Bye { ssrc } => ("media-bye", json!({ "ssrc": ssrc.0 })),
        MediaReport::KeyFrameWanted { encoding } => {
            ("key-frame-wanted", json!({ "encoding": encoding }))
        }
        _ => return None,
    })
}

/// None: it is a message.
pub(crate) fn channel_event(report: &ChannelReport) -> Option<Event> {
    Some(match report {
        ChannelReport::Announced {
            channel, stream, ..
        } => (
            "channel-announced",
            json!({ "channel": channel.0, "stream": stream.0 }),
        ),
        ChannelReport::Opened { channel } => ("channel-open", json!({ "channel": channel.0 })),
        ChannelReport::Closing { channel } => ("channel-closing", json!({ "channel": channel.0 })),
        ChannelReport::Closed { channel, error } => {
            let error = error.as_ref().map(ToString::to_string);
            let more = json!({ "channel": channel.0, "error": error });
            ("channel-closed", more)
        }
        _ => return None,
    })
}
