use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Ecn, Instant, Rng};
use duologue_media::cc::Bitrate;

use super::arena::Packet;

/// How a bottleneck keeps its queue.
#[derive(Clone, Debug)]
pub enum Queue {
    /// What would wait longer than this is dropped.
    TailDrop(Duration),
    /// RFC 8289.
    CoDel(CoDel),
    /// RFC 9332: a queue for L4S beside the classic one.
    DualPi2(DualPi2),
}

/// The state of CoDel (RFC 8289 §5), with ECN.
#[derive(Clone, Debug)]
pub struct CoDel {
    /// Sojourn times above this, over an interval, are too long.
    pub target: Duration,
    /// About a round trip of the flows.
    pub interval: Duration,
    first_above: Option<Instant>,
    dropping: bool,
    drop_next: Instant,
    count: u32,
    last_count: u32,
}

impl Default for CoDel {
    /// RFC 8289 §4.3 and §4.4: 5 ms in 100 ms.
    fn default() -> Self {
        CoDel {
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
            first_above: None,
            dropping: false,
            drop_next: Instant::ZERO,
            count: 0,
            last_count: 0,
        }
    }
}

impl CoDel {
    /// Whether a packet that leaves after so long is to be dropped, or marked; `backlog` is what
    /// waits behind it.
    fn takes(&mut self, now: Instant, sojourn: Duration, backlog: usize) -> bool {
        let ok = self.is_too_long(now, sojourn, backlog);
        if self.dropping {
            if !ok {
                self.dropping = false;
                return false;
            }
            if now < self.drop_next {
                return false;
            }
            self.count += 1;
            self.drop_next += self.step();
            return true;
        }
        if !ok {
            return false;
        }
        self.dropping = true;
        let recent = now < self.drop_next + self.interval * 16;
        let delta = self.count.saturating_sub(self.last_count);
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.last_count = self.count;
        self.drop_next = now + self.step();
        true
    }

    fn is_too_long(&mut self, now: Instant, sojourn: Duration, backlog: usize) -> bool {
        if sojourn < self.target || backlog <= MTU {
            self.first_above = None;
            return false;
        }
        match self.first_above {
            None => {
                self.first_above = Some(now + self.interval);
                false
            }
            Some(at) => now >= at,
        }
    }

    fn step(&self) -> Duration {
        self.interval.div_f64(f64::from(self.count).sqrt())
    }
}

/// The state of DualPI2 (RFC 9332 Appendix A).
#[derive(Clone, Debug)]
pub struct DualPi2 {
    /// Packets of L4S that wait longer are marked, if another waits with them.
    pub step: Duration,
    /// What the classic queue is held at.
    pub target: Duration,
    probability: f64,
    last_delay: f64,
    updated: Instant,
    low: VecDeque<(Instant, Packet)>,
    low_bytes: usize,
}

impl Default for DualPi2 {
    /// As Linux has it: a step at 1 ms, a target of 15 ms.
    fn default() -> Self {
        DualPi2 {
            step: Duration::from_millis(1),
            target: Duration::from_millis(15),
            probability: 0.0,
            last_delay: 0.0,
            updated: Instant::ZERO,
            low: VecDeque::new(),
            low_bytes: 0,
        }
    }
}

impl DualPi2 {
    /// RFC 9332 §A.1: a proportional-integral controller of the longer queueing delay.
    fn update(&mut self, now: Instant, classic: Option<Instant>) {
        while now - self.updated >= PI_INTERVAL {
            self.updated += PI_INTERVAL;
            let wait = |since: Instant| (now - since).as_secs_f64();
            let low = self.low.front().map_or(0.0, |(since, _)| wait(*since));
            let delay = classic.map_or(0.0, wait).max(low);
            let target = self.target.as_secs_f64();
            self.probability += PI_ALPHA * (delay - target) + PI_BETA * (delay - self.last_delay);
            self.probability = self.probability.clamp(0.0, 1.0);
            self.last_delay = delay;
        }
    }
}

/// What waits at a bottleneck.
#[derive(Debug)]
pub(super) struct Waiting {
    discipline: Queue,
    packets: VecDeque<(Instant, Packet)>,
    bytes: usize,
    rng: Rng,
}

impl Waiting {
    pub(super) fn new(discipline: Queue, rng: Rng) -> Self {
        Waiting {
            discipline,
            packets: VecDeque::new(),
            bytes: 0,
            rng,
        }
    }

    /// Whether it takes the packet.
    pub(super) fn push(&mut self, now: Instant, packet: Packet, rate: Bitrate) -> bool {
        let longest = match &mut self.discipline {
            Queue::TailDrop(longest) => *longest,
            Queue::CoDel(_) => QUEUE_MAX,
            Queue::DualPi2(dual) => {
                if matches!(packet.ecn, Ecn::Ect1 | Ecn::Ce) {
                    dual.low_bytes += packet.size;
                    dual.low.push_back((now, packet));
                    return true;
                }
                QUEUE_MAX
            }
        };
        // One packet may always wait, however slow the link is.
        if self.bytes > 0 && rate.time_for(self.bytes + packet.size) > longest {
            return false;
        }
        self.bytes += packet.size;
        self.packets.push_back((now, packet));
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        let low = match &self.discipline {
            Queue::DualPi2(dual) => dual.low.is_empty(),
            _ => true,
        };
        self.packets.is_empty() && low
    }

    /// The next packet to be sent and since when it has waited; those that the queue drops on the way
    /// are counted.
    pub(super) fn pop(&mut self, now: Instant, dropped: &mut u64) -> Option<(Instant, Packet)> {
        loop {
            if let Some(low) = self.pop_low(now) {
                return Some(low);
            }
            let (since, mut packet) = self.packets.pop_front()?;
            self.bytes -= packet.size;
            let taken = match &mut self.discipline {
                Queue::TailDrop(_) => false,
                Queue::CoDel(codel) => codel.takes(now, now - since, self.bytes),
                Queue::DualPi2(dual) => self.rng.unit() < dual.probability.powi(2),
            };
            if !taken {
                return Some((since, packet));
            }
            if packet.ecn != Ecn::NotEct {
                packet.ecn = Ecn::Ce;
                return Some((since, packet));
            }
            *dropped += 1;
        }
    }

    /// RFC 9332 §4.2.2: the queue of L4S first, unless the other has waited 50 ms longer.
    fn pop_low(&mut self, now: Instant) -> Option<(Instant, Packet)> {
        let Queue::DualPi2(dual) = &mut self.discipline else {
            return None;
        };
        let classic = self.packets.front().map(|(since, _)| *since);
        dual.update(now, classic);
        let since = dual.low.front()?.0;
        if classic.is_some_and(|classic| classic + DUAL_SHIFT < since) {
            return None;
        }
        let (since, mut packet) = dual.low.pop_front()?;
        dual.low_bytes -= packet.size;
        let step = now - since > dual.step && dual.low_bytes + packet.size > MTU;
        let coupled = self.rng.unit() < COUPLING * dual.probability;
        if step || coupled {
            packet.ecn = Ecn::Ce;
        }
        Some((since, packet))
    }
}

const MTU: usize = 1_500;
/// No queue with management holds more.
const QUEUE_MAX: Duration = Duration::from_secs(1);
const PI_INTERVAL: Duration = Duration::from_millis(16);
const PI_ALPHA: f64 = 0.16;
const PI_BETA: f64 = 3.2;
const COUPLING: f64 = 2.0;
const DUAL_SHIFT: Duration = Duration::from_millis(50);
