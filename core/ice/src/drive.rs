//! Time and output.

use duologue_base::{Instant, SocketId, Transmit};

use crate::agent::Agent;
use crate::checklist::{Check, Checklist};
use crate::checks::Checks;
use crate::leave::CheckLeave;
use crate::limits;
use crate::local::Local;
use crate::stats::PairId;
use crate::tcp::Framing;
use crate::transaction::{Next, Purpose};

impl Agent {
    /// Time has passed. Calling it early or late does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.checks.is_closed() {
            return;
        }
        let due = |next: Next| !matches!(next, Next::Resend { .. }) && next.at() <= now;
        while let Some(index) = self.checks.transactions.iter().position(|t| due(t.next)) {
            let transaction = self.checks.transactions.swap_remove(index);
            let at = self.checks.index(transaction.generation);
            if let (Next::Fail { .. }, Some(at)) = (transaction.next, at) {
                self.checks.check_failed(at, &transaction);
            }
        }
        self.expire_consent(now);
        self.handle_stream_timeouts(now);
        self.handle_gathering_timeout(now);
        self.update(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), then
    /// [`poll_transmit`](Self::poll_transmit). None: when something arrives.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.checks.is_closed() {
            return None;
        }
        let check = self.check_timeout();
        let transaction = self.checks.transactions.iter().map(|t| t.next.at()).min();
        Instant::earliest([
            check,
            transaction,
            self.consent_timeout(),
            self.nomination_timeout(),
            self.checks.patience_timeout(),
            self.checks.retirement_timeout(),
            self.gathering_timeout(),
            self.local.stream_timeout(),
        ])
    }

    /// Writes the next datagram into `out`, whose content it replaces.
    ///
    /// Responses go first; requests are sent again, and consent is asked for, when their time has
    /// come; new checks go as pacing allows.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = self.poll_message(now, out)?;
        match self.local.framing(transmit.socket) {
            None => Some(transmit),
            Some(framing) => {
                out.splice(..0, std::iter::repeat_n(0, framing.header_len()));
                framing.close(framing.header_len(), out);
                let len = out.len();
                Some(Transmit { len, ..transmit })
            }
        }
    }

    fn poll_message(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        while let Some(reply) = self.outbox.replies.pop_front() {
            if self.outbox.replies.is_empty() {
                self.outbox.replies.shrink_to_fit();
            }
            let transmit = self.write_reply(&reply, out);
            if transmit.is_some() {
                return transmit;
            }
        }
        if let Some((transmit, bytes)) = self.outbox.releases.pop() {
            *out = bytes;
            return Some(transmit);
        }
        if self.checks.is_closed() {
            return None;
        }
        self.retransmit(now, out)
            .or_else(|| self.ask_consent(now, out))
            .or_else(|| self.send_check(now, out))
            .or_else(|| self.send_probe(now, out))
            .or_else(|| self.send_to_turn(now, out))
    }

    /// When the next check may leave, if there is one.
    pub fn next_check(&self) -> Instant {
        self.checks.next_check
    }

    /// Pairs that are being checked or will be.
    pub fn pending_checks(&self) -> u32 {
        let generations = self.checks.generations.iter();
        generations.map(|state| state.checklist.pending()).sum()
    }

    /// RFC 8445 §14: Ta is the distance of the checks of a whole ICE session. Another agent of it sent
    /// one, so that this one's next must not leave before `until`; and so many `pending` pairs of all
    /// others share what there is.
    pub fn share_checks(&mut self, until: Instant, pending: u32) {
        self.checks.next_check = self.checks.next_check.max(until);
        self.checks.pending_elsewhere = pending;
    }

    /// A checklist that is worked on has some.
    pub(crate) fn has_checks(&self, some: impl Fn(&Checklist) -> bool) -> bool {
        !self.config.lite
            && self.checks.generations.iter().any(|generation| {
                generation.remote_secret().is_some()
                    && !generation.failed
                    && some(&generation.checklist)
            })
    }

    /// RFC 8445 §6.1.4.2, but on the arrival of work and not on a tick: Ta is the least distance
    /// of two checks.
    fn send_check(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        if self.config.lite {
            return None;
        }
        while now >= self.checks.next_check {
            // Those under way are for others than this one's pairs, or of a generation before.
            if self.checks.transactions.len() >= limits::TRANSACTIONS
                && !self.checks.has_spare_request()
            {
                self.outbox.counters.over_limit += 1;
                self.checks.next_check = now + self.checks.pacing;
                return None;
            }
            let (at, id, order) = self.checks.take_check()?;
            let Some(pair) = self.checks.generations[at].checklist.get(id) else {
                continue;
            };
            let purpose = match (&pair.check, pair.nomination.under_way()) {
                (Check::Succeeded(_), Some(number)) => Purpose::Nomination { number },
                // It succeeded since it was queued.
                (Check::Succeeded(_), None) => continue,
                _ => Purpose::Check,
            };
            if self.lacks_stream(at, id) {
                self.checks.next_check = now + self.checks.pacing;
                if order == Order::Ordinary {
                    self.checks.use_check_leave();
                }
                self.open_stream(now, at, id);
                continue;
            }
            if let Some(transmit) = self.send_request(now, at, id, purpose, out) {
                self.checks.next_check = now + self.checks.pacing;
                if order == Order::Ordinary {
                    self.checks.use_check_leave();
                    // It is the last one that was begun.
                    if let Some(transaction) = self.checks.transactions.last_mut() {
                        transaction.ordinary = true;
                    }
                }
                return Some(transmit);
            }
        }
        None
    }
}

impl Local {
    /// The framing of what is sent on a socket, if it is a stream.
    pub(crate) fn framing(&self, socket: SocketId) -> Option<Framing> {
        match self.stream_of(socket) {
            Some(_) => Some(Framing::Length),
            None => self.server_framing(socket),
        }
    }
}

impl Checks {
    /// The newest generation goes first: a restart was asked for because the path is bad.
    fn take_check(&mut self) -> Option<(usize, PairId, Order)> {
        let may_begin = !matches!(self.leave, CheckLeave::Held { .. });
        (0..self.generations.len()).rev().find_map(|at| {
            let generation = &mut self.generations[at];
            if generation.remote_secret().is_none() || generation.failed {
                return None;
            }
            let checklist = &mut generation.checklist;
            if let Some(id) = checklist.take_triggered() {
                return Some((at, id, Order::Triggered));
            }
            let id = checklist.ordinary().filter(|_| may_begin)?;
            Some((at, id, Order::Ordinary))
        })
    }
}

/// Why it is a pair's turn (RFC 8445 §6.1.4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    /// The other side was heard there, or it is nominated.
    Triggered,
    Ordinary,
}
