//! Where local candidates come from: one file per source.

mod host;
mod relay;
mod server;
mod srflx;
mod tcp;

use std::net::IpAddr;

use duologue_base::Instant;
use duologue_stun::{ErrorCode, Message};

pub use relay::RelayRoute;
pub(crate) use server::{Attempt, Login};
pub use server::{Server, ServerKind, TokenCredential};

use crate::agent::Agent;
use crate::candidate::RelayProtocol;
use crate::event::{CandidateError, Event};
use crate::gather::server::{Addresses, ServerState};
use crate::gather::srflx::{Probe, ProbeState};
use crate::gather::tcp::Connection;
use crate::generation::{Base, LocalCandidate};
use crate::limits;
use crate::state::GatheringState;
use crate::turn::Allocation;

/// W3C `RTCPeerConnectionIceErrorEvent.errorCode`: the server could not be reached.
const UNREACHABLE: u16 = 701;

/// The servers and what is being asked of them.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    servers: Vec<ServerState>,
    /// Streams to those that are not asked with datagrams.
    connections: Vec<Connection>,
    probes: Vec<Probe>,
    allocations: Vec<Allocation>,
    next_allocation: u32,
    /// RFC 8445 §14: no new request to a server leaves before.
    next_request: Instant,
}

impl Agent {
    /// The addresses of a server's host name, as asked for by [`Event::Resolve`]. None: it does
    /// not resolve.
    pub fn handle_resolved(&mut self, now: Instant, host: &str, addresses: &[IpAddr]) {
        for state in &mut self.local.gathering.servers {
            if state.server.host == host && matches!(state.addresses, Addresses::Asked { .. }) {
                let known = addresses.iter().take(limits::SERVER_ADDRESSES);
                state.addresses = Addresses::Known(known.map(|ip| ip.to_canonical()).collect());
            }
        }
        self.update_gathering(now);
        self.update(now);
    }

    /// A generation begins: it has the addresses that are known already; the servers are asked
    /// again.
    pub(crate) fn begin_gathering(&mut self, now: Instant, at: usize) {
        self.outbox.push_event(Event::Gathering {
            generation: self.checks.generations[at].id,
            state: GatheringState::Gathering,
        });
        self.checks.generations[at].relay_only = self.config.relay_only;
        self.adopt_servers();
        for state in &mut self.local.gathering.servers {
            state.reported = false;
        }
        for base in self.local.bases.clone() {
            self.announce_host(at, base);
        }
        self.drop_silent_connections();
        self.verify_allocations(now);
        self.local.repeat_connections();
        self.repeat_probes(now);
        self.repeat_allocations(now);
        if self.local.addresses_complete {
            self.update_gathering(now);
        }
    }

    /// The first generation of an agent that gathered ahead begins: what is known is announced at
    /// once, and what is being asked is not asked twice.
    pub(crate) fn take_up_gathering(&mut self, now: Instant) {
        self.outbox.push_event(Event::Gathering {
            generation: self.checks.generations[0].id,
            state: GatheringState::Gathering,
        });
        self.checks.generations[0].relay_only = self.config.relay_only;
        self.adopt_servers();
        for state in &mut self.local.gathering.servers {
            state.reported = false;
        }
        for base in self.local.bases.clone() {
            self.announce_host(0, base);
        }
        let known: Vec<_> = (self.local.gathering.probes.iter())
            .filter_map(|probe| Some((probe.base, probe.server, probe.addr, probe.mapped?)))
            .collect();
        for (base, server, addr, mapped) in known {
            self.learn_mapped(base, server, addr, mapped);
        }
        self.local.repeat_connections();
        self.repeat_allocations(now);
        if self.local.addresses_complete {
            self.update_gathering(now);
        }
    }

