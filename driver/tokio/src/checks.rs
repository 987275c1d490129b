//! What all sessions of this process may ask addresses that only signalling vouches for.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::limits::{UNANSWERED_CHECKS, UNANSWERED_CHECKS_INTERVAL};

/// One for the process, whatever its endpoints: descriptions for many sessions must not make this
/// host send as many times as much to others as one may.
pub(crate) static CHECKS: CheckBudget = CheckBudget(AtomicU64::new(0));

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A bucket of checks that were not answered, as the time in nanoseconds when it will be full
/// again. An answer gives a check back, so that whoever meets peers that answer never waits.
#[derive(Debug)]
pub(crate) struct CheckBudget(AtomicU64);

impl CheckBudget {
    /// Takes a check, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.take_at(START.elapsed())
    }

    fn take_at(&self, now: Duration) -> bool {
        let now = nanos(now);
        let taken = |full_at: u64| {
            let full_at = full_at.max(now) + INTERVAL;
            (full_at <= now + INTERVAL * u64::from(UNANSWERED_CHECKS)).then_some(full_at)
        };
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        self.0.fetch_update(set, get, taken).is_ok()
    }

    /// So many checks were answered.
    pub(crate) fn give_back(&self, answered: u32) {
        let earlier = INTERVAL * u64::from(answered);
        let given = |full_at: u64| Some(full_at.saturating_sub(earlier));
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        // It never refuses.
        let _ = self.0.fetch_update(set, get, given);
    }
}

const INTERVAL: u64 = UNANSWERED_CHECKS_INTERVAL.as_nanos() as u64;

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &CheckBudget, now: Duration, tries: u32) -> u32 {
        (0..tries).map(|_| u32::from(budget.take_at(now))).sum()
    }

    #[test]
    fn unanswered_checks_come_back_with_time_and_answered_ones_at_once() {
        let budget = CheckBudget(AtomicU64::new(0));
        let start = Duration::from_secs(100);
        let all = UNANSWERED_CHECKS;
        assert_eq!(taken(&budget, start, 2 * all), all);
        budget.give_back(7);
        assert_eq!(taken(&budget, start, 2 * all), 7);
        let later = start + UNANSWERED_CHECKS_INTERVAL * 5;
        assert_eq!(taken(&budget, later, 2 * all), 5);
        // Never more than all of them.
        budget.give_back(u32::MAX);
        let much_later = later + Duration::from_secs(86_400);
        assert_eq!(taken(&budget, much_later, 2 * all), all);
    }
}
