//! From the packets of a stream of video to its frames, in their order and without those that
//! cannot be decoded.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;
use duologue_rtp::payload::{Boundary, PacketInfo, ParameterSets, Parts, PayloadFormat};
use duologue_rtp::{PayloadType, SentFormat};

use super::dependencies::{self, Dependencies};
use super::references::References;
use crate::frame::EncodedFrame;
use crate::limits::{ASSEMBLY_BYTES, ASSEMBLY_PACKETS, FRAME_BYTES, KEY_FRAME_INTERVAL};
use crate::packet::RtpPacket;

/// The packets of one stream that do not yet make frames.
#[derive(Debug)]
pub(crate) struct Assembly {
    format: PayloadFormat,
    /// By sequence number; the first has the number `next`.
    slots: VecDeque<Option<Slot>>,
    /// Of these, numbers that nothing came with.
    holes: usize,
    /// So many from the front are there, and the first frame goes on behind them.
    looked_at: usize,
    /// The number that came last: what it may have made whole is looked at, and no more.
    latest: u64,
    /// Behind the last packet of what was handed out or given up.
    next: Option<u64>,
    bytes: usize,
    /// Frames that need others are of no use before the next key frame.
    needs_key: bool,
    references: References,
    dependencies: Dependencies,
    /// Since when the frame that is next is not whole, though later packets are there.
    blocked: Option<Instant>,
    /// What is missing was waited for, and frames that do without it were looked for.
    looked_behind: bool,
    /// When a key frame was wanted for that last.
    asked: Option<Instant>,
    /// When a packet came last: who sends nothing any more is not asked for ever.
    heard: Instant,
    joined: Vec<u8>,
    parts: Parts,
    /// What the other end's description says of how it sends.
    described: Vec<SentFormat>,
    /// Parameter sets have come in the stream, which may be others than those of the description: these count.
    has_own_sets: bool,
    pub(crate) counters: FrameCounters,
    /// Packets that came after their frame was handed out or given up.
    pub(crate) discarded: u64,
}

/// Counters of frames, in the names of webrtc-stats §8.4.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct FrameCounters {
    /// `framesReceived`: whole ones.
    pub frames_received: u64,
    /// Key frames among the frames received: `keyFramesReceived`.
    pub key_frames_received: u64,
    /// Frames that were not whole in time, or of no use without one that was not.
    pub frames_dropped: u64,
    /// `framesAssembledFromMultiplePackets`
    pub frames_assembled_from_multiple_packets: u64,
    /// `totalAssemblyTime`: of these, from the first packet that came to the last.
    pub total_assembly_time: Duration,
    /// `jitterBufferDelay`: of all whole frames, from the first packet that came until they were handed
    /// out.
    pub jitter_buffer_delay: Duration,
}

#[derive(Debug)]
enum Slot {
    Packet(RtpPacket),
    /// A number that padding took.
    Padding,
}

/// What became of a number's place.
enum Place {
    Free,
    Taken,
    /// It was handed out or given up.
    Gone,
}

/// What the packets come to.
#[derive(Debug)]
pub(crate) enum Next {
    Frame(Box<EncodedFrame>),
    /// One that is whole is of no use without a key frame before it.
    Dropped,
    /// Nothing can be decoded before a key frame comes: one that was asked for before, if this is not the
    /// first word of it.
    KeyFrameNeeded {
        first: bool,
    },
    Nothing,
}

/// How long a frame waits for what is missing of it, beside some round trips: what libwebrtc allows
/// for nothing to be decodable.
const PATIENCE: Duration = Duration::from_millis(200);

/// The same if later frames can be decoded without it.
const PATIENCE_OF_OTHERS: Duration = Duration::from_millis(50);

/// From a stream of which nothing came for so long no key frame is expected: it is held, or its sender gone.
const SILENCE: Duration = Duration::from_secs(5);

impl Assembly {
    pub(crate) fn new(format: PayloadFormat) -> Self {
        Assembly {
            format,
            slots: VecDeque::new(),
            holes: 0,
            looked_at: 0,
            latest: 0,
            next: None,
            bytes: 0,
            needs_key: true,
            references: References::new(),
            dependencies: Dependencies::default(),
            blocked: None,
            looked_behind: false,
            asked: None,
            heard: Instant::ZERO,
            joined: Vec::new(),
            parts: Parts::new(),
            described: Vec::new(),
            has_own_sets: false,
            counters: FrameCounters::default(),
            discarded: 0,
        }
    }

