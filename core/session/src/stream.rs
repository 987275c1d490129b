//! Byte streams: connections to servers, and to peers that UDP does not reach.

use std::net::SocketAddr;

use duologue_base::{Instant, SocketId};

use crate::{Action, BindId, ConnectError, Session};

impl Session {
    /// The host's answer to [`Action::Connect`]: the stream and the address it begins at.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        _bind_id: BindId,
        result: Result<(SocketId, SocketAddr), ConnectError>,
    ) {
        self.now = self.now.max(now);
        // Whoever asked for it is gone.
        if let Ok((socket, _)) = result {
            self.actions.push_back(Action::Unbind { socket });
        }
    }

    /// A listening socket accepted a connection: the stream that it became, and who connected.
    pub fn handle_accepted(
        &mut self,
        now: Instant,
        _listener: SocketId,
        socket: SocketId,
        _remote: SocketAddr,
    ) {
        self.now = self.now.max(now);
        // Nobody listens any more.
        self.actions.push_back(Action::Unbind { socket });
    }

    /// A stream brought these bytes. They are decrypted where they lie.
    pub fn handle_stream(&mut self, now: Instant, _socket: SocketId, _bytes: &mut [u8]) {
        self.now = self.now.max(now);
        self.counters.unknown_socket += 1;
    }

    /// A stream takes no more bytes for now, or does again. While it does not, nothing is sent on
    /// it that can wait; other sockets go on. A host drops what it has no room for, like a full
    /// socket buffer.
    pub fn handle_stream_full(&mut self, now: Instant, _socket: SocketId, _full: bool) {
        self.now = self.now.max(now);
    }

    /// A stream ended: the other end closed it, or it broke. The host has given its socket up.
    pub fn handle_stream_closed(&mut self, now: Instant, _socket: SocketId) {
        self.now = self.now.max(now);
    }
}
