//! What comes on one transport: which stream a packet belongs to, what is missing, what is told to
//! the other end of it, and what the application gets.

mod arrivals;
mod assembly;
mod dependencies;
mod early;
mod feedback;
mod heard;
mod key_frames;
mod nack;
mod payload_types;
mod recovery;
mod references;
mod route;
mod seen;
mod source;
mod sources;
mod statistics;
mod stream_arrivals;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use duologue_base::{Ecn, Instant, TransceiverId};
use duologue_rtp::ext::{ExtensionMap, Extensions};
use duologue_rtp::fec::FlexFec;
use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::red::Red;
use duologue_rtp::{MediaKind, Packet, PayloadType, ReceivePlan, RtcpFeedback, Ssrc, rtx};

use crate::counters::Counters;
use crate::frame::EncodedFrame;
use crate::packet::{MediaItem, Outlet, RtpPacket};
use crate::report::MediaReport;

use arrivals::Arrivals;
pub use assembly::FrameCounters;
use assembly::Next;
use early::EarlyPackets;
use heard::Heard;
use key_frames::KeyFrameRequests;
use nack::Arrival;
use payload_types::{Meaning, Use};
use recovery::{Kind, Recovery};
pub(crate) use route::Purpose;
use route::Route;
pub(crate) use source::{Repairs, Source};
use sources::{Claim, Found, Names, Sources};
pub use statistics::{Reception, Statistics};
use stream_arrivals::StreamArrivals;

/// The receiving half of one transport.
#[derive(Debug)]
pub(crate) struct Inbound {
    receivers: Vec<Receiver>,
    /// Of the receivers, in the same order.
    claims: Vec<Claim>,
    pub(crate) sources: Sources,
    extensions: Box<ExtensionMap>,
    /// Packets that nobody claims yet.
    early: EarlyPackets,
    pub(crate) arrivals: Arrivals,
    pub(crate) stream_arrivals: StreamArrivals,
    /// When the other end is to be told something, or earlier.
    feedback_due: Option<Instant>,
    /// When a frame has waited long enough, or earlier.
    assembly_due: Option<Instant>,
    /// The payloads of many packets lie in one piece of memory, which is used again once all of them
    /// are gone.
    slab: BytesMut,
    /// As reports tell it.
    pub(crate) round_trip: Duration,
}

/// What one transceiver receives.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) id: TransceiverId,
    pub(crate) plan: Arc<ReceivePlan>,
    pub(crate) outlet: Outlet,
    /// A packet of this plan came.
    pub(crate) unmuted: bool,
    pub(crate) key_frames: KeyFrameRequests,
    heard: Heard,
}

/// What handling a packet may add to.
pub(crate) struct Told<'a> {
    pub(crate) items: &'a mut VecDeque<MediaItem>,
    pub(crate) reports: &'a mut VecDeque<(TransceiverId, MediaReport)>,
    pub(crate) counters: &'a mut Counters,
}

/// A packet on its way to its stream.
struct Incoming<'a> {
    arrival: Instant,
    ecn: Ecn,
    /// Extended.
    sequence_number: u64,
    packet: Packet<'a>,
    extensions: Extensions,
    datagram: &'a [u8],
}

/// A payload on its way to the application, with what its packet says of it.
#[derive(Clone, Copy)]
struct Piece<'a> {
    /// Extended.
    sequence_number: u64,
    payload_type: PayloadType,
    timestamp: u32,
    marker: bool,
    /// The packet that it is of; none of what older ones had.
    packet: Option<&'a Incoming<'a>>,
    payload: &'a [u8],
    received: Instant,
    repaired: bool,
}

impl<'a> Piece<'a> {
    fn new(incoming: &'a Incoming<'a>, payload_type: PayloadType, payload: &'a [u8]) -> Self {
        Piece {
            sequence_number: incoming.sequence_number,
            payload_type,
            timestamp: incoming.packet.header.timestamp,
            marker: incoming.packet.header.marker,
            packet: Some(incoming),
            payload,
            received: incoming.arrival,
            repaired: false,
        }
    }
}

impl Inbound {
    pub(crate) fn new() -> Self {
        Inbound {
            receivers: Vec::new(),
            claims: Vec::new(),
            sources: Sources::default(),
            extensions: Box::default(),
            early: EarlyPackets::default(),
            arrivals: Arrivals::default(),
            stream_arrivals: StreamArrivals::default(),
            feedback_due: None,
            assembly_due: None,
            slab: BytesMut::new(),
            round_trip: Duration::ZERO,
        }
    }

