//! What a session sends in one turn.

use std::task::Context;

use duologue_base::Instant;

use super::SessionTask;
use crate::Host;
use crate::endpoint::Counters;
use crate::limits::TRANSMITS_PER_TURN;
use crate::scratch::Scratch;

impl<H: Host> SessionTask<H> {
    /// Sends what is ready. Returns whether nothing is left, or nothing can be sent for now.
    pub(super) fn transmit(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        now: Instant,
    ) -> bool {
        for bound in &mut self.sockets {
            if bound.socket.is_blocked() && bound.socket.poll_unblock(cx).is_ready() {
                let id = bound.socket.id();
                self.session.handle_socket_blocked(now, id, false);
            }
        }
        self.streams.drain(cx, &mut self.session, now);
        let buffer = &mut scratch.transmit;
        for _ in 0..TRANSMITS_PER_TURN {
            buffer.clear();
            let Some(transmit) = self.session.poll_transmit(now, buffer) else {
                return true;
            };
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
            } else if let Err(error) = bound.socket.send(&transmit, bytes) {
                Counters::count(&self.endpoint.counters.send_errors);
                self.errors.note(now, "send", &error);
            } else if bound.socket.is_blocked() && bound.socket.poll_unblock(cx).is_pending() {
                self.session
                    .handle_socket_blocked(now, transmit.socket, true);
            }
        }
        false
    }
}
