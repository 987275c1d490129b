//! What a SACK changes (RFC 9260 §6.2.1). Work is proportional to what is newly acknowledged and
//! to the gaps reported, never to what is under way.

use std::time::Duration;

use duologue_base::Instant;

use super::in_flight::{Chunk, ChunkState, Flight};
use super::{Forward, SendQueue, Sender, Window};
use crate::congestion::AckSample;
use crate::packet::Sack;
use crate::tsn::Tsn;

/// What a SACK acknowledged.
#[derive(Debug, Default)]
struct Acked {
    bytes: usize,
    /// Something was taken as lost that had not left again.
    late: bool,
    newest: Option<Newest>,
}

/// The number of the flight sent last among those acknowledged now, and whether its chunk was sent once.
#[derive(Clone, Copy, Debug)]
struct Newest {
    number: u64,
    once: bool,
}

impl Acked {
    fn add(&mut self, sender: &mut Sender, tsn: Tsn, chunk: &Chunk) {
        match chunk.state {
            ChunkState::InFlight => {
                if self
                    .newest
                    .is_none_or(|newest| chunk.flight > newest.number)
                {
                    self.newest = Some(Newest {
                        number: chunk.flight,
                        once: chunk.transmissions == 1,
                    });
                }
            }
            ChunkState::Lost => self.late = true,
            ChunkState::Acked | ChunkState::Abandoned => return,
        }
        self.bytes += usize::from(chunk.size);
        sender.recovery.on_acked(tsn, chunk);
    }
}

impl Sender {
    /// Takes a SACK. Returns whether it could be one for what we sent.
    pub(crate) fn handle_sack(
        &mut self,
        now: Instant,
        sack: &Sack<'_>,
        queue: &mut SendQueue,
    ) -> bool {
        let before = self.in_flight.base().previous();
        let cumulative = before.nearest(sack.cumulative_tsn);
        // RFC 9260 §6.2.1 D i: an older SACK came late. One beyond what was sent is no SACK.
        if cumulative < before || cumulative >= self.in_flight.next_tsn() {
            return false;
        }

        let prior_in_flight = self.in_flight.bytes();
        let window_before = self.peer_window;
        let mut acked = Acked::default();
        let advanced = cumulative > before;
        self.acknowledge_through(cumulative, &mut acked, queue);
        let gaps = self.acknowledge_gaps(cumulative, sack, &mut acked);
        // Once for all that is acknowledged, and before flights are forgotten.
        let newest = acked.newest;
        let newest = newest.and_then(|it| Some((it, *self.in_flight.flight(it.number)?)));
        if !gaps {
            self.lose_all(true, queue);
        }

        self.peer_window = sack.receive_window as usize;
        self.note_window(now);
        self.delivery.bytes += acked.bytes as u64;
        if newest.is_some_and(|(_, flight)| flight.large) {
            self.path_mtu.on_acknowledged();
        }
        self.path_mtu.on_delivered(now, self.delivery.bytes);
        if sack.duplicates > 0 && self.counters.chunks_retransmitted > 0 {
            self.counters.spurious_retransmissions += sack.duplicates as u64;
            let newest = self.recovery.newest_flight();
            self.recovery
                .on_spurious(newest, self.in_flight.next_flight());
            if self.is_last_episode_spurious() {
                self.controller.on_spurious_losses();
            }
        }

        self.update_model(now, acked.bytes, newest, prior_in_flight, queue);
        let progress = advanced || acked.bytes > 0;
        if progress {
            let timed_out = self.recovery.on_progress(acked.bytes > 0);
            if timed_out && acked.late {
                self.controller.on_spurious_timeout();
            }
        }

        if window_before == 0 && self.peer_window > 0 && !progress && self.in_flight.len() == 1 {
            // The window opened and did not take the probe: send it again now.
            self.lose_all(false, queue);
        }
        self.advance(now);
        self.arm_timers(now, progress);
        true
    }

    /// RFC 9260 §6.1 A: probes of a shut window come an RTO apart and then ever more slowly, even if
    /// each is taken at once.
    fn note_window(&mut self, now: Instant) {
        if self.peer_window > 0 {
            self.window = Window::Open;
        } else if self.in_flight.is_empty() {
            let probes = match self.window {
                Window::Open => 0,
                Window::Shut {
                    probes,
                    next_at: None,
                } => probes + 1,
                Window::Shut { .. } => return,
            };
            let next_at = Some(now + self.rtt.rto(probes));
            self.window = Window::Shut { probes, next_at };
        }
    }

    fn acknowledge_through(&mut self, cumulative: Tsn, acked: &mut Acked, queue: &mut SendQueue) {
        while self.in_flight.base() <= cumulative {
            let Some((tsn, chunk)) = self.in_flight.pop() else {
                return;
            };
            acked.add(self, tsn, &chunk);
            queue.finish_chunk(chunk.message);
        }
    }

