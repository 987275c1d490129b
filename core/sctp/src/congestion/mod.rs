//! How much may be under way, and how fast: a seam with three controllers behind it.
//!
//! The sender says what was sent, acknowledged and lost; the controller answers with a window and
//! a rate. Detecting losses is not its business (`send/recovery.rs`).

mod bbr;
mod cubic;
mod pacer;
mod reno;
mod sample;

use duologue_base::Instant;

use self::bbr::Bbr;
use self::cubic::Cubic;
use self::reno::Reno;
use crate::CongestionAlgorithm;

pub(crate) use pacer::Pacer;
pub(crate) use sample::AckSample;

/// The controllers. One match per call instead of a `dyn` per connection.
#[derive(Debug)]
pub(crate) enum Controller {
    Bbr(Box<Bbr>),
    Cubic(Box<Cubic>),
    Reno(Reno),
}

impl Controller {
    pub(crate) fn new(algorithm: CongestionAlgorithm, mtu: usize, burst: usize, seed: u32) -> Self {
        match algorithm {
            CongestionAlgorithm::Bbr => Controller::Bbr(Box::new(Bbr::new(mtu, burst, seed))),
            CongestionAlgorithm::Cubic => Controller::Cubic(Box::new(Cubic::new(mtu))),
            CongestionAlgorithm::Reno => Controller::Reno(Reno::new(mtu)),
        }
    }

    /// A SACK acknowledged something, or losses were found when it came.
    pub(crate) fn on_ack(&mut self, sample: &AckSample) {
        match self {
            Controller::Bbr(bbr) => bbr.on_ack(sample),
            Controller::Cubic(cubic) => cubic.on_ack(sample),
            Controller::Reno(reno) => reno.on_ack(sample),
        }
    }

    /// Most of what was declared lost lately had arrived after all: packets overtook one another.
    pub(crate) fn on_spurious_losses(&mut self) {
        match self {
            Controller::Bbr(bbr) => bbr.on_spurious_losses(),
            Controller::Cubic(cubic) => cubic.undo(),
            Controller::Reno(_) => {}
        }
    }

    /// Everything under way was declared lost (`T3-rtx` expired); `again` if nothing was
    /// acknowledged since the last time.
    pub(crate) fn on_timeout(&mut self, again: bool) {
        tracing::debug!(
            again,
            "SCTP congestion: T3-rtx expired, all is taken for lost"
        );
        match self {
            Controller::Bbr(bbr) => bbr.on_timeout(),
            Controller::Cubic(cubic) => cubic.on_timeout(again),
            Controller::Reno(reno) => reno.on_timeout(),
        }
    }

    /// What was sent before a timeout arrived all the same: the path, or the way back, had paused.
    pub(crate) fn on_spurious_timeout(&mut self) {
        match self {
            Controller::Bbr(bbr) => bbr.restore_window(),
            Controller::Cubic(cubic) => cubic.undo(),
            Controller::Reno(_) => {}
        }
    }

    /// Sending begins again after a pause with nothing under way.
    pub(crate) fn on_restart_from_idle(&mut self, now: Instant) {
        match self {
            Controller::Bbr(bbr) => bbr.on_restart_from_idle(now),
            Controller::Cubic(cubic) => cubic.on_restart_from_idle(now),
            Controller::Reno(_) => {}
        }
    }

    /// Bytes that may be under way.
    pub(crate) fn window(&self) -> usize {
        match self {
            Controller::Bbr(bbr) => bbr.window(),
            Controller::Cubic(cubic) => cubic.window(),
            Controller::Reno(reno) => reno.window(),
        }
    }

    /// Bytes per second; `None` while there is nothing to base it on.
    pub(crate) fn pacing_rate(&self) -> Option<u64> {
        match self {
            Controller::Bbr(bbr) => bbr.pacing_rate(),
            Controller::Cubic(cubic) => cubic.pacing_rate(),
            Controller::Reno(reno) => reno.pacing_rate(),
        }
    }
}
