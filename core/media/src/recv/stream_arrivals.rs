//! When the packets of each stream arrived and how they were marked, as the other end's congestion
//! control is told (RFC 8888).

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Ecn, Instant};
use duologue_rtp::Ssrc;
use duologue_rtp::rtcp::PacketMetric;

use crate::ReportedPackets;
use crate::limits::{SOURCES, STREAM_ARRIVALS};

/// The arrivals of all streams of one transport, repetitions and parity among them.
#[derive(Debug, Default)]
pub(crate) struct StreamArrivals {
    streams: Vec<Stream>,
    /// Where the stream of the last packet was: packets come in bursts.
    latest: usize,
    due: Option<Instant>,
}

#[derive(Debug)]
struct Stream {
    ssrc: Ssrc,
    /// The number of the first of `packets`, extended.
    first: u64,
    packets: VecDeque<Slot>,
    /// The next report begins with this number.
    next: u64,
    reported: ReportedPackets,
}

/// What is known of one number.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    arrived: Option<Arrived>,
    /// It was told of as lost.
    told_lost: bool,
}

#[derive(Clone, Copy, Debug)]
struct Arrived {
    at: Instant,
    ecn: Ecn,
}

/// What one report says of a stream.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct StreamReport {
    pub(crate) ssrc: Ssrc,
    pub(crate) begin: u16,
    pub(crate) metrics: Vec<PacketMetric>,
}

impl StreamArrivals {
    /// A packet of a stream came, with its extended sequence number.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        ssrc: Ssrc,
        number: u64,
        (at, ecn): (Instant, Ecn),
    ) {
        let Some(stream) = self.stream(ssrc, number) else {
            return;
        };
        if stream.note(number, Arrived { at, ecn }) {
            // Somebody on the path may speak by marks.
            let interval = match ecn {
                Ecn::Ect1 | Ecn::Ce => INTERVAL_MARKED,
                Ecn::NotEct | Ecn::Ect0 => INTERVAL,
            };
            self.due = Instant::earliest([self.due, Some(now + interval)]);
        }
    }

    /// What the other end was told of a stream so far, where it is told of streams.
    pub(crate) fn reported(&self, ssrc: Ssrc) -> Option<ReportedPackets> {
        let stream = self.streams.iter().find(|stream| stream.ssrc == ssrc)?;
        Some(stream.reported)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What is due, of no more bytes than `room`; what does not fit is due at once.
    pub(crate) fn tell(&mut self, now: Instant, room: usize) -> Vec<StreamReport> {
        let mut reports = Vec::new();
        if self.due.is_none_or(|due| due > now) {
            return reports;
        }
        let mut room = room.saturating_sub(HEAD);
        for stream in &mut self.streams {
            // They come in pairs.
            let most = room.saturating_sub(STREAM_HEAD) / (2 * METRIC) * 2;
            let Some(report) = stream.tell(now, most) else {
                continue;
            };
            room -= STREAM_HEAD + METRIC * report.metrics.len().next_multiple_of(2);
            reports.push(report);
        }
        // Who is told of last is told of first the next time.
        self.streams.rotate_left(reports.len());
        let more = self.streams.iter().any(Stream::has_news);
        self.due = more.then_some(now);
        reports
    }

    /// The stream, made where it is new and there is room.
    fn stream(&mut self, ssrc: Ssrc, number: u64) -> Option<&mut Stream> {
        let is_it = |stream: &Stream| stream.ssrc == ssrc;
        let known = match self.streams.get(self.latest).is_some_and(is_it) {
            true => Some(self.latest),
            false => self.streams.iter().position(is_it),
        };
        let at = match known {
            Some(at) => at,
            None if self.streams.len() < SOURCES => {
                self.streams.push(Stream::new(ssrc, number));
                self.streams.len() - 1
            }
            None => {
                let at = self.streams.iter().position(|it| !it.has_news())?;
                self.streams[at] = Stream::new(ssrc, number);
                at
            }
        };
        self.latest = at;
        Some(&mut self.streams[at])
    }
}

