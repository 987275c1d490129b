//! The default controller: GCC.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use super::delay::{DelayBased, Rates};
use super::{
    Alr, Bitrate, Bounds, Cluster, Controller, Holds, LossBased, LossState, PacketResult, Plan,
    ProbeResults, Prober, Reason, ReportedLoss, Shown, Throughput, Usage,
};
use crate::limits::PLANS;

/// Google's congestion control at the sender: the rate that delay allows
/// (draft-ietf-rmcat-gcc-02), the rate that losses allow, and probes.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Bitrate, Bounds, Controller, Gcc, Reason};
///
/// let mut gcc = Gcc::default();
/// gcc.handle_route(Instant::ZERO, Bounds::default());
/// let plan = gcc.poll().unwrap();
/// assert_eq!(plan.target, Bitrate::from_kbps(300));
/// assert_eq!(plan.reason, Reason::Start);
/// assert_eq!(plan.probe.unwrap().rate, Bitrate::from_kbps(900));
/// ```
#[derive(Debug)]
pub struct Gcc {
    bounds: Bounds,
    /// There is a path.
    open: bool,
    throughput: Throughput,
    delay: DelayBased,
    loss: LossBased,
    prober: Prober,
    probes: ProbeResults,
    alr: Alr,
    /// The application has sent less than it may for a while.
    spare: bool,
    reported: ReportedLoss,
    target: Bitrate,
    reason: Reason,
    /// What the peer allows.
    remote: Bitrate,
    begun: Instant,
    hearing: Hearing,
    silence_cut: Option<Instant>,
    /// Packets that arrived, by arrival; kept for its memory.
    arrived: Vec<PacketResult>,
    plans: VecDeque<Plan>,
    told: Option<Plan>,
}

/// When something was sent and heard.
#[derive(Debug, Default)]
struct Hearing {
    /// Transport-wide feedback has come.
    feedback: bool,
    heard: Option<Instant>,
    sent: Option<Instant>,
    rtt: Option<Duration>,
}

impl Default for Gcc {
    fn default() -> Self {
        let bounds = Bounds::default().sane();
        Gcc {
            bounds,
            open: false,
            throughput: Throughput::default(),
            delay: DelayBased::new(bounds.start, bounds.min),
            loss: LossBased::new(bounds.min, bounds.max),
            prober: Prober::default(),
            probes: ProbeResults::default(),
            alr: Alr::default(),
            spare: false,
            reported: ReportedLoss::default(),
            target: bounds.start,
            reason: Reason::Start,
            remote: Bitrate::MAX,
            begun: Instant::ZERO,
            hearing: Hearing::default(),
            silence_cut: None,
            arrived: Vec::new(),
            plans: VecDeque::new(),
            told: None,
        }
    }
}

impl Controller for Gcc {
    fn handle_route(&mut self, now: Instant, bounds: Bounds) {
        let bounds = bounds.sane();
        *self = Gcc {
            bounds,
            open: true,
            delay: DelayBased::new(bounds.start, bounds.min),
            loss: LossBased::new(bounds.min, bounds.max),
            prober: std::mem::take(&mut self.prober),
            arrived: std::mem::take(&mut self.arrived),
            target: bounds.start,
            begun: now,
            ..Gcc::default()
        };
        self.alr.set_estimate(self.target);
        self.prober.begin(now, bounds.start, bounds.max);
        self.tell();
    }

    fn handle_bounds(&mut self, now: Instant, bounds: Bounds) {
        self.bounds = bounds.sane();
        self.delay.aimd.set_min(self.bounds.min);
        self.loss.set_bounds(self.bounds.min, self.bounds.max);
        self.update(now);
        self.prober.set_max(now, self.bounds.max);
        self.tell();
    }

    fn handle_wanted(&mut self, now: Instant, wanted: Bitrate) {
        self.prober.set_wanted(now, wanted);
        self.tell();
    }

    fn handle_sent(&mut self, now: Instant, size: usize, in_flight: usize) {
        self.hearing.sent = Some(now);
        if in_flight <= size {
            // Nobody owed an answer before this one.
            self.hearing.heard = Some(now);
        }
        self.hearing.heard.get_or_insert(now);
        self.alr.handle_sent(now, size);
    }

    fn handle_feedback(&mut self, now: Instant, results: &[PacketResult], _in_flight: usize) {
        if results.is_empty() {
            return;
        }
        self.hearing.feedback = true;
        let arrived = self.take_arrived(results);
        self.measure_rtt(now, &arrived);

        let alr = self.alr.since();
        self.prober.set_alr(now, alr);
        let rates = self.measure_rates(&arrived);
        let update = self.delay.handle(now, &arrived, rates);
        self.arrived = arrived;

        if update.probed {
            self.loss.set_rate(self.delay.aimd.rate());
        }
        self.loss.push(
            results,
            self.delay.aimd.rate(),
            rates.arrives,
            alr.is_some(),
        );
        self.update(now);
        if update.recovered {
            self.prober.handle_recovery(now);
        }
        self.tell();
    }

