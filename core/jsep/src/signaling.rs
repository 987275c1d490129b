use std::collections::BTreeSet;
use std::sync::Arc;

use duologue_base::{TransceiverId, TransportKey};

use crate::agreement::Agreement;
use crate::applied::Applied;
use crate::candidates::{CandidateTarget, Candidates};
use crate::described::{self, DescribedCandidates, target};
use crate::ice_key::IceKey;
use crate::{JsepError, OperationError, SdpType, Side, SignalingState};

/// The state of offer and answer, one immutable value. An operation returns another value and
/// leaves this one as it is, so there is nothing to undo when it fails, and a rollback is to drop
/// the proposal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signaling {
    stable: Arc<Agreement>,
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
    pub(crate) offer: Arc<Applied>,
    /// The last provisional answer.
    pub(crate) answer: Option<Arc<Applied>>,
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

    /// What this end and the other have proposed.
    fn applied(&self, side: Side) -> Option<&Arc<Applied>> {
        let pending = self.pending();
        let offerer = match self {
            Proposal::LocalOffer(_) | Proposal::RemotePranswer(_) => Side::Local,
            Proposal::RemoteOffer(_) | Proposal::LocalPranswer(_) => Side::Remote,
        };
        match offerer == side {
            true => Some(&pending.offer),
            false => pending.answer.as_ref(),
        }
    }
}

impl Signaling {
    /// A connection's first state: stable, with nothing agreed.
    pub fn new() -> Self {
        Signaling::default()
    }

    pub(crate) fn agreed(stable: Agreement) -> Self {
        Signaling {
            stable: Arc::new(stable),
            proposal: None,
        }
    }

    pub(crate) fn proposing(&self, proposal: Proposal) -> Self {
        Signaling {
            stable: Arc::clone(&self.stable),
            proposal: Some(proposal),
        }
    }

    /// The signaling state, which follows from what is proposed.
    #[doc(alias = "signalingState")]
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

    /// What holds for packets: the last answer, provisional or not. An offer changes nothing yet.
    pub(crate) fn effective(&self) -> &Arc<Agreement> {
        match &self.proposal {
            Some(Proposal::LocalPranswer(pending) | Proposal::RemotePranswer(pending)) => {
                &pending.next
            }
            _ => &self.stable,
        }
    }

    /// Drops what is proposed (RFC 9429 §4.1.10.2).
    ///
    /// # Errors
    /// In the states that have nothing to roll back (webrtc-pc §4.4.1.5): stable, and after a
    /// provisional answer.
    pub fn rollback(&self) -> Result<Signaling, JsepError> {
        self.check_state(SdpType::Rollback, Side::Local)?;
        Ok(Signaling {
            stable: Arc::clone(&self.stable),
            proposal: None,
        })
    }

