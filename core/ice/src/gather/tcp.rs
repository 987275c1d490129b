//! Streams to servers: opened first, then a probe or an allocation runs on each, and ends with it.
//!
//! DTLS is in the place of a stream, too.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};

use crate::agent::{Agent, normalized};
use crate::candidate::{self, RelayProtocol};
use crate::event::Event;
use crate::gather::Gathering;
use crate::gather::server::Attempt;
use crate::gather::srflx::{Probe, ProbeState};
use crate::generation::Base;
use crate::limits;
use crate::local::Local;
use crate::tcp::{ConnectError, ConnectId, Framing, Security};
use crate::turn::{self, Allocation, AllocationId};

/// A stream from one address of this host to one server.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Index of the server.
    pub(crate) server: usize,
    pub(crate) local: IpAddr,
    /// The listening socket whose port it shares, to learn how that is seen (RFC 6544 §5.2).
    pub(crate) listener: Option<Base>,
    remote: SocketAddr,
    /// How often ALTERNATE-SERVER named another one.
    redirects: u32,
    /// How many addresses of this host the server took for those of a client that it had before.
    mismatches: u32,
    pub(crate) state: ConnectionState,
}

#[derive(Debug)]
pub(crate) enum ConnectionState {
    Connecting {
        id: ConnectId,
        until: Instant,
    },
    Open {
        socket: SocketId,
    },
    /// It failed, or is not needed any more.
    Ended(Option<ConnectError>),
}

impl Connection {
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state, ConnectionState::Connecting { .. })
    }

    /// Why it does not exist.
    pub(crate) fn error(&self) -> Option<ConnectError> {
        match self.state {
            ConnectionState::Ended(error) => error,
            _ => None,
        }
    }

    pub(crate) fn socket(&self) -> Option<SocketId> {
        match self.state {
            ConnectionState::Open { socket } => Some(socket),
            _ => None,
        }
    }
}

impl Agent {
    /// Opens a stream to each server that is asked over one, from each address that reaches it.
    pub(crate) fn begin_connections(&mut self, now: Instant) {
        for server in 0..self.local.gathering.servers.len() {
            for listener in self.listening_bases() {
                let security = self.local.gathering.servers[server]
                    .server
                    .reflexive_security();
                self.begin_connection(now, server, listener.addr.ip(), Some(listener), security);
            }
            for (local, _) in self.local.stream_ips.clone() {
                let configured = &self.local.gathering.servers[server].server;
                let allowed = self.config.udp || configured.transport != RelayProtocol::Dtls;
                let security = configured.security().filter(|_| allowed);
                self.begin_connection(now, server, local, None, security);
            }
        }
    }

    /// The bases that other agents connect to, as long as their candidates are wanted.
    fn listening_bases(&self) -> Vec<Base> {
        let listens =
            |base: &&Base| base.tcp_type.is_some() && base.socket.is_some() && base.relay.is_none();
        let wanted = !self.checks.newest().relay_only;
        let bases = self.local.bases.iter().filter(|_| wanted);
        bases.filter(listens).copied().collect()
    }

    /// Opens a stream, unless there is or was one.
    fn begin_connection(
        &mut self,
        now: Instant,
        server: usize,
        local: IpAddr,
        listener: Option<Base>,
        security: Option<Security>,
    ) {
        let connections = &self.local.gathering.connections;
        let known = connections.iter().any(|connection| {
            let same_listener = match (connection.listener, listener) {
                (Some(known), Some(listener)) => known.is_same(listener),
                (known, listener) => known.is_none() && listener.is_none(),
            };
            connection.server == server && connection.local == local && same_listener
        });
        let remote = self.local.gathering.servers[server].address_for(local, &self.config);
        let full = connections.len() >= limits::CONNECTIONS;
        if known || full || candidate::is_link_local(local) {
            return;
        }
        if let (Some(remote), Some(security)) = (remote, security) {
            let port = listener.map_or(0, |listener| listener.addr.port());
            let id = self.local.next_connect_id();
            self.local.gathering.connections.push(Connection {
                server,
                local,
                listener,
                remote,
                redirects: 0,
                mismatches: 0,
                state: ConnectionState::Connecting {
                    id,
                    until: now + limits::SERVER_WAIT,
                },
            });
            self.outbox.push_event(Event::Connect {
                id,
                local: SocketAddr::new(local, port),
                remote,
                security,
            });
        }
    }

    /// The host's answer about a stream to a server. None: it is about no such stream. Else how
    /// messages follow one another in it, if there is one.
    pub(crate) fn handle_server_connected(
        &mut self,
        now: Instant,
        id: ConnectId,
        result: Result<(SocketId, SocketAddr), ConnectError>,
    ) -> Option<Option<Framing>> {
        let asked = |connection: &Connection| matches!(connection.state, ConnectionState::Connecting { id: asked, .. } if asked == id);
        let at = self.local.gathering.connections.iter().position(asked)?;
        let framing = self.local.framing_of(&self.local.gathering.connections[at]);
        match result {
            Ok((socket, local)) => {
                self.local.gathering.connections[at].state = ConnectionState::Open { socket };
                self.use_connection(now, at, socket, normalized(local));
            }
            Err(error) => {
                self.local.gathering.connections[at].state = ConnectionState::Ended(Some(error));
            }
        }
        self.update_gathering(now);
        self.update(now);
        Some(result.is_ok().then_some(framing))
    }

