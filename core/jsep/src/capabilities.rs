use std::sync::Arc;

use duologue_rtp::ext::uri;
use duologue_rtp::{Codec, CodecRole, MediaKind, PayloadType, RtcpFeedback, ScalabilityMode};

use crate::{Direction, MEDIA_PLANE};

/// What this end can do: what `RTCRtpSender.getCapabilities()` and
/// `RTCRtpReceiver.getCapabilities()` tell, and what offers and answers are made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capabilities {
    /// Codecs of both kinds in order of preference. Retransmission formats are not in the list:
    /// see [`CodecCapability::rtx`].
    pub codecs: Vec<CodecCapability>,
    /// Header extensions of both kinds.
    pub header_extensions: Vec<HeaderExtensionCapability>,
    /// How many simulcast layers a sender may have.
    pub max_encodings: usize,
    /// Whether the ICE agents of this end are lite (RFC 8445 §2.5), which descriptions say.
    pub ice_lite: bool,
    /// Whether the ICE agents of this end nominate again, and follow who does (draft-thatcher-ice-renomination), which
    /// descriptions say.
    pub ice_renomination: bool,
    /// Whether the ICE agents of this end carry the DTLS handshake in checks (draft-hancke-webrtc-sped), which offers say.
    /// A peer that offers it is answered always.
    pub sped: bool,
    /// Offers to set SCTP up by the descriptions (draft-hancke-tsvwg-snap). A peer that offers it is
    /// answered always.
    pub sctp_snap: bool,
}

/// A codec that this end has.
#[doc(alias = "RTCRtpCodecCapability")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodecCapability {
    /// The codec.
    pub codec: Codec,
    /// The preferred payload type of the codec.
    pub payload_type: PayloadType,
    /// The payload type its retransmissions like best; `None` when it is not retransmitted.
    pub rtx: Option<PayloadType>,
    /// Whether the codec is offered without being asked for by codec preferences.
    pub offer: bool,
    /// Whether retransmissions of the codec are offered, too.
    pub offer_rtx: bool,
    /// The RTCP feedback that the codec understands.
    pub feedback: Vec<RtcpFeedback>,
    /// Whether the codec can be sent (an encoder or pass-through exists).
    pub send: bool,
    /// Whether the codec can be received.
    pub receive: bool,
    /// Into which layers what is sent can be divided (webrtc-svc); none of audio.
    pub scalability_modes: Vec<ScalabilityMode>,
}

/// An RTP header extension that this end understands.
#[doc(alias = "RTCRtpHeaderExtensionCapability")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderExtensionCapability {
    /// The kind of media that the header extension is for.
    pub kind: MediaKind,
    /// The extension's URI (RFC 8285 §5).
    pub uri: String,
    /// The direction it is offered in by default; `None` (the W3C's `"stopped"`) when it has to
    /// be asked for by `setHeaderExtensionsToNegotiate`.
    pub direction: Option<Direction>,
}

/// The list does not suit `setCodecPreferences`: an unknown codec, or none that carries media.
/// W3C: `InvalidModificationError`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PreferenceError;

impl std::fmt::Display for PreferenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the codecs are not among the capabilities, or none of them carries media")
    }
}

impl std::error::Error for PreferenceError {}

impl Capabilities {
    /// Capabilities without any codec and header extension: data channels only.
    pub fn none() -> Self {
        Capabilities {
            codecs: Vec::new(),
            header_extensions: Vec::new(),
            max_encodings: 1,
            ice_lite: false,
            ice_renomination: false,
            sped: false,
            sctp_snap: false,
        }
    }

    /// The codecs that `RTCRtpSender.getCapabilities(kind)` lists. FlexFEC is not among them, as in
    /// Chromium 156: it is sent where the other end offers it, and not offered where media is sent.
    pub fn send_codecs(&self, kind: MediaKind) -> Vec<Codec> {
        self.listed(kind, |c| c.send && !c.codec.is_flexfec())
    }

    /// The codecs that `RTCRtpReceiver.getCapabilities(kind)` lists.
    pub fn receive_codecs(&self, kind: MediaKind) -> Vec<Codec> {
        self.listed(kind, |c| c.receive)
    }