    /// A description says, or says anew, what a receiver takes.
    pub(crate) fn set(
        &mut self,
        now: Instant,
        id: TransceiverId,
        plan: Arc<ReceivePlan>,
        outlet: Outlet,
        told: &mut Told<'_>,
    ) {
        let claim = Claim::new(id, &plan);
        let announced: Vec<(Ssrc, Route)> = sources::announced(id, &plan).collect();
        self.sources.retract(id, &announced);
        for (ssrc, route) in announced {
            self.sources.announce(ssrc, route);
        }
        match self.receivers.iter().position(|receiver| receiver.id == id) {
            Some(at) => {
                let receiver = &mut self.receivers[at];
                receiver.plan = plan;
                receiver.outlet = outlet;
                self.claims[at] = claim;
            }
            None => {
                self.receivers.push(Receiver {
                    id,
                    plan,
                    outlet,
                    unmuted: false,
                    key_frames: KeyFrameRequests::default(),
                    heard: Heard::default(),
                });
                self.claims.push(claim);
                self.sources.resume(id);
            }
        }
        self.map_extensions();
        self.take_early(now, told);
    }

    /// All streams begin anew.
    pub(crate) fn restart(&mut self) {
        self.sources.clear();
        self.arrivals = Arrivals::default();
        self.stream_arrivals = StreamArrivals::default();
        self.early.clear();
        for receiver in &self.receivers {
            for (ssrc, route) in sources::announced(receiver.id, &receiver.plan) {
                self.sources.announce(ssrc, route);
            }
        }
    }

    /// The receiver takes nothing any more.
    pub(crate) fn stop(&mut self, id: TransceiverId) {
        if let Some(at) = self.receivers.iter().position(|receiver| receiver.id == id) {
            let stopped = self.receivers.remove(at);
            self.claims.remove(at);
            self.sources.pause(id, &stopped.plan);
            self.map_extensions();
        }
    }

    pub(crate) fn receiver_mut(&mut self, id: TransceiverId) -> Option<&mut Receiver> {
        self.receivers.iter_mut().find(|receiver| receiver.id == id)
    }

