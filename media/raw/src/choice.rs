//! Which codec of those that were agreed on is used.

use std::time::Duration;

use duologue_codec::{AudioCodec, CodecSet, Implementation, ScalabilityMode, VideoCodec};
use duologue_jsep::{Capabilities, CodecCapability};
use duologue_peer::{RtpCodec, RtpCodecParameters, RtpSendParameters};
use duologue_rtp::{Fmtp, PayloadType};

/// The first one of pictures that something here encodes, or the one that is `wanted`.
pub(super) fn video_to_send(
    parameters: &RtpSendParameters,
    wanted: Option<&RtpCodec>,
    codecs: &CodecSet,
) -> Option<(PayloadType, VideoCodec)> {
    let agreed = parameters.codecs.iter();
    let agreed = agreed.filter(|it| wanted.is_none_or(|wanted| it.codec == *wanted));
    agreed
        .filter_map(video)
        .find(|(_, codec)| codecs.video_encoders().any(|it| it.codec == *codec))
}

/// Into which layers pictures of this size are divided: as the encoding asks for, where the encoder has
/// that and the lowest layer is a picture still.
pub(super) fn scalability_mode(
    asked: Option<&str>,
    codec: VideoCodec,
    (width, height): (u32, u32),
    codecs: &CodecSet,
) -> ScalabilityMode {
    let Some(mode) = asked.and_then(|name| name.parse::<ScalabilityMode>().ok()) else {
        return ScalabilityMode::L1T1;
    };
    let (least_width, least_height) = mode.size_of(0, (width, height));
    let mut flat = ScalabilityMode::temporal();
    let mode = match least_width.min(least_height) < LEAST_SIDE {
        true => flat.find(|it| it.temporal_layers() == mode.temporal_layers()),
        false => Some(mode),
    };
    let has = |mode: &ScalabilityMode| codecs.scalability_modes(codec).contains(mode);
    mode.filter(has).unwrap_or_default()
}

/// Of the pictures of the lowest of several layers.
const LEAST_SIDE: u32 = 8;

/// The first one of sound that something here encodes, or the one that is `wanted`, and its parameters.
pub(super) fn audio_to_send<'a>(
    parameters: &'a RtpSendParameters,
    wanted: Option<&RtpCodec>,
    codecs: &CodecSet,
) -> Option<(PayloadType, AudioCodec, &'a RtpCodec)> {
    let agreed = parameters.codecs.iter();
    let agreed = agreed.filter(|it| wanted.is_none_or(|wanted| it.codec == *wanted));
    let mut agreed = agreed.filter_map(|it| audio(it).map(|(pt, codec)| (pt, codec, &it.codec)));
    agreed.find(|(_, codec, _)| codecs.audio_encoders().any(|it| it.codec == *codec))
}

/// Which codec of pictures a payload type means. Profiles that no decoder here has are none.
pub(super) fn video(of: &RtpCodecParameters) -> Option<(PayloadType, VideoCodec)> {
    let named = |codec: &VideoCodec| has_name(&of.codec, "video", codec.as_str());
    let codec = VideoCodec::ALL.into_iter().find(named)?;
    let plain = is_plain(codec, of.codec.sdp_fmtp_line.as_deref());
    plain.then_some((PayloadType::new(of.payload_type)?, codec))
}

/// Whether it is of a profile that decoders here have.
fn is_plain(codec: VideoCodec, fmtp: Option<&str>) -> bool {
    // RFC 9628 §6.1, AV1 RTP payload format §7.2.3: profile 0 where it is not told.
    let profile = match codec {
        VideoCodec::Vp9 => "profile-id",
        VideoCodec::Av1 => "profile",
        _ => return true,
    };
    Fmtp::of(fmtp).get(profile).is_none_or(|value| value == "0")
}

/// Which codec of sound a payload type means.
pub(super) fn audio(of: &RtpCodecParameters) -> Option<(PayloadType, AudioCodec)> {
    let named = |codec: &AudioCodec| has_name(&of.codec, "audio", codec.as_str());
    let codec = AudioCodec::ALL.into_iter().find(named)?;
    Some((PayloadType::new(of.payload_type)?, codec))
}

pub(super) fn has_name(codec: &RtpCodec, kind: &str, name: &str) -> bool {
    let parts = codec.mime_type.split_once('/');
    parts.is_some_and(|(first, second)| {
        first.eq_ignore_ascii_case(kind) && second.eq_ignore_ascii_case(name)
    })
}

/// Leaves of the codecs of media those that something here encodes or decodes. What repairs them, tones and
/// noise stay.
pub fn narrow(capabilities: &mut Capabilities, codecs: &CodecSet) {
    for capability in &mut capabilities.codecs {
        let codec = &capability.codec;
        let (sends, receives) = match (VideoCodec::of(codec), AudioCodec::of(codec)) {
            (Some(video), _) if is_plain(video, codec.sdp_fmtp_line.as_deref()) => (
                codecs.video_encoders().any(|it| it.codec == video),
                codecs.video_decoders().any(|it| it.codec == video),
            ),
            (Some(_), _) => (false, false),
            (None, Some(audio)) => (
                codecs.audio_encoders().any(|it| it.codec == audio),
                codecs.audio_decoders().any(|it| it.codec == audio),
            ),
            (None, None) => continue,
        };
        if let Some(video) = VideoCodec::of(codec) {
            capability.scalability_modes = codecs.scalability_modes(video).to_vec();
        }
        capability.send &= sends;
        capability.receive &= receives;
    }
    let can = |it: &CodecCapability| it.send || it.receive;
    capabilities.codecs.retain(can);
}

