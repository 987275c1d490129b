//! What one receiver gets of a publisher.

use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;
use duologue_rtp::ext::{CaptureTime, DependencyDescriptor};
use duologue_rtp::payload::{Boundary, Descriptor, GoesUp, PacketInfo, PayloadFormat, PictureId};

use crate::limits::{FORWARD_KEY_FRAME_INTERVAL, FORWARD_STEP, FORWARD_UP_PATIENCE};
use crate::packet::{RtpPacket, RtpPacketInit};

use super::Choice;
use super::layers::{Layers, Rung, begins_key};
use super::numbers::Numbers;

#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) choice: Choice,
    state: State,
    /// When a key frame was asked for that has not come.
    pub(super) asked: Option<Instant>,
    packets: Numbers,
    pictures: Numbers,
    /// What is added to the source's numbers of pictures of the lowest temporal layer, and the last
    /// one that was given out.
    lowest: (u8, Option<u8>),
    /// What is added to the source's time stamps, and the highest that was given out.
    timestamps: (u32, Option<u32>),
    temporal: Temporal,
    spatial: Spatial,
    frames: FrameNumbers,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Nothing,
    /// The layer comes with its next key frame.
    Waiting {
        layer: usize,
        /// The one that was forwarded until then, by whose time the new one goes on.
        after: Option<usize>,
    },
    Forwarding {
        layer: usize,
        /// Until the next key frame of this one. What is chosen of it says nothing of the one before.
        then: Option<Rung>,
    },
}

/// The spatial layers of one stream that a receiver gets.
#[derive(Clone, Copy, Debug)]
struct Spatial {
    /// None above this one, whatever the path carries.
    most: u8,
    /// Up to this one it is to get them.
    wanted: u8,
    /// Up to this one it gets them: it goes up where a picture allows it.
    current: u8,
    /// The time stamp of the latest picture.
    picture: Option<u32>,
    /// That of the latest one that needs no other.
    key: Option<u32>,
}

/// The numbers of frames in dependency descriptors.
#[derive(Clone, Copy, Debug, Default)]
struct FrameNumbers {
    /// What is added to the source's numbers.
    offset: u16,
    /// The highest that was given out.
    last: Option<u16>,
    /// The highest number of the source's that the receiver got, and which of those before it: the bit of
    /// the number itself is the lowest.
    got: (u64, u64),
}

/// The temporal layers that a receiver gets.
#[derive(Clone, Copy, Debug)]
struct Temporal {
    /// None above this one, whatever the path carries.
    most: u8,
    /// Up to this one it is to get them.
    wanted: u8,
    /// Up to this one it gets them: it goes up where a frame allows it.
    current: u8,
    /// The time stamp of a frame, and whether the receiver gets it.
    frame: Option<(u32, bool)>,
    /// From when on a key frame is to be asked for, since no frame allows it to go up.
    stays_until: Option<Instant>,
    /// Some frame of this format said that it lets go up: those that do not say it do not.
    says_where: bool,
}

/// The extended number of a packet's picture, and how many bits of it packets say.
pub(super) fn picture(info: &PacketInfo<'_>, layer: usize, layers: &mut Layers) -> Option<u64> {
    let id = match info.descriptor {
        Descriptor::Vp8(descriptor) => descriptor.picture_id,
        Descriptor::Vp9(descriptor) => descriptor.picture_id,
        _ => None,
    };
    match id? {
        PictureId::Short(number) => Some(layers.picture(layer, number.into(), 7)),
        PictureId::Long(number) => Some(layers.picture(layer, number, 15)),
    }
}

impl Receiver {
    pub(super) fn new() -> Self {
        Receiver {
            choice: Choice::Nothing,
            state: State::Nothing,
            asked: None,
            packets: Numbers::default(),
            pictures: Numbers::default(),
            lowest: (0, None),
            timestamps: (0, None),
            temporal: Temporal {
                most: u8::MAX,
                wanted: u8::MAX,
                current: u8::MAX,
                frame: None,
                stays_until: None,
                says_where: false,
            },
            spatial: Spatial::default(),
            frames: FrameNumbers::default(),
        }
    }

    pub(super) fn current(&self) -> Option<usize> {
        match self.state {
            State::Forwarding { layer, .. } => Some(layer),
            State::Nothing | State::Waiting { .. } => None,
        }
    }

    pub(super) fn current_spatial(&self) -> Option<u8> {
        self.current().map(|_| self.spatial.current)
    }

