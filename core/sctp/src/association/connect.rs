//! Setting up (RFC 9260 §5): four messages, either side or both at once calling.

use duologue_base::Instant;

use super::cookie::{PeerInit, StateCookie};
use super::heartbeat::Heartbeat;
use super::retry::Retry;
use super::state::{Calling, Identity, Open, Phase, State, log_change};
use super::stream_reset::StreamReset;
use super::{Association, Counters};
use crate::limits::MAX_COOKIE;
use crate::packet::{Cause, Init, write_abort, write_cookie_ack, write_error, write_shutdown_ack};
use crate::receive::{Acknowledge, InStreams, Tracker};
use crate::send::Sender;
use crate::{AssociationState, CloseReason, Event, PeerMisbehaved};

impl Association {
    /// Appends our INIT. One that is sent again leaves Zero Checksum Acceptable out: there are peers
    /// that drop a packet with a parameter they do not know (Pion's before 1.8.10), whatever
    /// RFC 9260 §3.2.1 says.
    pub(super) fn write_init(&self, out: &mut Vec<u8>, repeated: bool) {
        let mut init = self.local.init(&self.config);
        init.support.zero_checksum &= !repeated;
        init.write(out);
    }

    /// Answers an INIT without keeping anything of it (RFC 9260 §5.1 B, §5.2.1, §5.2.2).
    pub(super) fn handle_init(&mut self, now: Instant, init: &Init<'_>) {
        if init.tag == 0 {
            self.counters.chunks_dropped += 1;
            return;
        }
        if init.outbound_streams == 0 || init.inbound_streams == 0 {
            // RFC 9260 §3.3.2: such an INIT is answered with ABORT, and otherwise ignored.
            self.counters.chunks_dropped += 1;
            self.reply(init.tag, |out| write_abort(out, 0, None));
            return;
        }

        let (local, tie_tags) = match &mut self.state {
            State::Closed => return,
            State::Idle | State::CookieWait(_) => (self.local, (0, 0)),
            State::Open(open) => {
                let tie_tags = (open.local.tag, open.peer_tag);
                match &mut open.phase {
                    Phase::CookieEchoed { .. } => (self.local, tie_tags),
                    Phase::ShutdownAckSent(_) => {
                        // RFC 9260 §9.2: the peer missed the end; it is told again.
                        open.reply(write_shutdown_ack);
                        return;
                    }
                    _ => (Identity::draw(&mut self.rng), tie_tags),
                }
            }
        };

        let cookie = StateCookie {
            local,
            peer: PeerInit::from(init),
            created: now,
            tie_tags,
        };
        let sealed = cookie.seal(&self.cookie_secret);
        let mut answer = local.init(&self.config);
        // See `write_init`: a peer that knows the parameter shows it.
        answer.support.zero_checksum &= init.support.zero_checksum;
        let answer = Init {
            cookie: Some(&sealed),
            unrecognized: init.unrecognized,
            ..answer
        };

        let mut chunk = Vec::new();
        answer.write(&mut chunk);
        self.reply(init.tag, |out| out.extend_from_slice(&chunk));
    }

    /// Signalling has brought both ends' INITs, and there is nothing to call for.
    pub(crate) fn establish_signalled(&mut self, now: Instant, ours: &Init<'_>, theirs: &Init<'_>) {
        self.local = Identity {
            tag: ours.tag,
            initial_tsn: ours.initial_tsn,
        };
        self.open(now, Phase::Established, self.local, &PeerInit::from(theirs));
        self.announce();
    }

