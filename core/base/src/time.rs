use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point on the host's monotonic clock, in nanoseconds since an origin the host chose.
///
/// There is no `now()`: every `handle_*` of the core takes the time as an argument. Hosts map
/// their own clock once (`Instant::from_nanos(start.elapsed())`), tests count up from
/// [`Instant::ZERO`].
///
/// ```
/// use duologue_base::Instant;
/// use std::time::Duration;
///
/// let later = Instant::ZERO + Duration::from_millis(20);
/// assert_eq!(later - Instant::ZERO, Duration::from_millis(20));
/// assert_eq!(Instant::ZERO - later, Duration::ZERO); // differences saturate
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant(u64);

impl Instant {
    /// The host's origin.
    pub const ZERO: Instant = Instant(0);

    /// The point `nanos` nanoseconds after the origin. It can represent 584 years.
    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }

    /// The point `elapsed` after the origin.
    pub const fn from_origin(elapsed: Duration) -> Self {
        let nanos = elapsed.as_nanos();
        Instant(if nanos > u64::MAX as u128 {
            u64::MAX
        } else {
            nanos as u64
        })
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The first of several points, of which some may not be set. Timers are asked for it after
    /// every batch of input.
    ///
    /// ```
    /// use duologue_base::Instant;
    ///
    /// let [early, late] = [1, 2].map(Instant::from_nanos);
    /// assert_eq!(Instant::earliest([Some(late), None, Some(early)]), Some(early));
    /// assert_eq!(Instant::earliest([None; 2]), None);
    /// ```
    #[inline]
    pub fn earliest<const N: usize>(points: [Option<Instant>; N]) -> Option<Instant> {
        let mut first = None;
        for point in points {
            first = match (first, point) {
                (Some(a), Some(b)) if b < a => Some(b),
                (None, some) => some,
                (first, _) => first,
            };
        }
        first
    }

    /// Time since the origin.
    pub const fn since_origin(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, rhs: Duration) -> Instant {
        let nanos = u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(nanos))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;
    /// The time from `rhs` to `self`; zero when `rhs` is later.
    fn sub(self, rhs: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(rhs.0))
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, rhs: Duration) -> Instant {
        let nanos = u64::try_from(rhs.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_sub(nanos))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.since_origin())
    }
}

/// Milliseconds of UNIX time: what certificates' expiry and statistics' time stamps count in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct WallClock(u64);

impl WallClock {
    /// The point `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_unix_millis(millis: u64) -> Self {
        WallClock(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_millis(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for WallClock {
    type Output = WallClock;
    fn add(self, rhs: Duration) -> WallClock {
        let millis = u64::try_from(rhs.as_millis()).unwrap_or(u64::MAX);
        WallClock(self.0.saturating_add(millis))
    }
}

impl Sub<WallClock> for WallClock {
    type Output = Duration;
    /// The time from `rhs` to `self`; zero when `rhs` is later.
    fn sub(self, rhs: WallClock) -> Duration {
        Duration::from_millis(self.0.saturating_sub(rhs.0))
    }
}
