//! A packet goes out: what is in it, and in which order.

use duologue_base::Instant;

use super::state::Calling;
use super::{Association, Open, Phase, State};
use crate::Config;
use crate::limits::MAX_RESET_REQUEST;
use crate::packet::{
    CHUNK_HEADER_LEN, HEADER_LEN, Header, padded, write_checksum, write_cookie_echo,
};
use crate::receive::{Acknowledge, Inbox};
use crate::send::{Permission, SendQueue};

/// How the packet's checksum is to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Checksum {
    Required,
    /// Zero, when that was agreed on (RFC 9653 §5.1).
    AsAgreed,
}

impl Association {
    /// Appends the next packet to send to `out`, at most [`Config::mtu`] bytes or as many as were shown
    /// to arrive ([`Config::largest_packet`]), and returns true; or returns false and leaves `out`
    /// alone.
    pub fn poll_packet(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        if let Some((tag, chunk)) = self.replies.pop_front() {
            self.header(tag).write(out);
            out.extend_from_slice(&chunk);
            self.finish_packet(out, start, false);
            return true;
        }
        match &mut self.state {
            State::Idle | State::Closed => false,
            State::CookieWait(Calling { retry, .. }) => {
                if !retry.is_due() {
                    return false;
                }
                let timers = &self.config.timers;
                let repeated = retry.is_repeated();
                retry.on_sent(now, timers.handshake, timers.rto_max);
                // RFC 9260 §8.5.1 A: the peer has given us no tag yet.
                self.header(0).write(out);
                self.write_init(out, repeated);
                self.finish_packet(out, start, false);
                true
            }
            State::Open(open) => {
                let header = Header {
                    source_port: self.config.local_port,
                    destination_port: self.config.remote_port,
                    verification_tag: open.peer_tag,
                };
                header.write(out);
                let (config, queue) = (&self.config, &mut self.queue);
                let checksum = open.write_packet(now, out, start, config, queue, &self.inbox);
                if out.len() == start + HEADER_LEN {
                    out.truncate(start);
                    return false;
                }
                let zero = open.zero_checksum && checksum == Checksum::AsAgreed;
                self.finish_packet(out, start, zero);
                true
            }
        }
    }

    fn header(&self, verification_tag: u32) -> Header {
        Header {
            source_port: self.config.local_port,
            destination_port: self.config.remote_port,
            verification_tag,
        }
    }

    fn finish_packet(&mut self, out: &mut [u8], start: usize, zero_checksum: bool) {
        if !zero_checksum {
            write_checksum(&mut out[start..]);
        }
        self.counters.count_sent(out.len() - start);
    }
}

impl Open {
    /// Appends the chunks of one packet, none if there is nothing to say.
    fn write_packet(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        start: usize,
        config: &Config,
        queue: &mut SendQueue,
        inbox: &Inbox,
    ) -> Checksum {
        let mut checksum = Checksum::AsAgreed;
        if let Phase::CookieEchoed { cookie, retry } = &mut self.phase {
            if !retry.is_due() {
                return checksum;
            }
            // RFC 9260 §5.1 C: until the COOKIE ACK comes, packets begin with the cookie. What
            // went with the last one goes again.
            checksum = Checksum::Required;
            write_cookie_echo(out, cookie);
            retry.on_sent(now, config.timers.handshake, config.timers.rto_max);
            self.sender.send_again(queue);
        }
        if self.write_path_probe(now, out, start) {
            return checksum;
        }

        let end = start + config.mtu;
        self.write_control(now, out, end, config, queue);
        let may_send_data = self.phase.may_send_data() && self.unconfirmed.is_none();
        let permission = if may_send_data {
            self.sender.wants_to_send(now, queue)
        } else {
            Permission::No
        };

        let wants_data = permission != Permission::No;
        self.write_sack_if_due(out, end, wants_data, config, inbox);
        if wants_data {
            self.sender.write_data(now, permission, out, start, queue);
        }
        if out.len() + 2 * CHUNK_HEADER_LEN <= end {
            self.write_shutdown(now, out);
        }
        checksum
    }

    /// Answers and requests, which come before SACK and data (RFC 9260 §6.10).
    fn write_control(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        end: usize,
        config: &Config,
        queue: &mut SendQueue,
    ) {
        while let Some(chunk) = self.control.front()
            && (out.len() + padded(chunk.len()) <= end
                || out.len() + config.mtu == end + HEADER_LEN)
        {
            out.extend_from_slice(chunk);
            self.control.pop_front();
        }
        if matches!(self.phase, Phase::CookieEchoed { .. }) || self.unconfirmed.is_some() {
            return;
        }
        let room = end.saturating_sub(out.len());
        if queue.has_drained() {
            self.reset.note_drained(queue, &mut self.sender);
        }
        if self.reconfiguration
            && self.reset.is_busy()
            && self.reset.is_due(&self.sender)
            && room >= MAX_RESET_REQUEST
        {
            self.write_reset_request(now, out, config);
        }
        if self.sender.forward_due() {
            let room = end.saturating_sub(out.len());
            self.sender.write_forward_tsn(now, out, room, queue);
        }
    }

    fn write_sack_if_due(
        &mut self,
        out: &mut Vec<u8>,
        end: usize,
        wants_data: bool,
        config: &Config,
        inbox: &Inbox,
    ) {
        let due = match self.acknowledge {
            Acknowledge::Idle => false,
            // It travels with data that goes anyway.
            Acknowledge::Delayed { .. } => wants_data,
            Acknowledge::Now => true,
        };
        let room = end.saturating_sub(out.len());
        if due && room >= crate::packet::Sack::FIXED_LEN {
            self.write_sack(out, room, config, inbox);
        }
    }
}
