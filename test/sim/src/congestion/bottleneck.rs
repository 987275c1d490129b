use std::time::Duration;

use duologue_base::{Instant, Rng};
use duologue_media::cc::Bitrate;

use super::aqm::{Queue, Waiting};
use super::arena::Packet;
use crate::Burst;

/// A link whose rate follows a schedule, with a queue before it and losses behind it.
#[derive(Clone, Debug)]
pub struct Bottleneck {
    schedule: Vec<(Instant, Bitrate)>,
    queue: Queue,
    impairments: Impairments,
}

/// What happens to packets behind the queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Impairments {
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Losses in bursts, besides.
    pub burst: Option<Burst>,
    /// Up to this much more delay, without reordering.
    pub jitter: Duration,
}

impl Bottleneck {
    /// Of a rate that stays, with room for 300 ms (RFC 8867 §4.2).
    pub fn new(rate: Bitrate) -> Self {
        Bottleneck {
            schedule: vec![(Instant::ZERO, rate)],
            queue: Queue::TailDrop(Duration::from_millis(300)),
            impairments: Impairments::default(),
        }
    }

    /// From then on it has another rate.
    #[must_use]
    pub fn then(mut self, at: Instant, rate: Bitrate) -> Self {
        self.schedule.push((at, rate));
        self
    }

    /// Another queue.
    #[must_use]
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queue = queue;
        self
    }

    /// Losses and jitter.
    #[must_use]
    pub fn impairments(mut self, impairments: Impairments) -> Self {
        self.impairments = impairments;
        self
    }

    /// Its rate at a point.
    pub fn rate_at(&self, at: Instant) -> Bitrate {
        let past = self.schedule.iter().rev().find(|(from, _)| *from <= at);
        past.or(self.schedule.first())
            .map_or(Bitrate::MAX, |(_, rate)| *rate)
    }

    /// Bits that it can carry between two points.
    pub fn capacity(&self, from: Instant, to: Instant) -> f64 {
        let mut bits = 0.0;
        for (index, (begin, rate)) in self.schedule.iter().enumerate() {
            let end = self.schedule.get(index + 1).map_or(to, |(end, _)| *end);
            let time = end.min(to) - (*begin).max(from);
            bits += rate.bps() as f64 * time.as_secs_f64();
        }
        bits
    }

    /// When a packet that begins to leave at `from` has left.
    fn served(&self, from: Instant, bytes: usize) -> Instant {
        let mut left = bytes as f64 * 8.0;
        let mut at = from;
        loop {
            let rate = self.rate_at(at).bps() as f64;
            let end = at + Duration::from_secs_f64(left / rate.max(1.0));
            let change = self.schedule.iter().map(|(change, _)| *change);
            match change.filter(|change| *change > at).min() {
                Some(change) if change < end => {
                    left -= rate * (change - at).as_secs_f64();
                    at = change;
                }
                _ => return end,
            }
        }
    }
}

/// A bottleneck at work.
#[derive(Debug)]
pub(super) struct Running {
    link: Bottleneck,
    waiting: Waiting,
    /// The packet that is leaving, since when it had waited, and when it has left.
    leaving: Option<(Instant, Duration, Packet)>,
    /// The last one that left with jitter.
    last_out: Instant,
    bad: bool,
    rng: Rng,
    pub(super) dropped: u64,
}

/// A packet that has left, and how long it waited.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) at: Instant,
    pub(super) waited: Duration,
    pub(super) packet: Packet,
}

impl Running {
    pub(super) fn new(link: Bottleneck, mut rng: Rng) -> Self {
        Running {
            waiting: Waiting::new(link.queue.clone(), rng.fork()),
            link,
            leaving: None,
            last_out: Instant::ZERO,
            bad: false,
            rng,
            dropped: 0,
        }
    }

    pub(super) fn link(&self) -> &Bottleneck {
        &self.link
    }

    pub(super) fn push(&mut self, now: Instant, packet: Packet) {
        let rate = self.link.rate_at(now);
        if !self.waiting.push(now, packet, rate) {
            self.dropped += 1;
        }
        self.begin(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.leaving.as_ref().map(|(at, ..)| *at)
    }

    /// The next packet that has left by now and was not lost.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Left> {
        while self.leaving.as_ref().is_some_and(|(at, ..)| *at <= now) {
            let (at, waited, packet) = self.leaving.take()?;
            self.begin(at);
            if self.is_unlucky() {
                self.dropped += 1;
                continue;
            }
            let jitter = self.link.impairments.jitter.mul_f64(self.rng.unit());
            self.last_out = self.last_out.max(at + jitter);
            return Some(Left {
                at: self.last_out,
                waited,
                packet,
            });
        }
        None
    }

    fn begin(&mut self, now: Instant) {
        if self.leaving.is_some() || self.waiting.is_empty() {
            return;
        }
        if let Some((since, packet)) = self.waiting.pop(now, &mut self.dropped) {
            let at = self.link.served(now, packet.size);
            self.leaving = Some((at, now - since, packet));
        }
    }

    fn is_unlucky(&mut self) -> bool {
        let Impairments { loss, burst, .. } = self.link.impairments;
        if let Some(burst) = burst {
            let turn = if self.bad { burst.leave } else { burst.enter };
            if self.rng.unit() < turn {
                self.bad = !self.bad;
            }
        }
        self.bad || self.rng.unit() < loss
    }
}