    /// Up to this one it gets temporal layers.
    pub(super) fn temporal(&self) -> u8 {
        self.temporal.current
    }

    /// The layer whose key frame is waited for.
    pub(super) fn wanted(&self) -> Option<usize> {
        match self.state {
            State::Waiting { layer, .. } => Some(layer),
            State::Forwarding { then, .. } => then.map(|then| then.layer),
            State::Nothing => None,
        }
    }

    pub(super) fn has_nothing(&self) -> bool {
        matches!(self.state, State::Nothing)
    }

    pub(super) fn limit_temporal(&mut self, most: Option<u8>) {
        let most = most.unwrap_or(u8::MAX);
        self.temporal.most = most;
        let choice = self.choice;
        self.temporal.wanted = limited(choice, self.temporal.wanted, most);
        if let Some(then) = self.then() {
            then.temporal = limited(choice, then.temporal, most);
        }
    }

    pub(super) fn limit_spatial(&mut self, most: Option<u8>) {
        let most = most.unwrap_or(u8::MAX);
        self.spatial.most = most;
        let choice = self.choice;
        self.spatial.wanted = limited(choice, self.spatial.wanted, most);
        if let Some(then) = self.then() {
            then.spatial = limited(choice, then.spatial, most);
        }
    }

    fn then(&mut self) -> Option<&mut Rung> {
        match &mut self.state {
            State::Forwarding { then, .. } => then.as_mut(),
            State::Nothing | State::Waiting { .. } => None,
        }
    }

    /// What was decided last.
    fn decided(&self) -> Option<Rung> {
        match self.state {
            State::Forwarding {
                then: Some(then), ..
            } => Some(then),
            State::Forwarding { layer, .. } | State::Waiting { layer, .. } => {
                Some(self.wanted_of(layer))
            }
            State::Nothing => None,
        }
    }

    /// What is wanted of the layer at hand.
    fn wanted_of(&self, layer: usize) -> Rung {
        Rung {
            layer,
            spatial: self.spatial.wanted,
            temporal: self.temporal.wanted,
        }
    }

    fn want(&mut self, rung: Rung) {
        self.spatial.wanted = rung.spatial;
        self.temporal.wanted = rung.temporal;
    }

    /// Makes of the choice which layer it is, and how many of its spatial and temporal layers.
    pub(super) fn decide(&mut self, now: Instant, layers: &Layers) {
        let most = (self.spatial.most, self.temporal.most);
        let all_of = |layer| Rung {
            layer,
            spatial: most.0,
            temporal: most.1,
        };
        let target = match self.choice {
            Choice::Nothing => None,
            Choice::Layer(layer) => Some(all_of(layer)),
            Choice::Bitrate(bitrate) => {
                let decided = self.decided();
                let best = layers.best(now, bitrate, decided, most);
                let kept = decided.map(|it| it.layer).or_else(|| layers.first());
                best.or_else(|| kept.map(all_of))
            }
        };
        let before = self.wanted();
        self.state = match (self.state, target) {
            (_, None) => State::Nothing,
            (State::Forwarding { layer, .. }, Some(target)) if layer != target.layer => {
                self.decide_meanwhile(now, layers, layer);
                let then = Some(target);
                State::Forwarding { layer, then }
            }
            (state, Some(target)) => {
                self.want(target);
                let layer = target.layer;
                match state {
                    State::Forwarding { .. } => State::Forwarding { layer, then: None },
                    State::Waiting { after, .. } => State::Waiting { layer, after },
                    State::Nothing => State::Waiting { layer, after: None },
                }
            }
        };
        if self.wanted() != before {
            self.asked = None;
        }
    }

    /// Another layer's key frame may not come for long: until then the path carries this one.
    fn decide_meanwhile(&mut self, now: Instant, layers: &Layers, layer: usize) {
        let most = (self.spatial.most, self.temporal.most);
        if let Choice::Bitrate(bitrate) = self.choice {
            let wanted = self.wanted_of(layer);
            let best = layers.best_of(layer..layer + 1, now, bitrate, Some(wanted), most);
            self.want(best.unwrap_or(wanted));
        }
    }

    /// What comes is of another codec: it begins with a key frame, and its pictures have numbers of
    /// their own.
    pub(super) fn begin_anew(&mut self) {
        if let State::Forwarding { layer, then } = self.state {
            self.state = State::Waiting {
                layer: then.map_or(layer, |then| then.layer),
                after: Some(layer),
            };
            self.want(then.unwrap_or(self.wanted_of(layer)));
        }
        self.asked = None;
        self.pictures = Numbers::default();
        self.lowest = (0, None);
        self.temporal.says_where = false;
    }

