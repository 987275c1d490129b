//! A rate-based controller after BBRv3 (draft-ietf-ccwg-bbr).
//!
//! It measures the path's bandwidth and least round-trip time, sends at the one and keeps a small
//! multiple of their product under way. Now and then it probes for more bandwidth, and drains what
//! queue that made. Where it departs from the draft: losses count as congestion only when the round
//! trips of the same round show a queue, so that a radio link which loses packets at random is
//! still filled.

mod competition;
mod filter;

use std::time::Duration;

use duologue_base::Instant;

use self::competition::Competition;
use self::filter::{Aggregation, Bandwidth, EndedRound, FullPipe, MinRtt, Round};
use super::sample::{AckSample, INITIAL_WINDOW_PACKETS, bytes_in, scale};

/// Doubles the rate every round trip: 4·ln 2.
const STARTUP_PACING_GAIN: f64 = 2.77;
const DRAIN_PACING_GAIN: f64 = 0.5;
const UP_PACING_GAIN: f64 = 1.25;
const DOWN_PACING_GAIN: f64 = 0.9;
const WINDOW_GAIN: f64 = 2.0;
/// Just below the estimate, so that a queue drains rather than stays.
const PACING_MARGIN: f64 = 0.99;
/// Share of the ceiling left to others while cruising.
const HEADROOM: f64 = 0.85;
/// What short-term bounds and the ceiling keep after congestion.
const BETA: f64 = 0.7;
/// A round that loses more than this, with a queue, was too much.
const LOSS_THRESHOLD: f64 = 0.02;
/// A round that loses more than this was too much whatever the round trips say: a policer.
const POLICER_THRESHOLD: f64 = 0.3;
/// Startup ends for losses when they are scattered over so many places of a round, as where a queue
/// overflows: an outage takes packets that follow one another.
const STARTUP_LOST_RUNS: usize = 6;
/// A queue worth this share of the least round-trip time is one to drain…
const QUEUED: f64 = 0.25;
/// …and one of less than this is as good as none.
const NEARLY_EMPTY: f64 = 0.1;
/// Busy hosts delay packets by this much without any queue; on loopback that is many times the
/// round trip.
const QUEUE_NOISE: Duration = Duration::from_millis(4);
/// So many packets in a row are no queue yet.
const QUEUE_NOISE_PACKETS: usize = 3;
const MIN_WINDOW_PACKETS: usize = 4;
/// Time at a small window to see the path without our own queue.
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
const PROBE_RTT_GAIN: f64 = 0.5;
/// A probe that finds so much more, and no queue, has not found the end of it: about what two rounds
/// at its pace bring. A path that became faster, or a stall in Startup, leaves the estimate far too
/// low, and probes alone would take many seconds.
const SEARCH_GROWTH: f64 = 1.4;
/// Bandwidth is probed after this long at the latest…
const PROBE_WAIT_MIN: Duration = Duration::from_millis(2_000);
const PROBE_WAIT_SPREAD_MS: u32 = 1_000;
/// …or this many rounds, about when a Reno flow would have grown by as much.
const PROBE_WAIT_MAX_ROUNDS: u64 = 63;
/// A burst sent by one system call; three of them may be under way on any path.
const QUANTUM_TIME: Duration = Duration::from_millis(1);

