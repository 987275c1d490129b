//! `getContributingSources()` and `getSynchronizationSources()` (webrtc-pc §5.3).

use std::time::Duration;

use duologue_base::{Instant, float};
use duologue_rtp::MediaKind;
use duologue_rtp::ext::AudioLevel;
use duologue_session::RtpSource;

/// Whose media a receiver received lately (webrtc-pc §5.3, webrtc-extensions §8).
#[doc(alias = "RTCRtpContributingSource")]
#[doc(alias = "RTCRtpSynchronizationSource")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct RtpContributingSource {
    /// When its last packet came, in milliseconds since 1970. What is received is given to the
    /// application at once, so there is no later time at which it is played out.
    pub timestamp: f64,
    /// The CSRC or SSRC.
    pub source: u32,
    /// The loudness of audio, from 0 to 1 of the loudest there is, if packets say it (RFC 6464, RFC 6465).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub audio_level: Option<f64>,
    /// The time stamp of that packet.
    pub rtp_timestamp: u32,
    /// When what is in it was captured, in milliseconds since 1900 by the clock of whoever did
    /// (`abs-capture-time`).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub capture_timestamp: Option<f64>,
    /// How far that clock is ahead of the sender's, in milliseconds, as the sender says.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub sender_capture_time_offset: Option<f64>,
}

impl RtpContributingSource {
    /// The sources that the session [told](duologue_session::MediaReport::Sources) of a receiver of
    /// this kind: those who contributed, or those who sent, in the last ten seconds, the latest
    /// first. `wall` is `now` as the time since 1970.
    pub fn list(
        told: &[RtpSource],
        contributing: bool,
        kind: MediaKind,
        (now, wall): (Instant, Duration),
    ) -> Vec<Self> {
        let wanted = told.iter().filter(|source| {
            // §5.3: "within the last 10 seconds".
            source.contributing == contributing && now - source.received <= KEPT
        });
        let of = |source: &RtpSource| {
            let received = wall.saturating_sub(now - source.received);
            let capture = source.capture_time;
            RtpContributingSource {
                timestamp: received.as_secs_f64() * 1e3,
                source: source.source.0,
                audio_level: source
                    .audio_level
                    .filter(|_| kind == MediaKind::Audio)
                    .map(linear),
                rtp_timestamp: source.timestamp,
                capture_timestamp: capture.map(|time| fixed_to_ms(time.at.to_bits() as f64)),
                sender_capture_time_offset: capture
                    .and_then(|time| time.clock_offset)
                    .map(|offset| fixed_to_ms(offset as f64)),
            }
        };
        wanted.map(of).collect()
    }
}

const KEPT: Duration = Duration::from_secs(10);

/// §5.3: "10^(-rfc_level/20)", and 127 is 0. In statistics, too, "1.0 represents 0 dBov, 0 represents silence".
pub(crate) fn linear(level: AudioLevel) -> f64 {
    match level.level() {
        AudioLevel::SILENCE => 0.0,
        level => float::amplitude(-f64::from(level)),
    }
}

/// Of seconds with 32 bits behind the point.
fn fixed_to_ms(fixed: f64) -> f64 {
    fixed / (1_u64 << 32) as f64 * 1e3
}

#[cfg(test)]
mod tests {
    use duologue_rtp::ext::CaptureTime;
    use duologue_rtp::{NtpTime, Ssrc};

    use super::*;

    #[test]
    fn an_audio_level_of_6_db_below_overload_is_a_half() {
        let linear = |level| linear(AudioLevel::new(true, level));
        assert!((linear(0) - 1.0).abs() < 1e-9);
        assert!((linear(6) - 0.5).abs() < 2e-3);
        assert!(linear(126) > 0.0);
        assert!(linear(127).abs() < f64::EPSILON);
    }

    fn source(contributing: bool, seconds: u64, level: u8) -> RtpSource {
        RtpSource {
            source: Ssrc(u32::from(level)),
            contributing,
            received: Instant::ZERO + Duration::from_secs(seconds),
            timestamp: 90_000,
            audio_level: Some(AudioLevel::new(true, level)),
            capture_time: Some(CaptureTime {
                at: NtpTime::from_bits(3 << 31),
                clock_offset: Some(-(1 << 30)),
            }),
        }
    }

    fn list(contributing: bool, kind: MediaKind) -> Vec<RtpContributingSource> {
        let told = [
            source(false, 20, 0),
            source(false, 11, 127),
            source(false, 9, 20),
            source(true, 12, 20),
        ];
        let now = Instant::ZERO + Duration::from_secs(20);
        let wall = Duration::from_secs(1_000_000);
        RtpContributingSource::list(&told, contributing, kind, (now, wall))
    }

    #[test]
    fn sources_of_the_last_ten_seconds_are_listed_by_their_kind() {
        let sent = list(false, MediaKind::Audio);
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].timestamp, 1e9);
        assert_eq!(sent[1].timestamp, 1e9 - 9_000.0);
        let levels: Vec<_> = sent.iter().map(|it| it.audio_level).collect();
        assert_eq!(levels, [Some(1.0), Some(0.0)]);
        let contributed = list(true, MediaKind::Audio);
        assert_eq!(contributed.len(), 1);
        assert_eq!(contributed[0].audio_level, Some(0.1));
        assert_eq!(contributed[0].rtp_timestamp, 90_000);
        assert_eq!(contributed[0].capture_timestamp, Some(1_500.0));
        assert_eq!(contributed[0].sender_capture_time_offset, Some(-250.0));
    }

    #[test]
    fn video_has_no_level() {
        let contributed = list(true, MediaKind::Video);
        assert_eq!(contributed[0].audio_level, None);
    }
}