    pub(crate) fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }

    /// Streams that something came of.
    pub(crate) fn begun(&self) -> impl Iterator<Item = &Source> {
        let sources = self.sources.iter().map(|(_, source)| source);
        sources.filter(|source| source.has_begun() && source.paused.is_none())
    }

    /// RFC 9143 §9.2: one id means one extension in all sections of a transport.
    fn map_extensions(&mut self) {
        let all = self.receivers.iter();
        let all = all.flat_map(|receiver| &receiver.plan.parameters.header_extensions);
        let plain = all.filter(|extension| !extension.encrypted);
        let agreed = plain.map(|extension| (extension.id, extension.uri.as_str()));
        *self.extensions = ExtensionMap::of(agreed, true);
    }

    /// A packet in the clear, whose sequence number SRTP has extended. True: it is the first of its
    /// stream.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        (arrival, ecn): (Instant, Ecn),
        sequence_number: u64,
        datagram: &[u8],
        told: &mut Told<'_>,
    ) -> bool {
        let Ok(packet) = Packet::parse(datagram) else {
            told.counters.malformed += 1;
            return false;
        };
        let incoming = Incoming {
            arrival,
            ecn,
            sequence_number,
            packet,
            extensions: packet.extensions(&self.extensions),
            datagram,
        };
        let names = Names {
            ssrc: packet.header.ssrc,
            payload_type: packet.header.payload_type,
            mid: incoming.extensions.mid(datagram),
            rid: incoming.extensions.rid(datagram),
            repaired_rid: incoming.extensions.repaired_rid(datagram),
        };
        match self.sources.find(&self.claims, &names) {
            Found::At(at) if self.sources.get_mut(at).paused.is_none() => {
                let new = !self.sources.get_mut(at).has_begun();
                self.handle_known(now, at, &incoming, told);
                if new {
                    // A key frame of it may have been wanted already.
                    self.feedback_due = Some(now);
                }
                new
            }
            Found::At(_) | Found::Unclaimed => {
                told.counters.unclaimed += 1;
                self.early.keep((arrival, ecn), sequence_number, datagram);
                false
            }
        }
    }

    /// A description may have said what they are.
    fn take_early(&mut self, now: Instant, told: &mut Told<'_>) {
        for packet in self.early.take(now) {
            told.counters.unclaimed -= 1;
            let number = packet.sequence_number;
            self.handle(now, packet.arrival, number, &packet.datagram, told);
        }
    }

    fn handle_known(
        &mut self,
        now: Instant,
        at: usize,
        incoming: &Incoming<'_>,
        told: &mut Told<'_>,
    ) {
        let route = self.sources.get_mut(at).route;
        let owner = self
            .claims
            .iter()
            .position(|claim| claim.id == route.receiver);
        let Some(owner) = owner else { return };

        let header = &incoming.packet.header;
        let Some(means) = self.claims[owner].payload_types.get(header.payload_type) else {
            told.counters.unknown_payload_type += 1;
            return;
        };
        self.count(at, incoming, means);
        self.note_arrival(now, owner, incoming);
        let place = Place {
            owner,
            source: at,
            encoding: route.encoding,
        };
        if route.purpose == Purpose::Media {
            self.hear(now, place, incoming, means.clock_rate, told);
        }

        let payload = incoming.packet.payload();
        let piece = Piece::new(incoming, header.payload_type, payload);
        match (route.purpose, means.used_for) {
            (Purpose::Media, Use::Media | Use::Red) => {
                self.handle_media(now, place, piece, told);
                self.keep(place, incoming.sequence_number, incoming.datagram);
                self.recover(now, place, incoming.arrival, told);
            }
            // Probes of padding come on any stream, before any media, too: no loss and no frame.
            (Purpose::Retransmission, Use::Retransmission { of }) if !payload.is_empty() => {
                self.handle_retransmission(
                    now,
                    place,
                    Piece {
                        payload_type: of,
                        ..piece
                    },
                    told,
                );
            }
            (Purpose::ErrorCorrection, Use::FlexFec) if !payload.is_empty() => {
                self.handle_flexfec(now, place, piece, told);
            }
            _ => {}
        }
    }

    fn count(&mut self, at: usize, incoming: &Incoming<'_>, means: Meaning) {
        let header = &incoming.packet.header;
        let payload = incoming.packet.payload().len();
        let bytes = (incoming.datagram.len() - payload, payload);
        let source = self.sources.get_mut(at);
        source.statistics.set_clock_rate(means.clock_rate);
        let (arrival, number) = (incoming.arrival, incoming.sequence_number);
        source
            .statistics
            .count(arrival, number, header.timestamp, bytes);
        source.statistics.count_mark(incoming.ecn);

        let purpose = source.route.purpose;
        if purpose == Purpose::Media {
            let plain = means.used_for == Use::Media;
            source.payload_type = plain.then_some(means.payload_type).or(source.payload_type);
            source.audio_level = incoming.extensions.audio_level().or(source.audio_level);
        } else if let Some(media) = self.sources.repaired_by(at) {
            let media = self.sources.get_mut(media);
            media.count_repair(header.ssrc, purpose, bytes);
        }
    }

    /// RFC 4588 §4: the original sequence number stands before the original payload.
    fn handle_retransmission(
        &mut self,
        now: Instant,
        place: Place,
        piece: Piece<'_>,
        told: &mut Told<'_>,
    ) {
        let Some((original, payload)) = rtx::split(piece.payload) else {
            told.counters.malformed += 1;
            return;
        };
        let Some(media) = self.sources.repaired_by(place.source) else {
            return;
        };
        let source = self.sources.get_mut(media);
        let near = source.statistics.highest().unwrap_or_default();
        let place = Place {
            source: media,
            ..place
        };
        // Browsers repeat packets unasked as probes; they are no sign of a loss.
        let original = Piece {
            sequence_number: original.extend(near),
            payload,
            repaired: true,
            ..piece
        };
        self.handle_media(now, place, original, told);
    }

    /// A packet of a stream of media, as it came or as it was repaired.
    fn handle_media(&mut self, now: Instant, place: Place, piece: Piece<'_>, told: &mut Told<'_>) {
        let means = self.claims[place.owner]
            .payload_types
            .get(piece.payload_type);
        let is_red = means.is_some_and(|it| it.used_for == Use::Red);
        if !is_red || piece.payload.is_empty() {
            return self.take(now, place, piece, told);
        }

        let Some(red) = Red::parse(piece.payload) else {
            told.counters.malformed += 1;
            return;
        };
        let primary = Piece {
            payload_type: red.primary().payload_type,
            payload: red.primary().data,
            ..piece
        };

        // RFC 2198 §4 leaves open which packets older blocks are from. All senders put those of the
        // last packets in, without a gap.
        let depth = red.redundant().len() as u64;
        for (block, distance) in red.redundant().iter().zip((1..=depth).rev()) {
            let number = piece.sequence_number.checked_sub(distance);
            let Some(sequence_number) = number.filter(|_| !block.data.is_empty()) else {
                continue;
            };
            if !self.sources.get_mut(place.source).lacks(sequence_number) {
                continue;
            }
            let older = Piece {
                sequence_number,
                payload_type: block.payload_type,
                timestamp: piece.timestamp.wrapping_sub(block.timestamp_offset.into()),
                marker: false,
                packet: None,
                payload: block.data,
                repaired: true,
                ..piece
            };
            self.take(now, place, older, told);
        }
        self.take(now, place, primary, told);
    }

    /// One payload of a stream, behind RED.
    fn take(&mut self, now: Instant, place: Place, piece: Piece<'_>, told: &mut Told<'_>) {
        let means = self.claims[place.owner]
            .payload_types
            .get(piece.payload_type);
        let source = self.sources.get_mut(place.source);
        if let Some(means) = means.filter(|it| it.used_for == Use::Media) {
            source.asks = means.nack;
        }
        let arrival = source.arrived(now, piece.sequence_number);
        self.feedback_due = Instant::earliest([self.feedback_due, source.missing.poll_timeout()]);
        match means.map(|it| it.used_for) {
            // Padding alone takes a number and is no packet of the application's.
            _ if piece.payload.is_empty() => {
                source.assembly_padding(piece.sequence_number);
                self.assemble(now, place, told);
            }
            Some(Use::Media) => match arrival {
                Arrival::Late => source.discarded += 1,
                Arrival::Duplicate => {}
                Arrival::New | Arrival::Missed => {
                    source.payload_type = Some(piece.payload_type);
                    self.deliver(now, place, piece, told);
                }
            },
            Some(Use::UlpFec) => {
                source.assembly_padding(piece.sequence_number);
                self.assemble(now, place, told);
                if !piece.repaired {
                    self.handle_parity(place, (Kind::Ulp, piece), told);
                }
            }
            Some(_) => {}
            None => told.counters.unknown_payload_type += 1,
        }
    }

    fn handle_flexfec(
        &mut self,
        now: Instant,
        place: Place,
        piece: Piece<'_>,
        told: &mut Told<'_>,
    ) {
        let Some(fec) = FlexFec::parse(piece.payload) else {
            told.counters.malformed += 1;
            return;
        };
        let owner = self.claims[place.owner].id;
        let protected = self.sources.index_of(fec.ssrc()).filter(|&at| {
            let route = self.sources.get_mut(at).route;
            (route.receiver, route.purpose) == (owner, Purpose::Media)
        });
        let Some(source) = protected else { return };
        let place = Place {
            source,
            encoding: self.sources.get_mut(source).route.encoding,
            ..place
        };
        self.handle_parity(place, (Kind::Flex, piece), told);
        self.recover(now, place, piece.received, told);
    }

    fn handle_parity(
        &mut self,
        place: Place,
        (kind, piece): (Kind, Piece<'_>),
        told: &mut Told<'_>,
    ) {
        let ssrc = self.sources.ssrc_at(place.source);
        let source = self.sources.get_mut(place.source);
        let new = || Box::new(Recovery::new(ssrc));
        let recovery = source.recovery.get_or_insert_with(new);
        if !recovery.add(kind, piece.payload) {
            told.counters.malformed += 1;
        }
    }

    /// For parity, where there is any.
    fn keep(&mut self, place: Place, sequence_number: u64, datagram: &[u8]) {
        let red = self.claims[place.owner].payload_types.red();
        let source = self.sources.get_mut(place.source);
        if let Some(recovery) = &mut source.recovery {
            recovery.keep(sequence_number, datagram, red);
        }
    }

    /// Packets that parity gives. The other end's congestion control is not told of them: they did
    /// not come.
    fn recover(&mut self, now: Instant, place: Place, received: Instant, told: &mut Told<'_>) {
        loop {
            let source = self.sources.get_mut(place.source);
            let next = source.recovery.as_mut().and_then(|it| it.next());
            let Some((sequence_number, datagram)) = next else {
                return;
            };
            let Ok(packet) = Packet::parse(&datagram) else {
                continue;
            };
            self.keep(place, sequence_number, &datagram);
            let recovered = Incoming {
                arrival: received,
                ecn: Ecn::NotEct,
                sequence_number,
                packet,
                extensions: packet.extensions(&self.extensions),
                datagram: &datagram,
            };
            let payload_type = packet.header.payload_type;
            let recovered = Piece {
                repaired: true,
                ..Piece::new(&recovered, payload_type, packet.payload())
            };
            self.handle_media(now, place, recovered, told);
        }
    }

    fn deliver(&mut self, now: Instant, place: Place, piece: Piece<'_>, told: &mut Told<'_>) {
        let receiver = &self.receivers[place.owner];
        let rid = receiver.plan.rids.get(place.encoding).cloned();
        if receiver.outlet == Outlet::None {
            return self.unmute(place.owner, told);
        }
        let mut copied = |bytes: Option<&[u8]>| {
            bytes.map_or(Bytes::new(), |bytes| {
                crate::slab::copy(&mut self.slab, bytes)
            })
        };
        let packet = RtpPacket {
            ssrc: self.sources.ssrc_at(place.source),
            encoding: place.encoding,
            rid,
            payload_type: piece.payload_type,
            sequence_number: piece.sequence_number,
            timestamp: piece.timestamp,
            marker: piece.marker,
            audio_level: piece.packet.and_then(|it| it.extensions.audio_level()),
            contributing_sources: piece
                .packet
                .map_or(Vec::new(), |it| it.contributors().collect()),
            capture_time: piece.packet.and_then(|it| it.extensions.capture_time()),
            dependency_descriptor: copied(piece.packet.and_then(Incoming::dependency_descriptor)),
            layers_allocation: piece
                .packet
                .and_then(Incoming::layers_allocation)
                .map_or_else(Box::default, Box::from),
            corruption_detection: piece
                .packet
                .and_then(Incoming::corruption_detection)
                .map(Box::new),
            payload: copied(Some(piece.payload)),
            received: piece.received,
            repaired: piece.repaired,
        };
        self.hand_out(now, place, packet, told);
    }

    fn hand_out(&mut self, now: Instant, place: Place, packet: RtpPacket, told: &mut Told<'_>) {
        self.unmute(place.owner, told);
        let receiver = &self.receivers[place.owner];
        match (receiver.outlet.has_packets(), receiver.outlet.has_frames()) {
            (packets, false) => {
                if packets {
                    told.give(MediaItem::Packet(receiver.id, packet));
                }
                return;
            }
            (true, true) => told.give(MediaItem::Packet(receiver.id, packet.clone())),
            (false, true) => {}
        }
        let means = self.claims[place.owner]
            .payload_types
            .get(packet.payload_type);
        let clock_rate = means.map_or(0, |it| it.clock_rate);
        if receiver.plan.kind == MediaKind::Audio {
            let mut frame = audio_frame(packet);
            let source = self.sources.get_mut(place.source);
            source.date(&mut frame, clock_rate, self.round_trip);
            return told.give(MediaItem::Frame(receiver.id, frame));
        }

        let format = means.map_or(PayloadFormat::Opaque, |it| it.format);
        let source = self.sources.get_mut(place.source);
        let assembly = source.assembly(format);
        assembly.set_described(&receiver.plan.sent_formats);
        assembly.insert(packet);
        self.assemble(now, place, told);
    }

    /// In which form the application takes what a receiver gets.
    pub(crate) fn set_outlet(&mut self, id: TransceiverId, outlet: Outlet) {
        let Some(receiver) = self.receiver_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut receiver.outlet, outlet);
        if !before.has_frames() || outlet.has_frames() {
            return;
        }
        for at in 0..self.sources.len() {
            let source = self.sources.get_mut(at);
            if source.route.receiver == id
                && let Some(assembly) = source.assembly.as_deref_mut()
            {
                assembly.pause();
            }
        }
    }

    fn assemble(&mut self, now: Instant, place: Place, told: &mut Told<'_>) {
        let receiver = &mut self.receivers[place.owner];
        let round_trip = self.round_trip;
        let source = self.sources.get_mut(place.source);
        let Some(mut assembly) = source.assembly.take() else {
            return;
        };
        let mut wants_key_frame = false;
        loop {
            match assembly.poll(now, round_trip) {
                Next::Frame(mut frame) => {
                    source.date(&mut frame, VIDEO_CLOCK, round_trip);
                    told.give(MediaItem::Frame(receiver.id, *frame));
                }
                // Some senders make a key frame only when they are asked for one, and frames may be
                // wanted of a stream that runs already.
                Next::Dropped => wants_key_frame = true,
                Next::KeyFrameNeeded { first } => {
                    wants_key_frame = true;
                    // Later on, what is missing is the key frame's, perhaps.
                    if first {
                        source.missing.forget();
                    }
                    break;
                }
                Next::Nothing => break,
            }
        }
        let assembly_due = assembly.poll_timeout(round_trip);
        source.assembly = Some(assembly);
        self.assembly_due = Instant::earliest([self.assembly_due, assembly_due]);
        if wants_key_frame {
            self.want_key_frame(place.owner, place.encoding);
        }
    }

    /// A picture of this receiver cannot be decoded.
    pub(crate) fn request_key_frame(&mut self, id: TransceiverId, encoding: usize) {
        if let Some(at) = self.receivers.iter().position(|receiver| receiver.id == id) {
            self.want_key_frame(at, encoding);
        }
    }

    fn want_key_frame(&mut self, owner: usize, encoding: usize) {
        let requests = &mut self.receivers[owner].key_frames;
        requests.want(encoding);
        let due = requests.poll_timeout(|_| true);
        self.feedback_due = Instant::earliest([self.feedback_due, due]);
    }

    /// Frames that waited long enough.
    pub(crate) fn handle_timeout(&mut self, now: Instant, told: &mut Told<'_>) {
        if self.assembly_due.is_none_or(|due| due > now) {
            return;
        }
        for at in 0..self.sources.len() {
            let source = self.sources.get_mut(at);
            let timeout = source.assembly.as_ref();
            let timeout = timeout.and_then(|it| it.poll_timeout(self.round_trip));
            let route = source.route;
            if timeout.is_none_or(|timeout| timeout > now) {
                continue;
            }
            let owner = self
                .claims
                .iter()
                .position(|claim| claim.id == route.receiver);
            if let Some(owner) = owner {
                let place = Place {
                    owner,
                    source: at,
                    encoding: route.encoding,
                };
                self.assemble(now, place, told);
            }
        }
        let sources = self.sources.iter();
        let assemblies = sources.filter_map(|(_, source)| source.assembly.as_ref());
        let timeouts = assemblies.filter_map(|it| it.poll_timeout(self.round_trip));
        self.assembly_due = timeouts.min();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.assembly_due
    }

    /// webrtc-pc §5.3: the receiver's track is muted until packets come.
    fn unmute(&mut self, owner: usize, told: &mut Told<'_>) {
        let receiver = &mut self.receivers[owner];
        if !std::mem::replace(&mut receiver.unmuted, true) {
            told.reports.push_back((receiver.id, MediaReport::Unmuted));
        }
    }
}

