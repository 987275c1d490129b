//! Queued tasks. A task holds what happened and computes against the slots when it runs.

mod candidate;
mod candidate_pair;
mod channel;
mod create;
mod description;
mod dtmf;
mod identity;
mod media;
mod report;
mod rollback;
mod sender;
mod stats;
mod stream_id;
mod surface;
mod transport;

use duologue_base::{ChannelKey, Generation, IceRole, Instant, TransceiverId, TransportKey};
use duologue_ice as ice;
use duologue_session as session;
use duologue_session::{ChannelReport, DtlsReport, SctpError};

use crate::{
    Event, IceCandidateInit, OperationId, PeerConnection, RtpSendParameters, SctpTransportState,
    StatsSelector, Track, TrackId, Value,
};

pub(crate) use create::{Creation, CreationKind};
pub(crate) use description::Step as DescriptionStep;
pub(crate) use identity::IdentityTask;
pub(crate) use media::MediaTask;

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

    /// What happened to one transport.
    Transport(TransportKey, TransportTask),
    /// "Update the connection state".
    UpdateConnectionState,
    /// What happened to the association of the data channels.
    Sctp(SctpTask),
    /// What happened on the channels, as the session tells it.
    ChannelReport(ChannelReport),
    /// What follows for one channel.
    Channel(ChannelKey, ChannelTask),
    /// What happened to the packets of one transceiver.
    Media(TransceiverId, MediaTask),
    /// What there is to ask an identity provider, and what it answered.
    Identity(IdentityTask),
    /// "DTMF playout task steps".
    PlayTone(TransceiverId),
    /// What follows the parallel part of `getStats`.
    Stats {
        operation: OperationId,
        selector: StatsSelector,
        session: Option<Box<session::Stats>>,
    },
}

/// The tasks of one ICE and DTLS transport.
#[derive(Debug)]
pub(crate) enum TransportTask {
    LocalCandidate(Generation, Box<ice::Candidate>),
    CandidateError(ice::CandidateError),
    GatheringBegan(Generation),
    /// The first of the two tasks at the end of a generation's gathering.
    GatheringEnded(Generation),
    /// The second.
    GatheringComplete(Generation),
    /// A generation that gathered was forgotten.
    GatheringForgotten,
    IceChanged(IceChange),
    IceRole(IceRole),
    Pair(ice::PairEvent),
    DtlsChanged(DtlsReport),
    DtlsSilent,
}

/// The tasks of `[[SctpTransport]]`.
#[derive(Debug)]
pub(crate) enum SctpTask {
    Connected {
        max_channels: u16,
    },
    /// Why, unless on purpose.
    Closed(Option<SctpError>),
    Connecting,
    Stopped,
    /// The slot was set to null.
    Gone,
}

/// The tasks of one data channel.
#[derive(Debug)]
pub(crate) enum ChannelTask {
    /// So many bytes and whole messages left.
    BufferedAmount { sent: usize, messages: usize },
    /// "Announce an RTCDataChannel as open".
    AnnounceOpen,
    /// The closing procedure that `close()` starts.
    StartClosing,
    /// "Announcing a data channel as closed".
    AnnounceClosed,
    /// "Error on creating data channels".
    Failed,
    /// The other end wants no data channels.
    Refused,
}

/// What an ICE transport's agent indicated, pair and state together.
#[derive(Debug, Default)]
pub(crate) struct IceChange {
    pub(crate) pair: Option<Box<ice::CandidatePair>>,
    pub(crate) state: Option<ice::TransportState>,
    /// Why, if that is `failed`.
    pub(crate) failure: Option<ice::Failure>,
}

impl PeerConnection {
    pub(crate) fn run(&mut self, task: Task, now: Instant) {
        match task {
            Task::UpdateNegotiationNeeded => self.run_update_negotiation_needed(),
            Task::Create(operation, creation) => self.run_create(operation, creation, now),
            Task::SetDescription(operation, step) => {
                self.run_set_description(operation, step, now);
            }
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
            Task::Transport(key, task) => self.run_transport(key, task),
            Task::UpdateConnectionState => self.run_update_connection_state(),
            Task::Sctp(task) => self.run_sctp(task),
            Task::ChannelReport(report) => self.run_channel_report(report),
            Task::Channel(channel, task) => self.run_channel(channel, task),
            Task::Media(transceiver, task) => self.run_media(transceiver, task),
            Task::Identity(task) => self.run_identity(task, now),
            Task::PlayTone(transceiver) => self.run_play_tone(transceiver, now),
            Task::Stats {
                operation,
                selector,
                session,
            } => self.run_stats(operation, &selector, now, session),
        }
    }

    fn run_transport(&mut self, key: TransportKey, task: TransportTask) {
        match task {
            TransportTask::LocalCandidate(generation, candidate) => {
                self.run_local_candidate(key, generation, *candidate);
            }
            TransportTask::CandidateError(error) => self.run_candidate_error(error),
            TransportTask::GatheringBegan(generation) => self.run_gathering_began(key, generation),
            TransportTask::GatheringEnded(generation) => self.run_gathering_ended(key, generation),
            TransportTask::GatheringComplete(generation) => {
                self.run_gathering_complete(key, generation);
            }
            TransportTask::GatheringForgotten => self.run_gathering_forgotten(key),
            TransportTask::IceChanged(change) => self.run_ice_changed(key, change),
            TransportTask::IceRole(role) => self.run_ice_role(key, role),
            TransportTask::Pair(event) => self.run_pair(key, event),
            TransportTask::DtlsChanged(state) => self.run_dtls_changed(key, state),
            TransportTask::DtlsSilent => self.run_dtls_silent(key),
        }
    }

    fn run_sctp(&mut self, task: SctpTask) {
        match task {
            SctpTask::Connected { max_channels } => self.run_sctp_connected(max_channels),
            SctpTask::Connecting => self.run_sctp_connecting(),
            SctpTask::Stopped => self.run_sctp_stopped(),
            SctpTask::Closed(error) => self.run_sctp_closed(error),
            SctpTask::Gone => self.fire(Event::SctpStateChange(SctpTransportState::Closed)),
        }
    }

    fn run_channel(&mut self, channel: ChannelKey, task: ChannelTask) {
        match task {
            ChannelTask::BufferedAmount { sent, messages } => {
                self.run_buffered_amount(channel, sent, messages);
            }
            ChannelTask::AnnounceOpen => self.run_announce_open(channel),
            ChannelTask::StartClosing => self.run_start_closing(channel),
            ChannelTask::AnnounceClosed => self.run_announce_closed(channel, None),
            ChannelTask::Failed => self.run_channel_failed(channel),
            ChannelTask::Refused => self.run_channel_refused(channel),
        }
    }

    /// mediacapture-streams §4.3.1: a track ends for another reason than its `stop()`.
    fn run_end_track(&mut self, id: TrackId) {
        if let Some(track) = self.slots.track_mut(&id)
            && track.end()
        {
            self.fire(Event::TrackEnded(id));
        }
    }
}