    /// Nothing is taken for a while.
    pub(crate) fn pause(&mut self) {
        self.clear();
        self.next = None;
        self.unblock();
    }

    /// Another codec is another stream of frames.
    pub(crate) fn set_format(&mut self, format: PayloadFormat) {
        if self.format != format {
            let (counters, discarded) = (self.counters, self.discarded);
            *self = Assembly {
                counters,
                discarded,
                ..Assembly::new(format)
            };
        }
    }

    /// What the other end's description says of how it sends.
    pub(crate) fn set_described(&mut self, described: &[SentFormat]) {
        if self.described != described {
            self.described = described.to_vec();
            self.has_own_sets = false;
        }
    }

    /// The parameter sets of the description for packets of this payload type, unless the stream has its own.
    fn parameter_sets(&self, payload_type: PayloadType) -> Option<&ParameterSets> {
        let mut described = self.described.iter();
        let found = described.find(|known| known.payload_type == payload_type);
        let sets = found.and_then(|known| known.parameter_sets.as_ref());
        sets.filter(|_| !self.has_own_sets)
    }

    pub(crate) fn insert_padding(&mut self, sequence_number: u64) {
        self.put(sequence_number, Slot::Padding);
    }

    pub(crate) fn insert(&mut self, packet: RtpPacket) {
        let bytes = packet.payload.len();
        self.heard = self.heard.max(packet.received);
        match self.put(packet.sequence_number, Slot::Packet(packet)) {
            Place::Free => self.bytes += bytes,
            Place::Taken => {}
            Place::Gone => self.discarded += 1,
        }
        while self.bytes > ASSEMBLY_BYTES {
            self.give_up_first();
        }
    }

    fn put(&mut self, sequence_number: u64, came: Slot) -> Place {
        self.latest = sequence_number;
        match self.slot(sequence_number) {
            Some(slot @ None) => {
                *slot = Some(came);
                self.holes -= 1;
                Place::Free
            }
            Some(Some(_)) => Place::Taken,
            None => Place::Gone,
        }
    }

    /// The place of a number; none of what was handed out already.
    fn slot(&mut self, sequence_number: u64) -> Option<&mut Option<Slot>> {
        let next = *self.next.get_or_insert(sequence_number);
        let Some(at) = sequence_number.checked_sub(next) else {
            return self.slot_before(sequence_number, next);
        };
        // Another beginning: nothing of what waits will become whole.
        if at >= 2 * ASSEMBLY_PACKETS as u64 {
            self.clear();
            self.next = Some(sequence_number);
        }
        let mut at = sequence_number - self.next.unwrap_or(sequence_number);
        while at >= ASSEMBLY_PACKETS as u64 {
            self.give_up_first();
            at = sequence_number - self.next.unwrap_or(sequence_number);
        }
        let at = at as usize;
        if at >= self.slots.len() {
            self.holes += at + 1 - self.slots.len();
            self.slots.resize_with(at + 1, || None);
        }
        self.slots.get_mut(at)
    }

    /// The stream's first packets may come in any order.
    fn slot_before(&mut self, sequence_number: u64, next: u64) -> Option<&mut Option<Slot>> {
        let before = (next - sequence_number) as usize;
        let begun = self.counters != FrameCounters::default();
        if begun || before + self.slots.len() > ASSEMBLY_PACKETS {
            return None;
        }
        (0..before).for_each(|_| self.slots.push_front(None));
        self.holes += before;
        self.looked_at = 0;
        self.next = Some(sequence_number);
        self.slots.front_mut()
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.holes = 0;
        self.looked_at = 0;
        self.bytes = 0;
        self.needs_key = true;
    }

    fn give_up_first(&mut self) {
        self.drop_first(1);
        self.needs_key = true;
    }

    fn drop_first(&mut self, count: usize) {
        for slot in self.slots.drain(..count.min(self.slots.len())) {
            match slot {
                Some(Slot::Packet(packet)) => self.bytes -= packet.payload.len(),
                Some(Slot::Padding) => {}
                None => self.holes -= 1,
            }
        }
        self.looked_at = 0;
        self.next = self.next.map(|next| next + count as u64);
    }

    fn packet(&self, at: usize) -> Option<&RtpPacket> {
        match self.slots.get(at)? {
            Some(Slot::Packet(packet)) => Some(packet),
            _ => None,
        }
    }