    /// Into which layers a codec can be divided when it is sent, whatever its profile is.
    pub fn scalability_modes(&self, codec: &Codec) -> &[ScalabilityMode] {
        let mut sent = self.codecs.iter().filter(|it| it.send);
        let same = |it: &Codec| it.kind == codec.kind && it.name.eq_ignore_ascii_case(&codec.name);
        let found = sent.find(|it| same(&it.codec));
        found.map_or(&[][..], |it| &it.scalability_modes[..])
    }

    /// The header extensions of a kind.
    pub fn extensions(&self, kind: MediaKind) -> impl Iterator<Item = &HeaderExtensionCapability> {
        self.header_extensions
            .iter()
            .filter(move |e| e.kind == kind)
    }

    /// The value of `[[PreferredCodecs]]` for an argument of `setCodecPreferences`
    /// (webrtc-pc §5.4, steps 2 to 8): duplicates removed, every codec known.
    ///
    /// # Errors
    /// A codec that is not among the capabilities of the kind; none that carries media.
    pub fn preferences(
        &self,
        kind: MediaKind,
        codecs: &[Codec],
    ) -> Result<Vec<Codec>, PreferenceError> {
        let known = self.listed(kind, |c| c.send || c.receive);
        let mut preferred: Vec<Codec> = Vec::new();
        for codec in codecs {
            let found = known.iter().find(|k| k.same_dictionary(codec));
            let found = found.ok_or(PreferenceError)?;
            if !preferred.contains(found) {
                preferred.push(found.clone());
            }
        }
        match preferred.is_empty() || preferred.iter().any(Codec::is_media) {
            true => Ok(preferred),
            false => Err(PreferenceError),
        }
    }

    /// Codecs of a kind, with one entry that stands for all retransmission formats after the
    /// first codec that has one.
    fn listed(&self, kind: MediaKind, which: impl Fn(&CodecCapability) -> bool) -> Vec<Codec> {
        let mut codecs = Vec::new();
        let mut rtx_listed = false;
        for capability in self
            .codecs
            .iter()
            .filter(|c| c.codec.kind == kind && which(c))
        {
            codecs.push(capability.codec.clone());
            if capability.rtx.is_some() && !rtx_listed {
                codecs.push(Codec::rtx(kind, capability.codec.clock_rate, None));
                rtx_listed = true;
            }
        }
        codecs
    }
}

/// A codec that an m-section may list, before it has a payload type.
#[derive(Clone, Debug)]
pub(crate) struct LocalCodec<'a> {
    pub(crate) capability: &'a CodecCapability,
    /// Its retransmission format is wanted too.
    pub(crate) rtx: bool,
}

impl Capabilities {
    /// The codecs that an m-section of this direction may list, the preferred first: the
    /// preferences' order, without those that cannot go in the direction (RFC 9429 §5.2.1,
    /// webrtc-pc §5.4.1).
    pub(crate) fn usable(
        &self,
        kind: MediaKind,
        preferences: &[Codec],
        direction: Direction,
    ) -> Vec<LocalCodec<'_>> {
        let of_kind = || self.codecs.iter().filter(move |c| c.codec.kind == kind);
        let rtx = preferences.is_empty() || preferences.iter().any(|c| c.role() == CodecRole::Rtx);
        let ordered: Vec<&CodecCapability> = match preferences {
            [] => of_kind().collect(),
            _ => preferences
                .iter()
                .filter_map(|p| of_kind().find(|c| c.codec.same_dictionary(p)))
                .collect(),
        };
        let goes = |c: &CodecCapability| match direction {
            Direction::SendRecv => c.send && c.receive,
            Direction::SendOnly => c.send,
            Direction::RecvOnly => c.receive,
            Direction::Inactive => c.send || c.receive,
        };
        ordered
            .into_iter()
            .filter(|c| goes(c))
            .map(|capability| LocalCodec { capability, rtx })
            .collect()
    }
}

