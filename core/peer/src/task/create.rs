//! The final steps of `createOffer` and `createAnswer` (webrtc-pc §4.4.2).

use duologue_base::Instant;
use duologue_jsep as jsep;

use super::{DescriptionStep, Task};
use crate::identity::Waiter;
use crate::{OperationId, PeerConnection, SdpType, SessionDescription, Value};

/// A description to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Creation {
    pub(crate) kind: CreationKind,
    /// `setLocalDescription` without a description: apply what is made, as this type.
    pub(crate) then_set: Option<SdpType>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum CreationKind {
    Offer { ice_restart: bool },
    Answer,
}

impl PeerConnection {
    pub(crate) fn run_create(&mut self, operation: OperationId, creation: Creation, now: Instant) {
        // webrtc-identity, "in-parallel steps to create an offer", step 3.
        if self.await_assertion(Waiter::Creation(operation, creation), now) {
            return;
        }
        let (signaling, intent, ids) = self.slots.negotiation();
        let (made, created_type) = match creation.kind {
            CreationKind::Offer { ice_restart } => {
                let options = jsep::OfferOptions { ice_restart };
                let made = jsep::create_offer(signaling, intent, ids, options);
                (made, SdpType::Offer)
            }
            CreationKind::Answer => {
                let made = jsep::create_answer(signaling, intent, ids);
                (made, SdpType::Answer)
            }
        };
        let draft = match made {
            Ok(draft) => draft,
            Err(error) => return self.settle_chained(operation, Err(error.into())),
        };
        self.slots.set_last_created(created_type, draft.clone());
        match creation.then_set {
            Some(sdp_type) => self.queue(Task::SetDescription(
                operation,
                DescriptionStep::Local(sdp_type, draft),
            )),
            None => {
                let description = SessionDescription {
                    sdp_type: created_type,
                    sdp: draft.sdp().to_owned(),
                };
                self.settle_chained(operation, Ok(Value::Description(description)));
            }
        }
    }
}
