//! What is sent on one transport: the streams of its senders, and what is sent again.

mod bandwidth;
mod data;
mod dtmf;
mod formats;
mod history;
pub mod pacer;
mod packetize;
mod protection;
mod redundancy;
mod share;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use duologue_base::{Instant, Rng, TransceiverId};
use duologue_rtp::ext::{AbsSendTime, ExtensionKind, ExtensionMap};
use duologue_rtp::rtcp::ReceiverEstimatedMaxBitrate;
use duologue_rtp::{MediaKind, RtcpFeedback, SendPlan, Ssrc, rtx};

use crate::cc::{Bitrate, Bounds, Share};
use crate::counters::Counters;
use crate::frame::EncodedFrameInit;
use crate::limits::{LARGEST_PAYLOAD, SEND_QUEUE};
use crate::packet::{RtpPacketInit, SendEncoding};
use crate::report::MediaReport;

pub(crate) use bandwidth::Bandwidth;
pub use bandwidth::BandwidthFeedback;
use bandwidth::{Lane, Turn, Waits};
use dtmf::Player;
pub use dtmf::Tone;
use formats::{Format, Formats};
use history::Sent;
use protection::Method;
use share::Offered;
pub(crate) use stream::Stream;
pub use stream::{RemoteReports, SendCounters};
use stream::{Setting, Stamp};

/// The sending half of one transport.
#[derive(Debug)]
pub(crate) struct Outbound {
    senders: BTreeMap<TransceiverId, Sender>,
    /// Of each lane those that have packets, or had when they were last polled, next first; none is
    /// there twice.
    waiting: [VecDeque<TransceiverId>; Lane::ALL.len()],
    /// More waits than when the estimator was told how much does.
    grown: bool,
    pub(crate) bandwidth: Bandwidth,
    bounds: Bounds,
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
    /// Bytes of the payloads in it.
    queued_bytes: usize,
    /// It is among those that have packets, in each lane.
    waits: Waits,
    /// Bytes that it may still send before others have their turn; below zero by what it took too much.
    turn: i64,
    /// What the application says of the streams; those it says nothing of are sent.
    encodings: Vec<SendEncoding>,
    offered: Offered,
    /// What each encoding may be made with, as the owner was told: none before it was.
    pub(crate) targets: Vec<u64>,
    player: Player,
}

/// A packet that waits.
#[derive(Debug)]
struct Queued {
    packet: RtpPacketInit,
    /// Bytes of what the application handed over and that has left with this packet: the packet's own
    /// payload, or the frame whose last packet it is.
    completes: Option<usize>,
    /// When it was handed over.
    since: Instant,
}

/// Bytes of a turn: a train of four.
const TURN: i64 = 4_800;

/// A target is told of when it changes by one of so many parts.
const TOLD_PART: u64 = 20;

impl Outbound {
    pub(crate) fn new(bounds: Bounds, rng: Rng) -> Self {
        Outbound {
            senders: BTreeMap::new(),
            waiting: Default::default(),
            grown: false,
            bandwidth: Bandwidth::default(),
            bounds,
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
        let before = before.unwrap_or_else(|| Sender::new(id, plan.clone()));
        let sender = Sender {
            formats: Formats::new(&plan.parameters.codecs),
            extensions: Box::new(ExtensionMap::of(extensions, false)),
            streams,
            plan,
            ..before
        };
        self.senders.insert(id, sender);
        self.update_bandwidth();
    }

    /// What tells how fast the path is may be something else than before. While nobody sends it is
    /// still known what was found out.
    fn update_bandwidth(&mut self) {
        let best = self.senders().map(Sender::feedback).max();
        if let Some(best) = best {
            self.bandwidth.set_feedback(best, self.bounds);
        }
        let may_pad = self.senders().any(|sender| sender.to_pad().is_some());
        if let Some(estimator) = self.bandwidth.estimator_mut() {
            estimator.set_may_pad(may_pad);
        }
    }

    /// The application says which of the streams are sent.
    pub(crate) fn set_encodings(&mut self, id: TransceiverId, encodings: Vec<SendEncoding>) {
        if let Some(sender) = self.senders.get_mut(&id) {
            sender.encodings = encodings;
        }
        self.update_bandwidth();
    }

    /// The sender sends nothing any more. Gives what it was, for when it goes on; what waits is old
    /// then, and is dropped.
    pub(crate) fn stop(&mut self, id: TransceiverId, told: &mut SentTold<'_>) -> Option<Sender> {
        let mut stopped = self.senders.remove(&id)?;
        stopped.waits = Waits::default();
        for lane in &mut self.waiting {
            lane.retain(|waiting| *waiting != id);
        }
        stopped.queued_bytes = 0;
        stopped.targets.clear();
        stopped.player = Player::default();
        for queued in std::mem::take(&mut stopped.queue) {
            told.counters.unsendable += 1;
            told.left(id, queued.completes);
        }
        self.update_bandwidth();
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
            self.wait(id, Lane::Again);
        }
    }

