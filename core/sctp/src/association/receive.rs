//! A packet comes in (RFC 9260 §6.2, §8.5): checks, then one handler per chunk.

use duologue_base::{Instant, Seq32};

use super::state::Unconfirmed;
use super::{Association, Open, State};
use crate::limits::{MAX_ECHO, WINDOWS_WITH_GAPS};
use crate::packet::{
    Cause, DataChunk, FLAG_REFLECTED_TAG, Header, Init, RawChunk, Sack, first_cause_code,
    has_valid_checksum, has_zero_checksum, kind, write_error,
};
use crate::receive::{Acknowledge, Arrival, Inbox};
use crate::tsn::Tsn;
use crate::{CloseReason, Config, PeerMisbehaved};

/// RFC 9260 §3.3.10.3
const STALE_COOKIE: u16 = 3;

/// What becomes of the rest of the packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    Continue,
    Stop,
}

impl Association {
    /// Takes one SCTP packet from the peer.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        let ports = (self.config.remote_port, self.config.local_port);
        let valid = Header::parse(packet)
            .filter(|(header, _)| (header.source_port, header.destination_port) == ports);
        let Some((header, mut chunks)) = valid else {
            self.counters.packets_dropped += 1;
            return;
        };
        if !self.is_intact(packet) {
            self.counters.packets_dropped += 1;
            return;
        }
        let Some(Ok(first)) = chunks.next() else {
            self.counters.packets_dropped += 1;
            return;
        };

        match self.admit(now, header.verification_tag, first) {
            Admission::Refused => {
                self.counters.packets_dropped += 1;
                return;
            }
            Admission::Handled => {
                self.counters.count_received(packet.len());
            }
            Admission::Open => {
                self.counters.count_received(packet.len());
                if self.handle_chunk(now, first) == Flow::Stop {
                    return;
                }
            }
        }

        let mut has_data = is_data(first);
        for chunk in chunks {
            let Ok(chunk) = chunk else {
                self.counters.chunks_dropped += 1;
                break;
            };
            has_data |= is_data(chunk);
            if self.handle_chunk(now, chunk) == Flow::Stop {
                break;
            }
        }

