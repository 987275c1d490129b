//! Leave of the host's for checks of addresses that only signalling vouches for.

use duologue_base::Instant;

use crate::agent::Agent;
use crate::checklist::Checklist;
use crate::checks::Checks;

/// Whether an ordinary check (RFC 8445 §6.1.4.2) may leave. Its address is what a description says,
/// and may be that of anybody. A triggered check goes to where an authenticated one came from, and
/// needs no leave.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CheckLeave {
    /// Checks begin as often as pacing lets them.
    #[default]
    Free,
    /// One check may begin; the host is asked for the next one again.
    Once,
    /// No check may begin. The host is asked again then.
    Held {
        /// The earliest time at which the host is asked again.
        until: Instant,
    },
}

impl Agent {
    /// Gives or takes leave for ordinary checks.
    pub fn set_check_leave(&mut self, leave: CheckLeave) {
        self.checks.leave = leave;
    }

    /// An ordinary check is due, and the host has not said that it may leave.
    pub fn wants_check_leave(&self, now: Instant) -> bool {
        let held = matches!(self.checks.leave, CheckLeave::Held { until } if until <= now);
        held && now >= self.checks.next_check && self.has_checks(Checklist::has_ordinary)
    }

    /// How many ordinary checks were answered since this was last asked.
    pub fn take_answered_checks(&mut self) -> u32 {
        std::mem::take(&mut self.checks.answered_checks)
    }

    /// When the next check may leave, if there is one to send.
    pub(crate) fn check_timeout(&self) -> Option<Instant> {
        if self.has_checks(Checklist::has_triggered) {
            return Some(self.checks.next_check);
        }
        let leaves = match self.checks.leave {
            CheckLeave::Free | CheckLeave::Once => self.checks.next_check,
            CheckLeave::Held { until } => self.checks.next_check.max(until),
        };
        self.has_checks(Checklist::has_ordinary).then_some(leaves)
    }
}

impl Checks {
    /// An ordinary check is sent.
    pub(crate) fn use_check_leave(&mut self) {
        if self.leave == CheckLeave::Once {
            self.leave = CheckLeave::Held {
                until: Instant::ZERO,
            };
        }
    }
}
