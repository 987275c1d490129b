//! Which pair is used: nomination by the controlling agent (RFC 8445 §8.1), selection by both.

use duologue_base::{IceRole, Instant};

use crate::agent::{Agent, Route};
use crate::candidate::Candidate;
use crate::checklist::Pair;
use crate::checks::{Checks, Selected};
use crate::event::Event;
use crate::generation::{GenerationState, LocalCandidate, can_pair, pair_priority};
use crate::limits;
use crate::local::Local;
use crate::stats::PairId;

impl Agent {
    /// Draws all conclusions from what changed. Called at the end of every input.
    pub(crate) fn update(&mut self, now: Instant) {
        self.checks.updated = now;
        if self.checks.is_closed() {
            return;
        }
        self.tell_pairs();
        for at in 0..self.checks.generations.len() {
            if let Some(bar) = self.bar(now, at) {
                self.conclude(at, bar);
            } else if let Some(check) = self.checks.generations[at].moved.take() {
                self.learn_from_check(now, at, check);
            }
            self.nominate(now, at);
        }
        self.retire_generations(now);
        self.select(now);
        self.update_state(now);
        self.tell_pairs();
        self.tell_selection();
    }

    /// Both agents said that a pair nominated later takes the place of an earlier one.
    pub(crate) fn renominates(&self, at: usize) -> bool {
        self.config.renomination && self.checks.generations[at].follows_renomination()
    }

    /// Pairs of at most this priority are not worth a check. None: no pair that answers was
    /// nominated.
    pub(crate) fn bar(&self, now: Instant, at: usize) -> Option<u64> {
        let settled = self.settled(now, &self.checks.generations[at])?;
        Some(match self.renominates(at) {
            true => settled.priority,
            false => u64::MAX,
        })
    }

