//! Byte streams: connections to servers, and to and from peers that UDP does not reach.

use std::net::SocketAddr;

use duologue_base::{Datagram, Ecn, Instant, SocketId};
use duologue_ice as ice;

use crate::transport::{BoundSocket, SocketKind, StreamSocket, Transport};
use crate::{Action, BindId, ConnectError, Session};

impl Session {
    /// The host's answer to [`Action::Connect`]: the stream and the address it begins at.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        bind_id: BindId,
        result: Result<(SocketId, SocketAddr), ConnectError>,
    ) {
        self.now = self.now.max(now);
        let asked = |transport: &Transport| {
            let mut connects = transport.connects.iter();
            connects.position(|(id, ..)| *id == bind_id)
        };
        let found = self.transports.iter().enumerate();
        let found = found
            .filter_map(|(at, transport)| Some((at, asked(transport)?)))
            .next();
        let Some((at, index)) = found else {
            // The transport is gone.
            if let Ok((socket, _)) = result {
                self.actions.push_back(Action::Unbind { socket });
            }
            return;
        };
        let transport = &mut self.transports[at];
        let (_, id, remote) = transport.connects.swap_remove(index);
        let framing = transport.agent.handle_connected(self.now, id, result);
        if let Ok((socket, _)) = result {
            self.adopt_stream(at, socket, remote, framing);
        }
        self.advance(at);
    }

    /// A listening socket accepted a connection: the stream that it became, and who connected.
    pub fn handle_accepted(
        &mut self,
        now: Instant,
        listener: SocketId,
        socket: SocketId,
        remote: SocketAddr,
    ) {
        self.now = self.now.max(now);
        let mut transports = self.transports.iter();
        let Some(at) = transports.position(|transport| transport.has_socket(listener)) else {
            // Nobody listens any more.
            self.actions.push_back(Action::Unbind { socket });
            return;
        };
        let agent = &mut self.transports[at].agent;
        let framing = agent.handle_accepted(self.now, listener, socket, remote);
        self.adopt_stream(at, socket, remote, framing);
        self.advance(at);
    }

    /// A stream brought these bytes. They are decrypted where they lie.
    pub fn handle_stream(&mut self, now: Instant, socket: SocketId, bytes: &mut [u8]) {
        let now = self.now.max(now);
        self.now = now;
        let Some(stream) = self.stream(socket) else {
            self.counters.unknown_socket += 1;
            return;
        };
        let datagram = Datagram {
            socket,
            received: now,
            remote: stream.remote,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        let Some(mut deframer) = stream.deframer.take() else {
            return;
        };
        let fed = deframer.feed(bytes, |message| {
            self.handle_datagram(now, &datagram, message);
        });
        if fed.is_err() {
            self.counters.broken_streams += 1;
            self.handle_stream_closed(now, socket);
            self.actions.push_back(Action::Unbind { socket });
        } else if let Some(stream) = self.stream(socket) {
            stream.deframer = Some(deframer);
        }
    }

    /// A stream ended: the other end closed it, or it broke. The host has given its socket up.
    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        self.now = self.now.max(now);
        let mut transports = self.transports.iter();
        let Some(at) = transports.position(|transport| transport.has_socket(socket)) else {
            return;
        };
        let transport = &mut self.transports[at];
        transport.sockets.retain(|bound| bound.socket != socket);
        transport.agent.handle_stream_closed(self.now, socket);
        self.advance(at);
    }

    /// The stream belongs to a transport from now on, or is closed when that does not want it.
    fn adopt_stream(
        &mut self,
        at: usize,
        socket: SocketId,
        remote: SocketAddr,
        framing: Option<ice::Framing>,
    ) {
        let Some(framing) = framing else {
            self.actions.push_back(Action::Unbind { socket });
            return;
        };
        self.transports[at].sockets.push(BoundSocket {
            socket,
            blocked: false,
            kind: SocketKind::Stream(Box::new(StreamSocket {
                remote,
                deframer: Some(ice::Deframer::new(framing)),
            })),
        });
    }

    fn stream(&mut self, socket: SocketId) -> Option<&mut StreamSocket> {
        let mut sockets = self.transports.iter_mut().flat_map(|t| &mut t.sockets);
        match &mut sockets.find(|bound| bound.socket == socket)?.kind {
            SocketKind::Stream(stream) => Some(stream),
            SocketKind::Bound(_) => None,
        }
    }
}
