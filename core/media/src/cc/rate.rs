use std::fmt;
use std::ops::{Add, Div, Mul, Sub};
use std::time::Duration;

/// Bits per second.
///
/// ```
/// use duologue_media::cc::Bitrate;
/// use std::time::Duration;
///
/// let rate = Bitrate::from_kbps(800);
/// assert_eq!(rate.bytes_in(Duration::from_millis(10)), 1_000);
/// assert_eq!(rate.time_for(1_000), Duration::from_millis(10));
/// assert_eq!(Bitrate::over(1_000, Duration::from_millis(10)), rate);
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Bitrate(u64);

impl Bitrate {
    /// A bitrate of zero.
    pub const ZERO: Bitrate = Bitrate(0);
    /// The largest bitrate: no limit.
    pub const MAX: Bitrate = Bitrate(u64::MAX);

    /// Bits per second.
    pub const fn from_bps(bps: u64) -> Self {
        Bitrate(bps)
    }

    /// Thousands of bits per second.
    pub const fn from_kbps(kbps: u64) -> Self {
        Bitrate(kbps.saturating_mul(1_000))
    }

    /// The rate that moves so many bytes in this time; no limit when there is no time.
    pub fn over(bytes: usize, time: Duration) -> Self {
        if time.is_zero() {
            return Bitrate::MAX;
        }
        Bitrate((bytes as f64 * 8.0 / time.as_secs_f64()) as u64)
    }

    /// Bits per second.
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// Thousands of bits per second.
    pub fn kbps(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Bytes that the rate moves in this time.
    pub fn bytes_in(self, time: Duration) -> usize {
        (self.0 as f64 * time.as_secs_f64() / 8.0) as usize
    }

    /// How long it takes to move so many bytes; an hour where it would be longer.
    pub fn time_for(self, bytes: usize) -> Duration {
        let seconds = bytes as f64 * 8.0 / (self.0.max(1) as f64);
        Duration::from_secs_f64(seconds.min(3_600.0))
    }
}

impl Add for Bitrate {
    type Output = Bitrate;
    fn add(self, rhs: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_add(rhs.0))
    }
}

impl Sub for Bitrate {
    type Output = Bitrate;
    /// Zero where `rhs` is greater.
    fn sub(self, rhs: Bitrate) -> Bitrate {
        Bitrate(self.0.saturating_sub(rhs.0))
    }
}

impl Mul<f64> for Bitrate {
    type Output = Bitrate;
    fn mul(self, rhs: f64) -> Bitrate {
        Bitrate((self.0 as f64 * rhs) as u64)
    }
}

impl Div for Bitrate {
    type Output = f64;
    fn div(self, rhs: Bitrate) -> f64 {
        self.0 as f64 / (rhs.0.max(1) as f64)
    }
}

impl fmt::Debug for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Bitrate::MAX => f.write_str("no limit"),
            Bitrate(bps) => write!(f, "{} kbit/s", bps as f64 / 1_000.0),
        }
    }
}
