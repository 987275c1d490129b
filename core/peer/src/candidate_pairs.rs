//! `[[CandidatePairs]]` and `[[ProposalPending]]` of an ICE transport (webrtc-extensions,
//! "RTCIceTransport extensions").

use crate::{IceCandidatePair, IceCandidatePairId, OperationId};

/// What the application knows of the pairs of one transport, and was asked.
#[derive(Debug, Default)]
pub(crate) struct CandidatePairs {
    known: Vec<IceCandidatePair>,
    proposals: Vec<Proposal>,
    /// The `selectCandidatePair` promises that have not settled.
    selections: Vec<(IceCandidatePairId, OperationId)>,
    /// Those of `removeCandidatePair`.
    removals: Vec<(IceCandidatePair, OperationId)>,
}

/// What an event asks about a pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Proposal {
    pub(crate) pair: IceCandidatePairId,
    pub(crate) kind: ProposalKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ProposalKind {
    Nominate,
    Remove,
}

impl CandidatePairs {
    pub(crate) fn contains(&self, id: IceCandidatePairId) -> bool {
        self.get(id).is_some()
    }

    pub(crate) fn get(&self, id: IceCandidatePairId) -> Option<&IceCandidatePair> {
        self.known.iter().find(|pair| pair.id == id)
    }

    pub(crate) fn add(&mut self, pair: IceCandidatePair) {
        self.known.push(pair);
    }

    pub(crate) fn remove(&mut self, id: IceCandidatePairId) -> Option<IceCandidatePair> {
        let at = self.known.iter().position(|pair| pair.id == id)?;
        Some(self.known.remove(at))
    }

    /// `[[ProposalPending]]`
    pub(crate) fn is_proposal_pending(&self) -> bool {
        !self.proposals.is_empty()
    }

    pub(crate) fn propose(&mut self, proposal: Proposal) {
        self.proposals.push(proposal);
    }

    /// The oldest question about a pair is answered.
    pub(crate) fn end_proposal(&mut self, pair: IceCandidatePairId) -> Option<ProposalKind> {
        let mut proposals = self.proposals.iter();
        let at = proposals.position(|proposal| proposal.pair == pair)?;
        Some(self.proposals.remove(at).kind)
    }

    pub(crate) fn await_selection(&mut self, pair: IceCandidatePairId, operation: OperationId) {
        self.selections.push((pair, operation));
    }

    /// Those who wait for this pair to be selected.
    pub(crate) fn end_selections(&mut self, pair: IceCandidatePairId) -> Vec<OperationId> {
        let ended = self.selections.extract_if(.., |(of, _)| *of == pair);
        ended.map(|(_, operation)| operation).collect()
    }

    pub(crate) fn await_removal(&mut self, pair: IceCandidatePair, operation: OperationId) {
        self.removals.push((pair, operation));
    }

    pub(crate) fn is_being_removed(&self, id: IceCandidatePairId) -> bool {
        self.removals.iter().any(|(pair, _)| pair.id == id)
    }

    /// Who waits for this pair to be removed.
    pub(crate) fn end_removal(
        &mut self,
        pair: IceCandidatePairId,
    ) -> Option<(IceCandidatePair, OperationId)> {
        let at = self.removals.iter().position(|(of, _)| of.id == pair)?;
        Some(self.removals.remove(at))
    }
}
