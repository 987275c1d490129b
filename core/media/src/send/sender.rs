//! What one transceiver sends: packets that wait, are sent again, protect others or probe the path.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Dscp, Instant, TransceiverId};
use duologue_rtp::ext::{
    AbsSendTime, AllocatedLayer, ExtensionKind, ExtensionMap, LayersAllocation,
};
use duologue_rtp::{MediaKind, RtcpFeedback, SendPlan, Ssrc, rtx};

use super::Kept;
use super::bandwidth::{BandwidthFeedback, Lane, Waits};
use super::dtmf::Player;
use super::formats::{Format, Formats};
use super::history::Sent;
use super::offered::Offered;
use super::protection::Method;
use super::repeats::Repeatable;
use super::stream::{Resend, Sampled, Setting, Stamp, Stream};
use super::tracking::{Tracking, Written};
use crate::cc::Share;
use crate::counters::Counters;
use crate::frame::EncodedFrameInit;
use crate::limits::{LARGEST_PAYLOAD, REPORTS, SEND_QUEUE};
use crate::packet::{RtpPacketInit, SendEncoding};
use crate::report::MediaReport;

/// What one transceiver sends.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) id: TransceiverId,
    pub(crate) plan: Arc<SendPlan>,
    pub(crate) formats: Formats,
    pub(super) extensions: Box<ExtensionMap>,
    /// The other end tells of its packets by stream (RFC 8888).
    pub(super) by_stream: bool,
    pub(crate) streams: Vec<Stream>,
    pub(super) queue: VecDeque<Queued>,
    /// Bytes of the payloads in it.
    pub(super) queued_bytes: usize,
    /// It is among those that have packets, in each lane.
    pub(super) waits: Waits,
    /// Bytes that it may still send before others have their turn; below zero by what it took too much.
    pub(super) turn: i64,
    /// What the application says of the streams; those it says nothing of are sent.
    pub(super) encodings: Vec<SendEncoding>,
    pub(super) offered: Offered,
    /// What each encoding may be made with, as the owner was told: none before it was.
    pub(crate) targets: Vec<u64>,
    /// The targets are others than the other end was told of last, where that is agreed on.
    pub(super) untold: bool,
    pub(super) player: Player,
}

/// A packet that waits.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) packet: RtpPacketInit,
    /// Bytes of what the application handed over and that has left with this packet: the packet's own
    /// payload, or the frame whose last packet it is.
    pub(super) completes: Option<usize>,
    /// Which layers are sent, if it is to tell.
    pub(super) allocation: Option<Arc<[u8]>>,
    /// When it was handed over.
    pub(super) since: Instant,
    /// When what is in it was captured, as far as the application says that.
    captured: Option<Instant>,
}

/// Bytes of a turn: a train of four.
pub(super) const TURN: i64 = 4_800;

/// A target is told of when it changes by one of so many parts.
const TOLD_PART: u64 = 20;

/// When a packet is sent.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) round_trip: Duration,
    pub(super) stamp: Stamp,
    pub(super) repeatable: Repeatable,
}

/// What sending may add to.
pub(crate) struct SentTold<'a> {
    pub(crate) reports: &'a mut VecDeque<(TransceiverId, MediaReport)>,
    pub(crate) counters: &'a mut Counters,
}

/// Of 256 packets: audio that loses more than a tenth goes with two later packets instead of one.
const OFTEN_LOST: u8 = 26;

/// A packet that is about to be written.
struct Ready {
    packet: Sent,
    clock_rate: u32,
    /// Which parity it is to have.
    protected: Option<Method>,
    /// It may have to be sent again.
    keep: Keep,
}

/// How a packet is kept that may have to be sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Keep {
    No,
    /// As what it is made of: it goes again in the stream of repetitions.
    Contents,
    /// As it is on the wire: no such stream is agreed on.
    Sealed,
}

pub(super) enum Polled {
    Written(Written),
    /// The next one does not fit.
    TooLong,
    Nothing,
}

impl Queued {
    fn len(&self) -> usize {
        self.packet.payload.len()
    }
}

