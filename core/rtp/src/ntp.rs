use std::time::Duration;

use duologue_base::WallClock;

/// A time stamp of NTP (RFC 5905 §6, RFC 3550 §4): seconds since 1900 with 32 bits behind the
/// point. It wraps in 2036; what is more than 68 years before 2036 is taken for after it.
///
/// ```
/// use duologue_base::WallClock;
/// use duologue_rtp::NtpTime;
///
/// let now = WallClock::from_unix_millis(1_795_000_000_250);
/// let ntp = NtpTime::from(now);
/// assert_eq!(ntp.seconds(), 1_795_000_000 + 2_208_988_800);
/// assert_eq!(ntp.fraction(), 1 << 30);
/// assert_eq!(ntp.wall_clock(), now);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct NtpTime(u64);

impl NtpTime {
    /// 32 bits before the point and 32 behind it.
    pub const fn from_bits(bits: u64) -> Self {
        NtpTime(bits)
    }

    /// 32 bits before the point and 32 behind it.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Seconds since 1900, modulo 2^32.
    pub const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// What is behind the point, in 2^-32 s.
    pub const fn fraction(self) -> u32 {
        self.0 as u32
    }

    /// The middle 32 bits, as reports name a time stamp (RFC 3550 §6.4.1 "LSR").
    pub const fn middle(self) -> NtpShort {
        NtpShort((self.0 >> 16) as u32)
    }

    /// The time stamp so much later: how a host gives one more than the milliseconds of [`WallClock`].
    #[must_use]
    pub const fn plus(self, time: Duration) -> Self {
        let fraction = ((time.subsec_nanos() as u64) << 32) / NANOS;
        NtpTime(
            self.0
                .wrapping_add((time.as_secs() << 32).wrapping_add(fraction)),
        )
    }

    /// How long after `earlier` this is; zero when it is before it.
    pub const fn since(self, earlier: NtpTime) -> Duration {
        let bits = self.0.wrapping_sub(earlier.0);
        if bits as i64 <= 0 {
            return Duration::ZERO;
        }
        Duration::new(bits >> 32, (((bits & 0xffff_ffff) * NANOS) >> 32) as u32)
    }

    /// The millisecond that it is next to; 1970 for what is before it.
    pub const fn wall_clock(self) -> WallClock {
        // RFC 4330 §3: bit 0 is set until 2036, and clear until 2104.
        let era = if self.seconds() >> 31 == 0 {
            1 << 32
        } else {
            0
        };
        let millis = (self.fraction() as u64 * 1_000 + (1 << 31)) >> 32;
        let since_1900 = (era + self.seconds() as u64) * 1_000 + millis;
        WallClock::from_unix_millis(since_1900.saturating_sub(UNIX_EPOCH * 1_000))
    }
}

impl From<WallClock> for NtpTime {
    fn from(at: WallClock) -> Self {
        let millis = at.unix_millis();
        let seconds = (millis / 1_000).wrapping_add(UNIX_EPOCH);
        let fraction = ((millis % 1_000) << 32) / 1_000;
        NtpTime(seconds << 32 | fraction)
    }
}

/// The middle 32 bits of a [`NtpTime`], or a time that long: 16 bits before the point, 16 behind.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct NtpShort(pub u32);

