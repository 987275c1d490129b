//! Queued tasks. A task holds what happened and computes against the slots when it runs.

mod candidate;
mod channel;
mod create;
mod description;
mod dtmf;
mod sender;
mod stats;
mod surface;
mod transport;

use std::time::Duration;

use duologue_base::{ChannelKey, Generation, Instant, TransceiverId, TransportKey};
use duologue_ice as ice;
use duologue_session as session;
use duologue_session::{ChannelReport, DtlsReport, Report};

use crate::{
    Event, IceCandidateInit, MediaStreamTrackState, OperationId, PeerConnection, RtpSendParameters,
    SctpTransportState, Track, TrackId, Value,
};

pub(crate) use create::{Creation, CreationKind};
pub(crate) use description::Step as DescriptionStep;

#[derive(Debug)]
pub(crate) enum Task {
    /// §4.7.3
    UpdateNegotiationNeeded,
    /// "Final steps to create an offer" or answer.
    Create(OperationId, Creation),
    /// "Set a session description".
    SetDescription(OperationId, DescriptionStep),
    /// What follows the parallel part of `addIceCandidate`.
    AddCandidate(OperationId, IceCandidateInit),
    /// What follows the parallel part of `replaceTrack`.
    ReplaceTrack(OperationId, TransceiverId, Option<Track>),
    /// The task that `replaceTrack`'s task queues.
    TrackReplaced(OperationId),
    /// What follows the parallel part of `setParameters`.
    SetParameters(OperationId, TransceiverId, RtpSendParameters),
    /// "Queue a task that sets sender.[[LastReturnedParameters]] to null."
    ForgetReturnedParameters(TransceiverId),
    /// A track ends other than by its own `stop()`.
    EndTrack(TrackId),
    /// Transports that no description uses any more.
    CloseTransports(Vec<TransportKey>),

    LocalCandidate(TransportKey, Generation, ice::Candidate),
    CandidateError(ice::CandidateError),
    GatheringBegan(TransportKey, Generation),
    /// The first of the two tasks at the end of a generation's gathering.
    GatheringEnded(TransportKey, Generation),
    /// The second.
    GatheringComplete(TransportKey, Generation),
    IceChanged(TransportKey, IceChange),
    IceRole(TransportKey, ice::Role),
    DtlsChanged(TransportKey, DtlsReport),
    /// "Update the connection state".
    UpdateConnectionState,
    SctpConnected {
        max_channels: u16,
    },
    SctpClosed,
    SctpConnecting,
    SctpStopped,
    /// `[[SctpTransport]]` was set to null.
    SctpGone,
    BufferedAmount {
        channel: ChannelKey,
        sent: usize,
        messages: usize,
    },
    Channel(ChannelReport),
    /// "Announce an RTCDataChannel as open".
    AnnounceOpen(ChannelKey),
    /// The closing procedure that `close()` starts.
    StartClosing(ChannelKey),
    /// "Announcing a data channel as closed".
    AnnounceClosed(ChannelKey),
    /// "Error on creating data channels".
    ChannelFailed(ChannelKey),
    /// The other end wants no data channels.
    ChannelRefused(ChannelKey),
    /// "DTMF playout task steps".
    PlayTone(TransceiverId),
    /// What follows the parallel part of `getStats`.
    Stats {
        operation: OperationId,
        /// Not about one sender or receiver.
        whole: bool,
        now: Duration,
        session: Option<Box<session::Stats>>,
    },
}

/// What an ICE transport's agent indicated, pair and state together.
#[derive(Debug, Default)]
pub(crate) struct IceChange {
    pub(crate) pair: Option<ice::CandidatePair>,
    pub(crate) state: Option<ice::TransportState>,
}

impl PeerConnection {
    /// Makes tasks of a report.
    pub(crate) fn queue_report(&mut self, report: Report) {
        match report {
            Report::LocalCandidate {
                key,
                generation,
                candidate,
            } => self.queue(Task::LocalCandidate(key, generation, candidate)),
            Report::GatheringState {
                key,
                generation,
                state,
            } => match state {
                ice::GatheringState::New => {}
                ice::GatheringState::Gathering => {
                    self.queue(Task::GatheringBegan(key, generation));
                }
                ice::GatheringState::Complete => {
                    self.queue(Task::GatheringEnded(key, generation));
                    self.queue(Task::GatheringComplete(key, generation));
                }
            },
            Report::CandidateError { error, .. } => self.queue(Task::CandidateError(error)),
            Report::IceState { key, state } => self.ice_change(key).state = Some(state),
            Report::SelectedPair { key, pair } => self.ice_change(key).pair = Some(pair),
            Report::IceRole { key, role } => self.queue(Task::IceRole(key, role)),
            Report::DtlsState { key, state } => {
                self.queue(Task::DtlsChanged(key, state));
                self.queue(Task::UpdateConnectionState);
            }
            Report::SctpConnected { max_channels } => {
                self.queue(Task::SctpConnected { max_channels });
            }
            Report::SctpConnecting => self.queue(Task::SctpConnecting),
            Report::SctpStopped => self.queue(Task::SctpStopped),
            Report::SctpClosed { .. } => self.queue(Task::SctpClosed),
            Report::BufferedAmount {
                channel,
                sent,
                messages,
            } => self.queue(Task::BufferedAmount {
                channel,
                sent,
                messages,
            }),
            Report::Stats { request, stats } => self.queue_stats(request, stats),
            // The session's list may grow; what is not known here has no W3C counterpart yet.
            _ => {}
        }
    }

