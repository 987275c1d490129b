//! `replaceTrack` and `setStreams` (webrtc-pc §5.2).

use duologue_base::TransceiverId;
use duologue_jsep as jsep;

use super::tracks::unique;
use super::transceiver::unknown;
use crate::chain::{Operation, Progress};
use crate::task::Task;
use crate::{Exception, MediaStreamId, OperationId, PeerConnection, Track};

impl PeerConnection {
    /// `replaceTrack(withTrack)` of a sender.
    ///
    /// Rejects with `TypeError` for a track of the other kind, `InvalidStateError` when the
    /// transceiver is stopping or the connection closed.
    pub fn replace_track(&mut self, sender: TransceiverId, track: Option<Track>) -> OperationId {
        let kind = self.slots.transceiver(sender).map(|slots| slots.kind());
        let problem = match (kind, &track) {
            (None, _) => Some(unknown()),
            (Some(kind), Some(track)) if track.kind != kind => Some(Exception::type_error(
                "the track is not of the transceiver's kind",
            )),
            _ => None,
        };
        if let Some(exception) = problem {
            let id = self.new_operation();
            self.reject_now(id, exception);
            return id;
        }
        self.chain(Operation::ReplaceTrack(sender, track))
    }

    /// The steps that `replaceTrack` chains. Nothing is sent yet whose format the new track could
    /// break: `InvalidModificationError` comes with the encoders.
    pub(crate) fn start_replace_track(
        &mut self,
        operation: OperationId,
        sender: TransceiverId,
        track: Option<Track>,
    ) -> Progress {
        let running = self
            .slots
            .intent_of(sender)
            .is_some_and(|intent| intent.stop == jsep::StopState::Running);
        if !running {
            return Progress::rejected(Exception::invalid_state("the transceiver is stopped"));
        }
        self.queue(Task::ReplaceTrack(operation, sender, track));
        Progress::Queued
    }

    /// `setStreams(...streams)` of a sender.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection.
    pub fn set_streams(
        &mut self,
        sender: TransceiverId,
        streams: &[MediaStreamId],
    ) -> Result<(), Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        if self.slots.transceiver(sender).is_none() {
            return Err(unknown());
        }
        self.slots
            .change_intent(sender, |intent| intent.sender.streams = unique(streams));
        self.update_negotiation_needed();
        Ok(())
    }
}