    /// Goes through the parts of the gap-ack blocks that the last SACK did not have. False means
    /// that the peer no longer has what it acknowledged before.
    fn acknowledge_gaps(&mut self, cumulative: Tsn, sack: &Sack<'_>, acked: &mut Acked) -> bool {
        let last = self.in_flight.next_tsn();
        let known = std::mem::take(&mut self.scoreboard.ranges);
        let mut ranges = std::mem::take(&mut self.scoreboard.spare);
        ranges.clear();
        let mut known_index = 0;
        let mut next = cumulative.next();
        for gap in sack.gaps() {
            // RFC 9260 §3.3.4: in order and disjoint. A block that is not says nothing.
            let (start, end) = (
                cumulative.plus(u64::from(gap.start)),
                cumulative.plus(u64::from(gap.end)),
            );
            if start <= next || end < start || end >= last {
                continue;
            }
            next = end.next();
            ranges.push((start, end));
            let mut tsn = start;
            while tsn <= end {
                while known.get(known_index).is_some_and(|range| range.1 < tsn) {
                    known_index += 1;
                }
                match known.get(known_index) {
                    Some(&(known_start, known_end)) if known_start <= tsn => {
                        tsn = known_end.next();
                    }
                    range => {
                        let until = range.map_or(end, |range| range.0.previous().min(end));
                        self.acknowledge_range(tsn, until, acked);
                        tsn = until.next();
                    }
                }
            }
        }
        self.scoreboard.ranges = ranges;
        self.scoreboard.spare = known;
        let front = self.in_flight.get(self.in_flight.base());
        front.is_none_or(|chunk| chunk.state != ChunkState::Acked)
    }

    fn acknowledge_range(&mut self, first: Tsn, last: Tsn, acked: &mut Acked) {
        let mut tsn = first;
        while tsn <= last {
            if let Some(chunk) = self.in_flight.get(tsn).copied() {
                acked.add(self, tsn, &chunk);
                if chunk.state != ChunkState::Abandoned {
                    self.in_flight.set_state(tsn, ChunkState::Acked);
                }
            }
            tsn = tsn.next();
        }
    }

    /// Round-trip time, losses, rate: what the SACK means for the controller.
    fn update_model(
        &mut self,
        now: Instant,
        acked: usize,
        acknowledged: Option<(Newest, Flight)>,
        prior: usize,
        queue: &mut SendQueue,
    ) {
        let mut rtt = None;
        let mut newest = None;
        if let Some((Newest { number, once }, flight)) = acknowledged {
            let sample = now - flight.sent_at;
            // RFC 8985 §6.2 step 2: what was sent twice may be acknowledged for the first time. Then
            // neither a round trip ended with it, nor is the time since a measure of the rate.
            if once || self.rtt.min().is_none_or(|min| sample >= min) {
                self.recovery.on_newest(number, flight.sent_at, sample);
                newest = Some(flight);
            }
            if once {
                self.rtt.on_sample(sample);
                self.recovery.on_round_trip();
                rtt = Some(sample);
            }
        }

        let losses = self.detect_losses(now, queue);
        if acked == 0 && losses.bytes == 0 {
            return;
        }
        let sample = AckSample {
            now,
            acked,
            lost: losses.bytes,
            lost_runs: losses.runs,
            in_flight: self.in_flight.bytes(),
            prior_in_flight: prior,
            delivered: self.delivery.bytes,
            prior_delivered: newest.map_or(0, |flight| flight.delivered),
            sent_in_flight: newest.map_or(prior, |flight| flight.in_flight),
            rate: newest.and_then(|flight| self.rate_since(now, &flight)),
            app_limited: newest.is_some_and(|flight| flight.app_limited),
            rtt,
            smoothed_rtt: self.rtt.smoothed().unwrap_or_default(),
            window_limited: self.delivery.window_limited,
            new_episode: losses.new_episode,
        };
        self.controller.on_ack(&sample);
        self.delivery.window_limited = false;
        if acked > 0 {
            self.delivery.at = now;
        }
        if let Some(flight) = newest {
            self.delivery.first_sent_at = flight.sent_at;
        }
    }

    /// draft-ietf-ccwg-bbr §4.1.2.3: what was delivered since the flight left, over the longer of
    /// the times that sending and acknowledging took.
    fn rate_since(&self, now: Instant, flight: &Flight) -> Option<u64> {
        let sending = flight.sent_at - flight.first_sent_at;
        let acknowledging = now - flight.delivered_at;
        let interval = sending.max(acknowledging);
        if interval == Duration::ZERO || interval < self.rtt.min().unwrap_or_default() {
            return None;
        }
        let delivered = u128::from(self.delivery.bytes - flight.delivered);
        u64::try_from(delivered * 1_000_000_000 / interval.as_nanos()).ok()
    }

    /// RFC 3758 §3.5 C2, C3: moves the advanced point over what was given up.
    pub(super) fn advance(&mut self, now: Instant) {
        let acknowledged = self.in_flight.base().previous();
        let before = self.advanced;
        self.advanced = before.max(acknowledged);
        while self
            .in_flight
            .get(self.advanced.next())
            .is_some_and(|chunk| chunk.state == ChunkState::Abandoned)
        {
            self.advanced = self.advanced.next();
        }
        self.forward = match self.forward {
            _ if self.advanced == acknowledged => Forward::Idle,
            Forward::Sent { at } if self.advanced == before => {
                let patience = self.rtt.smoothed().unwrap_or_else(|| self.rtt.rto(0));
                if now - at >= patience {
                    Forward::Due
                } else {
                    Forward::Sent { at }
                }
            }
            _ => Forward::Due,
        };
    }
}
