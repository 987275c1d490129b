use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use duologue_base::{Ecn, Instant, Rng, Seq16};
use duologue_media::cc::{Bitrate, Bounds, Controller, Event, Gcc, History, Input, Plan, Selector};
use duologue_media::pacer::{Class, Pacer, Queued, StreamKey, Turn};
use duologue_rtp::rtcp::PacketMetric;

use super::arena::{Arrived, Content, Flow, Packet, Way};
use super::encoder::{Encoder, EncoderConfig};
use super::record::{Arrival, Record};

/// Which controller a flow has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ControllerKind {
    /// GCC over transport-cc.
    #[default]
    Gcc,
    /// GCC over reports of RFC 8888.
    GccByReports,
    /// Both, over reports of RFC 8888 with marks: for L4S where the path has it.
    Selector,
}

/// A flow of video.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Each way.
    pub delay: Duration,
    /// From then on the delay is another one.
    pub later_delay: Option<(Instant, Duration)>,
    /// When it begins, and ends.
    pub active: (Instant, Instant),
    /// It makes nothing in between.
    pub pause: Option<(Instant, Instant)>,
    /// Its encoder.
    pub encoder: EncoderConfig,
    /// Its controller's bounds.
    pub bounds: Bounds,
    /// Its controller.
    pub controller: ControllerKind,
    /// Between two feedback messages.
    pub feedback: Duration,
    /// It sends back, against the others.
    pub reversed: bool,
}

impl Default for MediaConfig {
    fn default() -> Self {
        MediaConfig {
            delay: Duration::from_millis(50),
            later_delay: None,
            active: (Instant::ZERO, Instant::ZERO + Duration::from_secs(1 << 20)),
            pause: None,
            encoder: EncoderConfig::default(),
            bounds: Bounds::default(),
            controller: ControllerKind::default(),
            feedback: Duration::from_millis(50),
            reversed: false,
        }
    }
}

/// A message of the receiver.
#[derive(Clone, Debug)]
pub(super) enum Feedback {
    /// Base number, reference time in 64 ms, and the time of what arrived in 250 µs.
    Transport(u16, u32, Vec<(u16, u32)>),
    /// Time of the report, SSRC, first number, arrivals.
    Stream(u32, u32, u16, Vec<PacketMetric>),
}

/// A packet before it is sent.
#[derive(Debug)]
struct Piece {
    size: usize,
    frame: u64,
}

impl Queued for Piece {
    fn size(&self) -> usize {
        self.size
    }

    fn frame(&self) -> u64 {
        self.frame
    }
}

/// Both ends of a flow of video.
#[derive(Debug)]
pub struct MediaFlow {
    id: usize,
    config: MediaConfig,
    encoder: Encoder,
    frame: u64,
    pacer: Pacer<Piece>,
    history: History,
    controller: Box<dyn Controller>,
    plan: Option<Plan>,
    number: u16,
    next_tick: Instant,
    receiver: Receiver,
    outgoing: VecDeque<(Way, Packet)>,
    record: Record,
    log: Option<Vec<Input>>,
    frames_dropped: u64,
}

#[derive(Debug, Default)]
struct Receiver {
    begun: bool,
    /// Packets since the last feedback: number without wraps, arrival and mark.
    arrivals: BTreeMap<u64, (Instant, Ecn)>,
    newest: u64,
    /// The next number to be reported.
    next: u64,
    due: Option<Instant>,
}

impl MediaFlow {
    pub(super) fn new(id: usize, config: MediaConfig, mut rng: Rng) -> Self {
        let start = config.active.0;
        let mut pacer = Pacer::new(start, SLOT);
        pacer.add_stream(CAMERA, Class::Video, 1);
        let controller: Box<dyn Controller> = match config.controller {
            ControllerKind::Gcc | ControllerKind::GccByReports => Box::new(Gcc::default()),
            ControllerKind::Selector => Box::new(Selector::new(true)),
        };
        MediaFlow {
            id,
            encoder: Encoder::new(config.encoder, start, rng.fork()),
            frame: 0,
            pacer,
            history: History::default(),
            controller,
            plan: None,
            number: rng.u32() as u16,
            next_tick: start,
            receiver: Receiver::default(),
            outgoing: VecDeque::new(),
            record: Record::default(),
            log: None,
            frames_dropped: 0,
            config,
        }
    }

