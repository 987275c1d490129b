//! What few frames and packets have: it goes in objects beside their numbers.

use duologue_base::Instant;
use duologue_rtp::ext::{AudioLevel, CaptureTime};
use duologue_rtp::{NtpTime, Ssrc};
use duologue_session::Contributor;
use serde::{Deserialize, Serialize};

use super::item::{Info, Place};
use crate::limits::{MAX_CONTRIBUTORS, MAX_DEPENDENCIES};

/// `NativeDetails`
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(rename = "NativeDetails", optional_fields)
)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Details {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<u32>>"))]
    contributing_sources: Vec<u32>,
    /// As many, in dB below overload, -1 of what is not known; or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<i32>>"))]
    contributing_levels: Vec<i32>,
    /// How long ago it was captured, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_age: Option<f64>,
    /// When it was captured, in milliseconds since 1900 by the clock of whoever did.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_timestamp: Option<f64>,
    /// In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_capture_time_offset: Option<f64>,
    /// Below 2^53.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_id: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "typescript", ts(as = "Option<Vec<f64>>"))]
    dependencies: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spatial: Option<u8>,
    /// Into which layers the encoder divides its stream, as `L1T3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    scalability_mode: Option<String>,
}

impl Details {
    /// None if there is nothing to tell.
    pub(super) fn of(info: &Info, place: Option<&Place>, now: Option<Instant>) -> Option<Self> {
        let place = place.filter(|place| **place != Place::default());
        let dated = info.capture_time.is_some() || info.captured.is_some();
        let layered = place.is_some() || info.scalability_mode.is_some();
        if info.contributors.is_empty() && !dated && !layered {
            return None;
        }
        let contributors = &info.contributors;
        let level = |it: &Contributor| it.audio_level.map_or(-1, |level| level.level().into());
        let leveled = contributors.iter().any(|it| it.audio_level.is_some());
        let age = info.captured.zip(now);
        let age = age.map(|(at, now)| now.since_origin().saturating_sub(at.since_origin()));
        let offset = info.capture_time.and_then(|time| time.clock_offset);
        Some(Details {
            contributing_sources: contributors.iter().map(|it| it.ssrc.0).collect(),
            contributing_levels: match leveled {
                true => contributors.iter().map(level).collect(),
                false => Vec::new(),
            },
            capture_age: age.map(|age| age.as_secs_f64() * 1e3),
            capture_timestamp: info
                .capture_time
                .map(|time| time.at.to_bits() as f64 / PER_MS),
            sender_capture_time_offset: offset.map(|offset| offset as f64 / PER_MS),
            frame_id: place.and_then(|place| place.id).map(|id| id as f64),
            dependencies: place.map_or(Vec::new(), |place| {
                place.dependencies.iter().map(|id| *id as f64).collect()
            }),
            spatial: place.and_then(|place| place.spatial),
            scalability_mode: info.scalability_mode.map(|mode| mode.to_string()),
        })
    }

    /// What it says of a frame's place.
    pub(super) fn place(&self) -> Place {
        let dependencies = self.dependencies.iter().take(MAX_DEPENDENCIES);
        Place {
            id: self.frame_id.map(|id| id as u64),
            dependencies: dependencies.map(|id| *id as u64).collect(),
            spatial: self.spatial,
        }
    }

    pub(super) fn add_to(self, info: &mut Info, now: Option<Instant>) {
        let levels = self.contributing_levels.iter().copied();
        let mut levels = levels.map(|level| u8::try_from(level).ok());
        let contributors = self.contributing_sources.iter().map(|ssrc| Contributor {
            ssrc: Ssrc(*ssrc),
            audio_level: levels.next().flatten().map(|it| AudioLevel::new(false, it)),
        });
        info.contributors = contributors.take(MAX_CONTRIBUTORS).collect();
        info.scalability_mode = self.scalability_mode.and_then(|mode| mode.parse().ok());
        let age = self
            .capture_age
            .filter(|age| (0.0..MOST_AGE_MS).contains(age));
        info.captured = age.zip(now).map(|(age, now)| {
            let age = std::time::Duration::from_secs_f64(age / 1e3);
            now - age
        });
        info.capture_time = self.capture_timestamp.map(|at| CaptureTime {
            at: NtpTime::from_bits((at * PER_MS) as u64),
            clock_offset: self
                .sender_capture_time_offset
                .map(|offset| (offset * PER_MS) as i64),
        });
    }
}

/// A millisecond in seconds with 32 bits behind the point.
const PER_MS: f64 = (1_u64 << 32) as f64 / 1e3;

/// A day.
const MOST_AGE_MS: f64 = 86_400_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_javascript_comes_back() {
        let now = Instant::ZERO + std::time::Duration::from_secs(100);
        let info = Info {
            contributors: vec![
                Contributor {
                    ssrc: Ssrc(u32::MAX),
                    audio_level: Some(AudioLevel::new(false, 30)),
                },
                Contributor {
                    ssrc: Ssrc(7),
                    audio_level: None,
                },
            ],
            captured: Some(Instant::ZERO + std::time::Duration::from_secs(99)),
            capture_time: Some(CaptureTime {
                at: NtpTime::from_bits(4_003_000_000 << 32),
                clock_offset: Some(-(1 << 31)),
            }),
            scalability_mode: "L2T3_KEY".parse().ok(),
            ..Info::default()
        };
        let details = Details::of(&info, None, Some(now)).unwrap();
        assert_eq!(details.capture_age, Some(1_000.0));
        let mut again = Info::default();
        details.add_to(&mut again, Some(now));
        assert_eq!(again.contributors, info.contributors);
        assert_eq!(again.captured, info.captured);
        assert_eq!(again.capture_time, info.capture_time);
        assert!(info.scalability_mode.is_some());
        assert_eq!(again.scalability_mode, info.scalability_mode);
        assert_eq!(Details::of(&Info::default(), None, Some(now)), None);
    }
}