    /// Of the pairs that were nominated and answer, the last one.
    fn settled<'a>(&self, now: Instant, generation: &'a GenerationState) -> Option<&'a Pair> {
        let settled = |pair: &&Pair| pair.is_nominated() && self.is_healthy(now, generation, pair);
        let pairs = generation.checklist.pairs().iter();
        pairs
            .filter(settled)
            .max_by_key(|pair| (pair.nomination.number(), pair.priority))
    }

    fn nominate(&mut self, now: Instant, at: usize) {
        if self.checks.role == IceRole::Controlled || self.config.lite {
            return;
        }
        let Some((id, due)) = self.nomination(now, at) else {
            return;
        };
        if due > now || !self.may_nominate(id) {
            return;
        }
        if self.renominates(at) {
            self.checks.nominations = (self.checks.nominations + 1).min(limits::NOMINATION_MAX);
        }
        let number = match self.renominates(at) {
            true => self.checks.nominations,
            false => 0,
        };
        self.log_nomination(at, id);
        let checklist = &mut self.checks.generations[at].checklist;
        if let Some(pair) = checklist.get_mut(id) {
            pair.nomination.begin(number);
        }
        checklist.trigger_first(id);
    }

    fn log_nomination(&self, at: usize, id: PairId) {
        let generation = &self.checks.generations[at];
        let Some(best) = generation.checklist.get(id) else {
            return;
        };
        let why = match (
            generation.checklist.is_concluded(),
            self.expects_better(generation, best),
        ) {
            (true, _) => "it is better than the one nominated before",
            (false, true) => "better ones were waited for long enough",
            (false, false) => "no better one is expected",
        };
        tracing::debug!("ICE pair {}: being nominated: {why}", id.0);
    }

    /// The pair to nominate and when. RFC 8445 §8.1.1: regular nomination, of the best valid pair,
    /// as soon as no better one may be expected any moment. Pairs that stay silent are not waited
    /// for. What is nominated again has waited already.
    fn nomination(&self, now: Instant, at: usize) -> Option<(PairId, Instant)> {
        let generation = &self.checks.generations[at];
        let pairs = || {
            let pairs = generation.checklist.pairs().iter();
            pairs.filter(|pair| self.is_healthy(now, generation, pair))
        };
        let under_way = pairs().any(|pair| pair.nomination.under_way().is_some());
        if under_way || self.checks.control.is_asked() {
            return None;
        }
        let preferred = self.checks.control.preferred();
        let preferred = preferred.and_then(|id| pairs().find(|pair| pair.id == id));
        let best = preferred.or_else(|| pairs().max_by_key(|pair| pair.priority))?;
        if best.refused {
            return None;
        }

        if let Some(settled) = self.settled(now, generation) {
            // "the agent MUST NOT nominate another pair for same component of the data stream
            // within the ICE session"
            let better = preferred.is_some() || best.priority > settled.priority;
            let again = self.renominates(at) && better && best.id != settled.id;
            return again.then_some((best.id, now));
        }
        let wait = match generation.is_relayed(best) {
            true => limits::NOMINATION_WAIT_RELAYED,
            false => best.nomination_wait(),
        };
        let due = match preferred.is_none() && self.expects_better(generation, best) {
            true => generation.first_valid? + wait,
            false => now,
        };
        Some((best.id, due))
    }

    /// A better pair than this one is being checked, or may turn up soon: when data would go
    /// through a TURN server, that is worth waiting for candidates and channels.
    fn expects_better(&self, generation: &GenerationState, best: &Pair) -> bool {
        let checked = |pair: &Pair| pair.is_unfinished() && pair.priority > best.priority;
        let gathers = !generation.relay_only && !generation.candidates_complete();
        generation.checklist.pairs().iter().any(checked)
            || generation.is_relayed(best) && (gathers || self.binds_better(generation, best))
    }

    /// A pair of a relayed candidate, which begins when its channel is bound, will be better than
    /// this one.
    fn binds_better(&self, generation: &GenerationState, best: &Pair) -> bool {
        let better = |ours: &LocalCandidate, theirs: &Candidate| {
            let priority =
                pair_priority(self.checks.role, ours.candidate.priority, theirs.priority);
            priority > best.priority
                && can_pair(ours, theirs, &self.config)
                && self.local.is_binding(ours.base, theirs.addr)
        };
        let locals = generation.locals.iter().filter(|ours| !ours.gone);
        let mut relayed = locals.filter(|ours| ours.base.relay.is_some());
        relayed.any(|ours| generation.remotes.iter().any(|theirs| better(ours, theirs)))
    }

    /// When [`nominate`](Self::nominate) stops waiting for better pairs.
    pub(crate) fn nomination_timeout(&self) -> Option<Instant> {
        if self.checks.role == IceRole::Controlled || self.config.lite {
            return None;
        }
        let undecided = |at: &usize| !self.checks.generations[*at].checklist.is_concluded();
        (0..self.checks.generations.len())
            .filter(undecided)
            .filter_map(|at| self.nomination(self.checks.updated, at))
            .map(|(_, due)| due)
            .min()
    }

    fn retire_generations(&mut self, now: Instant) {
        let nothing_asked =
            |state: &GenerationState| now - state.last_request >= limits::RETIRED_LINGER;
        for at in (0..self.checks.replaced()).rev() {
            if self.checks.generations[at].retired && nothing_asked(&self.checks.generations[at]) {
                self.remove_generation(at);
            }
        }
    }

    /// Data goes to a pair that answers rather than to a silent one, then to the one that the owner
    /// selected, then to a nominated one, then to the newest generation's, then to the pair of the highest priority. Before the
    /// nomination any valid pair may carry data (RFC 8445 §12.1).
    fn select(&mut self, now: Instant) {
        let best = self
            .checks
            .generations
            .iter()
            .flat_map(|generation| {
                let pairs = generation.checklist.pairs().iter();
                pairs.map(move |pair| (generation, pair))
            })
            .filter_map(|(generation, pair)| {
                let valid = pair.valid()?;
                let healthy = self.is_healthy(now, generation, pair);
                // A relay carries no data before it has a channel.
                self.local.route_of(generation, pair)?;
                let rank = (
                    healthy,
                    self.checks.control.prefers(pair.id),
                    pair.is_nominated(),
                    generation.id,
                    pair.nomination.number(),
                    pair.priority,
                );
                Some((rank, generation, pair, valid.local))
            })
            .max_by_key(|(rank, ..)| *rank);
        let selected = best.map(|(_, generation, pair, local)| {
            Some(Selected {
                generation: generation.id,
                pair: pair.id,
                local,
                route: self.local.route_of(generation, pair)?,
            })
        });
        let selected = selected.flatten();
        if selected == self.checks.selected {
            return;
        }
        let number = |selected: Option<Selected>| selected.map(|s| s.pair.0);
        let (before, after) = (number(self.checks.selected), number(selected));
        self.checks.selected = selected;
        let Some(pair) = self.selected_pair() else {
            tracing::debug!(before, "ICE selected pair: none any more");
            return;
        };

        tracing::debug!(
            before,
            after,
            "ICE selected pair: {} -> {}",
            pair.local.kind.as_str(),
            pair.remote.kind.as_str()
        );
        self.checks.selected_pair_changes += 1;
        self.outbox.push_event(Event::SelectedPair(pair));
    }

    /// It answers, as far as is known: the selected pair is asked all the time, the others'
    /// answers get old.
    pub(crate) fn is_healthy(
        &self,
        now: Instant,
        generation: &GenerationState,
        pair: &Pair,
    ) -> bool {
        let Some(valid) = pair.valid() else {
            return false;
        };
        let age = now - valid.last_response;
        if self.config.lite {
            return age < limits::LITE_SILENCE;
        }
        let silent = |since: Instant| now - since >= pair.patience();
        if valid.unanswered_since.is_some_and(silent) {
            return false;
        }
        let selected = self.checks.selected.is_some_and(|selected| {
            selected.pair == pair.id && selected.generation == generation.id
        });
        selected || age < limits::SPARE_FRESHNESS
    }

    /// The selected pair does not answer.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        let Some(selected) = self.checks.selected else {
            return false;
        };
        self.checks.index(selected.generation).is_some_and(|at| {
            let generation = &self.checks.generations[at];
            let pair = generation.checklist.get(selected.pair);
            pair.is_some_and(|pair| !self.is_healthy(now, generation, pair))
        })
    }
}

impl Local {
    fn route_of(&self, generation: &GenerationState, pair: &Pair) -> Option<Route> {
        let base = generation.base_of(pair);
        let remote = generation.remote_addr_of(pair);
        let socket = self.socket_for(base, remote)?;
        Some(Route {
            socket,
            local: base.addr,
            remote,
            relay: self.relay_route(base, remote)?,
            framing: self.framing(socket),
        })
    }
}

impl Checks {
    /// RFC 8445 §8.1.2
    pub(crate) fn conclude(&mut self, at: usize, bar: u64) {
        if self.generations[at].checklist.conclude(bar) {
            self.forget_requests();
        }
    }

    /// How many generations are older than the newest one with a nominated pair.
    pub(crate) fn replaced(&self) -> usize {
        if self.generations.len() == 1 {
            return 0;
        }
        let nominated = |state: &GenerationState| state.checklist.is_concluded();
        self.generations.iter().rposition(nominated).unwrap_or(0)
    }

    /// When the next replaced generation goes.
    pub(crate) fn retirement_timeout(&self) -> Option<Instant> {
        let replaced = self.generations[..self.replaced()].iter();
        replaced
            .filter(|state| state.retired)
            .map(|state| state.last_request + limits::RETIRED_LINGER)
            .min()
    }
}
