//! The delay-based half of GCC: groups, their slope, what it says, and the rate that follows.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::overuse::THRESHOLD_MIN;
use super::time::ms_between;
use super::{Aimd, Bitrate, Groups, Overuse, PacketResult, Reason, Standing, Trendline, Usage};

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
        if !arrived.is_empty() {
            self.queue.begin();
        }
        for packet in arrived {
            update.recovered |= self.push(now, packet);
        }
        if arrived.is_empty() {
            return update;
        }

        if self.usage() == Usage::Over {
            self.decrease(now, rates);
        } else if let Some(probe) = rates.probe {
            self.aimd.set_rate(now, probe, Reason::Probe);
            update.probed = true;
        } else {
            let standing = self.standing();
            self.aimd.update(now, self.usage(), rates.arrives, standing);
            if standing == Standing::Long && self.usage() == Usage::Normal {
                self.shorten(now, rates);
            }
        }
        update
    }

    fn decrease(&mut self, now: Instant, rates: Rates) {
        if !self.aimd.may_decrease(now, rates.arrives) {
            return;
        }
        // While a queue grows, what arrives is what the path carries: the shorter the time over which
        // it is measured, the sooner it shows another capacity.
        let crowded = self.is_crowded();
        let arrives = if crowded {
            rates.arrives.max(rates.lately)
        } else {
            rates.lately.or(rates.arrives)
        };
        match arrives {
            Some(arrives) => {
                let drain = self.queue.current().as_secs_f64() / DRAIN_TIME.as_secs_f64();
                let share = if crowded {
                    SHARE_CROWDED
                } else {
                    (SHARE_ALONE - drain).max(DRAIN_MIN)
                };
                self.aimd.handle_overuse(now, arrives, share);
            }
            None => self.aimd.halve(now),
        }
    }

    /// A queue stands that does not grow: a little less than what arrives, and it drains. Where the path
    /// carries a small part of what it did, so few packets come that their slope takes most of a second
    /// to show; the queue shows it with each of them, and what came last is all that it carries.
    fn shorten(&mut self, now: Instant, rates: Rates) {
        let collapsed = self.queue.grows()
            && rates
                .lately
                .is_some_and(|lately| rates.arrives.is_some_and(|arrives| lately < arrives * 0.5));
        let (arrives, may) = if collapsed {
            (rates.lately, self.aimd.may_decrease(now, rates.lately))
        } else {
            let arrives = rates.arrives.max(rates.lately);
            (arrives, self.aimd.may_decrease(now, None))
        };
        if let Some(arrives) = arrives.filter(|_| may) {
            let drain = self.queue.current().as_secs_f64() / DRAIN_TIME.as_secs_f64();
            let share = (SHARE_STANDING - drain).max(DRAIN_MIN);
            self.aimd.handle_queue(now, arrives, share);
        }
    }

    /// The queue has not been short for seconds, whatever we did: another flow keeps it, and to make
    /// room would only make room for that.
    fn is_crowded(&self) -> bool {
        self.queue.least_lately() > CROWDED_MS
    }

    /// The queue in which we have three packets of our own: flows that share one give way to those
    /// that have less of it. It is longer where the threshold had to be raised.
    fn bearable_ms(&self) -> f64 {
        let own = self.aimd.rate().time_for(QUEUE_BYTES).as_secs_f64() * 1e3;
        let raised = self.overuse.threshold() / THRESHOLD_MIN;
        own.clamp(QUEUE_LONG_MIN_MS, QUEUE_LONG_MAX_MS) * raised
    }

    fn standing(&self) -> Standing {
        let queue = self.queue.current().as_secs_f64() * 1e3;
        if queue < QUEUE_EMPTY_MS {
            Standing::Empty
        } else if self.is_crowded() {
            Standing::Crowded
        } else if queue > self.bearable_ms() {
            Standing::Long
        } else {
            Standing::Bearable
        }
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

/// One-way delay above the least of the last two minutes. The clocks differ by an unknown that both
/// have in common.
#[derive(Debug, Default)]
struct QueueDelay {
    /// The least delay in ms of each stretch of three seconds, and when it began.
    least: VecDeque<(Instant, f64)>,
    /// The least of the last feedback.
    latest: f64,
    /// That of the one before, and of how many in a row each was longer than the one before it.
    before: f64,
    grown: u32,
    /// The least of each half second of the last two and a half.
    lately: VecDeque<(Instant, f64)>,
}

impl QueueDelay {
    /// Other feedback begins.
    fn begin(&mut self) {
        let grows = self.latest.is_finite() && self.latest > self.before + GROWN_MS;
        self.grown = if grows {
            self.grown.saturating_add(1)
        } else {
            0
        };
        self.before = self.latest;
        self.latest = f64::INFINITY;
    }

    /// It has been longer with each of the last feedbacks. A path that became longer does that once.
    fn grows(&self) -> bool {
        self.grown >= GROWN_COUNT && self.latest > self.before + GROWN_MS
    }

    fn push(&mut self, now: Instant, delay: f64) {
        self.latest = self.latest.min(delay);
        keep_least(&mut self.least, now, delay, QUEUE_STRETCH, QUEUE_STRETCHES);
        keep_least(
            &mut self.lately,
            now,
            delay,
            LATELY_STRETCH,
            LATELY_STRETCHES,
        );
        self.settle(now);
    }

    fn current(&self) -> Duration {
        let above = self.latest - self.base();
        if !above.is_finite() {
            return Duration::ZERO;
        }
        Duration::from_secs_f64((above / 1e3).clamp(0.0, 3_600.0))
    }

    /// Milliseconds of the least queue of the last two and a half seconds.
    fn least_lately(&self) -> f64 {
        if self.lately.len() < LATELY_STRETCHES {
            return 0.0;
        }
        let least = self.lately.iter().map(|(_, least)| *least);
        least.fold(f64::INFINITY, f64::min) - self.base()
    }

    /// A delay that stays the same for seconds, to a few milliseconds, is no queue, which goes up and
    /// down with those that keep it: the path has become longer.
    fn settle(&mut self, now: Instant) {
        if self.lately.len() < LATELY_STRETCHES {
            return;
        }
        let lately = || self.lately.iter().rev().take(STEADY_STRETCHES);
        let least = lately().fold(f64::INFINITY, |least, (_, one)| least.min(*one));
        let most = lately().fold(f64::NEG_INFINITY, |most, (_, one)| most.max(*one));
        if least - self.base() > CROWDED_MS && most - least < STEADY_MS {
            self.least.clear();
            self.least.push_back((now, least));
        }
    }

    fn base(&self) -> f64 {
        let least = self.least.iter().map(|(_, least)| *least);
        least.fold(self.latest, f64::min)
    }
}

/// Keeps the least of each stretch of the last few.
fn keep_least(
    stretches: &mut VecDeque<(Instant, f64)>,
    now: Instant,
    delay: f64,
    length: Duration,
    count: usize,
) {
    match stretches.back_mut() {
        Some((begun, least)) if now - *begun < length => *least = least.min(delay),
        _ => stretches.push_back((now, delay)),
    }
    if stretches.len() > count {
        stretches.pop_front();
    }
}

/// A queue is empty below this, and too long when we have so many bytes in it, within bounds.
const QUEUE_EMPTY_MS: f64 = 5.0;
const QUEUE_BYTES: usize = 3_600;
const QUEUE_LONG_MIN_MS: f64 = 15.0;
const QUEUE_LONG_MAX_MS: f64 = 25.0;
/// What comes of few packets is no growth, nor is that of a single feedback.
const GROWN_MS: f64 = 10.0;
const GROWN_COUNT: u32 = 2;
/// A path whose queue is never below this is crowded.
const CROWDED_MS: f64 = 20.0;
/// And one that varies less has become longer.
const STEADY_MS: f64 = 5.0;
/// After overuse so much of what arrives is sent: what empties the queue in a second, but not below
/// half; beside flows that would only fill it again, nearly all.
const SHARE_ALONE: f64 = 0.95;
const SHARE_STANDING: f64 = 0.98;
const SHARE_CROWDED: f64 = 0.98;
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_MIN: f64 = 0.5;
const STREAM_TIMEOUT: Duration = Duration::from_secs(2);
const QUEUE_STRETCH: Duration = Duration::from_secs(10);
const QUEUE_STRETCHES: usize = 12;
const LATELY_STRETCH: Duration = Duration::from_millis(500);
const LATELY_STRETCHES: usize = 5;
const STEADY_STRETCHES: usize = 5;