        if has_data {
            self.note_data_packet(now);
        }
    }

    /// RFC 9260 §6.8, RFC 9653 §5.3: the CRC32c is right, or left out with our consent, which the
    /// peer has from our INIT on.
    fn is_intact(&self, packet: &[u8]) -> bool {
        let may_lack = self.config.zero_checksum && !matches!(self.state, State::Idle);
        (may_lack && has_zero_checksum(packet)) || has_valid_checksum(packet)
    }

    /// RFC 9260 §8.5: whether a packet with this tag and first chunk is for us. Chunks with rules of
    /// their own are handled here.
    fn admit(&mut self, now: Instant, tag: u32, first: RawChunk<'_>) -> Admission {
        match first.kind {
            kind::INIT => match Init::parse(first) {
                Some(init) if tag == 0 => {
                    self.handle_init(now, &init);
                    Admission::Handled
                }
                _ => Admission::Refused,
            },
            kind::INIT_ACK => match Init::parse(first) {
                Some(init) if tag == self.local.tag => {
                    self.handle_init_ack(now, &init);
                    Admission::Handled
                }
                _ => Admission::Refused,
            },
            kind::COOKIE_ECHO => {
                if self.handle_cookie_echo(now, tag, first.value) {
                    Admission::Handled
                } else {
                    Admission::Refused
                }
            }
            kind::ABORT | kind::SHUTDOWN_COMPLETE => {
                let expected = match &self.state {
                    State::Open(open) if first.flags & FLAG_REFLECTED_TAG != 0 => open.peer_tag,
                    State::Open(open) => open.local.tag,
                    State::CookieWait(_) => self.local.tag,
                    State::Idle | State::Closed => return Admission::Refused,
                };
                if tag == expected {
                    Admission::Open
                } else {
                    Admission::Refused
                }
            }
            _ => match &self.state {
                State::Open(open) if open.local.tag == tag => Admission::Open,
                _ => Admission::Refused,
            },
        }
    }

    fn handle_chunk(&mut self, now: Instant, chunk: RawChunk<'_>) -> Flow {
        let understood = match chunk.kind {
            kind::DATA | kind::I_DATA => return self.handle_data(chunk),
            kind::SACK => match Sack::parse(chunk) {
                Some(sack) => self.handle_sack(now, &sack),
                None => false,
            },
            kind::FORWARD_TSN | kind::I_FORWARD_TSN => self.handle_forward_tsn(chunk),
            kind::RE_CONFIG => self.handle_reconfig(chunk),
            kind::HEARTBEAT => self
                .open_mut()
                .is_some_and(|open| open.handle_heartbeat(chunk)),
            kind::HEARTBEAT_ACK => self
                .open_mut()
                .is_some_and(|open| open.handle_heartbeat_ack(now, chunk)),
            kind::COOKIE_ACK => {
                self.handle_cookie_ack();
                true
            }
            kind::ERROR => {
                if first_cause_code(chunk) == Some(STALE_COOKIE) {
                    self.handle_stale_cookie();
                }
                true
            }
            kind::SHUTDOWN => self.handle_shutdown(now, chunk),
            kind::SHUTDOWN_ACK => self.handle_shutdown_ack(),
            kind::SHUTDOWN_COMPLETE => self.handle_shutdown_complete(),
            kind::ABORT => {
                self.handle_abort(now, first_cause_code(chunk));
                return Flow::Stop;
            }
            kind::PAD => true,
            // An INIT travels alone, and a COOKIE ECHO first.
            kind::INIT | kind::INIT_ACK | kind::COOKIE_ECHO => false,
            _ => return self.handle_unknown_chunk(chunk),
        };
        if !understood {
            self.counters.chunks_dropped += 1;
        }
        match self.state {
            State::Open(_) => Flow::Continue,
            _ => Flow::Stop,
        }
    }

    /// RFC 9260 §3.2: the two highest bits of an unknown type say what to do.
    fn handle_unknown_chunk(&mut self, chunk: RawChunk<'_>) -> Flow {
        self.counters.chunks_dropped += 1;
        if chunk.kind & 0x40 != 0
            && let Some(open) = self.open_mut()
        {
            let len = chunk.value.len() + 4;
            let mut copy = vec![chunk.kind, chunk.flags];
            copy.extend_from_slice(&(len as u16).to_be_bytes());
            let kept = chunk.value.len().min(MAX_ECHO);
            copy.extend_from_slice(&chunk.value[..kept]);
            open.reply(|out| write_error(out, &Cause::UnrecognizedChunk(copy)));
        }
        if chunk.kind & 0x80 != 0 {
            Flow::Continue
        } else {
            Flow::Stop
        }
    }

    fn handle_abort(&mut self, now: Instant, cause: Option<u16>) {
        let expected = self.restart_until.filter(|until| *until > now);
        match (expected, &mut self.state) {
            (Some(until), State::Open(open)) => {
                open.unconfirmed = Some(Unconfirmed::Aborted { until, cause });
            }
            _ => self.close(CloseReason::AbortedByPeer { cause_code: cause }),
        }
    }

    fn handle_data(&mut self, chunk: RawChunk<'_>) -> Flow {
        let data = DataChunk::parse(chunk);
        if data.is_some() {
            // Who sends data took our cookie, and its COOKIE ACK is late: the owner hears that the
            // association is up before what came on it.
            self.establish();
        }
        let State::Open(open) = &mut self.state else {
            return Flow::Stop;
        };
        let Some(data) = data.filter(|_| open.phase.may_receive_data()) else {
            self.counters.chunks_dropped += 1;
            return Flow::Continue;
        };

        if data.payload.is_empty() {
            return self.refuse_empty(data.header.tsn);
        }
        if data.interleaved != open.sender.interleaved() {
            return self.misbehaved(PeerMisbehaved::WrongDataChunk);
        }

        let tsn = open.tracker.cumulative().nearest(data.header.tsn);
        let admission = match open.tracker.classify(tsn) {
            Arrival::New if open.reset.holds_back(data.header.stream, tsn) => Room::NotNow,
            Arrival::New => open.room_for(&data, tsn, &self.config, &self.inbox),
            Arrival::Duplicate => {
                open.tracker.note_duplicate(data.header.tsn);
                Room::NotNow
            }
            Arrival::OutOfRange => Room::NotNow,
        };

        match admission {
            Room::Now => {}
            Room::NotNow => {
                self.counters.chunks_dropped += 1;
                open.acknowledge = Acknowledge::Now;
                return Flow::Continue;
            }
            Room::Never => return self.refuse_more_fragments(),
        }
        let gaps = open.tracker.has_gaps();
        open.tracker.insert(tsn);
        if data.header.immediate || gaps || open.tracker.has_gaps() {
            open.acknowledge = Acknowledge::Now;
        }

        if data.header.stream.0 >= open.inbound_streams {
            // RFC 9260 §6.5: acknowledged, reported, dropped.
            self.counters.chunks_dropped += 1;
            let cause = Cause::InvalidStream(data.header.stream.0);
            open.reply(|out| write_error(out, &cause));
            return Flow::Continue;
        }

        match open.in_streams.add(&data, tsn, &mut self.inbox) {
            Ok(()) => {
                if open.reset.is_deferred() {
                    open.perform_deferred_reset(&self.config, &mut self.inbox);
                }
                Flow::Continue
            }
            Err(misbehaved) => self.misbehaved(misbehaved),
        }
    }

    /// RFC 9260 §6.2. Its TSN could not be acknowledged, so that nothing after it would count.
    #[cold]
    fn refuse_empty(&mut self, tsn: Seq32) -> Flow {
        let reason = CloseReason::PeerMisbehaved(PeerMisbehaved::NoUserData);
        self.close_with_abort(reason, &Cause::NoUserData(tsn));
        Flow::Stop
    }

    /// RFC 9260 §3.3.10.4
    #[cold]
    fn refuse_more_fragments(&mut self) -> Flow {
        let reason = CloseReason::PeerMisbehaved(PeerMisbehaved::TooManyFragments);
        self.close_with_abort(reason, &Cause::OutOfResource);
        Flow::Stop
    }

    /// A packet with data was read to its end.
    fn note_data_packet(&mut self, now: Instant) {
        let delay = self.config.timers.delayed_ack;
        if let State::Open(open) = &mut self.state {
            open.acknowledge.on_data(now, delay);
            open.note_data_while_shutting_down();
            if open.in_streams.has_spare() && self.release_at.is_none() {
                self.release_at = Some(now + super::RELEASE_AFTER);
            }
        }
    }

    fn misbehaved(&mut self, misbehaved: PeerMisbehaved) -> Flow {
        let cause = Cause::ProtocolViolation("unacceptable data");
        self.close_with_abort(CloseReason::PeerMisbehaved(misbehaved), &cause);
        Flow::Stop
    }

    fn open_mut(&mut self) -> Option<&mut super::Open> {
        match &mut self.state {
            State::Open(open) => Some(open),
            State::Idle | State::CookieWait(_) | State::Closed => None,
        }
    }
}

