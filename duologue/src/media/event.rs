//! Events with the objects that they name.

use std::sync::Arc;

use duologue_peer as peer;

use crate::candidate_pair::CandidatePairProposal;
use crate::connection::ConnectionHandle;
use crate::dtmf::DtmfSender;
use crate::event::Event;
use crate::media::{MediaStream, MediaStreamTrack, RtpReceiver, RtpSender, RtpTransceiver};
use crate::transport::{DtlsTransport, IceTransport, SctpTransport};

/// The event with its objects, of those that media and transports have.
pub(crate) fn event_with_handles(
    connection: &Arc<ConnectionHandle>,
    event: peer::Event,
) -> Option<Event> {
    let track = |id| MediaStreamTrack::new(connection.clone(), id);
    let stream = |id| MediaStream::new(connection.clone(), id);
    Some(match event {
        peer::Event::Track {
            transceiver,
            track: id,
            streams,
        } => Event::Track {
            transceiver: RtpTransceiver::new(connection.clone(), transceiver),
            receiver: RtpReceiver::new(connection.clone(), transceiver),
            track: track(id),
            streams: streams.into_iter().map(stream).collect(),
        },
        peer::Event::StreamAddTrack {
            stream: stream_id,
            track: track_id,
        } => Event::StreamAddTrack {
            stream: stream(stream_id),
            track: track(track_id),
        },
        peer::Event::StreamRemoveTrack {
            stream: stream_id,
            track: track_id,
        } => Event::StreamRemoveTrack {
            stream: stream(stream_id),
            track: track(track_id),
        },
        peer::Event::TransceiverRejected(transceiver, why) => {
            Event::TransceiverRejected(RtpTransceiver::new(connection.clone(), transceiver), why)
        }
        peer::Event::TrackMute(id) => Event::TrackMute(track(id)),
        peer::Event::TrackUnmute(id) => Event::TrackUnmute(track(id)),
        peer::Event::TrackIsolationChange(id, _) => Event::TrackIsolationChange(track(id)),
        peer::Event::TrackEnded(id) => Event::TrackEnded(track(id)),
        peer::Event::KeyFrameRequest {
            transceiver,
            encoding,
            rid,
        } => Event::KeyFrameRequest {
            sender: RtpSender::new(connection.clone(), transceiver),
            encoding,
            rid,
        },
        peer::Event::TargetBitrateChange(transceiver) => {
            Event::TargetBitrateChange(RtpSender::new(connection.clone(), transceiver))
        }
        peer::Event::ToneChange(transceiver, tone) => {
            Event::ToneChange(DtmfSender::new(connection.clone(), transceiver), tone)
        }
        other => return of_transport(connection, other),
    })
}

fn of_transport(connection: &Arc<ConnectionHandle>, event: peer::Event) -> Option<Event> {
    let ice = |key| IceTransport::new(connection.clone(), key);
    let dtls = |key| DtlsTransport::new(connection.clone(), key);
    Some(match event {
        peer::Event::DtlsStateChange(key, state) => Event::DtlsStateChange(dtls(key), state),
        peer::Event::DtlsError(key, error) => Event::DtlsError(dtls(key), error),
        peer::Event::DtlsSilent(key) => Event::DtlsSilent(dtls(key)),
        peer::Event::IceTransportStateChange(key, state) => {
            Event::IceTransportStateChange(ice(key), state)
        }
        peer::Event::IceTransportGatheringStateChange(key, state) => {
            Event::IceTransportGatheringStateChange(ice(key), state)
        }
        peer::Event::SelectedCandidatePairChange(key) => {
            Event::SelectedCandidatePairChange(ice(key))
        }
        peer::Event::IceCandidatePairAdd(key, pair) => Event::IceCandidatePairAdd(ice(key), pair),
        peer::Event::IceCandidatePairNominate(key, pair) => {
            Event::IceCandidatePairNominate(CandidatePairProposal::new(ice(key), pair))
        }
        peer::Event::IceCandidatePairRemove {
            transport,
            pair,
            cancelable,
        } => Event::IceCandidatePairRemove {
            transport: ice(transport),
            pair: pair.clone(),
            proposal: cancelable.then(|| CandidatePairProposal::new(ice(transport), pair)),
        },
        peer::Event::SctpStateChange(state) => {
            Event::SctpStateChange(SctpTransport::new(connection.clone()), state)
        }
        // Kinds of event that this crate does not show.
        _ => return None,
    })
}
