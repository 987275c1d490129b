//! The controller for paths that mark instead of queueing.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Ecn, Instant};

use super::time::ms_between;
use super::{Bitrate, Bounds, Controller, PacketResult, Plan, Reason};
use crate::limits::PLANS;

/// A window of bytes, self-clocked, after SCReAM v2 (draft-ietf-ccwg-rfc8298bis-screamv2 §4.2): it
/// grows each round trip, slower near where it last met congestion; it shrinks by half the smoothed
/// share of marked packets, by 30 % on a loss, and by delay where nobody marks. The target is the
/// window over the round trip.
///
/// ```
/// use duologue_base::{Ecn, Instant};
/// use duologue_media::cc::{Bitrate, Bounds, Controller, L4s, PacketResult, Reason};
/// use std::time::Duration;
///
/// let start = Instant::ZERO + Duration::from_secs(1);
/// let mut l4s = L4s::default();
/// l4s.handle_route(start, Bounds { start: Bitrate::from_kbps(1_000), ..Bounds::default() });
/// let results: Vec<_> = (0..4)
///     .map(|sequence| PacketResult {
///         sequence,
///         sent: start + Duration::from_millis(10 * sequence),
///         size: 1_200,
///         arrival: Some(start + Duration::from_millis(10 * sequence + 20)),
///         ecn: Ecn::Ce,
///         probe: None,
///     })
///     .collect();
/// l4s.handle_feedback(start + Duration::from_millis(80), &results, 0);
/// assert_eq!(std::iter::from_fn(|| l4s.poll()).last().unwrap().reason, Reason::Marks);
/// ```
#[derive(Debug)]
pub struct L4s {
    bounds: Bounds,
    open: bool,
    /// Bytes; the plan's window is a little more.
    window: f64,
    /// The window when congestion was last met, and whether it may be noted anew.
    inflection: f64,
    may_note: bool,
    /// The smoothed share of marked packets.
    marked: f64,
    rtt: Option<Duration>,
    queue: Queue,
    /// How long the receiver gathers before it reports.
    held: Option<Duration>,
    in_flight: InFlight,
    /// When the first packet was sent since feedback came.
    unheard: Option<Instant>,
    congested: Option<Instant>,
    /// That is more than [`CALM_ROUNDS`] ago.
    is_calm: bool,
    remote: Bitrate,
    target: Bitrate,
    reason: Reason,
    plans: VecDeque<Plan>,
    told: Option<Plan>,
}

/// The most bytes under way in this round trip, or 100 ms, and the one before.
#[derive(Debug, Default)]
struct InFlight {
    this: usize,
    last: usize,
    since: Option<Instant>,
}

/// The one-way delay above its least.
#[derive(Debug, Default)]
struct Queue {
    /// The least of each of the last minutes.
    base: VecDeque<(Instant, f64)>,
    /// Milliseconds: up slowly, down at once.
    average: Option<f64>,
    /// How much it varies, by the virtual round trip.
    deviation: f64,
}

impl Default for L4s {
    fn default() -> Self {
        let bounds = Bounds::default().sane();
        L4s {
            bounds,
            open: false,
            window: WINDOW_MIN,
            inflection: 1.0,
            may_note: true,
            marked: 0.0,
            rtt: None,
            queue: Queue::default(),
            held: None,
            in_flight: InFlight::default(),
            unheard: None,
            congested: None,
            is_calm: false,
            remote: Bitrate::MAX,
            target: bounds.start,
            reason: Reason::Start,
            plans: VecDeque::new(),
            told: None,
        }
    }
}

impl Controller for L4s {
    fn handle_route(&mut self, _now: Instant, bounds: Bounds) {
        let bounds = bounds.sane();
        *self = L4s {
            bounds,
            open: true,
            target: bounds.start,
            ..L4s::default()
        };
        self.tell();
    }

