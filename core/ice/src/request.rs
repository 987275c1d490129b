//! Checks of the other agent's (RFC 8445 §7.3).

use duologue_base::{IceRole, Instant};
use duologue_stun::{AttributeType, ErrorCode, Message};

use crate::agent::Agent;
use crate::candidate::{self, Candidate, CandidateKind, TcpType};
use crate::checklist::Check;
use crate::checks::Checks;
use crate::generation::{EarlyCheck, KnownAs, Remote, pair_priority};
use crate::limits;
use crate::reply::{Addressee, Answer, Sender};
use crate::stats::PairId;

/// The comprehension-required attributes of Binding requests that an ICE agent understands.
const KNOWN: [AttributeType; 5] = [
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::PRIORITY,
    AttributeType::USE_CANDIDATE,
];

impl Agent {
    pub(crate) fn handle_request(&mut self, now: Instant, sender: Sender, message: &Message<'_>) {
        let (at, name) = match self.authenticate(message) {
            Ok(found) => found,
            Err(code) => {
                if self.may_refuse(now) {
                    self.outbox.reply(sender, message, Answer::Refused(code));
                }
                return;
            }
        };
        if self.checks.generations[at].relay_only && sender.base.relay.is_none() {
            // Host addresses exist to reach TURN servers and are not to be found.
            self.outbox.counters.unauthorized += 1;
            return;
        }
        if self.checks.generations[at].is_shut(sender.base, sender.remote) {
            self.outbox.counters.shut += 1;
            return;
        }
        let generation = self.checks.generations[at].id;
        let to = Addressee { generation, name };
        if let Some(answer) = unknown_attributes(to, message) {
            self.outbox.counters.unknown_attributes += 1;
            return self.outbox.reply(sender, message, answer);
        }

        if self.is_role_conflict_lost_by_peer(message) {
            return self.outbox.reply(sender, message, Answer::RoleConflict(to));
        }
        self.read_embedded(message);
        self.outbox.reply(sender, message, Answer::Success(to));
        self.checks.generations[at].last_request = now;
        self.checks.generations[at].known_as = name;

        let said = message.read_check();
        let nomination = said.nomination.unwrap_or(0);
        let check = EarlyCheck {
            base: sender.base,
            remote: sender.remote,
            priority: said.priority.unwrap_or(0),
            // libwebrtc sends one of the two, not both.
            use_candidate: said.use_candidate || nomination > 0,
            nomination,
        };
        if let Remote::Unknown { checks, .. } = &mut self.checks.generations[at].remote {
            let same =
                |early: &EarlyCheck| early.base.is_same(check.base) && early.remote == check.remote;
            match checks.iter().position(same) {
                Some(known) => {
                    let use_candidate = checks[known].use_candidate || check.use_candidate;
                    checks[known] = EarlyCheck {
                        use_candidate,
                        ..check
                    };
                }
                None if checks.len() < limits::EARLY_CHECKS => checks.push(check),
                None => self.outbox.counters.over_limit += 1,
            }
            return;
        }
        self.learn_from_check(now, at, check);
        self.update(now);
    }

    /// RFC 8489 §9.1.3 with the username of RFC 8445 §7.3: `ours:theirs`. The generation it is
    /// for, and by which of its names.
    fn authenticate(&mut self, message: &Message<'_>) -> Result<(usize, KnownAs), ErrorCode> {
        let (Some(username), true) = (message.username(), message.has_integrity()) else {
            self.outbox.counters.unauthenticated += 1;
            return Err(ErrorCode::BAD_REQUEST);
        };
        let ours = username.split_once(':').map(|(ours, _)| ours);
        let names = [KnownAs::Agreed, KnownAs::Offered];
        let mut all =
            (0..self.checks.generations.len()).flat_map(|at| names.map(|name| (at, name)));
        let meant = |&(at, name): &(usize, KnownAs)| {
            let secret = self.checks.generations[at].secret(name);
            secret.is_some_and(|secret| ours == Some(&secret.credentials.ufrag))
        };
        if let Some((at, name)) = all.find(meant)
            && let Some(secret) = self.checks.generations[at].secret(name)
            && message.verify(&secret.key).is_ok()
        {
            return Ok((at, name));
        }
        self.outbox.counters.unauthorized += 1;
        Err(ErrorCode::UNAUTHENTICATED)
    }

    /// RFC 8489 §9.1.3 wants an answer to a request that nobody vouches for. It is larger than the
    /// request and goes wherever that says it is from: there are few, and none once a pair was
    /// nominated, after which no such request is an honest agent's.
    fn may_refuse(&mut self, now: Instant) -> bool {
        let mut generations = self.checks.generations.iter();
        if generations.any(|generation| generation.checklist.is_concluded()) {
            return false;
        }
        let may = self.outbox.refusals.take(now);
        self.outbox.counters.over_limit += u64::from(!may);
        may
    }

