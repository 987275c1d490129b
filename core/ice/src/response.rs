//! Responses to this agent's requests (RFC 8445 §7.2.5).

use std::net::SocketAddr;

use duologue_base::{IceRole, Instant};
use duologue_stun::{Class, ErrorCode, Message};

use crate::agent::{Agent, normalized};
use crate::candidate::{Candidate, CandidateKind};
use crate::checklist::{Check, Valid};
use crate::checks::Checks;
use crate::generation::{Base, LocalCandidate};
use crate::transaction::{Purpose, Transaction};

impl Agent {
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        base: Base,
        remote: SocketAddr,
        message: &Message<'_>,
    ) {
        let Some(index) = self.checks.authentic_response(message) else {
            self.outbox.counters.stray_responses += 1;
            return;
        };
        self.read_embedded(message);
        let transaction = self.checks.transactions.swap_remove(index);
        self.checks.answered_checks += u32::from(transaction.ordinary);
        let Some(at) = self.checks.index(transaction.generation) else {
            return;
        };

        let generation = &mut self.checks.generations[at];
        let Some(pair) = generation.checklist.get_mut(transaction.pair) else {
            return;
        };
        pair.counters.responses_received += 1;
        if let Some(round_trip) = transaction.round_trip(now) {
            pair.counters.current_round_trip_time = Some(round_trip);
            pair.counters.total_round_trip_time += round_trip;
        }

        let pair = generation.checklist.get(transaction.pair);
        // RFC 8445 §7.2.5.2.1: the path must be the same both ways.
        let symmetric = pair.is_some_and(|pair| {
            generation.base_of(pair).is_same(base) && generation.remote_addr_of(pair) == remote
        });
        let mapped = message.mapped_address().map(normalized);
        let understood = message.is_understood();
        self.outbox.counters.unknown_attributes += u64::from(!understood);
        match (message.class(), mapped) {
            (Class::SuccessResponse, Some(mapped)) if symmetric && understood => {
                self.check_succeeded(now, at, &transaction, base, mapped);
            }
            (Class::ErrorResponse, _)
                if message.error_code() == Some(ErrorCode::ROLE_CONFLICT)
                    && transaction.purpose != Purpose::Consent =>
            {
                self.lost_role_conflict(at, &transaction);
            }
            // RFC 7675 §5.1: anything else than success says nothing about consent.
            _ if transaction.purpose == Purpose::Consent => {}
            _ => self.checks.check_failed(at, &transaction),
        }
        self.update(now);
    }

    /// RFC 8445 §7.2.5.3
    fn check_succeeded(
        &mut self,
        now: Instant,
        at: usize,
        transaction: &Transaction,
        base: Base,
        mapped: SocketAddr,
    ) {
        let local = self.mapped_candidate(at, transaction, base, mapped);
        let next_request = now + self.consent_interval();
        let generation = &mut self.checks.generations[at];
        let Some(pair) = generation.checklist.get_mut(transaction.pair) else {
            return;
        };
        let local = local.unwrap_or(pair.local);
        let was_nominated = pair.is_nominated();
        // RFC 8445 §7.2.5.3.4 and §8.1.1: nominated by our request or by an earlier one of theirs.
        match (self.checks.role, transaction.purpose) {
            (IceRole::Controlling, Purpose::Nomination { number }) => {
                pair.nomination.confirm(number);
            }
            (IceRole::Controlling, _) => {}
            (IceRole::Controlled, _) => pair.nomination.confirm_wanted(),
        }

        // The path works, so a nomination that was sent earlier was lost. It is not to wait for its
        // next retransmission, which may be 16 s away.
        let lost = |t: &Transaction| {
            let nominates = matches!(t.purpose, Purpose::Nomination { .. });
            nominates && t.pair == transaction.pair && t.is_older_than(transaction)
        };
        if let Some(nomination) = self.checks.transactions.iter().position(lost) {
            self.checks.transactions.swap_remove(nomination);
            pair.nomination.stop();
        }

        if let Some(valid) = pair.valid_mut() {
            valid.local = local;
            valid.last_response = now;
            valid.unanswered_since = None;
            if std::mem::take(&mut valid.probed) {
                valid.next_request = next_request;
            }
        } else {
            pair.set_check(Check::Succeeded(Valid {
                local,
                last_response: now,
                next_request,
                unanswered_since: None,
                probed: false,
            }));
        }
        if pair.is_nominated() && !was_nominated {
            tracing::debug!("ICE pair {}: nominated", pair.id.0);
        }
        if self
            .checks
            .selected
            .is_some_and(|s| s.pair == transaction.pair)
        {
            generation.moved = None;
        }

        let foundation = pair.foundation;
        generation.checklist.unfreeze(foundation);
        generation.first_valid.get_or_insert(now);
        // Other requests on the pair have nothing left to find out, except a nomination.
        for other in &mut self.checks.transactions {
            if other.pair == transaction.pair && other.purpose == Purpose::Check {
                other.cancel();
            }
        }
    }

    /// RFC 8445 §7.2.5.3.1: the local candidate with the mapped address; a new peer-reflexive one
    /// when there is none.
    fn mapped_candidate(
        &mut self,
        at: usize,
        transaction: &Transaction,
        base: Base,
        mapped: SocketAddr,
    ) -> Option<usize> {
        let known = self.checks.generations[at].locals.iter().position(|local| {
            local.candidate.addr == mapped && local.base.is_same(base) && !local.gone
        });
        if known.is_some() {
            return known;
        }
        let kind = CandidateKind::PeerReflexive;
        let ufrag = self.checks.generations[at].local.credentials.ufrag.clone();
        let candidate = Candidate {
            foundation: self.local.foundation(kind, base, None),
            priority: base.priority(kind),
            kind,
            tcp_type: base.tcp_type,
            related: Some(self.local.names.shown(base.addr)),
            ufrag: Some(ufrag),
            ..Candidate::host(mapped, base.protocol)
        };
        debug_assert_eq!(transaction.generation, self.checks.generations[at].id);
        self.push_local(
            at,
            LocalCandidate {
                candidate,
                base,
                gone: false,
            },
        )
    }
}

impl Checks {
    /// RFC 8489 §9.1.4: a response that is not authentic is as good as none.
    fn authentic_response(&self, message: &Message<'_>) -> Option<usize> {
        let id = message.transaction_id();
        let index = self.transactions.iter().position(|t| t.id == id)?;
        let at = self.index(self.transactions[index].generation)?;
        let key = &self.generations[at].remote_secret()?.key;
        message.verify(key).ok().map(|()| index)
    }

    /// RFC 8445 §7.2.5.2
    pub(crate) fn check_failed(&mut self, at: usize, transaction: &Transaction) {
        if let Some(pair) = self.generations[at].checklist.get_mut(transaction.pair) {
            pair.nomination.stop();
            pair.set_check(Check::Failed);
        }
    }
}