    fn handle_bounds(&mut self, _now: Instant, bounds: Bounds) {
        self.bounds = bounds.sane();
        self.retarget();
        self.tell();
    }

    fn handle_wanted(&mut self, _now: Instant, _wanted: Bitrate) {}

    fn handle_sent(&mut self, now: Instant, _size: usize, in_flight: usize) {
        self.in_flight.this = self.in_flight.this.max(in_flight);
        self.unheard.get_or_insert(now);
    }

    fn handle_feedback(&mut self, now: Instant, results: &[PacketResult], in_flight: usize) {
        if results.is_empty() {
            return;
        }
        self.unheard = None;
        let told = Told::of(results);
        self.in_flight.this = self.in_flight.this.max(in_flight + told.bytes);
        let Some(newest) = told.newest else {
            self.react(now, &told);
            self.retarget();
            self.tell();
            return;
        };
        self.measure(now, results, newest);
        self.smooth_marks(&told);
        let rounds = self.since_congestion(self.congested.map(|at| now - at));
        self.is_calm = self.is_large() && rounds > CALM_ROUNDS;
        self.react(now, &told);
        self.grow(now, &told);
        self.retarget();

        // A frame comes each 33 ms or less often: a shorter stretch may have none.
        let stretch = self.rtt_or_virtual().max(STRETCH_MIN);
        if self
            .in_flight
            .since
            .is_none_or(|since| now - since >= stretch)
        {
            self.in_flight = InFlight {
                this: 0,
                last: self.in_flight.this,
                since: Some(now),
            };
        }
        self.tell();
    }

    fn handle_carried(&mut self, _now: Instant, _rate: Bitrate) {}

    fn handle_remb(&mut self, _now: Instant, rate: Bitrate) {
        self.remote = if rate == Bitrate::ZERO {
            Bitrate::MAX
        } else {
            rate
        };
        self.retarget();
        self.tell();
    }

    fn handle_loss_report(
        &mut self,
        _now: Instant,
        _lost: u32,
        _expected: u32,
        _rtt: Option<Duration>,
    ) {
    }

    /// What is sent and not heard of for a second halves the window, and each second again.
    fn handle_tick(&mut self, now: Instant) {
        if self.unheard.is_some_and(|since| now - since > SILENCE) {
            self.unheard = Some(now);
            self.window = (self.window * SILENCE_CUT).max(WINDOW_MIN);
            self.reason = Reason::Silence;
            self.retarget();
            self.tell();
        }
    }

    fn poll(&mut self) -> Option<Plan> {
        self.plans.pop_front()
    }
}

/// What one feedback tells.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    bytes: usize,
    unmarked: usize,
    packets: u32,
    marks: u32,
    lost: bool,
    /// When the newest packet that arrived was sent.
    newest: Option<Instant>,
}

impl Told {
    fn of(results: &[PacketResult]) -> Self {
        let mut told = Told::default();
        for result in results {
            told.bytes += result.size;
            if result.arrival.is_none() {
                told.lost = true;
                continue;
            }
            told.newest = told.newest.max(Some(result.sent));
            told.packets += 1;
            if result.ecn == Ecn::Ce {
                told.marks += 1;
            } else {
                told.unmarked += result.size;
            }
        }
        told
    }
}

impl L4s {
    /// Goes on where another controller was: at this rate and round trip.
    pub fn take_over(&mut self, target: Bitrate, rtt: Duration) {
        let rtt = rtt.max(RTT_MIN);
        self.rtt = Some(rtt);
        self.target = target.clamp(self.bounds.min, self.bounds.max);
        self.window = (target.bytes_in(rtt) as f64).max(WINDOW_MIN);
        self.in_flight.last = self.window as usize;
        self.reason = Reason::Switched;
        self.tell();
    }

    /// The smoothed share of marked packets.
    pub fn marked(&self) -> f64 {
        self.marked
    }