    /// The layer of which a key frame is to be asked for now.
    pub(super) fn asks_for(&mut self, now: Instant, layers: &Layers) -> Option<usize> {
        let wanted = self.wanted().or_else(|| {
            let current = self.current()?;
            let highest = layers.get(current)?.highest;
            let goes_up = highest.min(self.spatial.wanted) > self.spatial.current;
            (goes_up || self.temporal.stays(now)).then_some(current)
        })?;
        let due = self
            .asked
            .is_none_or(|asked| now - asked >= FORWARD_KEY_FRAME_INTERVAL);
        due.then(|| {
            self.asked = Some(now);
            wanted
        })
    }

    /// The packet as this receiver gets it, if it does.
    pub(super) fn forward(
        &mut self,
        (format, layers): (PayloadFormat, &Layers),
        packet: &RtpPacket,
        info: &PacketInfo<'_>,
        picture: Option<u64>,
    ) -> Option<RtpPacketInit> {
        if self.wanted() == Some(packet.encoding) && begins_key(info) {
            self.switch(layers, packet, info, picture);
        }
        if self.current() != Some(packet.encoding) {
            return None;
        }
        let described = layers.get(packet.encoding);
        let described = described.and_then(|layer| layer.described.as_ref());
        // Whatever it needs was forwarded.
        let follows = described.map(|said| self.frames.has_all_of(said));
        let in_order = self.packets.is_ahead(packet.sequence_number);
        if !self.temporal.allows(packet, info, (in_order, follows)) {
            self.packets.leave_out(packet.sequence_number);
            if let Some(picture) = picture {
                self.pictures.leave_out(picture);
            }
            return None;
        }
        if !self.spatial.allows(packet.timestamp, info, in_order) {
            // Its picture is there without it.
            self.packets.leave_out(packet.sequence_number);
            return None;
        }

        let number = self.packets.map(packet.sequence_number)?;
        if let Some(said) = described {
            self.frames.note(said.frame);
        }
        let (offset, highest) = self.timestamps;
        let timestamp = packet.timestamp.wrapping_add(offset);
        if highest.is_none_or(|highest| timestamp.wrapping_sub(highest).cast_signed() > 0) {
            self.timestamps.1 = Some(timestamp);
        }
        Some(RtpPacketInit {
            sequence_number: Some(number as u16),
            timestamp,
            marker: packet.marker || self.spatial.ends(info),
            audio_level: packet.audio_level,
            contributing_sources: packet.contributing_sources.clone(),
            // By how much the clock of whoever captured is ahead of this end's is not known.
            capture_time: packet.capture_time.map(|time| CaptureTime {
                clock_offset: None,
                ..time
            }),
            dependency_descriptor: self.frames.renumbered(&packet.dependency_descriptor),
            corruption_detection: packet.corruption_detection.as_deref().copied(),
            payload: self.renumbered(format, packet, info, picture),
            ..RtpPacketInit::default()
        })
    }

    /// From this packet on it is another layer.
    fn switch(
        &mut self,
        layers: &Layers,
        packet: &RtpPacket,
        info: &PacketInfo<'_>,
        picture: Option<u64>,
    ) {
        let layer = packet.encoding;
        let before = match self.state {
            State::Forwarding { layer, .. } => Some(layer),
            State::Waiting { after, .. } => after,
            State::Nothing => None,
        };
        self.packets.begin(packet.sequence_number);
        if let Some(picture) = picture {
            self.pictures.begin(picture);
        }
        if let (Some(last), Some(tl0)) = (self.lowest.1, tl0_of(info)) {
            self.lowest.0 = last.wrapping_add(1).wrapping_sub(tl0);
        }
        if let Some(last) = self.timestamps.1 {
            let step = step(layers, before, last.wrapping_sub(self.timestamps.0), packet);
            self.timestamps.0 = last.wrapping_add(step).wrapping_sub(packet.timestamp);
        }
        if let Some(then) = self.then() {
            let then = *then;
            self.want(then);
        }
        self.state = State::Forwarding { layer, then: None };
        self.asked = None;
        self.spatial.begin();
        self.frames.begin(&packet.dependency_descriptor);
        self.temporal.begin();
    }

