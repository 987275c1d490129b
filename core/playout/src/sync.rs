//! Lip sync: sound and pictures of one sender are heard and seen when they were together.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Instant, Seq32};
use duologue_rtp::{MediaKind, NtpTime};

use crate::limits::{SENDER_REPORTS, SYNC_DELAY};

/// What the clock of a stream says of the clock of its sender, by sender reports (RFC 3550 §6.4.1).
///
/// ```
/// use duologue_base::WallClock;
/// use duologue_playout::SenderClock;
/// use duologue_rtp::NtpTime;
/// use std::time::Duration;
///
/// let mut clock = SenderClock::new(90_000);
/// let noon = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
/// clock.handle_report(noon, 1_000_000);
/// let frame = clock.captured(1_000_000 + 45_000).expect("there was a report");
/// assert_eq!(frame.since(noon), Duration::from_millis(500));
/// ```
#[derive(Clone, Debug)]
pub struct SenderClock {
    clock_rate: u32,
    /// Oldest first: seconds and ticks since the first report there was.
    reports: VecDeque<(f64, f64)>,
    first: Option<(NtpTime, i64)>,
    /// The extended time stamp of the last report.
    last: i64,
    /// Seconds at which no tick was yet, and seconds a tick.
    line: (f64, f64),
}

impl SenderClock {
    /// The clock of a stream whose time stamps count so many ticks a second.
    pub fn new(clock_rate: u32) -> Self {
        let clock_rate = clock_rate.max(1);
        SenderClock {
            clock_rate,
            reports: VecDeque::new(),
            first: None,
            last: 0,
            line: (0.0, 1.0 / f64::from(clock_rate)),
        }
    }

    /// A sender report says that the two are one moment.
    pub fn handle_report(&mut self, ntp: NtpTime, rtp: u32) {
        let Some((first, begin)) = self.first else {
            return self.begin(ntp, rtp);
        };
        let extended = Seq32(rtp).extend(self.last as u64) as i64;
        let seconds = seconds_since(ntp, first);
        let ticks = (extended - begin) as f64;
        let (at, each) = self.line;
        let off = (at + ticks * each - seconds).abs();
        // Its clock was set, or the stream began anew; and a line needs time that goes on.
        let last = self.reports.back().map_or(0.0, |(seconds, _)| *seconds);
        if off > LARGEST_STEP || !(0.0..LONGEST).contains(&seconds) || seconds < last {
            return self.begin(ntp, rtp);
        }
        if self.reports.len() >= SENDER_REPORTS {
            self.reports.pop_front();
        }
        self.last = extended;
        self.reports.push_back((seconds, ticks));
        self.fit();
    }

    /// When what has this time stamp was captured, by the sender's clock. `None` before the first report.
    pub fn captured(&self, timestamp: u32) -> Option<NtpTime> {
        let (first, begin) = self.first?;
        let extended = Seq32(timestamp).extend(self.last as u64) as i64;
        let seconds = self.line.0 + (extended - begin) as f64 * self.line.1;
        let time = Duration::try_from_secs_f64(seconds.abs()).ok()?;
        if seconds >= 0.0 {
            return Some(first.plus(time));
        }
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        let before = (time.as_secs() << 32).wrapping_add(fraction);
        Some(NtpTime::from_bits(first.to_bits().wrapping_sub(before)))
    }

    fn begin(&mut self, ntp: NtpTime, rtp: u32) {
        let begin = i64::from(rtp) + BASE;
        self.first = Some((ntp, begin));
        self.last = begin;
        self.reports.clear();
        self.reports.push_back((0.0, 0.0));
        self.line = (0.0, 1.0 / f64::from(self.clock_rate));
    }

    /// A line through the reports by least squares. Its slope is the clock's rate, unless that is far
    /// off.
    fn fit(&mut self) {
        let count = self.reports.len() as f64;
        let sum = |of: fn(&(f64, f64)) -> f64| self.reports.iter().map(of).sum::<f64>() / count;
        let (seconds, ticks) = (sum(|it| it.0), sum(|it| it.1));
        let (mut product, mut square) = (0.0, 0.0);
        for (s, t) in &self.reports {
            product += (s - seconds) * (t - ticks);
            square += (t - ticks) * (t - ticks);
        }
        let nominal = 1.0 / f64::from(self.clock_rate);
        let slope = if square > 0.0 {
            product / square
        } else {
            nominal
        };
        let near = (slope / nominal - 1.0).abs() < SLOPE_MOST;
        let slope = if near { slope } else { nominal };
        self.line = (seconds - ticks * slope, slope);
    }
}

