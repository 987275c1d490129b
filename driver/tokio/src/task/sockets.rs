//! The sockets and streams of a session.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use duologue_base::{Instant, Protocol, SocketId, TransportKey};
use duologue_session::{BindError, BindId, ConnectError, Security};

use super::SessionTask;
use crate::Host;
use crate::endpoint::Shared;
use crate::limits::SOCKETS_PER_SESSION;
use crate::mailbox::Input;
use crate::shared::Lease;
use crate::socket::SessionSocket;
use crate::stream::{AcceptedStream, Listener, Opened, connect};

/// A datagram socket, and what it is for.
pub(super) struct BoundSocket {
    pub(super) transport: TransportKey,
    pub(super) socket: SessionSocket,
}

impl BoundSocket {
    /// Its part of a shared port, if it is this transport's.
    pub(super) fn lease_of(&self, transport: TransportKey) -> Option<&Lease> {
        self.socket
            .lease_ref()
            .filter(|_| self.transport == transport)
    }

    /// Where data of the transport goes, by this or another socket, and whether its peer is silent.
    pub(super) fn set_path(
        &mut self,
        transport: TransportKey,
        path: Option<(SocketId, SocketAddr)>,
        silent: bool,
    ) {
        let id = self.socket.id();
        let own = self.transport == transport;
        if let Some(lease) = self.socket.lease_mut().filter(|_| own) {
            let selected = path.filter(|(socket, _)| *socket == id);
            lease.set_path(selected.map(|(_, remote)| remote), silent);
        }
    }
}

impl<H: Host> SessionTask<H> {
    pub(super) fn bind(
        &mut self,
        now: Instant,
        bind_id: BindId,
        transport: TransportKey,
        ip: IpAddr,
        protocol: Protocol,
    ) {
        if protocol == Protocol::Tcp {
            let result = self.listen(transport, ip);
            return self.session.handle_bound(now, bind_id, result);
        }
        let result = self.bind_udp(transport, ip).map(|socket| {
            let bound = (socket.id(), socket.local_addr());
            // A few are the rule, and a vector would make room for four at once.
            self.sockets.reserve_exact(1);
            self.sockets.push(BoundSocket { transport, socket });
            bound
        });
        self.session.handle_bound(now, bind_id, result);
    }

    fn bind_udp(
        &mut self,
        transport: TransportKey,
        ip: IpAddr,
    ) -> Result<SessionSocket, BindError> {
        if self.sockets.len() + self.streams.len() >= SOCKETS_PER_SESSION {
            return Err(BindError::Exhausted);
        }
        let id = self.new_socket_id();
        let Some(port) = &self.endpoint.port else {
            return self.bind_own(id, ip);
        };
        let lease = port.lease(ip, id, &self.mailbox);
        let lease = lease.ok_or(BindError::AddressNotAvailable)?;
        for ufrag in self.user_names.of(transport) {
            lease.add_ufrag(ufrag);
        }
        Ok(SessionSocket::lease(id, lease))
    }

    fn bind_own(&self, id: SocketId, ip: IpAddr) -> Result<SessionSocket, BindError> {
        self.endpoint.keep_anchor();
        let mut result = Err(BindError::Exhausted);
        for port in self.endpoint.ports() {
            let addr = SocketAddr::new(ip, port);
            result = SessionSocket::bind(id, addr, &self.endpoint.options.sockets);
            // A port that is taken leaves others to try.
            if !matches!(result, Err(BindError::Exhausted)) {
                break;
            }
        }
        result
    }

    fn listen(
        &mut self,
        transport: TransportKey,
        ip: IpAddr,
    ) -> Result<(SocketId, SocketAddr), BindError> {
        if self.sockets.len() + self.streams.len() >= SOCKETS_PER_SESSION {
            return Err(BindError::Exhausted);
        }
        let id = self.new_socket_id();
        let Some(port) = &self.endpoint.port else {
            let mut result = Err(BindError::Exhausted);
            for port in self.endpoint.ports() {
                let addr = SocketAddr::new(ip, port);
                result = self.streams.listen(transport, id, addr);
                // A port that is taken leaves others to try.
                if !matches!(result, Err(BindError::Exhausted)) {
                    break;
                }
            }
            return Ok((id, result?));
        };
        let lease = port.lease_listener(ip, id, &self.mailbox);
        let lease = lease.ok_or(BindError::AddressNotAvailable)?;
        for ufrag in self.user_names.of(transport) {
            lease.add_ufrag(ufrag);
        }
        let addr = lease.local_addr();
        let listener = Listener::shared(transport, id, lease);
        self.streams.add_listener(listener);
        Ok((id, addr))
    }

    /// Opens a stream beside the session's task, which it may outlive by its timeout.
    pub(super) fn connect(
        &self,
        bind_id: BindId,
        local: SocketAddr,
        remote: SocketAddr,
        security: Security,
    ) {
        let mailbox = Arc::downgrade(&self.mailbox);
        let Shared { tls, clock, .. } = &*self.endpoint;
        let opening = connect(local, remote, security, tls.clone(), *clock);
        tokio::spawn(async move {
            let result = opening.await.map(Box::new);
            if let Some(mailbox) = mailbox.upgrade() {
                mailbox.push(Input::Connected { bind_id, result });
            }
        });
    }

    /// A socket of the session's own, also where all share a port: to be another address is what
    /// it is for.
    pub(super) fn open_datagrams(
        &mut self,
        now: Instant,
        bind_id: BindId,
        transport: TransportKey,
        ip: IpAddr,
    ) {
        let full = self.sockets.len() + self.streams.len() >= SOCKETS_PER_SESSION;
        let id = self.new_socket_id();
        let opened = match full {
            true => Err(BindError::Exhausted),
            false => self.bind_own(id, ip),
        };
        let result = opened.map_err(|_| ConnectError::NotPossible);
        let result = result.map(|socket| {
            let bound = (id, socket.local_addr());
            self.sockets.push(BoundSocket { transport, socket });
            bound
        });
        self.session.handle_connected(now, bind_id, result);
    }

    pub(super) fn connected(
        &mut self,
        now: Instant,
        bind_id: BindId,
        result: Result<Box<Opened>, ConnectError>,
    ) {
        let result = result.and_then(|opened| {
            let local = opened.local_addr().map_err(|_| ConnectError::Closed)?;
            let id = self.new_socket_id();
            self.streams.add(id, *opened);
            Ok((id, local))
        });
        self.session.handle_connected(now, bind_id, result);
    }

    pub(super) fn accepted(&mut self, now: Instant, accepted: AcceptedStream) {
        let id = self.new_socket_id();
        let AcceptedStream {
            listener,
            connection,
            remote,
            mut begin,
        } = accepted;
        self.streams.add(id, Opened::Bytes(connection));
        self.session.handle_accepted(now, listener, id, remote);
        self.session.handle_stream(now, id, &mut begin);
    }

    fn new_socket_id(&mut self) -> SocketId {
        let id = SocketId(self.next_socket);
        self.next_socket += 1;
        id
    }
}
