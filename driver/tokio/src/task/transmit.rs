//! What a session sends in one turn.

use std::task::Context;

use duologue_base::{Instant, Transmit};

use super::SessionTask;
use crate::Host;
use crate::endpoint::Counters;
use crate::limits::{TRANSMIT_BYTES_PER_TURN, TRANSMITS_PER_TURN};
use crate::scratch::Scratch;

/// What is left of a turn. What is urgent and comes meanwhile, such as a voice packet, waits for
/// no more than that.
#[derive(Debug)]
struct Budget {
    trains: usize,
    bytes: usize,
}

impl Budget {
    fn of_turn() -> Self {
        Budget {
            trains: TRANSMITS_PER_TURN,
            bytes: TRANSMIT_BYTES_PER_TURN,
        }
    }

    fn spend(&mut self, bytes: usize) {
        self.trains = self.trains.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn is_spent(&self) -> bool {
        self.trains == 0 || self.bytes == 0
    }
}

impl<H: Host> SessionTask<H> {
    /// Sends what is ready. Returns whether nothing is left, or nothing can be sent for now.
    pub(super) fn transmit(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        now: Instant,
    ) -> bool {
        for bound in &mut self.sockets {
            let lost = |rest: &Transmit| self.session.handle_discarded(now, rest);
            if bound.socket.is_blocked() && bound.socket.poll_unblock(cx, lost).is_ready() {
                let id = bound.socket.id();
                self.session.handle_socket_blocked(now, id, false);
            }
        }
        self.streams.drain(cx, &mut self.session, now);
        let buffer = &mut scratch.transmit;
        let mut budget = Budget::of_turn();
        while !budget.is_spent() {
            buffer.clear();
            let Some(transmit) = self.session.poll_transmit(now, buffer) else {
                return true;
            };
            budget.spend(transmit.len);
            // Before the packet is on its way: no answer to it can overtake what is reported.
            if self.report() {
                self.host.end_of_batch();
            }
            let bytes = buffer.get(..transmit.len).unwrap_or(buffer);
            let mut sockets = self.sockets.iter_mut();
            let Some(bound) = sockets.find(|b| b.socket.id() == transmit.socket) else {
                let (train, counters) = ((&transmit, bytes), &self.endpoint.counters);
                self.streams
                    .send(cx, &mut self.session, now, train, counters);
                continue;
            };
            if bound.socket.is_blocked() {
                // What cannot wait, such as a check, is lost like in a full buffer on the way.
                Counters::count(&self.endpoint.counters.send_overflows);
                self.session.handle_discarded(now, &transmit);
            } else if let Err(refused) = bound.socket.send(&transmit, bytes) {
                Counters::count(&self.endpoint.counters.send_errors);
                self.errors.note(now, "send", &refused.error);
                let rest = refused.rest_of(&transmit, bytes.len());
                self.session.handle_discarded(now, &rest);
            } else if bound.socket.is_blocked() {
                let lost = |rest: &Transmit| self.session.handle_discarded(now, rest);
                if bound.socket.poll_unblock(cx, lost).is_pending() {
                    self.session
                        .handle_socket_blocked(now, transmit.socket, true);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sends(train: usize) -> usize {
        let mut budget = Budget::of_turn();
        let sends = (0..1000).take_while(|_| {
            let may = !budget.is_spent();
            budget.spend(train);
            may
        });
        sends.count()
    }

    #[test]
    fn a_turn_ends_after_so_many_bytes_or_so_many_trains() {
        assert_eq!(sends(64 << 10), TRANSMIT_BYTES_PER_TURN / (64 << 10));
        assert_eq!(sends(100), TRANSMITS_PER_TURN);
        // A train is sent whole, and the next turn begins with a new budget.
        assert_eq!(sends(TRANSMIT_BYTES_PER_TURN + 1), 1);
    }
}
