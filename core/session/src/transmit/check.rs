//! Connectivity checks: the agents of all transports take turns.

use duologue_base::{Instant, Transmit};
use duologue_ice as ice;

use crate::Session;

impl Session {
    pub(super) fn poll_check(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let count = self.transports.len();
        (0..count).find_map(|step| {
            let at = (self.first_to_check + step) % count;
            let _in = self.transports[at].enter();
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

    /// The host counts what all its sessions ask addresses that only signalling vouches for: from now
    /// on it wants to be asked, by [`wants_check_leave`](Self::wants_check_leave).
    pub fn meter_checks(&mut self) {
        let until = Instant::ZERO;
        self.check_leave = ice::CheckLeave::Held { until };
        for transport in &mut self.transports {
            transport.agent.set_check_leave(self.check_leave);
        }
    }

    /// Whether a check is due that wants leave. The host answers by
    /// [`handle_check_leave`](Self::handle_check_leave), before it polls for datagrams.
    pub fn wants_check_leave(&self, now: Instant) -> bool {
        let mut agents = self.transports.iter().map(|transport| &transport.agent);
        agents.any(|agent| agent.wants_check_leave(now))
    }

    /// Lets one check of a transport that wants leave go, or none of all these for now.
    pub fn handle_check_leave(&mut self, now: Instant, leave: ice::CheckLeave) {
        let agents = self.transports.iter_mut().map(|t| &mut t.agent);
        let wanting = agents.filter(|agent| agent.wants_check_leave(now));
        let all = match leave {
            ice::CheckLeave::Once => 1,
            ice::CheckLeave::Free | ice::CheckLeave::Held { .. } => usize::MAX,
        };
        for agent in wanting.take(all) {
            agent.set_check_leave(leave);
        }
    }

    /// How many checks with leave were answered since this was last asked: the host may take them for
    /// welcome.
    pub fn take_answered_checks(&mut self) -> u32 {
        let agents = self.transports.iter_mut().map(|t| &mut t.agent);
        agents.map(ice::Agent::take_answered_checks).sum()
    }
}
