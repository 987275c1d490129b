//! When media was captured, for packets that do not say it (`abs-capture-time`, "Timestamp
//! interpolation"): a stream's time stamps go on at the rate of its clock.

use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::ext::CaptureTime;
use duologue_rtp::{NtpTime, Ssrc};

/// What the last packet that said it tells of those around it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CaptureClock(Option<Said>);

#[derive(Clone, Copy, Debug)]
struct Said {
    /// Whose media it is.
    source: Ssrc,
    timestamp: u32,
    time: CaptureTime,
    at: Instant,
}

impl CaptureClock {
    /// A packet says it.
    pub(crate) fn say(&mut self, source: Ssrc, timestamp: u32, time: CaptureTime, at: Instant) {
        self.0 = Some(Said {
            source,
            timestamp,
            time,
            at,
        });
    }

    /// What a packet without it is to be taken to say; nothing if the last one that said it is longer
    /// ago than `most`, or was of another source.
    pub(crate) fn interpolate(
        &self,
        source: Ssrc,
        (timestamp, clock_rate): (u32, u32),
        now: Instant,
        most: Duration,
    ) -> Option<CaptureTime> {
        let said = self.0.filter(|said| said.source == source)?;
        if clock_rate == 0 || now - said.at > most {
            return None;
        }
        let ticks = i64::from(timestamp.wrapping_sub(said.timestamp).cast_signed());
        let passed = (ticks << 32) / i64::from(clock_rate);
        let at = said.time.at.to_bits().wrapping_add_signed(passed);
        Some(CaptureTime {
            at: NtpTime::from_bits(at),
            ..said.time
        })
    }

    /// Whether this has to be said, because nobody could tell it from what was said before.
    pub(crate) fn is_news(
        &self,
        source: Ssrc,
        timestamp: (u32, u32),
        time: CaptureTime,
        now: Instant,
    ) -> bool {
        let Some(known) = self.interpolate(source, timestamp, now, SAID_AGAIN) else {
            return true;
        };
        let off = time.at.to_bits().wrapping_sub(known.at.to_bits());
        known.clock_offset != time.clock_offset || off.cast_signed().unsigned_abs() > MILLISECOND
    }
}

/// The extension's page: senders say it once a second at least.
const SAID_AGAIN: Duration = Duration::from_secs(1);

/// Of 2^32 a second.
const MILLISECOND: u64 = (1 << 32) / 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;

    fn at(seconds: u64, eighths: u64) -> CaptureTime {
        CaptureTime {
            at: NtpTime::from_bits(seconds * SECOND + eighths * SECOND / 8),
            clock_offset: Some(0),
        }
    }

    #[test]
    fn time_goes_on_with_the_time_stamps_of_one_source() {
        let mut clock = CaptureClock::default();
        let now = Instant::ZERO;
        let (source, most) = (Ssrc(1), Duration::from_secs(5));
        assert_eq!(clock.interpolate(source, (0, 8_000), now, most), None);
        clock.say(source, 0xffff_fff8, at(100, 0), now);
        let of = |ssrc, timestamp, now| {
            let timestamp = (timestamp, 8_000);
            clock.interpolate(Ssrc(ssrc), timestamp, now, most)
        };
        assert_eq!(of(1, 992, now), Some(at(100, 1)), "over the wrap");
        assert_eq!(of(1, 0xffff_fff8 - 1_000, now), Some(at(99, 7)));
        assert_eq!(of(2, 992, now), None);
        assert_eq!(of(1, 992, now + Duration::from_secs(6)), None);
    }

    #[test]
    fn what_follows_from_what_was_said_is_no_news_for_a_second() {
        let mut clock = CaptureClock::default();
        let (source, now) = (Ssrc(1), Instant::ZERO);
        assert!(clock.is_news(source, (0, 8_000), at(100, 0), now));
        clock.say(source, 0, at(100, 0), now);
        let later = now + Duration::from_millis(125);
        assert!(!clock.is_news(source, (1_000, 8_000), at(100, 1), later));
        assert!(clock.is_news(source, (1_000, 8_000), at(100, 2), later));
        assert!(clock.is_news(Ssrc(2), (1_000, 8_000), at(100, 1), later));
        let much_later = now + Duration::from_millis(1_125);
        assert!(clock.is_news(source, (9_000, 8_000), at(101, 1), much_later));
    }
}
