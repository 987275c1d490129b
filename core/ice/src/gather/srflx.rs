//! Server-reflexive candidates (RFC 8445 §5.1.1.2, RFC 6544 §5.2): STUN servers say which address
//! they see.

use std::net::SocketAddr;

use duologue_base::{Datagram, Dscp, Ecn, Instant, Protocol, SocketId, Transmit};
use duologue_stun::{Class, Message, Method, Writer};

use crate::agent::{Agent, normalized};
use crate::candidate::{self, Candidate, CandidateKind, RelayProtocol};
use crate::gather::server::{Attempt, ServerKind};
use crate::generation::{Base, LocalCandidate};
use crate::limits;
use crate::local::Local;

/// One base and one server.
#[derive(Debug)]
pub(crate) struct Probe {
    /// What the server is asked about. Of a stream that begins at no listening socket there will be
    /// no candidate.
    pub(crate) base: Base,
    /// What it is asked on: the base's socket, or a stream.
    pub(crate) socket: SocketId,
    /// Index of the server.
    pub(crate) server: usize,
    pub(crate) addr: SocketAddr,
    pub(crate) state: ProbeState,
    /// What the server saw last.
    pub(crate) mapped: Option<SocketAddr>,
}

#[derive(Debug)]
pub(crate) enum ProbeState {
    /// It is asked. It had answered before when `again`: this keeps the NAT's binding.
    Asking { attempt: Attempt, again: bool },
    /// It answered. Over a stream that is all.
    Answered { ask_again: Option<Instant> },
    /// It refused or was silent.
    Failed,
}

impl Probe {
    pub(crate) fn new(
        base: Base,
        socket: SocketId,
        (server, addr): (usize, SocketAddr),
        attempt: Attempt,
    ) -> Self {
        Probe {
            base,
            socket,
            server,
            addr,
            state: ProbeState::Asking {
                attempt,
                again: false,
            },
            mapped: None,
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state, ProbeState::Asking { again: false, .. })
    }

    fn attempt(&mut self) -> Option<&mut Attempt> {
        match &mut self.state {
            ProbeState::Asking { attempt, .. } => Some(attempt),
            _ => None,
        }
    }
}

impl Agent {
    /// Asks each STUN server from each socket that reaches it, if it was not yet.
    pub(crate) fn begin_probes(&mut self, now: Instant) {
        for server in 0..self.local.gathering.servers.len() {
            let configured = &self.local.gathering.servers[server].server;
            if configured.kind != ServerKind::Stun || configured.transport != RelayProtocol::Udp {
                continue;
            }
            for base in self.local.datagram_bases() {
                let probes = &self.local.gathering.probes;
                let known = probes
                    .iter()
                    .any(|probe| probe.server == server && probe.base.socket == base.socket);
                let addr =
                    self.local.gathering.servers[server].address_for(base.addr.ip(), &self.config);
                let (false, Some(addr), Some(socket)) = (known, addr, base.socket) else {
                    continue;
                };
                if probes.len() >= limits::PROBES || candidate::is_link_local(base.addr.ip()) {
                    continue;
                }
                let attempt = Attempt::new(&mut self.rng, now);
                let probe = Probe::new(base, socket, (server, addr), attempt);
                self.local.gathering.probes.push(probe);
            }
        }
    }

    /// A restart gathers anew.
    pub(crate) fn repeat_probes(&mut self, now: Instant) {
        for probe in &mut self.local.gathering.probes {
            probe.state = ProbeState::Asking {
                attempt: Attempt::new(&mut self.rng, now),
                again: false,
            };
        }
    }

    /// Writes one request to a STUN server. RFC 8445 §14: new ones are paced.
    pub(crate) fn send_probe(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let may_begin = now >= self.local.gathering.next_request;
        let (probe, attempt) = self.local.gathering.probes.iter_mut().find_map(|probe| {
            let way = (probe.socket, probe.addr, probe.base.is_reliable());
            let attempt = probe.attempt()?;
            let due = attempt.is_due(now) && (may_begin || !attempt.is_new());
            due.then_some((way, attempt))
        })?;
        let (socket, remote, reliable) = probe;
        if attempt.is_new() {
            self.local.gathering.next_request = now + self.config.pacing;
        }
        attempt.sent(now, reliable);
        out.clear();
        Writer::new(out, Class::Request, Method::BINDING, attempt.id).fingerprint();
        Some(to_server(socket, remote, out.len()))
    }

