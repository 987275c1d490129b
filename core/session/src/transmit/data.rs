//! Packets of SCTP, sealed one behind the other in a train.

use duologue_base::Transmit;
use duologue_dtls as dtls;

use super::train::Train;
use crate::capture::capture;
use crate::limits::{LARGEST_UNTOLD, TRAIN_DATAGRAMS};
use crate::{CapturedProtocol, PacketDirection, Session, SessionConfig};

/// What UDP and IP put around a datagram.
const UDP_OVERHEAD: usize = 28;

impl Session {
    pub(super) fn poll_data(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let Session {
            transports,
            sctp,
            config,
            packet,
            leftovers,
            captured,
            now,
            ..
        } = self;
        let now = *now;
        let running = sctp.running()?;
        let key = running.agreed.key;
        let transport = transports.iter_mut().find(|t| t.key == key)?;
        let route = transport.path(now)?;
        running.update_marks(now);
        let changes = transport.agent.selected_pair_changes();
        running.handle_route(&route, changes, || largest_packet(config, &transport.dtls));

        let cap = transport.media.as_mut().and_then(|media| {
            let backlog = running.association.has_backlog();
            media.rtp.set_data_backlog(now, backlog);
            media.rtp.data_cap(now)
        });
        running.association.set_rate_cap(cap);
        let max_datagrams = config.max_datagrams.clamp(1, TRAIN_DATAGRAMS);
        let (association, dtls) = (&mut running.association, &mut transport.dtls);
        let what = (PacketDirection::Sent, CapturedProtocol::Sctp);
        let dscp = running.dscp;
        let mut train = Train::new(&route, out);
        train.fill(max_datagrams, &mut leftovers.data, |_, out| {
            packet.clear();
            if !association.poll_packet(now, packet) {
                return None;
            }
            capture(captured, now, key, what, packet);
            dtls.seal(now, packet, out).then_some(dscp)
        });

        let (datagrams, carried) = train.carries();
        let transmit = train.finish()?;
        if let Some(media) = &mut transport.media {
            let bytes = carried + datagrams as usize * UDP_OVERHEAD;
            media.rtp.handle_data_sent(now, bytes);
        }
        transport.count_sent(now, datagrams, carried);
        Some(transmit)
    }
}

/// Up to how many bytes packets are probed for.
fn largest_packet(config: &SessionConfig, dtls: &dtls::Transport) -> usize {
    match config.may_fragment {
        true => 0,
        // RFC 8449 §4: nobody is sent a longer record.
        false => dtls.record_size_limit().unwrap_or(LARGEST_UNTOLD),
    }
}
