//! What a receiver reports of one stream: loss and jitter (RFC 3550 §6.4.1, Appendix A.3 and A.8).

use std::time::Duration;

use duologue_base::{Ecn, Instant};

/// Counters of one received stream, in the names of webrtc-stats §8.4.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    clock_rate: u32,
    /// The time stamp of what comes next is of the moment when it was made.
    timed: bool,
    /// Sequence number of the first packet, extended.
    first: Option<u64>,
    highest: u64,
    /// `packetsReceived`: duplicates left out.
    pub packets_received: u64,
    /// `bytesReceived`: payloads alone.
    pub bytes_received: u64,
    /// `headerBytesReceived`: headers, extensions and padding.
    pub header_bytes_received: u64,
    /// `packetsReceivedWithEct1`
    pub packets_received_with_ect1: u64,
    /// `packetsReceivedWithCe`
    pub packets_received_with_ce: u64,
    /// `lastPacketReceivedTimestamp`
    pub last_packet_received: Option<Instant>,
    /// Arrival and time stamp of the last packet that counted for jitter.
    last: Option<(Instant, u32)>,
    /// In units of the clock, times 16 (RFC 3550 Appendix A.8).
    jitter: u64,
    expected_at_report: u64,
    received_at_report: u64,
    /// Numbers were used that were not meant for this end: they are not lost.
    paused: bool,
}

/// What a report block says of a stream (RFC 3550 §6.4.1), without the times of sender reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reception {
    /// The share of packets that did not come since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets that did not come since the beginning; negative with duplicates.
    pub cumulative_lost: i64,
    /// The low 32 bits of the highest extended sequence number.
    pub highest: u32,
    /// The interarrival jitter, in units of the stream's clock.
    pub jitter: u32,
}

impl Statistics {
    /// The statistics of a stream that nothing came of yet. A clock rate of 0 counts no jitter.
    pub fn new(clock_rate: u32) -> Self {
        Statistics {
            clock_rate,
            timed: true,
            first: None,
            highest: 0,
            packets_received: 0,
            bytes_received: 0,
            header_bytes_received: 0,
            packets_received_with_ect1: 0,
            packets_received_with_ce: 0,
            last_packet_received: None,
            last: None,
            jitter: 0,
            expected_at_report: 0,
            received_at_report: 0,
            paused: false,
        }
    }

    /// The clock of what comes next: another codec may bring another one. Two packets that do not have the
    /// same say nothing of the path's jitter, which is told in units of the newer one (RFC 7160 §4.2).
    /// 0: it has no time stamp of its own moment, and the clock stays as it was.
    pub(crate) fn set_clock_rate(&mut self, clock_rate: u32) {
        self.timed = clock_rate != 0;
        if !self.timed || clock_rate == self.clock_rate {
            return;
        }
        let before = u64::from(self.clock_rate);
        let jitter = self.jitter.saturating_mul(u64::from(clock_rate));
        self.jitter = jitter.checked_div(before).unwrap_or(0);
        self.clock_rate = clock_rate;
        self.last = None;
    }

    /// Nothing of the stream is taken for a while.
    pub(crate) fn pause(&mut self) {
        self.paused = true;
        self.last = None;
    }

    /// A packet came: its extended sequence number, time stamp, and bytes of header and payload.
    pub fn count(
        &mut self,
        arrival: Instant,
        sequence_number: u64,
        timestamp: u32,
        (header, payload): (usize, usize),
    ) {
        let skipped = match std::mem::take(&mut self.paused) {
            true => sequence_number.saturating_sub(self.highest + 1),
            false => 0,
        };
        self.first = Some(match self.first {
            None => sequence_number,
            Some(first) => (first + skipped).min(sequence_number),
        });
        let newest = self.packets_received == 0 || sequence_number > self.highest;
        self.highest = self.highest.max(sequence_number);
        self.packets_received += 1;
        self.bytes_received += payload as u64;
        self.header_bytes_received += header as u64;
        self.last_packet_received = Some(arrival);

        // One that was late or sent again says nothing about the path's jitter.
        if newest && self.timed {
            self.count_jitter(arrival, timestamp);
        }
    }

    /// How a packet was marked (RFC 3168 §5, RFC 9331 §4.1).
    pub(crate) fn count_mark(&mut self, ecn: Ecn) {
        match ecn {
            Ecn::Ect1 => self.packets_received_with_ect1 += 1,
            Ecn::Ce => self.packets_received_with_ce += 1,
            Ecn::NotEct | Ecn::Ect0 => {}
        }
    }

    fn count_jitter(&mut self, arrival: Instant, timestamp: u32) {
        let before = self.last.replace((arrival, timestamp));
        let Some((last_arrival, last_timestamp)) = before else {
            return;
        };
        // All packets of a frame have its time stamp and leave one after the other.
        if timestamp == last_timestamp {
            self.last = before;
            return;
        }
        let between = arrival.as_nanos().saturating_sub(last_arrival.as_nanos());
        let units = u128::from(between) * u128::from(self.clock_rate) / 1_000_000_000;
        let sent = i64::from(timestamp.wrapping_sub(last_timestamp) as i32);
        let difference = i64::try_from(units)
            .unwrap_or(i64::MAX)
            .saturating_sub(sent);

        // What is more is another clock, or a sender that paused its own: no jitter of a path.
        let most = u64::from(self.clock_rate) * MOST_JITTER.as_secs();
        if difference.unsigned_abs() <= most {
            self.jitter += difference.unsigned_abs();
            self.jitter -= (self.jitter - difference.unsigned_abs() + 8) >> 4;
        }
    }

