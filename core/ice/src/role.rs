//! Which agent is controlling, and what happens when both think they are, or neither (RFC 8445
//! §6.1.1, §7.3.1.1).

use duologue_base::{IceRole, Instant};
use duologue_stun::Message;

use crate::agent::Agent;
use crate::checklist::Check;
use crate::checks::Checks;
use crate::event::Event;
use crate::transaction::Transaction;

impl Agent {
    /// Signalling decided who controls (RFC 8445 §6.1.1).
    pub fn set_role(&mut self, now: Instant, role: IceRole) {
        if self.checks.role != role {
            self.checks.change_role(role, "signalling decided");
            self.update(now);
        }
    }

    /// RFC 8445 §7.3.1.1: of two agents in one role, the one with the larger tie-breaker is
    /// controlling. True when the other one has to change.
    pub(crate) fn is_role_conflict_lost_by_peer(&mut self, message: &Message<'_>) -> bool {
        // Who asks is a full agent, which is the controlling one of a lite agent (§6.1.1), whatever
        // the lite one takes itself for until it knows the other's description.
        if self.config.lite {
            let conflict = message.ice_controlled().is_some();
            self.outbox.counters.role_conflicts += u64::from(conflict);
            return conflict;
        }
        let theirs = match self.checks.role {
            IceRole::Controlling => message.ice_controlling(),
            IceRole::Controlled => message.ice_controlled(),
        };
        let Some(theirs) = theirs else {
            return false;
        };

        self.outbox.counters.role_conflicts += 1;
        let should_be = match self.checks.tie_breaker >= theirs {
            true => IceRole::Controlling,
            false => IceRole::Controlled,
        };
        if self.checks.role == should_be {
            return true;
        }
        self.checks
            .change_role(should_be, "the peer has the same and a better tie-breaker");
        self.outbox.push_event(Event::Role(should_be));
        false
    }

    /// The other agent answered a check with a role conflict: this one has to change, unless it has
    /// since (RFC 8445 §7.2.5.1).
    pub(crate) fn lost_role_conflict(&mut self, at: usize, transaction: &Transaction) {
        self.outbox.counters.role_conflicts += 1;
        if transaction.role == self.checks.role {
            self.checks.tie_breaker = self.rng.u64();
            self.checks.change_role(
                self.checks.role.switched(),
                "the peer answered: role conflict",
            );
            self.outbox.push_event(Event::Role(self.checks.role));
        }
        let checklist = &mut self.checks.generations[at].checklist;
        if let Some(pair) = checklist.get_mut(transaction.pair) {
            pair.nomination.stop();
            if pair.is_unfinished() {
                pair.set_check(Check::Waiting);
                checklist.trigger(transaction.pair);
            }
        }
    }
}

impl Checks {
    pub(crate) fn change_role(&mut self, role: IceRole, why: &str) {
        tracing::debug!("ICE role: {:?} -> {role:?}: {why}", self.role);
        self.role = role;
        for generation in &mut self.generations {
            generation.update_priorities(role);
            for pair in generation.checklist.pairs_mut() {
                pair.nomination.change_role();
            }
        }
    }
}
