//! Byte streams on the simulated network. They lose nothing; what is written arrives in pieces.
//! Those in whose place DTLS is keep datagrams whole and lose what the link loses.

use std::net::SocketAddr;
use std::time::Duration;

use duologue_base::{Datagram, Ecn, SocketId};
use duologue_ice::{ConnectError, ConnectId, Deframer, Event, Framing, Input, Security, TcpType};

use crate::sim::{Sim, addr};

/// An end of a stream at a peer.
pub(crate) struct End {
    pub(crate) socket: SocketId,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    deframer: Deframer,
}

/// What comes after the link's delay.
pub(crate) enum Happening {
    /// A SYN of a peer's.
    Open {
        peer: usize,
        id: ConnectId,
        /// As others see it.
        local: SocketAddr,
        remote: SocketAddr,
        framing: Framing,
    },
    /// What became of it.
    Opened {
        peer: usize,
        id: ConnectId,
        local: SocketAddr,
        remote: SocketAddr,
        error: Option<ConnectError>,
    },
    Bytes {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Closed {
        from: SocketAddr,
        to: SocketAddr,
    },
}

#[derive(Default)]
pub(crate) struct Streams {
    /// Addresses where SYNs vanish.
    pub(crate) black_holes: Vec<SocketAddr>,
    /// What vanishes on streams that are open.
    pub(crate) mute: bool,
    /// Streams on which everything vanishes: client, server.
    lost: Vec<(SocketAddr, SocketAddr)>,
    pub(crate) opened: usize,
    /// How streams were to be protected.
    pub(crate) security: Vec<Security>,
    opening: Vec<(SocketAddr, SocketAddr)>,
    /// Streams that TURN servers have: client, server.
    served: Vec<(SocketAddr, SocketAddr, Deframer)>,
    next: u32,
}

impl Sim {
    /// Streams may begin at this address.
    pub(crate) fn stream_address(&mut self, peer: usize, ip: &str) {
        let ip = ip.parse().expect("an address");
        self.peers[peer].agent.add_stream_address(self.now, ip);
    }

    pub(crate) fn listen(&mut self, peer: usize, at: &str, kind: TcpType) {
        let (socket, at) = (self.streams.new_socket(), addr(at));
        self.peers[peer].listeners.push((socket, at));
        let agent = &mut self.peers[peer].agent;
        agent.add_listener(self.now, socket, at, kind);
    }

    /// Breaks every stream of a peer.
    pub(crate) fn break_streams(&mut self, peer: usize) {
        for end in std::mem::take(&mut self.peers[peer].streams) {
            self.peers[peer]
                .agent
                .handle_stream_closed(self.now, end.socket);
            let (from, to) = (end.local, end.remote);
            self.post_stream(self.link.delay, Happening::Closed { from, to });
        }
    }

    /// A server closes its streams.
    pub(crate) fn close_served(&mut self) {
        for (client, server, _) in std::mem::take(&mut self.streams.served) {
            let (from, to) = (server, client);
            self.post_stream(self.link.delay, Happening::Closed { from, to });
        }
    }

    /// Nothing passes on the streams to servers that there are, and nobody is told.
    pub(crate) fn lose_served(&mut self) {
        let served = self.streams.served.iter();
        let ways = served.map(|(client, server, _)| (*client, *server));
        self.streams.lost.extend(ways);
    }

