//! Dictionaries of senders and receivers (webrtc-pc §5.2).

use duologue_jsep as jsep;

use crate::{DegradationPreference, Exception, MediaKind, PriorityType, TransceiverDirection};

/// A codec (webrtc-pc §5.2.8).
#[doc(alias = "RTCRtpCodec")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpCodec {
    /// MIME type, as `audio/opus`.
    pub mime_type: String,
    /// Hertz of the RTP clock.
    pub clock_rate: u32,
    /// Channels of audio.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub channels: Option<u16>,
    /// Format parameters, as after the payload type in `a=fmtp`.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub sdp_fmtp_line: Option<String>,
}

/// A negotiated codec (webrtc-pc §5.2.9).
#[doc(alias = "RTCRtpCodecParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpCodecParameters {
    /// The codec's payload type.
    pub payload_type: u8,
    /// The codec.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub codec: RtpCodec,
}

/// What senders or receivers of a kind can do (webrtc-pc §5.2.10).
#[doc(alias = "RTCRtpCapabilities")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpCapabilities {
    /// Codecs, with a single entry for retransmission.
    pub codecs: Vec<RtpCodec>,
    /// Header extensions.
    pub header_extensions: Vec<RtpHeaderExtensionCapability>,
}

/// A header extension that can be negotiated (webrtc-pc §5.2.11, webrtc-extensions §5).
#[doc(alias = "RTCRtpHeaderExtensionCapability")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpHeaderExtensionCapability {
    /// The extension's URI.
    pub uri: String,
    /// The direction in which it is negotiated; `Stopped` when it is not to be negotiated.
    pub direction: TransceiverDirection,
}

/// A negotiated header extension (webrtc-pc §5.2.7).
#[doc(alias = "RTCRtpHeaderExtensionParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpHeaderExtensionParameters {
    /// The extension's URI.
    pub uri: String,
    /// The extension's number in packets.
    pub id: u16,
    /// Whether the extension is encrypted.
    #[cfg_attr(feature = "serde", serde(default))]
    pub encrypted: bool,
}

/// RTCP's parameters (webrtc-pc §5.2.6).
#[doc(alias = "RTCRtcpParameters")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtcpParameters {
    /// The canonical name in SDES. Receivers have none here.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub cname: Option<String>,
    /// Whether reduced-size RTCP (RFC 5506) is negotiated.
    #[cfg_attr(feature = "serde", serde(default))]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<bool>"))]
    pub reduced_size: bool,
}

/// One encoding of a sender (webrtc-pc §5.2.5, webrtc-extensions, webrtc-priority, webrtc-svc).
#[doc(alias = "RTCRtpEncodingParameters")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpEncodingParameters {
    /// The encoding's RID, when there are several. Read-only in `setParameters`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rid: Option<String>,
    /// Whether the encoding is sent.
    pub active: bool,
    /// The codec to use, else the first negotiated one.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub codec: Option<RtpCodec>,
    /// Bits per second, at most, without the overhead of IP, UDP and RTP (RFC 3890 §6.2.2).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub max_bitrate: Option<u32>,
    /// Frames per second, at most.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub max_framerate: Option<f64>,
    /// The number by which width and height are divided; at least 1.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub scale_resolution_down_by: Option<f64>,
    /// The largest width and height, whichever way the frame lies (webrtc-extensions).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub scale_resolution_down_to: Option<ResolutionRestriction>,
    /// Scalability mode (webrtc-svc), as `L1T2`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub scalability_mode: Option<String>,
    /// Priority among the encodings and channels of the connection (webrtc-priority).
    pub priority: PriorityType,
    /// Priority of its packets in the network (webrtc-priority).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub network_priority: Option<PriorityType>,
    /// Milliseconds of audio per packet, as asked for (webrtc-extensions).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ptime: Option<u32>,
    /// Whether the sender may choose the packet time (webrtc-extensions).
    pub adaptive_ptime: bool,
}

/// A resolution that an encoding does not exceed (webrtc-extensions).
#[doc(alias = "RTCResolutionRestriction")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct ResolutionRestriction {
    /// The largest width.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub max_width: Option<u32>,
    /// The largest height.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub max_height: Option<u32>,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        RtpEncodingParameters {
            rid: None,
            active: true,
            codec: None,
            max_bitrate: None,
            max_framerate: None,
            scale_resolution_down_by: None,
            scale_resolution_down_to: None,
            scalability_mode: None,
            priority: PriorityType::Low,
            network_priority: None,
            ptime: None,
            adaptive_ptime: false,
        }
    }
}

/// What `getParameters` of a sender returns and `setParameters` takes (webrtc-pc §5.2.2).
#[doc(alias = "RTCRtpSendParameters")]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpSendParameters {
    /// Ties a `setParameters` to the `getParameters` before it.
    pub transaction_id: String,
    /// The encodings, in order.
    pub encodings: Vec<RtpEncodingParameters>,
    /// Negotiated header extensions. Read-only.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// RTCP's parameters. Read-only.
    pub rtcp: RtcpParameters,
    /// Negotiated codecs. Read-only.
    pub codecs: Vec<RtpCodecParameters>,
    /// What the encoder gives up first (mst-content-hint).
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub degradation_preference: Option<DegradationPreference>,
}

/// What `getParameters` of a receiver returns (webrtc-pc §5.2.3).
#[doc(alias = "RTCRtpReceiveParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct RtpReceiveParameters {
    /// Header extensions that the receiver is prepared to receive.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// RTCP's parameters.
    pub rtcp: RtcpParameters,
    /// Codecs that the receiver is prepared to receive.
    pub codecs: Vec<RtpCodecParameters>,
}

