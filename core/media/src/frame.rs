//! Encoded frames as an application sees them: what it receives, and what it sends.

use bytes::Bytes;
use duologue_base::Instant;
use duologue_rtp::ext::{AudioLevel, CaptureTime, CorruptionDetection};
use duologue_rtp::payload::FrameSize;
use duologue_rtp::{NtpTime, PayloadType, Rid, ScalabilityMode, Ssrc};

/// A frame of a receiver, whole: a packet of audio, or all that a picture consists of.
///
/// VP8 and VP9 are as they are, the spatial layers of a VP9 picture in a superframe; H.264 and H.265
/// with start codes, AV1 as OBUs with sizes ([`duologue_rtp::payload`]).
#[derive(Clone, Debug, PartialEq)]
#[doc(alias = "RTCEncodedVideoFrame")]
#[doc(alias = "RTCEncodedAudioFrame")]
pub struct EncodedFrame {
    /// The SSRC of the frame's stream.
    pub ssrc: Ssrc,
    /// The simulcast layer that the frame belongs to, by its index among those of the descriptions,
    /// 0 where there is one. Key frames are asked for by it.
    pub encoding: usize,
    /// The name of the simulcast layer, where layers have names.
    pub rid: Option<Rid>,
    /// The payload type: which of the receiver's codecs the frame is of.
    pub payload_type: PayloadType,
    /// The frame's RTP time stamp, in units of the codec's clock.
    pub timestamp: u32,
    /// The sequence number of the frame's first packet, extended.
    pub sequence_number: u64,
    /// Whether the frame is a key frame, which needs no other one.
    pub key: bool,
    /// The size of the frame's pictures, where it says it: key frames do. Of several spatial layers
    /// it is the highest one's.
    pub size: Option<FrameSize>,
    /// The temporal layer, where packets say it.
    pub temporal: Option<u8>,
    /// The spatial layer, the highest of several, where dependency descriptors say it.
    pub spatial: Option<u8>,
    /// The frame's number among the frames of its stream, the highest of several spatial layers', where
    /// dependency descriptors say it (AV1 RTP payload format, appendix A).
    pub frame_id: Option<u64>,
    /// The numbers of the frames that it needs, where it has one.
    pub dependencies: Vec<u64>,
    /// Whether no other frame needs this one.
    pub discardable: bool,
    /// How loud the frame is (RFC 6464).
    pub audio_level: Option<AudioLevel>,
    /// Who contributed to the frame, if a mixer made it.
    pub contributing_sources: Vec<Contributor>,
    /// When the frame was captured, by the clock of whoever did, as its packets or those shortly
    /// before them say (`abs-capture-time`).
    pub capture_time: Option<CaptureTime>,
    /// The moment of capture by the clock of this end, about: once a sender report told how the clocks are
    /// to each other.
    pub captured: Option<Instant>,
    /// Samples of the picture before it was encoded, where its packets have them (`corruption-detection`).
    pub corruption_detection: Option<CorruptionDetection>,
    /// The bytes of the encoded frame.
    pub data: Bytes,
    /// When the frame's first packet arrived.
    pub first_received: Instant,
    /// When the frame's last packet arrived.
    pub received: Instant,
    /// Whether some of the frame was lost and came by a repair: it says nothing then of how evenly
    /// packets come.
    pub repaired: bool,
    /// What the last sender report of its stream told, if one came.
    pub sender_time: Option<SenderTime>,
}

impl EncodedFrame {
    /// A delta frame of one packet of which nothing else is known: what recorders and players that are
    /// fed from elsewhere begin with.
    ///
    /// ```
    /// use duologue_base::Instant;
    /// use duologue_media::EncodedFrame;
    /// use duologue_rtp::{PayloadType, Ssrc};
    ///
    /// let payload_type = PayloadType::new(96).unwrap();
    /// let frame = EncodedFrame {
    ///     key: true,
    ///     ..EncodedFrame::new(Ssrc(1), payload_type, 3_000, Instant::ZERO, vec![0x10].into())
    /// };
    /// assert_eq!((frame.timestamp, frame.size), (3_000, None));
    /// ```
    pub fn new(
        ssrc: Ssrc,
        payload_type: PayloadType,
        timestamp: u32,
        received: Instant,
        data: Bytes,
    ) -> Self {
        EncodedFrame {
            ssrc,
            encoding: 0,
            rid: None,
            payload_type,
            timestamp,
            sequence_number: 0,
            key: false,
            size: None,
            temporal: None,
            spatial: None,
            frame_id: None,
            dependencies: Vec::new(),
            discardable: false,
            audio_level: None,
            contributing_sources: Vec::new(),
            capture_time: None,
            captured: None,
            corruption_detection: None,
            data,
            first_received: received,
            received,
            repaired: false,
            sender_time: None,
        }
    }
}

/// A moment by two clocks, as a sender report tells it (RFC 3550 §6.4.1): by it the streams of one
/// sender are brought together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SenderTime {
    /// The moment by the clock that all streams of the sender have in common.
    pub ntp: NtpTime,
    /// The moment by the stream's own clock.
    pub rtp: u32,
}

/// A frame to send: what the sender does not decide itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedFrameInit {
    /// The encoding of the sender that the frame belongs to, by its index; 0 where there is one.
    pub encoding: usize,
    /// The payload type: which of the sender's codecs the frame is of; the preferred one when missing.
    pub payload_type: Option<PayloadType>,
    /// The frame's RTP time stamp, in units of the codec's clock.
    pub timestamp: u32,
    /// How loud the frame is, told where that is agreed (RFC 6464).
    pub audio_level: Option<AudioLevel>,
    /// Who contributed to the frame, at most fifteen. How loud they are is told where that is
    /// agreed (RFC 6465) and known of all.
    pub contributing_sources: Vec<Contributor>,
    /// When the frame was captured elsewhere, told where that is agreed (`abs-capture-time`).
    pub capture_time: Option<CaptureTime>,
    /// When the frame was captured by the clock of this end, of media captured here.
    pub captured: Option<Instant>,
    /// Samples of the picture before it was encoded, told where that is agreed (`corruption-detection`).
    pub corruption_detection: Option<CorruptionDetection>,
    /// The temporal layer, told where the format can.
    pub temporal: Option<u8>,
    /// Into which layers the stream is divided, as key frames have it: all of a picture's spatial layers
    /// are in one frame, and which frame needs which follows from the mode and `temporal`. Without, there
    /// is one spatial layer, and nothing is known of the temporal ones.
    pub scalability_mode: Option<ScalabilityMode>,
    /// A number of the application's by which later frames of this encoding name it.
    pub frame_id: Option<u64>,
    /// The numbers of all frames that it needs, told where that is agreed (AV1 RTP payload format,
    /// appendix A). Without, a frame is told to need what its temporal layer may need.
    pub dependencies: Option<Vec<u64>>,
    /// Whether no other frame needs this one.
    pub discardable: bool,
    /// The frame's bytes, in the form of [`EncodedFrame`].
    pub data: Bytes,
}

/// Who contributed to what a mixer sends (RFC 3550 §3, CSRC).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Contributor {
    /// The stream that the mixer received.
    pub ssrc: Ssrc,
    /// How loud the contributor is (RFC 6465).
    pub audio_level: Option<AudioLevel>,
}
