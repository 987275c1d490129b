//! What follows the parallel parts of `replaceTrack` and `setParameters` (webrtc-pc §5.2).

use duologue_base::TransceiverId;

use super::Task;
use crate::{OperationId, PeerConnection, RtpSendParameters, Track, Value};

impl PeerConnection {
    pub(crate) fn run_replace_track(
        &mut self,
        operation: OperationId,
        id: TransceiverId,
        track: Option<Track>,
    ) {
        if let Some(slots) = self.slots.transceiver_mut(id) {
            slots.set_sender_track(track);
        }
        // "Queue a global task to resolve p with undefined."
        self.queue(Task::TrackReplaced(operation));
    }

    pub(crate) fn run_set_parameters(
        &mut self,
        operation: OperationId,
        id: TransceiverId,
        parameters: RtpSendParameters,
    ) {
        self.slots.end_set_parameters();
        if let Some(slots) = self.slots.transceiver_mut(id) {
            slots.forget_returned_parameters();
            slots.set_degradation_preference(parameters.degradation_preference);
        }
        self.slots.set_send_encodings(id, parameters.encodings);
        self.update_encodings(&[]);
        self.settle(operation, Ok(Value::Undefined));
    }

    pub(crate) fn forget_returned_parameters(&mut self, id: TransceiverId) {
        if let Some(slots) = self.slots.transceiver_mut(id) {
            slots.forget_returned_parameters();
        }
    }
}
