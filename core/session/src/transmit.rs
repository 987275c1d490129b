//! What a session sends, and in which order: connectivity checks first, since they keep the path;
//! then handshakes; then packets of SCTP in trains.

use duologue_base::{Ecn, Instant, Transmit};
use duologue_ice as ice;

use crate::Session;
use crate::limits::{TRAIN_BYTES, TRAIN_DATAGRAMS};
use crate::transport::Transport;

/// What was made and could not leave with the rest.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// A datagram that is larger than those of the train before it; empty if there is none.
    datagram: Vec<u8>,
    /// The last words of what was closed.
    farewells: Vec<(Transmit, Vec<u8>)>,
}

impl Leftovers {
    pub(crate) fn has_farewells(&self) -> bool {
        !self.farewells.is_empty()
    }

    /// Its association ended.
    pub(crate) fn forget_datagram(&mut self) {
        self.datagram.clear();
    }
}

impl Session {
    /// Fills `out` with the next train of datagrams; `None` when there is nothing to send. The
    /// datagrams of a train go to one address and have one size, but for the last, which may be
    /// shorter.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.now = self.now.max(now);
        out.clear();
        let transmit = self
            .poll_farewell(out)
            .or_else(|| self.poll_check(out))
            .or_else(|| self.poll_handshake(out))
            .or_else(|| self.poll_train(out));
        self.take_wishes();
        let transmit = transmit?;
        let datagrams = match transmit.segment_size {
            Some(size) => transmit.len.div_ceil(size),
            None => 1,
        };
        self.counters.datagrams_sent += datagrams as u64;
        self.counters.bytes_sent += transmit.len as u64;
        Some(transmit)
    }

    /// A check that was due may want a stream first.
    fn take_wishes(&mut self) {
        for at in 0..self.transports.len() {
            if self.transports[at].agent.has_event() {
                self.advance(at);
            }
        }
    }

    fn poll_farewell(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        if self.leftovers.farewells.is_empty() {
            return None;
        }
        let (transmit, datagram) = self.leftovers.farewells.remove(0);
        out.extend_from_slice(&datagram);
        Some(transmit)
    }

    fn poll_check(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let count = self.transports.len();
        (0..count).find_map(|step| {
            let at = (self.first_to_check + step) % count;
            let agent = &mut self.transports[at].agent;
            let before = agent.next_check();
            let transmit = agent.poll_transmit(self.now, out)?;
            let next = agent.next_check();
            if next != before && count > 1 {
                self.share_checks(at, next);
            }
            Some(transmit)
        })
    }

    /// RFC 8445 §14: the agents of all transports are one ICE session and take turns, or a description
    /// with many m-lines would make this host send as many times as much.
    fn share_checks(&mut self, at: usize, next: Instant) {
        self.first_to_check = (at + 1) % self.transports.len();
        let agents = self.transports.iter_mut().map(|t| &mut t.agent);
        let pending: Vec<u32> = agents.map(|agent| agent.pending_checks()).collect();
        let all: u32 = pending.iter().sum();
        for (transport, own) in self.transports.iter_mut().zip(pending) {
            transport.agent.share_checks(next, all - own);
        }
    }

    fn poll_handshake(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let now = self.now;
        self.transports.iter_mut().find_map(|transport| {
            let ready = transport.dtls.has_datagram() && transport.agent.may_send(now);
            let route = transport.agent.route().filter(|_| ready)?;
            if transport.is_blocked(route.socket) {
                return None;
            }
            let begin = out.len();
            let content = route.open(out);
            if !transport.dtls.poll_datagram(out) {
                out.truncate(begin);
                return None;
            }
            let len = out.len() - content;
            route.close(content, out);
            transport.count_sent(now, 1, len);
            Some(single(&route, out))
        })
    }

    fn poll_train(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let running = self.sctp.running()?;
        let key = running.agreed.key;
        let transport = self.transports.iter_mut().find(|t| t.key == key)?;
        if !transport.may_send_data(self.now) {
            return None;
        }
        let route = transport.agent.route()?;
        if transport.is_blocked(route.socket) {
            return None;
        }
        let max_datagrams = self.config.max_datagrams.clamp(1, TRAIN_DATAGRAMS);
        let mut train = Train::new(out);
        let mut carried = self.leftovers.datagram.len();
        if !self.leftovers.datagram.is_empty() {
            let begin = train.out.len();
            let content = route.open(train.out);
            train.out.extend_from_slice(&self.leftovers.datagram);
            route.close(content, train.out);
            train.extend_to_end(begin);
            self.leftovers.datagram.clear();
        }
        while train.datagrams < max_datagrams && train.takes_another() {
            self.packet.clear();
            if !running.association.poll_packet(self.now, &mut self.packet) {
                break;
            }
            let begin = train.out.len();
            let content = route.open(train.out);
            if !transport.dtls.seal(self.now, &self.packet, train.out) {
                train.out.truncate(begin);
                break;
            }
            let end = train.out.len();
            route.close(content, train.out);
            if !train.extend_to_end(begin) {
                self.leftovers
                    .datagram
                    .extend_from_slice(&train.out[content..end]);
                train.out.truncate(begin);
                break;
            }
            carried += end - content;
        }
        let Train {
            segment, datagrams, ..
        } = train;
        if datagrams == 0 {
            return None;
        }
        transport.count_sent(self.now, datagrams as u64, carried);
        Some(Transmit {
            segment_size: (datagrams > 1).then_some(segment),
            ..single(&route, out)
        })
    }

    /// Makes the last datagrams of a transport: an ABORT, so that the peer's channels close with an
    /// error, and a `close_notify`.
    pub(crate) fn say_farewell(&mut self, transport: &mut Transport) {
        let now = self.now;
        let route = transport
            .agent
            .route()
            .filter(|_| transport.agent.may_send(now));
        if let Some(running) = self.sctp.on(transport.key) {
            running.association.abort();
            let mut datagram = Vec::new();
            self.packet.clear();
            // What was queued dies with the association: its next packet is the ABORT.
            if running.association.poll_packet(now, &mut self.packet)
                && transport.dtls.seal(now, &self.packet, &mut datagram)
                && let Some(route) = route
            {
                self.push_farewell(&route, &datagram);
            }
        }
        transport.dtls.close();
        let mut datagram = Vec::new();
        while transport.dtls.poll_datagram(&mut datagram) {
            if let Some(route) = route {
                self.push_farewell(&route, &datagram);
            }
            datagram.clear();
        }
        transport.agent.close(now);
        while let Some(transmit) = transport.agent.poll_transmit(now, &mut datagram) {
            let datagram = std::mem::take(&mut datagram);
            self.leftovers.farewells.push((transmit, datagram));
        }
        self.leftovers.forget_datagram();
    }

    fn push_farewell(&mut self, route: &ice::Route, datagram: &[u8]) {
        let mut out = Vec::new();
        let content = route.open(&mut out);
        out.extend_from_slice(datagram);
        route.close(content, &mut out);
        self.leftovers.farewells.push((single(route, &out), out));
    }
}

/// Datagrams of one size that lie behind one another.
struct Train<'a> {
    out: &'a mut Vec<u8>,
    segment: usize,
    datagrams: usize,
    /// A shorter datagram ends it.
    ended: bool,
}

impl<'a> Train<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Train {
            out,
            segment: 0,
            datagrams: 0,
            ended: false,
        }
    }

    fn takes_another(&self) -> bool {
        !self.ended && self.out.len() + self.segment <= TRAIN_BYTES
    }

    /// Takes the datagram that lies behind the train; `false` if it does not fit.
    fn extend_to_end(&mut self, begin: usize) -> bool {
        let len = self.out.len() - begin;
        if self.datagrams == 0 {
            self.segment = len;
        } else if len > self.segment {
            return false;
        }
        self.ended = len < self.segment;
        self.datagrams += 1;
        true
    }
}

fn single(route: &ice::Route, out: &[u8]) -> Transmit {
    Transmit {
        socket: route.socket,
        remote: route.destination(),
        local_ip: None,
        ecn: Ecn::NotEct,
        len: out.len(),
        segment_size: None,
    }
}