/// Where a packet goes.
#[derive(Clone, Copy)]
struct Place {
    owner: usize,
    source: usize,
    encoding: usize,
}

/// FIR is all that is agreed on to ask for a key frame by.
fn wants_fir(plan: &ReceivePlan) -> bool {
    let codecs = plan.parameters.codecs.iter();
    let mut feedback = codecs.flat_map(|codec| &codec.feedback);
    let has = |wanted: &RtcpFeedback| feedback.clone().any(|it| it == wanted);
    has(&RtcpFeedback::Fir) && !feedback.any(|it| *it == RtcpFeedback::Pli)
}

/// RFC 3551 §5 and all payload formats of video since.
const VIDEO_CLOCK: u32 = 90_000;

/// Audio waits for nothing: whoever plays it knows best what is late.
fn audio_frame(packet: RtpPacket) -> EncodedFrame {
    EncodedFrame {
        encoding: packet.encoding,
        rid: packet.rid,
        sequence_number: packet.sequence_number,
        key: true,
        audio_level: packet.audio_level,
        contributing_sources: packet.contributing_sources,
        capture_time: packet.capture_time,
        repaired: packet.repaired,
        ..EncodedFrame::new(
            packet.ssrc,
            packet.payload_type,
            packet.timestamp,
            packet.received,
            packet.payload,
        )
    }
}
