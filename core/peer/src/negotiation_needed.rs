//! The negotiation-needed flag (webrtc-pc §4.7.3).

use duologue_jsep as jsep;

use crate::task::Task;
use crate::{Event, PeerConnection, SignalingState};

impl PeerConnection {
    /// "Update the negotiation-needed flag".
    pub(crate) fn update_negotiation_needed(&mut self) {
        if !self.chain.is_empty() {
            self.slots.update_flag_on_empty_chain();
            return;
        }
        self.queue(Task::UpdateNegotiationNeeded);
    }

    /// The steps that the update queues.
    pub(crate) fn run_update_negotiation_needed(&mut self) {
        if !self.chain.is_empty() {
            self.slots.update_flag_on_empty_chain();
            return;
        }
        if self.slots.signaling_state() != SignalingState::Stable {
            // Updated once the state is stable again.
            return;
        }
        let needed = jsep::negotiation_needed(self.slots.signaling(), self.slots.intent());
        if self.slots.set_negotiation_needed(needed) && needed {
            self.fire(Event::NegotiationNeeded);
        }
    }
}
