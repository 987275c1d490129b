use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Ecn, Instant, Rng, StreamId, float};
use duologue_media::cc::Bitrate;
use duologue_sctp::{Association, Config, CongestionAlgorithm, Ppid, SendOptions};

use super::arena::{Arrived, Content, Flow, Packet, Way};

/// What other traffic does.
#[derive(Clone, Copy, Debug)]
pub enum Pattern {
    /// As much as it can, between two points.
    Long(Instant, Instant),
    /// Files of 100 kB to 1 MB, with pauses of ten seconds on average between them (RFC 8867 §5.7).
    Short,
}

/// A flow of SCTP with CUBIC (RFC 9438), both ends.
#[derive(Debug)]
pub struct Cross {
    id: usize,
    ends: [Association; 2],
    pattern: Pattern,
    delay: Duration,
    rng: Rng,
    /// When the next file begins.
    next: Option<Instant>,
    /// Bytes of the file that have not been handed over.
    left: usize,
    packet: Vec<u8>,
    arrivals: Vec<(Instant, usize)>,
}

impl Cross {
    pub(super) fn new(id: usize, pattern: Pattern, delay: Duration, mut rng: Rng) -> Self {
        let mut ends = [(); 2].map(|()| {
            let config = Config {
                congestion: CongestionAlgorithm::Cubic,
                ..Config::default()
            };
            Association::new(config, rng.fork())
        });
        for end in &mut ends {
            end.connect(Instant::ZERO);
        }
        let next = match pattern {
            Pattern::Long(from, _) => from,
            Pattern::Short => Instant::ZERO + pause(&mut rng),
        };
        Cross {
            id,
            ends,
            pattern,
            delay,
            rng,
            next: Some(next),
            left: 0,
            packet: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    /// Bits per second that arrived between two points.
    pub fn rate(&self, from: Instant, to: Instant) -> Bitrate {
        let within = self.arrivals.iter();
        let within = within.filter(|(at, _)| (from..to).contains(at));
        Bitrate::over(within.map(|(_, bytes)| bytes).sum(), to - from)
    }

    fn feed(&mut self, now: Instant) {
        if self.next.is_some_and(|at| at <= now) {
            self.next = None;
            self.left = match self.pattern {
                Pattern::Long(..) => usize::MAX,
                Pattern::Short => FILE_MIN + self.rng.below(FILE_SPREAD) as usize,
            };
        }
        if let Pattern::Long(_, until) = self.pattern
            && now >= until
        {
            self.left = 0;
        }
        while self.left > 0 && self.ends[0].stats().buffered_bytes < BUFFER {
            let bytes = self.left.min(MESSAGE);
            let data = Bytes::from(vec![0; bytes]);
            let options = SendOptions::default();
            let sent = self.ends[0].send(now, StreamId(0), Ppid(53), data, options);
            if sent.is_err() {
                return;
            }
            self.left -= bytes;
            if self.left == 0 && matches!(self.pattern, Pattern::Short) {
                self.next = Some(now + pause(&mut self.rng));
            }
        }
    }

    fn drain(&mut self) {
        for end in &mut self.ends {
            while end.poll_event().is_some() {}
            while end.poll_departed().is_some() {}
            while end.poll_inbound().is_some() {}
        }
    }
}

impl Flow for Cross {
    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        let timers = self.ends.iter().filter_map(Association::poll_timeout);
        timers.chain(self.next).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        for end in &mut self.ends {
            end.handle_timeout(now);
        }
    }

    fn handle_arrival(&mut self, now: Instant, way: Way, arrived: Arrived) {
        let Content::Sctp(bytes) = &arrived.packet.content else {
            return;
        };
        let end = match way {
            Way::Forward => {
                self.arrivals.push((now, arrived.packet.size));
                1
            }
            Way::Back => 0,
        };
        self.ends[end].handle_packet(now, bytes);
        self.drain();
    }

    fn poll_packet(&mut self, now: Instant) -> Option<(Way, Packet)> {
        self.feed(now);
        self.drain();
        for (way, end) in [Way::Forward, Way::Back].into_iter().zip(&mut self.ends) {
            self.packet.clear();
            if end.poll_packet(now, &mut self.packet) {
                let packet = Packet {
                    flow: self.id,
                    size: self.packet.len() + OVERHEAD,
                    ecn: Ecn::NotEct,
                    sent: now,
                    content: Content::Sctp(self.packet.clone()),
                };
                return Some((way, packet));
            }
        }
        None
    }

    fn delay(&self, _now: Instant) -> Duration {
        self.delay
    }
}

fn pause(rng: &mut Rng) -> Duration {
    Duration::from_secs_f64(-PAUSE * float::ln(1.0 - rng.unit()))
}

const MESSAGE: usize = 16 << 10;
const BUFFER: usize = 256 << 10;
/// UDP, IP and DTLS.
const OVERHEAD: usize = 40;
const FILE_MIN: usize = 100_000;
const FILE_SPREAD: u32 = 900_000;
const PAUSE: f64 = 10.0;