    /// When a frame has waited long enough.
    pub(crate) fn poll_timeout(&self, round_trip: Duration) -> Option<Instant> {
        let blocked = self.blocked?;
        if self.asked.is_some() {
            return self.ask_due(round_trip);
        }
        // Without a key frame none can be decoded, wherever one looks.
        let patience = match self.looked_behind || self.needs_key {
            true => patience(round_trip),
            false => patience_of_others(round_trip),
        };
        Some(blocked + patience)
    }

    /// What the packets come to now.
    pub(crate) fn poll(&mut self, now: Instant, round_trip: Duration) -> Next {
        loop {
            while let Some(Some(Slot::Padding)) = self.slots.front() {
                self.drop_first(1);
            }
            if self.slots.is_empty() {
                self.blocked = None;
                return Next::Nothing;
            }
            if let Some(end) = self.first_whole() {
                self.unblock();
                if !self.needs_key && !self.can_be_decoded(end) {
                    // What it needs was left out; others go on.
                    self.counters.frames_dropped += 1;
                    let packets = packets(&self.slots, 0, end);
                    self.dependencies.take(packets);
                    self.drop_first(end);
                    continue;
                }
                return match self.take(now, end) {
                    Some(frame) => Next::Frame(Box::new(frame)),
                    None => Next::Dropped,
                };
            }
            // A newer key frame makes what is missing needless.
            if let Some(key) = self.whole_key_frame() {
                self.counters.frames_dropped += 1;
                self.drop_first(key);
                continue;
            }
            if let Some(begin) = self.independent_frame(now, round_trip) {
                self.counters.frames_dropped += 1;
                self.references.leave_out();
                self.drop_first(begin);
                continue;
            }
            return self.wait(now, round_trip);
        }
    }

    fn unblock(&mut self) {
        self.blocked = None;
        self.looked_behind = false;
        self.asked = None;
    }

    fn wait(&mut self, now: Instant, round_trip: Duration) -> Next {
        // The last frame may just be on its way.
        if self.holes == 0 && !self.needs_key {
            self.blocked = None;
            return Next::Nothing;
        }
        self.blocked.get_or_insert(now);
        if self.ask_due(round_trip).is_none_or(|due| due > now) {
            return Next::Nothing;
        }
        let first = self.asked.replace(now).is_none();
        self.needs_key = true;
        Next::KeyFrameNeeded { first }
    }

    /// When a key frame is to be asked for, or asked for again because none came.
    fn ask_due(&self, round_trip: Duration) -> Option<Instant> {
        let blocked = self.blocked?;
        let Some(asked) = self.asked else {
            return Some(blocked + patience(round_trip));
        };
        let due = asked + again(round_trip);
        (due <= self.heard + SILENCE).then_some(due)
    }

    /// The end of the first frame, if all of it is there.
    fn first_whole(&mut self) -> Option<usize> {
        match self.end_of(0, self.looked_at) {
            Ok(end) => Some(end),
            Err(looked_at) => {
                self.looked_at = looked_at;
                None
            }
        }
    }

    /// The end of the frame that begins at `begin` and goes on until `from` at least; or how far it
    /// goes.
    fn end_of(&self, begin: usize, from: usize) -> Result<usize, usize> {
        let first = self.packet(begin).ok_or(begin)?;
        for at in from.max(begin)..self.slots.len() {
            match self.slots[at].as_ref().ok_or(at)? {
                Slot::Padding => {}
                Slot::Packet(packet) if packet.timestamp != first.timestamp => return Ok(at),
                Slot::Packet(packet) if packet.marker => return Ok(at + 1),
                Slot::Packet(_) => {}
            }
        }
        Err(self.slots.len())
    }

    /// Where a whole key frame begins, behind what is missing.
    fn whole_key_frame(&self) -> Option<usize> {
        let mut begins = self.latest_frames();
        begins.find(|&begin| self.info(begin).is_some_and(|info| info.key == Some(true)))
    }

    /// Where frames begin, behind what is missing, that the packet that came last made whole: its own,
    /// or the one before, which that ended.
    fn latest_frames(&self) -> impl Iterator<Item = usize> {
        let at = self.next.and_then(|next| self.latest.checked_sub(next));
        let candidates = at.map(|at| [Some(at as usize), (at as usize).checked_sub(1)]);
        let candidates = candidates.into_iter().flatten().flatten();
        candidates.filter_map(|at| self.begin_of(at).filter(|&begin| self.is_whole_at(begin)))
    }

