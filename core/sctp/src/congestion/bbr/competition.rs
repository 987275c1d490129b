//! What to do beside a flow that keeps the queue full.

use super::filter::EndedRound;
use super::scale;
use crate::congestion::sample::AckSample;

/// A queue that does not empty for so many rounds, though we give way, has someone else in it.
const PATIENCE_ROUNDS: u32 = 12;
/// It takes so many probing cycles as well, each of which drains the queue that we made.
const PATIENCE_CYCLES: u32 = 2;
/// Share of what we had that we begin to compete with.
const ENTRY_SHARE: f64 = 0.75;
/// A Reno flow cannot keep a queue full where more than this share of the packets is lost: then
/// the losses are random, and halving at each of them would be for nothing.
const MAX_LOSS_RATE: f64 = 0.005;
/// How much the newest round weighs in the average of losses.
const LOSS_WEIGHT: f64 = 1.0 / 16.0;
/// Decrease and increase of a window. RFC 9438 §4.3 has 0.53 for the latter to be as fast as Reno;
/// a little more makes up for what we gave way before.
const BETA: f64 = 0.7;
const ALPHA: f64 = 0.75;

/// Whether someone fills the queue, and if so, our share of the path by Reno's rules.
///
/// A controller that keeps queues short would starve beside one that fills them. Once the queue
/// has not been empty for a while this one competes: it grows and shrinks like Reno, until the
/// queue is seen empty.
#[derive(Debug, Default)]
pub(super) struct Competition {
    full_rounds: u32,
    full_cycles: u32,
    loss_rate: f64,
    window: Option<f64>,
}

impl Competition {
    /// A round is over. `queued` says whether even its shortest round trip waited; `alone` is the
    /// window that would fill the path without anyone else.
    pub(super) fn on_round(&mut self, ended: &EndedRound, queued: bool, alone: usize) {
        self.loss_rate += (ended.loss_rate() - self.loss_rate) * LOSS_WEIGHT;
        if !queued || self.loss_rate > MAX_LOSS_RATE {
            self.full_rounds = 0;
            self.full_cycles = 0;
            self.window = None;
            return;
        }
        if ended.min_rtt.is_some() {
            self.full_rounds += 1;
        }
        let enough = self.full_rounds >= PATIENCE_ROUNDS && self.full_cycles >= PATIENCE_CYCLES;
        if enough && self.window.is_none() {
            self.window = Some(alone as f64 * ENTRY_SHARE);
        }
    }

    /// A probing cycle is over and its queue is to be drained.
    pub(super) fn on_cycle(&mut self) {
        self.full_cycles += 1;
    }

    pub(super) fn on_ack(&mut self, sample: &AckSample, mtu: usize) {
        let Some(window) = &mut self.window else {
            return;
        };
        if sample.lost > 0 && sample.new_episode {
            *window = (*window * BETA).max((4 * mtu) as f64);
        } else if sample.prior_in_flight >= scale(*window as usize, 0.9) {
            *window += ALPHA * (mtu * sample.acked) as f64 / *window;
        }
    }

    /// The window while competing.
    pub(super) fn window(&self) -> Option<usize> {
        self.window.map(|window| window as usize)
    }
}