impl Stream {
    fn new(ssrc: Ssrc, number: u64) -> Self {
        Stream {
            ssrc,
            first: number,
            packets: VecDeque::new(),
            next: number,
            reported: ReportedPackets::default(),
        }
    }

    fn has_news(&self) -> bool {
        self.next < self.end()
    }

    fn end(&self) -> u64 {
        self.first + self.packets.len() as u64
    }

    /// Whether there is something to tell.
    fn note(&mut self, number: u64, arrived: Arrived) -> bool {
        if number.abs_diff(self.end()) > STREAM_ARRIVALS as u64 {
            // Another beginning; or so late that nobody remembers it.
            if number < self.first {
                return false;
            }
            *self = Stream {
                reported: self.reported,
                ..Stream::new(self.ssrc, number)
            };
        }
        let Some(at) = number.checked_sub(self.first) else {
            return false;
        };
        let at = at as usize;
        if at >= self.packets.len() {
            self.packets.resize(at + 1, Slot::default());
        }
        match &mut self.packets[at].arrived {
            // RFC 8888 §3.1: of copies with several marks, that of congestion counts.
            Some(known) if arrived.ecn == Ecn::Ce => known.ecn = Ecn::Ce,
            Some(_) => {}
            unknown => *unknown = Some(arrived),
        }
        // RFC 8888 §3.1: reports may overlap, and one that comes late is told of after all.
        self.next = self.next.min(number);
        while self.packets.len() > STREAM_ARRIVALS {
            self.packets.pop_front();
            self.first += 1;
        }
        self.next = self.next.max(self.first);
        true
    }

    fn tell(&mut self, now: Instant, most: usize) -> Option<StreamReport> {
        let begin = self.next;
        let told = (begin - self.first) as usize;
        let news = self.packets.iter_mut().skip(told).take(most);
        let reported = &mut self.reported;
        let metrics: Vec<_> = news.map(|slot| slot.tell(now, reported)).collect();
        if metrics.is_empty() {
            return None;
        }
        self.next += metrics.len() as u64;
        while self.first + KEPT < self.next {
            self.packets.pop_front();
            self.first += 1;
        }
        Some(StreamReport {
            ssrc: self.ssrc,
            begin: begin as u16,
            metrics,
        })
    }
}

impl Slot {
    fn tell(&mut self, now: Instant, reported: &mut ReportedPackets) -> PacketMetric {
        let was_lost = std::mem::replace(&mut self.told_lost, self.arrived.is_none());
        let Some(arrived) = self.arrived else {
            reported.lost += u64::from(!was_lost);
            return PacketMetric::LOST;
        };
        reported.recovered += u64::from(was_lost);
        PacketMetric::received(arrived.ecn, Some(now - arrived.at))
    }
}

/// As often as transport-wide feedback; twice as often where marks are to be answered within a round
/// trip (RFC 9331 §4.3). RFC 8888 §4 leaves it open.
const INTERVAL: Duration = Duration::from_millis(50);
const INTERVAL_MARKED: Duration = Duration::from_millis(25);

/// What was told of and may still be told of again: packets that come late.
const KEPT: u64 = 64;

