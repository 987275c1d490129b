//! Making a statistics report: the slots tell the states, the session the counters.

use std::collections::BTreeMap;

use duologue_base::{Instant, TransceiverId, TransportKey};
use duologue_jsep as jsep;
use duologue_session as session;

use super::Task;
use crate::stats::{
    AudioPlayoutStats, Collector, DataChannelStats, MediaSourceStats, PeerConnectionStats,
    ReceiverSide, SenderSide, Stats, StatsReport, audio_playout_id, media_source_id,
    untracked_source_id,
};
use crate::transports::Transport;
use crate::{MediaKind, OperationId, PeerConnection, StatsSelector, Value};

impl PeerConnection {
    /// The session answered.
    pub(crate) fn queue_stats(&mut self, request: u64, stats: Box<session::Stats>) {
        let operation = OperationId(request);
        if let Some(selector) = self.slots.take_pending_stats(operation) {
            self.queue(Task::Stats {
                operation,
                selector,
                session: Some(stats),
            });
        }
    }

    /// The session will not answer any more: the promises resolve with what the slots tell.
    pub(crate) fn queue_stats_of_slots(&mut self) {
        for (operation, selector) in self.slots.take_all_pending_stats() {
            self.queue(Task::Stats {
                operation,
                selector,
                session: None,
            });
        }
    }

    pub(crate) fn run_stats(
        &mut self,
        operation: OperationId,
        selector: &StatsSelector,
        now: Instant,
        session: Option<Box<session::Stats>>,
    ) {
        let collected = session.as_ref().map_or(now, |session| session.now);
        // Without a transport nothing was counted, and nothing is known after the end.
        let session = match session {
            Some(session) => Some(*session),
            None => (!self.slots.is_closed()).then(session::Stats::default),
        };
        let report = self.collect(collected, session.as_ref(), selector);
        self.settle(operation, Ok(Value::Stats(report)));
    }

    fn collect(
        &self,
        collected: Instant,
        session: Option<&session::Stats>,
        selector: &StatsSelector,
    ) -> StatsReport {
        let mut collector = Collector {
            epoch: self.epoch,
            collected,
            stats: Vec::new(),
        };
        let connection = PeerConnectionStats {
            id: "P".to_owned(),
            timestamp: collector.timestamp(),
            data_channels_opened: self.slots.channels().opened(),
            data_channels_closed: self.slots.channels().closed(),
        };
        collector.stats.push(Stats::PeerConnection(connection));
        self.collect_transports(session, &mut collector);
        self.collect_channels(session, &mut collector);
        self.collect_sources(session, &mut collector);
        self.collect_playouts(session, &mut collector);
        let selected = self.collect_streams(session, selector, &mut collector);

        let report = StatsReport {
            stats: collector.stats,
        };
        match selector {
            StatsSelector::Connection => report,
            _ => report.select(|stats| selected.iter().any(|id| id == stats.id())),
        }
    }

    fn collect_transports(&self, session: Option<&session::Stats>, collector: &mut Collector) {
        for counted in session.iter().flat_map(|session| &session.transports) {
            if let Some(transport) = self.slots.transport(counted.key) {
                let shown = transport.dtls.local_certificate();
                let shown = shown.unwrap_or(self.slots.certificates().first());
                let local = transport_is_secured(transport).then(|| shown.der());
                collector.add_transport(transport, counted, local);
            }
        }
    }

    fn collect_channels(&self, session: Option<&session::Stats>, collector: &mut Collector) {
        for (key, channel) in self.slots.channels().iter() {
            let traffic = session.map(|session| {
                let counted = session.channels.iter().find(|(counted, _)| *counted == key);
                counted.map(|(_, traffic)| *traffic).unwrap_or_default()
            });
            let attributes = channel.attributes();
            collector.stats.push(Stats::DataChannel(DataChannelStats {
                id: format!("D{}", key.0),
                timestamp: collector.timestamp(),
                label: attributes.label().to_owned(),
                protocol: attributes.protocol().to_owned(),
                data_channel_identifier: attributes.id().map(|id| id.0),
                state: attributes.ready_state(),
                messages_sent: traffic.map(|traffic| traffic.messages_sent),
                bytes_sent: traffic.map(|traffic| traffic.bytes_sent),
                messages_received: traffic.map(|traffic| traffic.messages_received),
                bytes_received: traffic.map(|traffic| traffic.bytes_received),
            }));
        }
    }

    fn collect_sources(&self, session: Option<&session::Stats>, collector: &mut Collector) {
        let given = session.map_or(&[][..], |session| &session.sources);
        let tracks = self.slots.transceivers();
        let tracks = tracks.filter_map(|(id, slots)| Some((id, slots.sender_track()?)));
        let mut sources: BTreeMap<String, MediaSourceStats> = BTreeMap::new();
        for (sender, track) in tracks {
            let id = media_source_id(&track.id);
            let source = sources.entry(id.clone()).or_insert_with(|| {
                source_stats(id, collector.timestamp(), track.id.to_string(), track.kind)
            });
            if let Some(given) = given.iter().find(|it| it.sender == sender) {
                source.add(&given.given);
            }
        }
        // Raw pictures and sound need no track.
        for given in given {
            let slots = self.slots.transceiver(given.sender);
            if let Some(slots) = slots.filter(|it| it.sender_track().is_none()) {
                let id = untracked_source_id(given.sender);
                let (now, name) = (collector.timestamp(), id.clone());
                let mut source = source_stats(id.clone(), now, name, slots.kind());
                source.add(&given.given);
                sources.insert(id, source);
            }
        }
        collector
            .stats
            .extend(sources.into_values().map(Stats::MediaSource));
    }

