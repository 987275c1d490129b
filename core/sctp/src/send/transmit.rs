//! What goes into the next packet: first what is lost, then what is new.

use std::ops::Range;

use duologue_base::Instant;

use super::in_flight::{Chunk, ChunkState, Flight};
use super::queue::{Cut, Next, Produced};
use super::{SendQueue, Sender, Window};
use crate::limits::{FILLED_PACKETS, MAX_TSN_SPAN, UNEVEN_PACKETS};
use crate::packet::{DataHeader, HEADER_LEN, padded};
use crate::tsn::Tsn;

/// Whether data may leave now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Permission {
    No,
    Yes,
    /// One packet, whatever the window says: a tail-loss probe (RFC 8985 §7.3).
    Probe,
}

/// What went into a packet for the first time.
#[derive(Clone, Copy, Debug)]
struct Written {
    /// Where in the packet the last of its chunks begins.
    last: Option<usize>,
    has_more: bool,
    /// A stream is to be reset behind one of them.
    ends_stream: bool,
}

impl Sender {
    /// Whether there may be data for a packet now.
    pub(crate) fn wants_to_send(&mut self, now: Instant, queue: &SendQueue) -> Permission {
        let probe = self.recovery.probe_due;
        if !probe && queue.is_empty() && self.in_flight.next_lost().is_none() {
            self.note_app_limited();
            self.pacer.clear();
            return Permission::No;
        }
        self.permission(now)
    }

    fn permission(&mut self, now: Instant) -> Permission {
        if self.recovery.probe_due {
            return Permission::Probe;
        }
        if matches!(
            self.window,
            Window::Shut {
                next_at: Some(_),
                ..
            }
        ) {
            self.pacer.clear();
            return Permission::No;
        }
        if self.in_flight.bytes() >= self.controller.window() {
            self.delivery.window_limited = true;
            self.pacer.clear();
            return Permission::No;
        }
        let rate = self.controller.pacing_rate();
        let capped = self
            .rate_cap
            .filter(|cap| rate.is_none_or(|rate| *cap < rate));
        let may_send = match capped {
            None => self.pacer.may_send(now, rate, self.in_flight.bytes()),
            // A small share is kept to however little is under way.
            Some(cap) => self.pacer.may_send(now, Some(cap), usize::MAX),
        };
        if may_send {
            return Permission::Yes;
        }
        if capped.is_some() {
            // What arrives then says nothing of what the path carries.
            self.note_app_limited();
        }
        Permission::No
    }

    fn note_app_limited(&mut self) {
        if self.in_flight.bytes() < self.controller.window() {
            let until = self.delivery.bytes + self.in_flight.bytes() as u64;
            self.delivery.app_limited_until = until.max(1);
        }
    }

    /// Fills the packet that began at `start` of `out` with data chunks. Returns whether any were
    /// written.
    pub(crate) fn write_data(
        &mut self,
        now: Instant,
        permission: Permission,
        out: &mut Vec<u8>,
        start: usize,
        queue: &mut SendQueue,
    ) -> bool {
        if permission == Permission::No {
            return false;
        }
        let probe = permission == Permission::Probe;
        let before = out.len();
        let prior_in_flight = self.in_flight.bytes();
        self.note_sending(now, prior_in_flight);
        let mut end = start + self.path_mtu.base();
        self.write_lost(now, out, end, probe, queue);
        // What is sent again, or asks for an answer, must arrive whatever the path has become.
        if out.len() == before && !probe {
            end = start + self.path_mtu.packet_size(self.controller.window());
        }
        let burst = self.delivery.backlogged || self.delivery.last_sent_at == Some(now);
        let Written {
            last: written,
            has_more,
            ends_stream,
        } = self.write_new(now, out, start..end, probe, queue);

        // RFC 7053 §3: nor is a SACK kept back that a stream's reset waits for.
        let asks = written.is_some() && ((!has_more && burst) || ends_stream);
        self.recovery.tail_is_immediate = probe || asks;
        self.delivery.backlogged = has_more;
        if let Some(chunk) = written
            && self.recovery.tail_is_immediate
        {
            // RFC 7053 §4.2: the end of a burst is acknowledged at once, so that losing it shows.
            DataHeader::set_immediate(&mut out[chunk..]);
        }

        if probe && out.len() == before {
            self.write_probe(now, out, end, queue);
        }
        if probe {
            self.recovery.probe_due = false;
            self.recovery.probe_at = None;
        }

        let sent = out.len() - before;
        if sent == 0 {
            return false;
        }

        if written.is_some() && has_more {
            self.evenness.on_packet(out.len() - start);
        }
        self.pacer.on_sent(out.len() - start);
        self.delivery.last_sent_at = Some(now);
        self.arm_timers(now, false);
        if probe {
            self.recovery.probe_at = None;
        }
        true
    }

