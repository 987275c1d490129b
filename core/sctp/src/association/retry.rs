use std::time::Duration;

use duologue_base::Instant;

/// Something sent again and again until it is answered, at growing intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    /// `None`: to be sent at the next poll.
    deadline: Option<Instant>,
    attempts: u32,
}

impl Retry {
    /// Due at once.
    pub(crate) fn now() -> Self {
        Retry {
            deadline: None,
            attempts: 0,
        }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.deadline.is_none()
    }

    /// It was sent before.
    pub(crate) fn is_repeated(&self) -> bool {
        self.attempts > 0
    }

    /// It was sent; the next time is after `interval`, doubled for each attempt up to `max`.
    pub(crate) fn on_sent(&mut self, now: Instant, interval: Duration, max: Duration) {
        let wait = interval
            .saturating_mul(1 << self.attempts.min(16))
            .min(max.max(interval));
        self.deadline = Some(now + wait);
        self.attempts += 1;
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
        }
    }

    /// Sends at the next poll whatever the interval, and begins to count anew.
    pub(crate) fn reset(&mut self) {
        *self = Retry::now();
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// It was sent `max` times more than once, and is due again.
    pub(crate) fn is_exhausted(&self, max: Option<u32>) -> bool {
        self.is_due() && max.is_some_and(|max| self.attempts > max)
    }
}
