//! What is sent on one transport: the streams of its senders, and what is sent again.

mod formats;
mod history;
pub mod pacer;
mod packetize;
mod protection;
mod redundancy;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use duologue_base::{Instant, Rng, TransceiverId};
use duologue_rtp::ext::{AbsSendTime, ExtensionMap};
use duologue_rtp::{MediaKind, SendPlan, Ssrc};

use crate::counters::Counters;
use crate::frame::EncodedFrameInit;
use crate::limits::{LARGEST_PAYLOAD, SEND_QUEUE};
use crate::packet::{RtpPacketInit, SendEncoding};
use crate::report::MediaReport;

use formats::{Format, Formats};
use protection::Method;
pub(crate) use stream::Stream;
pub use stream::{RemoteReports, SendCounters};
use stream::{Sent, Setting, Stamp};

/// The sending half of one transport.
#[derive(Debug)]
pub(crate) struct Outbound {
    senders: BTreeMap<TransceiverId, Sender>,
    /// Those that have packets, or had when they were last polled, next first; none is there twice.
    waiting: VecDeque<TransceiverId>,
    /// The transport-wide number of the next packet.
    next_transport_sequence: u16,
    rng: Rng,
}

/// What one transceiver sends.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) id: TransceiverId,
    pub(crate) plan: Arc<SendPlan>,
    pub(crate) formats: Formats,
    extensions: Box<ExtensionMap>,
    pub(crate) streams: Vec<Stream>,
    queue: VecDeque<Queued>,
    /// It is among those that have packets.
    waits: bool,
    /// What the application says of the streams; those it says nothing of are sent.
    encodings: Vec<SendEncoding>,
}

/// A packet that waits.
#[derive(Debug)]
struct Queued {
    packet: RtpPacketInit,
    /// Bytes of what the application handed over and that has left with this packet: the packet's own
    /// payload, or the frame whose last packet it is.
    completes: Option<usize>,
}

/// A packet that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Written {
    pub(crate) transport_sequence: Option<u16>,
    pub(crate) len: usize,
}

impl Outbound {
    pub(crate) fn new(mut rng: Rng) -> Self {
        Outbound {
            senders: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_transport_sequence: rng.u32() as u16,
            rng,
        }
    }

    /// A description says, or says anew, what a sender may send. Streams that go on keep their
    /// numbers.
    pub(crate) fn set(&mut self, id: TransceiverId, plan: Arc<SendPlan>) {
        let mut before = self.senders.remove(&id);
        let renamed = before.as_ref().is_some_and(|it| it.plan.mid != plan.mid);
        let mut known = before
            .as_mut()
            .map_or(Vec::new(), |it| std::mem::take(&mut it.streams));
        let streams = plan.streams.iter().map(|wanted| {
            let Some(at) = known.iter().position(|stream| stream.is(wanted)) else {
                return Stream::new(wanted, &mut self.rng);
            };
            let mut stream = known.swap_remove(at);
            stream.rename(wanted);
            if renamed {
                stream.name_again();
            }
            stream
        });
        let streams = streams.collect();
        let agreed = plan.parameters.header_extensions.iter();
        let plain = agreed.filter(|extension| !extension.encrypted);
        let extensions = plain.map(|extension| (extension.id, extension.uri.as_str()));
        let (queue, waits, encodings) = match before {
            Some(before) => (before.queue, before.waits, before.encodings),
            None => (VecDeque::new(), false, Vec::new()),
        };
        let sender = Sender {
            id,
            formats: Formats::new(&plan.parameters.codecs),
            extensions: Box::new(ExtensionMap::of(extensions, false)),
            streams,
            queue,
            waits,
            encodings,
            plan,
        };
        self.senders.insert(id, sender);
    }

    /// The application says which of the streams are sent.
    pub(crate) fn set_encodings(&mut self, id: TransceiverId, encodings: Vec<SendEncoding>) {
        if let Some(sender) = self.senders.get_mut(&id) {
            sender.encodings = encodings;
        }
    }

    /// The sender sends nothing any more. Gives what it was, for when it goes on; what waits is old
    /// then, and is dropped.
    pub(crate) fn stop(&mut self, id: TransceiverId, told: &mut SentTold<'_>) -> Option<Sender> {
        let mut stopped = self.senders.remove(&id)?;
        stopped.waits = false;
        self.waiting.retain(|waiting| *waiting != id);
        for queued in std::mem::take(&mut stopped.queue) {
            told.counters.unsendable += 1;
            told.left(id, queued.completes);
        }
        Some(stopped)
    }

