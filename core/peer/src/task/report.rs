//! What the session reports becomes tasks.

use duologue_base::{TransceiverId, TransportKey};
use duologue_ice as ice;
use duologue_session::{MediaReport, Report, SctpReport, TransportReport};

use super::{ChannelTask, IceChange, MediaTask, SctpTask, Task, TransportTask};
use crate::PeerConnection;

impl PeerConnection {
    /// Makes tasks of a report.
    pub(crate) fn queue_report(&mut self, report: Report) {
        match report {
            Report::Transport(key, report) => self.queue_transport_report(key, report),
            Report::Sctp(report) => self.queue_sctp_report(report),
            Report::BufferedAmount {
                channel,
                sent,
                messages,
            } => {
                let task = ChannelTask::BufferedAmount { sent, messages };
                self.queue(Task::Channel(channel, task));
            }
            Report::Media(id, report) => self.queue_media_report(id, report),
            Report::Stats { request, stats } => self.queue_stats(request, stats),
            // The session's list may grow; what is not known here has no W3C counterpart yet.
            _ => {}
        }
    }

    fn queue_transport_report(&mut self, key: TransportKey, report: TransportReport) {
        let mut queue = |task| self.queue(Task::Transport(key, task));
        match report {
            TransportReport::LocalCandidate {
                generation,
                candidate,
            } => queue(TransportTask::LocalCandidate(generation, candidate)),
            TransportReport::GatheringState { generation, state } => match state {
                ice::GatheringState::New => {}
                ice::GatheringState::Gathering => queue(TransportTask::GatheringBegan(generation)),
                ice::GatheringState::Complete => {
                    queue(TransportTask::GatheringEnded(generation));
                    queue(TransportTask::GatheringComplete(generation));
                }
            },
            TransportReport::CandidateError { error } => {
                queue(TransportTask::CandidateError(error));
            }
            TransportReport::IceState { state, failure } => {
                let change = self.ice_change(key);
                (change.state, change.failure) = (Some(state), failure);
            }
            TransportReport::SelectedPair { pair } => self.ice_change(key).pair = Some(pair),
            TransportReport::IceRole { role } => queue(TransportTask::IceRole(role)),
            TransportReport::Pair { event } => queue(TransportTask::Pair(event)),
            TransportReport::DtlsSilent => queue(TransportTask::DtlsSilent),
            TransportReport::DtlsState { state } => {
                queue(TransportTask::DtlsChanged(state));
                self.queue(Task::UpdateConnectionState);
            }
            _ => {}
        }
    }

    fn queue_sctp_report(&mut self, report: SctpReport) {
        let task = match report {
            SctpReport::Connected { max_channels } => SctpTask::Connected { max_channels },
            SctpReport::Connecting => SctpTask::Connecting,
            SctpReport::Stopped => SctpTask::Stopped,
            SctpReport::Closed { error } => SctpTask::Closed(error),
            _ => return,
        };
        self.queue(Task::Sctp(task));
    }

    /// A stream's BYE changes nothing, as in browsers: another may follow. What left the sender's
    /// queue is its writer's business.
    fn queue_media_report(&mut self, id: TransceiverId, report: MediaReport) {
        let task = match report {
            MediaReport::Unmuted => MediaTask::PacketsCame,
            MediaReport::KeyFrameWanted { encoding } => MediaTask::KeyFrameWanted { encoding },
            MediaReport::TargetBitrates(targets) => MediaTask::TargetBitrates(targets),
            _ => return,
        };
        self.queue(Task::Media(id, task));
    }

    /// §5.6: "The selected pair and RTCIceTransportState are related and are handled in the same
    /// task": two reports of one transport in a row make one task.
    fn ice_change(&mut self, key: TransportKey) -> &mut IceChange {
        let open = matches!(self.last_task(), Some(Task::Transport(k, TransportTask::IceChanged(change)))
            if *k == key && (change.pair.is_none() || change.state.is_none()));
        if !open {
            let change = TransportTask::IceChanged(IceChange::default());
            self.queue(Task::Transport(key, change));
        }
        match self.last_task() {
            Some(Task::Transport(_, TransportTask::IceChanged(change))) => change,
            _ => unreachable!("the task was queued above"),
        }
    }
}
