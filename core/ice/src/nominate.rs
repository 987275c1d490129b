//! Which pair is used: nomination by the controlling agent (RFC 8445 §8.1), selection by both.

use duologue_base::Instant;

use crate::agent::{Agent, Route, Selected};
use crate::checklist::Pair;
use crate::event::Event;
use crate::generation::GenerationState;
use crate::limits;
use crate::state::Role;

impl Agent {
    /// Draws all conclusions from what changed. Called at the end of every input.
    pub(crate) fn update(&mut self, now: Instant) {
        self.updated = now;
        if self.is_closed() {
            return;
        }
        for at in 0..self.generations.len() {
            if self.is_settled(now, at) {
                self.conclude(at);
            } else if let Some(check) = self.generations[at].moved.take() {
                self.learn_from_check(now, at, check);
            }
            self.nominate(now, at);
        }
        self.retire_generations(now);
        self.select(now);
        self.update_state(now);
    }

    /// RFC 8445 §8.1.2
    fn conclude(&mut self, at: usize) {
        let checklist = &mut self.generations[at].checklist;
        if checklist.has_unfinished() {
            checklist.conclude();
            self.forget_requests();
        }
    }

    /// A pair was nominated and answers.
    pub(crate) fn is_settled(&self, now: Instant, at: usize) -> bool {
        let generation = &self.generations[at];
        let settled = |pair: &Pair| pair.is_nominated() && self.is_healthy(now, generation, pair);
        generation.checklist.pairs().iter().any(settled)
    }

    /// RFC 8445 §8.1.1: regular nomination, of the best valid pair, as soon as no better one may
    /// be expected any moment. Pairs that stay silent are not waited for.
    fn nominate(&mut self, now: Instant, at: usize) {
        if self.role == Role::Controlled || self.config.lite {
            return;
        }
        let generation = &self.generations[at];
        let nominating = generation.checklist.pairs().iter().any(|p| p.nominating);
        if nominating || self.is_settled(now, at) {
            return;
        }
        if let Some((id, due)) = self.nomination(now, generation)
            && due <= now
        {
            let checklist = &mut self.generations[at].checklist;
            if let Some(pair) = checklist.get_mut(id) {
                pair.nominating = true;
            }
            checklist.trigger_first(id);
        }
    }

    /// The pair to nominate and when.
    fn nomination(
        &self,
        now: Instant,
        generation: &GenerationState,
    ) -> Option<(crate::stats::PairId, Instant)> {
        let best = generation
            .checklist
            .pairs()
            .iter()
            .filter(|pair| pair.valid().is_some() && self.is_healthy(now, generation, pair))
            .max_by_key(|pair| pair.priority)?;
        let better = |pair: &Pair| pair.is_unfinished() && pair.priority > best.priority;
        let due = match generation.checklist.pairs().iter().any(better) {
            true if generation.is_relayed(best) => {
                generation.first_valid? + limits::NOMINATION_WAIT_RELAYED
            }
            true => generation.first_valid? + best.nomination_wait(),
            false => now,
        };
        Some((best.id, due))
    }

    /// When [`nominate`](Self::nominate) stops waiting for better pairs.
    pub(crate) fn nomination_timeout(&self) -> Option<Instant> {
        if self.role == Role::Controlled || self.config.lite {
            return None;
        }
        let waits = |generation: &&GenerationState| {
            let decided = |pair: &Pair| pair.nominating || pair.is_nominated();
            !generation.checklist.pairs().iter().any(decided)
        };
        self.generations
            .iter()
            .filter(waits)
            .filter_map(|generation| self.nomination(self.updated, generation))
            .map(|(_, due)| due)
            .min()
    }

    fn retire_generations(&mut self, now: Instant) {
        let nothing_asked =
            |state: &GenerationState| now - state.last_request >= limits::RETIRED_LINGER;
        for at in (0..self.replaced()).rev() {
            if self.generations[at].retired && nothing_asked(&self.generations[at]) {
                self.remove_generation(at);
            }
        }
    }

    /// How many generations are older than the newest one with a nominated pair.
    pub(crate) fn replaced(&self) -> usize {
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

    /// Data goes to a pair that answers rather than to a silent one, then to a nominated one, then
    /// to the newest generation's, then to the pair of the highest priority. Before the
    /// nomination any valid pair may carry data (RFC 8445 §12.1).
    fn select(&mut self, now: Instant) {
        let best = self
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
                self.route_of(generation, pair)?;
                let rank = (
                    healthy,
                    valid.nominated,
                    generation.id,
                    pair.nomination,
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
                route: self.route_of(generation, pair)?,
            })
        });
        let selected = selected.flatten();
        if selected == self.selected {
            return;
        }
        self.selected = selected;
        if let Some(pair) = self.selected_pair() {
            self.selected_pair_changes += 1;
            self.push_event(Event::SelectedPair(pair));
        }
    }

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
        let selected = self.selected.is_some_and(|selected| {
            selected.pair == pair.id && selected.generation == generation.id
        });
        selected || age < limits::SPARE_FRESHNESS
    }

    /// The selected pair does not answer.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        let Some(selected) = self.selected else {
            return false;
        };
        self.index(selected.generation).is_some_and(|at| {
            let generation = &self.generations[at];
            let pair = generation.checklist.get(selected.pair);
            pair.is_some_and(|pair| !self.is_healthy(now, generation, pair))
        })
    }
}
