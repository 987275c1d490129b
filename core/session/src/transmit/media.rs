//! Packets of RTP in trains, and RTCP.

use duologue_base::Transmit;

use super::single;
use super::train::Train;
use crate::CapturedProtocol::{Rtcp, Rtp};
use crate::PacketDirection::Sent;
use crate::Session;
use crate::capture::capture;
use crate::limits::RTP_TRAIN_DATAGRAMS;

impl Session {
    pub(super) fn poll_rtcp(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let Session {
            transports,
            captured,
            now,
            ..
        } = self;
        let now = *now;
        transports.iter_mut().find_map(|transport| {
            let due = transport.media.as_ref()?.poll_rtcp_timeout()?;
            if due > now {
                return None;
            }
            let key = transport.key;
            let (route, media) = transport.media_path(now)?;
            let mut tap = |packet: &[u8]| capture(captured, now, key, (Sent, Rtcp), packet);
            let begin = out.len();
            let content = route.open(out);
            if !media.poll_rtcp(now, content, out, &mut tap) {
                out.truncate(begin);
                return None;
            }
            let len = out.len() - content;
            route.close(content, out);
            transport.count_sent(now, 1, len);
            Some(single(&route, out))
        })
    }

    pub(super) fn poll_rtp(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let most = self.config.max_datagrams.clamp(1, RTP_TRAIN_DATAGRAMS);
        let count = self.transports.len();
        (0..count).find_map(|step| {
            let at = (self.first_to_send + step) % count;
            self.poll_rtp_of(at, most, out)
        })
    }

    fn poll_rtp_of(&mut self, at: usize, most: usize, out: &mut Vec<u8>) -> Option<Transmit> {
        let now = self.now;
        let transport = &mut self.transports[at];
        let key = transport.key;
        let has_left = self
            .leftovers
            .rtp
            .as_ref()
            .is_some_and(|(of, _)| *of == key);
        if !has_left && !transport.media.as_ref()?.rtp.wants_to_send(now) {
            return None;
        }
        let (route, media) = transport.media_path(now)?;
        let left = self.leftovers.rtp.take_if(|(of, _)| *of == key);
        let mut leftover = left.map(|(_, leftover)| leftover).unwrap_or_default();
        let captured = &mut self.captured;
        let mut tap = |packet: &[u8]| capture(captured, now, key, (Sent, Rtp), packet);
        let mut train = Train::new(&route, out);
        train.fill(most, &mut leftover, |room, out| {
            media.poll_rtp(now, room, out, &mut tap)
        });

        let ecn = media.rtp.marks();
        let (datagrams, carried) = train.carries();
        let transmit = train.finish().map(|transmit| Transmit { ecn, ..transmit });
        if !leftover.datagram.is_empty() {
            self.leftovers.rtp = Some((key, leftover));
        }
        let transmit = transmit?;
        transport.count_sent(now, datagrams, carried);
        self.first_to_send = at + 1;
        Some(transmit)
    }
}