    /// RFC 8445 §7.3.1.3 to §7.3.1.5: what a valid check tells. The remote credentials are known.
    pub(crate) fn learn_from_check(&mut self, now: Instant, at: usize, check: EarlyCheck) {
        let nominates = check.use_candidate && self.checks.role == IceRole::Controlled;
        // RFC 8445 §8.1.2: after the nomination nothing else is checked but what may be nominated
        // again; unless the nominated path went silent, then whoever reaches us may have another.
        let bar = self.bar(now, at);
        let pointless = bar
            .is_some_and(|bar| bar == u64::MAX || self.checks.priority_of_check(at, &check) <= bar);
        let closed =
            self.checks.generations[at].failed || (pointless && !nominates && !self.config.lite);

        let moved = (nominates || closed) && self.is_from_elsewhere(at, &check, bar.is_some());
        if moved {
            self.checks.probe_selected(now, at);
        }

        let Some(id) = self.pair_of_check(at, &check, closed) else {
            if moved {
                self.checks.generations[at].moved = Some(check);
            }
            return;
        };
        if self.config.lite {
            return self.checks.lite_check(now, at, id, &check);
        }

        let generation = &mut self.checks.generations[at];
        let Some(pair) = generation.checklist.get_mut(id) else {
            return;
        };
        pair.counters.requests_received += 1;
        pair.counters.responses_sent += 1;
        if nominates {
            let valid = pair.valid().is_some();
            if valid && !pair.is_nominated() {
                tracing::debug!("ICE pair {}: nominated by the peer", id.0);
            }
            // What failed is not checked any more.
            if valid || !closed {
                pair.nomination.accept(check.nomination, valid);
            }
        }

        match &mut pair.check {
            Check::Succeeded(valid) => {
                // The other side reaches us: ask at once whether we reach it again.
                if valid.unanswered_since.is_some() {
                    valid.next_request = valid.next_request.min(now);
                }
            }
            _ if closed => {}
            Check::Frozen
            | Check::Waiting
            | Check::Failed
            | Check::Away
            | Check::InProgress { .. } => {
                // RFC 8445 §7.3.1.4: whoever reaches us can probably be reached, now. A check
                // under way may have been lost to a NAT that this one opened.
                pair.set_check(Check::Waiting);
                generation.checklist.trigger(id);
                let of_pair = |t: &&mut crate::transaction::Transaction| t.pair == id;
                self.checks
                    .transactions
                    .iter_mut()
                    .filter(of_pair)
                    .for_each(|t| t.cancel());
            }
        }
    }

    /// The other side checks a pair that is not in use although one is agreed on, or goes over to
    /// another one.
    fn is_from_elsewhere(&self, at: usize, check: &EarlyCheck, agreed: bool) -> bool {
        let pair = self.checks.generations[at].find_pair(check.base, check.remote);
        let used = self.checks.selected.map(|selected| selected.pair);
        !self.config.lite && agreed && (pair.is_none() || pair != used)
    }

    /// The pair that a check belongs to; a new one, with a new peer-reflexive candidate, when it
    /// comes from an unknown address (RFC 8445 §7.3.1.3) and the checklist is not closed.
    fn pair_of_check(&mut self, at: usize, check: &EarlyCheck, closed: bool) -> Option<PairId> {
        let generation = &self.checks.generations[at];
        if let Some(known) = generation.find_pair(check.base, check.remote) {
            return Some(known);
        }
        if closed {
            return None;
        }
        // One that came before the credentials may be for an address that went away since.
        let local = generation.local_of(check.base)?;
        let remote = match generation.find_remote(check.remote, check.base.protocol) {
            Some(known) => known,
            None => {
                // As no other one has had, since its place may be given to another.
                let number = self.checks.next_pair_id as usize;
                let foundation = candidate::foundation("prflx", number);
                let candidate = Candidate {
                    foundation,
                    priority: check.priority,
                    kind: CandidateKind::PeerReflexive,
                    tcp_type: check.base.tcp_type.map(TcpType::counterpart),
                    ..Candidate::host(check.remote, check.base.protocol)
                };
                self.push_remote(at, candidate)?
            }
        };
        // Data of this pair will need it; checks travel without.
        self.has_channel(check.base, check.remote);
        let generation = &mut self.checks.generations[at];
        match generation.add_pair(
            local,
            remote,
            self.checks.role,
            &mut self.checks.next_pair_id,
        ) {
            Ok(pair) => pair,
            Err(_) => {
                self.outbox.counters.over_limit += 1;
                None
            }
        }
    }
}

impl Checks {
    /// The priority of the pair that a check belongs to, or would.
    fn priority_of_check(&self, at: usize, check: &EarlyCheck) -> u64 {
        let generation = &self.generations[at];
        let pair = generation.find_pair(check.base, check.remote);
        if let Some(pair) = pair.and_then(|id| generation.checklist.get(id)) {
            return pair.priority;
        }
        let theirs = generation.find_remote(check.remote, check.base.protocol);
        let theirs = theirs.map_or(check.priority, |known| generation.remotes[known].priority);
        let ours = generation.local_of(check.base);
        let ours = ours.map_or(0, |local| generation.locals[local].candidate.priority);
        pair_priority(self.role, ours, theirs)
    }

    /// RFC 8445 §7.3.2: a lite agent takes the other side's word for it.
    fn lite_check(&mut self, now: Instant, at: usize, id: PairId, check: &EarlyCheck) {
        let generation = &mut self.generations[at];
        let Some(pair) = generation.checklist.get_mut(id) else {
            return;
        };
        pair.counters.requests_received += 1;
        pair.counters.responses_sent += 1;
        if check.use_candidate {
            pair.nomination.accept(check.nomination, true);
        }
        if let Some(valid) = pair.valid_mut() {
            valid.last_response = now;
        } else if check.use_candidate || pair.nomination.is_wanted() {
            pair.nomination.confirm_wanted();
            pair.set_check(Check::Succeeded(crate::checklist::Valid {
                local: pair.local,
                last_response: now,
                next_request: now,
                unanswered_since: None,
                probed: false,
            }));
        }
    }
}

fn unknown_attributes(to: Addressee, message: &Message<'_>) -> Option<Answer> {
    let mut kinds = [AttributeType(0); limits::UNKNOWN_ATTRIBUTES];
    let mut count = 0;
    for (slot, kind) in kinds.iter_mut().zip(message.unknown_required(&KNOWN)) {
        *slot = kind;
        count += 1;
    }
    (count > 0).then_some(Answer::UnknownAttributes { to, kinds, count })
}
