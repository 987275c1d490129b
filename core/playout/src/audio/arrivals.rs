use std::time::Duration;

use duologue_base::Instant;

/// How long packets took beside the fastest of the last two seconds. Nobody knows how long that one
/// took; it need not be known, since what counts is how much later others are.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// The least of each tenth of a second: its number, and arrival less time stamp in nanoseconds.
    fastest: [(u64, i64); SLOTS as usize],
    last: Option<Instant>,
    least: Option<i64>,
}

impl Arrivals {
    pub(crate) fn new() -> Self {
        Arrivals {
            fastest: [(0, i64::MAX); SLOTS as usize],
            last: None,
            least: None,
        }
    }

    /// A packet came whose time stamp is `sent` in nanoseconds; how much later it is.
    pub(crate) fn handle(&mut self, arrival: Instant, sent: i64) -> Duration {
        // A pause, in which the other end may have stopped its clock: what was before says nothing.
        if self.last.is_some_and(|last| arrival - last > PAUSE) {
            *self = Arrivals::new();
        }
        self.last = self.last.max(Some(arrival));

        let slot = arrival.as_nanos() / SLOT.as_nanos() as u64;
        let offset = offset(arrival, sent);
        let kept = &mut self.fastest[(slot % SLOTS) as usize];
        *kept = match *kept {
            (at, least) if at == slot => (slot, least.min(offset)),
            _ => (slot, offset),
        };
        let young = self.fastest.iter().filter(|(at, _)| at + SLOTS > slot);
        self.least = young.map(|(_, least)| *least).min();
        self.later(arrival, sent).unwrap_or_default()
    }

    /// How much later a packet is, or one would be.
    pub(crate) fn later(&self, at: Instant, sent: i64) -> Option<Duration> {
        let later = offset(at, sent).saturating_sub(self.least?);
        Some(Duration::from_nanos(later.max(0) as u64))
    }
}

fn offset(arrival: Instant, sent: i64) -> i64 {
    i64::try_from(arrival.as_nanos())
        .unwrap_or(i64::MAX)
        .saturating_sub(sent)
}

const SLOT: Duration = Duration::from_millis(100);
const SLOTS: u64 = 20;
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    fn sent(ms: i64) -> i64 {
        ms * 1_000_000
    }

    #[test]
    fn a_packet_is_as_late_as_the_fastest_was_earlier() {
        let mut arrivals = Arrivals::new();
        assert_eq!(arrivals.later(at(0), 0), None);
        assert_eq!(arrivals.handle(at(1_000), sent(0)), Duration::ZERO);
        let later = arrivals.handle(at(1_050), sent(20));
        assert_eq!(later, Duration::from_millis(30));
        assert_eq!(arrivals.handle(at(1_035), sent(40)), Duration::ZERO);
        let later = arrivals.handle(at(1_100), sent(60));
        assert_eq!(later, Duration::from_millis(45));
    }

    #[test]
    fn the_fastest_is_forgotten_after_two_seconds_and_after_a_pause() {
        let mut arrivals = Arrivals::new();
        arrivals.handle(at(1_000), sent(0));
        for n in 1..=100 {
            let later = arrivals.handle(at(1_100 + 20 * n), sent(20 * n as i64));
            let expected = if n < 95 { 100 } else { 0 };
            assert_eq!(later, Duration::from_millis(expected), "{n}");
        }
        assert_eq!(arrivals.handle(at(9_000), sent(2_020)), Duration::ZERO);
    }

    #[test]
    fn any_time_is_borne() {
        let mut arrivals = Arrivals::new();
        arrivals.handle(Instant::from_nanos(u64::MAX), i64::MIN);
        arrivals.handle(Instant::ZERO, i64::MAX);
        arrivals.handle(Instant::from_nanos(u64::MAX), i64::MAX);
    }
}