    /// The payload with the numbers of pictures that this receiver sees.
    fn renumbered(
        &mut self,
        format: PayloadFormat,
        packet: &RtpPacket,
        info: &PacketInfo<'_>,
        picture: Option<u64>,
    ) -> Bytes {
        let mapped = picture.and_then(|picture| self.pictures.map(picture));
        let lowest = tl0_of(info).map(|tl0| tl0.wrapping_add(self.lowest.0));
        if let Some(lowest) = lowest {
            let ahead = |last: u8| lowest.wrapping_sub(last).cast_signed() > 0;
            if self.lowest.1.is_none_or(ahead) {
                self.lowest.1 = Some(lowest);
            }
        }
        let same = mapped == picture && self.lowest.0 == 0;
        if same || (mapped, lowest) == (None, None) {
            return packet.payload.clone();
        }
        let mut payload = packet.payload.to_vec();
        format.renumber(&mut payload, mapped.map(|number| number as u16), lowest);
        payload.into()
    }
}

/// How many layers are wanted where `wanted` were, with another bound.
fn limited(choice: Choice, wanted: u8, most: u8) -> u8 {
    match choice {
        // More is for the next decision.
        Choice::Bitrate(_) => wanted.min(most),
        Choice::Nothing | Choice::Layer(_) => most,
    }
}

/// How many ticks the first packet of another layer is after the last one of the layer before.
fn step(layers: &Layers, before: Option<usize>, last: u32, packet: &RtpPacket) -> u32 {
    let Some(new) = layers.get(packet.encoding) else {
        return 1;
    };
    let old = before.and_then(|before| layers.get(before));
    let passed = match old {
        Some(old) => new.clock.time_of(packet.timestamp) - old.clock.time_of(last),
        // It got nothing for a while, which is as long as nobody knows.
        None => 0,
    };
    new.clock.ticks(passed, FORWARD_STEP)
}

fn tl0_of(info: &PacketInfo<'_>) -> Option<u8> {
    match info.descriptor {
        Descriptor::Vp8(descriptor) => descriptor.tl0_picture,
        Descriptor::Vp9(descriptor) => descriptor.tl0_picture,
        _ => None,
    }
}

impl Default for Spatial {
    fn default() -> Self {
        Spatial {
            most: u8::MAX,
            wanted: u8::MAX,
            current: 0,
            picture: None,
            key: None,
        }
    }
}

impl Spatial {
    /// Another source begins.
    fn begin(&mut self) {
        self.current = 0;
        self.picture = None;
        self.key = None;
    }

    /// Whether the receiver gets a packet, which is `in_order` if none behind it was looked at.
    fn allows(&mut self, timestamp: u32, info: &PacketInfo<'_>, in_order: bool) -> bool {
        let Some(layer) = info.spatial else {
            return true;
        };
        let ahead = |last: u32| timestamp.wrapping_sub(last).cast_signed() > 0;
        if self.picture.is_none_or(ahead) {
            // Lower layers never need higher ones.
            self.picture = Some(timestamp);
            self.current = self.current.min(self.wanted);
        }
        if begins_key(info) {
            self.key = Some(timestamp);
        }
        // Each layer needs the one below it. Of a frame whose later packets were left out before, nothing
        // is of use.
        let next = layer == self.current + 1 && layer <= self.wanted;
        let begins = in_order && info.begins != Boundary::No && !is_predicted(info);
        if next && begins && self.key == Some(timestamp) {
            self.current = layer;
        }
        layer <= self.current
    }

    /// RFC 9628 §4.1: the marker is on the last packet of a picture, which is that of the highest layer
    /// that is left. In one that goes up that is known by the marker that comes, or when it is as high as
    /// is wanted: hence none goes up but with a key frame.
    fn ends(&self, info: &PacketInfo<'_>) -> bool {
        let goes_up = self.key == self.picture && self.current < self.wanted;
        let highest = info.spatial == Some(self.current) && !goes_up;
        highest && info.ends == Boundary::Certain
    }
}

/// RFC 9628 §4.2, P: it says that it needs another picture.
fn is_predicted(info: &PacketInfo<'_>) -> bool {
    matches!(info.descriptor, Descriptor::Vp9(descriptor) if descriptor.predicted)
}

impl FrameNumbers {
    /// Another source begins with this descriptor: its frames go on behind what was given out.
    fn begin(&mut self, descriptor: &[u8]) {
        if let (Some(number), Some(last)) = (number_of(descriptor), self.last) {
            self.offset = last.wrapping_add(1).wrapping_sub(number);
        }
        self.got = (0, 0);
    }

