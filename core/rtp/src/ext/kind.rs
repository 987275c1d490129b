/// The header extensions that are known here.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum ExtensionKind {
    // Those whose bytes stay where they are come first: `Extensions` has their places by number.
    /// Which m-section a packet belongs to (RFC 9143 §15).
    Mid,
    /// Which stream of the m-section (RFC 8852 §3.1).
    Rid,
    /// Which stream of the m-section a repair packet is for (RFC 8852 §3.2).
    RepairedRid,
    /// The audio levels of the contributing sources (RFC 6465).
    CsrcAudioLevel,
    /// What a frame depends on (AV1 RTP payload format, appendix A).
    DependencyDescriptor,
    /// Layers and bitrates of all streams of a simulcast (`video-layers-allocation00`).
    VideoLayersAllocation,
    /// When a frame passed the stages of the sender (`video-timing`).
    VideoTiming,
    /// The colour space of the picture (`color-space`).
    ColorSpace,
    /// Samples of the picture before it was encoded (`corruption-detection`).
    CorruptionDetection,
    /// The audio level of the packet (RFC 6464).
    AudioLevel,
    /// When the packet left, in 24 bits (`abs-send-time`).
    AbsSendTime,
    /// The number for feedback over all streams (draft-holmer-rmcat-transport-wide-cc-extensions).
    TransportSequence,
    /// The number for feedback over all streams, and where feedback is wanted
    /// (`transport-wide-cc-02`).
    TransportSequence02,
    /// When the media was captured (`abs-capture-time`).
    AbsCaptureTime,
    /// How a picture is to be turned (3GPP TS 26.114 §7.4.5).
    VideoOrientation,
    /// Within which bounds to delay the picture (`playout-delay`).
    PlayoutDelay,
    /// How long after its time stamp the packet left (RFC 5450).
    TransmissionOffset,
    /// A camera or a screen (`video-content-type`).
    VideoContentType,
}

impl ExtensionKind {
    /// All kinds of extensions.
    pub const ALL: [ExtensionKind; 18] = [
        ExtensionKind::Mid,
        ExtensionKind::Rid,
        ExtensionKind::RepairedRid,
        ExtensionKind::CsrcAudioLevel,
        ExtensionKind::DependencyDescriptor,
        ExtensionKind::VideoLayersAllocation,
        ExtensionKind::VideoTiming,
        ExtensionKind::ColorSpace,
        ExtensionKind::CorruptionDetection,
        ExtensionKind::AudioLevel,
        ExtensionKind::AbsSendTime,
        ExtensionKind::TransportSequence,
        ExtensionKind::TransportSequence02,
        ExtensionKind::AbsCaptureTime,
        ExtensionKind::VideoOrientation,
        ExtensionKind::PlayoutDelay,
        ExtensionKind::TransmissionOffset,
        ExtensionKind::VideoContentType,
    ];

    /// Those before this number are passed on as places, not as values.
    pub(crate) const PLACED: usize = 9;

    /// The URI that names the extension in `a=extmap`.
    pub const fn uri(self) -> &'static str {
        match self {
            ExtensionKind::Mid => uri::MID,
            ExtensionKind::Rid => uri::RID,
            ExtensionKind::RepairedRid => uri::REPAIRED_RID,
            ExtensionKind::CsrcAudioLevel => uri::CSRC_AUDIO_LEVEL,
            ExtensionKind::DependencyDescriptor => uri::DEPENDENCY_DESCRIPTOR,
            ExtensionKind::VideoLayersAllocation => uri::VIDEO_LAYERS_ALLOCATION,
            ExtensionKind::VideoTiming => uri::VIDEO_TIMING,
            ExtensionKind::ColorSpace => uri::COLOR_SPACE,
            ExtensionKind::CorruptionDetection => uri::CORRUPTION_DETECTION,
            ExtensionKind::AudioLevel => uri::AUDIO_LEVEL,
            ExtensionKind::AbsSendTime => uri::ABS_SEND_TIME,
            ExtensionKind::TransportSequence => uri::TRANSPORT_SEQUENCE,
            ExtensionKind::TransportSequence02 => uri::TRANSPORT_SEQUENCE_02,
            ExtensionKind::AbsCaptureTime => uri::ABS_CAPTURE_TIME,
            ExtensionKind::VideoOrientation => uri::VIDEO_ORIENTATION,
            ExtensionKind::PlayoutDelay => uri::PLAYOUT_DELAY,
            ExtensionKind::TransmissionOffset => uri::TRANSMISSION_OFFSET,
            ExtensionKind::VideoContentType => uri::VIDEO_CONTENT_TYPE,
        }
    }

    /// The extension that this URI of `a=extmap` names; `None` if it is not known.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.uri() == uri)
    }

    pub(crate) const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// The URIs of the known header extensions, as `a=extmap` has them (RFC 8285 §5).
pub mod uri {
    /// RFC 9143 §15
    pub const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    /// RFC 8852 §4.3
    pub const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    /// RFC 8852 §4.4
    pub const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    /// RFC 6464 §5
    pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    /// RFC 6465 §5
    pub const CSRC_AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:csrc-audio-level";
    /// RFC 5450 §5
    pub const TRANSMISSION_OFFSET: &str = "urn:ietf:params:rtp-hdrext:toffset";
    /// libwebrtc's
    pub const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 §2
    pub const TRANSPORT_SEQUENCE: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    /// libwebrtc's
    pub const TRANSPORT_SEQUENCE_02: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02";
    /// libwebrtc's
    pub const ABS_CAPTURE_TIME: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    /// 3GPP TS 26.114 §7.4.5
    pub const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";
    /// libwebrtc's
    pub const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
    /// AV1 RTP payload format, appendix A.9
    pub const DEPENDENCY_DESCRIPTOR: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
    /// libwebrtc's
    pub const VIDEO_LAYERS_ALLOCATION: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";
    /// libwebrtc's
    pub const VIDEO_TIMING: &str = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing";
    /// libwebrtc's
    pub const COLOR_SPACE: &str = "http://www.webrtc.org/experiments/rtp-hdrext/color-space";
    /// libwebrtc's
    pub const CORRUPTION_DETECTION: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/corruption-detection";
    /// libwebrtc's
    pub const VIDEO_CONTENT_TYPE: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_uri_of_its_own() {
        for (number, kind) in ExtensionKind::ALL.into_iter().enumerate() {
            assert_eq!(ExtensionKind::from_uri(kind.uri()), Some(kind));
            assert_eq!(kind as usize, number);
        }
        assert_eq!(ExtensionKind::from_uri("urn:example"), None);
    }
}
