//! Consent freshness (RFC 7675): the other side must keep agreeing to be sent to. Its checks keep
//! NAT bindings alive, too.

use std::time::Duration;

use duologue_base::{Generation, IceRole, Instant, Transmit};

use crate::agent::Agent;
use crate::checklist::{Check, Pair, Valid};
use crate::checks::Checks;
use crate::limits;
use crate::stats::PairId;
use crate::transaction::Purpose;

impl Agent {
    /// RFC 7675 §5.1: 5 s, times a random factor of 0.8 to 1.2.
    pub(crate) fn consent_interval(&mut self) -> Duration {
        limits::CONSENT_INTERVAL.mul_f64(0.8 + 0.4 * self.rng.unit())
    }

    /// The pairs that consent is asked for, and why.
    fn asked(&self, now: Instant) -> impl Iterator<Item = (usize, &Pair, Asked)> {
        let used = self.checks.selected.and_then(|selected| {
            let generation = &self.checks.generations[self.checks.index(selected.generation)?];
            Some((generation, generation.checklist.get(selected.pair)?))
        });
        let replaced = self.checks.replaced();
        let generations = self.checks.generations.iter().enumerate();
        let pairs = generations.flat_map(|(at, generation)| {
            let pairs = generation.checklist.pairs().iter();
            pairs.map(move |pair| (at, pair))
        });
        pairs.filter_map(move |(at, pair)| {
            if pair.valid().is_none() || self.config.lite {
                return None;
            }
            let newest = at + 1 == self.checks.generations.len();
            let over = at < replaced && self.checks.generations[at].retired;
            let why = match used {
                Some((_, used)) if used.id == pair.id => Asked::InUse,
                _ if over => return None,
                _ if !newest && pair.is_nominated() => Asked::Kept,
                Some((generation, used))
                    if self.is_preferred(at, pair, used)
                        || !self.is_healthy(now, generation, used) =>
                {
                    Asked::Spare
                }
                _ => return None,
            };
            Some((at, pair, why))
        })
    }

    /// It would be in use if it answered, or be nominated; or the owner selected it.
    fn is_preferred(&self, at: usize, pair: &Pair, used: &Pair) -> bool {
        let rank = |pair: &Pair| (pair.is_nominated(), pair.nomination.number(), pair.priority);
        let renominates = self.checks.role == IceRole::Controlling && self.renominates(at);
        self.checks.control.prefers(pair.id)
            || (pair.is_nominated() && rank(pair) > rank(used))
            || (renominates && pair.priority > used.priority)
    }

    /// Sends one consent check whose time has come. Pairs that are not in use are many, so they
    /// wait for each other as checks do.
    pub(crate) fn ask_consent(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let paced = now >= self.checks.next_check;
        let due = |pair: &Pair| pair.valid().is_some_and(|valid| valid.next_request <= now);
        let (at, id, why) = self
            .asked(now)
            .find(|(_, pair, why)| due(pair) && (paced || *why != Asked::Spare))
            .map(|(at, pair, why)| (at, pair.id, why))?;
        let interval = self.consent_interval();
        let valid = self.checks.generations[at]
            .checklist
            .get_mut(id)?
            .valid_mut()?;
        if why == Asked::Spare {
            if now - valid.next_request > limits::SPARE_INTERVAL {
                // What it left unanswered is long ago and tells nothing.
                valid.unanswered_since = None;
            }
            self.checks.next_check = now + self.checks.pacing;
        }
        valid.next_request = now
            + match why {
                Asked::Spare => limits::SPARE_INTERVAL,
                _ if valid.probed => limits::RTO_MIN,
                _ => interval,
            };
        valid.unanswered_since.get_or_insert(now);
        self.send_request(now, at, id, Purpose::Consent, out)
    }