/// The controller's state.
#[derive(Debug)]
pub(crate) struct Bbr {
    mtu: usize,
    burst: usize,
    random: u32,
    phase: Phase,
    window: usize,
    /// What it was before a timeout, until something sent after that is acknowledged.
    window_before_timeout: Option<usize>,
    pacing_rate: Option<u64>,
    round: Round,
    bandwidth: Bandwidth,
    full_pipe: FullPipe,
    min_rtt: MinRtt,
    aggregation: Aggregation,
    /// Most that may be under way without loss, as far as probing found out (`inflight_hi`).
    ceiling: Option<usize>,
    /// Bounds after congestion until the next probe (`bw_lo`, `inflight_lo`).
    short_term: Option<ShortTerm>,
    /// Startup was left because of losses, not because the bandwidth was found.
    left_startup_by_loss: bool,
    /// The last round had a queue.
    queued: bool,
    competition: Competition,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Doubling until the bandwidth is found.
    Startup,
    /// Letting the queue that made go.
    Drain,
    /// Below the bandwidth until no queue is left.
    Down,
    /// At the bandwidth, until it is time to probe.
    Cruise { until: Instant, until_round: u64 },
    /// At the bandwidth for one round with all bounds lifted.
    Refill { until_round: u64 },
    /// Above the bandwidth, which was `from` before.
    Up { since_round: u64, from: u64 },
    /// Nearly idle, to measure the least round-trip time.
    ProbeRtt { until: Option<Instant> },
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Phase::Startup => "startup",
            Phase::Drain => "drain",
            Phase::Down => "down",
            Phase::Cruise { .. } => "cruise",
            Phase::Refill { .. } => "refill",
            Phase::Up { .. } => "up",
            Phase::ProbeRtt { .. } => "probe-rtt",
        }
    }

    /// One of the cycle.
    fn is_probing(&self) -> bool {
        !matches!(self, Phase::Startup | Phase::Drain | Phase::ProbeRtt { .. })
    }
}

#[derive(Clone, Copy, Debug)]
struct ShortTerm {
    bandwidth: u64,
    in_flight: usize,
}

impl Bbr {
    pub(super) fn new(mtu: usize, burst: usize, seed: u32) -> Self {
        Bbr {
            mtu,
            burst,
            random: seed | 1,
            phase: Phase::Startup,
            window: mtu * INITIAL_WINDOW_PACKETS,
            window_before_timeout: None,
            pacing_rate: None,
            round: Round::default(),
            bandwidth: Bandwidth::default(),
            full_pipe: FullPipe::default(),
            min_rtt: MinRtt::default(),
            aggregation: Aggregation::default(),
            ceiling: None,
            short_term: None,
            left_startup_by_loss: false,
            queued: false,
            competition: Competition::default(),
        }
    }

    pub(super) fn on_ack(&mut self, sample: &AckSample) {
        let ended = self.round.on_ack(sample);
        self.bandwidth.on_ack(sample);
        self.aggregation
            .on_ack(sample, self.bandwidth(), self.window, ended.is_some());
        self.min_rtt.on_ack(sample);
        if let Some(ended) = ended {
            self.on_round(sample, &ended);
        }
        self.competition.on_ack(sample, self.mtu);
        self.advance_phase(sample);
        self.update_pacing_rate(sample);
        self.update_window(sample);
    }

    fn on_round(&mut self, sample: &AckSample, ended: &EndedRound) {
        self.restore_window();
        self.queued = self.is_queued(ended, QUEUED);
        if !self.full_pipe.is_reached() {
            self.full_pipe.on_round(ended.max_rate, sample.app_limited);
        } else if !matches!(self.phase, Phase::Drain) {
            let queued = self.is_queued(ended, NEARLY_EMPTY);
            let alone = self.full_product();
            self.competition.on_round(ended, queued, alone);
        }
        if self.competition.window().is_some() {
            return;
        }
        if self.is_congested(ended) {
            self.on_congestion(sample, ended);
        } else if self.queued && matches!(self.phase, Phase::Cruise { .. } | Phase::Down) {
            self.give_way(ended);
        }
    }

    /// A queue stays while we cruise: the estimates of all flows together are too high. What
    /// arrived in this round is what there is for us now.
    fn give_way(&mut self, ended: &EndedRound) {
        let least = (self.bandwidth.max() as f64 * BETA) as u64;
        let bandwidth = ended.max_rate.clamp(least, self.bandwidth().max(least));
        let in_flight = self.short_term.map_or(self.window, |bound| bound.in_flight);
        self.short_term = Some(ShortTerm {
            bandwidth,
            in_flight,
        });
    }