    /// A response to a request of ours; false when it is not one.
    pub(crate) fn handle_probe_response(
        &mut self,
        now: Instant,
        datagram: &Datagram,
        message: &Message<'_>,
    ) -> bool {
        let id = message.transaction_id();
        let probes = &mut self.local.gathering.probes;
        let Some(index) = probes.iter_mut().position(|probe| {
            probe.attempt().is_some_and(|attempt| attempt.id == id)
                && probe.addr == normalized(datagram.remote)
                && probe.socket == datagram.socket
        }) else {
            return false;
        };

        let (base, server, addr) = {
            let probe = &probes[index];
            (probe.base, probe.server, probe.addr)
        };
        let understood = message.is_understood();
        self.outbox.counters.unknown_attributes += u64::from(!understood);

        // A TURN server is asked for an allocation elsewhere, and what becomes of that counts.
        let counts = self.local.gathering.servers[server].server.kind == ServerKind::Stun;
        match (message.class(), message.mapped_address()) {
            (Class::SuccessResponse, Some(mapped)) if understood => {
                self.local.gathering.servers[server].reported |= counts;
                let probes = &mut self.local.gathering.probes;
                let refresh = now + limits::BINDING_REFRESH;
                probes[index].state = ProbeState::Answered {
                    ask_again: (!base.is_reliable()).then_some(refresh),
                };
                probes[index].mapped = Some(normalized(mapped));
                self.learn_mapped(base, server, addr, normalized(mapped));
            }
            _ => {
                self.local.gathering.probes[index].state = ProbeState::Failed;
                if counts {
                    self.report_error(server, Some(base), message.error_code(), message);
                }
            }
        }

        self.update_gathering(now);
        self.update(now);
        true
    }

    /// A server-reflexive candidate for the newest generation, unless it is redundant.
    pub(super) fn learn_mapped(
        &mut self,
        base: Base,
        server: usize,
        addr: SocketAddr,
        mapped: SocketAddr,
    ) {
        // Nobody reaches a stream to a server, unless it shares the port of a socket that listens.
        let closed = base.protocol == Protocol::Tcp && base.tcp_type.is_none();
        if self.checks.newest().relay_only || closed {
            return;
        }
        let kind = CandidateKind::ServerReflexive;
        let preference = candidate::reflexive_preference(base.preference, base.tcp_type);
        let candidate = Candidate {
            foundation: self
                .local
                .foundation(kind, base, Some((addr.ip(), RelayProtocol::Udp))),
            priority: candidate::priority(kind, base.protocol, preference),
            kind,
            tcp_type: base.tcp_type,
            related: Some(self.local.names.shown(base.addr)),
            url: Some(self.local.gathering.servers[server].server.url.clone()),
            ..Candidate::host(mapped, base.protocol)
        };
        self.announce(LocalCandidate {
            candidate,
            base,
            gone: false,
        });
    }

    /// Gives up what is silent and renews bindings. RFC 8445 §11: only until a pair was chosen,
    /// then its checks do that.
    pub(crate) fn handle_probe_timeouts(&mut self, now: Instant) {
        let chosen = self.checks.newest().checklist.is_concluded();
        for probe in &mut self.local.gathering.probes {
            match &probe.state {
                ProbeState::Asking { attempt, again } if attempt.is_over(now) => {
                    probe.state = match again {
                        true => ProbeState::Answered {
                            ask_again: Some(now + limits::BINDING_REFRESH),
                        },
                        false => ProbeState::Failed,
                    };
                }
                ProbeState::Answered {
                    ask_again: Some(at),
                } if *at <= now && !chosen => {
                    let attempt = Attempt::new(&mut self.rng, now);
                    probe.state = ProbeState::Asking {
                        attempt,
                        again: true,
                    };
                }
                _ => {}
            }
        }
    }

    pub(crate) fn probe_timeout(&self) -> Option<Instant> {
        let chosen = self.checks.newest().checklist.is_concluded();
        let next = self.local.gathering.next_request;
        self.local
            .gathering
            .probes
            .iter()
            .filter_map(|probe| match &probe.state {
                ProbeState::Asking { attempt, .. } if attempt.is_new() => {
                    Some(attempt.at.max(next))
                }
                ProbeState::Asking { attempt, .. } => Some(attempt.at),
                ProbeState::Answered { ask_again } => ask_again.filter(|_| !chosen),
                ProbeState::Failed => None,
            })
            .min()
    }
}

impl Local {
    /// The bases that ask servers with datagrams.
    pub(crate) fn datagram_bases(&self) -> Vec<Base> {
        let datagrams = |base: &&Base| base.protocol == Protocol::Udp;
        self.bases.iter().filter(datagrams).copied().collect()
    }
}

pub(crate) fn to_server(socket: SocketId, remote: SocketAddr, len: usize) -> Transmit {
    Transmit {
        socket,
        remote,
        local_ip: None,
        ecn: Ecn::NotEct,
        dscp: Dscp::DEFAULT,
        len,
        segment_size: None,
    }
}