/// Holds back whichever of a sender's sound and pictures is early, a little each second.
///
/// The host tells when what is played ([`handle_played`](Self::handle_played)), by each stream's
/// [`SenderClock`], and gives the delays that come out to
/// [`AudioPlayout::set_sync_delay`](crate::AudioPlayout::set_sync_delay) and
/// [`VideoPlayout::set_sync_delay`](crate::VideoPlayout::set_sync_delay).
#[derive(Clone, Debug, Default)]
pub struct LipSync {
    audio: Side,
    video: Side,
    due: Option<Instant>,
    offset: Option<f64>,
}

/// What is known of one of the two.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Lately: how long after its capture it was played, in seconds of two clocks.
    sum: f64,
    count: u32,
    /// What it is held back for at least.
    delay: Duration,
}

/// What sound and pictures are to be held back for, at least.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SyncDelays {
    /// The least delay of sound.
    pub audio: Duration,
    /// The least delay of pictures.
    pub video: Duration,
}

impl LipSync {
    /// A lip sync that holds back neither sound nor pictures yet.
    pub fn new() -> Self {
        LipSync::default()
    }

    /// What was captured then is played at `at`.
    pub fn handle_played(&mut self, kind: MediaKind, captured: NtpTime, at: Instant) {
        let side = match kind {
            MediaKind::Audio => &mut self.audio,
            MediaKind::Video => &mut self.video,
        };
        // What changed at the last step takes a while.
        if self.due.is_some_and(|due| at + SETTLED < due) {
            return;
        }
        // Any origin will do, as long as both have it; this one keeps the numbers small.
        let captured = captured.to_bits() as f64 / 2_f64.powi(32);
        side.sum += at.since_origin().as_secs_f64() - captured;
        side.count = side.count.saturating_add(1);
    }

    /// Each second: new delays, if something has to change. It takes what the two would be held back
    /// for without lip sync (`minimum_delay`).
    pub fn poll(&mut self, now: Instant, least: SyncDelays) -> Option<SyncDelays> {
        let due = *self.due.get_or_insert(now + INTERVAL);
        if now < due {
            return None;
        }
        self.due = Some(now + INTERVAL);
        // Both, whatever the other has: the next mean is of the next second alone.
        let (audio, video) = (self.audio.take(), self.video.take());
        let (audio, video) = (audio?, video?);
        let late = video - audio;
        self.offset = Some(late);
        if late.abs() < ENOUGH || late.abs() > LARGEST_OFFSET {
            return None;
        }
        let step = Duration::from_secs_f64(late.abs()).min(LARGEST_STEP_OF_DELAY);
        let (early, behind, early_least, behind_least) = if late > 0.0 {
            (&mut self.audio, &mut self.video, least.audio, least.video)
        } else {
            (&mut self.video, &mut self.audio, least.video, least.audio)
        };
        // What was held back for the other's sake is given up first.
        let spare = behind.delay.saturating_sub(behind_least);
        if spare > Duration::ZERO {
            behind.delay -= step.min(spare);
        } else {
            early.delay = (early.delay.max(early_least) + step).min(SYNC_DELAY);
        }
        Some(SyncDelays {
            audio: self.audio.delay,
            video: self.video.delay,
        })
    }

    /// How much later pictures were seen than the sound that belongs to them was heard, in the last second
    /// that had both; below zero if they were earlier.
    pub fn offset_seconds(&self) -> Option<f64> {
        self.offset
    }
}

impl Side {
    /// The mean since the last time.
    fn take(&mut self) -> Option<f64> {
        let mean = self.sum / f64::from(self.count);
        let any = self.count > 0;
        (self.sum, self.count) = (0.0, 0);
        any.then_some(mean)
    }
}

const INTERVAL: Duration = Duration::from_secs(1);
/// The end of each interval, which counts.
const SETTLED: Duration = Duration::from_millis(300);
const LARGEST_STEP_OF_DELAY: Duration = Duration::from_millis(80);
/// Nobody sees it, in seconds.
const ENOUGH: f64 = 0.01;
/// Clocks that are that far apart do not mean the same, in seconds.
const LARGEST_OFFSET: f64 = 10.0;
/// Of a report off the line, in seconds.
const LARGEST_STEP: f64 = 1.0;
/// A line ends after a day, before its numbers lose what is small.
const LONGEST: f64 = 86_400.0;
const SLOPE_MOST: f64 = 0.01;
/// Where extended time stamps begin.
const BASE: i64 = 1 << 40;

fn seconds_since(ntp: NtpTime, first: NtpTime) -> f64 {
    ntp.since(first).as_secs_f64() - first.since(ntp).as_secs_f64()
}
