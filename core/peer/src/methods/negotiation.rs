//! `createOffer`, `createAnswer`, `setLocalDescription`, `setRemoteDescription`, `restartIce`
//! (webrtc-pc §4.4.2).

use duologue_jsep as jsep;

use crate::chain::{Operation, Progress};
use crate::task::{Creation, CreationKind, DescriptionStep, Task};
use crate::{
    Exception, LocalSessionDescription, MediaKind, OfferOptions, OperationId, PeerConnection,
    SdpType, SessionDescription, SignalingState, TransceiverDirection, TransceiverInit,
};

impl PeerConnection {
    /// `createOffer(options)`: resolves to a [`SessionDescription`].
    ///
    /// Rejects with `InvalidStateError` when the connection is closed or the signalling state is
    /// neither `stable` nor `have-local-offer`, with `OperationError` when no offer can be made.
    pub fn create_offer(&mut self, options: OfferOptions) -> OperationId {
        if !self.slots.is_closed() {
            self.apply_offer_to_receive(MediaKind::Audio, options.offer_to_receive_audio);
            self.apply_offer_to_receive(MediaKind::Video, options.offer_to_receive_video);
        }
        self.chain(Operation::CreateOffer {
            ice_restart: options.ice_restart,
        })
    }

    /// `createAnswer()`: resolves to a [`SessionDescription`].
    ///
    /// Rejects with `InvalidStateError` when the connection is closed or the signalling state is
    /// neither `have-remote-offer` nor `have-local-pranswer`.
    pub fn create_answer(&mut self) -> OperationId {
        self.chain(Operation::CreateAnswer)
    }

    /// `setLocalDescription(description)`; the default value makes the offer or answer that the
    /// signalling state calls for.
    ///
    /// The text may differ from the one last created in directions, codecs and their parameters,
    /// header extensions and `b=`, and a first one in its ICE credentials, as in browsers.
    ///
    /// Rejects with `InvalidStateError` for the signalling state, with
    /// `InvalidModificationError` when the text differs in more, which it names.
    pub fn set_local_description(
        &mut self,
        description: impl Into<LocalSessionDescription>,
    ) -> OperationId {
        self.slots.note_set_local_description();
        self.chain(Operation::SetLocalDescription(description.into()))
    }

    /// `setRemoteDescription(description)`.
    ///
    /// Rejects with `InvalidStateError` for the signalling state, an `RTCError`
    /// `sdp-syntax-error` with the line for text that is not SDP, `InvalidAccessError` for
    /// content that cannot be accepted, `OperationError` for all else. A failed description
    /// changes nothing. An offer in `have-local-offer` rolls the local offer back first.
    pub fn set_remote_description(&mut self, description: SessionDescription) -> OperationId {
        self.chain(Operation::SetRemoteDescription(description))
    }

    /// `restartIce()`: the next offer restarts ICE.
    pub fn restart_ice(&mut self) {
        if self.slots.is_closed() {
            return;
        }
        self.slots.replace_ice();
        self.update_negotiation_needed();
    }

    /// "Create an offer".
    pub(crate) fn start_create_offer(
        &mut self,
        operation: OperationId,
        ice_restart: bool,
    ) -> Progress {
        self.start_create(
            operation,
            Creation {
                kind: CreationKind::Offer { ice_restart },
                then_set: None,
            },
        )
    }

    /// "Create an answer".
    pub(crate) fn start_create_answer(&mut self, operation: OperationId) -> Progress {
        self.start_create(
            operation,
            Creation {
                kind: CreationKind::Answer,
                then_set: None,
            },
        )
    }

    fn start_create(&mut self, operation: OperationId, creation: Creation) -> Progress {
        use SignalingState::{HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, Stable};
        let state = self.slots.signaling_state();
        let fits = match creation.kind {
            CreationKind::Offer { .. } => matches!(state, Stable | HaveLocalOffer),
            CreationKind::Answer => matches!(state, HaveRemoteOffer | HaveLocalPranswer),
        };
        if !fits {
            let what = match creation.kind {
                CreationKind::Offer { .. } => "an offer",
                CreationKind::Answer => "an answer",
            };
            return Progress::rejected(Exception::invalid_state(format!(
                "{what} cannot be created in the signaling state {state}"
            )));
        }
        self.queue(Task::Create(operation, creation));
        Progress::Queued
    }

