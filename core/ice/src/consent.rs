//! Consent freshness (RFC 7675): the other side must keep agreeing to be sent to. Its checks keep
//! NAT bindings alive, too.

use std::time::Duration;

use duologue_base::{Generation, Instant, Transmit};

use crate::agent::Agent;
use crate::checklist::{Check, Pair};
use crate::limits;
use crate::stats::PairId;
use crate::transaction::Purpose;

impl Agent {
    /// RFC 7675 §5.1: 5 s, times a random factor of 0.8 to 1.2.
    pub(crate) fn consent_interval(&mut self) -> Duration {
        limits::CONSENT_INTERVAL.mul_f64(0.8 + 0.4 * self.rng.unit())
    }

    /// The pairs that consent is asked for: the one in use, and the nominated ones of other
    /// generations, which may be in use again after a rollback.
    fn consented(&self) -> impl Iterator<Item = (usize, &Pair)> {
        let selected = self.selected.map(|selected| selected.pair);
        let (lite, replaced) = (self.config.lite, self.replaced());
        self.generations
            .iter()
            .enumerate()
            .flat_map(|(at, generation)| {
                let pairs = generation.checklist.pairs().iter();
                pairs.map(move |pair| (at, pair))
            })
            .filter(move |(at, pair)| {
                let over = *at < replaced && self.generations[*at].retired;
                let newest = at + 1 == self.generations.len();
                let spare = !newest && !over && pair.is_nominated();
                !lite && (Some(pair.id) == selected || spare)
            })
    }

    /// Sends one consent check whose time has come.
    pub(crate) fn ask_consent(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let due = |pair: &Pair| pair.valid().is_some_and(|valid| valid.next_request <= now);
        let (at, id) = self
            .consented()
            .find(|(_, pair)| due(pair))
            .map(|(at, pair)| (at, pair.id))?;
        let interval = self.consent_interval();
        let valid = self.generations[at].checklist.get_mut(id)?.valid_mut()?;
        valid.next_request = match valid.doubted {
            true => now + limits::RTO_MIN,
            false => now + interval,
        };
        valid.unanswered_since.get_or_insert(now);
        self.send_request(now, at, id, Purpose::Consent, out)
    }

    /// The other side checks or nominates another pair than the one in use: its network may have
    /// changed, so the one in use is asked at once.
    pub(crate) fn doubt_selected(&mut self, now: Instant, at: usize) {
        let Some(selected) = self.selected else {
            return;
        };
        let generation = &mut self.generations[at];
        if selected.generation != generation.id {
            return;
        }
        let pair = generation.checklist.get_mut(selected.pair);
        if let Some(valid) = pair.and_then(Pair::valid_mut)
            && !valid.doubted
        {
            valid.doubted = true;
            valid.next_request = now.max(valid.last_response + limits::DOUBT_AGE);
        }
    }

    /// When the next consent check is due, or the lack of answers changes something.
    pub(crate) fn consent_timeout(&self) -> Option<Instant> {
        let asked = self.consented().filter_map(|(_, pair)| {
            let valid = pair.valid()?;
            let silent = valid.unanswered_since.map(|since| since + pair.patience());
            let silent = silent.filter(|&at| at > self.updated);
            let expiry = valid.last_response + limits::CONSENT_EXPIRY;
            let times = [Some(valid.next_request), silent, Some(expiry)];
            times.into_iter().flatten().min()
        });
        let lite = self.selected.filter(|_| self.config.lite);
        let heard = lite.and_then(|selected| {
            let pair = self.pair(selected.generation, selected.pair)?;
            let last = pair.valid()?.last_response;
            let silent = last + limits::LITE_SILENCE;
            Some(if silent > self.updated {
                silent
            } else {
                last + limits::CONSENT_EXPIRY
            })
        });
        asked.chain(heard).min()
    }

    /// RFC 7675 §5.1: without an answer for 30 s the pair is not used any more.
    pub(crate) fn expire_consent(&mut self, now: Instant) {
        let lite = self.selected.filter(|_| self.config.lite);
        let lite = lite.and_then(|selected| {
            let pair = self.pair(selected.generation, selected.pair)?;
            Some((self.index(selected.generation)?, pair))
        });
        let expired: Vec<(usize, Generation, PairId)> = self
            .consented()
            .chain(lite)
            .filter(|(_, pair)| {
                let valid = pair.valid();
                valid.is_some_and(|valid| now - valid.last_response >= limits::CONSENT_EXPIRY)
            })
            .map(|(at, pair)| (at, self.generations[at].id, pair.id))
            .collect();
        for (at, generation, id) in expired {
            if let Some(pair) = self.generations[at].checklist.get_mut(id) {
                pair.check = Check::Failed;
                pair.nominate_when_valid = false;
                pair.nominating = false;
            }
            self.transactions
                .retain(|t| t.generation != generation || t.pair != id);
            // "completed: […] if consent checks subsequently fail on all successful candidate
            // pairs, the state transitions to failed"
            if !self.generations[at].candidates_complete() {
                self.reopen(at);
            }
        }
    }

    /// Nothing works any more: what was not paired because the checklist was concluded gets its
    /// turn.
    pub(crate) fn reopen(&mut self, at: usize) {
        let generation = &mut self.generations[at];
        if generation.checklist.is_concluded() {
            return;
        }
        for local in 0..generation.locals.len() {
            self.pair_local(at, local);
        }
    }
}