/// The library that a [`CodecSet`] takes for a codec, of those that can.
pub(super) fn library<'a, C: Eq + 'a>(
    mut can: impl Iterator<Item = &'a Implementation<C>>,
    codec: C,
) -> Option<String> {
    can.find(|it| it.codec == codec)
        .map(|it| it.library.clone())
}

/// The clock of all payload formats of video.
pub(super) const VIDEO_CLOCK: u32 = 90_000;

/// A time of a source's clock as that of RTP.
pub(super) fn ticks(time: Duration, clock_rate: u32) -> u32 {
    // RFC 3550 §5.1: it wraps around.
    (time.as_nanos() * u128::from(clock_rate) / 1_000_000_000) as u32
}

/// RTP time stamps as the time of one clock that does not wrap.
#[derive(Debug)]
pub(super) struct Clock {
    rate: u32,
    last: Option<(u32, u64)>,
}

impl Clock {
    pub(super) fn new(rate: u32) -> Self {
        Clock { rate, last: None }
    }

    pub(super) fn time(&mut self, timestamp: u32) -> Duration {
        let extended = match self.last {
            None => u64::from(timestamp),
            Some((last, extended)) => {
                let step = timestamp.wrapping_sub(last).cast_signed();
                extended.saturating_add_signed(i64::from(step))
            }
        };
        self.last = Some((timestamp, extended));
        let nanos = u128::from(extended) * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_codec::{AudioDecoderConfig, CodecError, VideoEncode, VideoEncoderConfig};

    #[test]
    fn what_nothing_here_encodes_or_decodes_is_not_offered() {
        let mut codecs = crate::built_in_codecs();
        codecs.add_audio_decoder(AudioCodec::Opus, "mine", |_: &AudioDecoderConfig| {
            panic!("it is not asked")
        });
        let mut capabilities = Capabilities::default();
        narrow(&mut capabilities, &codecs);
        let codecs = capabilities.codecs.iter();
        let of = |name: &str| {
            let mut codecs = codecs.clone();
            codecs.find(|it| it.codec.name.eq_ignore_ascii_case(name))
        };
        assert!(of("PCMU").is_some_and(|it| it.send && it.receive));
        assert!(of("telephone-event").is_some());
        assert!(of("H265").is_none());
        #[cfg(not(feature = "safe-codecs"))]
        {
            assert!(of("opus").is_some_and(|it| !it.send && it.receive));
            assert!(of("VP8").is_none() && of("AV1").is_none());
        }
    }

    #[test]
    fn layers_are_those_that_are_asked_for_where_the_encoder_has_them() {
        let mut codecs = CodecSet::new();
        fn refuse(_: &VideoEncoderConfig) -> Result<Box<dyn VideoEncode>, CodecError> {
            panic!("it is not asked")
        }
        let modes = ScalabilityMode::all();
        codecs.add_scalable_video_encoder(VideoCodec::Vp9, "mine", modes, refuse);
        codecs.add_video_encoder(VideoCodec::Vp8, "mine", refuse);
        for (codec, asked, size, expected) in [
            (VideoCodec::Vp9, Some("L3T3_KEY"), (640, 360), "L3T3_KEY"),
            (VideoCodec::Vp9, None, (640, 360), "L1T1"),
            (VideoCodec::Vp9, Some("nonsense"), (640, 360), "L1T1"),
            // A quarter of it is nothing to look at.
            (VideoCodec::Vp9, Some("L3T2"), (24, 24), "L1T2"),
            (VideoCodec::Vp8, Some("L1T3"), (640, 360), "L1T1"),
        ] {
            let mode = scalability_mode(asked, codec, size, &codecs);
            assert_eq!(mode.to_string(), expected, "{codec} {asked:?}");
        }
        let mut capabilities = Capabilities::default();
        narrow(&mut capabilities, &codecs);
        let vp8 = capabilities.codecs.iter().find(|it| it.codec.name == "VP8");
        let modes = vp8.map(|it| &it.scalability_modes[..]);
        assert_eq!(modes, Some(&[ScalabilityMode::L1T1][..]));
    }

    #[test]
    fn times_go_there_and_back_and_over_the_end_of_the_stamps() {
        let mut clock = Clock::new(90_000);
        let start = Duration::from_secs(47_721);
        let mut before = clock.time(ticks(start, 90_000));
        for frame in 1..100 {
            let at = start + Duration::from_millis(40) * frame;
            let time = clock.time(ticks(at, 90_000));
            let step = (time - before).as_micros();
            assert!((39_980..=40_020).contains(&step), "{frame}: {step}");
            before = time;
        }
    }
}