    fn collect_playouts(&self, session: Option<&session::Stats>, collector: &mut Collector) {
        let playouts = session.into_iter().flat_map(|session| &session.playouts);
        for played in playouts.filter(|it| self.streaming(it.receiver).is_some()) {
            let stats = AudioPlayoutStats::of(collector.timestamp(), played);
            collector.stats.push(Stats::AudioPlayout(stats));
        }
    }

    /// Gives the ids of the streams that the selector means.
    fn collect_streams(
        &self,
        session: Option<&session::Stats>,
        selector: &StatsSelector,
        collector: &mut Collector,
    ) -> Vec<String> {
        let mut selected = Vec::new();
        let Some(session) = session else {
            return selected;
        };
        let transports = session.transports.iter();
        let transports = transports.filter(|it| self.slots.transport(it.key).is_some());
        let media = transports.filter_map(|it| Some((it.key, it.media.as_ref()?)));
        for (key, media) in media {
            for counted in &media.inbound {
                if let Some(receiver) = self.receiver_side(session, counted) {
                    let id = collector.add_inbound(key, counted, receiver);
                    let selects = *selector == StatsSelector::Receiver(counted.receiver);
                    selected.extend(Some(id).filter(|_| selects && self.runs(counted.receiver)));
                }
            }
            for counted in &media.outbound {
                let id = self.collect_sent(session, Some(key), counted, selector, collector);
                selected.extend(id);
            }
        }
        for counted in &session.paused {
            selected.extend(self.collect_sent(session, None, counted, selector, collector));
        }
        selected
    }

    fn collect_sent(
        &self,
        session: &session::Stats,
        sends_on: Option<TransportKey>,
        counted: &session::OutboundStats,
        selector: &StatsSelector,
        collector: &mut Collector,
    ) -> Option<String> {
        let sender = self.sender_side(session, sends_on, counted)?;
        let id = collector.add_outbound(counted, sender);
        let selects = *selector == StatsSelector::Sender(counted.sender);
        Some(id).filter(|_| selects && self.runs(counted.sender))
    }

    /// None of a transceiver that is stopped: its streams are deleted (webrtc-stats, "The RTP
    /// statistics hierarchy").
    fn receiver_side<'a>(
        &'a self,
        session: &'a session::Stats,
        counted: &session::InboundStats,
    ) -> Option<ReceiverSide<'a>> {
        let slots = self.streaming(counted.receiver)?;
        let mut players = session.players.iter();
        let played = (counted.receiver, counted.ssrc);
        let mut playouts = session.playouts.iter();
        let heard = playouts.any(|it| it.receiver == counted.receiver);
        Some(ReceiverSide {
            playout_id: heard.then(|| audio_playout_id(counted.receiver)),
            track: slots.receiver_track(),
            mid: self.mid_text(counted.receiver),
            player: players.find(|it| (it.receiver, it.ssrc) == played),
        })
    }

    fn sender_side<'a>(
        &self,
        session: &'a session::Stats,
        sends_on: Option<TransportKey>,
        counted: &session::OutboundStats,
    ) -> Option<SenderSide<'a>> {
        let slots = self.streaming(counted.sender)?;
        let transport = sends_on.or(slots.transport());
        let track = slots.sender_track();
        let encoding = slots.send_encodings().get(counted.encoding);
        let mut given = session.sources.iter();
        let given = given.find(|it| it.sender == counted.sender);
        let source = track.map(|track| media_source_id(&track.id));
        let mut encoders = session.encoders.iter();
        let encoded = (counted.sender, counted.encoding);
        Some(SenderSide {
            transport: transport.filter(|key| self.slots.transport(*key).is_some()),
            mid: self.mid_text(counted.sender),
            media_source_id: source.or(given.map(|it| untracked_source_id(it.sender))),
            rid: encoding.and_then(|it| it.rid.clone()),
            scalability_mode: encoding.and_then(|it| it.scalability_mode.clone()),
            active: sends_on.is_some() && encoding.is_none_or(|it| it.active),
            encoder: encoders.find(|it| (it.sender, it.encoding) == encoded),
        })
    }

    fn streaming(&self, id: TransceiverId) -> Option<&crate::slots::Transceiver> {
        let intent = self.slots.intent().transceiver(id)?;
        let slots = self.slots.transceiver(id)?;
        (intent.stop != jsep::StopState::Stopped).then_some(slots)
    }

    /// Nothing is "being sent" or "being received" by one that `stop()` was called on.
    fn runs(&self, id: TransceiverId) -> bool {
        let intent = self.slots.intent().transceiver(id);
        intent.is_some_and(|intent| intent.stop == jsep::StopState::Running)
    }

    fn mid_text(&self, id: TransceiverId) -> Option<String> {
        self.slots
            .section(id)
            .map(|section| section.mid.to_string())
    }
}

fn source_stats(id: String, now: f64, track: String, kind: MediaKind) -> MediaSourceStats {
    MediaSourceStats {
        id,
        timestamp: now,
        track_identifier: track,
        kind: kind.as_str(),
        ..MediaSourceStats::default()
    }
}

/// webrtc-stats `localCertificateId`: "for components where DTLS is negotiated".
fn transport_is_secured(transport: &Transport) -> bool {
    transport.dtls.state() != crate::DtlsTransportState::New
}