    /// Takes the configured servers over. What is known about unchanged ones stays.
    fn adopt_servers(&mut self) {
        let configured = self.config.servers.iter().take(limits::SERVERS);
        let same = configured.clone().eq(self
            .local
            .gathering
            .servers
            .iter()
            .map(|state| &state.server));
        if same {
            return;
        }
        let servers = configured.map(|server| ServerState::new(server.clone()));
        self.local.gathering.servers = servers.collect();
        self.drop_connections(|_| true);
        self.local.gathering.probes.clear();
        self.forget_allocations();
        let names: Vec<String> = self
            .local
            .gathering
            .servers
            .iter()
            .filter(|state| matches!(state.addresses, Addresses::Asked { .. }))
            .map(|state| state.server.host.clone())
            .collect();
        for (at, host) in names.iter().enumerate() {
            if !names[..at].contains(host) {
                self.outbox
                    .push_event(Event::Resolve { host: host.clone() });
            }
        }
    }

    /// Asks what can be asked, reports what failed and ends gathering when all is known.
    pub(crate) fn update_gathering(&mut self, now: Instant) {
        for state in &mut self.local.gathering.servers {
            if let Addresses::Asked { until } = &mut state.addresses {
                until.get_or_insert(now + limits::RESOLVE_WAIT);
            }
        }
        self.begin_connections(now);
        self.begin_probes(now);
        self.begin_allocations(now);
        self.close_idle_connections();
        if !self.local.addresses_complete {
            return;
        }
        self.report_unreachable();
        let resolving = |state: &ServerState| matches!(state.addresses, Addresses::Asked { .. });
        if self.local.gathering.servers.iter().any(resolving)
            || (self.local.gathering.connections.iter()).any(Connection::is_pending)
            || self.local.gathering.probes.iter().any(Probe::is_pending)
            || (self.local.gathering.allocations.iter()).any(Allocation::is_pending)
        {
            return;
        }
        if self.config.gather_continually {
            return;
        }
        for at in 0..self.checks.generations.len() {
            self.set_gathering_complete(at);
        }
    }

    pub(crate) fn handle_gathering_timeout(&mut self, now: Instant) {
        for state in &mut self.local.gathering.servers {
            if matches!(state.addresses, Addresses::Asked { until: Some(until) } if until <= now) {
                state.addresses = Addresses::Known(Vec::new());
            }
        }
        self.local.handle_connection_timeouts(now);
        self.handle_probe_timeouts(now);
        self.handle_turn_timeouts(now);
        self.update_gathering(now);
    }

    pub(crate) fn gathering_timeout(&self) -> Option<Instant> {
        let resolving = self.local.gathering.servers.iter();
        let resolving = resolving.filter_map(|state| match state.addresses {
            Addresses::Asked { until } => until,
            Addresses::Known(_) => None,
        });
        Instant::earliest([
            resolving.min(),
            self.local.connection_timeout(),
            self.probe_timeout(),
            self.local.turn_timeout(),
        ])
    }

    /// The socket of a base is gone.
    pub(crate) fn forget_base(&mut self, base: Base) {
        let by_datagrams: Vec<bool> = (self.local.gathering.servers.iter())
            .map(|state| state.server.transport == RelayProtocol::Udp)
            .collect();
        self.drop_connections(|connection| match connection.listener {
            Some(listener) => listener.is_same(base),
            None => by_datagrams[connection.server] && connection.local == base.addr.ip(),
        });
        let probes = &mut self.local.gathering.probes;
        probes.retain(|probe| probe.base.socket != base.socket);
        let allocations = &mut self.local.gathering.allocations;
        allocations.retain(|allocation| allocation.base.socket != base.socket);
    }

    fn set_gathering_complete(&mut self, at: usize) {
        let generation = &mut self.checks.generations[at];
        if generation.gathering != GatheringState::Complete {
            generation.gathering = GatheringState::Complete;
            let id = generation.id;
            tracing::debug!("ICE generation {}: gathering -> complete", id.0);
            self.outbox.push_event(Event::Gathering {
                generation: id,
                state: GatheringState::Complete,
            });
        }
    }

