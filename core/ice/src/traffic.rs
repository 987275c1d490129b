//! What the pairs carry besides checks: counted for the statistics.

use std::net::SocketAddr;

use duologue_base::{Datagram, Instant, SocketId};

use crate::agent::{Agent, normalized};
use crate::generation::GenerationState;

impl Agent {
    /// Datagrams of data left on the pair in use.
    pub fn count_sent(&mut self, now: Instant, packets: u64, bytes: u64) {
        if let Some(selected) = self.checks.selected
            && let Some(at) = self.checks.index(selected.generation)
            && let Some(pair) = self.checks.generations[at].checklist.get_mut(selected.pair)
        {
            pair.counters.sent.count(now, packets, bytes);
        }
    }

    /// Datagrams that were to leave by this socket to this address were lost at the socket, checks among them.
    /// They count for the pair in use, if that is its way.
    pub fn count_discarded(
        &mut self,
        now: Instant,
        (socket, remote): (SocketId, SocketAddr),
        packets: u64,
        bytes: u64,
    ) {
        let route = self.route();
        let is_its_way = route.is_some_and(|it| it.socket == socket && it.destination() == remote);
        if is_its_way
            && let Some(selected) = self.checks.selected
            && let Some(at) = self.checks.index(selected.generation)
            && let Some(pair) = self.checks.generations[at].checklist.get_mut(selected.pair)
        {
            pair.counters.discarded.count(now, packets, bytes);
        }
    }

    /// A datagram of data came from the other agent; `relayed` if a TURN server forwarded it. A pair that was silent
    /// until now is asked for consent soon.
    pub fn handle_data(&mut self, datagram: &Datagram, relayed: bool, bytes: usize) {
        let remote = normalized(datagram.remote);
        let stream = self.local.stream_of(datagram.socket).map(|(base, _)| base);
        let pair = self
            .checks
            .generations
            .iter_mut()
            .rev()
            .find_map(|generation| {
                let GenerationState {
                    checklist,
                    locals,
                    remotes,
                    ..
                } = generation;
                checklist.pairs_mut().iter_mut().find(|pair| {
                    let base = locals[pair.local].base;
                    let arrived_there = match stream {
                        Some(stream) => base.is_same(stream),
                        None => {
                            base.socket == Some(datagram.socket) && base.relay.is_some() == relayed
                        }
                    };
                    remotes[pair.remote].addr == remote && arrived_there
                })
            });
        if let Some(pair) = pair {
            let received = &mut pair.counters.received;
            received.count(datagram.received, 1, bytes as u64);
            pair.heard(datagram.received);
        }
    }
}
