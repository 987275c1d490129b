//! What became of the packets that were sent: one kind of result, whichever feedback tells it.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Ecn, Instant, Seq16};

use duologue_rtp::rtcp::PacketMetric;

use super::ClusterId;
use crate::ReportedPackets;
use crate::limits::{FEEDBACK_PACKETS, HISTORY_PACKETS, HISTORY_STREAMS, HISTORY_TIME};

/// What is known of one packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacketResult {
    /// The place of the packet among all packets of the transport.
    pub sequence: u64,
    /// When the packet was sent, by our clock.
    pub sent: Instant,
    /// The size of the packet in bytes, as the path counts them.
    pub size: usize,
    /// When it arrived, by the peer's clock: only differences between arrivals mean anything. `None`
    /// when it had not arrived while a later one had; it may be told of again, once, as arrived.
    pub arrival: Option<Instant>,
    /// The ECN mark of the packet on arrival, where the feedback tells it (RFC 8888).
    pub ecn: Ecn,
    /// The probe that the packet belonged to.
    pub probe: Option<ClusterId>,
}

/// The packets that were sent on one transport, until their fate is known.
///
/// It gives each packet its transport-wide sequence number and makes [`PacketResult`]s of what
/// transport-cc feedback or a report of RFC 8888 says.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::History;
/// use std::time::Duration;
///
/// let mut history = History::default();
/// let sent = Instant::ZERO + Duration::from_secs(1);
/// for _ in 0..3 {
///     history.push(sent, 1_200, None, None);
/// }
///
/// // The first and the third arrived, 10 ms apart; times are in units of 64 ms and 250 µs.
/// let mut results = Vec::new();
/// let now = sent + Duration::from_millis(80);
/// let reference = 7;
/// let arrivals = [(0, reference * 256), (2, reference * 256 + 40)];
/// history.handle_transport_cc(now, 0, reference, arrivals, &mut results);
///
/// assert_eq!(results.len(), 3);
/// assert_eq!(results[1].arrival, None);
/// assert_eq!(
///     results[2].arrival.unwrap() - results[0].arrival.unwrap(),
///     Duration::from_millis(10)
/// );
/// assert_eq!(history.in_flight(), 0);
/// ```
#[derive(Debug, Default)]
pub struct History {
    /// The number of the first of `packets`.
    first: u64,
    packets: VecDeque<Remembered>,
    /// The first packet that no feedback has passed yet.
    outstanding: u64,
    in_flight: usize,
    clock: Option<RemoteClock>,
    lanes: Vec<Lane>,
    unknown: u64,
    /// What leaves is marked as ECT(1).
    ect1: bool,
}

#[derive(Clone, Copy, Debug)]
struct Remembered {
    lane: Option<u16>,
    sent: Instant,
    size: u32,
    probe: Option<ClusterId>,
    ect1: bool,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Unknown,
    Missing,
    Arrived,
}

impl History {
    /// A packet was sent. `stream` is its SSRC and RTP sequence number, where the peer sends reports
    /// of RFC 8888. Returns its transport-wide sequence number.
    pub fn push(
        &mut self,
        now: Instant,
        size: usize,
        probe: Option<ClusterId>,
        stream: Option<(u32, u16)>,
    ) -> u16 {
        self.forget_old(now);

        let sequence = self.next();
        let lane = stream.and_then(|(ssrc, number)| {
            let lane = self.lane(ssrc)?;
            self.lanes[lane].push(number, sequence);
            Some(lane as u16)
        });
        self.packets.push_back(Remembered {
            lane,
            sent: now,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            probe,
            ect1: self.ect1,
            fate: Fate::Unknown,
        });
        self.in_flight += size.min(u32::MAX as usize);

        sequence as u16
    }

    /// Whether packets are marked as ECT(1) from now on.
    pub fn set_ect1(&mut self, on: bool) {
        self.ect1 = on;
    }

    /// The transport-wide sequence number of the next packet.
    pub fn next_number(&self) -> u16 {
        self.next() as u16
    }

    fn next(&self) -> u64 {
        self.first + self.packets.len() as u64
    }

