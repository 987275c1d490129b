//! How fast one transport may send: what feedback says of the path, and who may send now.

use std::convert::Infallible;
use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::rtcp::{CongestionControlFeedback, TransportFeedback};
use duologue_rtp::{CodecParameters, RtcpFeedback, Ssrc};

use super::data::Data;
use super::pacer::{Class, Pacer, StreamKey, Turn as PacerTurn};
use super::repeats::{Repeatable, Repeats};
use super::tracking::{Tracking, Written};
use crate::ReportedPackets;
use crate::cc::{
    Allocation, Allocator, Bitrate, Bounds, ClusterId, Controller, Demand, History, PacketResult,
    Plan, Selector,
};

/// What tells an end that sends how fast the path is.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum BandwidthFeedback {
    /// No feedback was agreed on. There is no estimate: packets leave as the application hands them
    /// over, and it is for the application to hand over no more than the path carries.
    #[default]
    None,
    /// `goog-remb`: the receiver estimates (draft-alvestrand-rmcat-remb-03).
    ReceiverEstimate,
    /// `transport-cc`: the receiver tells when packets arrived
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportWide,
    /// `ack ccfb`: the receiver tells when packets of each stream arrived, and how they were marked
    /// (RFC 8888).
    Marks,
}

impl BandwidthFeedback {
    /// The best that is agreed on for the codecs of a sender, whose packets may have numbers.
    pub(crate) fn of(codecs: &[CodecParameters], numbered: bool) -> Self {
        let agreed = |feedback| {
            let mut codecs = codecs.iter();
            codecs.any(|codec| codec.feedback.contains(&feedback))
        };
        if agreed(RtcpFeedback::Ccfb) {
            BandwidthFeedback::Marks
        } else if numbered && agreed(RtcpFeedback::TransportCc) {
            BandwidthFeedback::TransportWide
        } else if agreed(RtcpFeedback::Remb) {
            BandwidthFeedback::ReceiverEstimate
        } else {
            BandwidthFeedback::None
        }
    }
}

/// What waits to be sent, the most urgent first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lane {
    /// All packets of audio: they are not paced.
    Audio,
    /// Packets of video that the other end asked for again.
    Again,
    /// Video, and the parity of it.
    Video,
}

impl Lane {
    pub(crate) const ALL: [Lane; 3] = [Lane::Audio, Lane::Again, Lane::Video];

    fn key(self) -> StreamKey {
        StreamKey(self as u32)
    }

    fn of(key: StreamKey) -> Self {
        Lane::ALL[(key.0 as usize).min(Lane::ALL.len() - 1)]
    }

    fn class(self) -> Class {
        match self {
            Lane::Audio => Class::Audio,
            Lane::Again => Class::Retransmission,
            Lane::Video => Class::Video,
        }
    }
}

/// In which lanes something waits.
pub(crate) type Waits = [bool; Lane::ALL.len()];

/// Who may send now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// One packet of this lane.
    Packet(Lane, Option<ClusterId>),
    /// One of padding, about so long.
    Padding(usize, Option<ClusterId>),
}

/// How fast one transport may send.
#[derive(Debug, Default)]
pub(crate) enum Bandwidth {
    /// Nothing tells.
    #[default]
    Unknown,
    Estimated(Box<Estimator>),
}

/// The history, the controller and the pacer of one transport.
#[derive(Debug)]
pub(crate) struct Estimator {
    feedback: BandwidthFeedback,
    bounds: Bounds,
    history: History,
    controller: Selector,
    /// In which the pacer works.
    slot: Duration,
    /// The lanes keep their queues themselves.
    pacer: Pacer<Infallible>,
    may_pad: bool,
    /// Once something was to be sent.
    plan: Option<Plan>,
    allocator: Allocator,
    repeats: Repeats,
    /// When the target was divided last, and which it was.
    shared: Option<(Instant, Bitrate)>,
    wanted: Bitrate,
    data: Data,
    /// When video was sent last.
    paced: Option<Instant>,
    /// What the pacer knows of.
    waits: Waits,
    /// The least that is sent, so that nothing waits for long.
    least: Bitrate,
    ticked: Instant,
    /// When something was sent last.
    used: Instant,
    /// Kept for its memory.
    results: Vec<PacketResult>,
}

impl Bandwidth {
    /// This is agreed on now.
    pub(crate) fn set_feedback(
        &mut self,
        feedback: BandwidthFeedback,
        bounds: Bounds,
        slot: Duration,
    ) {
        match self {
            Bandwidth::Estimated(estimator) if estimator.feedback == feedback => {}
            _ if feedback == BandwidthFeedback::None => *self = Bandwidth::Unknown,
            _ => *self = Bandwidth::Estimated(Box::new(Estimator::new(feedback, bounds, slot))),
        }
    }

