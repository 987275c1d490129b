//! The last datagrams of what is closed: ABORT and close_notify.

use duologue_base::Transmit;
use duologue_ice as ice;

use super::single;
use crate::Session;
use crate::transport::Transport;

impl Session {
    pub(super) fn poll_closing(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        if self.leftovers.closing.is_empty() {
            return None;
        }
        let (transmit, datagram) = self.leftovers.closing.remove(0);
        out.extend_from_slice(&datagram);
        Some(transmit)
    }

    /// Makes the last datagrams of a transport: an ABORT, so that the peer's channels close with an
    /// error, and a `close_notify`.
    pub(crate) fn close_transport(&mut self, transport: &mut Transport) {
        let now = self.now;
        let route = transport
            .agent
            .route()
            .filter(|_| transport.agent.may_send(now));
        if let Some(running) = self.sctp.on(transport.key) {
            running.association.abort();
            let mut datagram = Vec::new();
            self.packet.clear();
            // What was queued dies with the association: its next packet is the ABORT.
            if running.association.poll_packet(now, &mut self.packet)
                && transport.dtls.seal(now, &self.packet, &mut datagram)
                && let Some(route) = route
            {
                self.push_closing(&route, &datagram);
            }
        }
        transport.dtls.close();
        let mut datagram = Vec::new();
        while transport.dtls.poll_datagram(&mut datagram) {
            if let Some(route) = route {
                self.push_closing(&route, &datagram);
            }
            datagram.clear();
        }
        transport.agent.close(now);
        while let Some(transmit) = transport.agent.poll_transmit(now, &mut datagram) {
            let datagram = std::mem::take(&mut datagram);
            self.leftovers.closing.push((transmit, datagram));
        }
        self.leftovers.forget_datagram();
    }

    fn push_closing(&mut self, route: &ice::Route, datagram: &[u8]) {
        let mut out = Vec::new();
        let content = route.open(&mut out);
        out.extend_from_slice(datagram);
        route.close(content, &mut out);
        self.leftovers.closing.push((single(route, &out), out));
    }
}
