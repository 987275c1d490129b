//! Media: which transceiver's is on which transport, and what SRTP makes of its packets.

mod path;

use std::sync::Arc;

use duologue_base::{Datagram, TransceiverId, TransportKey};
use duologue_media::{MediaItem, MediaReport, OutboundStats, Outlet, PausedSender};
use duologue_rtp::{ReceivePlan, SendPlan};

use crate::capture::capture;
use crate::limits::PAUSED_SENDERS;
use crate::{CapturedProtocol, MediaCommand, PacketDirection, Report, Session};

pub(crate) use path::MediaPath;

/// The media of all transceivers, as far as it is no transport's.
#[derive(Debug, Default)]
pub(crate) struct Media {
    transceivers: Vec<Transceiver>,
    /// Some transport has media: a session of data channels alone asks none for it.
    in_use: bool,
}

/// Where the media of a transceiver is.
#[derive(Debug)]
struct Transceiver {
    id: TransceiverId,
    receives_on: Option<TransportKey>,
    outlet: Outlet,
    sends_on: Option<TransportKey>,
    /// Its streams while it does not send.
    paused: Option<PausedSender>,
}

impl Media {
    pub(crate) fn is_in_use(&self) -> bool {
        self.in_use
    }

    fn of(&mut self, id: TransceiverId) -> &mut Transceiver {
        let known = self.transceivers.iter().position(|it| it.id == id);
        let at = known.unwrap_or_else(|| {
            self.transceivers.push(Transceiver {
                id,
                receives_on: None,
                outlet: Outlet::None,
                sends_on: None,
                paused: None,
            });
            self.transceivers.len() - 1
        });
        &mut self.transceivers[at]
    }

    /// The streams of senders that stopped long ago are forgotten.
    fn forget_oldest_paused(&mut self) {
        let paused = self.transceivers.iter().filter(|it| it.paused.is_some());
        if paused.count() > PAUSED_SENDERS
            && let Some(oldest) = self.transceivers.iter_mut().find(|it| it.paused.is_some())
        {
            oldest.paused = None;
        }
    }

    /// What the streams of senders that do not send have counted.
    pub(crate) fn paused_stats(&self) -> Vec<OutboundStats> {
        let paused = self.transceivers.iter();
        let paused = paused.filter_map(|transceiver| transceiver.paused.as_ref());
        paused.flat_map(PausedSender::stats).collect()
    }

    /// Transceivers come and go for as long as a connection lives; those that nothing is known of are
    /// not remembered.
    fn forget_idle(&mut self) {
        self.transceivers.retain(|it| {
            let idle = it.receives_on.is_none() && it.sends_on.is_none() && it.paused.is_none();
            !idle || it.outlet != Outlet::None
        });
    }

    /// A transport is gone.
    pub(crate) fn forget_transport(&mut self, key: TransportKey) {
        for transceiver in &mut self.transceivers {
            transceiver.receives_on.take_if(|on| *on == key);
            transceiver.sends_on.take_if(|on| *on == key);
        }
    }
}

impl Session {
    pub(crate) fn apply_to_media(&mut self, id: TransceiverId, command: MediaCommand) -> bool {
        let fits = self.apply_media_command(id, command).is_some();
        self.media.forget_idle();
        fits
    }

