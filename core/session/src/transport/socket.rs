//! The sockets of a transport, and whom it listens to on them.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Datagram, SocketId};
use duologue_dtls as dtls;
use duologue_ice as ice;

use super::Transport;

/// A socket of a transport.
#[derive(Debug)]
pub(crate) struct BoundSocket {
    pub(crate) socket: SocketId,
    /// The host has no room for more.
    pub(crate) blocked: bool,
    pub(crate) kind: SocketKind,
}

#[derive(Debug)]
pub(crate) enum SocketKind {
    /// One for datagrams, or one that listens.
    Bound(Wanted),
    Stream(Box<StreamSocket>),
}

/// What a socket is bound for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) ip: IpAddr,
    /// A TCP socket that listens, for such candidates.
    pub(crate) listens: Option<ice::TcpType>,
}

/// A byte stream.
#[derive(Debug)]
pub(crate) struct StreamSocket {
    pub(crate) remote: SocketAddr,
    /// Taken while what it cuts out is handled.
    pub(crate) deframer: Option<ice::Deframer>,
}

impl Transport {
    pub(crate) fn has_socket(&self, socket: SocketId) -> bool {
        self.sockets.iter().any(|bound| bound.socket == socket)
    }

    /// The socket takes nothing for now.
    pub(crate) fn is_blocked(&self, socket: SocketId) -> bool {
        let mut sockets = self.sockets.iter();
        sockets.any(|bound| bound.socket == socket && bound.blocked)
    }

    /// Whether ICE has heard of the sender. By signalling is enough once packets are protected. Until
    /// then it must have been by an authenticated message: whoever answers first is who the handshake
    /// is with, and addresses that signalling names can be guessed. What overtook the message is sent
    /// again.
    pub(crate) fn knows(&self, datagram: &Datagram) -> bool {
        let remote = SocketAddr::new(datagram.remote.ip().to_canonical(), datagram.remote.port());
        let on_route = |route: ice::Route| route.remote == remote;
        if self.agent.route().is_some_and(on_route) || self.agent.has_heard(remote) {
            return true;
        }
        let is_protected = self.dtls.state() == dtls::State::Connected;
        is_protected
            && self.agent.generations().any(|generation| {
                let mut remotes = self.agent.remote_candidates(generation);
                remotes.any(|candidate| candidate.addr == remote)
            })
    }
}
