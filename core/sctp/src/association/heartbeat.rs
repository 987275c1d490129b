use std::time::Duration;

use duologue_base::{Instant, Rng};

use super::state::{Open, Phase, Unconfirmed};
use crate::limits::{MAX_ECHO, MAX_UNCONFIRMED};
use crate::packet::{RawChunk, write_heartbeat, write_heartbeat_ack, write_pad};

const INFO_LEN: usize = 16;

/// Probing of an idle path (RFC 9260 §8.3).
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Option<Duration>,
    due_at: Option<Instant>,
    outstanding: Option<([u8; INFO_LEN], Instant)>,
    pub(crate) unanswered: u32,
}

impl Heartbeat {
    pub(crate) fn new(now: Instant, interval: Option<Duration>) -> Self {
        Heartbeat {
            interval,
            due_at: interval.map(|interval| now + interval),
            outstanding: None,
            unanswered: 0,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.due_at
    }
}

impl Open {
    /// Echoes a HEARTBEAT.
    pub(super) fn handle_heartbeat(&mut self, chunk: RawChunk<'_>) -> bool {
        if chunk.value.len() > MAX_ECHO {
            return false;
        }
        self.reply(|out| write_heartbeat_ack(out, chunk.value));
        true
    }

    /// RFC 9260 §8.3: the echo of our HEARTBEAT measures the path.
    pub(super) fn handle_heartbeat_ack(&mut self, now: Instant, chunk: RawChunk<'_>) -> bool {
        // The value is a parameter: its header, then what we wrote.
        let Some(echo) = chunk.value.get(4..) else {
            return false;
        };
        if self.sender.handle_probe_ack(now, echo) {
            return true;
        }
        let Some((info, sent_at)) = self.heartbeat.outstanding else {
            return false;
        };
        if echo != info {
            return false;
        }
        self.heartbeat.outstanding = None;
        self.heartbeat.unanswered = 0;
        self.unconfirmed = None;
        self.sender.on_path_sample(now - sent_at);
        true
    }

    pub(super) fn heartbeat_timeout(&mut self, now: Instant, rng: &mut Rng) {
        let heartbeat = &mut self.heartbeat;
        let (Some(interval), Some(due_at)) = (heartbeat.interval, heartbeat.due_at) else {
            return;
        };
        if due_at > now {
            return;
        }
        heartbeat.due_at = Some(now + interval + self.sender.rto());
        // Data under way probes the path already.
        if !self.sender.is_idle() || !matches!(self.phase, Phase::Established) {
            return;
        }
        if heartbeat.outstanding.is_some() {
            heartbeat.unanswered += 1;
        }
        self.probe(now, rng);
    }

    /// RFC 8899 §6.2.1: a packet with a HEARTBEAT, and with a PAD behind it that makes it as long as packets
    /// may be. It is no data, so that losing it is no congestion (§3, item 7).
    pub(super) fn write_path_probe(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        start: usize,
    ) -> bool {
        if !matches!(self.phase, Phase::Established) || self.unconfirmed.is_some() {
            return false;
        }
        let Some((size, info)) = self.sender.poll_probe(now) else {
            return false;
        };
        write_heartbeat(out, &info);
        let missing = (start + size).saturating_sub(out.len());
        write_pad(out, missing);
        true
    }

    fn probe(&mut self, now: Instant, rng: &mut Rng) {
        let mut info = [0; INFO_LEN];
        rng.fill(&mut info);
        self.heartbeat.outstanding = Some((info, now));
        self.reply(|out| write_heartbeat(out, &info));
    }

    /// Asks whether the peer still knows the association.
    pub(super) fn confirm_peer(&mut self, now: Instant, rng: &mut Rng) {
        if matches!(self.phase, Phase::Established) {
            self.unconfirmed = Some(Unconfirmed::OnNewPath(now + MAX_UNCONFIRMED));
            self.probe(now, rng);
        }
    }
}
