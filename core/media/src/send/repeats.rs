//! How much of a path's rate goes to packets that are sent again.

use std::time::Duration;

use duologue_base::Instant;

use crate::cc::Bitrate;

/// What repetitions may still take: a peer that asks for all again and again, or that loses most of what
/// is sent, is not to take the place of what is new.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// Bytes; below zero by what the last one took too much.
    credit: i64,
    filled: Option<Instant>,
    most: i64,
}

/// Which packets may be sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Repeatable {
    All,
    /// Those that are asked for, and not another time at once.
    Once,
    None,
}

/// Their share of the rate.
const SHARE: f64 = 0.25;

/// What was not used is kept for so long: losses come in bursts.
const KEPT: Duration = Duration::from_secs(1);

/// Less than a byte would be lost of shorter times, again and again.
const STEP: Duration = Duration::from_millis(1);

/// A burst of losses on a slow path is made up for, too.
const LEAST: i64 = 12_000;

impl Repeats {
    pub(crate) fn allow(&mut self, now: Instant, target: Bitrate) -> Repeatable {
        let rate = target * SHARE;
        let bytes = |time| i64::try_from(rate.bytes_in(time)).unwrap_or(i64::MAX / 4);
        self.most = bytes(KEPT).max(LEAST);
        let since = self.filled.map(|filled| now - filled);
        if since.is_none_or(|since| since >= STEP) {
            self.filled = Some(now);
            let earned = since.map_or(self.most, bytes);
            self.credit = self.credit.saturating_add(earned).min(self.most);
        }

        if self.credit > self.most / 2 {
            Repeatable::All
        } else if self.credit > 0 {
            Repeatable::Once
        } else {
            Repeatable::None
        }
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        self.credit -= i64::try_from(bytes).unwrap_or(i64::MAX / 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_rate_goes_to_repetitions() {
        let mut repeats = Repeats::default();
        let rate = Bitrate::from_kbps(1_000);
        let mut sent = 0;
        for ms in 0..10_000 {
            let now = Instant::from_nanos(ms * 1_000_000);
            while repeats.allow(now, rate) != Repeatable::None {
                repeats.spend(1_000);
                sent += 1_000;
            }
        }
        // Of ten seconds, and what is there at first.
        let share = f64::from(sent) * 8.0 / 11.0 / 1e6;
        assert!((0.24..=0.26).contains(&share), "{share}");
    }

    #[test]
    fn second_copies_are_given_up_first() {
        let mut repeats = Repeats::default();
        let rate = Bitrate::from_kbps(1_000);
        assert_eq!(repeats.allow(Instant::ZERO, rate), Repeatable::All);
        repeats.spend(20_000);
        assert_eq!(repeats.allow(Instant::ZERO, rate), Repeatable::Once);
        repeats.spend(20_000);
        assert_eq!(repeats.allow(Instant::ZERO, rate), Repeatable::None);
    }
}