/// Bytes of a report around its streams (RFC 8888 §3.1), of a stream's head, and of a packet.
const HEAD: usize = 12;
const STREAM_HEAD: usize = 8;
const METRIC: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    /// Sequence numbers, and what is said of them: how many ms ago they came, with which mark.
    type Told = (u32, u16, Vec<Option<(u128, Ecn)>>);

    fn told(arrivals: &mut StreamArrivals, now: u64) -> Vec<Told> {
        let metric = |metric: &PacketMetric| {
            let ago = metric.ago()?;
            Some((ago.as_micros().div_ceil(1_000), metric.ecn()))
        };
        let reports = arrivals.tell(at(now), 1_200);
        let told = reports.iter().map(|report| {
            let metrics = report.metrics.iter().map(metric).collect();
            (report.ssrc.0, report.begin, metrics)
        });
        told.collect()
    }

    #[test]
    fn each_stream_is_told_of_with_marks_and_what_is_missing() {
        let mut arrivals = StreamArrivals::default();
        arrivals.note(at(0), Ssrc(1), 65_535, (at(0), Ecn::NotEct));
        arrivals.note(at(10), Ssrc(2), 7, (at(10), Ecn::NotEct));
        arrivals.note(at(20), Ssrc(1), 65_537, (at(20), Ecn::NotEct));
        assert_eq!(told(&mut arrivals, 49), []);
        let first = vec![Some((50, Ecn::NotEct)), None, Some((30, Ecn::NotEct))];
        let second = vec![Some((40, Ecn::NotEct))];
        assert_eq!(
            told(&mut arrivals, 50),
            [(1, 65_535, first), (2, 7, second)]
        );
        assert_eq!(arrivals.poll_timeout(), None);

        arrivals.note(at(60), Ssrc(1), 65_538, (at(60), Ecn::Ce));
        assert_eq!(arrivals.poll_timeout(), Some(at(85)));
        assert_eq!(told(&mut arrivals, 85), [(1, 2, vec![Some((25, Ecn::Ce))])]);
    }

    #[test]
    fn what_comes_late_is_told_of_after_all_and_congestion_counts_of_copies() {
        let mut arrivals = StreamArrivals::default();
        arrivals.note(at(0), Ssrc(1), 10, (at(0), Ecn::Ect1));
        arrivals.note(at(0), Ssrc(1), 12, (at(0), Ecn::Ect1));
        told(&mut arrivals, 50);
        let reported = |arrivals: &StreamArrivals| {
            let reported = arrivals.reported(Ssrc(1)).unwrap();
            (reported.lost, reported.recovered)
        };
        assert_eq!(reported(&arrivals), (1, 0));
        arrivals.note(at(60), Ssrc(1), 11, (at(60), Ecn::Ect1));
        arrivals.note(at(61), Ssrc(1), 11, (at(61), Ecn::Ce));
        let again = vec![Some((40, Ecn::Ce)), Some((100, Ecn::Ect1))];
        assert_eq!(told(&mut arrivals, 100), [(1, 11, again)]);
        assert_eq!(reported(&arrivals), (1, 1));
    }

    #[test]
    fn what_does_not_fit_follows_at_once() {
        let mut arrivals = StreamArrivals::default();
        for number in 0..1_000 {
            arrivals.note(at(0), Ssrc(1), number, (at(0), Ecn::Ect1));
        }
        let mut numbers = 0;
        while arrivals.poll_timeout().is_some_and(|due| due <= at(25)) {
            let reports = arrivals.tell(at(25), 300);
            let bytes = HEAD + STREAM_HEAD + METRIC * reports[0].metrics.len();
            assert!(bytes <= 300);
            numbers += reports[0].metrics.len();
        }
        assert_eq!(numbers, 1_000);
    }

    #[test]
    fn hostile_numbers_and_streams_are_bounded() {
        let mut arrivals = StreamArrivals::default();
        for n in 0..100_000_u64 {
            let ssrc = Ssrc((n % 10_000) as u32);
            let number = n.wrapping_mul(40_503) & 0xff_ffff;
            arrivals.note(at(0), ssrc, number, (at(0), Ecn::Ce));
            arrivals.note(at(0), Ssrc(1), number, (at(0), Ecn::Ce));
        }
        assert!(arrivals.streams.len() <= SOURCES);
        let most = arrivals.streams.iter().map(|it| it.packets.len()).max();
        assert!(most <= Some(STREAM_ARRIVALS), "{most:?}");
    }
}