    /// A candidate of the newest generation, unless it is redundant: RFC 8445 §5.1.3, the same
    /// address from the same base; but not one whose address is hidden
    /// (draft-ietf-mmusic-mdns-ice-candidates §3.1.2.2).
    pub(crate) fn announce(&mut self, mut local: LocalCandidate) {
        let at = self.checks.generations.len() - 1;
        let generation = &self.checks.generations[at];
        let redundant = generation.locals.iter().any(|known| {
            known.candidate.addr == local.candidate.addr
                && known.base == local.base
                && known.candidate.name == local.candidate.name
                && !known.gone
                && known.candidate.kind != crate::CandidateKind::PeerReflexive
        });
        if redundant {
            return;
        }
        local.candidate.ufrag = Some(generation.local.credentials.ufrag.clone());
        self.add_local(at, local);
    }

    /// Signals a candidate, unless all were, and pairs it.
    fn add_local(&mut self, at: usize, local: LocalCandidate) {
        let generation = &self.checks.generations[at];
        let (id, candidate) = (generation.id, local.candidate.clone());
        let open = generation.gathering != GatheringState::Complete;
        let Some(local) = self.push_local(at, local) else {
            return;
        };
        if open {
            let (kind, protocol) = (candidate.kind.as_str(), candidate.protocol);
            tracing::debug!("ICE generation {}: gathered {kind} {protocol:?}", id.0);
            self.outbox.push_event(Event::LocalCandidate {
                generation: id,
                candidate,
            });
        }
        self.pair_local(at, local);
    }

    /// W3C: "If no host candidate can reach the server, errorCode will be set to the value 701
    /// […]. This error is only fired once per server URL."
    fn report_unreachable(&mut self) {
        for at in 0..self.local.gathering.servers.len() {
            let state = &self.local.gathering.servers[at];
            let stun = state.server.kind == ServerKind::Stun;
            // A TURN server is asked for an allocation; what else it is asked for is by the way.
            let probes = self.local.gathering.probes.iter().filter(|_| stun);
            let allocations = self.local.gathering.allocations.iter();
            let connections = self.local.gathering.connections.iter();
            let connections = connections.filter(|connection| {
                connection.server == at && (stun || connection.listener.is_none())
            });
            let error = connections.clone().find_map(Connection::error);
            let mut failures = probes
                .filter(|probe| probe.server == at)
                .map(|probe| matches!(probe.state, ProbeState::Failed))
                .chain(
                    allocations
                        .filter(|allocation| allocation.is_of(at))
                        .map(Allocation::is_unanswered),
                )
                .chain(
                    connections
                        .filter(|connection| connection.socket().is_none())
                        .map(|connection| !connection.is_pending()),
                )
                .peekable();
            let resolving = matches!(state.addresses, Addresses::Asked { .. });
            if state.reported || resolving {
                continue;
            }
            let text = match &state.addresses {
                Addresses::Known(known) if known.is_empty() => "the server's name does not resolve",
                _ if failures.peek().is_none() => "no local address reaches the server",
                _ if !failures.all(|failed| failed) => continue,
                _ => match error {
                    Some(error) => &error.to_string(),
                    None => "the server does not answer",
                },
            };
            self.push_error(at, None, UNREACHABLE, text.to_owned());
        }
    }

    /// A server refused.
    fn report_error(
        &mut self,
        server: usize,
        base: Option<Base>,
        code: Option<ErrorCode>,
        message: &Message<'_>,
    ) {
        let code = code.map_or(UNREACHABLE, |code| code.0);
        let reason = message
            .error_reason()
            .unwrap_or("the response is malformed");
        let text = reason.chars().take(limits::REASON_CHARS).collect();
        self.push_error(server, base, code, text);
    }

    fn push_error(&mut self, server: usize, base: Option<Base>, code: u16, text: String) {
        let state = &mut self.local.gathering.servers[server];
        state.reported = true;
        let url = state.server.url.clone();
        // The host's name is left out, as addresses are.
        let scheme = url.split(':').next().unwrap_or_default();
        tracing::debug!("ICE server {server} ({scheme}): no candidate: {code} {text:?}");
        self.outbox
            .push_event(Event::CandidateError(CandidateError {
                url,
                local: base.and_then(|base| self.local.names.exposed(base.addr)),
                code,
                text,
            }));
    }
}
