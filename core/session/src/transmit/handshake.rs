//! Flights of DTLS, on the path in use.

use duologue_base::Transmit;

use super::single;
use crate::Session;

impl Session {
    pub(super) fn poll_handshake(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let now = self.now;
        self.transports.iter_mut().find_map(|transport| {
            let ready = transport.dtls.has_datagram() && transport.agent.may_send(now);
            let route = transport.agent.route().filter(|_| ready)?;
            if transport.is_blocked(route.socket) {
                return None;
            }
            let begin = out.len();
            let content = route.open(out);
            if !transport.dtls.poll_datagram(out) {
                out.truncate(begin);
                return None;
            }
            let len = out.len() - content;
            route.close(content, out);
            transport.count_sent(now, 1, len);
            Some(single(&route, out))
        })
    }
}