impl Open {
    fn room_for(&self, data: &DataChunk<'_>, tsn: Tsn, config: &Config, inbox: &Inbox) -> Room {
        let used = inbox.cost() + self.in_streams.cost();
        if used < config.receive_window {
            return Room::Now;
        }
        // RFC 9260 §6.2: with a closed window only what fills a gap is taken.
        let most = config.receive_window * WINDOWS_WITH_GAPS;
        if used < most && tsn < self.tracker.highest() {
            return Room::Now;
        }
        // What waits for the application makes room once it is read.
        if inbox.cost() > 0 || tsn != self.tracker.cumulative().next() {
            return Room::NotNow;
        }
        // Nothing waits for it: what came is fragments, and messages behind what is missing. Only what comes next
        // leads to one that is whole and whose turn it is.
        let leads_on = self.tracker.has_gaps() || data.header.fragment.end;
        let more = if leads_on {
            config.max_receive_message_size
        } else {
            0
        };
        if used < most + more {
            Room::Now
        } else {
            Room::Never
        }
    }
}

/// Whether there is room for a chunk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Room {
    Now,
    /// It is to be sent again.
    NotNow,
    /// Nothing that comes would make any.
    Never,
}

/// What the first chunk says of a packet.
enum Admission {
    /// Not for this association, or not now.
    Refused,
    /// The first chunk is done with.
    Handled,
    /// All chunks are to be handled.
    Open,
}

fn is_data(chunk: RawChunk<'_>) -> bool {
    matches!(chunk.kind, kind::DATA | kind::I_DATA)
}
