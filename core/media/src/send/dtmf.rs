//! Telephone keys in a stream of audio (RFC 4733).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;
use duologue_rtp::{PayloadType, TelephoneEvent};

use super::formats::EventFormat;
use super::stream::Sampled;
use crate::limits::LONGEST_TONE;

/// A telephone key to play.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tone {
    /// Which event: 0 to 15 are the keys (RFC 4733 §3.2).
    pub event: u8,
    /// How long; at most six seconds, as `insertDTMF` has it.
    pub duration: Duration,
}

/// What one sender plays.
#[derive(Debug, Default)]
pub(super) struct Player {
    /// In the order in which they leave.
    reports: VecDeque<Report>,
    /// Where the last tone began.
    pub(super) began: Option<Sampled>,
    /// Until when a tone is in the place of audio.
    until: Option<Instant>,
}

/// A report of a tone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    due: Instant,
    pub(super) payload_type: PayloadType,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    event: TelephoneEvent,
}

/// How often a tone is reported of, as browsers do. Each report replaces those before it.
const INTERVAL: Duration = Duration::from_millis(20);

/// How often the end of a tone or segment is told (RFC 4733 §2.5.1.4).
const COPIES: u32 = 3;

/// What browsers say of loudness, in dB below 0 dBm0.
const VOLUME: u8 = 10;

impl Player {
    /// Plays a tone that begins at this time stamp. The end of the one before is told of to the end
    /// first.
    pub(super) fn play(&mut self, now: Instant, tone: Tone, format: EventFormat, timestamp: u32) {
        for report in &mut self.reports {
            report.due = report.due.min(now);
        }
        let duration = tone.duration.min(LONGEST_TONE);
        self.until = Some(now + duration);
        self.began = Some(Sampled {
            timestamp,
            clock_rate: format.stream_rate,
            at: now,
        });

        let mut reports = Vec::new();
        let mut segment = Segment {
            format,
            event: tone.event,
            begin: 0,
            timestamp,
        };
        let mut elapsed = INTERVAL;
        while elapsed < duration {
            segment.report(now, elapsed, &mut reports);
            elapsed += INTERVAL;
        }
        segment.end(now, duration, &mut reports);
        if let Some(first) = reports.first_mut() {
            // RFC 4733 §2.2.2: it "indicates the beginning of a new event".
            first.marker = true;
        }
        reports.sort_by_key(|report| report.due);
        self.reports.extend(reports);
    }

    /// Whether a tone is in the place of audio.
    pub(super) fn plays(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.reports.front().map(|report| report.due)
    }

    /// The report that is due.
    pub(super) fn next(&self, now: Instant) -> Option<Report> {
        self.reports.front().filter(|it| it.due <= now).copied()
    }

    /// That one has left.
    pub(super) fn sent(&mut self) {
        self.reports.pop_front();
    }
}

impl Report {
    pub(super) fn payload(&self) -> Bytes {
        let mut payload = Vec::new();
        self.event.write(&mut payload);
        payload.into()
    }
}

/// What is reported of by one time stamp: a tone, or a part of a long one.
struct Segment {
    format: EventFormat,
    event: u8,
    /// Ticks of the tone before it.
    begin: u64,
    timestamp: u32,
}

impl Segment {
    fn report(&mut self, started: Instant, elapsed: Duration, reports: &mut Vec<Report>) {
        let ticks = self.reach(started, elapsed, reports);
        reports.push(self.after(started + elapsed, ticks, false));
    }

    fn end(&mut self, started: Instant, duration: Duration, reports: &mut Vec<Report>) {
        let ticks = self.reach(started, duration, reports);
        self.push_copies(started + duration, ticks, true, reports);
    }

    /// Ticks of the segment that this moment is in, which begins where the one before it ends.
    ///
    /// RFC 4733 §2.5.1.3: of a duration that does not fit the field the largest is told, without the
    /// E bit, and a new segment begins at the time at which that one ended.
    fn reach(&mut self, started: Instant, elapsed: Duration, reports: &mut Vec<Report>) -> u16 {
        let ticks = elapsed.as_millis() as u64 * u64::from(self.format.clock_rate) / 1_000;
        loop {
            let own = ticks - self.begin;
            if let Ok(own) = u16::try_from(own) {
                return own;
            }
            self.push_copies(started + elapsed, u16::MAX, false, reports);
            let EventFormat {
                clock_rate,
                stream_rate,
                ..
            } = self.format;
            let advance =
                u64::from(u16::MAX) * u64::from(stream_rate) / u64::from(clock_rate.max(1));
            self.timestamp = self.timestamp.wrapping_add(advance as u32);
            self.begin += u64::from(u16::MAX);
        }
    }

    fn push_copies(&self, due: Instant, ticks: u16, end: bool, reports: &mut Vec<Report>) {
        for copy in 0..COPIES {
            reports.push(self.after(due + INTERVAL * copy, ticks, end));
        }
    }

    fn after(&self, due: Instant, duration: u16, end: bool) -> Report {
        Report {
            due,
            payload_type: self.format.payload_type,
            timestamp: self.timestamp,
            marker: false,
            event: TelephoneEvent {
                event: self.event,
                end,
                volume: VOLUME,
                duration,
            },
        }
    }
}