    /// draft-ietf-ccwg-bbr §4.1.2.2: a sample begins with the first packet after a pause.
    fn note_sending(&mut self, now: Instant, in_flight: usize) {
        if in_flight > 0 {
            return;
        }
        self.delivery.first_sent_at = now;
        self.delivery.at = now;
        let idle = self
            .delivery
            .last_sent_at
            .is_some_and(|at| now - at >= self.rtt.rto(0));
        if idle && self.in_flight.is_empty() {
            self.controller.on_restart_from_idle(now);
        }
    }

    fn new_flight(&mut self, now: Instant, first: Tsn) -> Flight {
        Flight {
            first,
            count: 0,
            outstanding: 0,
            sent_at: now,
            in_flight: self.in_flight.bytes(),
            delivered: self.delivery.bytes,
            delivered_at: self.delivery.at,
            first_sent_at: self.delivery.first_sent_at,
            app_limited: self.delivery.app_limited_until > self.delivery.bytes,
            large: false,
        }
    }

    /// Sends again what is lost, one flight per stretch of consecutive TSNs.
    fn write_lost(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        end: usize,
        immediate: bool,
        queue: &mut SendQueue,
    ) {
        let mut flight: Option<Flight> = None;
        while let Some((tsn, chunk)) = self.in_flight.next_lost() {
            if out.len() + usize::from(chunk.size) > end {
                break;
            }
            let expired = queue
                .message(chunk.message)
                .is_some_and(|message| message.is_expired(now));
            if expired && self.partial_reliability {
                self.abandon(chunk.message, queue);
                self.advance(now);
                continue;
            }
            if let Some(done) = flight.take_if(|f| f.first.plus(u64::from(f.count)) != tsn) {
                self.in_flight.push_flight(done);
            }
            let number = self.in_flight.next_flight();
            let open = flight.get_or_insert_with(|| self.new_flight(now, tsn));
            open.count += 1;
            open.outstanding += 1;
            self.in_flight.resend(tsn, number);
            self.counters.chunks_retransmitted += 1;
            self.write_chunk(out, tsn, &chunk, immediate, queue);
        }
        if let Some(flight) = flight {
            self.in_flight.push_flight(flight);
        }
    }

    /// Sends new chunks in a packet that takes this part of `out`.
    fn write_new(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        packet: Range<usize>,
        immediate: bool,
        queue: &mut SendQueue,
    ) -> Written {
        let header = DataHeader::len(self.interleaved);
        // RFC 9260 §6.9: cut once, so that they fit whatever the path carries later.
        let whole = self.path_mtu.base() - HEADER_LEN - header;
        let first = self.in_flight.next_tsn();
        let mut flight = self.new_flight(now, first);
        let number = self.in_flight.next_flight();
        let mut written = Written {
            last: None,
            has_more: true,
            ends_stream: false,
        };

        // A long cookie or answer may have taken all of the packet, and more.
        while let Some(room) = self.room_for_new(packet.end.saturating_sub(out.len()), header) {
            let cut = Cut {
                room: room.min(whole),
                header,
                whole,
                fill: self.evenness.fills(),
                interleaved: self.interleaved,
                open_limit: self.open_limit,
                partial_reliability: self.partial_reliability,
            };
            let produced = match queue.next(now, &cut) {
                Next::Piece(produced) => produced,
                Next::Expired(id) if flight.count == 0 => {
                    self.abandon(id, queue);
                    self.advance(now);
                    flight = self.new_flight(now, self.in_flight.next_tsn());
                    continue;
                }
                // Given up at the start of the next packet.
                Next::Expired(_) | Next::DoesNotFit => break,
                Next::Nothing => {
                    written.has_more = false;
                    break;
                }
            };
            let tsn = self.in_flight.next_tsn();
            let chunk = self.chunk_of(&produced, number, header);
            self.in_flight.push(chunk);
            flight.count += 1;
            flight.outstanding += 1;
            if produced.fragment.begin
                && let Some(message) = queue.message_mut(produced.message)
            {
                message.first_tsn = Some(tsn);
            }
            written.last = Some(out.len());
            written.ends_stream |= produced.ends_stream;
            self.write_chunk(out, tsn, &chunk, immediate, queue);
        }

        if flight.count > 0 {
            flight.large = out.len() > packet.start + self.path_mtu.base();
            self.in_flight.push_flight(flight);
        }
        written
    }

