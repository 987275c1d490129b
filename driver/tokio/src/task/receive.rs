//! Datagrams that came: at the session's own sockets, and through a shared port.

use std::task::{Context, Poll};

use duologue_base::Instant;

use super::SessionTask;
use crate::Host;
use crate::endpoint::Counters;
use crate::limits::{DATAGRAMS_PER_TURN, RECEIVES_PER_TURN};
use crate::mailbox::OwnedTrain;
use crate::scratch::Scratch;

impl<H: Host> SessionTask<H> {
    pub(super) fn handle_train(&mut self, now: Instant, mut train: OwnedTrain) {
        self.mailbox.train_taken(&train);
        for datagram in train.bytes.chunks_mut(train.segment_size.max(1)) {
            self.session.handle_datagram(now, &train.meta, datagram);
        }
    }

    /// Takes what the session's own sockets have. Returns whether it was everything.
    pub(super) fn receive(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> bool {
        let (mut receives, mut datagrams) = (0, 0);
        // Not always the same one first: one busy socket must not silence the others.
        let (before, after) = self
            .sockets
            .split_at(self.first_to_receive.min(self.sockets.len()));
        self.first_to_receive = match after.len() {
            0 | 1 => 0,
            _ => self.first_to_receive + 1,
        };
        for bound in after.iter().chain(before) {
            loop {
                match bound.socket.poll_receive(cx, &mut scratch.receive) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(())) => {
                        let taken = self.endpoint.clock.taken();
                        let id = bound.socket.id();
                        for (meta, bytes) in scratch.receive.datagrams(id, taken) {
                            self.session.handle_datagram(taken.now(), &meta, bytes);
                            datagrams += 1;
                        }
                    }
                    Poll::Ready(Err(error)) => {
                        Counters::count(&self.endpoint.counters.receive_errors);
                        let now = self.endpoint.clock.now();
                        self.errors.note(now, "receive", &error);
                    }
                }
                receives += 1;
                if receives >= RECEIVES_PER_TURN || datagrams >= DATAGRAMS_PER_TURN {
                    return false;
                }
            }
        }
        true
    }
}