    pub(crate) fn feedback(&self) -> BandwidthFeedback {
        match self {
            Bandwidth::Unknown => BandwidthFeedback::None,
            Bandwidth::Estimated(estimator) => estimator.feedback,
        }
    }

    /// Bits per second that may be sent altogether, once there is an estimate.
    pub(crate) fn target(&self) -> Option<Bitrate> {
        Some(self.estimator()?.plan?.target)
    }

    pub(crate) fn estimator(&self) -> Option<&Estimator> {
        match self {
            Bandwidth::Unknown => None,
            Bandwidth::Estimated(estimator) => Some(estimator),
        }
    }

    pub(crate) fn estimator_mut(&mut self) -> Option<&mut Estimator> {
        match self {
            Bandwidth::Unknown => None,
            Bandwidth::Estimated(estimator) => Some(estimator),
        }
    }

    /// By what the other end is to tell of the next packet.
    pub(crate) fn tracking(&self) -> Tracking {
        let Some(estimator) = self.estimator() else {
            return Tracking::None;
        };
        match estimator.feedback {
            BandwidthFeedback::TransportWide => Tracking::Numbered(estimator.history.next_number()),
            BandwidthFeedback::Marks => Tracking::ByStream,
            BandwidthFeedback::None | BandwidthFeedback::ReceiverEstimate => Tracking::None,
        }
    }

    /// Which packets may be sent again now. Audio is little.
    pub(crate) fn repeatable(&mut self, now: Instant, lane: Lane) -> Repeatable {
        match self.estimator_mut() {
            Some(estimator) if lane == Lane::Again => estimator.repeatable(now),
            _ => Repeatable::All,
        }
    }

    /// Packets leave as capable of L4S.
    pub(crate) fn is_marking(&self) -> bool {
        let plan = self.estimator().and_then(|estimator| estimator.plan);
        plan.is_some_and(|plan| plan.ect1)
    }

    /// Who may send now, no more than `room`.
    pub(crate) fn turn(&mut self, now: Instant, waits: Waits, room: usize) -> Option<Turn> {
        match self {
            Bandwidth::Unknown => {
                let first = Lane::ALL.into_iter().zip(waits).find(|(_, waits)| *waits);
                first.map(|(lane, _)| Turn::Packet(lane, None))
            }
            Bandwidth::Estimated(estimator) => estimator.turn(now, waits, room),
        }
    }

    /// Something may be sent, or is to be done, from when on.
    pub(crate) fn poll_timeout(&self, now: Instant, waits: Waits) -> Option<Instant> {
        match self {
            Bandwidth::Unknown => waits.contains(&true).then_some(now),
            Bandwidth::Estimated(estimator) => estimator.poll_timeout(now, waits),
        }
    }
}

impl Estimator {
    fn new(feedback: BandwidthFeedback, bounds: Bounds, slot: Duration) -> Self {
        Estimator {
            feedback,
            bounds,
            history: History::default(),
            controller: Selector::new(feedback == BandwidthFeedback::Marks),
            slot,
            pacer: new_pacer(Instant::ZERO, slot),
            may_pad: false,
            plan: None,
            allocator: Allocator::default(),
            repeats: Repeats::default(),
            shared: None,
            wanted: Bitrate::ZERO,
            data: Data::default(),
            paced: None,
            waits: Waits::default(),
            least: Bitrate::ZERO,
            ticked: Instant::ZERO,
            used: Instant::ZERO,
            results: Vec::new(),
        }
    }

    /// Other bounds. Where nothing was sent yet, the start is the new one, too.
    pub(crate) fn set_bounds(&mut self, now: Instant, bounds: Bounds) {
        self.bounds = bounds;
        if self.plan.is_some() {
            self.controller.handle_bounds(now, bounds);
            self.take_plans(now);
        }
    }

    /// The packets take another path from now on, of which nothing is known but what the last one
    /// carried.
    pub(crate) fn handle_route(&mut self, now: Instant) {
        let Some(plan) = self.plan else {
            return;
        };
        self.history.reset();
        let start = plan.target.min(self.bounds.start);
        self.begin(
            now,
            Bounds {
                start,
                ..self.bounds
            },
        );
    }

    /// There is a stream whose repetitions may be padding.
    pub(crate) fn set_may_pad(&mut self, may_pad: bool) {
        self.may_pad = may_pad;
        self.pacer.set_may_pad(may_pad);
    }

    fn begin(&mut self, now: Instant, bounds: Bounds) {
        self.pacer = new_pacer(now, self.slot);
        self.pacer.set_may_pad(self.may_pad);
        self.pacer.set_least(now, self.least);
        self.waits = Waits::default();
        (self.ticked, self.used) = (now, now);
        self.controller.handle_route(now, bounds);
        self.take_plans(now);
    }

