//! The owner's say in which pairs there are and which is used (webrtc-extensions, "RTCIceTransport
//! extensions"): what it is told and asked, and what it commands.

use duologue_base::Instant;

use crate::agent::Agent;
use crate::checklist::{Check, Pair};
use crate::checks::Checks;
use crate::control::{PairCommand, Removal};
use crate::event::{CandidatePair, Event, PairEvent};
use crate::stats::PairId;

impl Agent {
    /// Does what the owner says of pairs. What is about a pair that is gone does nothing.
    pub fn command_pairs(&mut self, now: Instant, command: PairCommand) {
        if self.checks.is_closed() {
            return;
        }
        match command {
            PairCommand::Control => self.checks.control.begin(),
            PairCommand::AnswerNomination { pair, accepted } => {
                self.checks.answer_nomination(pair, accepted);
            }
            PairCommand::AnswerRemoval { pair, accepted } => {
                self.checks.answer_removal(pair, accepted);
            }
            PairCommand::Select(pair) => self.prefer(pair),
            PairCommand::Remove(pair) => self.remove_pair(pair),
        }
        self.update(now);
    }

    fn prefer(&mut self, pair: PairId) {
        let mut superseded = self.checks.control.prefer(pair);
        if let Some(pair) = self.checks.pair_mut(pair) {
            pair.refused = false;
        }
        if let Some(pair) = superseded.take_if(|before| *before != pair) {
            let used = false;
            self.tell(PairEvent::Selection { pair, used });
        }
    }

    fn remove_pair(&mut self, id: PairId) {
        let told = self.checks.remove_pair(id) && self.checks.control.is_on();
        if !told {
            self.tell(PairEvent::Removed(id));
        }
    }

    fn tell(&mut self, event: PairEvent) {
        self.outbox.push_event(Event::Pair(event));
    }

    /// Whether the owner agrees to the nomination of a pair; else it is asked.
    pub(crate) fn may_nominate(&mut self, pair: PairId) -> bool {
        let may = self.checks.control.allows(pair);
        if !may {
            self.tell(PairEvent::Nomination(pair));
        }
        may
    }

    /// RFC 8445 §8.1.2: pairs that nothing needs any more are not checked on, unless the owner wants it.
    pub(crate) fn conclude(&mut self, at: usize, bar: u64) {
        if !self.checks.control.is_on() {
            return self.checks.conclude(at, bar);
        }
        let pairs = self.checks.generations[at].checklist.pairs_mut();
        for pair in pairs.iter_mut().filter(|pair| pair.is_over(bar)) {
            if pair.removal == Removal::Unasked {
                pair.removal = Removal::Asked;
                let question = PairEvent::Removal(pair.id);
                self.outbox.push_event(Event::Pair(question));
            }
        }
    }

    /// Tells the owner which pairs there are now and were not, and the other way round.
    pub(crate) fn tell_pairs(&mut self) {
        if !self.checks.control.is_on() {
            return;
        }
        let mut now: Vec<PairId> = self.checks.pairs().map(|(_, pair)| pair.id).collect();
        now.sort_unstable();
        let Some(before) = self.checks.control.tell(now.clone()) else {
            return;
        };

        for gone in before.iter().filter(|id| now.binary_search(id).is_err()) {
            self.tell(PairEvent::Removed(*gone));
        }
        for new in now.iter().filter(|id| before.binary_search(id).is_err()) {
            if let Some(pair) = self.checks.candidates_of(*new) {
                self.tell(PairEvent::Added(Box::new(pair)));
            }
        }
    }

    /// Tells the owner that the pair which it selected is used, or will not be.
    pub(crate) fn tell_selection(&mut self) {
        let Some(wanted) = self.checks.control.selecting() else {
            return;
        };
        let used = self.checks.selected.is_some_and(|s| s.pair == wanted);
        let pair = self.checks.pairs().find(|(_, pair)| pair.id == wanted);
        let fails = pair.is_none_or(|(_, pair)| matches!(pair.check, Check::Failed));
        if used || fails {
            self.checks.control.end_selection();
            self.tell(PairEvent::Selection { pair: wanted, used });
        }
    }
}

impl Checks {
    /// The pairs of all generations, and at which place each generation is.
    fn pairs(&self) -> impl Iterator<Item = (usize, &Pair)> {
        let generations = self.generations.iter().enumerate();
        generations.flat_map(|(at, generation)| {
            let pairs = generation.checklist.pairs().iter();
            pairs.map(move |pair| (at, pair))
        })
    }

    fn pair_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        let mut generations = self.generations.iter_mut();
        generations.find_map(|generation| generation.checklist.get_mut(id))
    }

    fn candidates_of(&self, id: PairId) -> Option<CandidatePair> {
        let (at, pair) = self.pairs().find(|(_, pair)| pair.id == id)?;
        let generation = &self.generations[at];
        Some(CandidatePair {
            id,
            generation: generation.id,
            local: generation.locals[pair.local].candidate.clone(),
            remote: generation.remotes[pair.remote].clone(),
        })
    }

    fn answer_nomination(&mut self, pair: PairId, accepted: bool) {
        if self.control.answer(pair, accepted)
            && let Some(pair) = self.pair_mut(pair)
        {
            pair.refused = !accepted;
        }
    }

    fn answer_removal(&mut self, id: PairId, accepted: bool) {
        let Some(pair) = self.pair_mut(id) else {
            return;
        };
        if pair.removal != Removal::Asked {
            return;
        }
        pair.removal = Removal::Refused;
        if accepted {
            self.drop_pair(id);
        }
    }

    /// Whether it was there.
    fn remove_pair(&mut self, id: PairId) -> bool {
        let Some((at, pair)) = self.pairs().find(|(_, pair)| pair.id == id) else {
            return false;
        };
        let generation = &self.generations[at];
        let way = (generation.base_of(pair), generation.remote_addr_of(pair));
        self.generations[at].shut(way);
        self.drop_pair(id);
        true
    }

    fn drop_pair(&mut self, id: PairId) {
        for generation in &mut self.generations {
            generation.checklist.retain(|pair| pair.id != id);
        }
        self.forget_requests();
    }
}