    /// None: the command does not fit.
    fn apply_media_command(&mut self, id: TransceiverId, command: MediaCommand) -> Option<()> {
        let now = self.now;
        match command {
            MediaCommand::SetReceive { transport, plan } => {
                self.set_receive(id, transport, plan)?;
            }
            MediaCommand::StopReceive => self.stop_receive(id),
            MediaCommand::SetSend { transport, plan } => {
                self.set_send(id, transport, plan)?;
            }
            MediaCommand::StopSend => self.stop_send(id),
            MediaCommand::SetEncodings(encodings) => {
                self.sending(id)?.rtp.set_encodings(id, encodings);
            }
            MediaCommand::ExpectPackets => self.receiving(id)?.rtp.expect_packets(id),
            MediaCommand::SetOutlet(outlet) => {
                self.media.of(id).outlet = outlet;
                if let Some(key) = self.media.of(id).receives_on {
                    let outlet = self.allowed_outlet(key, outlet);
                    if let Some(path) = self.media_on(key) {
                        path.rtp.set_outlet(id, outlet);
                    }
                }
            }
            MediaCommand::SendPackets(packets) => match self.sending(id) {
                Some(path) => path.rtp.send(now, id, packets),
                None => {
                    self.drop_items(id, packets.iter().map(|packet| packet.payload.len()));
                    return None;
                }
            },
            MediaCommand::SendFrames(frames) => match self.sending(id) {
                Some(path) => path.rtp.send_frames(now, id, frames),
                None => {
                    self.drop_items(id, frames.iter().map(|frame| frame.data.len()));
                    return None;
                }
            },
            MediaCommand::PlayTone(tone) => {
                let now = self.now;
                self.sending(id)?.rtp.play_tone(now, id, tone);
            }
            MediaCommand::RequestKeyFrame { encoding } => {
                self.receiving(id)?.rtp.request_key_frame(id, encoding);
            }
        }
        Some(())
    }

    /// The media of the transport that a receiver is on.
    fn receiving(&mut self, id: TransceiverId) -> Option<&mut MediaPath> {
        let key = self.media.of(id).receives_on?;
        self.media_on(key)
    }

    /// The media of the transport that a sender is on.
    fn sending(&mut self, id: TransceiverId) -> Option<&mut MediaPath> {
        let key = self.media.of(id).sends_on?;
        self.media_on(key)
    }

    fn set_receive(
        &mut self,
        id: TransceiverId,
        transport: TransportKey,
        plan: Arc<ReceivePlan>,
    ) -> Option<()> {
        if self.media.of(id).receives_on != Some(transport) {
            self.stop_receive(id);
        }
        let (now, outlet) = (self.now, self.media.of(id).outlet);
        let outlet = self.allowed_outlet(transport, outlet);
        let path = self.media_on(transport)?;
        path.set_received_headers(plan.parameters.cryptex);
        path.rtp.set_receive(now, id, plan, outlet);
        self.media.of(id).receives_on = Some(transport);
        Some(())
    }

    /// What comes over a transport whose ends promised to keep it from applications (RFC 8833) is given to
    /// none, in whatever form it asks for it.
    fn allowed_outlet(&self, key: TransportKey, outlet: Outlet) -> Outlet {
        let at = self.find(key);
        match at.is_some_and(|at| self.transports[at].confidential) {
            true => Outlet::None,
            false => outlet,
        }
    }

    /// A handshake is done: what its ends promised counts for the receivers on its transport.
    #[cold]
    pub(crate) fn update_outlets(&mut self, key: TransportKey) {
        let receivers = self.media.transceivers.iter();
        let receivers = receivers.filter(|it| it.receives_on == Some(key));
        let receivers: Vec<_> = receivers.map(|it| (it.id, it.outlet)).collect();
        for (id, outlet) in receivers {
            let outlet = self.allowed_outlet(key, outlet);
            if let Some(path) = self.media_on(key) {
                path.rtp.set_outlet(id, outlet);
            }
        }
    }

    fn set_send(
        &mut self,
        id: TransceiverId,
        transport: TransportKey,
        plan: Arc<SendPlan>,
    ) -> Option<()> {
        if self.media.of(id).sends_on != Some(transport) {
            self.stop_send(id);
        }
        let now = self.now;
        self.find(transport)?;
        let paused = self.media.of(id).paused.take();
        let path = self.media_on(transport)?;
        if let Some(paused) = paused {
            path.rtp.resume_send(paused);
        }
        path.set_sent_headers(plan.parameters.cryptex);
        path.rtp.set_send(now, id, plan);
        self.media.of(id).sends_on = Some(transport);
        Some(())
    }

    /// Whoever handed them over learns that they wait no more.
    fn drop_items(&mut self, id: TransceiverId, sizes: impl ExactSizeIterator<Item = usize>) {
        let dropped = MediaReport::Sent {
            items: sizes.len(),
            bytes: sizes.sum(),
        };
        self.reports.push_back(Report::Media(id, dropped));
    }

