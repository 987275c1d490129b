//! Finding losses by time (RACK-TLP, RFC 8985, applied to chunks), and the timers of that.

use std::time::Duration;

use duologue_base::Instant;

use super::in_flight::{Chunk, ChunkState};
use super::messages::Expiry;
use super::{Forward, SendQueue, Sender, Window};
use crate::congestion::AckSample;
use crate::tsn::Tsn;

/// RFC 8985 §6.2 step 4: without reordering seen, this many later packets prove a loss.
const DUPLICATE_THRESHOLD: u64 = 3;
/// RFC 8985 §7.2: a probe waits for two round trips, and for a SACK that the peer may delay.
const PROBE_MIN: Duration = Duration::from_millis(10);
/// RFC 9260 §6.2: how long a peer may keep back the SACK for a single packet.
const PEER_ACK_DELAY: Duration = Duration::from_millis(200);
/// Bounds the widening of the reordering window.
const MAX_REORDER_STEPS: u32 = 16;

/// What is known about losses and reordering.
#[derive(Debug)]
pub(super) struct Recovery {
    /// The newest flight of which something was acknowledged: number, sending time, round trip.
    newest: Option<(u64, Instant, Duration)>,
    /// Highest TSN acknowledged in any way.
    pub(super) highest_acked: Tsn,
    reordering_seen: bool,
    /// Quarters of the least round-trip time to wait for stragglers.
    reorder_steps: u32,
    /// No new duplicate report widens the window before something sent after this is acknowledged.
    reorder_round_end: u64,
    /// Chunks sent again, and those that were needless, before the last episode of losses.
    before_episode: (u64, u64),
    /// Losses of flights from here on begin a new episode for the controller.
    episode_end: u64,
    /// The flight after the one last found lost.
    after_lost: u64,
    pub(super) reorder_at: Option<Instant>,
    pub(super) probe_at: Option<Instant>,
    pub(super) timeout_at: Option<Instant>,
    /// A probe may leave, whatever the window says.
    pub(super) probe_due: bool,
    /// Timeouts since the round-trip time was measured. RFC 6298 §5: the timeout stays long until
    /// then. Otherwise a path that became slower would time out again and again, with
    /// nothing but retransmissions under way, which give no sample.
    backoff: u32,
    /// The last timeout has had no answer.
    timed_out: bool,
    pub(super) unanswered: u32,
    /// The newest packet asks to be acknowledged at once.
    pub(super) tail_is_immediate: bool,
}

/// What was found lost at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    pub(super) bytes: usize,
    /// Stretches of flights which began among them.
    pub(super) runs: usize,
    pub(super) new_episode: bool,
}

impl Recovery {
    pub(super) fn new(first: Tsn) -> Self {
        Recovery {
            newest: None,
            highest_acked: first.previous(),
            reordering_seen: false,
            reorder_steps: 1,
            reorder_round_end: 0,
            episode_end: 0,
            after_lost: 0,
            reorder_at: None,
            probe_at: None,
            timeout_at: None,
            probe_due: false,
            backoff: 0,
            timed_out: false,
            unanswered: 0,
            tail_is_immediate: false,
            before_episode: (0, 0),
        }
    }

    /// A chunk was acknowledged. `flight` is when it last left, unless that is ambiguous.
    pub(super) fn on_acked(&mut self, tsn: Tsn, chunk: &Chunk) {
        if tsn > self.highest_acked {
            self.highest_acked = tsn;
        } else if chunk.transmissions == 1 {
            // RFC 8985 §6.2 step 3: it was overtaken.
            self.reordering_seen = true;
        }
    }

    pub(super) fn on_newest(&mut self, number: u64, sent_at: Instant, rtt: Duration) {
        if self.newest.is_none_or(|newest| number > newest.0) {
            self.newest = Some((number, sent_at, rtt));
        }
    }

    /// The peer has seen something twice: we took as lost what was only late.
    pub(super) fn on_spurious(&mut self, acked_flight: Option<u64>, next_flight: u64) {
        self.reordering_seen = true;
        if acked_flight.is_some_and(|number| number >= self.reorder_round_end) {
            self.reorder_round_end = next_flight;
            self.reorder_steps = (self.reorder_steps + 1).min(MAX_REORDER_STEPS);
        }
    }

    pub(super) fn newest_flight(&self) -> Option<u64> {
        self.newest.map(|newest| newest.0)
    }

