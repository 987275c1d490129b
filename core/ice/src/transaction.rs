//! Requests of this agent's and when they are sent again (RFC 8489 §6.2.1, RFC 8445 §14.3).

use std::time::Duration;

use duologue_base::{Generation, IceRole, Instant, Transmit};
use duologue_stun::{Class, Method, TransactionId, Writer};

use crate::agent::Agent;
use crate::candidate::CandidateKind;
use crate::checklist::Check;
use crate::checks::Checks;
use crate::limits;
use crate::stats::PairId;

/// One Binding request.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) id: TransactionId,
    pub(crate) generation: Generation,
    pub(crate) pair: PairId,
    pub(crate) purpose: Purpose,
    /// The role and tie-breaker it states, retransmissions included.
    pub(crate) role: IceRole,
    tie_breaker: u64,
    sends: u32,
    last_sent: Instant,
    rto: Duration,
    /// It goes over a stream: it is never sent twice.
    reliable: bool,
    pub(crate) next: Next,
    /// Nothing was heard from where it went.
    pub(crate) ordinary: bool,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// A connectivity check (RFC 8445 §7.2).
    Check,
    /// The same with USE-CANDIDATE (RFC 8445 §8.1.1), and NOMINATION if the number is not 0.
    Nomination { number: u32 },
    /// RFC 7675
    Consent,
}

/// What happens to a request without a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// It is sent once more.
    Resend { at: Instant },
    /// Its pair fails.
    Fail { at: Instant },
    /// It is forgotten: another check replaced it, or it is never sent twice.
    Forget { at: Instant },
}

impl Next {
    pub(crate) fn at(self) -> Instant {
        match self {
            Next::Resend { at } | Next::Fail { at } | Next::Forget { at } => at,
        }
    }
}

impl Transaction {
    /// The time since the request was sent, unless it was sent more than once: then nobody knows
    /// which of them a response is for (Karn's rule).
    pub(crate) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.sends == 1).then(|| now - self.last_sent)
    }

    /// Nothing waits for its response.
    fn is_spare(&self) -> bool {
        matches!(self.next, Next::Forget { .. })
    }

    /// It was last sent before the other one.
    pub(crate) fn is_older_than(&self, other: &Transaction) -> bool {
        self.last_sent < other.last_sent
    }

    /// RFC 8445 §7.3.1.4: no more retransmissions, and no failure when no response comes.
    pub(crate) fn cancel(&mut self) {
        let wait = self.rto * limits::LAST_WAIT;
        self.next = Next::Forget {
            at: self.last_sent + wait,
        };
    }

    fn sent(&mut self, now: Instant) {
        self.last_sent = now;
        self.sends += 1;
        if let Next::Resend { at } = &mut self.next {
            // RFC 8489 §6.2.1: the timeout doubles; the last request is waited for Rm × RTO.
            *at = now + self.rto * (1 << (self.sends - 1));
            if self.sends >= limits::SENDS_MAX {
                self.next = Next::Fail {
                    at: now + self.rto * limits::LAST_WAIT,
                };
            }
        }
    }
}

impl Agent {
    /// Begins a request on a pair and writes it.
    pub(crate) fn send_request(
        &mut self,
        now: Instant,
        at: usize,
        pair: PairId,
        purpose: Purpose,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        if self.checks.transactions.len() >= limits::TRANSACTIONS {
            self.outbox.counters.over_limit += 1;
            let index = self
                .checks
                .transactions
                .iter()
                .position(Transaction::is_spare)?;
            self.checks.transactions.remove(index);
        }

        let mut id = [0; 12];
        self.rng.fill(&mut id);
        let generation = &mut self.checks.generations[at];
        // RFC 8445 §14.3
        let pending = generation.checklist.pending() + self.checks.pending_elsewhere;
        let rto = limits::RTO_MIN.max(self.checks.pacing * pending);
        let reliable = {
            let pair = generation.checklist.get(pair)?;
            generation.base_of(pair).is_reliable()
        };

        let state = generation.checklist.get_mut(pair)?;
        let next = match purpose {
            // RFC 7675 §5.1: consent checks are not retransmitted.
            Purpose::Consent => {
                state.counters.consent_requests_sent += 1;
                Next::Forget {
                    at: now + limits::CONSENT_EXPIRY,
                }
            }
            Purpose::Check | Purpose::Nomination { .. } => {
                state.counters.requests_sent += 1;
                Next::Resend { at: now }
            }
        };

        if purpose == Purpose::Check {
            state.set_check(Check::InProgress { fresh: true });
        }
        let mut transaction = Transaction {
            id: TransactionId(id),
            generation: generation.id,
            pair,
            purpose,
            role: self.checks.role,
            tie_breaker: self.checks.tie_breaker,
            sends: 0,
            last_sent: now,
            rto,
            reliable,
            next,
            ordinary: false,
        };

        let transmit = self.write_request(&transaction, out)?;
        transaction.sent(now);
        // Once connected there is one at a time.
        self.checks.transactions.reserve_exact(1);
        self.checks.transactions.push(transaction);
        Some(transmit)
    }

    /// Sends one request again whose time has come.
    pub(crate) fn retransmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let due = |t: &Transaction| matches!(t.next, Next::Resend { at } if at <= now);
        while let Some(index) = self.checks.transactions.iter().position(due) {
            let mut transaction = self.checks.transactions.swap_remove(index);
            let transmit = match transaction.reliable {
                true => None,
                false => self.write_request(&transaction, out),
            };
            match transmit {
                Some(_) => transaction.sent(now),
                // RFC 8489 §6.2.2: "the client does not retransmit". It is silent, though.
                None if transaction.reliable => {
                    transaction.next = Next::Fail {
                        at: transaction.last_sent + limits::RELIABLE_WAIT,
                    };
                }
                None => continue,
            }
            let (generation, pair) = (transaction.generation, transaction.pair);
            self.checks.transactions.push(transaction);
            if let Some(at) = self.checks.index(generation)
                && let Some(pair) = self.checks.generations[at].checklist.get_mut(pair)
                && let Check::InProgress { fresh } = &mut pair.check
            {
                *fresh = false;
            }
            if transmit.is_some() {
                return transmit;
            }
        }
        None
    }

    /// RFC 8445 §7.2.2
    fn write_request(&mut self, request: &Transaction, out: &mut Vec<u8>) -> Option<Transmit> {
        let generation = &self.checks.generations[self.checks.index(request.generation)?];
        let pair = generation.checklist.get(request.pair)?;
        let remote = generation.remote_secret()?;
        let base = generation.base_of(pair);
        let priority = base.priority(CandidateKind::PeerReflexive);
        let local = generation.known_ufrag();
        out.clear();
        let mut writer = Writer::new(out, Class::Request, Method::BINDING, request.id);
        writer
            .check_username(&remote.credentials.ufrag, local)
            .priority(priority);
        match request.role {
            IceRole::Controlling => writer.ice_controlling(request.tie_breaker),
            IceRole::Controlled => writer.ice_controlled(request.tie_breaker),
        };
        if let Purpose::Nomination { number } = request.purpose {
            writer.use_candidate();
            if number > 0 {
                writer.nomination(number);
            }
        }
        self.embedding.write(&mut writer);
        writer.integrity(&remote.key).fingerprint();
        let remote = generation.remote_addr_of(pair);
        self.address(base, remote, out)
    }
}

impl Checks {
    /// One more may begin although there are many.
    pub(crate) fn has_spare_request(&self) -> bool {
        self.transactions.iter().any(Transaction::is_spare)
    }
}
