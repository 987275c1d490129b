//! Telephone keys in a stream of audio (RFC 4733).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, TransceiverId};
use duologue_rtp::{PayloadType, TelephoneEvent};

use super::Outbound;
use super::bandwidth::Lane;
use super::history::Sent;
use super::sender::{Polled, Sender};
use super::stream::Stamp;
use crate::limits::LONGEST_TONE;

/// A telephone key to play.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tone {
    /// Which event: 0 to 15 are the keys (RFC 4733 §3.2).
    pub event: u8,
    /// How long; at most six seconds, as `insertDTMF` has it.
    pub duration: Duration,
}

/// By which numbers events go in a stream of audio.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventFormat {
    pub(super) payload_type: PayloadType,
    /// Of the events' durations.
    pub(super) clock_rate: u32,
    /// Of the stream's time stamps, which are those of the audio.
    pub(super) stream_rate: u32,
}

/// What one sender plays.
#[derive(Debug, Default)]
pub(super) struct Player {
    /// In the order in which they leave.
    reports: VecDeque<Report>,
    /// The time stamp at which the last tone began, and when that was.
    pub(super) began: Option<(u32, Instant)>,
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
        self.began = Some((timestamp, now));

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

impl Outbound {
    /// A telephone key, in the place of audio. It is not played while the sender may not send.
    pub(crate) fn play(&mut self, now: Instant, id: TransceiverId, tone: Tone) {
        if let Some(sender) = self.senders.get_mut(&id) {
            sender.play(now, tone);
        }
    }

    /// When the next report of a tone is due, of those senders that do not wait to send.
    pub(crate) fn tone_due(&self) -> Option<Instant> {
        let idle = |it: &&Sender| !it.waits[Lane::Audio as usize];
        let idle = self.senders.values().filter(idle);
        idle.filter_map(|it| it.player.poll_timeout()).min()
    }

    pub(crate) fn handle_tones(&mut self, now: Instant) {
        let due = |it: &&Sender| it.player.next(now).is_some();
        let due = self.senders.values().filter(due).map(|it| it.id);
        for id in due.collect::<Vec<_>>() {
            self.wait(id, Lane::Audio);
        }
    }
}

impl Sender {
    /// A tone goes on from where the audio is.
    fn play(&mut self, now: Instant, tone: Tone) {
        let active = self.encoding(0).active;
        let (Some(format), Some(stream), true) =
            (self.formats.events, self.streams.first(), active)
        else {
            return;
        };
        let (timestamp, elapsed) = match stream.last {
            Some((timestamp, sent)) => (timestamp, now - sent),
            None => (0, now.since_origin()),
        };
        let ticks = elapsed.as_micros() as u64 * u64::from(format.stream_rate) / 1_000_000;
        let timestamp = timestamp.wrapping_add(ticks as u32);
        self.player.play(now, tone, format, timestamp);
    }

    /// The report of a tone that is due.
    pub(super) fn poll_tone(
        &mut self,
        now: Instant,
        stamp: Stamp,
        room: usize,
        out: &mut Vec<u8>,
    ) -> Polled {
        let (Some(report), Some(stream)) = (self.player.next(now), self.streams.first()) else {
            return Polled::Nothing;
        };
        let packet = Sent {
            sequence_number: stream.sequence_number(None),
            payload_type: report.payload_type,
            timestamp: report.timestamp,
            marker: report.marker,
            audio_level: None,
            payload: report.payload(),
            resent: None,
        };
        let begin = out.len();
        stream.write(&packet, stamp, &self.setting(), out);
        let len = out.len() - begin;
        if len > room {
            out.truncate(begin);
            return Polled::TooLong;
        }

        self.player.sent();
        let began = self.player.began;
        self.streams[0].event_sent(now, packet, len, began);
        self.written(len, stamp)
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