impl Sender {
    /// Without streams.
    pub(super) fn new(id: TransceiverId, plan: Arc<SendPlan>) -> Self {
        Sender {
            id,
            formats: Formats::new(&[]),
            extensions: Box::default(),
            by_stream: false,
            streams: Vec::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            waits: Waits::default(),
            turn: TURN,
            encodings: Vec::new(),
            offered: Offered::default(),
            targets: Vec::new(),
            untold: false,
            player: Player::default(),
            plan,
        }
    }

    /// What the application says of a stream.
    pub(super) fn encoding(&self, at: usize) -> SendEncoding {
        self.encodings.get(at).copied().unwrap_or_default()
    }

    /// The share of its transport's rate. Whether the owner is to be told what encoders may make of it.
    pub(super) fn set_share(&mut self, share: &Share) -> bool {
        let mut layers = share.layers.iter();
        let streams = self.streams.iter().enumerate();
        let targets = streams.map(|(at, stream)| {
            let encoding = self.encoding(at);
            if !encoding.active {
                return 0;
            }
            let rate = layers.next().copied().unwrap_or(share.rate);
            let target = (rate * stream.payload_share()).bps();
            let max = encoding.max_bitrate.map_or(u64::MAX, u64::from);
            target.min(max)
        });
        let targets: Vec<u64> = targets.collect();
        let near = |(new, old): (&u64, &u64)| new.abs_diff(*old) <= old / TOLD_PART;
        let same =
            targets.len() == self.targets.len() && targets.iter().zip(&self.targets).all(near);
        if !same {
            self.targets = targets;
            self.untold = true;
        }
        !same
    }

    /// What is told of the layers with a frame of this encoding (`video-layers-allocation00`): as Chromium
    /// does, with each key frame and when targets change. Without the sizes of pictures, beside which the
    /// header of a packet of full length might have no room; and nothing of spatial layers, between which
    /// encoders divide their targets.
    fn tell_layers(&mut self, encoding: usize, key: bool) -> Option<Arc<[u8]>> {
        self.extensions.id(ExtensionKind::VideoLayersAllocation)?;
        let divided = self
            .streams
            .iter()
            .any(|it| it.packetizer.has_spatial_layers());
        if !key && !self.untold || self.targets.is_empty() || divided {
            return None;
        }
        self.untold = false;
        let sent = self.targets.iter().zip(0..).filter(|(bps, _)| **bps > 0);
        let layers = sent.filter_map(|(bps, stream)| {
            let kbps = u32::try_from(bps / 1_000).unwrap_or(u32::MAX);
            AllocatedLayer::new(stream, 0, &[kbps], None)
        });
        let allocation = LayersAllocation {
            stream: u8::try_from(encoding).ok()?,
            streams: u8::try_from(self.targets.len()).ok()?,
            layers: layers.collect(),
        };
        let mut bytes = Vec::new();
        allocation.write(&mut bytes).then(|| bytes.into())
    }

    /// What tells its transport how fast the path is.
    pub(super) fn feedback(&self) -> BandwidthFeedback {
        BandwidthFeedback::of(&self.plan.parameters.codecs, self.numbered())
    }

    pub(super) fn agrees_on(&self, feedback: &RtcpFeedback) -> bool {
        let mut codecs = self.plan.parameters.codecs.iter();
        codecs.any(|codec| codec.feedback.contains(feedback))
    }

    /// Queues a packet of the application.
    pub(super) fn push(&mut self, now: Instant, packet: RtpPacketInit) {
        let queued = Queued {
            completes: Some(packet.payload.len()),
            // Which layers its packets are of knows the application.
            allocation: None,
            packet,
            since: now,
            captured: None,
        };
        self.offered.count(queued.len());
        self.queued_bytes += queued.len();
        self.queue.push_back(queued);
    }

    fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.queued_bytes -= queued.len();
        Some(queued)
    }

    /// Queues the packets of a frame, if there are any and the other end can make use of them.
    pub(super) fn packetize(
        &mut self,
        now: Instant,
        frame: &EncodedFrameInit,
        told: &mut SentTold<'_>,
    ) -> Option<()> {
        let format = self.formats.choose(frame.payload_type)?.format;
        let active = self.encoding(frame.encoding).active;
        let stream = self.streams.get_mut(frame.encoding)?;
        if !active {
            stream.packetizer.dropped();
            return None;
        }
        if stream.packetizer.lacks_reference(format, &frame.data) {
            if stream.remote.wants_key_frame(now) {
                told.key_frame_wanted(self.id, frame.encoding);
            }
            return None;
        }
        let descriptors = self.extensions.id(ExtensionKind::DependencyDescriptor);
        let before = self.queue.len();
        let (queue, queued_bytes) = (&mut self.queue, &mut self.queued_bytes);
        let offered = &mut self.offered;
        let split = stream
            .packetizer
            .split(format, frame, descriptors.is_some(), |packet| {
                let queued = Queued {
                    packet,
                    completes: None,
                    allocation: None,
                    since: now,
                    captured: frame.captured,
                };
                offered.count(queued.len());
                *queued_bytes += queued.len();
                queue.push_back(queued);
            });
        let key = split.ok()?.key;

        let allocation = self.tell_layers(frame.encoding, key);
        self.queue.get_mut(before)?.allocation = allocation;
        self.queue.back_mut()?.completes = Some(frame.data.len());
        Some(())
    }

    /// What waited of a stream did not leave.
    fn dropped(&mut self, encoding: usize) {
        if let Some(stream) = self.streams.get_mut(encoding) {
            stream.packetizer.dropped();
        }
    }

    /// It goes on, perhaps with other keys, after a time in which what the application made was dropped
    /// elsewhere.
    pub(super) fn resume(&mut self) {
        for stream in &mut self.streams {
            stream.packetizer.dropped();
            stream.sealed.clear();
            stream.resume();
        }
    }

    /// One of its packets left as capable of L4S.
    pub(super) fn count_marked(&mut self, ssrc: Ssrc) {
        let mut streams = self.streams.iter_mut();
        if let Some(stream) = streams.find(|stream| stream.has(ssrc)) {
            stream.sent_with_ect1 += 1;
        }
    }

    pub(super) fn drop_excess(&mut self, told: &mut SentTold<'_>) {
        while self.queue.len() > SEND_QUEUE
            && let Some(queued) = self.pop()
        {
            told.counters.send_overflows += 1;
            told.left(self.id, queued.completes);
            self.dropped(queued.packet.encoding);
        }
    }

    pub(super) fn poll(
        &mut self,
        lane: Lane,
        at: Moment,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        for stream in 0..self.streams.len() {
            if lane != Lane::Video {
                match self.poll_resend(stream, at, room, out) {
                    Polled::Nothing => {}
                    polled => return polled,
                }
            }
            if lane != Lane::Again {
                match self.poll_parity(stream, at.now, at.stamp, room, out) {
                    Polled::Nothing => {}
                    polled => return polled,
                }
            }
        }
        match lane {
            Lane::Again => Polled::Nothing,
            Lane::Audio | Lane::Video => self.poll_queue(at, room, out, told),
        }
    }

    fn poll_queue(
        &mut self,
        at: Moment,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        match self.poll_tone(at.now, at.stamp, room, out) {
            Polled::Nothing => {}
            polled => return polled,
        }
        while let Some(Queued {
            packet, allocation, ..
        }) = self.queue.front()
        {
            let format = self.formats.choose(packet.payload_type);
            let stream = self.streams.get(packet.encoding);
            let active = self.encoding(packet.encoding).active;
            let sendable = active && packet.payload.len() <= LARGEST_PAYLOAD;
            // RFC 4733 §2.5.1.1: what is sent of one moment is the event or the audio.
            let sendable = sendable && !self.player.plays(at.now);
            let (Some(format), Some(stream), true) = (format, stream, sendable) else {
                let encoding = packet.encoding;
                let queued = self.pop();
                self.dropped(encoding);
                told.counters.unsendable += 1;
                told.left(self.id, queued.and_then(|queued| queued.completes));
                continue;
            };
            let stamp = (packet.timestamp, format.clock_rate);
            let contributors = &packet.contributing_sources;
            let capture_time = packet
                .capture_time
                .filter(|time| stream.has_news(contributors, stamp, *time, at.now));
            let mut sent = Sent {
                sequence_number: stream.sequence_number(packet.sequence_number),
                payload_type: format.payload_type,
                timestamp: packet.timestamp,
                marker: packet.marker,
                audio_level: packet.audio_level,
                contributing_sources: contributors.clone(),
                capture_time,
                dependency_descriptor: packet.dependency_descriptor.clone(),
                layers_allocation: allocation.clone(),
                corruption_detection: packet.corruption_detection,
                payload: packet.payload.clone(),
                resent: None,
            };
            let protected = self.protect((packet, format), stream, at.round_trip, &mut sent);
            // RED has a stream of repetitions of its own, or none.
            let repeated = self.formats.rtx_of(sent.payload_type).is_some();
            let keep = match (format.nack, repeated && stream.rtx().is_some()) {
                (false, _) => Keep::No,
                (true, true) => Keep::Contents,
                (true, false) => Keep::Sealed,
            };
            let encoding = packet.encoding;
            let ready = Ready {
                packet: sent,
                clock_rate: format.clock_rate,
                protected,
                keep,
            };
            return self.write(at, encoding, ready, room, out, told);
        }
        Polled::Nothing
    }

    /// Puts a packet into RED where that is preferred or parity needs it. Says which parity it is to
    /// have.
    fn protect(
        &self,
        (packet, format): (&RtpPacketInit, Format),
        stream: &Stream,
        round_trip: Duration,
        sent: &mut Sent,
    ) -> Option<Method> {
        if self.plan.kind == MediaKind::Audio {
            // The application leaves the choice.
            let chosen = packet.payload_type.is_some();
            let red = self.formats.redundant_audio.filter(|_| !chosen)?;
            let lost = stream.remote.block.map_or(0, |block| block.fraction_lost);
            let distance = if lost > OFTEN_LOST { 2 } else { 1 };
            let place = (sent.sequence_number, sent.timestamp);
            let payload = &packet.payload;
            sent.payload = stream
                .redundancy
                .wrap(place, sent.payload_type, payload, distance);
            sent.payload_type = red;
            return None;
        }
        if !stream.protection.is_due(round_trip) {
            return None;
        }
        let method = self.parity(packet, stream, format)?;
        if let Method::Ulp { red, .. } = method {
            let payload = [&[sent.payload_type.get()], &packet.payload[..]].concat();
            sent.payload = payload.into();
            sent.payload_type = red;
        }
        Some(method)
    }

    fn parity(&self, packet: &RtpPacketInit, stream: &Stream, format: Format) -> Option<Method> {
        if !format.is_media {
            return None;
        }
        if let (Some(payload_type), Some(ssrc)) = (self.formats.flex, stream.fec) {
            return Some(Method::Flex { payload_type, ssrc });
        }
        // Parity takes numbers of the stream: none where the application gives them.
        let (red, ulp) = self
            .formats
            .ulp
            .filter(|_| packet.sequence_number.is_none())?;
        Some(Method::Ulp { red, ulp })
    }

    fn write(
        &mut self,
        at: Moment,
        encoding: usize,
        ready: Ready,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        let Ready {
            packet,
            clock_rate,
            protected,
            keep,
        } = ready;
        let begin = out.len();
        let stream = &self.streams[encoding];
        stream.write(&packet, at.stamp, &self.setting(), out);
        let len = out.len() - begin;
        if len > room {
            out.truncate(begin);
            return Polled::TooLong;
        }
        let Some(queued) = self.pop() else {
            return Polled::Nothing;
        };
        told.left(self.id, queued.completes);

        let stream = &mut self.streams[encoding];
        let protection = &mut stream.protection;
        match protected {
            Some(method) => {
                protection.timestamp = packet.timestamp;
                protection.sent(method, stream.ssrc, &out[begin..], packet.marker);
            }
            None => protection.skip(packet.marker),
        }
        if self.plan.kind == MediaKind::Audio {
            let redundancy = &mut stream.redundancy;
            redundancy.sent(
                packet.sequence_number,
                packet.timestamp,
                queued.packet.payload,
            );
        }
        stream.send_delay += at.now - queued.since;
        let kept = (keep == Keep::Sealed).then_some(Kept {
            sender: self.id,
            stream: encoding,
            number: packet.sequence_number as u16,
            payload: packet.payload.len(),
        });
        let sampled = Sampled {
            timestamp: packet.timestamp,
            clock_rate,
            at: queued.captured.unwrap_or(queued.since),
        };
        stream.sent(at.now, packet, Some(sampled), len, keep == Keep::Contents);
        Polled::Written(Written {
            kept,
            ..self.written(&out[begin..], at.stamp)
        })
    }

    pub(super) fn written(&self, packet: &[u8], stamp: Stamp) -> Written {
        let tracked = match stamp.tracking {
            Tracking::None => false,
            Tracking::Numbered(_) => self.numbered(),
            Tracking::ByStream => self.by_stream,
        };
        // RFC 3550 §5.1: where every header has them.
        let at = |place: usize| packet.get(place).copied().unwrap_or_default();
        let ssrc = [at(8), at(9), at(10), at(11)];
        let ssrc = Ssrc(u32::from_be_bytes(ssrc));
        Written {
            len: packet.len(),
            ssrc,
            dscp: self.dscp(ssrc),
            number: u16::from_be_bytes([at(2), at(3)]),
            tracked,
            sealed: false,
            kept: None,
        }
    }

    /// The mark of what a stream sends: its packets, their repetitions and their parity.
    fn dscp(&self, ssrc: Ssrc) -> Dscp {
        let mut encodings = self.encodings.iter();
        if encodings.all(|encoding| encoding.dscp == Dscp::DEFAULT) {
            return Dscp::DEFAULT;
        }
        let at = self.streams.iter().position(|stream| stream.has(ssrc));
        at.map(|at| self.encoding(at).dscp).unwrap_or_default()
    }

    /// The same bytes as before: the other end tells nothing new of them.
    fn written_again(&self, packet: &[u8]) -> Written {
        let stamp = Stamp {
            tracking: Tracking::None,
            send_time: AbsSendTime::default(),
        };
        Written {
            sealed: true,
            ..self.written(packet, stamp)
        }
    }

    /// Parity of packets that were sent.
    fn poll_parity(
        &mut self,
        at: usize,
        now: Instant,
        stamp: Stamp,
        room: usize,
        out: &mut Vec<u8>,
    ) -> Polled {
        let begin = out.len();
        let stream = &self.streams[at];
        let Some(payload) = stream.protection.next() else {
            return Polled::Nothing;
        };
        // An application that sends its own packets may have none of this kind any more.
        let any = RtpPacketInit::default();
        let format = self.formats.choose(None);
        let method = format.and_then(|format| self.parity(&any, stream, format));
        let mut in_stream = None;
        match method.filter(|_| payload.len() <= LARGEST_PAYLOAD) {
            Some(Method::Flex { payload_type, ssrc }) => {
                let to = (ssrc, payload_type);
                stream.write_parity(to, payload, stamp, &self.setting(), out);
            }
            Some(Method::Ulp { red, .. }) => {
                let sent = Sent {
                    sequence_number: stream.sequence_number(None),
                    payload_type: red,
                    timestamp: stream.protection.timestamp,
                    marker: false,
                    audio_level: None,
                    contributing_sources: Vec::new(),
                    capture_time: None,
                    dependency_descriptor: Bytes::new(),
                    layers_allocation: None,
                    corruption_detection: None,
                    payload: payload.to_vec().into(),
                    resent: None,
                };
                stream.write(&sent, stamp, &self.setting(), out);
                in_stream = Some(sent);
            }
            None => {
                self.streams[at].protection.take();
                return Polled::Nothing;
            }
        }

        let len = out.len() - begin;
        if len > room {
            out.truncate(begin);
            return Polled::TooLong;
        }
        let keep = in_stream
            .as_ref()
            .is_some_and(|sent| self.formats.rtx_of(sent.payload_type).is_some());
        let stream = &mut self.streams[at];
        match in_stream {
            Some(sent) => {
                stream.protection.take();
                stream.sent(now, sent, None, len, keep);
            }
            None => stream.parity_sent(),
        }
        Polled::Written(self.written(&out[begin..], stamp))
    }

    fn poll_resend(&mut self, stream: usize, at: Moment, room: usize, out: &mut Vec<u8>) -> Polled {
        let (now, which) = (at.now, stream);
        while let Some(next) = self.streams[which].next_resend() {
            let stream = &self.streams[which];
            let begin = out.len();
            let allowed = match at.repeatable {
                Repeatable::All => true,
                Repeatable::Once => matches!(next, Resend::Once(_)),
                // Who still misses it asks again.
                Repeatable::None => false,
            };
            if allowed
                && let Resend::Once(number) = next
                && let Some(sealed) = stream.sealed.again(now, at.round_trip, number)
            {
                if sealed.datagram.len() > room {
                    return Polled::TooLong;
                }
                out.extend_from_slice(&sealed.datagram);
                let payload = sealed.payload;
                let len = sealed.datagram.len();
                self.streams[which].resent_as_it_was(now, number, (len, payload));
                return Polled::Written(self.written_again(&out[begin..]));
            }
            let packet = stream.to_resend(now, at.round_trip, next);
            let packet = packet.filter(|_| allowed);
            let packet = packet.filter(|it| stream.write_again(it, at.stamp, &self.setting(), out));
            let stream = &mut self.streams[which];
            let Some(packet) = packet else {
                stream.resend_given_up();
                continue;
            };
            let len = out.len() - begin;
            if len > room {
                out.truncate(begin);
                return Polled::TooLong;
            }
            stream.resent(now, &packet, len);
            return Polled::Written(self.written(&out[begin..], at.stamp));
        }
        Polled::Nothing
    }

    /// The stream whose repetitions may be padding, if there is one: the first that is sent.
    pub(super) fn to_pad(&self) -> Option<usize> {
        if self.plan.kind != MediaKind::Video {
            return None;
        }
        let rtx = self.formats.choose(None)?.rtx;
        let mut streams = self.streams.iter().zip(0..);
        let found =
            streams.find(|(stream, at)| self.encoding(*at).active && stream.rtx().is_some());
        found.filter(|_| rtx.is_some()).map(|(_, at)| at)
    }

    /// Writes a packet of padding, about so long.
    pub(super) fn pad(
        &mut self,
        at: usize,
        bytes: usize,
        (stamp, room): (Stamp, usize),
        out: &mut Vec<u8>,
    ) -> Polled {
        let begin = out.len();
        let stream = &self.streams[at];
        let again = stream.history.lately(stream.padding.packets_sent);
        let again = again.filter(|packet| stream.write_again(packet, stamp, &self.setting(), out));
        let mut payload = again.map(|packet| packet.payload.len() + rtx::OVERHEAD);
        if payload.is_none() || out.len() - begin > room {
            out.truncate(begin);
            payload = Some(0);
            if !stream.write_padding(bytes.min(room), stamp, &self.setting(), out) {
                return Polled::Nothing;
            }
        }
        let len = out.len() - begin;
        if len > room {
            out.truncate(begin);
            return Polled::TooLong;
        }
        self.streams[at].padded(len, payload.unwrap_or_default());
        Polled::Written(self.written(&out[begin..], stamp))
    }

    /// Packets can have transport-wide numbers.
    pub(super) fn numbered(&self) -> bool {
        self.extensions
            .id(ExtensionKind::TransportSequence)
            .is_some()
    }

    pub(super) fn setting(&self) -> Setting<'_> {
        Setting {
            mid: self.plan.mid.as_str(),
            extensions: &self.extensions,
            formats: &self.formats,
        }
    }
}

impl SentTold<'_> {
    pub(super) fn key_frame_wanted(&mut self, id: TransceiverId, encoding: usize) {
        if self.reports.len() < REPORTS {
            let wanted = MediaReport::KeyFrameWanted { encoding };
            self.reports.push_back((id, wanted));
        }
    }

    /// A packet left the queue, and with it perhaps what the application handed over; those of one
    /// batch are told together.
    pub(super) fn left(&mut self, id: TransceiverId, completed: Option<usize>) {
        let Some(completed) = completed else {
            return;
        };
        if let Some((last, MediaReport::Sent { items, bytes })) = self.reports.back_mut()
            && *last == id
        {
            *items += 1;
            *bytes += completed;
            return;
        }
        let sent = MediaReport::Sent {
            items: 1,
            bytes: completed,
        };
        self.reports.push_back((id, sent));
    }
}