impl Capabilities {
    /// [`usable`](Self::usable) codecs of an offer: without preferences only those that are offered
    /// unasked. As in Chromium 156, FlexFEC is among them where nothing is sent: its stream would be
    /// another source of the track, which ends that do not know the group `FEC-FR` take for a track
    /// of its own.
    pub(crate) fn offerable(
        &self,
        kind: MediaKind,
        preferences: &[Codec],
        direction: Direction,
    ) -> Vec<LocalCodec<'_>> {
        let mut usable = self.usable(kind, preferences, direction);
        if preferences.is_empty() {
            usable.retain(|LocalCodec { capability, .. }| {
                capability.offer && !(direction.sends() && capability.codec.is_flexfec())
            });
            for local in &mut usable {
                local.rtx &= local.capability.offer_rtx;
            }
        }
        usable
    }
}

impl Default for Capabilities {
    /// What a media server or native client negotiates: the codecs and header extensions that
    /// Chromium has. What [`MEDIA_PLANE`] does not do is not offered unasked.
    fn default() -> Self {
        let audio = AUDIO.iter().map(|row| row.capability(MediaKind::Audio));
        let video = VIDEO.iter().map(|row| row.capability(MediaKind::Video));
        let extensions = EXTENSIONS.iter().flat_map(|(kinds, uri, on)| {
            kinds.iter().map(move |kind| HeaderExtensionCapability {
                kind: *kind,
                uri: (*uri).to_owned(),
                direction: on.then_some(Direction::SendRecv),
            })
        });
        Capabilities {
            codecs: audio.chain(video).collect(),
            header_extensions: extensions.collect(),
            max_encodings: 3,
            ice_lite: false,
            ice_renomination: false,
            sped: false,
            sctp_snap: false,
        }
    }
}

impl Capabilities {
    /// Feedback of arrivals and ECN marks by stream is offered and answered, for every codec (RFC 8888).
    #[must_use]
    pub fn with_congestion_control_feedback(mut self) -> Self {
        for codec in &mut self.codecs {
            codec.feedback.push(RtcpFeedback::Ccfb);
        }
        self
    }

    /// [`Capabilities::default`] behind the pointer that [`Intent`](crate::Intent) wants.
    pub fn shared_default() -> Arc<Self> {
        Arc::new(Capabilities::default())
    }
}

/// A line of the default codec tables.
struct Row {
    name: &'static str,
    clock_rate: u32,
    channels: Option<u8>,
    payload_type: u8,
    rtx: Option<u8>,
    fmtp: &'static str,
    feedback: &'static [&'static str],
}

impl Row {
    const fn audio(name: &'static str, clock_rate: u32, payload_type: u8) -> Self {
        Row {
            name,
            clock_rate,
            channels: Some(1),
            payload_type,
            rtx: None,
            fmtp: "",
            feedback: &[],
        }
    }

    const fn video(
        name: &'static str,
        payload_type: u8,
        rtx: Option<u8>,
        fmtp: &'static str,
    ) -> Self {
        Row {
            name,
            clock_rate: 90_000,
            channels: None,
            payload_type,
            rtx,
            fmtp,
            feedback: &["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"],
        }
    }

    fn capability(&self, kind: MediaKind) -> CodecCapability {
        let feedback = self.feedback.iter();
        let feedback = feedback.filter(|known| MEDIA_PLANE.feedback.contains(known));
        let mut capability = CodecCapability {
            codec: Codec {
                channels: self.channels,
                sdp_fmtp_line: (!self.fmtp.is_empty()).then(|| self.fmtp.to_owned()),
                ..Codec::new(kind, self.name, self.clock_rate)
            },
            payload_type: PayloadType::from_low_bits(self.payload_type),
            rtx: self.rtx.map(PayloadType::from_low_bits),
            offer: true,
            offer_rtx: MEDIA_PLANE.retransmission,
            feedback: feedback.filter_map(|f| f.parse().ok()).collect(),
            send: true,
            receive: true,
            scalability_modes: match self.name {
                "VP9" | "AV1" => ScalabilityMode::all().collect(),
                "VP8" | "H264" => ScalabilityMode::temporal().collect(),
                _ => Vec::new(),
            },
        };
        let repairs = matches!(capability.codec.role(), CodecRole::Red | CodecRole::Fec);
        capability.offer = MEDIA_PLANE.redundancy || !repairs;
        capability
    }
}