    pub(crate) fn is_tick_due(&self, now: Instant) -> bool {
        now - self.ticked >= TICK
    }

    fn turn(&mut self, now: Instant, waits: Waits, room: usize) -> Option<Turn> {
        if self.plan.is_none() {
            if !waits.contains(&true) {
                return None;
            }
            self.begin(now, self.bounds);
        }
        if self.is_tick_due(now) {
            self.ticked = now;
            self.controller.handle_tick(now);
            self.take_plans(now);
        }
        for (lane, waits) in Lane::ALL.into_iter().zip(waits) {
            let demand = if waits { ENOUGH } else { 0 };
            self.pacer.set_demand(now, lane.key(), demand);
        }
        self.waits = waits;

        let turn = self.pacer.poll(now, self.history.in_flight(), Some(room))?;
        Some(match turn {
            PacerTurn::Packet { item, .. } => match item {},
            PacerTurn::Demand { stream, probe, .. } => Turn::Packet(Lane::of(stream), probe),
            PacerTurn::Padding { bytes, probe } => Turn::Padding(bytes, probe),
        })
    }

    /// The target is to be divided: it is another one, or it was long ago.
    pub(crate) fn is_share_due(&self, now: Instant) -> bool {
        let Some(Plan { target, .. }) = self.plan else {
            return false;
        };
        self.shared.is_none_or(|(at, before)| {
            let moved = target.bps().abs_diff(before.bps());
            now - at >= SHARED || moved > before.bps() / SHARED_PART
        })
    }

    /// Divides the target.
    pub(crate) fn share(&mut self, now: Instant, mut demands: Vec<Demand>) -> Option<Allocation> {
        let target = self.plan?.target;
        self.shared = Some((now, target));
        let wanted = demands.iter().map(|demand| demand.max);
        let wanted = wanted.fold(Bitrate::ZERO, |sum, one| sum + one);
        demands.extend(self.data.demand(now));
        let allocation = self.allocator.allocate(now, target, &demands);
        self.data.take_share(&allocation);
        // Data finds out by itself whether there is more.
        if wanted != self.wanted {
            self.wanted = wanted;
            self.controller.handle_wanted(now, self.wanted);
            self.take_plans(now);
        }
        Some(allocation)
    }

    /// So many bytes of video wait: they leave in time, whatever the estimate says. An application
    /// that hands over more than the path carries makes losses then, not a queue without end.
    pub(crate) fn set_waiting_bytes(&mut self, now: Instant, bytes: usize) {
        let least = Bitrate::over(bytes, PATIENCE);
        if least != self.least {
            self.least = least;
            self.pacer.set_least(now, least);
        }
    }

    /// Whether data waits beside the media.
    pub(crate) fn set_data_backlog(&mut self, now: Instant, backlog: bool) {
        if self.data.set_backlog(now, backlog) {
            self.shared = None;
        }
    }

    /// Bytes left beside the media.
    pub(crate) fn data_sent(&mut self, now: Instant, bytes: usize) {
        self.data.sent(now, bytes);
    }

    /// Bytes per second that data may send; none where there is nothing that it could starve. Audio is
    /// little, and SCTP leaves queues nearly empty.
    pub(crate) fn data_cap(&self, now: Instant) -> Option<u64> {
        let shares = self.paced.is_some_and(|at| now - at < PACED_LATELY);
        self.data.cap(now, &self.plan?).filter(|_| shares)
    }

    /// The lane whose turn it is has nothing, after all.
    pub(crate) fn nothing_sent(&mut self, now: Instant, lane: Lane) {
        self.pacer.handle_sent(now, lane.key(), 0);
    }

    /// A packet was sent in its turn.
    pub(crate) fn sent(&mut self, now: Instant, turn: Turn, written: Written) {
        let size = written.len + PATH_OVERHEAD;
        let probe = match turn {
            Turn::Packet(lane, probe) => {
                self.pacer.handle_sent(now, lane.key(), size);
                if lane == Lane::Again {
                    self.repeats.spend(size);
                }
                probe
            }
            Turn::Padding(_, probe) => {
                self.pacer.handle_padded(now, size);
                probe
            }
        };
        if turn == Turn::Packet(Lane::Video, probe) {
            self.paced = Some(now);
        }
        if written.tracked {
            let size = size + self.data.take_untracked(now, size);
            let by_stream = self.feedback == BandwidthFeedback::Marks;
            let stream = by_stream.then_some((written.ssrc.0, written.number));
            self.history.push(now, size, probe, stream);
        } else {
            self.data.sent(now, size);
        }
        self.used = now;
        let in_flight = self.history.in_flight();
        self.controller.handle_sent(now, size, in_flight);
        self.take_plans(now);
    }