    /// When the next consent check is due, or the lack of answers changes something.
    pub(crate) fn consent_timeout(&self) -> Option<Instant> {
        let asked = self
            .asked(self.checks.updated)
            .filter_map(|(_, pair, why)| {
                let valid = pair.valid()?;
                if why == Asked::Spare {
                    return Some(valid.next_request.max(self.checks.next_check));
                }
                let silent = valid.unanswered_since.map(|since| since + pair.patience());
                let silent = silent.filter(|&at| at > self.checks.updated);
                let expiry = valid.last_response + limits::CONSENT_EXPIRY;
                Instant::earliest([Some(valid.next_request), silent, Some(expiry)])
            });
        let lite = self.checks.selected.filter(|_| self.config.lite);
        let heard = lite.and_then(|selected| {
            let pair = self.checks.pair(selected.generation, selected.pair)?;
            let last = pair.valid()?.last_response;
            let silent = last + limits::LITE_SILENCE;
            Some(if silent > self.checks.updated {
                silent
            } else {
                last + limits::CONSENT_EXPIRY
            })
        });
        asked.chain(heard).min()
    }

    /// RFC 7675 §5.1: without an answer for 30 s the pair is not used any more.
    pub(crate) fn expire_consent(&mut self, now: Instant) {
        let lite = self.checks.selected.filter(|_| self.config.lite);
        let lite = lite.and_then(|selected| {
            let pair = self.checks.pair(selected.generation, selected.pair)?;
            Some((self.checks.index(selected.generation)?, pair))
        });
        let lite = lite.map(|(at, pair)| (at, pair, Asked::InUse));
        let expired: Vec<(usize, Generation, PairId, Asked)> = self
            .asked(now)
            .chain(lite)
            .filter(|(_, pair, why)| pair.valid().is_some_and(|valid| is_over(now, valid, *why)))
            .map(|(at, pair, why)| (at, self.checks.generations[at].id, pair.id, why))
            .collect();
        for (at, generation, id, why) in expired {
            if let Some(pair) = self.checks.generations[at].checklist.get_mut(id) {
                tracing::debug!("ICE pair {}: consent expired", id.0);
                pair.nomination.lose(self.checks.role);
                pair.set_check(Check::Failed);
            }
            self.checks
                .transactions
                .retain(|t| t.generation != generation || t.pair != id);
            // "completed: […] if consent checks subsequently fail on all successful candidate
            // pairs, the state transitions to failed"
            if why == Asked::Spare {
                continue;
            }
            if self.checks.generations[at].candidates_complete() {
                // What was tried since it went silent had time enough.
                self.checks.generations[at].checklist.conclude(u64::MAX);
            } else {
                self.reopen(at);
            }
        }
        self.checks.forget_requests();
    }

    /// Nothing works any more: what was not paired, or not checked to the end, because the
    /// checklist was concluded gets its turn.
    pub(crate) fn reopen(&mut self, at: usize) {
        for local in 0..self.checks.generations[at].locals.len() {
            self.pair_local(at, local);
        }
    }
}

impl Checks {
    /// The other side checks or nominates another pair than the one in use: its network may have
    /// changed, so the one in use is asked at once.
    pub(crate) fn probe_selected(&mut self, now: Instant, at: usize) {
        let Some(selected) = self.selected else {
            return;
        };
        let generation = &mut self.generations[at];
        if selected.generation != generation.id {
            return;
        }
        let pair = generation.checklist.get_mut(selected.pair);
        if let Some(valid) = pair.and_then(Pair::valid_mut)
            && !valid.probed
        {
            valid.probed = true;
            valid.next_request = now.max(valid.last_response + limits::PROBE_AGE);
        }
    }
}

/// Why a pair is asked for consent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    /// Data is sent on it.
    InUse,
    /// Another generation's nominated one, which may be in use again after a rollback.
    Kept,
    /// It is not in use, because it did not answer or another one was better. That one is silent,
    /// or would have to give way to it.
    Spare,
}

/// RFC 7675 §5.1: it did not answer for 30 s, in which it was asked.
fn is_over(now: Instant, valid: &Valid, why: Asked) -> bool {
    match why {
        Asked::InUse | Asked::Kept => now - valid.last_response >= limits::CONSENT_EXPIRY,
        Asked::Spare => valid
            .unanswered_since
            .is_some_and(|since| valid.next_request - since >= limits::CONSENT_EXPIRY),
    }
}