    /// The stream is there: what it was opened for begins.
    fn use_connection(&mut self, now: Instant, at: usize, socket: SocketId, local: SocketAddr) {
        let connection = &self.local.gathering.connections[at];
        let (server, remote, redirects) =
            (connection.server, connection.remote, connection.redirects);
        let listener = connection.listener;
        let index = (self.local.stream_ips.iter())
            .find(|(ip, _)| *ip == connection.local)
            .map_or(0, |(_, index)| *index);
        let configured = &self.local.gathering.servers[server].server;
        let base = listener.unwrap_or(Base {
            socket: Some(socket),
            addr: local,
            protocol: match configured.transport.is_reliable() {
                true => Protocol::Tcp,
                false => Protocol::Udp,
            },
            tcp_type: None,
            relay: None,
            preference: candidate::local_preference(connection.local, index),
        });
        match configured.kind.login() {
            Some(login) if listener.is_none() => {
                let id = AllocationId(self.local.gathering.next_allocation);
                self.local.gathering.next_allocation += 1;
                let mut allocation = Allocation::new(
                    id,
                    base,
                    configured.transport,
                    (server, remote),
                    login,
                    &mut self.rng,
                    now,
                );
                allocation.redirects = redirects;
                self.local.gathering.allocations.push(allocation);
            }
            _ => {
                let attempt = Attempt::new(&mut self.rng, now);
                let probe = Probe::new(base, socket, (server, remote), attempt);
                self.local.gathering.probes.push(probe);
            }
        }
    }

    /// A stream to a server ended; false when it was not one.
    pub(crate) fn handle_server_closed(&mut self, now: Instant, socket: SocketId) -> bool {
        let mut connections = self.local.gathering.connections.iter_mut();
        let Some(connection) = connections.find(|known| known.socket() == Some(socket)) else {
            return false;
        };
        connection.state = ConnectionState::Ended(Some(ConnectError::Closed));
        self.end_on_stream(socket);
        self.update_gathering(now);
        self.update(now);
        true
    }

    /// ALTERNATE-SERVER: the stream to another server takes this one's place.
    pub(crate) fn redirect_connection(&mut self, now: Instant, socket: SocketId, to: SocketAddr) {
        self.replace_connection(now, socket, |connection| {
            connection.remote = to;
            connection.redirects += 1;
        });
    }

    /// RFC 8656 §7.4: the server takes this host for a client that it had before, so that "The client
    /// SHOULD pick another client transport address and retry the Allocate request". False: it has
    /// tried enough of them.
    pub(crate) fn change_client_address(&mut self, now: Instant, at: usize) -> bool {
        let allocation = &self.local.gathering.allocations[at];
        let (server, base, addr) = (allocation.server, allocation.base, allocation.addr);
        let redirects = allocation.redirects;
        let connections = &self.local.gathering.connections;
        let mut own = connections
            .iter()
            .filter(|known| known.socket() == base.socket);
        if let Some(connection) = own.next() {
            let may = connection.mismatches + 1 < limits::CLIENT_ADDRESSES;
            if let (true, Some(socket)) = (may, base.socket) {
                self.replace_connection(now, socket, |connection| {
                    connection.remote = addr;
                    connection.redirects = redirects;
                    connection.mismatches += 1;
                });
            }
            return may;
        }
        if connections.len() >= limits::CONNECTIONS {
            return false;
        }
        self.open_connection(
            now,
            Connection {
                server,
                local: base.addr.ip(),
                listener: None,
                remote: addr,
                redirects,
                mismatches: 1,
                state: ConnectionState::Ended(None),
            },
        );
        true
    }

    /// Another stream takes this one's place.
    fn replace_connection(
        &mut self,
        now: Instant,
        socket: SocketId,
        change: impl FnOnce(&mut Connection),
    ) {
        let connections = &mut self.local.gathering.connections;
        let known = |connection: &Connection| connection.socket() == Some(socket);
        let Some(at) = connections.iter().position(known) else {
            return;
        };
        let mut connection = connections.swap_remove(at);
        let of_stream = |allocation: &Allocation| allocation.base.socket == Some(socket);
        self.local
            .gathering
            .allocations
            .retain(|allocation| !of_stream(allocation));
        self.outbox.push_event(Event::Disconnect { socket });
        change(&mut connection);
        self.open_connection(now, connection);
    }

    fn open_connection(&mut self, now: Instant, mut connection: Connection) {
        let server = &self.local.gathering.servers[connection.server].server;
        let security = server.security().unwrap_or(Security::Datagrams);
        let id = self.local.next_connect_id();
        connection.state = ConnectionState::Connecting {
            id,
            until: now + limits::SERVER_WAIT,
        };
        let local = SocketAddr::new(connection.local, 0);
        let remote = connection.remote;
        self.local.gathering.connections.push(connection);
        self.outbox.push_event(Event::Connect {
            id,
            local,
            remote,
            security,
        });
    }

