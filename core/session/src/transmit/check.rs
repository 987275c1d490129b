//! Connectivity checks: the agents of all transports take turns.

use duologue_base::{Instant, Transmit};

use crate::Session;

impl Session {
    pub(super) fn poll_check(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let count = self.transports.len();
        (0..count).find_map(|step| {
            let at = (self.first_to_check + step) % count;
            let agent = &mut self.transports[at].agent;
            let before = agent.next_check();
            let transmit = agent.poll_transmit(self.now, out)?;
            let next = agent.next_check();
            if next != before && count > 1 {
                self.share_checks(at, next);
            }
            Some(transmit)
        })
    }

    /// RFC 8445 §14: the agents of all transports are one ICE session and take turns, or a description
    /// with many m-lines would make this host send as many times as much.
    fn share_checks(&mut self, at: usize, next: Instant) {
        self.first_to_check = (at + 1) % self.transports.len();
        let agents = self.transports.iter_mut().map(|t| &mut t.agent);
        let pending: Vec<u32> = agents.map(|agent| agent.pending_checks()).collect();
        let all: u32 = pending.iter().sum();
        for (transport, own) in self.transports.iter_mut().zip(pending) {
            transport.agent.share_checks(next, all - own);
        }
    }

    /// A check that was due may want a stream first.
    pub(super) fn take_ice_events(&mut self) {
        for at in 0..self.transports.len() {
            if self.transports[at].agent.has_event() {
                self.advance(at);
            }
        }
    }
}
