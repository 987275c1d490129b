//! The final steps of `createOffer` and `createAnswer` (webrtc-pc §4.4.2).

use duologue_jsep as jsep;

use super::{DescriptionStep, Task};
use crate::slots::LastCreated;
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
    pub(crate) fn run_create(&mut self, operation: OperationId, creation: Creation) {
        let slots = &mut self.slots;
        let made = match creation.kind {
            CreationKind::Offer { ice_restart } => jsep::create_offer(
                &slots.signaling,
                &slots.intent,
                &mut slots.ids,
                jsep::OfferOptions { ice_restart },
            ),
            CreationKind::Answer => {
                jsep::create_answer(&slots.signaling, &slots.intent, &mut slots.ids)
            }
        };
        let draft = match made {
            Ok(draft) => draft,
            Err(error) => return self.settle_chained(operation, Err(error.into())),
        };
        let last = LastCreated {
            draft: draft.clone(),
            intent_version: slots.intent.version,
            signaling_version: slots.signaling_version,
        };
        let created_type = match creation.kind {
            CreationKind::Offer { .. } => {
                slots.last_created_offer = Some(last);
                SdpType::Offer
            }
            CreationKind::Answer => {
                slots.last_created_answer = Some(last);
                SdpType::Answer
            }
        };
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
