//! Streams to servers: opened first, then a probe or an allocation runs on each, and ends with it.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};

use crate::agent::{Agent, normalized};
use crate::candidate;
use crate::event::Event;
use crate::gather::server::{Attempt, ServerKind};
use crate::gather::srflx::{Probe, ProbeState};
use crate::generation::Base;
use crate::limits;
use crate::tcp::{ConnectError, ConnectId};
use crate::turn::{self, Allocation, AllocationId};

/// A stream from one address of this host to one server.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Index of the server.
    pub(crate) server: usize,
    local: IpAddr,
    remote: SocketAddr,
    /// How often ALTERNATE-SERVER named another one.
    redirects: u32,
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
        for server in 0..self.gathering.servers.len() {
            if self.gathering.servers[server].server.security().is_none() {
                continue;
            }
            for (local, _) in self.stream_ips.clone() {
                let connections = &self.gathering.connections;
                let known = (connections.iter())
                    .any(|connection| connection.server == server && connection.local == local);
                let remote = self.gathering.servers[server].address_for(local);
                let (false, Some(remote)) = (known, remote) else {
                    continue;
                };
                if connections.len() < limits::CONNECTIONS && !candidate::is_link_local(local) {
                    self.open_connection(now, server, local, remote, 0);
                }
            }
        }
    }

    fn open_connection(
        &mut self,
        now: Instant,
        server: usize,
        local: IpAddr,
        remote: SocketAddr,
        redirects: u32,
    ) {
        let Some(security) = self.gathering.servers[server].server.security() else {
            return;
        };
        let id = self.next_connect_id();
        self.gathering.connections.push(Connection {
            server,
            local,
            remote,
            redirects,
            state: ConnectionState::Connecting {
                id,
                until: now + limits::SERVER_WAIT,
            },
        });
        self.push_event(Event::Connect {
            id,
            local: SocketAddr::new(local, 0),
            remote,
            security,
        });
    }

    /// The host's answer about a stream to a server. None: it is about no such stream. False: the
    /// stream is not wanted.
    pub(crate) fn handle_server_connected(
        &mut self,
        now: Instant,
        id: ConnectId,
        result: Result<(SocketId, SocketAddr), ConnectError>,
    ) -> Option<bool> {
        let asked = |connection: &Connection| matches!(connection.state, ConnectionState::Connecting { id: asked, .. } if asked == id);
        let at = self.gathering.connections.iter().position(asked)?;
        match result {
            Ok((socket, local)) => {
                self.gathering.connections[at].state = ConnectionState::Open { socket };
                self.use_connection(now, at, socket, normalized(local));
            }
            Err(error) => {
                self.gathering.connections[at].state = ConnectionState::Ended(Some(error));
            }
        }
        self.update_gathering(now);
        self.update(now);
        Some(result.is_ok())
    }

    /// The stream is there: what it was opened for begins.
    fn use_connection(&mut self, now: Instant, at: usize, socket: SocketId, local: SocketAddr) {
        let connection = &self.gathering.connections[at];
        let (server, remote, redirects) =
            (connection.server, connection.remote, connection.redirects);
        let index = (self.stream_ips.iter())
            .find(|(ip, _)| *ip == connection.local)
            .map_or(0, |(_, index)| *index);
        let base = Base {
            socket: Some(socket),
            addr: local,
            protocol: Protocol::Tcp,
            tcp_type: None,
            relay: None,
            preference: candidate::local_preference(connection.local, index),
        };
        let configured = &self.gathering.servers[server].server;
        match configured.kind.clone() {
            ServerKind::Stun => self.gathering.probes.push(Probe {
                base,
                server,
                addr: remote,
                state: ProbeState::Asking {
                    attempt: Attempt::new(&mut self.rng, now),
                    again: false,
                },
                mapped: None,
            }),
            ServerKind::Turn { username, password } => {
                let id = AllocationId(self.gathering.next_allocation);
                self.gathering.next_allocation += 1;
                let mut allocation = Allocation::new(
                    id,
                    base,
                    configured.transport,
                    (server, remote),
                    (username, password),
                    &mut self.rng,
                    now,
                );
                allocation.redirects = redirects;
                self.gathering.allocations.push(allocation);
            }
            ServerKind::Unsupported => {}
        }
    }

    /// A stream to a server ended; false when it was not one.
    pub(crate) fn handle_server_closed(&mut self, now: Instant, socket: SocketId) -> bool {
        let mut connections = self.gathering.connections.iter_mut();
        let Some(connection) = connections.find(|known| known.socket() == Some(socket)) else {
            return false;
        };
        connection.state = ConnectionState::Ended(Some(ConnectError::Closed));
        self.end_on_stream(socket);
        self.update_gathering(now);
        self.update(now);
        true
    }

    pub(crate) fn is_server_stream(&self, socket: SocketId) -> bool {
        let mut connections = self.gathering.connections.iter();
        connections.any(|connection| connection.socket() == Some(socket))
    }

    /// ALTERNATE-SERVER: the stream to another server takes this one's place.
    pub(crate) fn redirect_connection(&mut self, now: Instant, socket: SocketId, to: SocketAddr) {
        let connections = &mut self.gathering.connections;
        let known = |connection: &Connection| connection.socket() == Some(socket);
        let Some(at) = connections.iter().position(known) else {
            return;
        };
        let Connection {
            server,
            local,
            redirects,
            ..
        } = connections.swap_remove(at);
        let of_stream = |allocation: &Allocation| allocation.base.socket == Some(socket);
        self.gathering
            .allocations
            .retain(|allocation| !of_stream(allocation));
        self.push_event(Event::Disconnect { socket });
        self.open_connection(now, server, local, to, redirects + 1);
    }

    /// What runs on a stream fails with it.
    fn end_on_stream(&mut self, socket: SocketId) {
        for probe in &mut self.gathering.probes {
            if probe.base.socket == Some(socket) && probe.is_pending() {
                probe.state = ProbeState::Failed;
            }
        }
        let of_stream = |allocation: &&mut Allocation| allocation.base.socket == Some(socket);
        let allocation = self.gathering.allocations.iter_mut().find(of_stream);
        if let Some(allocation) = allocation {
            allocation.state = turn::State::Failed;
            let id = allocation.id;
            self.lose_relay(id);
        }
    }

    /// Closes streams whose probe or allocation is over.
    pub(crate) fn close_idle_connections(&mut self) {
        let Self { gathering, .. } = self;
        let mut closed = Vec::new();
        for connection in &mut gathering.connections {
            let Some(socket) = connection.socket() else {
                continue;
            };
            let probing = (gathering.probes.iter())
                .any(|probe| probe.base.socket == Some(socket) && probe.is_pending());
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
            self.push_event(Event::Disconnect { socket });
        }
    }

    /// A restart asks again where there is no stream any more.
    pub(crate) fn repeat_connections(&mut self) {
        let of_stream = |probe: &Probe| probe.base.protocol == Protocol::Tcp;
        self.gathering.probes.retain(|probe| !of_stream(probe));
        let ended = |connection: &Connection| matches!(connection.state, ConnectionState::Ended(_));
        self.gathering
            .connections
            .retain(|connection| !ended(connection));
    }

    /// Other servers take the place of these, or an address is gone: streams from it end.
    pub(crate) fn drop_connections(&mut self, from: Option<IpAddr>) {
        let dropped = |connection: &Connection| from.is_none_or(|ip| connection.local == ip);
        let connections = &mut self.gathering.connections;
        let sockets: Vec<SocketId> = connections
            .extract_if(.., |connection| dropped(connection))
            .filter_map(|connection| connection.socket())
            .collect();
        for socket in sockets {
            self.end_on_stream(socket);
            let allocations = &mut self.gathering.allocations;
            allocations.retain(|allocation| allocation.base.socket != Some(socket));
            let probes = &mut self.gathering.probes;
            probes.retain(|probe| probe.base.socket != Some(socket));
            self.push_event(Event::Disconnect { socket });
        }
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