    /// The steps that `setLocalDescription` chains.
    pub(crate) fn start_set_local(
        &mut self,
        operation: OperationId,
        description: LocalSessionDescription,
    ) -> Progress {
        let sdp_type = description.sdp_type.unwrap_or_else(|| self.implied_type());
        let last = match sdp_type {
            SdpType::Rollback => return self.start_rollback(operation, jsep::Side::Local, None),
            made => self.slots.last_created(made),
        };
        let usable = match (last, description.sdp.as_str()) {
            (Some(last), "") => self.slots.is_accurate(last).then(|| last.draft().clone()),
            (None, "") => None,
            (Some(last), sdp) => {
                let slots = &self.slots;
                match last
                    .draft()
                    .with_text(sdp, slots.signaling(), slots.intent())
                {
                    Ok(draft) => Some(draft),
                    Err(error) => {
                        return Progress::rejected(self.foreign_description(sdp_type, error));
                    }
                }
            }
            (None, _) => {
                let error = jsep::Modification::NotCreated.into();
                return Progress::rejected(self.foreign_description(sdp_type, error));
            }
        };
        let Some(draft) = usable else {
            let kind = match sdp_type {
                SdpType::Offer => CreationKind::Offer { ice_restart: false },
                _ => CreationKind::Answer,
            };
            return self.start_create(
                operation,
                Creation {
                    kind,
                    then_set: Some(sdp_type),
                },
            );
        };
        self.queue(Task::SetDescription(
            operation,
            DescriptionStep::Local(sdp_type, draft),
        ));
        Progress::Queued
    }

    /// Why a text that was not created here is refused. The specification looks at the text
    /// before the state; browsers and the conformance tests say that the state is wrong where
    /// both are.
    fn foreign_description(&self, sdp_type: SdpType, error: jsep::JsepError) -> Exception {
        let signaling = self.slots.signaling();
        let state = signaling.check_state(sdp_type.into(), jsep::Side::Local);
        state.err().unwrap_or(error).into()
    }

    /// The type of a local description whose type is not given.
    fn implied_type(&self) -> SdpType {
        match self.slots.signaling_state() {
            SignalingState::Stable
            | SignalingState::HaveLocalOffer
            | SignalingState::HaveRemotePranswer => SdpType::Offer,
            _ => SdpType::Answer,
        }
    }

    /// The steps that `setRemoteDescription` chains.
    pub(crate) fn start_set_remote(
        &mut self,
        operation: OperationId,
        description: SessionDescription,
    ) -> Progress {
        let signaling = self.slots.signaling();
        match description.sdp_type {
            SdpType::Rollback => self.start_rollback(operation, jsep::Side::Remote, None),
            SdpType::Offer
                if signaling
                    .check_state(jsep::SdpType::Offer, jsep::Side::Remote)
                    .is_err() =>
            {
                self.start_rollback(operation, jsep::Side::Local, Some(description))
            }
            _ => {
                self.queue(Task::SetDescription(
                    operation,
                    DescriptionStep::Remote(description),
                ));
                Progress::Queued
            }
        }
    }

    /// The legacy options of `createOffer` (§4.4.4).
    fn apply_offer_to_receive(&mut self, kind: MediaKind, wanted: Option<bool>) {
        use jsep::Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
        let Some(wanted) = wanted else {
            return;
        };
        let mut matching = Vec::new();
        for intent in &self.slots.intent().transceivers {
            if intent.kind == kind
                && intent.stop == jsep::StopState::Running
                && matches!(intent.direction, SendRecv | RecvOnly)
            {
                matching.push((intent.id, intent.direction));
            }
        }
        if !wanted {
            for (id, direction) in matching {
                let without = if direction == SendRecv {
                    SendOnly
                } else {
                    Inactive
                };
                self.slots
                    .change_intent(id, |intent| intent.direction = without);
            }
        } else if matching.is_empty() {
            let init = TransceiverInit::with_direction(TransceiverDirection::Recvonly);
            // A kind and no encodings: nothing here that could be invalid.
            let _ = self.create_transceiver(kind.into(), init);
        }
    }
}