    /// Bytes that no feedback has passed yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Packets that feedback told of and nobody remembers.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): the packets
    /// that arrived, from the number `base` on in their order, each with its time in ticks of 250 µs on
    /// the peer's clock. Those between them are missing. `reference` is the 24-bit reference time, of
    /// 256 ticks each. Results are appended to `results`.
    pub fn handle_transport_cc(
        &mut self,
        now: Instant,
        base: u16,
        reference: u32,
        arrivals: impl IntoIterator<Item = (u16, u32)>,
        results: &mut Vec<PacketResult>,
    ) {
        let Some(first) = self.unwrap(base) else {
            self.unknown += 1;
            return;
        };
        let clock = self
            .clock
            .get_or_insert_with(|| RemoteClock::new(now, reference));
        let at = clock.at(now, reference, 24, REFERENCE_UNIT);

        let end = self.next();
        let mut next = first;
        for (number, ticks) in arrivals {
            let sequence = first + u64::from(number.wrapping_sub(base));
            if sequence >= end {
                self.unknown += 1;
                break;
            }
            // A few bytes can name thousands as missing: those that nobody remembers cost nothing.
            for missing in next.max(self.first)..sequence {
                self.settle(missing, None, results);
            }
            let ticks = ticks.wrapping_sub(reference.wrapping_mul(TICKS)) as i32;
            let arrival = shift(at, i64::from(ticks) * DELTA_UNIT);
            self.settle(sequence, Some((arrival, Ecn::NotEct)), results);
            next = next.max(sequence + 1);
        }
    }

    /// The block of one stream, an SSRC, in a report of RFC 8888 §3.1: from the RTP sequence number
    /// `begin` on, what became of each packet. `time` is the report's timestamp, the middle 32
    /// bits of an NTP time. Results are appended to `results`. Returns what of this was new: the memory of
    /// a stream of which nothing is under way may be another stream's next.
    pub fn handle_stream_report(
        &mut self,
        now: Instant,
        time: u32,
        (ssrc, begin): (u32, u16),
        metrics: impl IntoIterator<Item = PacketMetric>,
        results: &mut Vec<PacketResult>,
    ) -> ReportedPackets {
        let mut told = ReportedPackets::default();
        let clock = self
            .clock
            .get_or_insert_with(|| RemoteClock::new(now, time));
        let at = clock.at(now, time, 32, NTP_UNIT);
        let Some(lane) = self.lanes.iter().position(|lane| lane.ssrc == ssrc) else {
            self.unknown += 1;
            return told;
        };

        for (number, metric) in (0..).zip(metrics).take(FEEDBACK_PACKETS) {
            let Some(sequence) = self.lanes[lane].sequence(begin.wrapping_add(number)) else {
                self.unknown += 1;
                continue;
            };
            // RFC 8888 §3.1: where no time is known, that of the report is the best there is.
            let ago = metric.ago().filter(|ago| *ago <= PacketMetric::MAX_AGO);
            let arrived = (at - ago.unwrap_or_default(), metric.ecn());
            let arrived = metric.is_received().then_some(arrived);
            if let Some(before) = self.settle(sequence, arrived, results) {
                let ecn = arrived.map(|(_, ecn)| ecn);
                told.count(before.fate == Fate::Missing, before.ect1, ecn);
            }
        }
        told
    }

    /// Forgets all that was sent so far, since the route changed: nothing of it is waited for any more.
    pub fn reset(&mut self) {
        self.first += self.packets.len() as u64;
        self.packets.clear();
        for lane in &mut self.lanes {
            lane.packets.clear();
        }
        self.outstanding = self.first;
        self.in_flight = 0;
        self.clock = None;
    }

    /// The packet as it was known before, if that is news.
    fn settle(
        &mut self,
        sequence: u64,
        arrival: Option<(Instant, Ecn)>,
        results: &mut Vec<PacketResult>,
    ) -> Option<Remembered> {
        self.pass(sequence);
        let index = sequence.checked_sub(self.first).map(|index| index as usize);
        let Some(packet) = index.and_then(|index| self.packets.get_mut(index)) else {
            self.unknown += u64::from(arrival.is_some());
            return None;
        };

        let fate = match arrival {
            Some(_) => Fate::Arrived,
            None => Fate::Missing,
        };
        if packet.fate == fate || packet.fate == Fate::Arrived {
            return None;
        }
        let before = *packet;
        packet.fate = fate;
        results.push(PacketResult {
            sequence,
            sent: packet.sent,
            size: packet.size as usize,
            arrival: arrival.map(|(at, _)| at),
            ecn: arrival.map_or(Ecn::NotEct, |(_, ecn)| ecn),
            probe: packet.probe,
        });
        Some(before)
    }