    /// §5.6: "The selected pair and RTCIceTransportState are related and are handled in the same
    /// task": two reports of one transport in a row make one task.
    fn ice_change(&mut self, key: TransportKey) -> &mut IceChange {
        let open = matches!(self.last_task(), Some(Task::IceChanged(k, change))
            if *k == key && (change.pair.is_none() || change.state.is_none()));
        if !open {
            self.queue(Task::IceChanged(key, IceChange::default()));
        }
        match self.last_task() {
            Some(Task::IceChanged(_, change)) => change,
            _ => unreachable!("the task was queued above"),
        }
    }

    pub(crate) fn run(&mut self, task: Task, now: Instant) {
        match task {
            Task::UpdateNegotiationNeeded => self.run_update_negotiation_needed(),
            Task::Create(operation, creation) => self.run_create(operation, creation),
            Task::SetDescription(operation, step) => self.run_set_description(operation, step),
            Task::AddCandidate(operation, candidate) => {
                self.run_add_candidate(operation, candidate);
            }
            Task::ReplaceTrack(operation, id, track) => {
                self.run_replace_track(operation, id, track);
            }
            Task::TrackReplaced(operation) => self.settle_chained(operation, Ok(Value::Undefined)),
            Task::SetParameters(operation, id, parameters) => {
                self.run_set_parameters(operation, id, parameters);
            }
            Task::ForgetReturnedParameters(id) => self.forget_returned_parameters(id),
            Task::EndTrack(track) => self.run_end_track(track),
            Task::CloseTransports(keys) => self.run_close_transports(&keys),
            Task::LocalCandidate(key, generation, candidate) => {
                self.run_local_candidate(key, generation, candidate);
            }
            Task::CandidateError(error) => self.run_candidate_error(error),
            Task::GatheringBegan(key, generation) => self.run_gathering_began(key, generation),
            Task::GatheringEnded(key, generation) => self.run_gathering_ended(key, generation),
            Task::GatheringComplete(key, generation) => {
                self.run_gathering_complete(key, generation);
            }
            Task::IceChanged(key, change) => self.run_ice_changed(key, change),
            Task::IceRole(key, role) => self.run_ice_role(key, role),
            Task::DtlsChanged(key, state) => self.run_dtls_changed(key, state),
            Task::UpdateConnectionState => self.run_update_connection_state(),
            Task::SctpConnected { max_channels } => self.run_sctp_connected(max_channels),
            Task::SctpConnecting => self.run_sctp_connecting(),
            Task::SctpStopped => self.run_sctp_stopped(),
            Task::SctpClosed => self.run_sctp_closed(),
            Task::SctpGone => self.fire(Event::SctpStateChange(SctpTransportState::Closed)),
            Task::BufferedAmount {
                channel,
                sent,
                messages,
            } => self.run_buffered_amount(channel, sent, messages),
            Task::Channel(report) => self.run_channel_report(report),
            Task::AnnounceOpen(channel) => self.run_announce_open(channel),
            Task::StartClosing(channel) => self.run_start_closing(channel),
            Task::AnnounceClosed(channel) => self.run_announce_closed(channel, None),
            Task::ChannelFailed(channel) => self.run_channel_failed(channel),
            Task::ChannelRefused(channel) => self.run_channel_refused(channel),
            Task::PlayTone(transceiver) => self.run_play_tone(transceiver, now),
            Task::Stats {
                operation,
                whole,
                now,
                session,
            } => self.run_stats(operation, whole, now, session),
        }
    }

    /// mediacapture-streams §4.3.1: a track ends for another reason than its `stop()`.
    fn run_end_track(&mut self, id: TrackId) {
        if let Some(track) = self.slots.tracks.get_mut(&id)
            && track.ready_state == MediaStreamTrackState::Live
        {
            track.ready_state = MediaStreamTrackState::Ended;
            self.fire(Event::TrackEnded(id));
        }
    }
}