    /// What became of it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Frames that waited too long in the pacer.
    pub fn frames_dropped(&self) -> u64 {
        self.frames_dropped
    }

    /// Keeps the inputs of its controller.
    pub fn keep_log(&mut self) {
        self.log = Some(Vec::new());
    }

    /// The inputs of its controller.
    pub fn log(&self) -> &[Input] {
        self.log.as_deref().unwrap_or_default()
    }

    fn control(&mut self, at: Instant, event: Event) {
        let input = Input { at, event };
        self.controller.handle(&input);
        if let Some(log) = &mut self.log {
            log.push(input);
        }
        while let Some(plan) = self.controller.poll() {
            self.pacer.set_plan(at, &plan);
            self.encoder
                .set_target(payload_of(plan.target, &self.config.encoder));
            if self.plan.is_none_or(|old| old.target != plan.target) {
                self.record.targets.push((at, plan.target, plan.reason));
            }
            self.plan = Some(plan);
        }
    }

    fn tick(&mut self, now: Instant) {
        self.next_tick = now + TICK;
        if self.plan.is_none() {
            self.control(now, Event::Route(self.config.bounds));
            self.control(now, Event::Wanted(self.config.encoder.max));
        } else {
            self.control(now, Event::Tick);
        }
        let paused = self.config.pause;
        let paused = paused.is_some_and(|(from, to)| (from..to).contains(&now));
        self.encoder.set_paused(paused);
    }

    fn encode(&mut self, now: Instant) {
        let bytes = self.encoder.frame(now);
        self.frame += 1;
        let count = bytes.div_ceil(PACKET_MAX);
        for _ in 0..count {
            let size = bytes.div_ceil(count) + HEADER;
            let frame = self.frame;
            self.pacer.push(now, CAMERA, Piece { size, frame });
        }
    }

    fn send(&mut self, now: Instant) {
        while let Some(turn) = self.pacer.poll(now, self.history.in_flight(), None) {
            let (size, probe) = match turn {
                Turn::Packet { item, probe, .. } => (item.size, probe),
                Turn::Padding { bytes, probe } => {
                    self.pacer.handle_padded(now, bytes);
                    (bytes, probe)
                }
                Turn::Demand { stream, .. } => {
                    self.pacer.handle_sent(now, stream, 0);
                    continue;
                }
            };
            self.number = self.number.wrapping_add(1);
            let stream = (self.id as u32, self.number);
            let transport = self.history.push(now, size, probe, Some(stream));
            let in_flight = self.history.in_flight();
            self.control(now, Event::Sent { size, in_flight });
            let ect1 = self.plan.is_some_and(|plan| plan.ect1);
            self.record.sent.push((now, size));
            let packet = Packet {
                flow: self.id,
                size,
                ecn: if ect1 { Ecn::Ect1 } else { Ecn::NotEct },
                sent: now,
                content: Content::Media(transport, stream),
            };
            self.outgoing.push_back((Way::Forward, packet));
        }
        while self.pacer.poll_dropped().is_some() {
            self.frames_dropped += 1;
        }
    }

    fn handle_feedback(&mut self, now: Instant, feedback: Feedback) {
        let mut results = Vec::new();
        match feedback {
            Feedback::Transport(base, reference, arrivals) => {
                self.history
                    .handle_transport_cc(now, base, reference, arrivals, &mut results);
            }
            Feedback::Stream(time, ssrc, begin, metrics) => {
                self.history
                    .handle_stream_report(now, time, (ssrc, begin), metrics, &mut results);
            }
        }
        let in_flight = self.history.in_flight();
        self.control(now, Event::Feedback { results, in_flight });
    }

    fn is_active(&self, now: Instant) -> bool {
        (self.config.active.0..self.config.active.1).contains(&now)
    }
}