    /// A frame begins here, not the first one, and all of it is there.
    fn is_whole_at(&self, begin: usize) -> bool {
        // Its end first: a frame that is not whole is not parsed with each packet that comes.
        begin > 0 && self.end_of(begin, begin).is_ok() && self.begins_frame(begin)
    }

    /// Its payload says so for sure, or its descriptor does; or it may be so, and what is before it does not
    /// contradict.
    fn begins_frame(&self, at: usize) -> bool {
        let described = self.packet(at).is_some_and(dependencies::starts_frame);
        described
            || match self.info(at).map(|info| info.begins) {
                Some(Boundary::Certain) => true,
                Some(Boundary::Possible) => self.may_begin_frame(at),
                Some(Boundary::No) | None => false,
            }
    }

    /// H.264 and H.265 tell by a delimiter alone, which browsers and most encoders leave out, that a frame begins:
    /// else it does where the one before has ended. Behind a hole it does if it is a key frame whose first slice is
    /// there, with its parameter sets: they may be what is missing, and come again, until a key frame has been asked for.
    /// Those of a stream that has none are in the other end's description.
    fn may_begin_frame(&self, at: usize) -> bool {
        let Some(first) = self.packet(at) else {
            return false;
        };
        for before in (0..at).rev() {
            match &self.slots[before] {
                Some(Slot::Padding) => {}
                Some(Slot::Packet(packet)) => {
                    return packet.marker || packet.timestamp != first.timestamp;
                }
                None => break,
            }
        }
        let infos = (at..self.slots.len())
            .take_while(|&it| {
                let packet = self.packet(it);
                packet.is_some_and(|packet| packet.timestamp == first.timestamp)
            })
            .filter_map(|it| self.info(it));
        let has_sets = self.info(at).is_some_and(|info| info.parameter_sets);
        let needs_none = self.parameter_sets(first.payload_type).is_some();
        if !has_sets && !needs_none && self.asked.is_none() {
            return false;
        }
        let mut key = false;
        infos
            .inspect(|info| key |= info.key == Some(true))
            .any(|info| info.first_slice)
            && key
    }

