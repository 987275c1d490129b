use std::time::Duration;

use arbitrary::Arbitrary;
use duologue_base::{Ecn, Instant};
use duologue_media::cc::{
    Bitrate, Bounds, ClusterId, Controller, Gcc, History, L4s, PacketResult, Plan, Selector,
};
use duologue_rtp::rtcp::PacketMetric;

use crate::memory;

/// What a hostile peer, a strange clock and an odd application do to a controller.
#[derive(Debug, Arbitrary)]
pub struct CongestionScenario {
    kind: Kind,
    bounds: (u32, u32, u32),
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Kind {
    Gcc,
    L4s,
    Selector,
}

/// Sequence number, when it was sent, size, when it arrived, its mark, its probe.
type Told = (u64, u64, u32, Option<u64>, u8, Option<u32>);

#[derive(Debug, Arbitrary)]
enum Step {
    Pass(u32),
    /// Packets of a size, each so many µs after the other.
    Send(u8, u16, u16),
    Transport {
        base: u16,
        reference: u32,
        deltas: Vec<Option<i32>>,
    },
    Report {
        time: u32,
        ssrc: u8,
        begin: u16,
        arrivals: Vec<Option<(u8, u16)>>,
    },
    /// Results that no history would make.
    Results(Vec<Told>),
    Remb(u64),
    Loss(u32, u32, Option<u32>),
    Wanted(u64),
    Bounds(u64, u64, u64),
    Route,
    Tick,
}

/// Nothing panics, the target stays within its bounds, plans end, and what is remembered is bounded.
pub fn congestion(scenario: CongestionScenario) {
    let _bound = memory::at_most_kib(512);
    let (min, start, max) = scenario.bounds;
    let mut call = Call {
        controller: match scenario.kind {
            Kind::Gcc => Box::new(Gcc::default()),
            Kind::L4s => Box::new(L4s::default()),
            Kind::Selector => Box::new(Selector::new(true)),
        },
        bounds: bounds(min.into(), start.into(), max.into()),
        now: Instant::ZERO + Duration::from_secs(1),
        history: History::default(),
        plan: None,
        number: 0,
    };
    call.controller.handle_route(call.now, call.bounds);
    call.check();
    for step in scenario.steps {
        call.take(step);
        call.check();
    }
}

/// A controller and what it stands between.
struct Call {
    controller: Box<dyn Controller>,
    bounds: Bounds,
    now: Instant,
    history: History,
    plan: Option<Plan>,
    number: u16,
}

impl Call {
    fn take(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Pass(micros) => self.now += Duration::from_micros(micros.into()),
            Step::Send(count, size, apart) => self.send(count, size, apart),
            Step::Transport {
                base,
                reference,
                deltas,
            } => {
                let mut results = Vec::new();
                let mut ticks = reference.wrapping_mul(256);
                let numbers = (0..=u16::MAX).map(|n| base.wrapping_add(n));
                let arrivals = numbers.zip(deltas).filter_map(|(number, delta)| {
                    ticks = ticks.wrapping_add_signed(delta?);
                    Some((number, ticks))
                });
                self.history
                    .handle_transport_cc(now, base, reference, arrivals, &mut results);
                self.tell(&results);
            }
            Step::Report {
                time,
                ssrc,
                begin,
                arrivals,
            } => {
                let mut results = Vec::new();
                let metrics = arrivals.into_iter().map(|arrival| match arrival {
                    Some((ecn, offset)) => {
                        let ago = Duration::from_secs(1) * u32::from(offset) / 1_024;
                        PacketMetric::received(mark(ecn), Some(ago))
                    }
                    None => PacketMetric::LOST,
                });
                let ssrc = u32::from(ssrc % 4);
                self.history
                    .handle_stream_report(now, time, (ssrc, begin), metrics, &mut results);
                self.tell(&results);
            }
            Step::Results(results) => {
                let results: Vec<_> = results.into_iter().map(result).collect();
                self.controller
                    .handle_feedback(now, &results, usize::MAX / 4);
            }
            other => self.steer(other),
        }
    }

    fn steer(&mut self, step: Step) {
        let (now, controller) = (self.now, &mut self.controller);
        match step {
            Step::Remb(rate) => controller.handle_remb(now, Bitrate::from_bps(rate)),
            Step::Loss(lost, expected, rtt) => {
                let rtt = rtt.map(|millis| Duration::from_millis(millis.into()));
                controller.handle_loss_report(now, lost, expected, rtt);
            }
            Step::Wanted(rate) => controller.handle_wanted(now, Bitrate::from_bps(rate)),
            Step::Bounds(min, start, max) => {
                self.bounds = bounds(min, start, max);
                controller.handle_bounds(now, self.bounds);
            }
            Step::Route => {
                self.history.reset();
                controller.handle_route(now, self.bounds);
            }
            _ => controller.handle_tick(now),
        }
    }

    fn send(&mut self, count: u8, size: u16, apart: u16) {
        for _ in 0..count {
            self.now += Duration::from_micros(apart.into());
            self.number = self.number.wrapping_add(1);
            let probe = self.plan.and_then(|plan| plan.probe).map(|probe| probe.id);
            let stream = Some((u32::from(self.number % 3), self.number));
            self.history.push(self.now, size.into(), probe, stream);
            let in_flight = self.history.in_flight();
            self.controller
                .handle_sent(self.now, size.into(), in_flight);
        }
    }

    fn tell(&mut self, results: &[PacketResult]) {
        let in_flight = self.history.in_flight();
        self.controller
            .handle_feedback(self.now, results, in_flight);
    }

    fn check(&mut self) {
        let mut newest = None;
        for count in 0.. {
            assert!(count < 100, "plans do not end");
            match self.controller.poll() {
                Some(plan) => newest = Some(plan),
                None => break,
            }
        }
        let Some(plan) = newest else {
            return;
        };
        // What a controller makes of bounds that are out of order or out of reach.
        let min = self.bounds.min.clamp(LEAST, MOST);
        let max = self.bounds.max.clamp(min, MOST);
        assert!((min..=max).contains(&plan.target), "{plan:?}");
        let pacing = plan.target..=plan.target * 3.0;
        assert!(pacing.contains(&plan.pacing), "{plan:?}");
        assert!(plan.padding <= plan.target, "{plan:?}");
        self.plan = Some(plan);
    }
}

fn result(raw: (u64, u64, u32, Option<u64>, u8, Option<u32>)) -> PacketResult {
    let (sequence, sent, size, arrival, ecn, probe) = raw;
    PacketResult {
        sequence,
        sent: Instant::from_nanos(sent),
        size: size as usize,
        arrival: arrival.map(Instant::from_nanos),
        ecn: mark(ecn),
        probe: probe.map(ClusterId),
    }
}

fn mark(bits: u8) -> Ecn {
    match bits % 4 {
        0 => Ecn::NotEct,
        1 => Ecn::Ect1,
        2 => Ecn::Ect0,
        _ => Ecn::Ce,
    }
}

fn bounds(min: u64, start: u64, max: u64) -> Bounds {
    Bounds {
        min: Bitrate::from_bps(min),
        start: Bitrate::from_bps(start),
        max: Bitrate::from_bps(max),
    }
}

const LEAST: Bitrate = Bitrate::from_bps(5_000);
const MOST: Bitrate = Bitrate::from_bps(10_000_000_000);
