use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use duologue_base::{Datagram, Instant, Rng, SocketId};
use duologue_dtls::RECORD_OVERHEAD_MAX;
use duologue_sctp::LARGEST_PACKET;
use duologue_session::{Action, ConnectError, Interface, Session, SessionConfig};

use crate::network::{Arrived, Network};

/// What every end of a connection has: a session and its sockets.
#[derive(Debug)]
pub struct Machine {
    pub(crate) session: Session,
    addresses: Vec<IpAddr>,
    sockets: BTreeMap<SocketId, SocketAddr>,
    next_socket: u32,
    first_port: u16,
}

const FIRST_PORT: u16 = 10_000;

impl Machine {
    pub(crate) fn new(config: SessionConfig, addresses: &[IpAddr], rng: Rng) -> Self {
        Machine {
            session: Session::new(config, rng),
            addresses: addresses.to_vec(),
            sockets: BTreeMap::new(),
            next_socket: 0,
            first_port: FIRST_PORT,
        }
    }

    /// Where its ports begin: machines that share an address have each their own.
    pub(crate) fn set_first_port(&mut self, port: u16) {
        self.first_port = port;
    }

    /// Tells the session the host's addresses.
    pub(crate) fn announce(&mut self, now: Instant) {
        let interfaces: Vec<Interface> =
            self.addresses.iter().map(|&ip| Interface { ip }).collect();
        self.session.handle_interfaces(now, &interfaces);
    }

    pub(crate) fn set_addresses(&mut self, now: Instant, addresses: &[IpAddr]) {
        self.addresses = addresses.to_vec();
        self.announce(now);
    }

    pub(crate) fn socket_count(&self) -> usize {
        self.sockets.len()
    }

    pub(crate) fn owns(&self, addr: SocketAddr) -> bool {
        self.sockets.values().any(|bound| *bound == addr) && self.has(addr)
    }

    /// The address is there: its sockets may outlive it.
    fn has(&self, addr: SocketAddr) -> bool {
        self.addresses.contains(&addr.ip())
    }

    pub(crate) fn set_blocked(&mut self, now: Instant, blocked: bool) {
        for &socket in self.sockets.keys() {
            self.session.handle_socket_blocked(now, socket, blocked);
        }
    }

    pub(crate) fn deliver(&mut self, now: Instant, mut arrived: Arrived) {
        let bound = self.sockets.iter().find(|(_, addr)| **addr == arrived.to);
        let Some((&socket, _)) = bound.filter(|_| self.has(arrived.to)) else {
            return;
        };
        let datagram = Datagram {
            socket,
            received: now,
            remote: arrived.from,
            local_ip: None,
            ecn: arrived.ecn,
        };
        self.session
            .handle_datagram(now, &datagram, &mut arrived.bytes);
    }

    /// Sends what is to be sent and does what is to be done; whether there was anything.
    pub(crate) fn work(&mut self, now: Instant, network: &mut Network) -> bool {
        let mut busy = false;
        let mut train = Vec::new();
        while let Some(transmit) = self.session.poll_transmit(now, &mut train) {
            busy = true;
            assert_eq!(transmit.len, train.len());
            let segment = transmit.segment_size.unwrap_or(transmit.len);
            assert!(segment > 0 && transmit.len.div_ceil(segment) <= 64);
            for datagram in train.chunks(segment) {
                // RFC 7983 §7: of DTLS also what was shown to arrive, and the probes for it.
                let most = match datagram[0] {
                    20..64 => LARGEST_PACKET + RECORD_OVERHEAD_MAX,
                    _ => 1232,
                };
                assert!(datagram.len() <= most, "{} bytes", datagram.len());
                let from = self.sockets.get(&transmit.socket).copied();
                if let Some(from) = from.filter(|from| self.has(*from)) {
                    let way = (from, transmit.remote);
                    network.send_marked(now, way, transmit.ecn, datagram.to_vec());
                }
            }
        }
        while let Some(action) = self.session.poll_action() {
            busy = true;
            self.act(now, action);
        }
        busy
    }

    fn act(&mut self, now: Instant, action: Action) {
        match action {
            Action::Bind { bind_id, ip, .. } => {
                let socket = SocketId(self.next_socket);
                self.next_socket += 1;
                let addr = SocketAddr::new(ip, self.first_port + socket.0 as u16);
                self.sockets.insert(socket, addr);
                self.session.handle_bound(now, bind_id, Ok((socket, addr)));
            }
            Action::Unbind { socket } => {
                assert!(self.sockets.remove(&socket).is_some(), "unbound twice");
            }
            // This network has datagrams only.
            Action::Connect { bind_id, .. } => {
                let result = Err(ConnectError::NotPossible);
                self.session.handle_connected(now, bind_id, result);
            }
            other => panic!("unknown action {other:?}"),
        }
    }
}