    fn stop_receive(&mut self, id: TransceiverId) {
        if let Some(key) = self.media.of(id).receives_on.take()
            && let Some(path) = self.media_on(key)
        {
            path.rtp.stop_receive(id);
        }
    }

    fn stop_send(&mut self, id: TransceiverId) {
        if let Some(key) = self.media.of(id).sends_on.take()
            && let Some(path) = self.media_on(key)
        {
            let paused = path.rtp.stop_send(id);
            self.media.of(id).paused = paused;
            self.media.forget_oldest_paused();
        }
    }

    /// A transport is about to go. Its senders may go on over another one.
    pub(crate) fn pause_senders_on(&mut self, key: TransportKey) {
        let on_it = self.media.transceivers.iter();
        let on_it = on_it.filter(|it| it.sends_on == Some(key)).map(|it| it.id);
        for id in on_it.collect::<Vec<_>>() {
            self.stop_send(id);
        }
    }

    /// The media of a transport, made when it is first agreed on.
    fn media_on(&mut self, key: TransportKey) -> Option<&mut MediaPath> {
        let at = self.find(key)?;
        let Session {
            transports,
            rng,
            config,
            media,
            now,
            ..
        } = self;
        let transport = &mut transports[at];
        if transport.media.is_none() {
            let mut path = MediaPath::new(config.wall_clock.into(), rng.fork());
            path.rtp.set_bitrate_bounds(*now, config.bitrate_bounds);
            if let Some(slot) = config.pacing_slot {
                path.rtp.set_pacing_slot(slot);
            }
            transport.media = Some(Box::new(path));
            media.in_use = true;
            transport.key_media();
        }
        transport.media.as_deref_mut()
    }

    pub(crate) fn handle_rtp(&mut self, at: usize, datagram: &Datagram, bytes: &mut [u8]) {
        self.counters.srtp_packets += 1;
        let Some(path) = self.transports[at].media.as_deref_mut() else {
            self.counters.unexpected_srtp += 1;
            return;
        };
        let arrival = (datagram.received, datagram.ecn);
        let opened = path.handle_rtp(self.now, arrival, bytes, &mut self.counters);
        if let Some(length) = opened {
            self.capture_received(at, CapturedProtocol::Rtp, &bytes[..length]);
        }
    }

    pub(crate) fn handle_rtcp(&mut self, at: usize, datagram: &Datagram, bytes: &mut [u8]) {
        self.counters.srtcp_packets += 1;
        let Some(path) = self.transports[at].media.as_deref_mut() else {
            self.counters.unexpected_srtp += 1;
            return;
        };
        let opened = path.handle_rtcp(datagram.received, bytes, &mut self.counters);
        if let Some(length) = opened {
            self.capture_received(at, CapturedProtocol::Rtcp, &bytes[..length]);
        }
    }

    fn capture_received(&mut self, at: usize, protocol: CapturedProtocol, packet: &[u8]) {
        let key = self.transports[at].key;
        let what = (PacketDirection::Received, protocol);
        capture(&mut self.captured, self.now, key, what, packet);
    }

    pub(crate) fn poll_media_report(&mut self) -> Option<Report> {
        if !self.media.is_in_use() {
            return None;
        }
        let (id, report) = self.media_paths().find_map(|path| path.rtp.poll_report())?;
        Some(Report::Media(id, report))
    }

    /// What receivers got, in the order of arrival on each transport. It does not wait for whoever
    /// reads the channels; a host takes all of it each turn.
    pub fn poll_media(&mut self) -> Option<MediaItem> {
        if !self.media.is_in_use() {
            return None;
        }
        self.media_paths().find_map(|path| path.rtp.poll_item())
    }

    fn media_paths(&mut self) -> impl Iterator<Item = &mut MediaPath> {
        let transports = self.transports.iter_mut();
        transports.filter_map(|transport| transport.media.as_deref_mut())
    }
}
