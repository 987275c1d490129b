//! What one receiver gets of a publisher.

use bytes::Bytes;
use duologue_base::Instant;
use duologue_rtp::ext::CaptureTime;
use duologue_rtp::payload::{Boundary, Descriptor, PacketInfo, PayloadFormat, PictureId};

use crate::limits::{FORWARD_KEY_FRAME_INTERVAL, FORWARD_STEP};
use crate::packet::{RtpPacket, RtpPacketInit};

use super::Choice;
use super::layers::Layers;
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
        /// Until the next key frame of this one.
        then: Option<usize>,
    },
}

/// The spatial layers of one stream that a receiver gets.
#[derive(Clone, Copy, Debug)]
struct Spatial {
    most: u8,
    /// Up to this one it gets them.
    current: u8,
}

/// The numbers of frames in dependency descriptors.
#[derive(Clone, Copy, Debug, Default)]
struct FrameNumbers {
    /// What is added to the source's numbers.
    offset: u16,
    /// The highest that was given out.
    last: Option<u16>,
}

/// The temporal layers that a receiver gets.
#[derive(Clone, Copy, Debug)]
struct Temporal {
    most: u8,
    /// Up to this one it gets them: it goes up where a frame allows it.
    current: u8,
    /// The time stamp of a frame, and whether the receiver gets it.
    frame: Option<(u32, bool)>,
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
                current: u8::MAX,
                frame: None,
            },
            spatial: Spatial {
                most: u8::MAX,
                current: u8::MAX,
            },
            frames: FrameNumbers::default(),
        }
    }

    pub(super) fn current(&self) -> Option<usize> {
        match self.state {
            State::Forwarding { layer, .. } => Some(layer),
            State::Nothing | State::Waiting { .. } => None,
        }
    }

    /// The layer whose key frame is waited for.
    pub(super) fn wanted(&self) -> Option<usize> {
        match self.state {
            State::Waiting { layer, .. } => Some(layer),
            State::Forwarding { then, .. } => then,
            State::Nothing => None,
        }
    }

    pub(super) fn has_nothing(&self) -> bool {
        matches!(self.state, State::Nothing)
    }

    pub(super) fn limit_temporal(&mut self, most: Option<u8>) {
        self.temporal.most = most.unwrap_or(u8::MAX);
    }

    pub(super) fn limit_spatial(&mut self, most: Option<u8>) {
        self.spatial.most = most.unwrap_or(u8::MAX);
    }

    /// Makes of the choice which layer it is.
    pub(super) fn decide(&mut self, now: Instant, layers: &Layers) {
        let target = match self.choice {
            Choice::Nothing => None,
            Choice::Layer(layer) => Some(layer),
            Choice::Bitrate(bitrate) => {
                let kept = self.wanted().or(self.current());
                let best = layers.best(now, bitrate, kept);
                best.or(kept).or_else(|| layers.first())
            }
        };
        let before = self.wanted();
        self.state = match (self.state, target) {
            (_, None) => State::Nothing,
            (State::Forwarding { layer, .. }, Some(target)) => State::Forwarding {
                layer,
                then: Some(target).filter(|target| *target != layer),
            },
            (State::Waiting { after, .. }, Some(layer)) => State::Waiting { layer, after },
            (State::Nothing, Some(layer)) => State::Waiting { layer, after: None },
        };
        if self.wanted() != before {
            self.asked = None;
        }
    }

    /// What comes is of another codec: it begins with a key frame, and its pictures have numbers of
    /// their own.
    pub(super) fn begin_anew(&mut self) {
        if let State::Forwarding { layer, then } = self.state {
            self.state = State::Waiting {
                layer: then.unwrap_or(layer),
                after: Some(layer),
            };
        }
        self.asked = None;
        self.pictures = Numbers::default();
        self.lowest = (0, None);
    }

    /// The layer of which a key frame is to be asked for now.
    pub(super) fn asks_for(&mut self, now: Instant) -> Option<usize> {
        let wanted = self.wanted()?;
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
        let begins_key = info.key == Some(true) && info.begins != Boundary::No;
        if self.wanted() == Some(packet.encoding) && begins_key {
            self.switch(layers, packet, info, picture);
        }
        if self.current() != Some(packet.encoding) {
            return None;
        }
        if !self.temporal.allows(packet.timestamp, info) {
            self.packets.leave_out(packet.sequence_number);
            if let Some(picture) = picture {
                self.pictures.leave_out(picture);
            }
            return None;
        }
        if !self.spatial.allows(info) {
            // Its picture is there without it.
            self.packets.leave_out(packet.sequence_number);
            return None;
        }

        let number = self.packets.map(packet.sequence_number)?;
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
        self.state = State::Forwarding { layer, then: None };
        self.asked = None;
        self.spatial.current = self.spatial.most;
        self.frames.begin(&packet.dependency_descriptor);
        self.temporal.current = self.temporal.most;
        self.temporal.frame = None;
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

impl Spatial {
    fn allows(&mut self, info: &PacketInfo<'_>) -> bool {
        self.current = self.current.min(self.most);
        let Some(layer) = info.spatial else {
            return true;
        };
        if info.key == Some(true) && info.begins != Boundary::No {
            self.current = self.most;
        }
        layer <= self.current
    }

    /// RFC 9628 §4.1: the marker is on the last packet of a picture, which is that of the highest layer
    /// that is left.
    fn ends(&self, info: &PacketInfo<'_>) -> bool {
        info.spatial == Some(self.current) && info.ends == Boundary::Certain
    }
}

impl FrameNumbers {
    /// Another source begins with this descriptor: its frames go on behind what was given out.
    fn begin(&mut self, descriptor: &[u8]) {
        if let (Some(number), Some(last)) = (number_of(descriptor), self.last) {
            self.offset = last.wrapping_add(1).wrapping_sub(number);
        }
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

/// `frame_number` (AV1 RTP payload format, A.8.2 `mandatory_descriptor_fields`).
fn number_of(descriptor: &[u8]) -> Option<u16> {
    let [_, n0, n1] = *descriptor.first_chunk()?;
    Some(u16::from_be_bytes([n0, n1]))
}

impl Temporal {
    /// All packets of a frame have its time stamp.
    fn allows(&mut self, timestamp: u32, info: &PacketInfo<'_>) -> bool {
        if let Some((frame, allowed)) = self.frame
            && frame == timestamp
        {
            return allowed;
        }
        self.current = self.current.min(self.most);
        let Some(layer) = info.temporal else {
            return true;
        };
        let goes_up = match info.descriptor {
            Descriptor::Vp8(descriptor) => descriptor.layer_sync,
            Descriptor::Vp9(descriptor) => descriptor.layers.is_some_and(|it| it.switching_up),
            _ => false,
        };
        if layer > self.current && layer <= self.most && (goes_up || info.key == Some(true)) {
            self.current = layer;
        }
        let allowed = layer <= self.current;
        self.frame = Some((timestamp, allowed));
        allowed
    }
}