    fn handle_carried(&mut self, now: Instant, rate: Bitrate) {
        let normal = self.delay.usage() == Usage::Normal && self.delay.queue() < QUEUE_LONG;
        let lossy = self.loss.estimate().is_some_and(|loss| loss.rate < rate);
        let before = self.delay.aimd.rate();
        if normal && !lossy && rate > before {
            let rate = rate.min(before * CARRIED_STEP).min(self.bounds.max);
            self.delay.aimd.set_rate(now, rate, Reason::Increase);
            self.update(now);
            self.tell();
        }
    }

    fn handle_remb(&mut self, now: Instant, rate: Bitrate) {
        self.remote = if rate == Bitrate::ZERO {
            Bitrate::MAX
        } else {
            rate
        };
        if !self.hearing.feedback && now - self.begun < START_PHASE && self.remote > self.target {
            // Nothing else is known yet: the peer's word counts.
            let rate = self.remote.min(self.bounds.max);
            self.delay.aimd.set_rate(now, rate, Reason::Remote);
        }
        self.update(now);
        self.tell();
    }

    fn handle_loss_report(
        &mut self,
        now: Instant,
        lost: u32,
        expected: u32,
        rtt: Option<Duration>,
    ) {
        if self.hearing.feedback {
            return;
        }
        self.hearing.rtt = rtt.or(self.hearing.rtt);
        let rate = self.delay.aimd.rate();
        if let Some(other) = self.reported.push(now, lost, expected, rate, rtt) {
            let reason = if other < rate {
                Reason::Loss
            } else {
                Reason::Increase
            };
            let other = other.min(self.bounds.max);
            self.delay.aimd.set_rate(now, other, reason);
        }
        self.update(now);
        self.tell();
    }

    fn handle_tick(&mut self, now: Instant) {
        if !self.open {
            return;
        }
        self.cut_in_silence(now);
        self.prober.set_alr(now, self.alr.since());
        self.update(now);
        self.prober.handle_tick(now);
        self.tell();
    }

    fn poll(&mut self) -> Option<Plan> {
        self.plans.pop_front()
    }
}

impl Gcc {
    /// The share of bytes lost lately.
    pub fn loss(&self) -> f64 {
        self.loss.loss()
    }

    /// How long packets wait in queues, as far as the least delay shows it.
    pub fn queue(&self) -> Duration {
        self.delay.queue()
    }

    /// What arrives.
    pub fn throughput(&self) -> Option<Bitrate> {
        self.throughput.rate()
    }

    fn take_arrived(&mut self, results: &[PacketResult]) -> Vec<PacketResult> {
        let mut arrived = std::mem::take(&mut self.arrived);
        arrived.clear();
        arrived.extend(results.iter().filter(|result| result.arrival.is_some()));
        arrived.sort_by_key(|result| (result.arrival, result.sequence));
        arrived
    }

    /// The shortest time that a packet and the word of it took, its wait for others left out.
    fn measure_rtt(&mut self, now: Instant, arrived: &[PacketResult]) {
        let Some(newest) = arrived.last().and_then(|packet| packet.arrival) else {
            return;
        };
        let times = arrived.iter().filter_map(|packet| {
            Some((now - packet.sent).saturating_sub(newest - packet.arrival?))
        });
        if let Some(rtt) = times.min() {
            self.hearing.rtt = Some(rtt);
            self.hearing.heard = Some(now);
            self.delay.aimd.set_rtt(rtt);
        }
    }

    fn measure_rates(&mut self, arrived: &[PacketResult]) -> Rates {
        let mut shown = None;
        for packet in arrived {
            self.throughput.push(packet);
            shown = self.probes.push(packet).or(shown);
        }
        let arrives = self.throughput.rate();
        Rates {
            arrives,
            lately: self.throughput.recent_rate(LATELY),
            probe: shown.and_then(|shown| self.believe(shown, arrives)),
        }
    }

    /// What is taken of what a probe shows.
    fn believe(&self, shown: Shown, arrives: Option<Bitrate>) -> Option<Bitrate> {
        let rate = self.delay.aimd.rate();
        if shown.quiet && shown.saturated {
            return (shown.rate > rate).then(|| shown.rate.min(rate * QUIET_STEP));
        }
        // A probe that says far less than what arrives is not to be believed.
        let floor = arrives.map(|arrives| rate.min(arrives * PROBE_DROP));
        Some(shown.rate.max(floor.unwrap_or_default()))
    }