    /// Whether a description of this type and side fits the state (RFC 9429 §§5.5–5.6), before
    /// any implicit rollback.
    ///
    /// # Errors
    /// It does not.
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
            false => Err(JsepError::State { ty, side, state }),
        }
    }

    /// The current description of one end with the candidates that have come since
    /// (`currentLocalDescription`, `currentRemoteDescription`).
    #[doc(alias = "currentLocalDescription")]
    pub fn current_description(
        &self,
        side: Side,
        candidates: &Candidates,
    ) -> Option<(SdpType, String)> {
        let exchange = self.stable.exchange.as_ref()?;
        let applied = exchange.side(side);
        Some((applied.ty, applied.render(candidates)))
    }

    /// The pending description of one end with the candidates that have come since
    /// (`pendingLocalDescription`, `pendingRemoteDescription`).
    #[doc(alias = "pendingLocalDescription")]
    pub fn pending_description(
        &self,
        side: Side,
        candidates: &Candidates,
    ) -> Option<(SdpType, String)> {
        let applied = self.proposal.as_ref()?.applied(side)?;
        Some((applied.ty, applied.render(candidates)))
    }

    /// The latest description of one end: the pending one, else the current one.
    pub(crate) fn applied(&self, side: Side) -> Option<&Arc<Applied>> {
        let pending = self.proposal.as_ref().and_then(|p| p.applied(side));
        let current = || self.stable.exchange.as_ref().map(|e| e.side(side));
        pending.or_else(current)
    }

    /// Whether the other end takes trickled candidates; `None` while it has not said anything
    /// (RFC 9429 §4.1.17).
    #[doc(alias = "canTrickleIceCandidates")]
    pub fn can_trickle(&self) -> Option<bool> {
        let remote = self.applied(Side::Remote)?;
        Some(
            remote
                .blueprint
                .sections
                .iter()
                .any(|s| s.transport.trickle),
        )
    }

    /// What the stable state and an exchange under way agree on: all that may still come to hold.
    pub(crate) fn agreements(&self) -> impl Iterator<Item = &Agreement> {
        let pending = self.proposal.as_ref().map(Proposal::pending);
        let proposed = pending.map(|pending| [&*pending.offered, &*pending.next]);
        std::iter::once(&*self.stable).chain(proposed.into_iter().flatten())
    }

    /// The transports of the stable state and of an exchange under way. All others are over.
    pub fn transports(&self) -> BTreeSet<TransportKey> {
        let transports = self.agreements().flat_map(|a| a.transports.keys());
        transports.copied().collect()
    }

    /// The stable state or an exchange under way has this generation of a transport.
    pub fn has_generation(&self, key: IceKey) -> bool {
        self.agreements().any(|agreement| {
            let transport = agreement.transports.get(&key.transport);
            transport.is_some_and(|transport| transport.generation == key.generation)
        })
    }

    /// This end's current description shows any of these credentials.
    pub(crate) fn describes(&self, keys: &BTreeSet<IceKey>) -> bool {
        let current = self.stable.exchange.as_ref().map(|e| &e.local);
        current.is_some_and(|local| local.ice_keys().any(|key| keys.contains(&key)))
    }

    /// The ICE credentials in this end's current and pending descriptions: what `restartIce` puts
    /// into [`Intent::ice_to_replace`](crate::Intent::ice_to_replace), until
    /// [`Intent::forget_replaced`](crate::Intent::forget_replaced) finds them replaced.
    pub fn local_ice_keys(&self) -> BTreeSet<IceKey> {
        self.stable
            .ice_keys()
            .chain(self.latest().ice_keys())
            .collect()
    }

    /// The candidates in the latest remote description's own text.
    pub fn described_candidates(&self) -> Vec<DescribedCandidates> {
        let remote = self.applied(Side::Remote);
        remote.map_or_else(Vec::new, |applied| {
            described::candidates(applied, self.latest(), &self.stable)
        })
    }

    /// How many candidates in the latest remote description could not be read. They are skipped.
    pub fn unread_candidates(&self) -> usize {
        let remote = self.applied(Side::Remote);
        remote.map_or(0, |applied| applied.unread_candidates)
    }

    /// Where a remote candidate belongs (webrtc-pc §4.4.1.7 "addIceCandidate"): the m-section of
    /// this tag or index in the latest remote description that has this user name fragment. Without
    /// a fragment it is the latest description's.
    ///
    /// # Errors
    /// There is no such m-section, or no remote description.
    pub fn candidate_target(
        &self,
        mid: Option<&str>,
        index: Option<usize>,
        ufrag: Option<&str>,
    ) -> Result<CandidateTarget, OperationError> {
        let mut known = false;
        for (applied, agreement) in self.remote_descriptions() {
            known = true;
            let at = match mid {
                Some(mid) => applied.index_of(mid),
                None => index,
            };
            let target = at.and_then(|at| target(applied, agreement, &self.stable, at, ufrag));
            if let Some(target) = target {
                return Ok(target);
            }
        }
        Err(match known {
            true => OperationError::UnknownCandidateTarget,
            false => OperationError::NoRemoteDescription,
        })
    }

    /// Where an end-of-candidates indication without an m-section belongs: every m-section of
    /// the latest remote description that has the user name fragment.
    ///
    /// # Errors
    /// None has it, or there is no remote description.
    pub fn end_of_candidates_targets(
        &self,
        ufrag: Option<&str>,
    ) -> Result<Vec<CandidateTarget>, OperationError> {
        let mut known = false;
        for (applied, agreement) in self.remote_descriptions() {
            known = true;
            let sections = 0..applied.section_count();
            let targets: Vec<CandidateTarget> = sections
                .filter_map(|at| target(applied, agreement, &self.stable, at, ufrag))
                .collect();
            if !targets.is_empty() || ufrag.is_none() {
                return Ok(targets);
            }
        }
        Err(match known {
            true => OperationError::UnknownCandidateTarget,
            false => OperationError::NoRemoteDescription,
        })
    }

    /// The remote descriptions that are applied, the latest first, each with its agreement.
    fn remote_descriptions(&self) -> impl Iterator<Item = (&Applied, &Agreement)> {
        let pending = self.proposal.as_ref().and_then(|p| {
            let applied = p.applied(Side::Remote)?;
            Some((&**applied, &*p.pending().next))
        });
        let current = self.stable.exchange.as_ref();
        let current = current.map(|e| (&*e.remote, &*self.stable));
        pending.into_iter().chain(current)
    }
}
