//! When two codec entries stand for the same codec, and what an answer says about it.

use super::Codec;
use super::fmtp::Fmtp;
use super::h264::{self, ProfileLevel};
use crate::RtcpFeedback;

impl Codec {
    /// The same name, clock rate and channels: all but the parameters.
    fn same_format(&self, other: &Codec) -> bool {
        self.kind == other.kind
            && self.name.eq_ignore_ascii_case(&other.name)
            && self.clock_rate == other.clock_rate
            && self.channels.unwrap_or(1) == other.channels.unwrap_or(1)
    }

    /// Whether both entries stand for one codec in one configuration: a stream that one allows can
    /// be negotiated under the other. Parameters that only describe a receiver's limits (levels,
    /// frame sizes, what Opus asks of an encoder) do not matter. What `apt` refers to is compared
    /// elsewhere.
    pub fn matches(&self, other: &Codec) -> bool {
        if !self.same_format(other) {
            return false;
        }
        let (a, b) = (self.fmtp(), other.fmtp());
        let same = |key: &str, default: &str| {
            let value = |fmtp: Fmtp<'_>| fmtp.get(key).unwrap_or(default).to_owned();
            value(a).eq_ignore_ascii_case(&value(b))
        };
        match self.name.to_ascii_lowercase().as_str() {
            // RFC 6184 §8.2.2: the configuration is the profile and the packetization mode.
            "h264" => {
                let profile = |fmtp| ProfileLevel::of(fmtp).map(|p| p.profile);
                h264::packetization_mode(a) == h264::packetization_mode(b)
                    && profile(a).is_some()
                    && profile(a) == profile(b)
            }
            // RFC 9628 §6: profile-id is 0 when absent.
            "vp9" => same("profile-id", "0"),
            // AV1 RTP §7.2.1: profile is 0 when absent; level and tier are the receiver's.
            "av1" => same("profile", "0"),
            // RFC 7798 §7.2.2.
            "h265" => {
                same("profile-id", "1")
                    && same("profile-space", "0")
                    && same("tx-mode", "SRST")
                    && same("tier-flag", "0")
            }
            _ => true,
        }
    }

    /// Whether both are the same `RTCRtpCodec` dictionary, as `setCodecPreferences` and
    /// `setParameters` compare (webrtc-pc "codec dictionary match"): the MIME type without case,
    /// the rest exactly.
    pub fn same_dictionary(&self, other: &Codec) -> bool {
        self.kind == other.kind
            && self.name.eq_ignore_ascii_case(&other.name)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
            && self.sdp_fmtp_line == other.sdp_fmtp_line
    }

    /// The parameters of this end's answer to `offered`, given this end's capability.
    pub fn answer_fmtp(&self, offered: &Codec) -> Option<String> {
        match self.name.to_ascii_lowercase().as_str() {
            "h264" => {
                let level = h264::answer_level(self.fmtp(), offered.fmtp());
                match level {
                    Some(level) => Some(self.fmtp().with("profile-level-id", &level)),
                    None => self.sdp_fmtp_line.clone(),
                }
            }
            // RFC 7798 §7.2.2: the answer's level-id must not be above what the offerer takes.
            "h265" => {
                let level = |codec: &Codec| codec.fmtp().number("level-id").unwrap_or(93);
                let lower = level(self).min(level(offered));
                let line = self.sdp_fmtp_line.as_deref()?;
                Some(Fmtp(line).with("level-id", &lower.to_string()))
            }
            _ => self.sdp_fmtp_line.clone(),
        }
    }
}

/// The feedback that both ends know, in the order of `ours`. Arrivals are told of in one way: where both
/// know RFC 8888 not by `transport-cc`, too.
pub fn common_feedback(ours: &[RtcpFeedback], theirs: &[RtcpFeedback]) -> Vec<RtcpFeedback> {
    let both = ours.iter().filter(|f| theirs.contains(f));
    let mut both: Vec<RtcpFeedback> = both.cloned().collect();
    if both.contains(&RtcpFeedback::Ccfb) {
        both.retain(|feedback| *feedback != RtcpFeedback::TransportCc);
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MediaKind;

    fn codec(name: &str, clock_rate: u32, channels: Option<u8>, fmtp: &str) -> Codec {
        Codec {
            channels,
            sdp_fmtp_line: (!fmtp.is_empty()).then(|| fmtp.to_owned()),
            ..Codec::new(MediaKind::Video, name, clock_rate)
        }
    }

    fn video(name: &str, fmtp: &str) -> Codec {
        codec(name, 90_000, None, fmtp)
    }

    #[test]
    fn names_match_without_case_and_one_channel_is_no_channel() {
        assert!(codec("OPUS", 48_000, Some(2), "").matches(&codec("opus", 48_000, Some(2), "x=1")));
        assert!(!codec("opus", 48_000, Some(2), "").matches(&codec("opus", 48_000, None, "")));
        assert!(codec("PCMU", 8_000, None, "").matches(&codec("pcmu", 8_000, Some(1), "")));
        assert!(!codec("PCMU", 8_000, None, "").matches(&codec("PCMU", 16_000, None, "")));
    }

    #[test]
    fn profiles_make_another_codec_and_levels_do_not() {
        let h264 = |mode: &str, id: &str| {
            video(
                "H264",
                &format!("packetization-mode={mode};profile-level-id={id}"),
            )
        };
        assert!(h264("1", "42e01f").matches(&h264("1", "42e034")));
        assert!(h264("1", "42e01f").matches(&h264("1", "4d800d")));
        assert!(!h264("1", "42e01f").matches(&h264("0", "42e01f")));
        assert!(!h264("1", "42e01f").matches(&h264("1", "64001f")));
        assert!(!h264("1", "ffffff").matches(&h264("1", "ffffff")));
        assert!(video("H264", "").matches(&h264("0", "42e01f")));
        assert!(video("VP9", "").matches(&video("vp9", "profile-id=0")));
        assert!(!video("VP9", "profile-id=2").matches(&video("VP9", "profile-id=0")));
        assert!(video("AV1", "level-idx=5;profile=0;tier=0").matches(&video("AV1", "level-idx=9")));
        assert!(!video("AV1", "profile=1").matches(&video("AV1", "profile=0")));
    }

    #[test]
    fn arrivals_are_told_of_in_one_way() {
        use RtcpFeedback::{Ccfb, Nack, Remb, TransportCc};
        let ours = [TransportCc, Nack, Ccfb];
        assert_eq!(
            common_feedback(&ours, &[Nack, Ccfb, TransportCc]),
            [Nack, Ccfb]
        );
        assert_eq!(common_feedback(&ours, &[TransportCc, Remb]), [TransportCc]);
    }
}