impl Flow for MediaFlow {
    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let sending = now < self.config.active.1;
        let own = [self.next_tick, self.encoder.next()];
        let own = own.into_iter().filter(|_| sending);
        let paced = self.pacer.poll_timeout(now).filter(|_| self.is_active(now));
        own.chain(paced).chain(self.receiver.due).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.is_active(now) {
            if self.next_tick <= now {
                self.tick(now);
            }
            if self.encoder.next() <= now {
                self.encode(now);
            }
            self.send(now);
        }
        if self.receiver.due.is_some_and(|due| due <= now) {
            self.receiver.due = Some(now + self.config.feedback);
            let by_stream = self.config.controller != ControllerKind::Gcc;
            let ssrc = self.id as u32;
            if let Some(feedback) = self.receiver.feedback(now, ssrc, by_stream) {
                let packet = Packet {
                    flow: self.id,
                    size: feedback.size(),
                    ecn: Ecn::NotEct,
                    sent: now,
                    content: Content::Feedback(feedback),
                };
                self.outgoing.push_back((Way::Back, packet));
            }
        }
    }

    fn handle_arrival(&mut self, now: Instant, way: Way, arrived: Arrived) {
        let packet = arrived.packet;
        match (way, packet.content) {
            (Way::Forward, Content::Media(transport, (_, own))) => {
                let by_stream = self.config.controller != ControllerKind::Gcc;
                let number = if by_stream { own } else { transport };
                self.record.arrivals.push(Arrival {
                    at: now,
                    sent: packet.sent,
                    bytes: packet.size,
                    waited: arrived.waited,
                });
                self.receiver.push(now, number, packet.ecn);
                self.receiver.due.get_or_insert(now + self.config.feedback);
            }
            (Way::Back, Content::Feedback(feedback)) if self.is_active(now) => {
                self.handle_feedback(now, feedback);
                self.send(now);
            }
            _ => {}
        }
    }

    fn poll_packet(&mut self, _now: Instant) -> Option<(Way, Packet)> {
        self.outgoing.pop_front()
    }

    fn delay(&self, now: Instant) -> Duration {
        match self.config.later_delay {
            Some((from, delay)) if now >= from => delay,
            _ => self.config.delay,
        }
    }

    fn is_reversed(&self) -> bool {
        self.config.reversed
    }
}

impl Receiver {
    fn push(&mut self, now: Instant, number: u16, ecn: Ecn) {
        if !std::mem::replace(&mut self.begun, true) {
            self.newest = u64::from(number);
            self.next = self.newest;
        }
        let number = Seq16(number).extend(self.newest);
        self.newest = self.newest.max(number);
        self.arrivals.insert(number, (now, ecn));
    }

    /// What has arrived since the last, from the first unreported number on.
    fn feedback(&mut self, now: Instant, ssrc: u32, by_stream: bool) -> Option<Feedback> {
        let first = *self.arrivals.keys().next()?;
        let base = first.min(self.next);
        let arrivals = std::mem::take(&mut self.arrivals);
        let numbers = base..=self.newest;
        self.next = self.newest + 1;
        if by_stream {
            let time = (u128::from(now.as_nanos()) * 65_536 / 1_000_000_000) as u32;
            let report = numbers.map(|number| {
                let arrival = arrivals.get(&number);
                arrival.map_or(PacketMetric::LOST, |(at, ecn)| {
                    PacketMetric::received(*ecn, Some(now - *at))
                })
            });
            return Some(Feedback::Stream(time, ssrc, base as u16, report.collect()));
        }

        let earliest = arrivals.values().map(|(at, _)| *at).min()?;
        let reference = earliest.since_origin().as_millis() as u64 / 64;
        let deltas = arrivals.iter().map(|(number, (at, _))| {
            let ticks = at.as_nanos() / 250_000;
            (*number as u16, ticks as u32)
        });
        Some(Feedback::Transport(
            base as u16,
            reference as u32,
            deltas.collect(),
        ))
    }
}

impl Feedback {
    /// About what it takes, with the headers below it.
    fn size(&self) -> usize {
        match self {
            Feedback::Transport(.., arrivals) => 60 + arrivals.len() * 5 / 4,
            Feedback::Stream(.., arrivals) => 64 + arrivals.len() * 2,
        }
    }
}

/// What headers leave of a rate.
fn payload_of(rate: Bitrate, encoder: &EncoderConfig) -> Bitrate {
    let frame = rate.bps() as f64 / 8.0 / encoder.frame_rate;
    let packets = (frame / (PACKET_MAX + HEADER) as f64).ceil();
    let headers = packets * HEADER as f64 * 8.0 * encoder.frame_rate;
    Bitrate::from_bps((rate.bps() as f64 - headers).max(0.0) as u64)
}

const CAMERA: StreamKey = StreamKey(1);
const SLOT: Duration = Duration::from_millis(5);
const TICK: Duration = Duration::from_millis(25);
/// Payload of a packet.
const PACKET_MAX: usize = 1_130;
/// RTP, its extensions, SRTP, UDP and IP.
const HEADER: usize = 70;