    /// Feedback came to this packet: it and those before it are under way no more.
    fn pass(&mut self, sequence: u64) {
        let end = self.next();
        while self.outstanding <= sequence && self.outstanding < end {
            let index = (self.outstanding - self.first) as usize;
            self.in_flight -= self.packets[index].size as usize;
            self.outstanding += 1;
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(oldest) = self.packets.front() {
            let settled = oldest.fate == Fate::Arrived;
            let old = now - oldest.sent > HISTORY_TIME;
            if !settled && !old && self.packets.len() < HISTORY_PACKETS {
                break;
            }
            let lane = oldest.lane;
            self.pass(self.first);
            if let Some(lane) = lane {
                self.lanes[usize::from(lane)].forget(self.first);
            }
            self.packets.pop_front();
            self.first += 1;
        }
    }

    /// The packet with this number, or the one after the last that had it.
    fn unwrap(&self, number: u16) -> Option<u64> {
        let newest = self.next().checked_sub(1)?;
        Some(Seq16(number).extend(newest)).filter(|sequence| *sequence <= newest)
    }

    /// The place of the stream's memory, made where it is new and there is room.
    fn lane(&mut self, ssrc: u32) -> Option<usize> {
        let known = self.lanes.iter().position(|lane| lane.ssrc == ssrc);
        if known.is_some() {
            return known;
        }
        let new = Lane {
            ssrc,
            ..Lane::default()
        };
        if self.lanes.len() < HISTORY_STREAMS {
            self.lanes.push(new);
            return Some(self.lanes.len() - 1);
        }
        let index = self.lanes.iter().position(|lane| lane.packets.is_empty())?;
        self.lanes[index] = new;
        Some(index)
    }
}

/// The packets of one stream, by their own sequence numbers.
#[derive(Debug, Default)]
struct Lane {
    ssrc: u32,
    /// The number in the stream, without wraps, and that of the transport.
    packets: VecDeque<(u64, u64)>,
}

impl Lane {
    fn push(&mut self, number: u16, sequence: u64) {
        let Some(&(newest, _)) = self.packets.back() else {
            self.packets
                .push_back((u64::from(number) + (1 << 16), sequence));
            return;
        };
        let number = Seq16(number).extend(newest);
        let place = self.packets.partition_point(|(other, _)| *other < number);
        match self.packets.get_mut(place) {
            Some(same) if same.0 == number => same.1 = sequence,
            _ => self.packets.insert(place, (number, sequence)),
        }
    }

    fn forget(&mut self, sequence: u64) {
        while self
            .packets
            .front()
            .is_some_and(|(_, one)| *one <= sequence)
        {
            self.packets.pop_front();
        }
    }

    fn sequence(&self, number: u16) -> Option<u64> {
        let &(newest, _) = self.packets.back()?;
        let number = Seq16(number).extend(newest);
        let place = self.packets.binary_search_by_key(&number, |(one, _)| *one);
        Some(self.packets[place.ok()?].1)
    }
}

/// The peer's clock, in ours: where it stood when feedback first came is where ours did.
#[derive(Debug)]
struct RemoteClock {
    last: u32,
    at: Instant,
    heard: Instant,
}

impl RemoteClock {
    fn new(now: Instant, raw: u32) -> Self {
        RemoteClock {
            last: raw,
            at: now,
            heard: now,
        }
    }

    /// When a time stamp of so many bits, each unit so many picoseconds, was.
    fn at(&mut self, now: Instant, raw: u32, bits: u32, unit_picos: i64) -> Instant {
        let difference = raw.wrapping_sub(self.last) << (32 - bits);
        let units = i64::from(difference as i32 >> (32 - bits));
        let moved = units.saturating_mul(unit_picos) / 1_000;

        let ours = i64::try_from((now - self.heard).as_nanos()).unwrap_or(i64::MAX);
        if moved.abs_diff(ours) > CLOCK_JUMP.as_nanos() as u64 {
            *self = RemoteClock::new(now, raw);
            return now;
        }
        if moved > 0 {
            self.last = raw;
            self.at = shift(self.at, moved);
            self.heard = now;
            return self.at;
        }
        shift(self.at, moved)
    }
}

fn shift(at: Instant, nanos: i64) -> Instant {
    let by = Duration::from_nanos(nanos.unsigned_abs());
    if nanos < 0 { at - by } else { at + by }
}

/// Picoseconds of a unit of the reference time of transport-wide feedback.
const REFERENCE_UNIT: i64 = 64_000_000_000;
/// Ticks of a unit of it.
const TICKS: u32 = 256;
/// Nanoseconds of a tick.
const DELTA_UNIT: i64 = 250_000;
/// Picoseconds of a unit of the middle 32 bits of an NTP time, 1/65536 s.
const NTP_UNIT: i64 = 15_258_789;
/// A clock that goes so much ahead of ours, or behind, is another one.
const CLOCK_JUMP: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