    /// Even the shortest round trip of the round waited in a queue, for more than this share of
    /// the least round-trip time.
    fn is_queued(&self, ended: &EndedRound, share: f64) -> bool {
        match (ended.min_rtt, self.min_rtt.value()) {
            (Some(rtt), Some(min)) => {
                let packets = (self.mtu * QUEUE_NOISE_PACKETS) as f64;
                let noise = packets / (self.bandwidth.max() as f64).max(1.0);
                rtt > min.mul_f64(1.0 + share) + QUEUE_NOISE + Duration::from_secs_f64(noise)
            }
            _ => false,
        }
    }

    /// The losses of a round mean congestion: many, and with a queue.
    fn is_congested(&self, ended: &EndedRound) -> bool {
        let rate = ended.loss_rate();
        rate > POLICER_THRESHOLD || (self.queued && rate > LOSS_THRESHOLD)
    }

    fn on_congestion(&mut self, sample: &AckSample, ended: &EndedRound) {
        match self.phase {
            Phase::Startup => {
                if ended.lost_runs < STARTUP_LOST_RUNS {
                    return;
                }
                self.full_pipe.set_reached();
                self.left_startup_by_loss = true;
                self.ceiling = Some(self.product(1.0).max(ended.delivered));
            }
            Phase::Refill { .. } | Phase::Up { .. } => {
                let limit = scale(self.product(1.0).min(self.window), BETA);
                self.ceiling = Some(sample.sent_in_flight.max(limit));
                self.enter_down();
            }
            Phase::Drain | Phase::Down | Phase::Cruise { .. } => {
                let before = self.short_term.unwrap_or(ShortTerm {
                    bandwidth: self.bandwidth.max(),
                    in_flight: self.window,
                });
                self.short_term = Some(ShortTerm {
                    bandwidth: ended.max_rate.max((before.bandwidth as f64 * BETA) as u64),
                    in_flight: ended.delivered.max(scale(before.in_flight, BETA)),
                });
            }
            Phase::ProbeRtt { .. } => {}
        }
    }

    fn set_phase(&mut self, phase: Phase) {
        let (before, after) = (self.phase.name(), phase.name());
        // The cycle of probes goes on as long as the connection does.
        match self.phase.is_probing() && phase.is_probing() {
            true => tracing::trace!("SCTP congestion (BBR): {before} -> {after}"),
            false if before == after => {}
            false => tracing::debug!("SCTP congestion (BBR): {before} -> {after}"),
        }
        self.phase = phase;
    }

    fn advance_phase(&mut self, sample: &AckSample) {
        match self.phase {
            Phase::Startup => {
                if self.full_pipe.is_reached() {
                    self.set_phase(Phase::Drain);
                }
            }
            Phase::Drain => {
                if sample.in_flight <= self.product(1.0) {
                    self.enter_down();
                }
            }
            Phase::Down => {
                let room = self
                    .ceiling
                    .map_or(usize::MAX, |ceiling| scale(ceiling, HEADROOM));
                if sample.in_flight <= self.product(1.0).min(room) {
                    self.enter_cruise(sample.now);
                }
            }
            Phase::Cruise { until, until_round } => {
                if sample.now >= until || self.round.count() >= until_round {
                    self.short_term = None;
                    let until_round = self.round.count() + 1;
                    self.set_phase(Phase::Refill { until_round });
                }
            }
            Phase::Refill { until_round } => {
                if self.round.count() >= until_round {
                    self.set_phase(Phase::Up {
                        since_round: self.round.count(),
                        from: self.bandwidth.max(),
                    });
                }
            }
            Phase::Up { since_round, from } => self.advance_up(sample, since_round, from),
            Phase::ProbeRtt { until } => self.advance_probe_rtt(sample, until),
        }
        let probing = matches!(self.phase, Phase::ProbeRtt { .. } | Phase::Startup);
        if !probing && self.min_rtt.is_stale(sample.now) {
            self.set_phase(Phase::ProbeRtt { until: None });
        }
    }

