//! `addIceCandidate` (webrtc-pc §4.4.2).

use duologue_jsep as jsep;
use duologue_sdp::attr::Candidate;
use jsep::agreement::IceKey;
use jsep::{CandidateTarget, DescribedCandidates, Side};

use crate::chain::{Operation, Progress};
use crate::task::Task;
use crate::{Exception, IceCandidateInit, OperationId, PeerConnection, Value};

impl PeerConnection {
    /// `addIceCandidate(candidate)`. The default value (what JavaScript's `null` and `{}` mean)
    /// says that no more candidates come for any media description.
    ///
    /// Rejects with `TypeError` for a candidate without `sdpMid` and `sdpMLineIndex`,
    /// `InvalidStateError` without a remote description or on a closed connection,
    /// `OperationError` when the media description, the user name fragment or the candidate is
    /// not known or not valid.
    pub fn add_ice_candidate(&mut self, candidate: IceCandidateInit) -> OperationId {
        if !candidate.candidate.is_empty()
            && candidate.sdp_mid.is_none()
            && candidate.sdp_m_line_index.is_none()
        {
            let id = self.new_operation();
            self.reject_now(
                id,
                Exception::type_error("a candidate needs an sdpMid or an sdpMLineIndex"),
            );
            return id;
        }
        self.chain(Operation::AddIceCandidate(candidate))
    }

    /// The steps that `addIceCandidate` chains.
    pub(crate) fn start_add_candidate(
        &mut self,
        operation: OperationId,
        candidate: IceCandidateInit,
    ) -> Progress {
        if self.is_for_stopped_transceiver(&candidate) {
            return Progress::Settled(Ok(Value::Undefined));
        }
        match self.candidate_targets(&candidate) {
            Ok(_) => {
                self.queue(Task::AddCandidate(operation, candidate));
                Progress::Queued
            }
            Err(exception) => Progress::rejected(exception),
        }
    }

    /// "If either candidate.sdpMid or candidate.sdpMLineIndex indicate a media description in
    /// remoteDescription whose associated transceiver is stopped, return a promise resolved with
    /// undefined."
    fn is_for_stopped_transceiver(&self, candidate: &IceCandidateInit) -> bool {
        let signaling = self.slots.signaling();
        // A local offer's new sections are not in the remote description.
        let agreement = match signaling.state() {
            jsep::SignalingState::HaveLocalOffer => signaling.stable(),
            _ => signaling.latest(),
        };
        let section = match (candidate.mid(), candidate.sdp_m_line_index) {
            (Some(mid), _) => agreement.media.iter().find(|m| m.mid.as_str() == mid),
            (None, Some(index)) => agreement.media.get(usize::from(index)),
            (None, None) => None,
        };
        let intent = section
            .and_then(|section| section.transceiver)
            .and_then(|id| self.slots.intent_of(id));
        intent.is_some_and(|intent| intent.stop == jsep::StopState::Stopped)
    }

    /// The media descriptions and ICE generations that a candidate belongs to.
    pub(crate) fn candidate_targets(
        &self,
        candidate: &IceCandidateInit,
    ) -> Result<Vec<CandidateTarget>, Exception> {
        let signaling = self.slots.signaling();
        let mid = candidate.mid();
        let index = candidate.sdp_m_line_index.map(usize::from);
        let ufrag = candidate.username_fragment.as_deref();
        // As with the mid: no generation has an empty one.
        let ufrag = ufrag.filter(|ufrag| !ufrag.is_empty());
        let targets = match (mid, index) {
            (None, None) => signaling.end_of_candidates_targets(ufrag),
            _ => signaling
                .candidate_target(mid, index, ufrag)
                .map(|target| vec![target]),
        };
        targets.map_err(|error| match error {
            jsep::OperationError::NoRemoteDescription => {
                Exception::invalid_state(error.to_string())
            }
            _ => Exception::operation(error.to_string()),
        })
    }

    /// The session learnt the other end's credentials: now it takes the candidates that came
    /// before, in the description's text and one by one.
    pub(crate) fn forward_candidates(&mut self, key: IceKey, described: &[DescribedCandidates]) {
        self.forward_described_candidates(key, described);
        let added = self.slots.candidates().of_key(Side::Remote, key);
        let added: Vec<_> = added
            .map(|(_, list)| (list.candidates().to_vec(), list.is_complete()))
            .collect();
        for (candidates, complete) in added {
            self.forward_list(key, &candidates, complete);
        }
    }

    /// Those of an agent whose place another one took.
    pub(crate) fn forget_remote_candidates(&mut self, key: IceKey) {
        self.slots.candidates_mut().forget(Side::Remote, key);
        if let Some(transport) = self.slots.transport_mut(key.transport) {
            transport.ice.forget_remote_candidates(key.generation);
        }
    }

    /// The candidates in the text of the other end's description that are for these credentials.
    pub(crate) fn forward_described_candidates(
        &mut self,
        key: IceKey,
        described: &[DescribedCandidates],
    ) {
        for described in described {
            if described.target.key == key && described.target.reaches {
                self.forward_list(key, &described.candidates, described.complete);
            }
        }
    }

    fn forward_list(&mut self, key: IceKey, candidates: &[Candidate], complete: bool) {
        for candidate in candidates {
            self.forward_candidate(key, candidate);
        }
        if complete {
            self.forward_end_of_candidates(key);
        }
    }
}
