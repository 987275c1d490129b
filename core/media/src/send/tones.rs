//! Which senders play telephone keys, in the place of their audio.

use duologue_base::{Instant, TransceiverId};

use super::Outbound;
use super::bandwidth::Lane;
use super::dtmf::Tone;
use super::history::Sent;
use super::sender::{Polled, Sender};
use super::stream::{Sampled, Stamp};

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
        let last = match self.streams.first() {
            Some(stream) if self.encoding(0).active => stream.last,
            _ => return,
        };
        let Some(format) = self.formats.events(last.map(|last| last.clock_rate)) else {
            return;
        };
        let last = last.unwrap_or(Sampled {
            timestamp: 0,
            clock_rate: format.stream_rate,
            at: Instant::ZERO,
        });
        let timestamp = last.timestamp_at(now);
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
            contributing_sources: Vec::new(),
            capture_time: None,
            dependency_descriptor: bytes::Bytes::new(),
            layers_allocation: None,
            corruption_detection: None,
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
        Polled::Written(self.written(&out[begin..], stamp))
    }
}