    /// A sender goes on, on this transport or another.
    pub(crate) fn resume(&mut self, sender: Sender) {
        self.senders.insert(sender.id, sender);
    }

    /// In the order of their ids.
    pub(crate) fn senders(&self) -> impl ExactSizeIterator<Item = &Sender> + Clone {
        self.senders.values()
    }

    /// Streams that something was sent of.
    pub(crate) fn begun(&self) -> impl Iterator<Item = (&Sender, &Stream)> {
        let streams = self.senders();
        let streams = streams.flat_map(|it| it.streams.iter().map(move |stream| (it, stream)));
        streams.filter(|(_, stream)| stream.last.is_some())
    }

    /// Packets of a stream were lost.
    pub(crate) fn missed(&mut self, ssrc: Ssrc, lost: impl Iterator<Item = u16>) {
        if let Some((id, _, stream)) = self.by_ssrc(ssrc) {
            stream.remote.nacks += 1;
            lost.for_each(|number| stream.missed(number));
            self.wait(id);
        }
    }

    /// A sender has packets.
    fn wait(&mut self, id: TransceiverId) {
        if let Some(sender) = self.senders.get_mut(&id)
            && !std::mem::replace(&mut sender.waits, true)
        {
            self.waiting.push_back(id);
        }
    }

    /// The sender and the stream that an SSRC belongs to.
    pub(crate) fn by_ssrc(&mut self, ssrc: Ssrc) -> Option<(TransceiverId, usize, &mut Stream)> {
        self.senders.iter_mut().find_map(|(id, sender)| {
            let mut streams = sender.streams.iter_mut().enumerate();
            let (at, stream) = streams.find(|(_, stream)| stream.has(ssrc))?;
            Some((*id, at, stream))
        })
    }

    /// Packets of the application.
    pub(crate) fn queue(
        &mut self,
        id: TransceiverId,
        packets: Vec<RtpPacketInit>,
        told: &mut SentTold<'_>,
    ) {
        let Some(sender) = self.senders.get_mut(&id) else {
            for packet in packets {
                told.counters.unsendable += 1;
                told.left(id, Some(packet.payload.len()));
            }
            return;
        };
        let queued = packets.into_iter().map(|packet| Queued {
            completes: Some(packet.payload.len()),
            packet,
        });
        sender.queue.extend(queued);
        sender.drop_excess(told);
        self.wait(id);
    }

    /// Frames of the application.
    pub(crate) fn queue_frames(
        &mut self,
        id: TransceiverId,
        frames: Vec<EncodedFrameInit>,
        told: &mut SentTold<'_>,
    ) {
        let mut sender = self.senders.get_mut(&id);
        for frame in &frames {
            let queued = sender.as_mut().and_then(|sender| sender.packetize(frame));
            if queued.is_none() {
                told.counters.unsendable += 1;
                told.left(id, Some(frame.data.len()));
            }
        }
        if let Some(sender) = sender {
            sender.drop_excess(told);
        }
        self.wait(id);
    }

    /// Packets wait, or did when the last one was polled.
    pub(crate) fn wants_to_send(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes the next packet behind `out`, if it is not longer than `room`.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        round_trip: Duration,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Option<Written> {
        let stamp = Stamp {
            transport_sequence: self.next_transport_sequence,
            send_time: AbsSendTime::from_instant(now),
        };
        while let Some(id) = self.waiting.pop_front() {
            let Some(sender) = self.senders.get_mut(&id) else {
                continue;
            };
            match sender.poll(now, (stamp, round_trip), room, out, told) {
                Polled::Written(written) => {
                    self.waiting.push_back(id);
                    let numbered = u16::from(written.transport_sequence.is_some());
                    self.next_transport_sequence = stamp.transport_sequence.wrapping_add(numbered);
                    return Some(written);
                }
                Polled::TooLong => {
                    self.waiting.push_front(id);
                    return None;
                }
                Polled::Nothing => sender.waits = false,
            }
        }
        None
    }
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
    /// Which parity it is to have.
    protected: Option<Method>,
    /// It may have to be sent again.
    keep: bool,
}

enum Polled {
    Written(Written),
    /// The next one does not fit.
    TooLong,
    Nothing,
}

impl Sender {
    /// Queues the packets of a frame, if there are any.
    fn packetize(&mut self, frame: &EncodedFrameInit) -> Option<()> {
        let format = self.formats.choose(frame.payload_type)?.format;
        let stream = self.streams.get_mut(frame.encoding)?;
        let before = self.queue.len();
        let split = stream.packetizer.split(format, frame, |packet| {
            self.queue.push_back(Queued {
                packet,
                completes: None,
            });
        });
        split.ok()?;

        let last = self.queue.range_mut(before..).next_back()?;
        last.completes = Some(frame.data.len());
        Some(())
    }