    /// Bytes of payload that may go into a new chunk.
    fn room_for_new(&self, space: usize, header: usize) -> Option<usize> {
        let room = space.checked_sub(header)? & !3;
        if self.in_flight.len() as u64 >= MAX_TSN_SPAN || room == 0 {
            return None;
        }
        let outstanding = self.in_flight.outstanding_bytes();
        // RFC 9260 §6.1 A: one chunk may be under way whatever the peer's window.
        if outstanding == 0 {
            return Some(room);
        }
        let window = self.peer_window.checked_sub(outstanding + header)? & !3;
        // A sliver of window is not worth a fragment (RFC 9260 §6.1 B: silly window syndrome).
        (window >= room.min(self.peer_window / 2))
            .then_some(room.min(window))
            .filter(|&r| r > 0)
    }

    fn chunk_of(&self, produced: &Produced, flight: u64, header: usize) -> Chunk {
        Chunk {
            message: produced.message,
            offset: produced.offset,
            len: produced.len,
            fsn: produced.fsn,
            flight,
            size: (header + padded(produced.len as usize)) as u16,
            transmissions: 1,
            fragment: produced.fragment,
            state: ChunkState::InFlight,
        }
    }

    /// A probe with nothing new to send repeats the last chunk (RFC 8985 §7.3).
    fn write_probe(&mut self, now: Instant, out: &mut Vec<u8>, end: usize, queue: &mut SendQueue) {
        if let Some(tsn) = self.in_flight.last_in_flight() {
            self.in_flight.set_state(tsn, ChunkState::Lost);
            self.write_lost(now, out, end, true, queue);
        }
    }

    fn write_chunk(
        &self,
        out: &mut Vec<u8>,
        tsn: Tsn,
        chunk: &Chunk,
        immediate: bool,
        queue: &SendQueue,
    ) {
        let Some(message) = queue.message(chunk.message) else {
            return;
        };
        let (from, to) = (chunk.offset as usize, (chunk.offset + chunk.len) as usize);
        let header = DataHeader {
            tsn: tsn.wire(),
            stream: message.stream,
            sequence: message.sequence,
            fsn: chunk.fsn,
            ppid: message.ppid,
            fragment: chunk.fragment,
            unordered: message.unordered,
            immediate,
        };
        header.write(out, self.interleaved, &message.data[from..to]);
    }
}

/// Whether packets with more behind them are equal, so that they make a train.
#[derive(Debug, Default)]
pub(super) struct Evenness {
    last_len: usize,
    /// Packets in a row that differ from the one before.
    uneven: u32,
    /// Packets that are still to be filled.
    to_fill: u32,
}

impl Evenness {
    fn fills(&self) -> bool {
        self.to_fill > 0
    }

    fn on_packet(&mut self, len: usize) {
        if len == self.last_len && self.to_fill == 0 {
            self.uneven = 0;
            return;
        }
        self.uneven = if self.fills() || len == self.last_len {
            0
        } else {
            self.uneven + 1
        };
        self.last_len = len;
        self.to_fill = self.to_fill.saturating_sub(1);
        if self.uneven >= UNEVEN_PACKETS {
            self.to_fill = FILLED_PACKETS;
        }
    }
}
