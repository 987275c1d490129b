//! Packets of SCTP, sealed one behind the other in a train.

use duologue_base::Transmit;

use super::train::Train;
use crate::Session;
use crate::limits::TRAIN_DATAGRAMS;

impl Session {
    pub(super) fn poll_data(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let Session {
            transports,
            sctp,
            config,
            packet,
            leftovers,
            now,
            ..
        } = self;
        let now = *now;
        let running = sctp.running()?;
        let key = running.agreed.key;
        let transport = transports.iter_mut().find(|t| t.key == key)?;
        if !transport.may_send_data(now) {
            return None;
        }
        let route = transport.agent.route()?;
        if transport.is_blocked(route.socket) {
            return None;
        }

        let max_datagrams = config.max_datagrams.clamp(1, TRAIN_DATAGRAMS);
        let (association, dtls) = (&mut running.association, &mut transport.dtls);
        let mut train = Train::new(&route, out);
        train.fill(max_datagrams, &mut leftovers.datagram, |_, out| {
            packet.clear();
            association.poll_packet(now, packet) && dtls.seal(now, packet, out)
        });

        let (datagrams, carried) = train.carries();
        let transmit = train.finish()?;
        transport.count_sent(now, datagrams, carried);
        Some(transmit)
    }
}
