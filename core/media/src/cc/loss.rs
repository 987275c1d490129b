//! The rate that losses allow: the most likely pair of a bandwidth and a loss of the path's own.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Instant, float};

use super::{Bitrate, PacketResult};

/// What losses say of the rate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LossEstimate {
    /// The rate that losses allow.
    pub rate: Bitrate,
    /// Whether losses limit the rate.
    pub state: LossState,
}

/// How losses limit the rate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LossState {
    /// Losses do not limit the rate: delay does.
    #[default]
    Free,
    /// The rate goes up again. Padding shows what the media do not need.
    Increasing,
    /// The rate goes down or is held.
    Decreasing,
}

/// Takes losses for those of a path with an unknown bandwidth and an unknown share that it loses
/// whatever is sent, and looks for the most likely pair among a few candidates around the last one,
/// over 15 observations of 250 ms each (libwebrtc's loss-based estimator, version 2).
///
/// A path that loses 5 % at any rate costs no rate then; one that loses what exceeds its bandwidth
/// does.
#[derive(Debug)]
pub struct LossBased {
    min: Bitrate,
    max: Bitrate,
    arrives: Option<Bitrate>,
    delay_limit: Option<Bitrate>,
    best: Option<Channel>,
    observations: VecDeque<Observation>,
    /// Observations over the life of the estimator.
    observed: u64,
    open: Open,
    /// When the last packet of the newest observation was sent.
    last_sent: Option<Instant>,
    average_loss: f64,
    result: LossEstimate,
    hold: Hold,
    padding: Option<(Instant, f64)>,
    recovering: Option<Recovering>,
}

/// A candidate: bits per second, and the share lost whatever is sent.
#[derive(Clone, Copy, Debug)]
struct Channel {
    bandwidth: f64,
    loss: f64,
}

#[derive(Clone, Copy, Debug)]
struct Observation {
    size: f64,
    lost: f64,
    /// Bits per second.
    rate: f64,
}

/// Packets of an observation that is not long enough yet.
#[derive(Debug, Default)]
struct Open {
    size: usize,
    lost: usize,
    /// The packets taken for lost; they may still arrive.
    missing: VecDeque<(u64, usize)>,
}

/// After a decrease the rate is not to rise above what it fell to, for longer each time.
#[derive(Debug)]
struct Hold {
    until: Option<Instant>,
    duration: Duration,
    rate: f64,
}

impl Default for Hold {
    fn default() -> Self {
        Hold {
            until: None,
            duration: HOLD_START,
            rate: f64::INFINITY,
        }
    }
}

#[derive(Debug)]
struct Recovering {
    since: Instant,
    limit: f64,
}

impl LossBased {
    /// An estimator of rates between these bounds.
    pub fn new(min: Bitrate, max: Bitrate) -> Self {
        LossBased {
            min,
            max,
            arrives: None,
            delay_limit: None,
            best: None,
            observations: VecDeque::with_capacity(WINDOW),
            observed: 0,
            open: Open::default(),
            last_sent: None,
            average_loss: 0.0,
            result: LossEstimate {
                rate: max,
                state: LossState::Free,
            },
            hold: Hold::default(),
            padding: None,
            recovering: None,
        }
    }

    /// Sets the bounds of the rate.
    pub fn set_bounds(&mut self, min: Bitrate, max: Bitrate) {
        (self.min, self.max) = (min, max);
    }

    /// What it may assume: a probe or the application showed it.
    pub fn set_rate(&mut self, rate: Bitrate) {
        let loss = self.best.map_or(LOSS_START, |best| best.loss);
        self.best = Some(Channel {
            bandwidth: rate.bps() as f64,
            loss,
        });
        self.result = LossEstimate {
            rate,
            state: LossState::Free,
        };
    }

    /// The share of bytes lost lately.
    pub fn loss(&self) -> f64 {
        self.average_loss
    }

    /// The estimate; `None` while too little is known.
    pub fn estimate(&self) -> Option<LossEstimate> {
        let known = self.best.is_some() && self.observed >= OBSERVATIONS_NEEDED;
        known.then_some(self.result)
    }