    /// What runs on a stream fails with it.
    fn end_on_stream(&mut self, socket: SocketId) {
        for probe in &mut self.local.gathering.probes {
            if probe.socket == socket && probe.is_pending() {
                probe.state = ProbeState::Failed;
            }
        }
        let of_stream = |allocation: &&mut Allocation| allocation.base.socket == Some(socket);
        let allocation = self.local.gathering.allocations.iter_mut().find(of_stream);
        if let Some(allocation) = allocation {
            allocation.state = turn::State::Failed;
            let id = allocation.id;
            self.checks.lose_relay(id);
        }
    }

    /// Closes streams whose probe or allocation is over. RFC 6544 §5.2: the one that a candidate was
    /// learnt with keeps the NAT's mapping, and is open "until ICE processing has completed".
    pub(crate) fn close_idle_connections(&mut self) {
        let chosen = self.checks.newest().checklist.is_concluded();
        let gathering = &mut self.local.gathering;
        let mut closed = Vec::new();
        for connection in &mut gathering.connections {
            let Some(socket) = connection.socket() else {
                continue;
            };
            let kept = connection.listener.is_some() && !chosen;
            let probing = gathering.probes.iter().any(|probe| {
                let answered = matches!(probe.state, ProbeState::Answered { .. });
                probe.socket == socket && (probe.is_pending() || (answered && kept))
            });
            let allocated = gathering.allocations.iter().any(|allocation| {
                let failed = matches!(allocation.state, turn::State::Failed);
                allocation.base.socket == Some(socket) && !failed
            });
            if !probing && !allocated {
                connection.state = ConnectionState::Ended(None);
                closed.push(socket);
            }
        }
        for socket in closed {
            self.outbox.push_event(Event::Disconnect { socket });
        }
    }

    /// Other servers take the place of these, or what they begin at is gone.
    pub(crate) fn drop_connections(&mut self, dropped: impl Fn(&Connection) -> bool) {
        let connections = &mut self.local.gathering.connections;
        let sockets: Vec<SocketId> = connections
            .extract_if(.., |connection| dropped(connection))
            .filter_map(|connection| connection.socket())
            .collect();
        for socket in sockets {
            self.end_on_stream(socket);
            let allocations = &mut self.local.gathering.allocations;
            allocations.retain(|allocation| allocation.base.socket != Some(socket));
            let probes = &mut self.local.gathering.probes;
            probes.retain(|probe| probe.socket != socket);
            self.outbox.push_event(Event::Disconnect { socket });
        }
    }
}

impl Local {
    /// How messages follow one another in a stream to a server.
    fn framing_of(&self, connection: &Connection) -> Framing {
        match self.gathering.servers[connection.server].server.transport {
            RelayProtocol::Dtls => Framing::Datagrams,
            RelayProtocol::Udp if connection.listener.is_none() => Framing::Datagrams,
            _ => Framing::Stun,
        }
    }

    pub(crate) fn server_framing(&self, socket: SocketId) -> Option<Framing> {
        let mut connections = self.gathering.connections.iter();
        let connection = connections.find(|connection| connection.socket() == Some(socket))?;
        Some(self.framing_of(connection))
    }

    /// Other sockets than the base's ask the server for it: it was asked in vain from there.
    pub(crate) fn is_asked_elsewhere(&self, server: usize, base: Base) -> bool {
        let mut connections = self.gathering.connections.iter();
        connections.any(|connection| {
            let whole = (
                connection.server,
                connection.local,
                connection.listener.is_none(),
            );
            whole == (server, base.addr.ip(), true)
        })
    }

    pub(crate) fn is_server_stream(&self, socket: SocketId) -> bool {
        let mut connections = self.gathering.connections.iter();
        connections.any(|connection| connection.socket() == Some(socket))
    }

    /// A restart asks again where there is no stream any more.
    pub(crate) fn repeat_connections(&mut self) {
        let ended = |connection: &Connection| matches!(connection.state, ConnectionState::Ended(_));
        let Gathering {
            connections,
            probes,
            ..
        } = &mut self.gathering;
        connections.retain(|connection| !ended(connection));
        let open = |probe: &Probe| {
            let mut sockets = connections.iter().map(Connection::socket);
            sockets.any(|socket| socket == Some(probe.socket))
        };
        probes.retain(|probe| probe.base.protocol == Protocol::Udp || open(probe));
    }

    pub(crate) fn handle_connection_timeouts(&mut self, now: Instant) {
        for connection in &mut self.gathering.connections {
            if matches!(connection.state, ConnectionState::Connecting { until, .. } if until <= now)
            {
                connection.state = ConnectionState::Ended(Some(ConnectError::TimedOut));
            }
        }
    }

    pub(crate) fn connection_timeout(&self) -> Option<Instant> {
        let connections = self.gathering.connections.iter();
        connections
            .filter_map(|connection| match connection.state {
                ConnectionState::Connecting { until, .. } => Some(until),
                _ => None,
            })
            .min()
    }
}
