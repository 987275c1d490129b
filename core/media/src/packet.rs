//! RTP packets as an application sees them: what it receives, and what it sends.

use crate::frame::{Contributor, EncodedFrame};
use bytes::Bytes;
use duologue_base::{Dscp, Instant, TransceiverId};
use duologue_rtp::ext::{AudioLevel, CaptureTime, CorruptionDetection};
use duologue_rtp::{PayloadType, Rid, Ssrc};

/// A packet of a receiver, decrypted, once whatever repaired it.
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "RTCRtpPacket")]
pub struct RtpPacket {
    /// The SSRC of the packet's stream.
    pub ssrc: Ssrc,
    /// The simulcast layer that the packet belongs to, by its index among those of the
    /// descriptions, 0 where there is one. Key frames are asked for by it.
    pub encoding: usize,
    /// The name of the simulcast layer, where layers have names.
    pub rid: Option<Rid>,
    /// What the payload is, by the receiver's parameters.
    pub payload_type: PayloadType,
    /// The sequence number, extended: the low 16 bits are the packet's own, and it grows beyond them.
    pub sequence_number: u64,
    /// The RTP time stamp, in units of the codec's clock.
    pub timestamp: u32,
    /// The last packet of a frame, of most kinds of video.
    pub marker: bool,
    /// How loud the packet is (RFC 6464).
    pub audio_level: Option<AudioLevel>,
    /// Who contributed to the packet, if a mixer made it.
    pub contributing_sources: Vec<Contributor>,
    /// When the first frame in the packet was captured, if it says so (`abs-capture-time`).
    pub capture_time: Option<CaptureTime>,
    /// What its frame depends on (AV1 RTP payload format, appendix A), as it came; empty where it does
    /// not say. [`DependencyReader`](duologue_rtp::ext::DependencyReader) reads it.
    pub dependency_descriptor: Bytes,
    /// Which layers all streams of a simulcast are sent in, and with which bitrates, where this packet
    /// says it (`video-layers-allocation00`), as it came; empty where it does not.
    /// [`LayersAllocation`](duologue_rtp::ext::LayersAllocation) reads it.
    pub layers_allocation: Box<[u8]>,
    /// Samples of its picture before that was encoded, where this packet has them (`corruption-detection`).
    pub corruption_detection: Option<Box<CorruptionDetection>>,
    /// The payload, its format's own header included (RFC 7741, RFC 6184, …). It may be empty.
    pub payload: Bytes,
    /// When the packet arrived.
    pub received: Instant,
    /// Whether the packet was lost and came by a repair.
    pub repaired: bool,
}

#[cfg(test)]
impl RtpPacket {
    /// An empty one.
    pub(crate) fn for_tests() -> Self {
        RtpPacket {
            ssrc: Ssrc(1),
            encoding: 0,
            rid: None,
            payload_type: PayloadType::new(96).unwrap(),
            sequence_number: 0,
            timestamp: 0,
            marker: false,
            audio_level: None,
            contributing_sources: Vec::new(),
            capture_time: None,
            dependency_descriptor: Bytes::new(),
            layers_allocation: Box::default(),
            corruption_detection: None,
            payload: Bytes::new(),
            received: Instant::ZERO,
            repaired: false,
        }
    }
}

/// Whose media a receiver received: the sender of its stream, or who contributed to that (webrtc-pc
/// §5.3).
#[doc(alias = "RTCRtpContributingSource")]
#[doc(alias = "RTCRtpSynchronizationSource")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RtpSource {
    /// The source's SSRC.
    pub source: Ssrc,
    /// Whether the source contributed; else it sent the packets.
    pub contributing: bool,
    /// When the last packet of the source came.
    pub received: Instant,
    /// The RTP time stamp of the source's last packet, in units of the codec's clock.
    pub timestamp: u32,
    /// How loud the source was, if packets say it.
    pub audio_level: Option<AudioLevel>,
    /// When what is in the source's last packet was captured, as it says or as one shortly before it said.
    pub capture_time: Option<CaptureTime>,
}

/// A packet to send: what the sender does not decide itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[doc(alias = "RTCRtpPacketInit")]
pub struct RtpPacketInit {
    /// The encoding of the sender that the packet belongs to, by its index; 0 where there is one.
    pub encoding: usize,
    /// The payload type, one of the sender's parameters; the preferred codec's when missing.
    pub payload_type: Option<PayloadType>,
    /// The sequence number, for who forwards: gaps stay gaps. The next one when missing.
    pub sequence_number: Option<u16>,
    /// The RTP time stamp, in units of the codec's clock.
    pub timestamp: u32,
    /// The last packet of a frame, of most kinds of video.
    pub marker: bool,
    /// How loud the packet is, told where that is agreed (RFC 6464).
    pub audio_level: Option<AudioLevel>,
    /// Who contributed to the packet, at most fifteen. How loud they are is told where that is
    /// agreed (RFC 6465) and known of all.
    pub contributing_sources: Vec<Contributor>,
    /// When the first frame in the packet was captured, told where that is agreed
    /// (`abs-capture-time`) and does not follow from an earlier packet's.
    pub capture_time: Option<CaptureTime>,
    /// What its frame depends on, told where that is agreed (AV1 RTP payload format, appendix A); empty
    /// for nothing.
    pub dependency_descriptor: Bytes,
    /// Samples of its picture before that was encoded, in one packet of a picture, told where that is agreed
    /// (`corruption-detection`).
    pub corruption_detection: Option<CorruptionDetection>,
    /// The payload, its format's own header included.
    pub payload: Bytes,
}

/// What `setParameters` says of one encoding of a sender, as far as packets are concerned.
#[doc(alias = "RTCRtpEncodingParameters")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SendEncoding {
    /// Whether the encoding is sent. Packets for one that is not are dropped.
    pub active: bool,
    /// `maxBitrate`: bits per second, headers left out.
    pub max_bitrate: Option<u32>,
    /// `priority`, as what it counts beside others: 1, 2, 4 and 8 for `very-low` to `high`.
    pub weight: u16,
    /// How its packets are marked for networks: of `networkPriority` or, without it, `priority`
    /// (RFC 8837 §5).
    pub dscp: Dscp,
}

impl SendEncoding {
    /// An encoding that is sent, or not, as large as it likes and of low priority.
    pub const fn new(active: bool) -> Self {
        SendEncoding {
            active,
            max_bitrate: None,
            weight: 2,
            dscp: Dscp::DEFAULT,
        }
    }
}

impl Default for SendEncoding {
    /// One that is sent.
    fn default() -> Self {
        SendEncoding::new(true)
    }
}

/// What a receiver's host takes from the session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MediaItem {
    /// A packet, in the order of arrival.
    Packet(TransceiverId, RtpPacket),
    /// A frame: of audio in the order of arrival, of video in its order.
    Frame(TransceiverId, EncodedFrame),
}

/// The form in which an application takes what a receiver gets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Outlet {
    /// The application takes nothing: what comes is counted and dropped.
    #[default]
    None,
    /// Packet by packet.
    Packets,
    /// Frame by frame. Those of video that cannot be decoded are left out, and a key frame is asked for.
    Frames,
    /// Both forms: each packet, and the frames they make.
    PacketsAndFrames,
}

impl Outlet {
    pub(crate) fn has_packets(self) -> bool {
        matches!(self, Outlet::Packets | Outlet::PacketsAndFrames)
    }

    pub(crate) fn has_frames(self) -> bool {
        matches!(self, Outlet::Frames | Outlet::PacketsAndFrames)
    }
}