    /// Results of feedback, the rate that delay allows, what arrives, and whether the application
    /// sends less than it may.
    pub fn push(
        &mut self,
        results: &[PacketResult],
        delay_limit: Bitrate,
        arrives: Option<Bitrate>,
        in_alr: bool,
    ) {
        self.arrives = arrives.or(self.arrives);
        self.delay_limit = Some(delay_limit);
        if !self.observe(results) {
            return;
        }
        let delay = delay_limit.bps() as f64;
        let best = *self.best.get_or_insert(Channel {
            bandwidth: delay,
            loss: LOSS_START,
        });

        let mut candidate = self.most_likely(best, in_alr);
        if self.average_loss > candidate.loss {
            // More is lost than the path's own: no time to rise.
            candidate.bandwidth = candidate.bandwidth.min(best.bandwidth);
        }
        if self.result.state != LossState::Free {
            candidate.bandwidth = self.bound_rise(best.bandwidth, candidate.bandwidth);
        }
        let bounded = candidate
            .bandwidth
            .min(self.instant_upper_bound())
            .min(delay)
            .max(self.instant_lower_bound());
        self.best = Some(if bounded < candidate.bandwidth {
            Channel {
                bandwidth: bounded,
                loss: 0.0,
            }
        } else {
            Channel {
                bandwidth: candidate.bandwidth.max(self.instant_lower_bound()),
                ..candidate
            }
        });
        self.decide(bounded, delay);
    }

    fn decide(&mut self, bounded: f64, delay: f64) {
        let now = self.last_sent.unwrap_or_default();
        let limited = bounded < delay && bounded < self.max.bps() as f64;
        let held = self.hold.until.is_some_and(|until| until > now);
        if self.result.state == LossState::Decreasing && held && bounded < delay {
            self.hold.rate = self.hold.rate.max(self.instant_lower_bound());
            self.result.rate = bits(bounded.min(self.hold.rate));
            return;
        }

        let state = if !limited {
            self.hold = Hold::default();
            self.padding = None;
            LossState::Free
        } else if self.rises(self.result.rate.bps() as f64, bounded)
            && self.may_keep_rising(bounded)
        {
            if self.padding.is_none_or(|(_, rate)| bounded > rate) {
                self.padding = Some((now, bounded));
            }
            LossState::Increasing
        } else {
            if self.result.state != LossState::Decreasing {
                self.hold = Hold {
                    until: Some(now + self.hold.duration),
                    duration: (self.hold.duration * 2).min(HOLD_MAX),
                    rate: bounded,
                };
            }
            self.padding = None;
            LossState::Decreasing
        };
        self.result = LossEstimate {
            rate: bits(bounded),
            state,
        };

        let window_over = self
            .recovering
            .as_ref()
            .is_none_or(|recovering| recovering.since + RISE_WINDOW < now);
        if state != LossState::Free && window_over {
            let bandwidth = self.best.map_or(bounded, |best| best.bandwidth);
            self.recovering = Some(Recovering {
                since: now,
                limit: (bandwidth * RISE_IN_WINDOW).max(self.min.bps() as f64),
            });
        }
    }

    /// While losses limit, the rate rises by 30 % in 300 ms at most, and not far above what arrives.
    fn bound_rise(&self, old: f64, new: f64) -> f64 {
        let now = self.last_sent.unwrap_or_default();
        let mut new = new;
        if let Some(recovering) = &self.recovering
            && recovering.since + RISE_WINDOW > now
        {
            new = new.min(recovering.limit.max(old.min(new)));
        }
        let Some(arrives) = self.arrives.filter(|_| self.rises(old, new)) else {
            return new;
        };
        let arrives = arrives.bps() as f64;
        let factor = if arrives < HOLD_NEAR * self.hold.rate && self.hold.rate.is_finite() {
            RISE_OVER_ARRIVALS_NEAR_HOLD
        } else {
            RISE_OVER_ARRIVALS
        };
        let bounded = old.max(new.min(factor * arrives));
        if self.result.state == LossState::Decreasing && bounded == old {
            // So that the state turns, and padding shows whether there is room.
            return old + 1.0;
        }
        bounded
    }

    fn rises(&self, old: f64, new: f64) -> bool {
        self.result.state != LossState::Free
            && (old < new || (old == new && self.result.state == LossState::Increasing))
    }

    fn may_keep_rising(&self, rate: f64) -> bool {
        let now = self.last_sent.unwrap_or_default();
        match self.padding {
            Some((since, padded)) if self.result.state == LossState::Increasing => {
                since + PADDING_TIME >= now || padded < rate
            }
            _ => true,
        }
    }

    fn most_likely(&self, best: Channel, in_alr: bool) -> Channel {
        let mut winner = best;
        let mut winner_score = f64::NEG_INFINITY;
        for bandwidth in self.candidates(best, in_alr).into_iter().flatten() {
            let loss = self.feasible_loss(best.loss, bandwidth);
            let candidate = self.newton_step(Channel { bandwidth, loss });
            let score = self.score(candidate);
            let better = score > winner_score
                || (score == winner_score && candidate.bandwidth > winner.bandwidth);
            if better {
                (winner, winner_score) = (candidate, score);
            }
        }
        winner
    }