    fn measure(&mut self, now: Instant, results: &[PacketResult], newest: Instant) {
        let sample = (now - newest).max(RTT_MIN);
        self.rtt = Some(match self.rtt {
            None => sample,
            Some(rtt) => {
                let gain = if sample > rtt {
                    RTT_GAIN_UP
                } else {
                    RTT_GAIN_DOWN
                };
                rtt.mul_f64(1.0 - gain) + sample.mul_f64(gain)
            }
        });

        let arrivals = || results.iter().filter_map(|result| result.arrival);
        if let (Some(first), Some(last)) = (arrivals().min(), arrivals().max()) {
            let spread = last - first;
            self.held = Some(match self.held {
                None => spread,
                Some(held) => held.mul_f64(1.0 - HELD_GAIN) + spread.mul_f64(HELD_GAIN),
            });
        }
        self.queue.push(now, results);
    }

    /// Up by an eighth of the difference, down by a 128th.
    fn smooth_marks(&mut self, told: &Told) {
        let share = f64::from(told.marks) / f64::from(told.packets.max(1));
        if share > self.marked {
            self.marked += MARKS_GAIN_UP * (share - self.marked);
        } else {
            self.marked *= 1.0 - MARKS_GAIN_DOWN;
        }
    }

    /// §4.2.2.1: once a round trip, or 25 ms if that is less.
    fn react(&mut self, now: Instant, told: &Told) {
        let marks = told.marks > 0;
        let delay = self.queue.is_long();
        let waited = self.congested.map(|at| now - at);
        let interval = self.rtt_or_virtual().min(VIRTUAL_RTT);
        if !(marks || told.lost || delay) || waited.is_some_and(|waited| waited < interval) {
            return;
        }

        self.congested = Some(now);
        if told.lost {
            self.window *= LOSS_FACTOR;
            self.reason = Reason::Loss;
        }
        if marks {
            let long_ago = self.since_congestion(waited) > LONG_AGO_ROUNDS;
            if long_ago {
                // Since then the window may have grown far above what was used.
                let used = (self.in_flight.last.max(self.in_flight.this) as f64).max(WINDOW_MIN);
                self.window = self.window.min(used);
                self.marked = self.marked.max(MARKED_LONG_AGO);
            }
            self.window *= 1.0 - self.back_off();
            self.reason = Reason::Marks;
        } else if delay {
            let share = self.queue.share_of_reaction() / 2.0 / self.rounds_per_reaction();
            self.window *= 1.0 - share * (1.0 - self.packet_share()).max(0.5);
            self.reason = Reason::Queue;
        }
        self.window = self.window.max(WINDOW_MIN);
        if self.may_note {
            self.inflection = self.window;
            self.may_note = false;
        }
    }

    fn back_off(&self) -> f64 {
        let mut share = self.marked / 2.0 / self.rounds_per_reaction();
        share *= (1.0 - self.packet_share()).max(0.5);
        if !self.queue.is_long() {
            share *= self.distance_from_inflection().max(0.25);
            share *= self.queue.steadiness();
        }
        share
    }

    /// §4.2.2.2.
    fn grow(&mut self, now: Instant, told: &Told) {
        let congestion = told.marks > 0 || told.lost || self.queue.is_long();
        if congestion && self.congested != Some(now) {
            return;
        }
        let rtt = self.rtt_or_virtual() + self.held.unwrap_or_default();
        let mut step = told.unmarked as f64 * self.packet_share();
        if rtt < VIRTUAL_RTT {
            step *= (rtt.as_secs_f64() / VIRTUAL_RTT.as_secs_f64()).powi(2);
        }
        step *= self.distance_from_inflection().max(0.25);
        step *= (1.0 - self.packet_share()).max(0.5);
        if self.marked < 1e-4 {
            step *= self.queue.room();
        }
        step *= self.queue.steadiness();
        step *= self.acceleration(now);

        // §4.2.2.2: a window that is not used does not grow.
        let used = self.in_flight.this.max(self.in_flight.last) as f64;
        let headroom = if self.is_large() {
            HEADROOM
        } else {
            HEADROOM_SMALL
        };
        let most = (MSS + used * headroom).max(WINDOW_MIN);
        if self.window < most && step > 0.0 {
            self.window = (self.window + step).min(most);
            self.may_note = true;
            if !congestion {
                self.reason = Reason::Window;
            }
        }
    }

