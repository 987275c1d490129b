//! The pairs of one generation and the order in which they are checked (RFC 8445 §6.1).

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{IceRole, Instant};

use crate::control::Removal;
use crate::limits;
use crate::nomination::Nomination;
use crate::stats::{PairCounters, PairId, PairState};

/// A local candidate's base and a remote candidate. Candidates are named by their index in the
/// generation's lists, where those that pairs name stay.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) id: PairId,
    pub(crate) local: usize,
    pub(crate) remote: usize,
    /// Which foundations it joins; equal numbers are equal foundations (RFC 8445 §6.1.2.6).
    pub(crate) foundation: u32,
    pub(crate) priority: u64,
    pub(crate) check: Check,
    /// See [`is_nominated`](Pair::is_nominated).
    pub(crate) nomination: Nomination,
    /// The owner does not want it nominated.
    pub(crate) refused: bool,
    pub(crate) removal: Removal,
    pub(crate) counters: PairCounters,
}

/// State of a pair with what is known in it.
#[derive(Debug)]
pub(crate) enum Check {
    Frozen,
    Waiting,
    InProgress {
        /// Its request was sent once and may be answered any moment.
        fresh: bool,
    },
    Failed,
    /// It worked or was being checked when the address that it sends from went away.
    Away,
    Succeeded(Valid),
}

/// What a successful check found out.
#[derive(Debug)]
pub(crate) struct Valid {
    /// The local candidate that the other side sees: the mapped address in the response.
    pub(crate) local: usize,
    pub(crate) last_response: Instant,
    /// When consent is next asked for.
    pub(crate) next_request: Instant,
    /// When the oldest consent check was sent that nothing was heard after.
    pub(crate) unanswered_since: Option<Instant>,
    /// The other side asks from elsewhere: this pair has to show soon that it still works.
    pub(crate) probed: bool,
}

impl Pair {
    pub(crate) fn state(&self) -> PairState {
        match self.check {
            Check::Frozen => PairState::Frozen,
            Check::Waiting => PairState::Waiting,
            Check::InProgress { .. } => PairState::InProgress,
            Check::Failed | Check::Away => PairState::Failed,
            Check::Succeeded(_) => PairState::Succeeded,
        }
    }

    /// Every change of the state but the first, which the list decides.
    pub(crate) fn set_check(&mut self, check: Check) {
        let before = self.state();
        self.check = check;
        let after = self.state();
        if before == PairState::Succeeded && after != before && self.nomination.is_done() {
            self.nomination.forget();
        }
        if before != after {
            let (id, before, after) = (self.id.0, before.as_str(), after.as_str());
            tracing::debug!("ICE pair {id}: {before} -> {after}");
        }
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(
            self.check,
            Check::Frozen | Check::Waiting | Check::InProgress { .. }
        )
    }

    pub(crate) fn valid(&self) -> Option<&Valid> {
        match &self.check {
            Check::Succeeded(valid) => Some(valid),
            _ => None,
        }
    }

    pub(crate) fn valid_mut(&mut self) -> Option<&mut Valid> {
        match &mut self.check {
            Check::Succeeded(valid) => Some(valid),
            _ => None,
        }
    }

    /// It answered, and others have not gone on for as long as consent lasts without it (RFC 7675 §5.1): what is not in
    /// use is not always asked. `newest` is when any pair answered last.
    fn works(&self, newest: Option<Instant>) -> bool {
        self.valid().is_some_and(|valid| {
            newest.is_none_or(|newest| newest - valid.last_response < limits::CONSENT_EXPIRY)
        })
    }

    pub(crate) fn is_nominated(&self) -> bool {
        self.valid().is_some() && self.nomination.is_done()
    }

    /// A pair of this priority was nominated, and the other agent does not want to nominate this one.
    pub(crate) fn is_over(&self, priority: u64) -> bool {
        self.is_unfinished() && !self.nomination.is_wanted() && self.priority <= priority
    }

    /// Its address went away, maybe not for long.
    fn suspend(&mut self, role: IceRole) {
        if matches!(self.check, Check::Failed | Check::Away) {
            return;
        }
        self.nomination.lose(role);
        self.set_check(Check::Away);
    }

    /// How long a question on it may stay unanswered before it counts as silent.
    pub(crate) fn patience(&self) -> Duration {
        match self.valid() {
            Some(valid) if valid.probed => {
                let round_trip = self.counters.current_round_trip_time.unwrap_or_default();
                (3 * round_trip).clamp(limits::PROBED_SILENCE, limits::SILENCE)
            }
            _ => limits::SILENCE,
        }
    }

    /// Data came on it. Where it fell silent there is a path again, maybe for this end's checks, too: the next one is not
    /// to come when consent has expired. However much comes, one is made each [`limits::PROBE_AGE`].
    pub(crate) fn heard(&mut self, now: Instant) {
        let unanswered = self.valid().and_then(|valid| valid.unanswered_since);
        if unanswered.is_some_and(|since| now >= since + self.patience())
            && let Some(valid) = self.valid_mut()
        {
            valid.next_request = valid.next_request.min(now + limits::PROBE_AGE);
        }
    }

