//! Rollback (webrtc-pc §4.4.1.5, RFC 9429 §4.1.10.2): asked for by a description of that type, or by an
//! offer of the other end while there is one of ours, which is glare. The negotiated state needs no
//! undoing, see [`jsep::Signaling::rollback`]; what is here is what descriptions change besides.

use duologue_base::TransceiverId;
use duologue_jsep as jsep;

use super::{DescriptionStep, Task};
use crate::chain::Progress;
use crate::slots::Slots;
use crate::{OperationId, PeerConnection, SessionDescription};

/// The state to go back to.
pub(super) fn last_stable(
    signaling: &jsep::Signaling,
    side: jsep::Side,
) -> Result<jsep::Signaling, jsep::JsepError> {
    // RFC 9429 §4.1.10.2: only the end that set the offer rolls it back.
    let own = match signaling.state() {
        jsep::SignalingState::HaveRemoteOffer => jsep::Side::Remote,
        _ => jsep::Side::Local,
    };
    if side != own {
        return Err(jsep::JsepError::State {
            ty: jsep::SdpType::Rollback,
            side,
            state: signaling.state(),
        });
    }
    signaling.rollback()
}

impl PeerConnection {
    /// Steps that end in [`DescriptionStep::Rollback`]. `then` is the offer of the other end that this
    /// one makes way for: both offered (glare).
    pub(crate) fn start_rollback(
        &mut self,
        operation: OperationId,
        side: jsep::Side,
        then: Option<SessionDescription>,
    ) -> Progress {
        // "Set a session description" step 2, before anything runs in parallel.
        if let Err(error) = self.slots.signaling().rollback() {
            return Progress::rejected(error.into());
        }
        self.queue(Task::SetDescription(
            operation,
            DescriptionStep::Rollback(side, then),
        ));
        Progress::Queued
    }

    /// Before the first offer: `[[LastStableRidlessSendEncodings]]` of every sender.
    pub(crate) fn remember_ridless_encodings(&mut self) {
        for (_, slots) in self.slots.transceivers_mut() {
            slots.remember_ridless();
        }
    }

    /// A transceiver that the remote offer made and that offer is rolled back.
    pub(super) fn uncreate_transceiver(&mut self, id: TransceiverId) {
        let intent = self.slots.intent_of(id);
        match intent.is_some_and(|intent| intent.taken_by_add_track) {
            // RFC 9429 §4.1.10.2: it stays, and the next remote offer may take it up.
            true => self
                .slots
                .change_intent(id, |intent| intent.added_by_add_track = true),
            false => {
                self.stop_transceiver(id);
                self.slots.remove_transceiver(id);
            }
        }
    }
}

/// The encodings from before a remote offer that proposed layers.
pub(super) fn restore_encodings(slots: &mut Slots, id: TransceiverId) {
    let Some(transceiver) = slots.transceiver(id) else {
        return;
    };
    let has_rid = transceiver.send_encodings().iter().any(|e| e.rid.is_some());
    if let Some(ridless) = transceiver.last_stable_ridless().map(<[_]>::to_vec)
        && has_rid
    {
        slots.set_send_encodings(id, ridless);
    }
}