    /// Nothing is heard of what is sent: less of it.
    fn cut_in_silence(&mut self, now: Instant) {
        if !self.is_silent() {
            return;
        }
        if self
            .silence_cut
            .is_none_or(|at| now - at >= SILENCE_CUT_INTERVAL)
        {
            self.silence_cut = Some(now);
            let rate = (self.target * SILENCE_CUT).max(self.bounds.min);
            self.delay.aimd.set_rate(now, rate, Reason::Silence);
        }
    }

    fn is_silent(&self) -> bool {
        let (Some(sent), Some(heard)) = (self.hearing.sent, self.hearing.heard) else {
            return false;
        };
        let late = self.hearing.rtt.unwrap_or_default() + (sent - heard);
        self.hearing.feedback && late > SILENCE
    }

    /// Makes the target of what delay, losses, the peer and the application allow.
    fn update(&mut self, now: Instant) {
        let before = self.target;
        let mut target = self.delay.aimd.rate();
        let mut reason = self.delay.aimd.reason();
        let loss = self.loss.estimate();
        if let Some(loss) = loss.filter(|loss| loss.rate < target) {
            target = loss.rate;
            reason = match loss.state {
                LossState::Decreasing => Reason::Loss,
                LossState::Increasing => Reason::LossOver,
                LossState::Free => reason,
            };
        }
        if self.remote < target {
            (target, reason) = (self.remote, Reason::Remote);
        }
        let bounded = target.clamp(self.bounds.min, self.bounds.max);
        if bounded != target {
            (target, reason) = (bounded, Reason::Bounds);
        }

        let since = self.alr.since();
        self.spare = since.is_some_and(|since| now - since >= SPARE_AFTER);
        (self.target, self.reason) = (target, reason);
        if target != before {
            self.alr.set_estimate(target);
        }
        let holds = match (self.delay.usage(), loss.map(|loss| loss.state)) {
            (Usage::Over | Usage::Under, _) => Holds::Congestion,
            (_, Some(LossState::Decreasing | LossState::Increasing)) => Holds::Congestion,
            _ if self.is_silent() => Holds::Congestion,
            _ => Holds::Nothing,
        };
        self.prober.handle_estimate(now, target, holds);
    }

    /// Puts the plan into the queue if it is another one, and each probe with one of its own.
    fn tell(&mut self) {
        if !self.open {
            return;
        }
        let plan = self.plan();
        if self.told != Some(plan) {
            self.told = Some(plan);
            self.push(plan);
        }
        while let Some(cluster) = self.prober.poll() {
            self.probes.expect(cluster);
            self.push_probe(cluster);
        }
    }

    fn push_probe(&mut self, cluster: Cluster) {
        let plan = Plan {
            probe: Some(cluster),
            ..self.plan()
        };
        match self.plans.back_mut() {
            Some(last) if last.probe.is_none() => *last = plan,
            _ => self.push(plan),
        }
    }

    /// A host that does not look gets the newest; only probes are lost.
    fn push(&mut self, plan: Plan) {
        if let Some(last) = self.plans.back_mut()
            && last.probe.is_none()
        {
            *last = plan;
            return;
        }
        if self.plans.len() == PLANS {
            self.plans.pop_front();
        }
        self.plans.push_back(plan);
    }

    fn plan(&self) -> Plan {
        let queued = self.delay.queue() > QUEUE_LONG || self.delay.usage() == Usage::Over;
        let factor = if queued { PACING_CAREFUL } else { PACING };
        let rising = self
            .loss
            .estimate()
            .is_some_and(|loss| loss.state == LossState::Increasing);
        Plan {
            target: self.target,
            pacing: self.target * factor,
            burst: if self.spare && !queued {
                BURST
            } else {
                Duration::ZERO
            },
            padding: if rising { self.target } else { Bitrate::ZERO },
            probe: None,
            window: None,
            ect1: false,
            reason: self.reason,
        }
    }
}

/// Ours: what data beside the media was carried shows, in steps.
const CARRIED_STEP: f64 = 1.25;
const START_PHASE: Duration = Duration::from_secs(2);
const PROBE_DROP: f64 = 0.85;
/// Ours: a step towards what a quiet probe shows that others may have made room for.
const QUIET_STEP: f64 = 1.2;
const LATELY: Duration = Duration::from_millis(300);
const SILENCE: Duration = Duration::from_secs(3);
const SILENCE_CUT: f64 = 0.8;
const SILENCE_CUT_INTERVAL: Duration = Duration::from_secs(1);
const PACING: f64 = 1.25;
const PACING_CAREFUL: f64 = 1.1;
/// A picture leaves at once where the path has been known for a while to carry more than is sent; where it is not, it
/// would be a queue. libwebrtc's pacer has it so everywhere.
const BURST: Duration = Duration::from_millis(40);
const SPARE_AFTER: Duration = Duration::from_millis(300);
const QUEUE_LONG: Duration = Duration::from_millis(50);
