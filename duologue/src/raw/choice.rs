//! Which codec of those that were agreed on is used.

use std::time::Duration;

use duologue_codec::{AudioCodec, CodecSet, VideoCodec};
use duologue_peer::{RtpCodec, RtpCodecParameters, RtpSendParameters};
use duologue_rtp::{Fmtp, PayloadType};

/// The first one of pictures that something here encodes.
pub(super) fn video_to_send(
    parameters: &RtpSendParameters,
    codecs: &CodecSet,
) -> Option<(PayloadType, VideoCodec)> {
    let mut agreed = parameters.codecs.iter().filter_map(video);
    agreed.find(|(_, codec)| codecs.video_encoders().any(|it| it.codec == *codec))
}

/// The first one of sound that something here encodes, and its parameters.
pub(super) fn audio_to_send<'a>(
    parameters: &'a RtpSendParameters,
    codecs: &CodecSet,
) -> Option<(PayloadType, AudioCodec, &'a RtpCodec)> {
    let agreed = parameters.codecs.iter();
    let mut agreed = agreed.filter_map(|it| audio(it).map(|(pt, codec)| (pt, codec, &it.codec)));
    agreed.find(|(_, codec, _)| codecs.audio_encoders().any(|it| it.codec == *codec))
}

/// Which codec of pictures a payload type means. Profiles that no decoder here has are none.
pub(super) fn video(of: &RtpCodecParameters) -> Option<(PayloadType, VideoCodec)> {
    let named = |codec: &VideoCodec| has_name(&of.codec, "video", codec.as_str());
    let codec = VideoCodec::ALL.into_iter().find(named)?;
    // RFC 9628 §6.1, AV1 RTP payload format §7.2.3: profile 0 where it is not told.
    let profile = match codec {
        VideoCodec::Vp9 => "profile-id",
        VideoCodec::Av1 => "profile",
        _ => return Some((PayloadType::new(of.payload_type)?, codec)),
    };
    let fmtp = Fmtp::of(of.codec.sdp_fmtp_line.as_deref());
    let plain = fmtp.get(profile).is_none_or(|value| value == "0");
    plain.then_some((PayloadType::new(of.payload_type)?, codec))
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