    /// Faster when no congestion was met for long.
    fn acceleration(&self, now: Instant) -> f64 {
        let rounds = self.since_congestion(self.congested.map(|at| now - at));
        let enough = if self.is_large() {
            CALM_ROUNDS
        } else {
            LONG_AGO_ROUNDS
        };
        let since = (rounds / enough).clamp(0.0, 1.0);
        1.0 + MULTIPLICATIVE * self.window / MSS * since * self.distance_from_inflection()
    }

    fn since_congestion(&self, waited: Option<Duration>) -> f64 {
        let rtt = self.rtt_or_virtual().max(VIRTUAL_RTT);
        waited.map_or(f64::INFINITY, |waited| {
            waited.as_secs_f64() / rtt.as_secs_f64()
        })
    }

    fn retarget(&mut self) {
        let Some(rtt) = self.rtt else {
            self.target = self.target.min(self.remote);
            self.target = self.target.clamp(self.bounds.min, self.bounds.max);
            return;
        };
        let round = rtt + self.held.unwrap_or_default();
        let small = (self.packet_share() - 0.1).clamp(0.0, 0.2);
        let rate = Bitrate::over(self.window as usize, round) * (1.0 - small);
        let bounded = rate.min(self.remote);
        let bounded = bounded.clamp(self.bounds.min, self.bounds.max);
        if bounded < rate {
            self.reason = if rate > self.remote {
                Reason::Remote
            } else {
                Reason::Bounds
            };
        }
        self.target = bounded;
    }

    fn tell(&mut self) {
        if !self.open {
            return;
        }
        let overhead = OVERHEAD_MIN + (OVERHEAD_MAX - OVERHEAD_MIN) * self.queue.calm();
        let plan = Plan {
            target: self.target,
            pacing: self.target * PACING,
            burst: Duration::ZERO,
            padding: Bitrate::ZERO,
            probe: None,
            window: self.rtt.map(|_| (self.window * overhead) as usize),
            ect1: true,
            reason: self.reason,
        };
        if self.told == Some(plan) {
            return;
        }
        self.told = Some(plan);
        if self.plans.len() == PLANS {
            self.plans.pop_front();
        }
        self.plans.push_back(plan);
    }

    fn rtt_or_virtual(&self) -> Duration {
        self.rtt.unwrap_or(VIRTUAL_RTT)
    }

    /// One packet of the window.
    fn packet_share(&self) -> f64 {
        MSS / self.window.max(1.0)
    }

    /// Of many packets: then steps that are one packet's share are small.
    fn is_large(&self) -> bool {
        self.window > WINDOW_LARGE
    }

    /// Reactions in a round trip.
    fn rounds_per_reaction(&self) -> f64 {
        (self.rtt_or_virtual().as_secs_f64() / VIRTUAL_RTT.as_secs_f64()).max(1.0)
    }

    /// Small near where congestion was last met, unless that is long ago.
    fn distance_from_inflection(&self) -> f64 {
        if self.is_calm {
            return 1.0;
        }
        let distance = (self.window - self.inflection) / self.inflection.max(1.0);
        (NEAR_SCALE * distance).powi(2).clamp(0.1, 1.0)
    }
}