    /// The other end estimates how much of some of these streams it can receive.
    pub(crate) fn handle_remb(&mut self, now: Instant, estimate: &ReceiverEstimatedMaxBitrate<'_>) {
        let agreed = self.senders().any(|sender| sender.agrees_on_remb());
        let ours = estimate.ssrcs().any(|ssrc| self.by_ssrc(ssrc).is_some());
        if let Some(estimator) = self.bandwidth.estimator_mut()
            && agreed
            && ours
        {
            estimator.handle_remb(now, Bitrate::from_bps(estimate.bitrate));
        }
    }

    /// A sender has packets: those of audio are all in one lane.
    fn wait(&mut self, id: TransceiverId, lane: Lane) {
        let Some(sender) = self.senders.get_mut(&id) else {
            return;
        };
        let lane = match sender.plan.kind {
            MediaKind::Audio => Lane::Audio,
            MediaKind::Video => lane,
        };
        self.grown |= lane == Lane::Video;
        if !std::mem::replace(&mut sender.waits[lane as usize], true) {
            self.waiting[lane as usize].push_back(id);
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
        now: Instant,
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
            since: now,
        });
        queued.for_each(|queued| sender.push(queued));
        sender.drop_excess(told);
        self.wait(id, Lane::Video);
    }

    /// Frames of the application.
    pub(crate) fn queue_frames(
        &mut self,
        now: Instant,
        id: TransceiverId,
        frames: Vec<EncodedFrameInit>,
        told: &mut SentTold<'_>,
    ) {
        let mut sender = self.senders.get_mut(&id);
        for frame in &frames {
            let queued = sender
                .as_mut()
                .and_then(|sender| sender.packetize(now, frame));
            if queued.is_none() {
                told.counters.unsendable += 1;
                told.left(id, Some(frame.data.len()));
            }
        }
        if let Some(sender) = sender {
            sender.drop_excess(told);
        }
        self.wait(id, Lane::Video);
    }

    /// In which lanes packets wait, or did when the last one was polled.
    fn waits(&self) -> Waits {
        std::array::from_fn(|lane| !self.waiting[lane].is_empty())
    }

    /// When something may be sent.
    pub(crate) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.bandwidth.poll_timeout(now, self.waits())
    }

    /// Writes the next packet behind `out`, if it is not longer than `room`, and gives its length.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        round_trip: Duration,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Option<usize> {
        self.tell_waiting_bytes(now);
        self.share(now, told);
        loop {
            let turn = self.bandwidth.turn(now, self.waits(), room)?;
            let stamp = Stamp {
                transport_sequence: self.bandwidth.next_number(),
                send_time: AbsSendTime::from_instant(now),
            };
            let polled = match turn {
                Turn::Packet(lane, _) => {
                    let at = Moment {
                        now,
                        round_trip,
                        stamp,
                    };
                    self.poll_lane(lane, at, room, out, told)
                }
                Turn::Padding(bytes, _) => self.poll_padding(bytes, (stamp, room), out),
            };
            let estimator = self.bandwidth.estimator_mut();
            match (polled, estimator) {
                (Polled::TooLong, _) => return None,
                (Polled::Written(written), estimator) => {
                    if let Some(estimator) = estimator {
                        estimator.sent(now, turn, written.len, written.numbered);
                    }
                    return Some(written.len);
                }
                (Polled::Nothing, Some(estimator)) => match turn {
                    Turn::Packet(lane, _) => estimator.nothing_sent(now, lane),
                    Turn::Padding(..) => estimator.set_may_pad(false),
                },
                (Polled::Nothing, None) => {}
            }
        }
    }

    /// The estimator is told how much waits when it is more than before, and from time to time.
    fn tell_waiting_bytes(&mut self, now: Instant) {
        let tick = self
            .bandwidth
            .estimator()
            .is_some_and(|it| it.is_tick_due(now));
        if !(std::mem::take(&mut self.grown) || tick) {
            return;
        }
        let waiting = self.waiting[Lane::Video as usize].iter();
        let senders = waiting.filter_map(|id| self.senders.get(id));
        let bytes = senders.map(|sender| sender.queued_bytes).sum();
        if let Some(estimator) = self.bandwidth.estimator_mut() {
            estimator.set_waiting_bytes(now, bytes);
        }
    }

    /// Divides what may be sent between the senders, if it is another rate or from time to time.
    fn share(&mut self, now: Instant, told: &mut SentTold<'_>) {
        let Some(estimator) = self.bandwidth.estimator_mut() else {
            return;
        };
        if !estimator.is_share_due(now) {
            return;
        }
        let senders = self.senders.values_mut();
        let demands = senders.map(|sender| {
            sender.offered.update(now);
            share::demand(sender)
        });
        let demands: Vec<_> = demands.collect();
        let Some(allocation) = estimator.share(now, demands) else {
            return;
        };
        for (sender, share) in self.senders.values_mut().zip(&allocation.shares) {
            if sender.set_share(share) {
                let targets = MediaReport::TargetBitrates(sender.targets.clone());
                told.reports.push_back((sender.id, targets));
            }
        }
    }

    /// The next packet of a lane: of the sender whose turn it is.
    fn poll_lane(
        &mut self,
        lane: Lane,
        at: Moment,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        let waiting = &mut self.waiting[lane as usize];
        while let Some(&id) = waiting.front() {
            let Some(sender) = self.senders.get_mut(&id) else {
                waiting.pop_front();
                continue;
            };
            match sender.poll(lane, at, room, out, told) {
                Polled::Written(written) => {
                    sender.turn -= written.len as i64;
                    if sender.turn <= 0 {
                        sender.turn += TURN;
                        waiting.rotate_left(1);
                    }
                    return Polled::Written(written);
                }
                Polled::TooLong => return Polled::TooLong,
                Polled::Nothing => {
                    // Who had nothing keeps nothing.
                    sender.turn = sender.turn.min(TURN);
                    sender.waits[lane as usize] = false;
                    waiting.pop_front();
                }
            }
        }
        Polled::Nothing
    }

    /// An old packet again or, where there is none yet, padding alone.
    fn poll_padding(
        &mut self,
        bytes: usize,
        (stamp, room): (Stamp, usize),
        out: &mut Vec<u8>,
    ) -> Polled {
        let mut senders = self.senders.values_mut();
        let found = senders.find_map(|sender| Some((sender.to_pad()?, sender)));
        match found {
            Some((at, sender)) => sender.pad(at, bytes, (stamp, room), out),
            None => Polled::Nothing,
        }
    }
}