    /// How long its nomination waits for better pairs.
    pub(crate) fn nomination_wait(&self) -> Duration {
        self.counters
            .current_round_trip_time
            .unwrap_or_default()
            .clamp(limits::NOMINATION_WAIT_MIN, limits::NOMINATION_WAIT_MAX)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Checklist {
    pairs: Vec<Pair>,
    /// RFC 8445 §6.1.4.1: the triggered-check queue. Nominations use it too.
    triggered: VecDeque<PairId>,
    /// Some pair was formed in this generation.
    pub(crate) begun: bool,
}

impl Checklist {
    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub(crate) fn pairs_mut(&mut self) -> &mut [Pair] {
        &mut self.pairs
    }

    pub(crate) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.id == id)
    }

    /// RFC 8445 §6.1.2.6 and RFC 8838 §12: a pair waits when no pair of its foundation is still
    /// to be checked. False when the list is full of better pairs.
    pub(crate) fn insert(&mut self, mut pair: Pair) -> bool {
        if self.pairs.len() >= limits::PAIRS && !self.make_room(pair.priority) {
            return false;
        }
        let held_back = self
            .pairs
            .iter()
            .any(|other| other.foundation == pair.foundation && other.is_unfinished());
        pair.check = if held_back {
            Check::Frozen
        } else {
            Check::Waiting
        };
        self.begun = true;
        self.pairs.reserve_exact(1);
        self.pairs.push(pair);
        true
    }

    /// RFC 8445 §6.1.2.5: the lowest priorities go first, of those that failed, then of those that worked once, then of
    /// those that are still to be checked. A pair that works stays.
    fn make_room(&mut self, priority: u64) -> bool {
        let newest = self.newest_response();
        let rank = |pair: &Pair| match pair.check {
            Check::Failed => 0,
            Check::Succeeded(_) | Check::Away => 1,
            Check::Frozen | Check::Waiting | Check::InProgress { .. } => 2,
        };
        let lowest = self
            .pairs
            .iter()
            .enumerate()
            .filter(|(_, pair)| !pair.works(newest))
            .min_by_key(|(_, pair)| (rank(pair), pair.priority));
        match lowest {
            Some((at, pair)) if pair.priority < priority || rank(pair) < 2 => {
                let id = self.pairs.swap_remove(at).id;
                self.triggered.retain(|&queued| queued != id);
                true
            }
            _ => false,
        }
    }

    /// When any pair answered last.
    fn newest_response(&self) -> Option<Instant> {
        let valid = self.pairs.iter().filter_map(Pair::valid);
        valid.map(|valid| valid.last_response).max()
    }

    /// Whether a pair names this local candidate.
    pub(crate) fn names_local(&self, index: usize) -> bool {
        self.pairs.iter().any(|pair| {
            pair.local == index || pair.valid().is_some_and(|valid| valid.local == index)
        })
    }

    /// Whether a pair with this remote candidate works, or may.
    pub(crate) fn needs_remote(&self, remote: usize) -> bool {
        let newest = self.newest_response();
        let mut pairs = self.pairs.iter().filter(|pair| pair.remote == remote);
        pairs.any(|pair| pair.works(newest) || pair.is_unfinished())
    }

    /// The newest pair with this remote candidate.
    pub(crate) fn newest_to(&self, remote: usize) -> Option<PairId> {
        let pairs = self.pairs.iter().filter(|pair| pair.remote == remote);
        pairs.map(|pair| pair.id).max()
    }

    /// Queues a check that goes before the ordinary ones.
    pub(crate) fn trigger(&mut self, id: PairId) {
        if !self.triggered.contains(&id) {
            self.triggered.push_back(id);
        }
    }

    /// Queues a check that goes before all others.
    pub(crate) fn trigger_first(&mut self, id: PairId) {
        self.triggered.retain(|&queued| queued != id);
        self.triggered.push_front(id);
    }

    /// There is a triggered check, or a nomination, to send as soon as pacing allows.
    pub(crate) fn has_triggered(&self) -> bool {
        !self.triggered.is_empty()
    }

    /// There is an ordinary one.
    pub(crate) fn has_ordinary(&self) -> bool {
        self.ordinary().is_some()
    }

    /// RFC 8445 §6.1.4.2: this pair is checked first.
    pub(crate) fn take_triggered(&mut self) -> Option<PairId> {
        self.triggered.pop_front()
    }

    /// RFC 8445 §6.1.4.2, when there is none: the best waiting pair; else a frozen pair whose foundation nothing speaks for.
    ///
    /// RFC 8445 lets a pair in progress hold its foundation back until it fails, 39.5 s later.
    /// Here it does until its first retransmission: what has not answered by then tells nothing
    /// about the others.
    pub(crate) fn ordinary(&self) -> Option<PairId> {
        let best = |frozen: bool| {
            self.pairs
                .iter()
                .filter(|pair| match pair.check {
                    Check::Waiting => !frozen,
                    Check::Frozen => frozen && !self.holds_back(pair.foundation),
                    _ => false,
                })
                .max_by_key(|pair| pair.priority)
                .map(|pair| pair.id)
        };
        best(false).or_else(|| best(true))
    }

