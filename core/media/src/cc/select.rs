//! Which controller: GCC, and the one for L4S where the path marks.

use std::time::Duration;

use duologue_base::{Ecn, Instant};

use super::{Bitrate, Bounds, Controller, Gcc, L4s, PacketResult, Plan, Reason};

/// GCC, and [`L4s`] once a packet that was sent as ECT(1) has come marked: then the mark survives the
/// path and somebody on it speaks. It goes back to GCC, and marks nothing any more, where most marks
/// are bleached on the way, or packets vanish that carry them.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Bounds, Controller, Selector};
///
/// let mut selector = Selector::new(true);
/// selector.handle_route(Instant::ZERO, Bounds::default());
/// assert!(selector.poll().unwrap().ect1);
/// assert!(!selector.is_l4s());
/// ```
#[derive(Debug)]
pub struct Selector {
    gcc: Gcc,
    l4s: L4s,
    mode: Mode,
    bounds: Bounds,
    rtt: Option<Duration>,
    target: Bitrate,
    switched: bool,
}

/// What is done with marks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Nothing is marked: the peer's feedback does not tell, or the path bleaches.
    Unmarked,
    /// Packets are sent as ECT(1), and arrived so, or not.
    Trying { kept: u32, bleached: u32 },
    /// A queue on the path marks.
    L4s { bleached: f64 },
}

impl Selector {
    /// `tells` when the peer's feedback carries marks (RFC 8888).
    pub fn new(tells: bool) -> Self {
        Selector {
            gcc: Gcc::default(),
            l4s: L4s::default(),
            mode: Mode::first(tells),
            bounds: Bounds::default(),
            rtt: None,
            target: Bitrate::ZERO,
            switched: false,
        }
    }

    /// What arrives, as GCC measures it.
    pub fn throughput(&self) -> Option<Bitrate> {
        self.gcc.throughput()
    }

    /// Whether the controller for L4S is at work.
    pub fn is_l4s(&self) -> bool {
        matches!(self.mode, Mode::L4s { .. })
    }

    fn watch(&mut self, now: Instant, results: &[PacketResult]) {
        let arrived = results.iter().filter(|result| result.arrival.is_some());
        if let Some(newest) = arrived.clone().map(|result| result.sent).max() {
            self.rtt = Some(now - newest);
        }
        for result in arrived {
            let bleached = matches!(result.ecn, Ecn::NotEct | Ecn::Ect0);
            self.mode = match self.mode {
                Mode::Unmarked => return,
                Mode::Trying { .. } if result.ecn == Ecn::Ce => Mode::L4s { bleached: 0.0 },
                Mode::Trying {
                    kept,
                    bleached: gone,
                } if bleached => Mode::Trying {
                    kept,
                    bleached: gone + 1,
                },
                Mode::Trying { kept, bleached } => Mode::Trying {
                    kept: kept + 1,
                    bleached,
                },
                Mode::L4s { bleached: share } => Mode::L4s {
                    bleached: share + BLEACHED_GAIN * (f64::from(u8::from(bleached)) - share),
                },
            };
        }
    }

    /// Changes the controller where what was watched asks for it.
    fn switch(&mut self, now: Instant, was_l4s: bool) {
        match self.mode {
            Mode::L4s { bleached } if bleached > BLEACHED_MAX => {
                self.mode = Mode::Unmarked;
                let bounds = Bounds {
                    start: self.target,
                    ..self.bounds
                };
                self.gcc.handle_route(now, bounds);
                self.switched = true;
            }
            Mode::L4s { .. } if !was_l4s => {
                self.l4s.handle_route(now, self.bounds);
                while self.l4s.poll().is_some() {}
                self.l4s
                    .take_over(self.target, self.rtt.unwrap_or_default());
                self.switched = true;
            }
            Mode::Trying { kept, bleached } if kept + bleached > TRIED && bleached > kept => {
                self.mode = Mode::Unmarked;
                self.switched = true;
            }
            _ => {}
        }
    }

    fn active(&mut self) -> &mut dyn Controller {
        match self.mode {
            Mode::L4s { .. } => &mut self.l4s,
            Mode::Unmarked | Mode::Trying { .. } => &mut self.gcc,
        }
    }
}

impl Mode {
    fn first(tells: bool) -> Self {
        if tells {
            Mode::Trying {
                kept: 0,
                bleached: 0,
            }
        } else {
            Mode::Unmarked
        }
    }
}

impl Controller for Selector {
    fn handle_route(&mut self, now: Instant, bounds: Bounds) {
        if self.mode != Mode::Unmarked {
            self.mode = Mode::first(true);
        }
        (self.bounds, self.rtt) = (bounds, None);
        self.gcc.handle_route(now, bounds);
    }

    fn handle_bounds(&mut self, now: Instant, bounds: Bounds) {
        self.bounds = bounds;
        self.active().handle_bounds(now, bounds);
    }

    fn handle_wanted(&mut self, now: Instant, wanted: Bitrate) {
        self.gcc.handle_wanted(now, wanted);
    }

    fn handle_sent(&mut self, now: Instant, size: usize, in_flight: usize) {
        self.active().handle_sent(now, size, in_flight);
    }

    fn handle_feedback(&mut self, now: Instant, results: &[PacketResult], in_flight: usize) {
        let was_l4s = self.is_l4s();
        self.watch(now, results);
        self.switch(now, was_l4s);
        self.active().handle_feedback(now, results, in_flight);
    }

    fn handle_carried(&mut self, now: Instant, rate: Bitrate) {
        self.active().handle_carried(now, rate);
    }

    fn handle_remb(&mut self, now: Instant, rate: Bitrate) {
        self.active().handle_remb(now, rate);
    }

    fn handle_loss_report(
        &mut self,
        now: Instant,
        lost: u32,
        expected: u32,
        rtt: Option<Duration>,
    ) {
        self.active().handle_loss_report(now, lost, expected, rtt);
    }

    fn handle_tick(&mut self, now: Instant) {
        self.active().handle_tick(now);
    }

    fn poll(&mut self) -> Option<Plan> {
        let plan = self.active().poll()?;
        self.target = plan.target;
        let switched = std::mem::take(&mut self.switched);
        Some(Plan {
            ect1: self.mode != Mode::Unmarked,
            reason: if switched {
                Reason::Switched
            } else {
                plan.reason
            },
            ..plan
        })
    }
}

/// Packets after which it is known whether marks survive.
const TRIED: u32 = 20;
const BLEACHED_GAIN: f64 = 1.0 / 64.0;
const BLEACHED_MAX: f64 = 0.5;