/// Options of `addTransceiver` (webrtc-pc §5.1).
#[doc(alias = "RTCRtpTransceiverInit")]
#[derive(Clone, Debug, PartialEq)]
pub struct TransceiverInit {
    /// The transceiver's direction.
    pub direction: TransceiverDirection,
    /// Ids of the streams its sender's track belongs to.
    pub streams: Vec<crate::MediaStreamId>,
    /// The sender's encodings; several of them make simulcast.
    pub send_encodings: Vec<RtpEncodingParameters>,
}

impl Default for TransceiverInit {
    fn default() -> Self {
        TransceiverInit {
            direction: TransceiverDirection::Sendrecv,
            streams: Vec::new(),
            send_encodings: Vec::new(),
        }
    }
}

impl TransceiverInit {
    /// The defaults with this direction.
    pub fn with_direction(direction: TransceiverDirection) -> Self {
        TransceiverInit {
            direction,
            ..Self::default()
        }
    }
}

/// First argument of `addTransceiver`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TrackOrKind {
    /// A track to send.
    Track(crate::Track),
    /// A kind; there is nothing to send yet.
    Kind(MediaKind),
}

impl From<MediaKind> for TrackOrKind {
    fn from(kind: MediaKind) -> Self {
        TrackOrKind::Kind(kind)
    }
}

impl From<crate::Track> for TrackOrKind {
    fn from(track: crate::Track) -> Self {
        TrackOrKind::Track(track)
    }
}

impl RtpCodec {
    /// The core's form. None for a MIME type that is not audio or video.
    pub(crate) fn to_jsep(&self) -> Option<jsep::Codec> {
        let (kind, name) = self.mime_type.split_once('/')?;
        let kind = match kind.to_ascii_lowercase().as_str() {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => return None,
        };
        Some(jsep::Codec {
            kind,
            name: name.to_owned(),
            clock_rate: self.clock_rate,
            channels: match self.channels {
                Some(channels) => Some(u8::try_from(channels).ok()?),
                None => None,
            },
            sdp_fmtp_line: self.sdp_fmtp_line.clone(),
        })
    }

    /// "Codec dictionary match".
    pub(crate) fn matches(&self, other: &jsep::Codec) -> bool {
        self.to_jsep()
            .is_some_and(|codec| codec.same_dictionary(other))
    }

    /// "Codec dictionary match" with ignoreAsymmetricalParameters.
    pub(crate) fn matches_ignoring_asymmetry(&self, other: &jsep::Codec) -> bool {
        self.sdp_fmtp_line.is_some() == other.sdp_fmtp_line.is_some()
            && self.to_jsep().is_some_and(|codec| codec.matches(other))
    }
}

impl From<jsep::Codec> for RtpCodec {
    fn from(codec: jsep::Codec) -> Self {
        RtpCodec {
            mime_type: codec.mime_type(),
            clock_rate: codec.clock_rate,
            channels: match codec.kind {
                // RFC 8866 §6.6: no number means one channel.
                MediaKind::Audio => Some(codec.channels.map_or(1, u16::from)),
                MediaKind::Video => None,
            },
            sdp_fmtp_line: codec.sdp_fmtp_line,
        }
    }
}

/// A legal `rid` of an encoding: RFC 8851 §10 allows letters and digits only, and an element of a
/// one-byte header extension has room for 16 of them (RFC 8285 §4.2, RFC 8852 §3.1).
pub(crate) fn is_rid(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The encodings of a sender that was given none.
pub(crate) fn default_encodings(kind: MediaKind) -> Vec<RtpEncodingParameters> {
    vec![RtpEncodingParameters {
        scale_resolution_down_by: (kind == MediaKind::Video).then_some(1.0),
        ..RtpEncodingParameters::default()
    }]
}

/// 2^(count - index - 1): smaller to larger resolutions, the last one unscaled.
pub(crate) fn default_scale(index: usize, count: usize) -> f64 {
    f64::from(1u32 << (count - index - 1).min(31))
}

/// webrtc-extensions, `scaleResolutionDownTo`: why the encodings' restrictions are not valid.
pub(crate) fn check_restrictions(encodings: &[RtpEncodingParameters]) -> Result<(), &'static str> {
    let sides = |to: &ResolutionRestriction| [to.max_width, to.max_height];
    let mut given = encodings
        .iter()
        .filter_map(|e| e.scale_resolution_down_to.as_ref());
    if given.any(|to| sides(to).iter().any(|side| side.unwrap_or(0) == 0)) {
        return Err("scaleResolutionDownTo has no width or no height");
    }
    let mut active = encodings.iter().filter(|e| e.active);
    let first = active.next().map(|e| e.scale_resolution_down_to.is_some());
    if active.any(|e| Some(e.scale_resolution_down_to.is_some()) != first) {
        return Err("only some of the active encodings have scaleResolutionDownTo");
    }
    Ok(())
}

/// The `RangeError`s of `addTransceiver` and `setParameters`. `maxFramerate` may be 0: it freezes
/// the video (§5.2.5).
pub(crate) fn check_ranges(encodings: &[RtpEncodingParameters]) -> Result<(), Exception> {
    for encoding in encodings {
        if encoding.scale_resolution_down_by.is_some_and(|by| by < 1.0) {
            return Err(Exception::range_error(
                "scaleResolutionDownBy is at least 1",
            ));
        }
        if encoding.max_framerate.is_some_and(|rate| rate < 0.0) {
            return Err(Exception::range_error("maxFramerate is at least 0"));
        }
    }
    Ok(())
}