const AUDIO: [Row; 8] = [
    Row {
        channels: Some(2),
        fmtp: "minptime=10;useinbandfec=1",
        feedback: &["transport-cc"],
        ..Row::audio("opus", 48_000, 111)
    },
    Row {
        channels: Some(2),
        ..Row::audio("red", 48_000, 63)
    },
    Row::audio("G722", 8_000, 9),
    Row::audio("PCMU", 8_000, 0),
    Row::audio("PCMA", 8_000, 8),
    Row::audio("CN", 8_000, 13),
    Row::audio("telephone-event", 48_000, 110),
    Row::audio("telephone-event", 8_000, 126),
];

/// RFC 7798 §7.1: main profile, main tier, up to level 6.2.
const H265_MAIN: &str = "level-id=186;profile-id=1;tier-flag=0;tx-mode=SRST";

const VIDEO: [Row; 16] = [
    Row::video("VP8", 96, Some(97), ""),
    Row::video("VP9", 98, Some(99), "profile-id=0"),
    Row::video("VP9", 100, Some(101), "profile-id=2"),
    Row::video("H264", 102, Some(103), H264_42001F_1),
    Row::video("H264", 104, Some(105), H264_42001F_0),
    Row::video("H264", 106, Some(107), H264_42E01F_1),
    Row::video("H264", 108, Some(109), H264_42E01F_0),
    Row::video("H264", 127, Some(125), H264_4D001F_1),
    Row::video("H264", 39, Some(40), H264_4D001F_0),
    Row::video("AV1", 45, Some(46), "level-idx=5;profile=0;tier=0"),
    Row::video("H264", 112, Some(113), H264_64001F_1),
    Row::video("H264", 114, Some(115), H264_64001F_0),
    Row::video("H265", 49, Some(50), H265_MAIN),
    Row {
        feedback: &[],
        ..Row::video("red", 116, Some(117), "")
    },
    Row {
        feedback: &[],
        ..Row::video("ulpfec", 118, None, "")
    },
    Row {
        feedback: &["goog-remb", "transport-cc"],
        ..Row::video("flexfec-03", 119, None, "repair-window=10000000")
    },
];

const H264_42001F_1: &str =
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f";
const H264_42001F_0: &str =
    "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f";
const H264_42E01F_1: &str =
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
const H264_42E01F_0: &str =
    "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f";
const H264_4D001F_1: &str =
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f";
const H264_4D001F_0: &str =
    "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f";
const H264_64001F_1: &str =
    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f";
const H264_64001F_0: &str =
    "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=64001f";

const BOTH: &[MediaKind] = &[MediaKind::Audio, MediaKind::Video];
const ONLY_AUDIO: &[MediaKind] = &[MediaKind::Audio];
const ONLY_VIDEO: &[MediaKind] = &[MediaKind::Video];

/// Which kinds, which extension, and whether it is offered without being asked for.
const EXTENSIONS: [(&[MediaKind], &str, bool); 17] = [
    (BOTH, uri::MID, true),
    (ONLY_AUDIO, uri::AUDIO_LEVEL, true),
    (BOTH, uri::ABS_SEND_TIME, true),
    (BOTH, uri::TRANSPORT_SEQUENCE, MEDIA_PLANE.transport_cc),
    (ONLY_VIDEO, uri::RID, true),
    (ONLY_VIDEO, uri::REPAIRED_RID, true),
    (ONLY_VIDEO, uri::TRANSMISSION_OFFSET, true),
    (ONLY_VIDEO, uri::VIDEO_ORIENTATION, true),
    (ONLY_VIDEO, uri::PLAYOUT_DELAY, true),
    (ONLY_VIDEO, uri::VIDEO_CONTENT_TYPE, true),
    (ONLY_VIDEO, uri::VIDEO_TIMING, true),
    (ONLY_VIDEO, uri::COLOR_SPACE, true),
    (BOTH, uri::ABS_CAPTURE_TIME, false),
    (ONLY_AUDIO, uri::CSRC_AUDIO_LEVEL, false),
    (ONLY_VIDEO, uri::DEPENDENCY_DESCRIPTOR, false),
    (ONLY_VIDEO, uri::VIDEO_LAYERS_ALLOCATION, false),
    (ONLY_VIDEO, uri::CORRUPTION_DETECTION, false),
];