    /// Something was acknowledged, or only passed over. Returns whether the last timeout had no answer
    /// before.
    pub(super) fn on_progress(&mut self, acknowledged: bool) -> bool {
        if !acknowledged {
            // A FORWARD-TSN came through. It waits for nothing that was sent again.
            self.backoff = 0;
        }
        self.unanswered = 0;
        self.probe_due = false;
        std::mem::take(&mut self.timed_out)
    }

    /// The round-trip time was measured.
    pub(super) fn on_round_trip(&mut self) {
        self.backoff = 0;
    }
}

impl Sender {
    /// Most of what the last episode of losses sent again had arrived: packets were only late. A
    /// path that loses as well would show fewer duplicates.
    pub(super) fn is_last_episode_spurious(&self) -> bool {
        let (sent, needless) = self.recovery.before_episode;
        let sent = self.counters.chunks_retransmitted - sent;
        let needless = self.counters.spurious_retransmissions - needless;
        sent > 0 && needless * 2 > sent
    }

    /// RFC 8985 §6.2 step 5: takes as lost what was sent long enough before the newest flight that
    /// arrived.
    pub(super) fn detect_losses(&mut self, now: Instant, queue: &mut SendQueue) -> Losses {
        self.recovery.reorder_at = None;
        let mut losses = Losses::default();
        let Some((newest, _, rtt)) = self.recovery.newest else {
            return losses;
        };
        let window = self.reorder_window();
        while let Some((number, flight)) = self.in_flight.oldest_flight() {
            if number >= newest {
                break;
            }
            let proven = !self.recovery.reordering_seen && newest - number >= DUPLICATE_THRESHOLD;
            let deadline = flight.sent_at + rtt + window;
            if !proven && deadline > now {
                self.recovery.reorder_at = Some(deadline);
                break;
            }
            if flight.large {
                self.path_mtu.on_lost(self.delivery.bytes);
            }
            losses.bytes += self.lose_flight(number, queue);
            losses.runs += usize::from(number != self.recovery.after_lost);
            self.recovery.after_lost = number + 1;
            if number >= self.recovery.episode_end {
                self.recovery.episode_end = self.in_flight.next_flight();
                self.recovery.before_episode = (
                    self.counters.chunks_retransmitted,
                    self.counters.spurious_retransmissions,
                );
                losses.new_episode = true;
            }
        }
        losses
    }

    /// Finds the chunks of a flight lost that are still under way with it.
    fn lose_flight(&mut self, number: u64, queue: &mut SendQueue) -> usize {
        let Some(flight) = self.in_flight.flight(number).copied() else {
            return 0;
        };
        let mut bytes = 0;
        for n in 0..u64::from(flight.count) {
            let tsn = flight.first.plus(n);
            let Some(chunk) = self.in_flight.get(tsn).copied() else {
                continue;
            };
            if chunk.flight != number || chunk.state != ChunkState::InFlight {
                continue;
            }
            self.in_flight.set_state(tsn, ChunkState::Lost);
            bytes += usize::from(chunk.size);
            self.give_up_if_tried_enough(&chunk, queue);
        }
        bytes
    }

    /// RFC 7496 §3.2: a message may be limited to so many retransmissions.
    fn give_up_if_tried_enough(&mut self, chunk: &Chunk, queue: &mut SendQueue) {
        let tried = chunk.transmissions.saturating_sub(1);
        if let Some(message) = queue.message(chunk.message)
            && matches!(message.expiry, Expiry::Retransmissions(max) if tried >= max)
        {
            self.abandon(chunk.message, queue);
        }
    }

    fn reorder_window(&self) -> Duration {
        let (Some(min), Some(smoothed)) = (self.rtt.min(), self.rtt.smoothed()) else {
            return Duration::ZERO;
        };
        (min * self.recovery.reorder_steps / 4).min(smoothed)
    }

    /// Arms the probe and the timeout anew; called when something is sent, or acknowledged.
    pub(super) fn arm_timers(&mut self, now: Instant, progress: bool) {
        if self.in_flight.is_empty() {
            self.recovery.timeout_at = None;
            self.recovery.probe_at = None;
            self.recovery.reorder_at = None;
            return;
        }
        // RFC 9260 §6.3.2 R1 and R3.
        if progress || self.recovery.timeout_at.is_none() {
            self.recovery.timeout_at = Some(now + self.rtt.rto(self.recovery.backoff));
        }
        // One probe, then the timeout; none while RACK waits for stragglers anyway.
        let wanted = !self.recovery.timed_out && self.in_flight.bytes() > 0;
        self.recovery.probe_at = match self.rtt.smoothed() {
            Some(smoothed) if wanted && self.recovery.reorder_at.is_none() => {
                Some(now + self.probe_timeout(smoothed))
            }
            _ => None,
        };
    }