    fn info(&self, at: usize) -> Option<PacketInfo<'_>> {
        self.format.packet_info(&self.packet(at)?.payload).ok()
    }

    /// Where a frame begins that can be decoded without what was waited for long enough.
    fn independent_frame(&mut self, now: Instant, round_trip: Duration) -> Option<usize> {
        let waited = now - self.blocked.filter(|_| !self.needs_key)?;
        if waited < patience_of_others(round_trip) {
            return None;
        }
        let can = |&begin: &usize| {
            let end = self.end_of(begin, begin);
            let allow = |end| {
                let said = self.dependencies.peek(packets(&self.slots, begin, end));
                if !said.is_empty() {
                    return self.dependencies.allow(&said);
                }
                let mut layers = self.layer_begins(begin, end).peekable();
                layers.peek().is_some() && self.references.allow_behind_gap(layers)
            };
            end.is_ok_and(allow)
        };
        // Once all, then what each packet makes whole.
        if self.looked_behind {
            return self.latest_frames().find(can);
        }
        let found = (1..self.slots.len())
            .filter(|&at| self.begin_of(at) == Some(at) && self.is_whole_at(at))
            .find(can);
        self.looked_behind = true;
        found
    }

    /// The first frame, up to `end`, can be decoded though others may have been left out.
    fn can_be_decoded(&self, end: usize) -> bool {
        if self.references.allow_all() {
            return true;
        }
        let said = self.dependencies.peek(packets(&self.slots, 0, end));
        match said.is_empty() {
            true => self.references.allow(self.layer_begins(0, end)),
            false => self.dependencies.allow(&said),
        }
    }

    /// What the first packets of a frame's layers say.
    fn layer_begins(&self, begin: usize, end: usize) -> impl Iterator<Item = PacketInfo<'_>> {
        let infos = (begin..end).filter_map(|at| self.info(at));
        infos.filter(|info| info.begins == Boundary::Certain)
    }

    /// The first packet of the frame that one is of, as far back as there is no gap.
    fn begin_of(&self, at: usize) -> Option<usize> {
        let timestamp = self.packet(at)?.timestamp;
        let before = (0..at).rev();
        let same = before.take_while(|&at| {
            let packet = self.packet(at);
            packet.is_some_and(|packet| packet.timestamp == timestamp)
        });
        Some(same.last().unwrap_or(at))
    }

    /// The frame of the first packets up to `end`, if it is of use.
    fn take(&mut self, now: Instant, end: usize) -> Option<EncodedFrame> {
        let mut frame = self.join(end);
        let layers = self.dependencies.take(packets(&self.slots, 0, end));
        if let Some(frame) = &mut frame {
            dependencies::describe(frame, &layers);
        }
        let said = self.info(0).map(PacketInfo::without_structure);
        let count = packets(&self.slots, 0, end).count();
        self.drop_first(end);
        let frame = frame.filter(|frame| frame.key || !self.needs_key);
        match &frame {
            Some(frame) => {
                self.needs_key = false;
                if let Some(first) = &said {
                    self.references.handed_out(frame.key, first);
                }
                self.dependencies.handed_out(frame.key, &layers);
                self.counters.frames_received += 1;
                self.counters.key_frames_received += u64::from(frame.key);
                self.counters.jitter_buffer_delay += now - frame.first_received;
                if count > 1 {
                    self.counters.frames_assembled_from_multiple_packets += 1;
                    self.counters.total_assembly_time += frame.received - frame.first_received;
                }
            }
            None => {
                // One that was cut in two, or that others are needed for.
                self.needs_key = true;
                self.counters.frames_dropped += 1;
            }
        }
        frame
    }

    fn join(&mut self, end: usize) -> Option<EncodedFrame> {
        self.joined.clear();
        self.parts.clear();
        let packets = packets(&self.slots, 0, end);
        let first = packets.clone().next()?;
        let last = packets.clone().max_by_key(|packet| packet.received)?;
        let info = self.format.packet_info(&first.payload).ok()?;
        let payloads = packets.clone().map(|packet| &packet.payload[..]);
        self.format
            .join(payloads, FRAME_BYTES, &mut self.joined, &mut self.parts)
            .ok()?;
        let mut whole = self.format.frame_info(&self.joined, &self.parts);
        let described = self.parameter_sets(first.payload_type);
        let described = described.filter(|_| whole.key && !whole.parameter_sets);
        if let Some(sets) = described.cloned() {
            sets.put_before(&mut self.joined, &mut self.parts);
            whole = self.format.frame_info(&self.joined, &self.parts);
        } else {
            self.has_own_sets |= whole.parameter_sets;
        }

        Some(EncodedFrame {
            ssrc: first.ssrc,
            encoding: first.encoding,
            rid: first.rid.clone(),
            payload_type: first.payload_type,
            timestamp: first.timestamp,
            sequence_number: first.sequence_number,
            key: whole.key,
            size: whole.size,
            temporal: info.temporal.or(whole.temporal),
            spatial: None,
            frame_id: None,
            dependencies: Vec::new(),
            discardable: info.discardable || whole.discardable,
            audio_level: None,
            contributing_sources: first.contributing_sources.clone(),
            capture_time: first.capture_time,
            captured: None,
            corruption_detection: packets
                .clone()
                .find_map(|it| it.corruption_detection.as_deref().copied()),
            data: Bytes::copy_from_slice(&self.joined),
            first_received: packets.clone().map(|it| it.received).min()?,
            received: last.received,
            repaired: packets.clone().any(|packet| packet.repaired),
            sender_time: None,
        })
    }
}

/// The packets at these places.
fn packets(
    slots: &VecDeque<Option<Slot>>,
    begin: usize,
    end: usize,
) -> impl Iterator<Item = &RtpPacket> + Clone {
    slots.range(begin..end).filter_map(|slot| match slot {
        Some(Slot::Packet(packet)) => Some(packet),
        _ => None,
    })
}

fn patience(round_trip: Duration) -> Duration {
    PATIENCE + 3 * round_trip
}

/// When a key frame that was asked for is late: the request or a packet of it was lost, and what is missing
/// has been asked for again in vain.
fn again(round_trip: Duration) -> Duration {
    KEY_FRAME_INTERVAL.max(patience(round_trip))
}

fn patience_of_others(round_trip: Duration) -> Duration {
    PATIENCE_OF_OTHERS + 2 * round_trip
}