    fn holds_back(&self, foundation: u32) -> bool {
        let is_fresh = |pair: &&Pair| match pair.check {
            Check::InProgress { fresh } => Some(fresh),
            _ => None,
        };
        let mut under_way = (self.pairs.iter())
            .filter(|pair| pair.foundation == foundation)
            .filter_map(|pair| is_fresh(&pair))
            .peekable();
        under_way.peek().is_some() && under_way.all(|fresh| fresh)
    }

    /// RFC 8445 §7.2.5.3.3: a success unfreezes its foundation.
    pub(crate) fn unfreeze(&mut self, foundation: u32) {
        for pair in &mut self.pairs {
            if pair.foundation == foundation && matches!(pair.check, Check::Frozen) {
                pair.set_check(Check::Waiting);
            }
        }
    }

    /// RFC 8445 §8.1.2: a pair was nominated, so others of at most this priority are not checked
    /// any more. Those that the other agent wants to nominate too (aggressive nomination) go on.
    /// Says whether there were any.
    pub(crate) fn conclude(&mut self, priority: u64) -> bool {
        let found = self.pairs.iter().any(|pair| pair.is_over(priority));
        if found {
            self.retain(|pair| !pair.is_over(priority));
        }
        found
    }

    pub(crate) fn is_concluded(&self) -> bool {
        self.pairs.iter().any(Pair::is_nominated)
    }

    pub(crate) fn has_valid(&self) -> bool {
        self.pairs.iter().any(|pair| pair.valid().is_some())
    }

    pub(crate) fn has_unfinished(&self) -> bool {
        self.pairs.iter().any(Pair::is_unfinished)
    }

    /// RFC 8445 §14.3: the factor of Ta in the retransmission timeout.
    pub(crate) fn pending(&self) -> u32 {
        let pending =
            |pair: &&Pair| matches!(pair.check, Check::Waiting | Check::InProgress { .. });
        self.pairs.iter().filter(pending).count() as u32
    }

    /// What these pairs send from went away.
    pub(crate) fn suspend(&mut self, role: IceRole, which: impl Fn(&Pair) -> bool) {
        for pair in self.pairs.iter_mut().filter(|pair| which(pair)) {
            pair.suspend(role);
            let id = pair.id;
            self.triggered.retain(|&queued| queued != id);
        }
    }

    /// It is back: they are checked, the best ones first.
    pub(crate) fn resume(&mut self, which: impl Fn(&Pair) -> bool) {
        for pair in self.pairs.iter_mut().filter(|pair| which(pair)) {
            if matches!(pair.check, Check::Away) {
                pair.set_check(Check::Waiting);
            }
        }
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&Pair) -> bool) {
        self.pairs.retain(keep);
        let pairs = &self.pairs;
        self.triggered
            .retain(|&id| pairs.iter().any(|pair| pair.id == id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(id: u32, foundation: u32, priority: u64) -> Pair {
        Pair {
            id: PairId(id),
            local: 0,
            remote: id as usize,
            foundation,
            priority,
            check: Check::Waiting,
            nomination: Nomination::default(),
            refused: false,
            removal: Removal::default(),
            counters: PairCounters::default(),
        }
    }

    fn next(list: &mut Checklist) -> Option<PairId> {
        list.take_triggered().or_else(|| list.ordinary())
    }

    #[test]
    fn one_pair_of_a_foundation_waits_and_the_best_goes_first() {
        let mut list = Checklist::default();
        for new in [pair(0, 1, 10), pair(1, 1, 30), pair(2, 2, 20)] {
            assert!(list.insert(new));
        }
        let states: Vec<PairState> = list.pairs().iter().map(Pair::state).collect();
        assert_eq!(
            states,
            [PairState::Waiting, PairState::Frozen, PairState::Waiting]
        );
        assert_eq!(next(&mut list), Some(PairId(2)));
        list.trigger(PairId(1));
        assert_eq!(next(&mut list), Some(PairId(1)));
    }

    #[test]
    fn a_silent_pair_holds_its_foundation_back_until_its_first_retransmission() {
        let mut list = Checklist::default();
        list.insert(pair(0, 1, 10));
        list.insert(pair(1, 1, 9));
        list.pairs_mut()[0].check = Check::InProgress { fresh: true };
        assert_eq!(next(&mut list), None);
        list.pairs_mut()[0].check = Check::InProgress { fresh: false };
        assert_eq!(next(&mut list), Some(PairId(1)));
    }

    #[test]
    fn a_full_list_keeps_its_best_pairs() {
        let mut list = Checklist::default();
        for id in 0..limits::PAIRS as u32 {
            assert!(list.insert(pair(id, id, 100 + u64::from(id))));
        }
        assert!(!list.insert(pair(900, 900, 5)));
        assert!(list.insert(pair(901, 901, 1000)));
        assert_eq!(list.pairs().len(), limits::PAIRS);
        assert!(list.get(PairId(0)).is_none());
    }
}