    fn advance_up(&mut self, sample: &AckSample, since_round: u64, from: u64) {
        let grown = self.bandwidth.max() as f64 / from.max(1) as f64;
        if grown >= SEARCH_GROWTH && !self.queued {
            self.search();
            return;
        }
        if let Some(ceiling) = &mut self.ceiling
            && sample.prior_in_flight + self.mtu >= *ceiling
        {
            *ceiling += sample.acked;
        }
        let rounds = self.round.count() - since_round;
        let waits = match (sample.rtt, self.min_rtt.value()) {
            (Some(rtt), Some(min)) => rtt > min.mul_f64(1.0 + NEARLY_EMPTY),
            _ => false,
        };
        let enough = sample.prior_in_flight >= self.product(UP_PACING_GAIN) && waits;
        if (rounds >= 1 && enough) || (rounds >= 2 && sample.app_limited) || rounds >= 5 {
            self.enter_down();
        }
    }

    /// The bandwidth is not what we took it for: looks for it as in the beginning.
    fn search(&mut self) {
        self.left_startup_by_loss = false;
        self.ceiling = None;
        self.short_term = None;
        self.full_pipe = FullPipe::default();
        self.set_phase(Phase::Startup);
    }

    fn advance_probe_rtt(&mut self, sample: &AckSample, until: Option<Instant>) {
        match until {
            None => {
                if sample.in_flight <= self.probe_rtt_window() {
                    let time = PROBE_RTT_TIME.max(sample.smoothed_rtt);
                    self.set_phase(Phase::ProbeRtt {
                        until: Some(sample.now + time),
                    });
                    self.min_rtt.restart(sample.now);
                }
            }
            Some(until) if sample.now >= until => {
                self.min_rtt.confirm(sample.now);
                if self.full_pipe.is_reached() {
                    self.enter_cruise(sample.now);
                } else {
                    self.set_phase(Phase::Startup);
                }
            }
            Some(_) => {}
        }
    }

    fn enter_down(&mut self) {
        self.bandwidth.advance_cycle();
        self.competition.on_cycle();
        self.set_phase(Phase::Down);
    }

    fn enter_cruise(&mut self, now: Instant) {
        let spread = u64::from(self.next_random() % PROBE_WAIT_SPREAD_MS);
        let packets = (self.product(1.0) / self.mtu) as u64;
        let rounds = packets.clamp(8, PROBE_WAIT_MAX_ROUNDS) + u64::from(self.next_random() % 2);
        self.set_phase(Phase::Cruise {
            until: now + PROBE_WAIT_MIN + Duration::from_millis(spread),
            until_round: self.round.count() + rounds,
        });
    }

    /// Xorshift: flows that probe at different times see each other's effect.
    fn next_random(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }

    /// Bytes per second that the path carries, as far as we know and dare.
    fn bandwidth(&self) -> u64 {
        let bound = self.short_term.map_or(u64::MAX, |bound| bound.bandwidth);
        self.bandwidth.max().min(bound)
    }

    /// Bandwidth × least round-trip time × `gain`: what fills the path without a queue.
    fn product(&self, gain: f64) -> usize {
        match self.min_rtt.value() {
            Some(rtt) if self.bandwidth.max() > 0 => scale(bytes_in(self.bandwidth(), rtt), gain),
            _ => scale(self.mtu * INITIAL_WINDOW_PACKETS, gain),
        }
    }

    /// The same by the highest bandwidth seen lately.
    fn full_product(&self) -> usize {
        self.min_rtt
            .value()
            .map_or(0, |rtt| bytes_in(self.bandwidth.max(), rtt))
    }