    pub(crate) fn handle_transport_feedback(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
    ) {
        if self.feedback != BandwidthFeedback::TransportWide {
            return;
        }
        let arrivals = feedback.received().map(|it| (it.sequence, it.ticks));
        let (base, reference) = (feedback.base_sequence, feedback.reference_time);
        self.results.clear();
        self.history
            .handle_transport_cc(now, base, reference, arrivals, &mut self.results);
        self.take_results(now);
    }

    /// The other end tells what arrived of each stream. What is new in that is told on.
    pub(crate) fn handle_stream_feedback(
        &mut self,
        now: Instant,
        feedback: &CongestionControlFeedback<'_>,
        mut told: impl FnMut(Ssrc, ReportedPackets),
    ) {
        if self.feedback != BandwidthFeedback::Marks {
            return;
        }
        self.results.clear();
        for stream in feedback.streams() {
            let metrics = stream.metrics().map(|(_, metric)| metric);
            let begin = (stream.ssrc.0, stream.begin_sequence);
            let time = feedback.report_time.0;
            let results = &mut self.results;
            let news = self
                .history
                .handle_stream_report(now, time, begin, metrics, results);
            told(stream.ssrc, news);
        }
        self.take_results(now);
    }

    fn take_results(&mut self, now: Instant) {
        let in_flight = self.history.in_flight();
        self.controller
            .handle_feedback(now, &self.results, in_flight);
        if self.data.fills_path(now)
            && let Some(carried) = self.controller.throughput()
        {
            self.controller.handle_carried(now, carried);
        }
        self.take_plans(now);
    }

    /// The other end estimates so much.
    pub(crate) fn handle_remb(&mut self, now: Instant, rate: Bitrate) {
        if self.plan.is_some() {
            self.controller.handle_remb(now, rate);
            self.take_plans(now);
        }
    }

    /// Of so many packets so many were lost, by a report.
    pub(crate) fn handle_loss_report(
        &mut self,
        now: Instant,
        (lost, expected): (u32, u32),
        round_trip: Option<Duration>,
    ) {
        if self.plan.is_some() && self.feedback == BandwidthFeedback::ReceiverEstimate {
            self.controller
                .handle_loss_report(now, lost, expected, round_trip);
            self.take_plans(now);
        }
    }

    /// Which repetitions there is room for.
    pub(crate) fn repeatable(&mut self, now: Instant) -> Repeatable {
        let target = self.plan.map_or(self.bounds.start, |plan| plan.target);
        self.repeats.allow(now, target)
    }

    fn take_plans(&mut self, now: Instant) {
        while let Some(plan) = self.controller.poll() {
            self.pacer.set_plan(now, &plan);
            self.history.set_ect1(plan.ect1);
            self.plan = Some(plan);
        }
    }

    fn in_use(&self, now: Instant) -> bool {
        now - self.used < IDLE
    }

    fn poll_timeout(&self, now: Instant, waits: Waits) -> Option<Instant> {
        let waiting = waits.contains(&true);
        if waiting && (self.plan.is_none() || waits != self.waits) {
            return Some(now);
        }
        self.plan?;
        if self.in_use(now) && self.is_share_due(now) {
            return Some(now);
        }
        let tick = self.in_use(now).then(|| self.ticked + TICK_TIMER);
        Instant::earliest([self.pacer.poll_timeout(now), tick])
    }
}

fn new_pacer(now: Instant, slot: Duration) -> Pacer<Infallible> {
    let mut pacer = Pacer::new(now, slot);
    for lane in Lane::ALL {
        pacer.add_stream(lane.key(), lane.class(), 1);
    }
    pacer
}

/// What SRTP, UDP and IP put around a packet: 16, 8 and 20 bytes.
pub(crate) const PATH_OVERHEAD: usize = 44;

/// Of M§6: costs less than any jitter buffer sees.
pub(crate) const SLOT: Duration = Duration::from_millis(5);

/// The controller is told that time passes, when something is sent anyway; and by a timer, which would
/// be dear for a connection that sends little.
const TICK: Duration = Duration::from_millis(25);
const TICK_TIMER: Duration = Duration::from_millis(100);

/// The target is divided again after so long, since what senders want changes, and when it has changed
/// by one of so many parts.
const SHARED: Duration = Duration::from_millis(500);
const SHARED_PART: u64 = 50;

/// Video that has not been sent for so long needs no share.
const PACED_LATELY: Duration = Duration::from_secs(1);

/// A transport that sends nothing for so long has nothing to find out.
const IDLE: Duration = Duration::from_secs(6);

/// What was handed over leaves within this time.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the pacer believes to wait in a lane that has something.
const ENOUGH: usize = 1 << 30;
