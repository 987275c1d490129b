//! Acknowledging, and being acknowledged (RFC 9260 §6.2, §6.2.1).

use duologue_base::Instant;

use super::{Association, Open, State};
use crate::Config;
use crate::packet::{Sack, write_sack};
use crate::receive::{Acknowledge, Inbox};

/// An empty window that opens by less than this is not worth a SACK of its own.
const MIN_WINDOW_UPDATE: usize = 4_096;

impl Association {
    pub(super) fn handle_sack(&mut self, now: Instant, sack: &Sack<'_>) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        if !open.sender.handle_sack(now, sack, &mut self.queue) {
            return false;
        }
        open.reset.on_acknowledged(open.sender.acknowledged());
        if open.sender.is_idle() && self.release_at.is_none() && self.queue.is_empty() {
            self.release_at = Some(now + super::RELEASE_AFTER);
        }
        self.advance_shutdown();
        true
    }
}

impl Open {
    /// What the peer may still send us.
    pub(super) fn receive_window(&self, config: &Config, inbox: &Inbox) -> usize {
        let window = config.receive_window;
        let used = inbox.cost() + self.in_streams.cost();
        let free = window.saturating_sub(used);
        if inbox.cost() > 0 || self.tracker.has_gaps() {
            return free;
        }
        // What fills it are messages that are not whole. The application cannot make room by reading: they go on, up to a
        // window's worth more.
        free.max((window / 4).min((2 * window).saturating_sub(used)))
    }

    /// The application took a message. RFC 9260 §6.2: a window that was nearly closed and opened
    /// by much is announced at once.
    pub(super) fn update_window(&mut self, config: &Config, inbox: &Inbox) {
        if self.advertised_window >= config.receive_window / 2 {
            return;
        }
        let window = self.receive_window(config, inbox);
        let grown = window.saturating_sub(self.advertised_window);
        let emptied = self.advertised_window == 0 && inbox.cost() == 0;
        if grown >= config.receive_window / 4 || (emptied && grown >= MIN_WINDOW_UPDATE) {
            self.acknowledge = Acknowledge::Now;
        }
    }

    /// Appends a SACK of at most `room` bytes.
    pub(super) fn write_sack(
        &mut self,
        out: &mut Vec<u8>,
        room: usize,
        config: &Config,
        inbox: &Inbox,
    ) {
        let entries = room.saturating_sub(Sack::FIXED_LEN) / 4;
        let duplicates = self.tracker.duplicates();
        let duplicates = &duplicates[..duplicates.len().min(entries)];
        let gaps = self.tracker.gap_blocks().take(entries - duplicates.len());
        let window = self.receive_window(config, inbox);
        write_sack(
            out,
            self.tracker.cumulative().wire(),
            u32::try_from(window).unwrap_or(u32::MAX),
            gaps,
            duplicates.iter().copied(),
        );
        self.tracker.clear_duplicates();
        self.advertised_window = window;
        self.acknowledge = Acknowledge::Idle;
    }
}
