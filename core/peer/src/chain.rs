//! The operations chain (webrtc-pc §4.4.1.2): one asynchronous operation at a time.

use std::collections::VecDeque;

use duologue_base::TransceiverId;

use crate::{
    Exception, IceCandidateInit, LocalSessionDescription, OperationId, PeerConnection,
    SessionDescription, Track, Value,
};

/// `[[Operations]]`: the first is running.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// The running one has given its arguments away.
    operations: VecDeque<(OperationId, Option<Operation>)>,
}

/// What can be chained.
#[derive(Debug)]
pub(crate) enum Operation {
    CreateOffer { ice_restart: bool },
    CreateAnswer,
    SetLocalDescription(LocalSessionDescription),
    SetRemoteDescription(SessionDescription),
    AddIceCandidate(IceCandidateInit),
    ReplaceTrack(TransceiverId, Option<Track>),
}

/// How far the synchronous part of an operation came.
#[derive(Debug)]
pub(crate) enum Progress {
    /// A task will settle it.
    Queued,
    /// It returned a promise that is settled already.
    Settled(Result<Value, Exception>),
}

impl Progress {
    pub(crate) fn rejected(exception: Exception) -> Self {
        Progress::Settled(Err(exception))
    }
}

impl Chain {
    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.operations.clear();
    }
}

impl PeerConnection {
    /// "Chain an operation": the promise that the method returns.
    pub(crate) fn chain(&mut self, operation: Operation) -> OperationId {
        let id = self.new_operation();
        if self.slots.is_closed() {
            self.reject_now(id, Exception::invalid_state("the connection is closed"));
            return id;
        }
        self.chain.operations.push_back((id, Some(operation)));
        if self.chain.operations.len() == 1 {
            self.execute_first();
        }
        id
    }

    /// "Upon fulfillment or rejection of p": the next operation, or the negotiation-needed flag.
    pub(crate) fn advance_chain(&mut self) {
        self.chain.operations.pop_front();
        if self.chain.is_empty() {
            self.chain.operations.shrink_to_fit();
        }
        if !self.chain.is_empty() {
            self.execute_first();
        } else if self.slots.take_update_flag_on_empty_chain() {
            self.update_negotiation_needed();
        }
    }

    fn execute_first(&mut self) {
        let first = self.chain.operations.front_mut();
        let Some((id, operation)) = first.and_then(|(id, waiting)| Some((*id, waiting.take()?)))
        else {
            return;
        };
        let progress = match operation {
            Operation::CreateOffer { ice_restart } => self.start_create_offer(id, ice_restart),
            Operation::CreateAnswer => self.start_create_answer(id),
            Operation::SetLocalDescription(description) => self.start_set_local(id, description),
            Operation::SetRemoteDescription(description) => self.start_set_remote(id, description),
            Operation::AddIceCandidate(candidate) => self.start_add_candidate(id, candidate),
            Operation::ReplaceTrack(transceiver, track) => {
                self.start_replace_track(id, transceiver, track)
            }
        };
        if let Progress::Settled(result) = progress {
            self.settle_chained_now(id, result);
        }
    }
}