    fn drop_excess(&mut self, told: &mut SentTold<'_>) {
        let excess = self.queue.len().saturating_sub(SEND_QUEUE);
        for queued in self.queue.drain(..excess) {
            told.counters.send_overflows += 1;
            told.left(self.id, queued.completes);
        }
    }

    fn poll(
        &mut self,
        now: Instant,
        (stamp, round_trip): (Stamp, Duration),
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        for at in 0..self.streams.len() {
            match self.poll_resend(at, now, (stamp, round_trip), room, out) {
                Polled::Nothing => {}
                polled => return polled,
            }
            match self.poll_parity(at, now, stamp, room, out) {
                Polled::Nothing => {}
                polled => return polled,
            }
        }
        while let Some(Queued { packet, .. }) = self.queue.front() {
            let format = self.formats.choose(packet.payload_type);
            let stream = self.streams.get(packet.encoding);
            let encoding = self.encodings.get(packet.encoding);
            let active = encoding.is_none_or(|encoding| encoding.active);
            let (Some(format), Some(stream), true) = (
                format,
                stream,
                active && packet.payload.len() <= LARGEST_PAYLOAD,
            ) else {
                let queued = self.queue.pop_front();
                told.counters.unsendable += 1;
                told.left(self.id, queued.and_then(|queued| queued.completes));
                continue;
            };
            let mut sent = Sent {
                sequence_number: stream.sequence_number(packet.sequence_number),
                payload_type: format.payload_type,
                timestamp: packet.timestamp,
                marker: packet.marker,
                audio_level: packet.audio_level,
                payload: packet.payload.clone(),
                resent: None,
            };
            let protected = self.protect((packet, format), stream, round_trip, &mut sent);
            // RED has a stream of repetitions of its own, or none.
            let keep = format.nack && self.formats.rtx_of(sent.payload_type).is_some();
            let encoding = packet.encoding;
            let ready = Ready {
                packet: sent,
                protected,
                keep,
            };
            return self.write(now, encoding, (ready, stamp), room, out, told);
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
        now: Instant,
        encoding: usize,
        (ready, stamp): (Ready, Stamp),
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        let Ready {
            packet,
            protected,
            keep,
        } = ready;
        let begin = out.len();
        let stream = &self.streams[encoding];
        stream.write(&packet, stamp, &self.setting(), out);
        let len = out.len() - begin;
        if len > room {
            out.truncate(begin);
            return Polled::TooLong;
        }
        let numbered = self.numbered().then_some(stamp.transport_sequence);
        let Some(queued) = self.queue.pop_front() else {
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
        stream.sent(now, packet, len, keep);
        Polled::Written(Written {
            transport_sequence: numbered,
            len,
        })
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
                stream.sent(now, sent, len, keep);
            }
            None => stream.parity_sent(),
        }
        Polled::Written(Written {
            transport_sequence: self.numbered().then_some(stamp.transport_sequence),
            len,
        })
    }

    fn poll_resend(
        &mut self,
        at: usize,
        now: Instant,
        (stamp, round_trip): (Stamp, Duration),
        room: usize,
        out: &mut Vec<u8>,
    ) -> Polled {
        while let Some(next) = self.streams[at].next_resend() {
            let stream = &self.streams[at];
            let begin = out.len();
            let packet = stream.to_resend(now, round_trip, next);
            let packet = packet.filter(|it| stream.write_again(it, stamp, &self.setting(), out));
            let stream = &mut self.streams[at];
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
            return Polled::Written(Written {
                transport_sequence: self.numbered().then_some(stamp.transport_sequence),
                len,
            });
        }
        Polled::Nothing
    }

    /// Packets have transport-wide numbers.
    fn numbered(&self) -> bool {
        let kind = duologue_rtp::ext::ExtensionKind::TransportSequence;
        self.extensions.id(kind).is_some()
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            mid: self.plan.mid.as_str(),
            extensions: &self.extensions,
            formats: &self.formats,
        }
    }
}

impl SentTold<'_> {
    /// A packet left the queue, and with it perhaps what the application handed over; those of one
    /// batch are told together.
    fn left(&mut self, id: TransceiverId, completed: Option<usize>) {
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
