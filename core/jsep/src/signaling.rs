use std::sync::Arc;

use duologue_base::TransceiverId;

use crate::agreement::Agreement;
use crate::{JsepError, SdpType, Side, SignalingState};

/// The state of offer and answer, one immutable value. An operation returns another value and
/// leaves this one as it is, so there is nothing to undo when it fails, and a rollback is to drop
/// the proposal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signaling {
    pub(crate) stable: Arc<Agreement>,
    pub(crate) proposal: Option<Proposal>,
}

/// An exchange that is under way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Proposal {
    LocalOffer(Pending),
    RemoteOffer(Pending),
    LocalPranswer(Pending),
    RemotePranswer(Pending),
}

/// What an exchange under way has come to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pending {
    /// As the offer has it: what an answer is applied to, also the second one after a pranswer.
    pub(crate) offered: Arc<Agreement>,
    /// As the last description has it; `offered` itself while there is no pranswer.
    pub(crate) next: Arc<Agreement>,
    /// Transceivers that a remote offer of this exchange brought.
    pub(crate) created: Vec<TransceiverId>,
}

impl Proposal {
    pub(crate) fn pending(&self) -> &Pending {
        match self {
            Proposal::LocalOffer(pending)
            | Proposal::RemoteOffer(pending)
            | Proposal::LocalPranswer(pending)
            | Proposal::RemotePranswer(pending) => pending,
        }
    }
}

impl Signaling {
    /// A connection's first state: stable, with nothing agreed.
    pub fn new() -> Self {
        Signaling::default()
    }

    /// The signaling state, which follows from what is proposed.
    pub fn state(&self) -> SignalingState {
        match &self.proposal {
            None => SignalingState::Stable,
            Some(Proposal::LocalOffer(_)) => SignalingState::HaveLocalOffer,
            Some(Proposal::RemoteOffer(_)) => SignalingState::HaveRemoteOffer,
            Some(Proposal::LocalPranswer(_)) => SignalingState::HaveLocalPranswer,
            Some(Proposal::RemotePranswer(_)) => SignalingState::HaveRemotePranswer,
        }
    }

    /// What the last complete exchange agreed: where a rollback goes back to.
    pub fn stable(&self) -> &Arc<Agreement> {
        &self.stable
    }

    /// What the latest description says, be it proposed or agreed.
    pub fn latest(&self) -> &Arc<Agreement> {
        match &self.proposal {
            None => &self.stable,
            Some(proposal) => &proposal.pending().next,
        }
    }

    /// Drops what is proposed (RFC 9429 §4.1.10.2). An error in the states that have nothing to
    /// roll back (webrtc-pc §4.4.1.5): stable, and after a provisional answer.
    pub fn rollback(&self) -> Result<Signaling, JsepError> {
        match &self.proposal {
            Some(Proposal::LocalOffer(_) | Proposal::RemoteOffer(_)) => Ok(Signaling {
                stable: Arc::clone(&self.stable),
                proposal: None,
            }),
            _ => Err(JsepError::State {
                ty: SdpType::Rollback,
                state: self.state(),
            }),
        }
    }

    /// Whether a description of this type and side fits the state (RFC 9429 §§5.5–5.6), before
    /// any implicit rollback.
    pub fn check_state(&self, ty: SdpType, side: Side) -> Result<(), JsepError> {
        use SignalingState::{
            HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
        };
        let state = self.state();
        let fits = match (ty, side) {
            (SdpType::Offer, Side::Local) => matches!(state, Stable | HaveLocalOffer),
            (SdpType::Offer, Side::Remote) => matches!(state, Stable | HaveRemoteOffer),
            (SdpType::Answer | SdpType::Pranswer, Side::Local) => {
                matches!(state, HaveRemoteOffer | HaveLocalPranswer)
            }
            (SdpType::Answer | SdpType::Pranswer, Side::Remote) => {
                matches!(state, HaveLocalOffer | HaveRemotePranswer)
            }
            (SdpType::Rollback, _) => matches!(state, HaveLocalOffer | HaveRemoteOffer),
        };
        match fits {
            true => Ok(()),
            false => Err(JsepError::State { ty, state }),
        }
    }
}