    /// The receiver gets a packet of this frame.
    fn note(&mut self, frame: u64) {
        let (highest, got) = self.got;
        self.got = match frame.checked_sub(highest) {
            Some(ahead) => {
                let before = u32::try_from(ahead).ok().and_then(|by| got.checked_shl(by));
                (frame, before.unwrap_or(0) | 1)
            }
            None => (highest, got | bit(highest - frame)),
        };
    }

    /// Whether it got a packet of each frame that this one needs: of those further back nothing is known,
    /// and none is taken for there.
    fn has_all_of(&self, said: &DependencyDescriptor) -> bool {
        let (highest, got) = self.got;
        let mut needed = said.dependencies.frame_diffs().iter();
        needed.all(|diff| {
            let needed = said.frame.checked_sub(u64::from(*diff));
            let behind = needed.and_then(|needed| highest.checked_sub(needed));
            behind.is_some_and(|behind| got & bit(behind) != 0)
        })
    }

    fn renumbered(&mut self, descriptor: &Bytes) -> Bytes {
        let Some(number) = number_of(descriptor) else {
            return descriptor.clone();
        };
        let number = number.wrapping_add(self.offset);
        let ahead = |last: u16| number.wrapping_sub(last).cast_signed() > 0;
        if self.last.is_none_or(ahead) {
            self.last = Some(number);
        }
        if self.offset == 0 {
            return descriptor.clone();
        }
        let mut renumbered = descriptor.to_vec();
        renumbered[1..3].copy_from_slice(&number.to_be_bytes());
        renumbered.into()
    }
}

/// That of a frame so far behind the highest, if it is remembered.
fn bit(behind: u64) -> u64 {
    let behind = u32::try_from(behind).ok();
    behind.and_then(|by| 1_u64.checked_shl(by)).unwrap_or(0)
}

/// `frame_number` (AV1 RTP payload format, A.8.2 `mandatory_descriptor_fields`).
fn number_of(descriptor: &[u8]) -> Option<u16> {
    let [_, n0, n1] = *descriptor.first_chunk()?;
    Some(u16::from_be_bytes([n0, n1]))
}

impl Temporal {
    /// Another source begins, with a key frame: what comes behind one needs nothing before it.
    fn begin(&mut self) {
        self.current = self.wanted;
        self.frame = None;
        self.stays_until = None;
    }

    /// Nothing but a key frame lets it go up any more.
    fn stays(&self, now: Instant) -> bool {
        self.wanted > self.current && self.stays_until.is_some_and(|until| now >= until)
    }

    /// All packets of a frame have its time stamp. `follows` says whether all that it needs is there,
    /// where packets say what that is; a packet is `in_order` if none behind it was looked at.
    fn allows(
        &mut self,
        packet: &RtpPacket,
        info: &PacketInfo<'_>,
        (in_order, follows): (bool, Option<bool>),
    ) -> bool {
        if in_order && begins_key(info) {
            self.begin();
        }
        self.says_where |= info.goes_up != GoesUp::Untold;
        let timestamp = packet.timestamp;
        if let Some((frame, allowed)) = self.frame
            && frame == timestamp
        {
            return allowed;
        }
        self.current = self.current.min(self.wanted);
        let Some(layer) = info.temporal else {
            return true;
        };
        if layer > self.current && layer <= self.wanted {
            let says = follows.or(match info.descriptor {
                Descriptor::Vp8(descriptor) => Some(descriptor.layer_sync),
                Descriptor::Vp9(descriptor) => descriptor.layers.map(|it| it.switching_up),
                _ => match info.goes_up {
                    GoesUp::Untold => self.says_where.then_some(false),
                    GoesUp::Own | GoesUp::OwnAndAbove => Some(true),
                },
            });
            self.go_up(layer, says, packet.received);
            if self.current == layer && info.goes_up == GoesUp::OwnAndAbove {
                self.current = self.wanted;
            }
        }
        let allowed = layer <= self.current;
        self.frame = Some((timestamp, allowed));
        allowed
    }

    /// A frame of a layer above those that it gets `says` that it needs none of what was left out, that
    /// it does, or nothing.
    fn go_up(&mut self, layer: u8, says: Option<bool>, now: Instant) {
        // That says nothing of the layers between: what comes next of those may need more.
        if says == Some(true) && layer == self.current + 1 {
            self.current = layer;
            self.stays_until = None;
            return;
        }
        let patience = match says {
            Some(_) => FORWARD_UP_PATIENCE,
            None => Duration::ZERO,
        };
        self.stays_until.get_or_insert(now + patience);
    }
}
