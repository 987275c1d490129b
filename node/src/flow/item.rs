//! What passes: frames and packets in one form for both directions.

use bytes::Bytes;
use duologue_base::Instant;
use duologue_rtp::ext::{AudioLevel, CaptureTime, CorruptionDetection};
use duologue_rtp::{PayloadType, ScalabilityMode};
use duologue_session::{
    Contributor, EncodedFrame, EncodedFrameInit, RtpPacket, RtpPacketInit, SenderTime,
};

use super::queue::Item;
use crate::limits::{MAX_FRAME_BYTES, MAX_FRAMES, MAX_PACKET_BYTES, MAX_PACKETS};

/// Of a frame or packet, what JavaScript sees as numbers. What an end does not know is missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Info {
    /// Which encoding of the sender, or which simulcast layer of the receiver.
    pub(super) encoding: usize,
    pub(super) ssrc: Option<u32>,
    pub(super) payload_type: Option<u8>,
    pub(super) timestamp: u32,
    pub(super) sequence_number: Option<u64>,
    /// How loud it is, in dB below overload, and whether somebody speaks (RFC 6464).
    pub(super) audio_level: Option<(u8, bool)>,
    pub(super) received: Option<Instant>,
    /// When it was captured, by our clock.
    pub(super) captured: Option<Instant>,
    /// When it was captured, by the clock of whoever did.
    pub(super) capture_time: Option<CaptureTime>,
    pub(super) contributors: Vec<Contributor>,
    /// The layer's name.
    pub(super) rid: Option<String>,
    /// Into which layers the encoder divides its stream.
    pub(super) scalability_mode: Option<ScalabilityMode>,
    /// Samples of a picture before it was encoded. They do not pass JavaScript: a transform there may encrypt what
    /// they show.
    pub(super) corruption_detection: Option<CorruptionDetection>,
}

/// An encoded frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(super) info: Info,
    pub(super) key: bool,
    pub(super) discardable: bool,
    pub(super) size: Option<(u32, u32)>,
    pub(super) temporal: Option<u8>,
    /// What it depends on, where that is told.
    pub(super) place: Place,
    pub(super) came: Option<Came>,
    pub(super) data: Bytes,
}

/// How a frame came, which is of use to who plays it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(super) first_received: Instant,
    pub(super) repaired: bool,
    pub(super) sender_time: Option<SenderTime>,
}

/// A frame among those of its stream (AV1 RTP payload format, appendix A).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Place {
    pub(super) id: Option<u64>,
    pub(super) dependencies: Vec<u64>,
    pub(super) spatial: Option<u8>,
}

/// An RTP packet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packet {
    pub(super) info: Info,
    pub(super) marker: bool,
    pub(super) repaired: bool,
    pub(super) payload: Bytes,
}

impl From<EncodedFrame> for Frame {
    fn from(frame: EncodedFrame) -> Self {
        let level = frame.audio_level;
        Frame {
            info: Info {
                encoding: 0,
                ssrc: Some(frame.ssrc.0),
                payload_type: Some(frame.payload_type.get()),
                timestamp: frame.timestamp,
                sequence_number: Some(frame.sequence_number),
                audio_level: level.map(|it| (it.level(), it.voice())),
                received: Some(frame.received),
                captured: frame.captured,
                capture_time: frame.capture_time,
                contributors: frame.contributing_sources,
                rid: frame.rid.map(|rid| rid.to_string()),
                scalability_mode: None,
                corruption_detection: frame.corruption_detection,
            },
            key: frame.key,
            discardable: frame.discardable,
            size: frame.size.map(|size| (size.width, size.height)),
            temporal: frame.temporal,
            came: Some(Came {
                first_received: frame.first_received,
                repaired: frame.repaired,
                sender_time: frame.sender_time,
            }),
            place: Place {
                id: frame.frame_id,
                dependencies: frame.dependencies,
                spatial: frame.spatial,
            },
            data: frame.data,
        }
    }
}

impl From<Frame> for EncodedFrameInit {
    fn from(frame: Frame) -> Self {
        let Info {
            encoding,
            payload_type,
            timestamp,
            audio_level,
            captured,
            capture_time,
            contributors,
            scalability_mode,
            corruption_detection,
            ..
        } = frame.info;
        EncodedFrameInit {
            encoding,
            payload_type: payload_type.and_then(PayloadType::new),
            timestamp,
            audio_level: audio_level.map(|(level, voice)| AudioLevel::new(voice, level)),
            contributing_sources: contributors,
            capture_time,
            captured,
            temporal: frame.temporal,
            scalability_mode,
            corruption_detection,
            frame_id: frame.place.id,
            dependencies: frame.place.id.map(|_| frame.place.dependencies),
            discardable: frame.discardable,
            data: frame.data,
        }
    }
}

impl From<RtpPacket> for Packet {
    fn from(packet: RtpPacket) -> Self {
        let level = packet.audio_level;
        Packet {
            info: Info {
                encoding: 0,
                ssrc: Some(packet.ssrc.0),
                payload_type: Some(packet.payload_type.get()),
                timestamp: packet.timestamp,
                sequence_number: Some(packet.sequence_number),
                audio_level: level.map(|it| (it.level(), it.voice())),
                received: Some(packet.received),
                captured: None,
                capture_time: packet.capture_time,
                contributors: packet.contributing_sources,
                rid: packet.rid.map(|rid| rid.to_string()),
                scalability_mode: None,
                corruption_detection: None,
            },
            marker: packet.marker,
            repaired: packet.repaired,
            payload: packet.payload,
        }
    }
}

impl From<Packet> for RtpPacketInit {
    fn from(packet: Packet) -> Self {
        let Info {
            encoding,
            payload_type,
            timestamp,
            sequence_number,
            audio_level,
            capture_time,
            contributors,
            ..
        } = packet.info;
        RtpPacketInit {
            encoding,
            payload_type: payload_type.and_then(PayloadType::new),
            sequence_number: sequence_number.map(|number| number as u16),
            timestamp,
            marker: packet.marker,
            audio_level: audio_level.map(|(level, voice)| AudioLevel::new(voice, level)),
            contributing_sources: contributors,
            capture_time,
            dependency_descriptor: Bytes::new(),
            corruption_detection: None,
            payload: packet.payload,
        }
    }
}

impl Item for Frame {
    const LIMIT: usize = MAX_FRAMES;
    const LIMIT_BYTES: usize = MAX_FRAME_BYTES;

    fn payload(&mut self) -> &mut Bytes {
        &mut self.data
    }

    fn len(&self) -> usize {
        self.data.len()
    }
}

impl Item for Packet {
    const LIMIT: usize = MAX_PACKETS;
    const LIMIT_BYTES: usize = MAX_PACKET_BYTES;

    fn payload(&mut self) -> &mut Bytes {
        &mut self.payload
    }

    fn len(&self) -> usize {
        self.payload.len()
    }
}