    /// RFC 9260 §5.1 C: the peer answered our INIT; its cookie goes back.
    pub(super) fn handle_init_ack(&mut self, now: Instant, init: &Init<'_>) {
        let State::CookieWait(_) = self.state else {
            // RFC 9260 §5.2.3: late or doubled.
            self.counters.chunks_dropped += 1;
            return;
        };
        let Some(cookie) = init.cookie.filter(|cookie| cookie.len() <= MAX_COOKIE) else {
            self.counters.chunks_dropped += 1;
            return;
        };
        if init.tag == 0 || init.outbound_streams == 0 || init.inbound_streams == 0 {
            self.reply(init.tag, |out| write_abort(out, 0, None));
            self.close(CloseReason::PeerMisbehaved(PeerMisbehaved::InvalidInit));
            return;
        }
        let phase = Phase::CookieEchoed {
            cookie: cookie.to_vec(),
            retry: Retry::now(),
        };
        self.open(now, phase, self.local, &PeerInit::from(init));
    }

    /// RFC 9260 §5.1 D and §5.2.4. Returns whether the rest of the packet may be read.
    pub(super) fn handle_cookie_echo(&mut self, now: Instant, tag: u32, sealed: &[u8]) -> bool {
        let Some(cookie) = StateCookie::open(sealed, &self.cookie_secret) else {
            self.counters.chunks_dropped += 1;
            return false;
        };
        let stale = cookie.staleness(now, self.config.timers.cookie_life);
        if cookie.local.tag != tag {
            self.counters.chunks_dropped += 1;
            return false;
        }

        let known = match &self.state {
            State::Closed => return false,
            State::Idle | State::CookieWait(_) => None,
            State::Open(open) => Some((open.local.tag, open.peer_tag)),
        };
        let is_known = known == Some((cookie.local.tag, cookie.peer.tag));
        if let Some(stale) = stale
            && !is_known
        {
            let micros = u32::try_from(stale.as_micros()).unwrap_or(u32::MAX);
            self.reply(cookie.peer.tag, |out| {
                write_error(out, &Cause::StaleCookie(micros));
            });
            return false;
        }

        match known {
            None => self.accept(now, &cookie),
            // §5.2.4 D: our COOKIE ACK got lost, or both sides called.
            Some(_) if is_known => self.establish(),
            // §5.2.4 B: the peer called again before it had our answer. A late cookie may have set
            // up what was before, and if data was exchanged on that, the peer started over.
            Some((local, _)) if local == cookie.local.tag => self.accept(now, &cookie),
            // §5.2.4 A: the peer started over.
            Some(known) if known == cookie.tie_tags => self.restart(now, &cookie),
            Some(_) => {
                self.counters.chunks_dropped += 1;
                return false;
            }
        }

        if let State::Open(open) = &mut self.state {
            // COOKIE ACK comes before anything else in its packet (RFC 9260 §5.1 D).
            let mut chunk = Vec::new();
            write_cookie_ack(&mut chunk);
            open.control.push_front(chunk);
        }
        true
    }

    /// RFC 9260 §5.1 E: set up, as seen by who called.
    pub(super) fn handle_cookie_ack(&mut self) {
        self.establish();
    }

    /// RFC 9260 §5.2.6: our cookie came too late; call again. The peer dropped the data that came
    /// with it, and our TSNs stay the same, so that it can be sent as it is with the next cookie.
    pub(super) fn handle_stale_cookie(&mut self) {
        if self.state.summary() == AssociationState::Connecting && self.take_back() {
            // Under another name, so that a COOKIE ACK for an earlier cookie does not pass for
            // the answer to the next one.
            self.local.tag = self.rng.u32().max(1);
        }
    }

