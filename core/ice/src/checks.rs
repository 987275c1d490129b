use std::time::Duration;

use duologue_base::{Generation, IceCredentials, IceRole, Instant};

use crate::agent::Route;
use crate::candidate::Candidate;
use crate::config::Config;
use crate::control::Control;
use crate::generation::GenerationState;
use crate::leave::CheckLeave;
use crate::state::TransportState;
use crate::stats::PairId;
use crate::transaction::Transaction;

/// The second part of an [`Agent`](crate::Agent): the candidates of both ends, generation by
/// generation, the pairs of them, and which one is in use.
#[derive(Debug)]
pub(crate) struct Checks {
    pub(crate) role: IceRole,
    pub(crate) tie_breaker: u64,
    /// Oldest first, never empty.
    pub(crate) generations: Vec<GenerationState>,
    /// Goes up with each change of [`user_names`](crate::Agent::user_names).
    pub(crate) user_names_revision: u32,
    pub(crate) transactions: Vec<Transaction>,
    /// RFC 8445 §14.2: no new check leaves before.
    pub(crate) next_check: Instant,
    pub(crate) leave: CheckLeave,
    pub(crate) answered_checks: u32,
    /// Pairs that other agents of the same ICE session are checking or about to.
    pub(crate) pending_elsewhere: u32,
    /// Ta of the connectivity checks: the larger one of both ends'.
    pub(crate) pacing: Duration,
    pub(crate) next_pair_id: u32,
    /// Nominations of this agent's that had a number.
    pub(crate) nominations: u32,
    pub(crate) selected: Option<Selected>,
    pub(crate) selected_pair_changes: u32,
    pub(crate) control: Control,
    pub(crate) state: TransportState,
    /// The time of the last [`update`](crate::Agent::update).
    pub(crate) updated: Instant,
}

/// The pair that data is sent on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Selected {
    pub(crate) generation: Generation,
    pub(crate) pair: PairId,
    /// The local candidate that the other side sees.
    pub(crate) local: usize,
    pub(crate) route: Route,
}

impl Checks {
    /// Of an agent with one generation.
    pub(crate) fn new(
        config: &Config,
        role: IceRole,
        tie_breaker: u64,
        generation: Generation,
        local: IceCredentials,
    ) -> Self {
        Checks {
            role,
            tie_breaker,
            generations: vec![GenerationState::new(generation, local, false)],
            user_names_revision: 0,
            transactions: Vec::new(),
            next_check: Instant::ZERO,
            leave: CheckLeave::Free,
            answered_checks: 0,
            pending_elsewhere: 0,
            pacing: config.pacing,
            next_pair_id: 0,
            nominations: 0,
            selected: None,
            selected_pair_changes: 0,
            control: Control::default(),
            state: TransportState::New,
            updated: Instant::ZERO,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == TransportState::Closed
    }

    pub(crate) fn newest(&self) -> &GenerationState {
        &self.generations[self.generations.len() - 1]
    }

    pub(crate) fn index(&self, generation: Generation) -> Option<usize> {
        self.generations
            .iter()
            .position(|state| state.id == generation)
    }

    pub(crate) fn pair(
        &self,
        generation: Generation,
        pair: PairId,
    ) -> Option<&crate::checklist::Pair> {
        self.generations[self.index(generation)?]
            .checklist
            .get(pair)
    }

    /// Drops the requests of pairs that are no more.
    pub(crate) fn forget_requests(&mut self) {
        let generations = &self.generations;
        self.transactions.retain(|t| {
            let mut of = generations.iter().filter(|state| state.id == t.generation);
            of.any(|state| state.checklist.get(t.pair).is_some())
        });
    }

    /// RFC 8838 §4: the username fragment tells generations apart; signalling may deliver a
    /// candidate late.
    pub(crate) fn generation_of(&self, stated: Generation, candidate: &Candidate) -> Option<usize> {
        let stated = self.index(stated)?;
        let Some(ufrag) = &candidate.ufrag else {
            return Some(stated);
        };
        let has = |generation: &GenerationState| {
            generation
                .remote_secret()
                .is_some_and(|secret| secret.credentials.ufrag == *ufrag)
        };
        match self.generations[stated].remote_secret() {
            Some(secret) if secret.credentials.ufrag != *ufrag => {
                self.generations.iter().position(has)
            }
            _ => Some(stated),
        }
    }
}
