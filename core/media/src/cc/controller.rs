//! What a congestion controller takes and gives.

use std::fmt;
use std::time::Duration;

use duologue_base::Instant;

use super::{Bitrate, Cluster, PacketResult};

/// A congestion controller: pure, so that the same inputs give the same plans.
///
/// It is told what is sent ([`handle_sent`](Controller::handle_sent)), what became of it
/// ([`handle_feedback`](Controller::handle_feedback)) and that time passes
/// ([`handle_tick`](Controller::handle_tick), each 25 ms); it gives [`Plan`]s.
pub trait Controller: fmt::Debug {
    /// The path is there, or is another one: between these bounds, beginning at `start`.
    fn handle_route(&mut self, now: Instant, bounds: Bounds);

    /// Other bounds on the same path.
    fn handle_bounds(&mut self, now: Instant, bounds: Bounds);

    /// The streams can use so much altogether.
    fn handle_wanted(&mut self, now: Instant, wanted: Bitrate);

    /// A packet of so many bytes was sent; with it so many wait for feedback.
    fn handle_sent(&mut self, now: Instant, size: usize, in_flight: usize);

    /// What became of packets, and the bytes still under way.
    fn handle_feedback(&mut self, now: Instant, results: &[PacketResult], in_flight: usize);

    /// The path carried so much lately, what no feedback tells of with it: data beside the media.
    fn handle_carried(&mut self, now: Instant, rate: Bitrate);

    /// The peer estimates so much (REMB, draft-alvestrand-rmcat-remb-03).
    fn handle_remb(&mut self, now: Instant, rate: Bitrate);

    /// A receiver report (RFC 3550 §6.4.1): packets lost of so many expected since the last, and the
    /// round-trip time.
    fn handle_loss_report(&mut self, now: Instant, lost: u32, expected: u32, rtt: Option<Duration>);

    /// Time passes.
    fn handle_tick(&mut self, now: Instant);

    /// The plan, when it is another one.
    fn poll(&mut self) -> Option<Plan>;

    /// Any of these inputs, as an event log has it.
    fn handle(&mut self, input: &Input) {
        let now = input.at;
        match &input.event {
            Event::Route(bounds) => self.handle_route(now, *bounds),
            Event::Bounds(bounds) => self.handle_bounds(now, *bounds),
            Event::Wanted(wanted) => self.handle_wanted(now, *wanted),
            Event::Sent { size, in_flight } => self.handle_sent(now, *size, *in_flight),
            Event::Feedback { results, in_flight } => {
                self.handle_feedback(now, results, *in_flight);
            }
            Event::Carried(rate) => self.handle_carried(now, *rate),
            Event::Remb(rate) => self.handle_remb(now, *rate),
            Event::LossReport {
                lost,
                expected,
                rtt,
            } => self.handle_loss_report(now, *lost, *expected, *rtt),
            Event::Tick => self.handle_tick(now),
        }
    }
}

/// What a controller stays between, and where it begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// The least rate.
    pub min: Bitrate,
    /// The rate to begin with.
    pub start: Bitrate,
    /// The highest rate.
    pub max: Bitrate,
}

impl Default for Bounds {
    /// From 300 kbit/s, as browsers begin, between 30 kbit/s and no limit to speak of.
    fn default() -> Self {
        Bounds {
            min: Bitrate::from_kbps(30),
            start: Bitrate::from_kbps(300),
            max: Bitrate::from_bps(crate::limits::RATE_MAX),
        }
    }
}

impl Bounds {
    /// In order, and within what any controller does.
    pub(super) fn sane(self) -> Self {
        let least = Bitrate::from_bps(crate::limits::RATE_MIN);
        let most = Bitrate::from_bps(crate::limits::RATE_MAX);
        let min = self.min.clamp(least, most);
        let max = self.max.clamp(min, most);
        Bounds {
            min,
            start: self.start.clamp(min, max),
            max,
        }
    }
}

/// What may be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// The rate for everything on the transport, on average.
    pub target: Bitrate,
    /// The rate at which packets leave while there is something to send.
    pub pacing: Bitrate,
    /// How much of the pacing rate that nobody used may leave at once, as the time in which it carries that.
    pub burst: Duration,
    /// The rate to be filled up to with padding where media do not.
    pub padding: Bitrate,
    /// The probe to be sent now.
    pub probe: Option<Cluster>,
    /// Bytes that may be under way; `None` where only rates limit.
    pub window: Option<usize>,
    /// Packets are to be marked ECT(1) (RFC 9331).
    pub ect1: bool,
    /// What made the plan another one.
    pub reason: Reason,
}

/// Why the target is what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The first rate of a path.
    Start,
    /// The delay stays, and nothing says where the path ends.
    Increase,
    /// The delay stays, near what earlier overuse showed: in small steps.
    NearCapacity,
    /// A queue grew.
    Overuse,
    /// A queue stands, though it does not grow.
    Queue,
    /// A queue has drained: back to just below what the path carried.
    Drained,
    /// A probe came through.
    Probe,
    /// Packets are lost.
    Loss,
    /// Fewer packets are lost.
    LossOver,
    /// The peer allows no more (REMB).
    Remote,
    /// Feedback does not come, or very late.
    Silence,
    /// The application's bounds.
    Bounds,
    /// The window grew: everything that was sent arrived without a mark.
    Window,
    /// Packets were marked as having met congestion (RFC 9331).
    Marks,
    /// The other controller took over.
    Switched,
}

/// One input of a controller, as an event log has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// When the controller was given the input.
    pub at: Instant,
    /// What the controller was given.
    pub event: Event,
}

/// The inputs of a controller.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "each is a method of `Controller`, with its arguments"
)]
pub enum Event {
    Route(Bounds),
    Bounds(Bounds),
    Wanted(Bitrate),
    Sent {
        size: usize,
        in_flight: usize,
    },
    Feedback {
        results: Vec<PacketResult>,
        in_flight: usize,
    },
    Carried(Bitrate),
    Remb(Bitrate),
    LossReport {
        lost: u32,
        expected: u32,
        rtt: Option<Duration>,
    },
    Tick,
}
