use std::time::Duration;

use duologue_base::Instant;

use super::sample::bytes_in;

/// A burst is what the rate moves in this time: about how exactly hosts keep their timers.
const QUANTUM_TIME: Duration = Duration::from_millis(1);
/// What a host that comes late by up to this makes up for: as long as a busy one lets a task wait.
const LATENESS: Duration = Duration::from_millis(20);
/// But with no more than this at once, unless two quanta are more: queues of slow paths are short.
/// The rest follows at twice the rate.
const LATE_BURST_TIME: Duration = Duration::from_millis(8);
const MAX_LATE_BURST: usize = 64 << 10;
/// A burst is at least this many packets.
const MIN_QUANTUM_PACKETS: usize = 2;

/// Spreads packets over time, in bursts that are trains for one system call.
///
/// A bucket of bytes fills at the rate. Sending goes on while it is not empty; once it is, the next
/// burst waits until there is a whole quantum, so that acknowledgements trickling in do not chop
/// the trains.
#[derive(Debug)]
pub(crate) struct Pacer {
    max_burst: usize,
    min_burst: usize,
    /// Of the rate beside it, which most packets share with the one before.
    quantum: (u64, usize),
    /// May fall below zero by one packet.
    bucket: i64,
    filled_at: Instant,
    /// What the host was too late for, and has not made up for yet.
    missed: i64,
    blocked_until: Option<Instant>,
}

impl Pacer {
    pub(crate) fn new(now: Instant, mtu: usize, max_burst: usize) -> Self {
        let min_burst = mtu * MIN_QUANTUM_PACKETS;
        let max_burst = max_burst.max(min_burst);
        Pacer {
            max_burst,
            min_burst,
            quantum: (0, min_burst),
            bucket: signed(max_burst),
            filled_at: now,
            missed: 0,
            blocked_until: None,
        }
    }

    fn quantum(&mut self, rate: u64) -> usize {
        if self.quantum.0 != rate {
            let bytes = bytes_in(rate, QUANTUM_TIME);
            self.quantum = (rate, bytes.clamp(self.min_burst, self.max_burst));
        }
        self.quantum.1
    }

    /// A packet may leave now. While less than a burst is under way it always may: no
    /// acknowledgement might come to wake the host before its timer does.
    pub(crate) fn may_send(&mut self, now: Instant, rate: Option<u64>, in_flight: usize) -> bool {
        let Some(rate) = rate else {
            return true;
        };
        let quantum = self.quantum(rate);
        self.fill(now, rate, quantum);
        if in_flight < quantum {
            self.blocked_until = None;
            return true;
        }
        if let Some(until) = self.blocked_until {
            if now < until {
                return false;
            }
            self.blocked_until = None;
        }
        if self.bucket > 0 {
            return true;
        }
        let missing = signed(quantum) - self.bucket;
        let nanos = u128::from(missing.unsigned_abs()) * 1_000_000_000 / u128::from(rate.max(1));
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.blocked_until = Some(now + wait);
        false
    }

    fn fill(&mut self, now: Instant, rate: u64, quantum: usize) {
        if now == self.filled_at {
            return;
        }
        let earned = signed(bytes_in(rate, now - self.filled_at));
        let filled = self.bucket.saturating_add(earned);
        let at_once = bytes_in(rate, LATE_BURST_TIME).min(MAX_LATE_BURST);
        let room = signed(at_once.max(2 * quantum).min(self.max_burst));
        if self.blocked_until.is_some_and(|until| until <= now) {
            // A burst is due: with it goes some of what earlier ones were too late for.
            let again = self.missed.min(signed(quantum));
            let due = filled.saturating_add(again);
            let most = signed(bytes_in(rate, LATENESS));
            self.missed = (self.missed - again + (due - room).max(0)).min(most);
            self.bucket = due.min(room);
        } else {
            self.bucket = filled.min(room);
        }
        self.filled_at = now;
    }

    pub(crate) fn on_sent(&mut self, bytes: usize) {
        self.bucket = (self.bucket - signed(bytes)).max(-signed(self.max_burst));
    }

    /// When a burst may leave, if that is what the sender waits for.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.blocked_until
    }

    /// There is nothing to wait for.
    pub(crate) fn clear(&mut self) {
        self.blocked_until = None;
        self.missed = 0;
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(pacer: &mut Pacer, now: Instant, rate: u64) -> usize {
        let mut burst = 0;
        while pacer.may_send(now, Some(rate), 1 << 20) {
            pacer.on_sent(1_200);
            burst += 1_200;
        }
        burst
    }

    #[test]
    fn a_late_host_makes_up_for_what_it_missed_in_several_bursts() {
        let mut now = Instant::ZERO;
        let mut pacer = Pacer::new(now, 1_200, 256 << 10);
        let rate = 12_500_000;
        burst(&mut pacer, now, rate);
        let (begin, mut sent, mut longest) = (now, 0, 0);
        for late in [0, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] {
            let deadline = pacer.deadline().expect("blocked");
            now = deadline + Duration::from_millis(late);
            let burst = burst(&mut pacer, now, rate);
            sent += burst;
            longest = longest.max(burst);
        }
        let due = bytes_in(rate, now - begin);
        assert!(sent.abs_diff(due) <= 14_000, "{sent} of {due}");
        assert!(longest <= MAX_LATE_BURST + 1_200, "{longest}");
    }

    #[test]
    fn bursts_are_quanta_and_the_rate_is_kept() {
        let mut now = Instant::ZERO;
        let mut pacer = Pacer::new(now, 1_200, 64 << 10);
        let rate = Some(12_500_000);
        let mut sent = 0;
        let mut longest = 0;
        while now < Instant::ZERO + Duration::from_secs(1) {
            let mut burst = 0;
            while pacer.may_send(now, rate, 1 << 20) {
                pacer.on_sent(1_200);
                burst += 1_200;
            }
            sent += burst;
            if now > Instant::ZERO {
                longest = longest.max(burst);
            }
            // The host's timer is up to a millisecond late.
            now = pacer.deadline().expect("blocked") + Duration::from_micros(900);
        }
        assert!((12_300_000..12_700_000).contains(&sent), "{sent}");
        assert!(longest <= 2 * 12_500 + 1_200, "{longest}");
    }
}