    fn candidates(&self, best: Channel, in_alr: bool) -> [Option<f64>; 5] {
        let mut upper = self.max.bps() as f64;
        if self.result.state != LossState::Free
            && let Some(recovering) = &self.recovering
        {
            upper = recovering.limit;
        }
        let upper = upper.max(best.bandwidth);
        let now = self.last_sent.unwrap_or_default();
        let padded = self
            .padding
            .is_some_and(|(since, _)| since + PADDING_TIME >= now);
        let arrives = self.arrives.filter(|_| !in_alr || padded);
        let delay = self.delay_limit.map(|delay| delay.bps() as f64);
        [
            Some(best.bandwidth * 1.02),
            Some(best.bandwidth),
            Some(best.bandwidth * 0.95),
            arrives.map(|arrives| arrives.bps() as f64),
            delay.filter(|delay| *delay > best.bandwidth),
        ]
        .map(|bandwidth| Some(bandwidth?.min(upper)))
    }

    /// One step of Newton's method towards the most likely loss of this bandwidth.
    fn newton_step(&self, channel: Channel) -> Channel {
        let (mut first, mut second) = (0.0, 0.0);
        for (weight, observation) in self.weighed() {
            let loss = loss_probability(channel, observation.rate);
            let (lost, received) = observation.kilobytes();
            first += weight * (lost / loss - received / (1.0 - loss));
            second -= weight * (lost / loss.powi(2) + received / (1.0 - loss).powi(2));
        }
        if second >= 0.0 {
            return channel;
        }
        let loss = channel.loss - NEWTON_STEP * first / second;
        Channel {
            loss: self.feasible_loss(loss, channel.bandwidth),
            ..channel
        }
    }

    /// The logarithm of the likelihood, and a preference for higher bandwidths while less than a fifth
    /// is lost.
    fn score(&self, channel: Channel) -> f64 {
        let kbps = channel.bandwidth / 1e3;
        let preference =
            self.bias(BIAS_LINEAR) * kbps + self.bias(BIAS_LOGARITHMIC) * float::ln(1.0 + kbps);
        let scores = self.weighed().map(|(weight, observation)| {
            let loss = loss_probability(channel, observation.rate);
            let (lost, received) = observation.kilobytes();
            let likelihood = lost * float::ln(loss) + received * float::ln(1.0 - loss);
            weight * (likelihood + preference * (lost + received))
        });
        scores.sum()
    }

    fn bias(&self, factor: f64) -> f64 {
        let below = BIAS_LOSS - self.average_loss;
        factor * below / (BIAS_SMOOTHING + below.abs())
    }

    fn feasible_loss(&self, loss: f64, bandwidth: f64) -> f64 {
        let upper = (LOSS_OFFSET + BANDWIDTH_BALANCE / bandwidth.max(1.0)).min(1.0);
        loss.max(LOSS_MIN).min(upper)
    }

    /// Observations with their weights, the newest first.
    fn weighed(&self) -> impl Iterator<Item = (f64, &Observation)> {
        let mut weight = 1.0 / WEIGHT_FACTOR;
        self.observations.iter().rev().map(move |observation| {
            weight *= WEIGHT_FACTOR;
            (weight, observation)
        })
    }

    fn instant_upper_bound(&self) -> f64 {
        let above = self.average_loss - LOSS_OFFSET;
        if above > 0.0 {
            (BANDWIDTH_BALANCE / above).min(self.max.bps() as f64)
        } else {
            self.max.bps() as f64
        }
    }

    fn instant_lower_bound(&self) -> f64 {
        self.arrives.unwrap_or_default().max(self.min).bps() as f64
    }

    /// Whether that ends an observation.
    fn observe(&mut self, results: &[PacketResult]) -> bool {
        let newest = results.iter().map(|result| result.sent).max();
        let oldest = results.iter().map(|result| result.sent).min();
        let (Some(newest), Some(oldest)) = (newest, oldest) else {
            return false;
        };
        for result in results {
            self.open.push(result);
        }
        let begin = *self.last_sent.get_or_insert(oldest);
        let time = newest - begin;
        if time < OBSERVATION {
            return false;
        }

        self.last_sent = Some(newest);
        let open = std::mem::take(&mut self.open);
        self.observations.push_back(Observation {
            size: open.size as f64,
            lost: open.lost as f64,
            rate: open.size as f64 * 8.0 / time.as_secs_f64(),
        });
        if self.observations.len() > WINDOW {
            self.observations.pop_front();
        }
        self.observed += 1;
        self.average_loss = self.average();
        true
    }

