//! What is negotiated, what the application wants negotiated, and what is made of both.

use duologue_base::{TransceiverId, TransportKey};
use duologue_jsep as jsep;
use jsep::agreement::{IceKey, MediaAgreement};

use super::{LastCreated, Slots, Transceiver};
use crate::{SdpType, SignalingState};

impl Slots {
    /// What is negotiated, and the four descriptions.
    pub(crate) fn signaling(&self) -> &jsep::Signaling {
        &self.signaling
    }

    /// A description is applied. Returns what it takes the place of.
    pub(crate) fn set_signaling(&mut self, next: jsep::Signaling) -> jsep::Signaling {
        self.signaling_version += 1;
        std::mem::replace(&mut self.signaling, next)
    }

    /// `[[SignalingState]]`
    pub(crate) fn signaling_state(&self) -> SignalingState {
        if self.closed {
            return SignalingState::Closed;
        }
        match self.signaling.state() {
            jsep::SignalingState::Stable => SignalingState::Stable,
            jsep::SignalingState::HaveLocalOffer => SignalingState::HaveLocalOffer,
            jsep::SignalingState::HaveRemoteOffer => SignalingState::HaveRemoteOffer,
            jsep::SignalingState::HaveLocalPranswer => SignalingState::HaveLocalPranswer,
            jsep::SignalingState::HaveRemotePranswer => SignalingState::HaveRemotePranswer,
        }
    }

    /// The m-section that a transceiver is associated with, by the latest description.
    pub(crate) fn section(&self, id: TransceiverId) -> Option<&MediaAgreement> {
        self.intent.transceiver(id)?;
        self.signaling.latest().by_transceiver(id).map(|m| &**m)
    }

    /// What descriptions are made and applied with.
    pub(crate) fn negotiation(&mut self) -> (&jsep::Signaling, &jsep::Intent, &mut jsep::Ids) {
        (&self.signaling, &self.intent, &mut self.ids)
    }

    /// "This completes an offer answer negotiation."
    pub(crate) fn finish_negotiation(&mut self) {
        self.last_created_offer = None;
        self.last_created_answer = None;
        self.intent.forget_replaced(&self.signaling);
    }

    /// `[[LastCreatedOffer]]` or `[[LastCreatedAnswer]]`
    pub(crate) fn last_created(&self, sdp_type: SdpType) -> Option<&LastCreated> {
        match sdp_type {
            SdpType::Offer => self.last_created_offer.as_ref(),
            SdpType::Answer | SdpType::Pranswer => self.last_created_answer.as_ref(),
            SdpType::Rollback => None,
        }
    }

    /// `createOffer` or `createAnswer` made it of what is wanted and negotiated now.
    pub(crate) fn set_last_created(&mut self, sdp_type: SdpType, draft: jsep::Draft) {
        let last = Some(LastCreated {
            draft,
            intent_version: self.intent.version,
            signaling_version: self.signaling_version,
        });
        match sdp_type {
            SdpType::Offer => self.last_created_offer = last,
            SdpType::Answer | SdpType::Pranswer => self.last_created_answer = last,
            SdpType::Rollback => {}
        }
    }

    /// "Accurately represents the offerer's (answerer's) system state".
    pub(crate) fn is_accurate(&self, last: &LastCreated) -> bool {
        last.intent_version == self.intent.version
            && last.signaling_version == self.signaling_version
    }

    /// What packets the session is to take and to send, where that is another than it was told.
    pub(crate) fn diff_media(&mut self) -> Vec<jsep::MediaChange> {
        let (plans, changes) = jsep::media_diff(&self.plans, &self.signaling, &self.intent);
        self.plans = plans;
        changes
    }

    /// What packets the session was told to take and to send.
    pub(crate) fn plans(&self) -> &jsep::MediaPlans {
        &self.plans
    }
}

/// What the application wants.
impl Slots {
    pub(crate) fn intent(&self) -> &jsep::Intent {
        &self.intent
    }

    /// Changes what the application wants: what was made of it before is out of date.
    pub(crate) fn edit_intent(&mut self, change: impl FnOnce(&mut jsep::Intent)) {
        change(&mut self.intent);
        self.intent.version += 1;
    }

    /// What the application wants of a transceiver, or wanted when it was removed.
    pub(crate) fn intent_of(&self, id: TransceiverId) -> Option<&jsep::TransceiverIntent> {
        self.intent
            .transceiver(id)
            .or_else(|| self.transceivers.get(&id)?.removed())
    }

    /// Changes what the application wants of a transceiver.
    pub(crate) fn change_intent(
        &mut self,
        id: TransceiverId,
        change: impl FnOnce(&mut jsep::TransceiverIntent),
    ) {
        if let Some(intent) = self.intent.transceiver_mut(id) {
            change(intent);
            self.intent.version += 1;
        } else if let Some(intent) = self
            .transceivers
            .get_mut(&id)
            .and_then(Transceiver::removed_mut)
        {
            change(intent);
        }
    }

    /// The ICE credentials in use are to be replaced by the next offer: `restartIce()`.
    pub(crate) fn replace_ice(&mut self) {
        let in_use = self.signaling.local_ice_keys();
        self.edit_intent(|intent| intent.ice_to_replace = in_use);
    }

    /// Other ICE servers or another policy: the ICE credentials in use are those of before.
    pub(crate) fn outdate_ice(&mut self) {
        let in_use = self.signaling.local_ice_keys();
        self.edit_intent(|intent| intent.ice_outdated = in_use);
    }

    /// An INIT is for one association: its tag and numbers are not used again. What was made with it
    /// stays good.
    pub(crate) fn forget_sctp_init(&mut self) {
        self.intent.sctp.init = None;
    }
}

/// Names that are given once.
impl Slots {
    pub(crate) fn new_transceiver_id(&mut self) -> TransceiverId {
        self.ids.transceiver()
    }

    /// The key of the next transport that a description makes.
    pub(crate) fn next_transport(&self) -> TransportKey {
        self.ids.next_transport()
    }
}

/// Candidates of both ends, which the descriptions show.
impl Slots {
    pub(crate) fn candidates(&self) -> &jsep::Candidates {
        &self.candidates
    }

    pub(crate) fn candidates_mut(&mut self) -> &mut jsep::Candidates {
        &mut self.candidates
    }

    /// The session has the remote credentials of a generation, and takes candidates for it. Returns
    /// whether it had none before.
    pub(crate) fn note_remote_ice(&mut self, key: IceKey) -> bool {
        self.remote_ice_set.insert(key)
    }

    /// The session takes candidates for a generation.
    pub(crate) fn has_remote_ice(&self, key: IceKey) -> bool {
        self.remote_ice_set.contains(&key)
    }

    /// The generations that the session takes candidates for.
    pub(crate) fn remote_ice(&self) -> Vec<IceKey> {
        self.remote_ice_set.iter().copied().collect()
    }

    /// No description has some generations any more.
    pub(crate) fn forget_generations(&mut self) {
        let signaling = &self.signaling;
        self.candidates.retain(|key| signaling.has_generation(key));
        self.remote_ice_set
            .retain(|key| signaling.has_generation(*key));
    }
}
