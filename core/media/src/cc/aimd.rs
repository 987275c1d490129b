//! The rate that delay allows: up while it stays, down when it grows.

use std::time::Duration;

use duologue_base::{Instant, float};

use super::{Bitrate, Reason, Usage};

/// Additive increase near the capacity that earlier overuse showed, multiplicative increase far from
/// it, and a decrease to 85 % of what arrives (draft-ietf-rmcat-gcc-02 §5.5).
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Aimd, Bitrate, Standing, Usage};
/// use std::time::Duration;
///
/// let mut aimd = Aimd::new(Bitrate::from_kbps(1_000));
/// let now = Instant::ZERO + Duration::from_secs(1);
/// let arrives = Some(Bitrate::from_kbps(800));
/// aimd.update(now, Usage::Over, arrives, Standing::Long);
/// assert_eq!(aimd.rate(), Bitrate::from_kbps(675)); // 85 % of 800, and 5 less
/// ```
#[derive(Debug)]
pub struct Aimd {
    min: Bitrate,
    rate: Bitrate,
    /// What arrived when it was last known.
    arrives: Bitrate,
    capacity: Capacity,
    state: State,
    rtt: Duration,
    changed: Option<Instant>,
    decreased: Option<Instant>,
    /// What arrived at the last overuse, until its queue has drained.
    draining: Option<Bitrate>,
    reason: Reason,
}

/// The queue, as far as the least delay shows it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// No queue to speak of.
    #[default]
    Empty,
    /// A queue as long as is bearable.
    Bearable,
    /// A queue too long for more to be sent than now.
    Long,
    /// A queue that other flows keep, whatever we do.
    Crowded,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Hold,
    Increase,
}

impl Aimd {
    /// Begins at this rate.
    pub fn new(start: Bitrate) -> Self {
        Aimd {
            min: Bitrate::from_bps(crate::limits::RATE_MIN),
            rate: start,
            arrives: start,
            capacity: Capacity::default(),
            state: State::Hold,
            rtt: RTT_DEFAULT,
            changed: None,
            decreased: None,
            draining: None,
            reason: Reason::Start,
        }
    }

    /// The rate that delay allows.
    pub fn rate(&self) -> Bitrate {
        self.rate
    }

    /// What last changed the rate.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What earlier overuse says that the path carries.
    pub fn capacity(&self) -> Option<Bitrate> {
        self.capacity.estimate()
    }

    /// When the rate was last decreased.
    pub fn decreased(&self) -> Option<Instant> {
        self.decreased
    }

    /// Sets the rate that the controller never goes below.
    pub fn set_min(&mut self, min: Bitrate) {
        self.min = min;
        self.rate = self.rate.max(min);
    }

    /// The round-trip time, which says how soon an increase shows.
    pub fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// Somebody else knows better: a probe, or the application.
    pub fn set_rate(&mut self, now: Instant, rate: Bitrate, reason: Reason) {
        if rate < self.rate {
            self.decreased = Some(now);
        }
        self.rate = rate.max(self.min);
        self.changed = Some(now);
        self.reason = reason;
    }

    /// Whether the last decrease has had time to show, or was far too small.
    pub fn may_decrease(&self, now: Instant, arrives: Option<Bitrate>) -> bool {
        let interval = self.rtt.clamp(DECREASE_MIN, DECREASE_MAX);
        let waited = self.decreased.is_none_or(|at| now - at >= interval);
        waited || arrives.is_some_and(|arrives| arrives < self.rate * 0.5)
    }

    /// The delay says this of the path, so much arrives, and so long the queue is.
    pub fn update(
        &mut self,
        now: Instant,
        usage: Usage,
        arrives: Option<Bitrate>,
        standing: Standing,
    ) {
        self.arrives = arrives.unwrap_or(self.arrives);
        if usage == Usage::Over {
            self.decrease(now, BACK_OFF);
            return;
        }
        if standing == Standing::Empty
            && let Some(carried) = self.draining.take()
        {
            let rate = carried * DRAINED;
            if rate > self.rate {
                self.set_rate(now, rate, Reason::Drained);
            }
        }
        if usage == Usage::Under || standing == Standing::Long {
            self.state = State::Hold;
            return;
        }
        if self.state == State::Hold {
            self.state = State::Increase;
            self.changed = Some(now);
        }
        self.increase(now, standing);
    }

    /// A queue grew, which is to drain at this share of what arrives.
    pub fn handle_overuse(&mut self, now: Instant, arrives: Bitrate, share: f64) {
        self.arrives = arrives;
        self.decrease(now, share.clamp(0.1, 1.0));
    }

    /// A queue stands, while so much arrives, of which this share drains it.
    pub fn handle_queue(&mut self, now: Instant, arrives: Bitrate, share: f64) {
        let rate = arrives * share.clamp(0.1, 1.0);
        if rate < self.rate {
            self.capacity.push(arrives);
            self.draining = Some(arrives);
            self.set_rate(now, rate, Reason::Queue);
        }
    }

    /// Overuse before anything is known of what arrives.
    pub fn halve(&mut self, now: Instant) {
        self.set_rate(now, self.rate * 0.5, Reason::Overuse);
    }