/// When a packet is sent.
#[derive(Clone, Copy)]
struct Moment {
    now: Instant,
    round_trip: Duration,
    stamp: Stamp,
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

/// A packet that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Written {
    len: usize,
    /// With a transport-wide number.
    numbered: bool,
}

enum Polled {
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
    fn new(id: TransceiverId, plan: Arc<SendPlan>) -> Self {
        Sender {
            id,
            formats: Formats::new(&[]),
            extensions: Box::default(),
            streams: Vec::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            waits: Waits::default(),
            turn: TURN,
            encodings: Vec::new(),
            offered: Offered::default(),
            targets: Vec::new(),
            player: Player::default(),
            plan,
        }
    }

    /// What the application says of a stream.
    fn encoding(&self, at: usize) -> SendEncoding {
        self.encodings.get(at).copied().unwrap_or_default()
    }

    /// The share of its transport's rate. Whether the owner is to be told what encoders may make of it.
    fn set_share(&mut self, share: &Share) -> bool {
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
        }
        !same
    }

    /// What tells its transport how fast the path is.
    fn feedback(&self) -> BandwidthFeedback {
        BandwidthFeedback::of(&self.plan.parameters.codecs, self.numbered())
    }

    fn agrees_on_remb(&self) -> bool {
        let mut codecs = self.plan.parameters.codecs.iter();
        codecs.any(|codec| codec.feedback.contains(&RtcpFeedback::Remb))
    }

    fn push(&mut self, queued: Queued) {
        self.offered.count(queued.len());
        self.queued_bytes += queued.len();
        self.queue.push_back(queued);
    }

    fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.queued_bytes -= queued.len();
        Some(queued)
    }

    /// Queues the packets of a frame, if there are any.
    fn packetize(&mut self, now: Instant, frame: &EncodedFrameInit) -> Option<()> {
        let format = self.formats.choose(frame.payload_type)?.format;
        let stream = self.streams.get_mut(frame.encoding)?;
        let before = self.queue.len();
        let (queue, queued_bytes) = (&mut self.queue, &mut self.queued_bytes);
        let offered = &mut self.offered;
        let split = stream.packetizer.split(format, frame, |packet| {
            let completes = None;
            let queued = Queued {
                packet,
                completes,
                since: now,
            };
            offered.count(queued.len());
            *queued_bytes += queued.len();
            queue.push_back(queued);
        });
        split.ok()?;

        let last = self.queue.range_mut(before..).next_back()?;
        last.completes = Some(frame.data.len());
        Some(())
    }

    fn drop_excess(&mut self, told: &mut SentTold<'_>) {
        while self.queue.len() > SEND_QUEUE
            && let Some(queued) = self.pop()
        {
            told.counters.send_overflows += 1;
            told.left(self.id, queued.completes);
        }
    }

    fn poll(
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
        while let Some(Queued { packet, .. }) = self.queue.front() {
            let format = self.formats.choose(packet.payload_type);
            let stream = self.streams.get(packet.encoding);
            let active = self.encoding(packet.encoding).active;
            let sendable = active && packet.payload.len() <= LARGEST_PAYLOAD;
            // RFC 4733 §2.5.1.1: what is sent of one moment is the event or the audio.
            let sendable = sendable && !self.player.plays(at.now);
            let (Some(format), Some(stream), true) = (format, stream, sendable) else {
                let queued = self.pop();
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
            let protected = self.protect((packet, format), stream, at.round_trip, &mut sent);
            // RED has a stream of repetitions of its own, or none.
            let keep = format.nack && self.formats.rtx_of(sent.payload_type).is_some();
            let encoding = packet.encoding;
            let ready = Ready {
                packet: sent,
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
        stream.sent(at.now, packet, len, keep);
        self.written(len, at.stamp)
    }

    fn written(&self, len: usize, stamp: Stamp) -> Polled {
        let numbered = stamp.transport_sequence.is_some() && self.numbered();
        Polled::Written(Written { len, numbered })
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
        self.written(len, stamp)
    }

    fn poll_resend(&mut self, stream: usize, at: Moment, room: usize, out: &mut Vec<u8>) -> Polled {
        let (now, which) = (at.now, stream);
        while let Some(next) = self.streams[which].next_resend() {
            let stream = &self.streams[which];
            let begin = out.len();
            let packet = stream.to_resend(now, at.round_trip, next);
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
            return self.written(len, at.stamp);
        }
        Polled::Nothing
    }

    /// The stream whose repetitions may be padding, if there is one: the first that is sent.
    fn to_pad(&self) -> Option<usize> {
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
    fn pad(
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
        self.written(len, stamp)
    }

    /// Packets can have transport-wide numbers.
    fn numbered(&self) -> bool {
        self.extensions
            .id(ExtensionKind::TransportSequence)
            .is_some()
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
