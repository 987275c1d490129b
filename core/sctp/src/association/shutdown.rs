//! Ending: gracefully (RFC 9260 §9.2) and at once (§9.1).

use duologue_base::Instant;

use super::retry::Retry;
use super::{Association, Open, Phase, State};
use crate::CloseReason;
use crate::packet::{
    Cause, RawChunk, Sack, parse_shutdown, write_shutdown, write_shutdown_ack,
    write_shutdown_complete,
};

impl Association {
    /// Ends gracefully: what was sent is still delivered.
    pub fn shutdown(&mut self, _now: Instant) {
        match &mut self.state {
            State::Idle | State::CookieWait(_) => self.close(CloseReason::Shutdown),
            State::Open(open) => {
                if let Phase::CookieEchoed { .. } | Phase::Established = open.phase {
                    open.set_phase(Phase::ShutdownPending);
                    self.advance_shutdown();
                }
            }
            State::Closed => {}
        }
    }

    /// Ends at once and tells the peer: poll the packet.
    pub fn abort(&mut self) {
        self.close_with_abort(CloseReason::Aborted, &Cause::UserInitiatedAbort);
    }

    /// Goes on with the ending once everything is delivered.
    pub(super) fn advance_shutdown(&mut self) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if !open.sender.is_idle() || !self.queue.is_empty() {
            return;
        }
        match open.phase {
            Phase::ShutdownPending => open.set_phase(Phase::ShutdownSent(Retry::now())),
            Phase::ShutdownReceived => open.set_phase(Phase::ShutdownAckSent(Retry::now())),
            _ => {}
        }
    }

    /// The peer wants to end, and says what it has of ours.
    pub(super) fn handle_shutdown(&mut self, now: Instant, chunk: RawChunk<'_>) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        let Some(tsn) = parse_shutdown(chunk) else {
            return false;
        };
        let window = u32::try_from(open.sender.advertised_peer_window()).unwrap_or(u32::MAX);
        let sack = Sack::cumulative(tsn, window);
        open.sender.handle_sack(now, &sack, &mut self.queue);
        match &mut open.phase {
            Phase::CookieEchoed { .. } | Phase::Established | Phase::ShutdownPending => {
                open.set_phase(Phase::ShutdownReceived);
            }
            // Both sides are ending (RFC 9260 §9.2).
            Phase::ShutdownSent(_) => open.set_phase(Phase::ShutdownAckSent(Retry::now())),
            Phase::ShutdownAckSent(retry) => retry.reset(),
            Phase::ShutdownReceived => {}
        }
        self.advance_shutdown();
        true
    }

    pub(super) fn handle_shutdown_ack(&mut self) -> bool {
        let State::Open(open) = &self.state else {
            return false;
        };
        if !matches!(
            open.phase,
            Phase::ShutdownSent(_) | Phase::ShutdownAckSent(_)
        ) {
            return false;
        }
        let tag = open.peer_tag;
        self.reply(tag, |out| write_shutdown_complete(out, 0));
        self.close(CloseReason::Shutdown);
        true
    }

    pub(super) fn handle_shutdown_complete(&mut self) -> bool {
        let ended = matches!(&self.state, State::Open(open)
            if matches!(open.phase, Phase::ShutdownAckSent(_)));
        if ended {
            self.close(CloseReason::Shutdown);
        }
        ended
    }
}

impl Open {
    /// RFC 9260 §9.2: in SHUTDOWN-SENT, data is answered with a SHUTDOWN beside the SACK.
    pub(super) fn note_data_while_shutting_down(&mut self) {
        if let Phase::ShutdownSent(retry) = &mut self.phase {
            retry.reset();
        }
    }

    /// Appends the SHUTDOWN or SHUTDOWN ACK that is due.
    pub(super) fn write_shutdown(&mut self, now: Instant, out: &mut Vec<u8>) {
        match &self.phase {
            Phase::ShutdownSent(retry) if retry.is_due() => {
                write_shutdown(out, self.tracker.cumulative().wire());
            }
            Phase::ShutdownAckSent(retry) if retry.is_due() => write_shutdown_ack(out),
            // All packets of data pass here.
            _ => return,
        }
        let (rto, max) = (self.sender.rto(), self.sender.rto_max());
        if let Some(retry) = self.phase.retry_mut() {
            retry.on_sent(now, rto, max);
        }
    }
}
