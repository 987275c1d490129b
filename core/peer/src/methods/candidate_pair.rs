//! An application's say in candidate pairs (webrtc-extensions, "RTCIceTransport extensions").

use duologue_base::TransportKey;
use duologue_ice::PairCommand;
use duologue_session::{Command, TransportCommand};

use crate::candidate_pairs::ProposalKind;
use crate::{Exception, IceCandidatePairId, IceTransportState, OperationId, PeerConnection};

impl PeerConnection {
    /// Fires `icecandidatepairadd`, `icecandidatepairnominate` and `icecandidatepairremove` from
    /// now on at all ICE transports of the connection, of the pairs that there are already, too.
    /// The host [answers](Self::answer_candidate_pair) those that are cancelable. Without this
    /// call, which a JavaScript host makes when somebody listens, nobody is asked.
    pub fn control_candidate_pairs(&mut self) {
        if self.slots.is_closed() {
            return;
        }
        for key in self.slots.control_candidate_pairs() {
            self.command_pairs(key, PairCommand::Control);
        }
    }

    /// What became of a cancelable event about this pair: `accepted` unless it was canceled. One about
    /// which nothing is asked changes nothing.
    pub fn answer_candidate_pair(
        &mut self,
        key: TransportKey,
        pair: IceCandidatePairId,
        accepted: bool,
    ) {
        if self.slots.is_closed() {
            return;
        }
        let Some(transport) = self.slots.transport_mut(key) else {
            return;
        };
        let command = match transport.pairs_mut().end_proposal(pair) {
            Some(ProposalKind::Nominate) => PairCommand::AnswerNomination { pair, accepted },
            Some(ProposalKind::Remove) => {
                if accepted {
                    // "Remove candidatePair from transport.[[CandidatePairs]]."
                    transport.pairs_mut().remove(pair);
                }
                PairCommand::AnswerRemoval { pair, accepted }
            }
            None => return,
        };
        self.command_pairs(key, command);
    }

    /// `selectCandidatePair(candidatePair)`: data is to go by this pair. It resolves when it does.
    ///
    /// Rejects with `InvalidStateError` on a closed connection, while a cancelable event is not
    /// answered, and unless the transport has been connected or tries to be; with `NotFoundError` for
    /// a pair that is not there; with `OperationError` when the pair does not work, or another one is
    /// selected meanwhile, of which the specification says nothing.
    pub fn select_candidate_pair(
        &mut self,
        key: TransportKey,
        pair: IceCandidatePairId,
    ) -> OperationId {
        let operation = self.new_operation();
        match self.check_candidate_pair(key, pair) {
            Err(exception) => self.reject_now(operation, exception),
            Ok(()) => {
                if let Some(transport) = self.slots.transport_mut(key) {
                    transport.pairs_mut().await_selection(pair, operation);
                }
                self.command_pairs(key, PairCommand::Select(pair));
            }
        }
        operation
    }

    /// `removeCandidatePair(candidatePair)`: it is not used or checked any more, nor are checks on it
    /// answered. It resolves after `icecandidatepairremove`.
    ///
    /// Rejects as [`select_candidate_pair`](Self::select_candidate_pair), but for `OperationError`.
    pub fn remove_candidate_pair(
        &mut self,
        key: TransportKey,
        pair: IceCandidatePairId,
    ) -> OperationId {
        let operation = self.new_operation();
        if let Err(exception) = self.check_candidate_pair(key, pair) {
            self.reject_now(operation, exception);
            return operation;
        }
        if let Some(transport) = self.slots.transport_mut(key) {
            let selected = transport.ice.last_selected_pair().cloned();
            let pairs = transport.pairs_mut();
            if let Some(pair) = pairs.remove(pair).or(selected) {
                pairs.await_removal(pair, operation);
            }
        }
        self.command_pairs(key, PairCommand::Remove(pair));
        operation
    }

    /// What both methods throw.
    fn check_candidate_pair(
        &mut self,
        key: TransportKey,
        pair: IceCandidatePairId,
    ) -> Result<(), Exception> {
        use IceTransportState::{Closed, Failed, New};
        let closed = || Exception::invalid_state("the connection is closed");
        if self.slots.is_closed() {
            return Err(closed());
        }
        let transport = self.slots.transport_mut(key).ok_or_else(closed)?;
        if transport.pairs_mut().is_proposal_pending() {
            return Err(Exception::invalid_state(
                "what an event of candidate pairs proposes is not decided yet",
            ));
        }
        let state = transport.ice.state();
        if matches!(state, New | Failed | Closed) {
            return Err(Exception::invalid_state(format!(
                "candidate pairs cannot be chosen in the state {state}"
            )));
        }
        match transport.has_pair(pair) {
            true => Ok(()),
            false => Err(Exception::not_found("the transport has no such pair")),
        }
    }

    pub(crate) fn command_pairs(&mut self, key: TransportKey, command: PairCommand) {
        self.command(Command::Transport(key, TransportCommand::Pairs(command)));
    }
}