    /// RFC 8985 §7.2
    fn probe_timeout(&self, smoothed: Duration) -> Duration {
        let may_wait = self.in_flight.is_single_flight() && !self.recovery.tail_is_immediate;
        let delay = if may_wait {
            PEER_ACK_DELAY
        } else {
            Duration::ZERO
        };
        (smoothed * 2).max(PROBE_MIN) + delay
    }

    /// When `handle_timeout` has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let recovery = &self.recovery;
        Instant::earliest([
            recovery.reorder_at,
            recovery.probe_at,
            recovery.timeout_at,
            self.pacer.deadline(),
            self.window_probe_at(),
            self.path_mtu.deadline(),
        ])
    }

    fn window_probe_at(&self) -> Option<Instant> {
        match self.window {
            Window::Open => None,
            Window::Shut { next_at, .. } => next_at,
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, queue: &mut SendQueue) {
        if let Window::Shut { next_at, .. } = &mut self.window {
            next_at.take_if(|at| *at <= now);
        }
        self.path_mtu.handle_timeout(now);
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.recovery.reorder_at) {
            let prior = self.in_flight.bytes();
            let losses = self.detect_losses(now, queue);
            self.report_losses(now, losses, prior);
            self.advance(now);
            self.arm_timers(now, false);
        }
        if is_due(self.recovery.probe_at) {
            self.recovery.probe_at = None;
            self.recovery.probe_due = true;
        }
        if is_due(self.recovery.timeout_at) {
            self.on_timeout(now, queue);
        }
    }

    /// `T3-rtx` expired (RFC 9260 §6.3.3): everything under way is sent again, slowly at first.
    fn on_timeout(&mut self, now: Instant, queue: &mut SendQueue) {
        self.counters.timeouts += 1;
        self.recovery.backoff += 1;
        if self.peer_window > 0 {
            // A peer with a closed window answers probes without taking them (§6.1 A).
            self.recovery.unanswered += 1;
        }
        self.recovery.reorder_at = None;
        self.recovery.probe_at = None;
        self.recovery.probe_due = false;
        self.path_mtu.fall_back(self.delivery.bytes);
        self.lose_all(false, queue);
        self.recovery.episode_end = self.in_flight.next_flight();
        self.controller.on_timeout(self.recovery.timed_out);
        self.recovery.timed_out = true;
        self.advance(now);
        if self.forward != Forward::Idle {
            self.forward = Forward::Due;
        }
        self.recovery.timeout_at = Some(now + self.rtt.rto(self.recovery.backoff));
    }

    /// Finds everything under way lost; with `acked` also what the peer acknowledged and then
    /// discarded (RFC 9260 §6.2.1: reneging).
    pub(super) fn lose_all(&mut self, acked: bool, queue: &mut SendQueue) {
        self.in_flight.lose_all(acked);
        let mut tried: Vec<Chunk> = Vec::new();
        if self.partial_reliability {
            tried.extend(self.in_flight.lost_chunks().filter(|chunk| {
                queue
                    .message(chunk.message)
                    .is_some_and(|message| !matches!(message.expiry, Expiry::Never))
            }));
        }
        for chunk in tried {
            self.give_up_if_tried_enough(&chunk, queue);
        }
    }

    fn report_losses(&mut self, now: Instant, losses: Losses, prior: usize) {
        if losses.bytes == 0 {
            return;
        }
        let sample = AckSample {
            now,
            acked: 0,
            lost: losses.bytes,
            lost_runs: losses.runs,
            in_flight: self.in_flight.bytes(),
            prior_in_flight: prior,
            delivered: self.delivery.bytes,
            prior_delivered: 0,
            sent_in_flight: prior,
            rate: None,
            app_limited: false,
            rtt: None,
            smoothed_rtt: self.rtt.smoothed().unwrap_or_default(),
            window_limited: false,
            new_episode: losses.new_episode,
        };
        self.controller.on_ack(&sample);
    }
}