    /// The share of bytes lost, the best and the worst observation left out where the worst is no
    /// sudden surplus of ours.
    fn average(&self) -> f64 {
        let (mut size, mut lost) = (0.0, 0.0);
        let mut worst: Option<(f64, f64, &Observation)> = None;
        let mut mildest: Option<(f64, f64, &Observation)> = None;
        for (weight, observation) in self.weighed() {
            size += weight * observation.size;
            lost += weight * observation.lost;
            let share = observation.share();
            if worst.is_none_or(|(most, ..)| share > most) && share > 0.0 {
                worst = Some((share, weight, observation));
            }
            if mildest.is_none_or(|(least, ..)| share < least) && share < 1.0 {
                mildest = Some((share, weight, observation));
            }
        }
        if size <= 0.0 {
            return 0.0;
        }
        let plain = lost / size;
        let (Some(worst), Some(mildest)) = (worst, mildest) else {
            return plain;
        };
        if self.observed <= 3 || self.median_rate() * SURPLUS <= worst.2.rate {
            return plain;
        }
        let trimmed = |value: fn(&Observation) -> f64| {
            worst.1 * value(worst.2) + mildest.1 * value(mildest.2)
        };
        let rest = size - trimmed(|observation| observation.size);
        if rest <= 0.0 {
            return plain;
        }
        ((lost - trimmed(|observation| observation.lost)) / rest).clamp(0.0, 1.0)
    }

    fn median_rate(&self) -> f64 {
        let mut rates = [0.0; WINDOW];
        let mut count = 0;
        for observation in self.observations.iter().filter(|one| one.rate > 0.0) {
            rates[count] = observation.rate;
            count += 1;
        }
        let rates = &mut rates[..count];
        rates.sort_by(f64::total_cmp);
        match count {
            0 => 0.0,
            _ if count % 2 == 1 => rates[count / 2],
            _ => (rates[count / 2 - 1] + rates[count / 2]) / 2.0,
        }
    }
}

impl Open {
    fn push(&mut self, result: &PacketResult) {
        let known = self
            .missing
            .iter()
            .position(|(sequence, _)| *sequence == result.sequence);
        match (result.arrival, known) {
            (Some(_), Some(index)) => {
                if let Some((_, size)) = self.missing.remove(index) {
                    self.lost -= size;
                }
            }
            (Some(_), None) => self.size += result.size,
            (None, _) => {
                self.size += result.size;
                self.lost += result.size;
                if self.missing.len() == MISSING_MAX {
                    self.missing.pop_front();
                }
                self.missing.push_back((result.sequence, result.size));
            }
        }
    }
}

impl Observation {
    fn share(&self) -> f64 {
        if self.size > 0.0 {
            self.lost / self.size
        } else {
            0.0
        }
    }

    /// Lost and received.
    fn kilobytes(&self) -> (f64, f64) {
        (self.lost / 1e3, (self.size - self.lost) / 1e3)
    }
}

/// The share of what is sent at this rate that the channel loses.
fn loss_probability(channel: Channel, rate: f64) -> f64 {
    let mut loss = channel.loss.clamp(0.0, 1.0);
    if rate > channel.bandwidth {
        loss += (1.0 - loss) * (rate - channel.bandwidth) / rate;
    }
    loss.clamp(1e-6, 1.0 - 1e-6)
}

fn bits(rate: f64) -> Bitrate {
    Bitrate::from_bps(rate.max(0.0) as u64)
}

const WINDOW: usize = 15;
const OBSERVATION: Duration = Duration::from_millis(250);
const OBSERVATIONS_NEEDED: u64 = 3;
/// Missing packets of one observation that are told apart.
const MISSING_MAX: usize = 256;
const WEIGHT_FACTOR: f64 = 0.9;
const LOSS_START: f64 = 0.01;
const LOSS_MIN: f64 = 1e-3;
const LOSS_OFFSET: f64 = 0.05;
/// Bits per second.
const BANDWIDTH_BALANCE: f64 = 100_000.0;
const NEWTON_STEP: f64 = 0.75;
const BIAS_LINEAR: f64 = 0.0002;
const BIAS_LOGARITHMIC: f64 = 0.02;
const BIAS_LOSS: f64 = 0.2;
const BIAS_SMOOTHING: f64 = 0.002;
const RISE_IN_WINDOW: f64 = 1.3;
const RISE_WINDOW: Duration = Duration::from_millis(300);
const RISE_OVER_ARRIVALS: f64 = 1.5;
const RISE_OVER_ARRIVALS_NEAR_HOLD: f64 = 1.2;
const HOLD_NEAR: f64 = 1.3;
const HOLD_START: Duration = Duration::from_millis(300);
const HOLD_MAX: Duration = Duration::from_secs(60);
const PADDING_TIME: Duration = Duration::from_secs(2);
/// An observation whose rate is so many times the median was a surplus of ours.
const SURPLUS: f64 = 2.0;
