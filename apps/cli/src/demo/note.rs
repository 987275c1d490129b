//! What the page is told of the Rust end, as server-sent events.

use duologue::{Event, IceCandidateInit, MediaKind, MediaStreamTrack, PeerConnection};
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Note {
    /// A candidate for the page's `addIceCandidate`; none at the end.
    Candidate { candidate: Option<IceCandidateInit> },
    /// A server gave the Rust end no candidate.
    #[serde(rename_all = "camelCase")]
    CandidateError {
        url: String,
        error_code: u16,
        error_text: String,
    },
    /// Every state as it is now.
    States { states: States },
    /// Something happened.
    Event { event: &'static str, value: String },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct States {
    signaling_state: &'static str,
    ice_gathering_state: &'static str,
    ice_connection_state: &'static str,
    connection_state: &'static str,
    #[serde(rename = "dtls transport")]
    dtls: &'static str,
    #[serde(rename = "sctp transport")]
    sctp: &'static str,
}

impl States {
    pub(super) fn of(pc: &PeerConnection) -> Self {
        let sctp = pc.sctp();
        let dtls = sctp.as_ref().and_then(|s| s.transport());
        States {
            signaling_state: pc.signaling_state().as_str(),
            ice_gathering_state: pc.ice_gathering_state().as_str(),
            ice_connection_state: pc.ice_connection_state().as_str(),
            connection_state: pc.connection_state().as_str(),
            dtls: dtls.map_or("–", |d| d.state().as_str()),
            sctp: sctp.map_or("–", |s| s.state().as_str()),
        }
    }
}

impl Note {
    /// The page's name and text for an event; `None` for those that it does not show.
    pub(super) fn of(event: &Event) -> Option<Note> {
        let (event, value) = match event {
            Event::IceCandidate(candidate) => {
                let candidate = candidate.as_ref().map(|c| c.init.clone());
                return Some(Note::Candidate { candidate });
            }
            Event::IceCandidateError(error) => {
                return Some(Note::CandidateError {
                    url: error.url.clone(),
                    error_code: error.error_code,
                    error_text: error.error_text.clone(),
                });
            }
            Event::NegotiationNeeded => ("negotiationneeded", String::new()),
            Event::SignalingStateChange(s) => ("signalingstatechange", s.to_string()),
            Event::IceGatheringStateChange(s) => ("icegatheringstatechange", s.to_string()),
            Event::IceConnectionStateChange(s) => ("iceconnectionstatechange", s.to_string()),
            Event::ConnectionStateChange(s) => ("connectionstatechange", s.to_string()),
            Event::DtlsStateChange(_, s) => ("dtls statechange", s.to_string()),
            Event::DtlsError(_, error) => ("dtls error", error.to_string()),
            Event::DtlsSilent(_) => ("dtls silent", String::new()),
            Event::IceTransportStateChange(_, s) => ("ice statechange", s.to_string()),
            Event::SctpStateChange(_, s) => ("sctp statechange", s.to_string()),
            Event::SelectedCandidatePairChange(_) => ("selectedcandidatepairchange", String::new()),
            Event::Track { track, .. } => ("track", kind(track)),
            Event::TransceiverRejected(_, why) => ("rejected", why.to_string()),
            Event::TrackMute(track) => ("mute", kind(track)),
            Event::TrackUnmute(track) => ("unmute", kind(track)),
            Event::TrackEnded(track) => ("ended", kind(track)),
            Event::KeyFrameRequest { .. } => ("keyframerequest", String::new()),
            Event::DataChannel(channel) => ("datachannel", channel.label().to_owned()),
            Event::ChannelOpen(channel) => ("open", channel.label().to_owned()),
            Event::ChannelClosing(channel) => ("closing", channel.label().to_owned()),
            Event::ChannelClose(channel) => ("close", channel.label().to_owned()),
            Event::ChannelError(channel, error) => {
                ("error", format!("{}: {error}", channel.label()))
            }
            _ => return None,
        };
        Some(Note::Event { event, value })
    }
}

fn kind(track: &MediaStreamTrack) -> String {
    track.kind().map_or("", MediaKind::as_str).to_owned()
}