impl Queue {
    fn push(&mut self, now: Instant, results: &[PacketResult]) {
        let (mut sum, mut count) = (0.0, 0.0);
        for result in results {
            let Some(arrival) = result.arrival else {
                continue;
            };
            let delay = ms_between(result.sent, arrival);
            sum += delay;
            count += 1.0;
            match self.base.back_mut() {
                Some((begun, least)) if now - *begun < BASE_STRETCH => *least = least.min(delay),
                _ => self.base.push_back((now, delay)),
            }
        }
        if self.base.len() > BASE_STRETCHES {
            self.base.pop_front();
        }
        if count == 0.0 {
            return;
        }

        let base = self.base.iter().map(|(_, least)| *least);
        let current = sum / count - base.fold(f64::INFINITY, f64::min);
        let average = match self.average {
            Some(average) if current >= average => average + QUEUE_GAIN * (current - average),
            _ => current,
        };
        self.average = Some(average);
        let varies = (current - average).max(0.0) / (VIRTUAL_RTT.as_secs_f64() * 1e3);
        self.deviation += DEVIATION_GAIN * (varies - self.deviation);
    }

    fn is_long(&self) -> bool {
        self.average.is_some_and(|average| average > QUEUE_FIRST_MS)
    }

    /// How much of a halving the delay is worth.
    fn share_of_reaction(&self) -> f64 {
        let above = self.average.unwrap_or_default() - QUEUE_FIRST_MS;
        (above / (QUEUE_MOST_MS - QUEUE_FIRST_MS)).clamp(0.0, 1.0)
    }

    /// How much of an increase is left below the delay that is reacted to.
    fn room(&self) -> f64 {
        (1.0 - self.average.unwrap_or_default() / QUEUE_FIRST_MS).clamp(0.1, 1.0)
    }

    fn calm(&self) -> f64 {
        ((DEVIATION_MAX - self.deviation) / DEVIATION_MAX).clamp(0.0, 1.0)
    }

    fn steadiness(&self) -> f64 {
        self.calm().max(0.1)
    }
}

const SILENCE: Duration = Duration::from_secs(1);
const SILENCE_CUT: f64 = 0.5;
const MSS: f64 = 1_200.0;
const WINDOW_MIN: f64 = 3_000.0;
const RTT_MIN: Duration = Duration::from_millis(1);
const VIRTUAL_RTT: Duration = Duration::from_millis(25);
const STRETCH_MIN: Duration = Duration::from_millis(100);
const RTT_GAIN_UP: f64 = 1.0 / 8.0;
const RTT_GAIN_DOWN: f64 = 1.0 / 128.0;
const HELD_GAIN: f64 = 1.0 / 8.0;
const MARKS_GAIN_UP: f64 = 1.0 / 8.0;
const MARKS_GAIN_DOWN: f64 = 1.0 / 128.0;
const MARKED_LONG_AGO: f64 = 0.25;
const LOSS_FACTOR: f64 = 0.7;
const LONG_AGO_ROUNDS: f64 = 100.0;
/// Ours: after so many round trips without congestion a large window grows as fast as it ever does,
/// where the draft has 100.
const CALM_ROUNDS: f64 = 20.0;
const MULTIPLICATIVE: f64 = 0.02;
const NEAR_SCALE: f64 = 2.0;
/// Of what is under way. Ours for a large window: a window that counts the receiver's gathering too
/// does not get beyond 1.1 times what is.
const HEADROOM: f64 = 1.5;
const HEADROOM_SMALL: f64 = 1.1;
const WINDOW_LARGE: f64 = 36_000.0;
const OVERHEAD_MIN: f64 = 1.2;
const OVERHEAD_MAX: f64 = 2.0;
const PACING: f64 = 1.1;
const QUEUE_GAIN: f64 = 1.0 / 4.0;
const DEVIATION_GAIN: f64 = 1.0 / 64.0;
const DEVIATION_MAX: f64 = 0.1;
const QUEUE_FIRST_MS: f64 = 20.0;
const QUEUE_MOST_MS: f64 = 100.0;
const BASE_STRETCH: Duration = Duration::from_secs(60);
const BASE_STRETCHES: usize = 10;