    /// Back to COOKIE-WAIT from a state in which neither side has taken data of the other's, keeping
    /// what was sent. False in any other state.
    fn take_back(&mut self) -> bool {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Open(open) if open.is_unused() => {
                log_change(open.phase.name(), "COOKIE-WAIT");
                self.state = State::CookieWait(Calling::new(Some(Box::new(open.sender))));
                true
            }
            other => {
                self.state = other;
                false
            }
        }
    }

    /// What was under way with an earlier cookie, if this peer takes it in the same form.
    fn take_under_way(&mut self, features: (bool, bool), window: usize) -> Option<Sender> {
        let State::CookieWait(calling) = &mut self.state else {
            return None;
        };
        let mut sender = *calling.under_way.take()?;
        if sender.features() != features {
            self.queue.restart();
            sender.forget_all(&mut self.queue);
            return None;
        }
        sender.set_peer_window(window);
        sender.send_again(&mut self.queue);
        Some(sender)
    }

    fn accept(&mut self, now: Instant, cookie: &StateCookie) {
        let told = matches!(&self.state, State::Open(open) if open.phase.is_set_up());
        if !self.take_back() && matches!(self.state, State::Open(_)) {
            if !told {
                self.announce();
            }
            return self.restart(now, cookie);
        }
        self.local = cookie.local;
        self.open(now, Phase::Established, cookie.local, &cookie.peer);
        if !told {
            self.announce();
        }
    }

    fn restart(&mut self, now: Instant, cookie: &StateCookie) {
        if let State::Open(open) = &mut self.state {
            self.queue.restart();
            open.sender.forget_all(&mut self.queue);
        }
        self.local = cookie.local;
        self.open(now, Phase::Established, cookie.local, &cookie.peer);
        self.events.push_back(Event::Restarted);
    }

    pub(super) fn establish(&mut self) {
        if let State::Open(open) = &mut self.state
            && let Phase::CookieEchoed { .. } = open.phase
        {
            open.set_phase(Phase::Established);
            self.announce();
        }
    }

    fn announce(&mut self) {
        if let State::Open(open) = &self.state {
            self.events.push_back(Event::Connected {
                outbound_streams: open.outbound_streams,
                inbound_streams: open.inbound_streams,
            });
        }
    }

    /// Makes the state of an association with a peer that said `peer`.
    fn open(&mut self, now: Instant, phase: Phase, local: Identity, peer: &PeerInit) {
        let config = &self.config;
        let outbound_streams = config.streams.min(peer.inbound_streams);
        let support = peer.support;
        self.queue.limit_streams(outbound_streams);
        let features = (
            config.interleaving && support.interleaving,
            support.partial_reliability,
        );
        let window = peer.receive_window as usize;
        let under_way = self.take_under_way(features, window);
        let config = &self.config;
        let mut sender = under_way.unwrap_or_else(|| {
            let seed = self.rng.u32();
            Sender::new(config, now, local.initial_tsn, window, features, seed)
        });
        sender.allow_probes(support.padding, config.largest_packet);

        log_change(self.state.name(), phase.name());
        self.state = State::Open(Box::new(Open {
            phase,
            local,
            peer_tag: peer.tag,
            outbound_streams,
            inbound_streams: config.streams.min(peer.outbound_streams),
            zero_checksum: config.zero_checksum && support.zero_checksum,
            reconfiguration: support.reconfiguration,
            sender,
            tracker: Tracker::new(peer.initial_tsn),
            in_streams: InStreams::new(config.max_receive_message_size, config.keep_message_memory),
            acknowledge: Acknowledge::Idle,
            advertised_window: config.receive_window,
            reset: StreamReset::new(local.initial_tsn, peer.initial_tsn),
            heartbeat: Heartbeat::new(now, config.timers.heartbeat),
            unconfirmed: None,
            control: std::collections::VecDeque::new(),
        }));
    }
}

impl From<&Init<'_>> for PeerInit {
    fn from(init: &Init<'_>) -> Self {
        PeerInit {
            tag: init.tag,
            initial_tsn: init.initial_tsn,
            receive_window: init.receive_window,
            outbound_streams: init.outbound_streams,
            inbound_streams: init.inbound_streams,
            support: init.support,
        }
    }
}

impl Counters {
    pub(super) fn count_received(&mut self, bytes: usize) {
        self.packets_received += 1;
        self.bytes_received += bytes as u64;
    }

    pub(super) fn count_sent(&mut self, bytes: usize) {
        self.packets_sent += 1;
        self.bytes_sent += bytes as u64;
    }
}