impl NtpShort {
    /// A length of time, rounded to the next 2^-16 s; at most what 32 bits hold, 18 hours.
    pub fn from_duration(time: Duration) -> Self {
        let fraction = ((u64::from(time.subsec_nanos()) << 16) + NANOS / 2) / NANOS;
        let units = time
            .as_secs()
            .saturating_mul(1 << 16)
            .saturating_add(fraction);
        NtpShort(u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// The length of time.
    pub const fn to_duration(self) -> Duration {
        Duration::from_nanos((self.0 as u64 * NANOS) >> 16)
    }

    /// The difference to `other`: this time less that one, modulo 2^32. The round trip of RFC 3550
    /// §6.4.1 is `now.minus(last_sr).minus(delay)`.
    #[must_use]
    pub const fn minus(self, other: NtpShort) -> Self {
        NtpShort(self.0.wrapping_sub(other.0))
    }

    /// The round trip of a report that came at `self`, names the time stamp `last_sr` and says that
    /// it took `delay` to write (RFC 3550 §6.4.1); at least 2^-16 s, what a shorter one looks like: each of
    /// the three is rounded, and the other end's clock may run a little faster. `None` if the time stamp is 0
    /// (nothing was received), or if it would be negative by a second, as it comes out when clocks were set
    /// or peers lie.
    pub const fn round_trip(self, last_sr: NtpShort, delay: NtpShort) -> Option<Duration> {
        let units = self.minus(last_sr).minus(delay).0 as i32;
        if last_sr.0 == 0 || units <= -SECOND {
            return None;
        }
        let shown = if units < 1 { 1 } else { units as u32 };
        Some(NtpShort(shown).to_duration())
    }
}

/// Seconds from 1900 to 1970 (RFC 5905, figure 4).
const UNIX_EPOCH: u64 = 2_208_988_800;
const NANOS: u64 = 1_000_000_000;
/// In the units of [`NtpShort`].
const SECOND: i32 = 1 << 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_round_trip_is_that_of_rfc_3550() {
        // Figure 2 of §6.4.1: A is 0xb710:8000, the last SR 0xb705:2000, the delay 0x0005:4000.
        let now = NtpShort(0xb710_8000);
        let trip = now.round_trip(NtpShort(0xb705_2000), NtpShort(0x0005_4000));
        assert_eq!(trip, Some(Duration::from_millis(6_125)));
        assert_eq!(now.round_trip(NtpShort(0), NtpShort(0)), None);
        assert_eq!(now.round_trip(NtpShort(0xb711_8001), NtpShort(0)), None);
    }

    #[test]
    fn a_round_trip_that_is_shorter_than_its_stamps_are_exact_is_a_short_one() {
        let (sent, unit) = (NtpShort(0xb710_8000), NtpShort(1).to_duration());
        for held in [0, 1, 2, 655] {
            // A host that answers itself: it says that it held the report for longer than it was away.
            let trip = sent.round_trip(sent, NtpShort(held));
            assert_eq!(trip, Some(unit), "{held}");
        }
        assert_eq!(sent.round_trip(sent, NtpShort(1 << 16)), None);
    }

    #[test]
    fn the_middle_is_the_middle() {
        // RFC 3550 §6.4.1, the same figure: 0xb44db705:20000000.
        let time = NtpTime::from_bits(0xb44d_b705_2000_0000);
        assert_eq!(time.middle(), NtpShort(0xb705_2000));
    }

    #[test]
    fn time_goes_on_after_2036() {
        let at = WallClock::from_unix_millis(2_100_000_000_999);
        assert!(NtpTime::from(at).seconds() < 1 << 31);
        assert_eq!(NtpTime::from(at).wall_clock(), at);
    }

    #[test]
    fn microseconds_are_kept() {
        let start = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
        let time = Duration::from_micros(1_234_567);
        let since = start.plus(time).since(start);
        assert!(time - since < Duration::from_nanos(2), "{since:?}");
        assert_eq!(start.since(start.plus(time)), Duration::ZERO);
    }

    #[test]
    fn a_length_of_time_is_rounded_and_cut() {
        assert_eq!(
            NtpShort::from_duration(Duration::from_millis(1_500)).0,
            3 << 15
        );
        assert_eq!(NtpShort::from_duration(Duration::MAX).0, u32::MAX);
        assert_eq!(NtpShort(1 << 15).to_duration(), Duration::from_millis(500));
    }

    proptest! {
        #[test]
        fn milliseconds_survive(millis in 0u64..4_000_000_000_000) {
            let at = WallClock::from_unix_millis(millis);
            prop_assert_eq!(NtpTime::from(at).wall_clock(), at);
        }
    }
}