    /// The highest extended sequence number.
    pub fn highest(&self) -> Option<u64> {
        self.first.map(|_| self.highest)
    }

    /// `packetsLost`: negative with duplicates.
    pub fn packets_lost(&self) -> i64 {
        self.expected() as i64 - self.packets_received as i64
    }

    /// `jitter`
    pub fn jitter(&self) -> Duration {
        let units = self.jitter >> 4;
        match self.clock_rate {
            0 => Duration::ZERO,
            rate => Duration::from_nanos(units * 1_000_000_000 / u64::from(rate)),
        }
    }

    /// What the next report block says. The fraction lost begins anew.
    pub fn report(&mut self) -> Reception {
        let expected = self.expected();
        let expected_since = expected - self.expected_at_report;
        let received_since = self.packets_received - self.received_at_report;
        self.expected_at_report = expected;
        self.received_at_report = self.packets_received;

        let lost = expected_since.saturating_sub(received_since);
        let fraction = (lost << 8).checked_div(expected_since).unwrap_or(0);
        Reception {
            fraction_lost: fraction.min(255) as u8,
            cumulative_lost: self.packets_lost(),
            highest: self.highest as u32,
            jitter: (self.jitter >> 4).min(u64::from(u32::MAX)) as u32,
        }
    }

    fn expected(&self) -> u64 {
        self.first.map_or(0, |first| self.highest - first + 1)
    }
}

/// Two packets in a row that are further off than this are not on one clock.
const MOST_JITTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn every_fourth_packet_lost_is_a_quarter_of_256() {
        let mut stats = Statistics::new(90_000);
        for n in (0..40).filter(|n| n % 4 != 3) {
            stats.count(at(n * 10), 100 + n, (n * 900) as u32, (12, 100));
        }
        // 9 of 39: the last one is lost, too, and nobody can know.
        let report = stats.report();
        assert_eq!((report.fraction_lost, report.cumulative_lost), (59, 9));
        assert_eq!((report.highest, report.jitter), (138, 0));
        assert_eq!(stats.bytes_received, 3_000);

        // Since then nothing is lost.
        stats.count(at(400), 139, 39 * 900, (12, 100));
        assert_eq!(stats.report().fraction_lost, 0);
        assert_eq!(stats.packets_lost(), 9);
    }

    #[test]
    fn packets_that_are_late_by_turns_make_jitter_and_one_frame_makes_none() {
        let mut stats = Statistics::new(8_000);
        for n in 0..500_u64 {
            let late = if n % 2 == 0 { 0 } else { 5 };
            stats.count(at(n * 20 + late), n, (n * 160) as u32, (12, 160));
        }
        // Each step is 5 ms off: 40 units.
        let off = stats.jitter().abs_diff(Duration::from_millis(5));
        assert!(
            off <= Duration::from_micros(125),
            "a unit of the clock: {off:?}"
        );

        let mut stats = Statistics::new(90_000);
        for n in 0..500_u64 {
            stats.count(at(n), n, (n / 10 * 900) as u32, (12, 1_000));
        }
        assert_eq!(stats.jitter(), Duration::ZERO);
    }

    #[test]
    fn a_sender_whose_clock_stood_still_makes_no_jitter() {
        let mut stats = Statistics::new(48_000);
        stats.count(at(0), 1, 0, (12, 50));
        stats.count(at(60_000), 2, 960, (12, 50));
        assert_eq!(stats.jitter(), Duration::ZERO);
    }

    #[test]
    fn another_clock_goes_on_with_the_jitter_that_was_there() {
        // PCMU, then Opus in the same stream: each late by turns, by the same time.
        let mut stats = Statistics::new(8_000);
        let late = |n: u64| n % 2 * 5;
        for n in 0..500 {
            stats.set_clock_rate(8_000);
            stats.count(at(n * 20 + late(n)), n, (n * 160) as u32, (12, 160));
        }
        let before = stats.jitter();
        for n in 500..1_000 {
            stats.set_clock_rate(48_000);
            stats.count(at(n * 20 + late(n)), n, (n * 960) as u32, (12, 80));
            let off = stats.jitter().abs_diff(before);
            assert!(off < Duration::from_micros(500), "{n}: {off:?}");
        }
        assert_eq!(stats.packets_received, 1_000);
        assert_eq!(stats.packets_lost(), 0);
    }

    #[test]
    fn what_is_sent_while_nothing_is_taken_is_no_loss() {
        let mut stats = Statistics::new(90_000);
        stats.count(at(0), 1, 0, (12, 1));
        stats.count(at(10), 3, 900, (12, 1));
        stats.pause();
        stats.count(at(5_000), 50, 90_000, (12, 1));
        stats.count(at(5_010), 52, 90_900, (12, 1));
        assert_eq!(stats.packets_lost(), 2);
        assert_eq!(stats.report().cumulative_lost, 2);
        assert_eq!(stats.jitter(), Duration::ZERO);
    }

    #[test]
    fn a_packet_that_comes_twice_or_late_is_not_lost() {
        let mut stats = Statistics::new(90_000);
        for n in [5, 7, 6, 6] {
            stats.count(at(n), n, 0, (12, 1));
        }
        assert_eq!(stats.packets_lost(), -1);
        let report = stats.report();
        assert_eq!((report.fraction_lost, report.highest), (0, 7));
    }
}