    fn update_pacing_rate(&mut self, sample: &AckSample) {
        let gain = match self.phase {
            Phase::Startup => STARTUP_PACING_GAIN,
            Phase::Drain => DRAIN_PACING_GAIN,
            Phase::Down => DOWN_PACING_GAIN,
            Phase::Up { .. } => UP_PACING_GAIN,
            Phase::Cruise { .. } if self.queued => DOWN_PACING_GAIN,
            Phase::Cruise { .. } | Phase::Refill { .. } | Phase::ProbeRtt { .. } => 1.0,
        };
        if let Some(window) = self.competition.window() {
            let rtt = sample.smoothed_rtt.max(Duration::from_micros(1));
            self.pacing_rate = Some((window as f64 * UP_PACING_GAIN / rtt.as_secs_f64()) as u64);
            return;
        }
        let bandwidth = match self.bandwidth() {
            0 => {
                let rtt = sample.smoothed_rtt.max(Duration::from_micros(1));
                ((self.mtu * INITIAL_WINDOW_PACKETS) as f64 / rtt.as_secs_f64()) as u64
            }
            bandwidth => bandwidth,
        };
        let rate = (bandwidth as f64 * gain * PACING_MARGIN) as u64;
        // Before the bandwidth is found a low sample is only a slow application.
        if self.full_pipe.is_reached() || self.pacing_rate.is_none_or(|before| rate > before) {
            self.pacing_rate = Some(rate);
        }
    }

    fn update_window(&mut self, sample: &AckSample) {
        let quantum = self.pacing_rate.map_or(0, |rate| {
            bytes_in(rate, QUANTUM_TIME).clamp(self.mtu, self.burst)
        });
        let target = (self.product(WINDOW_GAIN) + self.aggregation.extra()).max(3 * quantum);
        let grown = self.window + sample.acked;
        if self.full_pipe.is_reached() {
            self.window = grown.min(target);
        } else if self.window < target || sample.delivered < (self.mtu * 2) as u64 {
            self.window = grown;
        }
        let ceiling = match self.phase {
            Phase::Startup => None,
            Phase::Cruise { .. } | Phase::Down => {
                self.ceiling.map(|ceiling| scale(ceiling, HEADROOM))
            }
            _ => self.ceiling,
        };
        if let Some(window) = self.competition.window() {
            let least = (3 * quantum).max(self.mtu * MIN_WINDOW_PACKETS);
            self.window = grown.min(window.max(least));
            return;
        }
        let bounds = [
            ceiling,
            self.short_term.map(|bound| bound.in_flight),
            matches!(self.phase, Phase::ProbeRtt { .. }).then(|| self.probe_rtt_window()),
        ];
        let bound = bounds.into_iter().flatten().min().unwrap_or(usize::MAX);
        self.window = self.window.min(bound).max(self.mtu * MIN_WINDOW_PACKETS);
    }

    fn probe_rtt_window(&self) -> usize {
        self.product(PROBE_RTT_GAIN)
            .max(self.mtu * MIN_WINDOW_PACKETS)
    }

    /// What was taken as lost was only late (`BBRHandleSpuriousLossDetection` of the draft): the
    /// bounds drawn from it fall, and Startup goes on if it ended for that. Otherwise a path that
    /// reorders the first packets would be searched at the pace of a long connection.
    pub(super) fn on_spurious_losses(&mut self) {
        self.short_term = None;
        // Where a queue overflowed, duplicates are of what the SACKs had no room to tell.
        if self.left_startup_by_loss && !self.queued {
            self.search();
        }
    }

    /// The model stands, only the window falls: until something comes through.
    pub(super) fn on_timeout(&mut self) {
        let before = self.window_before_timeout.unwrap_or(0);
        self.window_before_timeout = Some(self.window.max(before));
        self.window = self.mtu * MIN_WINDOW_PACKETS;
        self.full_pipe.on_timeout();
    }

    /// The path carries again. What it carries now may be something else: that is probed soon.
    pub(super) fn restore_window(&mut self) {
        let Some(window) = self.window_before_timeout.take() else {
            return;
        };
        self.window = self.window.max(window);
        if let Phase::Cruise { until_round, .. } = &mut self.phase {
            *until_round = self.round.count() + 1;
        }
    }

    pub(super) fn on_restart_from_idle(&mut self, now: Instant) {
        self.aggregation.restart(now);
        // The pause drained the queue: what ProbeRtt is for has happened.
        if let Phase::ProbeRtt { until: None } = self.phase {
            self.set_phase(Phase::ProbeRtt {
                until: Some(now + PROBE_RTT_TIME),
            });
            self.min_rtt.restart(now);
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    pub(super) fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }
}