    fn increase(&mut self, now: Instant, standing: Standing) {
        if self.capacity.is_below(self.arrives) {
            self.capacity = Capacity::default();
        }
        let limit = self.arrives * INCREASE_LIMIT + INCREASE_SLACK;
        if self.rate < limit {
            let time = self.changed.map_or(Duration::ZERO, |at| now - at);
            let (step, reason) = if self.capacity.estimate().is_some() {
                (self.additive_step(time, standing), Reason::NearCapacity)
            } else {
                (self.multiplicative_step(time), Reason::Increase)
            };
            self.rate = (self.rate + step).min(limit).max(self.min);
            self.reason = reason;
        }
        self.changed = Some(now);
    }

    fn decrease(&mut self, now: Instant, share: f64) {
        let mut reduced = self.arrives * share;
        if reduced > DECREASE_EXTRA {
            reduced = reduced - DECREASE_EXTRA;
        }
        if reduced > self.rate
            && let Some(capacity) = self.capacity.estimate()
        {
            reduced = capacity * share;
        }
        if self.capacity.is_above(self.arrives) {
            self.capacity = Capacity::default();
        }
        self.capacity.push(self.arrives);
        self.draining = Some(self.arrives);

        self.rate = reduced.min(self.rate).max(self.min);
        self.state = State::Hold;
        self.changed = Some(now);
        self.decreased = Some(now);
        self.reason = Reason::Overuse;
    }

    fn multiplicative_step(&self, time: Duration) -> Bitrate {
        let growth = float::pow(GROWTH_PER_SECOND, time.as_secs_f64().min(1.0)) - 1.0;
        (self.rate * growth).max(MULTIPLICATIVE_STEP_MIN)
    }

    /// About one packet in twice the time that an increase takes to show; three while there is no queue,
    /// four beside flows that keep one.
    /// Flows with long round trips are not to have less for it, so that theirs count for no more than
    /// 100 ms.
    fn additive_step(&self, time: Duration, standing: Standing) -> Bitrate {
        let frame = self.rate.bytes_in(FRAME_INTERVAL) as f64;
        let packets = (frame / PACKET_SIZE).ceil().max(1.0);
        let response = (self.rtt.min(RESPONSE_MAX) + DETECTION_TIME) * 2;
        let steps = if standing == Standing::Empty {
            2.0
        } else {
            1.0
        };
        let per_second = steps * frame / packets * 8.0 / response.as_secs_f64();
        Bitrate::from_bps((per_second.max(ADDITIVE_MIN) * time.as_secs_f64()) as u64)
    }
}

/// What overuse showed the path to carry: a mean and how far the samples lie around it.
#[derive(Debug, Default)]
struct Capacity {
    kbps: Option<f64>,
    /// Of the samples, by the mean.
    deviation: f64,
}

impl Capacity {
    fn push(&mut self, rate: Bitrate) {
        let (sample, weight) = (rate.kbps(), CAPACITY_WEIGHT);
        let mean = match self.kbps {
            None => {
                self.deviation = DEVIATION_MIN;
                sample
            }
            Some(mean) => (1.0 - weight) * mean + weight * sample,
        };
        self.kbps = Some(mean);
        let error = mean - sample;
        self.deviation = (1.0 - weight) * self.deviation + weight * error * error / mean.max(1.0);
        self.deviation = self.deviation.clamp(DEVIATION_MIN, DEVIATION_MAX);
    }

    fn estimate(&self) -> Option<Bitrate> {
        Some(Bitrate::from_bps((self.kbps? * 1e3) as u64))
    }

    fn is_below(&self, rate: Bitrate) -> bool {
        self.kbps
            .is_some_and(|mean| rate.kbps() > mean + self.margin(mean))
    }

    fn is_above(&self, rate: Bitrate) -> bool {
        self.kbps
            .is_some_and(|mean| rate.kbps() < mean - self.margin(mean))
    }

    fn margin(&self, mean: f64) -> f64 {
        3.0 * (self.deviation * mean).sqrt()
    }
}

const RTT_DEFAULT: Duration = Duration::from_millis(200);
const BACK_OFF: f64 = 0.85;
/// Ours: what is gone back to once the queue has drained, of what arrived while it grew.
const DRAINED: f64 = 0.95;
const DECREASE_EXTRA: Bitrate = Bitrate::from_kbps(5);
const DECREASE_MIN: Duration = Duration::from_millis(10);
const DECREASE_MAX: Duration = Duration::from_millis(200);
const INCREASE_LIMIT: f64 = 1.5;
const INCREASE_SLACK: Bitrate = Bitrate::from_kbps(10);
const GROWTH_PER_SECOND: f64 = 1.08;
const MULTIPLICATIVE_STEP_MIN: Bitrate = Bitrate::from_kbps(1);
/// Bits per second, each second.
const ADDITIVE_MIN: f64 = 4_000.0;
const FRAME_INTERVAL: Duration = Duration::from_nanos(33_333_333);
const PACKET_SIZE: f64 = 1_200.0;
const RESPONSE_MAX: Duration = Duration::from_millis(100);
/// How long it takes to see that a queue grows.
const DETECTION_TIME: Duration = Duration::from_millis(100);
const CAPACITY_WEIGHT: f64 = 0.05;
const DEVIATION_MIN: f64 = 0.4;
const DEVIATION_MAX: f64 = 2.5;