    pub(crate) fn stream_event(&mut self, peer: usize, event: &Event) {
        match event {
            Event::Connect {
                id,
                local,
                security: Security::Datagrams,
                ..
            } => {
                let (id, socket) = (*id, self.streams.new_socket());
                let at = SocketAddr::new(local.ip(), 30_000 + socket.0 as u16);
                let peer = &mut self.peers[peer];
                peer.sockets.push((socket, at));
                let framing = peer.agent.handle_connected(self.now, id, Ok((socket, at)));
                assert_eq!(framing, Some(Framing::Datagrams));
            }
            Event::Connect {
                id,
                local,
                remote,
                security,
            } => {
                let mut local = *local;
                if local.port() == 0 {
                    local.set_port(30_000 + self.streams.new_socket().0 as u16);
                }
                if let Some(nat) = &mut self.peers[peer].nat {
                    local = nat.outgoing(local, *remote);
                }
                self.streams.opening.push((local, *remote));
                self.streams.security.push(security.clone());
                let (id, remote) = (*id, *remote);
                let open = Happening::Open {
                    peer,
                    id,
                    local,
                    remote,
                    framing: match security {
                        Security::Datagrams | Security::Dtls { .. } => Framing::Datagrams,
                        Security::Plain | Security::Tls { .. } => Framing::Stun,
                    },
                };
                self.post_stream(self.link.delay, open);
            }
            Event::Disconnect { socket } => {
                let sockets = &mut self.peers[peer].sockets;
                if let Some(at) = sockets.iter().position(|(known, _)| known == socket) {
                    sockets.remove(at);
                    return;
                }
                let ends = &mut self.peers[peer].streams;
                let at = ends.iter().position(|end| end.socket == *socket);
                let end = ends.swap_remove(at.expect("it was open"));
                let (from, to) = (end.local, end.remote);
                self.post_stream(self.link.delay, Happening::Closed { from, to });
            }
            _ => {}
        }
    }

    pub(crate) fn stream_happens(&mut self, what: Happening) {
        match what {
            Happening::Open {
                peer,
                id,
                local,
                remote,
                framing,
            } => self.open(peer, id, (local, remote), framing),
            Happening::Opened {
                peer,
                id,
                local,
                remote,
                error,
            } => self.opened(peer, id, local, remote, error),
            Happening::Bytes { from, to, bytes } => self.stream_brings(from, to, bytes),
            Happening::Closed { from, to } => {
                self.streams
                    .served
                    .retain(|(client, server, _)| (*client, *server) != (from, to));
                for peer in &mut self.peers {
                    let of = |end: &mut End| (end.local, end.remote) == (to, from);
                    for end in peer.streams.extract_if(.., of) {
                        peer.agent.handle_stream_closed(self.now, end.socket);
                    }
                }
            }
        }
    }

    fn open(
        &mut self,
        peer: usize,
        id: ConnectId,
        (local, remote): (SocketAddr, SocketAddr),
        framing: Framing,
    ) {
        if self.streams.black_holes.contains(&remote) {
            return;
        }
        let crossing = self.streams.opening.contains(&(remote, local));
        let served = self.turns.iter().any(|turn| turn.tcp && turn.at == remote)
            || self
                .servers
                .iter()
                .any(|stun| stun.tcp && stun.at == remote);
        let other = &mut self.peers[1 - peer];
        let mut error = None;
        let inside = match &other.nat {
            Some(nat) if nat.public == remote.ip() => nat.incoming(local, remote),
            // There is no way to private addresses.
            Some(_) if !served => {
                error = Some(ConnectError::Unreachable);
                Some(remote)
            }
            _ => Some(remote),
        };
        if inside.is_none() && !served {
            // RFC 5382 §4.3: the NAT says nothing, and the SYN is sent again.
            let again = Happening::Open {
                peer,
                id,
                local,
                remote,
                framing,
            };
            return self.post_stream(Duration::from_secs(1), again);
        }
        let listener = (other.listeners.iter()).find(|(_, at)| Some(*at) == inside);
        if served {
            let deframer = Deframer::new(framing);
            self.streams.served.push((local, remote, deframer));
        } else if !crossing
            && error.is_none()
            && let Some((listener, _)) = listener
        {
            let socket = self.streams.new_socket();
            let agent = &mut other.agent;
            match agent.handle_accepted(self.now, *listener, socket, local) {
                Some(framing) => other.streams.push(End {
                    socket,
                    local: remote,
                    remote: local,
                    deframer: Deframer::new(framing),
                }),
                None => error = Some(ConnectError::Closed),
            }
        } else if !crossing {
            error.get_or_insert(ConnectError::Refused);
        }
        let opened = Happening::Opened {
            peer,
            id,
            local,
            remote,
            error,
        };
        self.post_stream(self.link.delay, opened);
    }

