//! The delay-based half of GCC: groups, their slope, what it says, and the rate that follows.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::time::ms_between;
use super::{Aimd, Bitrate, Groups, Overuse, PacketResult, Reason, Trendline, Usage};

/// The rate that delay allows.
#[derive(Debug)]
pub(super) struct DelayBased {
    groups: Groups,
    trendline: Trendline,
    overuse: Overuse,
    pub(super) aimd: Aimd,
    queue: QueueDelay,
    last_heard: Option<Instant>,
}

/// What came of one feedback.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct DelayUpdate {
    /// A probe set the rate.
    pub(super) probed: bool,
    /// The delay went back to normal after a queue had drained.
    pub(super) recovered: bool,
}

impl DelayBased {
    pub(super) fn new(start: Bitrate, min: Bitrate) -> Self {
        let mut aimd = Aimd::new(start);
        aimd.set_min(min);
        DelayBased {
            groups: Groups::default(),
            trendline: Trendline::default(),
            overuse: Overuse::default(),
            aimd,
            queue: QueueDelay::default(),
            last_heard: None,
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.overuse.usage()
    }

    /// How long packets wait in queues, as far as the least delay shows it.
    pub(super) fn queue(&self) -> Duration {
        self.queue.current()
    }

    /// Packets that arrived, by arrival.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        arrived: &[PacketResult],
        rates: Rates,
    ) -> DelayUpdate {
        let mut update = DelayUpdate::default();
        for packet in arrived {
            update.recovered |= self.push(now, packet);
        }
        if arrived.is_empty() {
            return update;
        }

        if self.usage() == Usage::Over {
            if rates.arrives.is_some() {
                if self.aimd.may_decrease(now, rates.arrives) {
                    self.aimd.update(now, Usage::Over, rates.arrives_lately());
                }
            } else if self.aimd.may_decrease(now, None) {
                self.aimd.halve(now);
            }
        } else if let Some(probe) = rates.probe {
            self.aimd.set_rate(now, probe, Reason::Probe);
            update.probed = true;
        } else {
            self.aimd.update(now, self.usage(), rates.arrives);
        }
        update
    }

    /// Whether the delay went back to normal with this packet.
    fn push(&mut self, now: Instant, packet: &PacketResult) -> bool {
        let silent = self.last_heard.is_some_and(|at| now - at > STREAM_TIMEOUT);
        if silent {
            self.groups = Groups::default();
            self.trendline = Trendline::default();
            self.overuse = Overuse::default();
        }
        self.last_heard = Some(now);
        if let Some(arrival) = packet.arrival {
            self.queue.push(now, ms_between(packet.sent, arrival));
        }

        let before = self.usage();
        if let Some(delta) = self.groups.push(now, packet) {
            let slope = self.trendline.push(&delta);
            self.overuse
                .push(delta.at, slope, self.trendline.groups(), delta.sent);
        }
        before == Usage::Under && self.usage() == Usage::Normal
    }
}

/// The rates that go with feedback.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    /// What arrives.
    pub(super) arrives: Option<Bitrate>,
    /// What arrived in the last fifth of a second.
    pub(super) lately: Option<Bitrate>,
    /// What a probe showed.
    pub(super) probe: Option<Bitrate>,
}

impl Rates {
    /// The smaller one: a path that became slower shows in the shorter time first.
    fn arrives_lately(&self) -> Option<Bitrate> {
        match (self.arrives, self.lately) {
            (Some(arrives), Some(lately)) => Some(arrives.min(lately)),
            (arrives, lately) => arrives.or(lately),
        }
    }
}

/// One-way delay above the least of the last half minute. The clocks differ by an unknown that both
/// have in common.
#[derive(Debug, Default)]
struct QueueDelay {
    /// The least delay in ms of each stretch of three seconds, and when it began.
    least: VecDeque<(Instant, f64)>,
    latest: f64,
}

impl QueueDelay {
    fn push(&mut self, now: Instant, delay: f64) {
        self.latest = delay;
        match self.least.back_mut() {
            Some((begun, least)) if now - *begun < QUEUE_STRETCH => *least = least.min(delay),
            _ => self.least.push_back((now, delay)),
        }
        if self.least.len() > QUEUE_STRETCHES {
            self.least.pop_front();
        }
    }

    fn current(&self) -> Duration {
        let least = self.least.iter().map(|(_, least)| *least);
        let base = least.fold(self.latest, f64::min);
        Duration::from_secs_f64(((self.latest - base) / 1e3).clamp(0.0, 3_600.0))
    }
}

const STREAM_TIMEOUT: Duration = Duration::from_secs(2);
const QUEUE_STRETCH: Duration = Duration::from_secs(3);
const QUEUE_STRETCHES: usize = 10;