    fn opened(
        &mut self,
        peer: usize,
        id: ConnectId,
        local: SocketAddr,
        remote: SocketAddr,
        error: Option<ConnectError>,
    ) {
        let socket = self.streams.new_socket();
        let result = match error {
            Some(error) => Err(error),
            None => Ok((socket, local)),
        };
        self.streams.opened += usize::from(result.is_ok());
        let peer = &mut self.peers[peer];
        match peer.agent.handle_connected(self.now, id, result) {
            Some(framing) => peer.streams.push(End {
                socket,
                local,
                remote,
                deframer: Deframer::new(framing),
            }),
            None if result.is_ok() => {
                let (from, to) = (local, remote);
                self.post_stream(self.link.delay, Happening::Closed { from, to });
            }
            None => {}
        }
    }

    /// False: the socket is no stream of the peer's.
    pub(crate) fn write_stream(&mut self, peer: usize, socket: SocketId, bytes: &[u8]) -> bool {
        let mut ends = self.peers[peer].streams.iter();
        let Some(end) = ends.find(|end| end.socket == socket) else {
            return false;
        };
        let (from, to, framing) = (end.local, end.remote, end.deframer.framing());
        self.sent += 1;
        self.post_bytes(from, to, bytes, framing);
        true
    }

    fn post_bytes(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], framing: Framing) {
        let lost = &self.streams.lost;
        if self.streams.mute || lost.contains(&(from, to)) || lost.contains(&(to, from)) {
            return;
        }
        if framing == Framing::Datagrams {
            if self.rng.unit() >= self.link.loss {
                let bytes = bytes.to_vec();
                self.post_stream(self.link.delay, Happening::Bytes { from, to, bytes });
            }
            return;
        }
        let cut = self.rng.below(bytes.len() as u32 + 1) as usize;
        for bytes in [&bytes[..cut], &bytes[cut..]].map(<[u8]>::to_vec) {
            self.post_stream(self.link.delay, Happening::Bytes { from, to, bytes });
        }
    }

    fn stream_brings(&mut self, from: SocketAddr, to: SocketAddr, mut bytes: Vec<u8>) {
        let mut messages = Vec::new();
        let mut take = |message: &mut [u8]| messages.push(message.to_vec());
        let mut served = self.streams.served.iter_mut();
        if let Some((.., deframer)) =
            served.find(|(client, server, _)| (*client, *server) == (from, to))
        {
            deframer
                .feed(&mut bytes, take)
                .expect("agents write messages");
            for message in messages {
                self.deliver_datagram(from, to, &message);
            }
            return;
        }
        for peer in &mut self.peers {
            let mut ends = peer.streams.iter_mut();
            let Some(end) = ends.find(|end| (end.local, end.remote) == (to, from)) else {
                continue;
            };
            end.deframer
                .feed(&mut bytes, &mut take)
                .expect("everybody writes messages");
            let datagram = Datagram {
                socket: end.socket,
                received: self.now,
                remote: from,
                local_ip: None,
                ecn: Ecn::NotEct,
            };
            for message in messages {
                let input = peer.agent.handle_datagram(self.now, &datagram, &message);
                if let Input::Data { remote, range } = input {
                    peer.received.push((remote, message[range].to_vec()));
                }
            }
            return;
        }
    }

    /// A TURN server answers a client in the way it was asked.
    pub(crate) fn send_from_server(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        mut bytes: Vec<u8>,
    ) {
        let mut served = self.streams.served.iter();
        match served.find(|(client, server, _)| (*client, *server) == (to, from)) {
            Some((.., deframer)) => {
                let framing = deframer.framing();
                framing.close(0, &mut bytes);
                self.post_bytes(from, to, &bytes, framing);
            }
            None => self.send(from, to, &bytes),
        }
    }
}

impl Streams {
    pub(crate) fn is_served(&self, client: SocketAddr, server: SocketAddr) -> bool {
        let mut served = self.served.iter();
        served.any(|(from, to, _)| (*from, *to) == (client, server))
    }

    fn new_socket(&mut self) -> SocketId {
        self.next += 1;
        SocketId(1000 + self.next)
    }
}
