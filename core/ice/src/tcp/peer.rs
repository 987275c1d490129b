//! Streams to and from the other agent (RFC 6544): which pair each belongs to.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};

use crate::agent::{Agent, normalized};
use crate::candidate::{self, TcpType};
use crate::checklist::{Check, Pair};
use crate::checks::Checks;
use crate::event::Event;
use crate::generation::Base;
use crate::limits;
use crate::local::Local;
use crate::stats::PairId;
use crate::tcp::{ConnectError, ConnectId, Framing, Security};

/// One stream. It belongs to the pairs of its base and remote address, of every generation.
#[derive(Debug)]
pub(crate) struct PeerStream {
    pub(crate) base: Base,
    pub(crate) remote: SocketAddr,
    state: StreamState,
}

#[derive(Debug)]
enum StreamState {
    Connecting {
        id: ConnectId,
        until: Instant,
    },
    Open {
        socket: SocketId,
        /// When it is next looked at whether anything uses it.
        review: Instant,
    },
}

impl PeerStream {
    fn socket(&self) -> Option<SocketId> {
        match self.state {
            StreamState::Open { socket, .. } => Some(socket),
            StreamState::Connecting { .. } => None,
        }
    }

    fn is_of(&self, base: Base, remote: SocketAddr) -> bool {
        self.base.is_same(base) && self.remote == remote
    }
}

impl Agent {
    /// Streams may begin at this address of this machine: to servers, and to the other agent's
    /// passive candidates. It becomes an active candidate, if the configuration has those.
    pub fn add_stream_address(&mut self, now: Instant, ip: IpAddr) {
        let ip = ip.to_canonical();
        let known = self.local.stream_ips.iter().any(|(known, _)| *known == ip);
        if self.checks.is_closed() || known || !self.usable(ip) {
            return;
        }
        if self.local.stream_ips.len() >= limits::LOCAL_CANDIDATES {
            self.outbox.counters.over_limit += 1;
            return;
        }
        let same_family = |(known, _): &&(IpAddr, u16)| known.is_ipv4() == ip.is_ipv4();
        let index = self.local.stream_ips.iter().filter(same_family).count() as u16;
        self.local.stream_ips.push((ip, index));
        if self.config.tcp.active {
            self.add_base(Base {
                socket: None,
                // RFC 6544 §4.5: "The port […] MUST be set to 9" for active candidates.
                addr: SocketAddr::new(ip, DISCARD_PORT),
                protocol: Protocol::Tcp,
                tcp_type: Some(TcpType::Active),
                relay: None,
                preference: candidate::tcp_preference(TcpType::Active, ip, index),
            });
        }
        self.update_gathering(now);
        self.update(now);
    }

    /// The address is gone, and the streams that began there with it.
    pub fn remove_stream_address(&mut self, now: Instant, ip: IpAddr) {
        let ip = ip.to_canonical();
        self.local.stream_ips.retain(|(known, _)| *known != ip);
        self.drop_connections(|connection| connection.local == ip);
        self.lose_bases(now, |base| base.socket.is_none() && base.addr.ip() == ip);
    }

    /// A TCP socket listens at this address of this machine: a passive candidate, or one for
    /// simultaneous opens, which begin at its port, too.
    pub fn add_listener(
        &mut self,
        now: Instant,
        socket: SocketId,
        addr: SocketAddr,
        kind: TcpType,
    ) {
        let addr = normalized(addr);
        let known = self
            .local
            .bases
            .iter()
            .any(|base| base.socket == Some(socket));
        if self.checks.is_closed() || known || !self.usable(addr.ip()) || kind == TcpType::Active {
            return;
        }
        let same =
            |base: &&Base| base.tcp_type == Some(kind) && base.addr.is_ipv4() == addr.is_ipv4();
        let index = self.local.bases.iter().filter(same).count() as u16;
        self.add_base(Base {
            socket: Some(socket),
            addr,
            protocol: Protocol::Tcp,
            tcp_type: Some(kind),
            relay: None,
            preference: candidate::tcp_preference(kind, addr.ip(), index),
        });
        self.update_gathering(now);
        self.update(now);
    }

    /// The host's answer to [`Event::Connect`]: the stream and where it begins. How messages follow
    /// one another in it; none when it is not wanted any more and to be closed.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        id: ConnectId,
        result: Result<(SocketId, SocketAddr), ConnectError>,
    ) -> Option<Framing> {
        if let Some(framing) = self.handle_server_connected(now, id, result) {
            return framing;
        }
        let asked = |stream: &PeerStream| matches!(stream.state, StreamState::Connecting { id: asked, .. } if asked == id);
        let at = self.local.streams.iter().position(asked)?;
        let PeerStream { base, remote, .. } = self.local.streams[at];
        match result {
            Ok((socket, _)) => {
                self.local.streams[at].state = StreamState::Open {
                    socket,
                    review: now + limits::STREAM_REVIEW,
                };
                self.checks.check_on_stream(base, remote);
            }
            Err(_) => {
                self.local.streams.swap_remove(at);
                self.fail_pairs(base, remote);
            }
        }
        self.update(now);
        result.is_ok().then_some(Framing::Length)
    }

    /// A listening socket accepted a connection. How messages follow one another in it; none when
    /// it is not wanted and to be closed.
    pub fn handle_accepted(
        &mut self,
        now: Instant,
        listener: SocketId,
        socket: SocketId,
        remote: SocketAddr,
    ) -> Option<Framing> {
        let remote = normalized(remote);
        let mut bases = self.local.bases.iter();
        let base = *bases.find(|base| base.socket == Some(listener))?;
        if self.local.streams.len() >= limits::PEER_STREAMS {
            self.outbox.counters.over_limit += 1;
            return None;
        }
        let state = StreamState::Open {
            socket,
            review: now + limits::STREAM_REVIEW,
        };
        // RFC 6544 §5.1: of a simultaneous open one end may have been first.
        let known = self
            .local
            .streams
            .iter()
            .position(|known| known.is_of(base, remote));
        match known {
            Some(at) if self.local.streams[at].socket().is_none() => {
                self.local.streams[at].state = state;
                self.checks.check_on_stream(base, remote);
                self.update(now);
            }
            Some(_) => return None,
            None => self.local.streams.push(PeerStream {
                base,
                remote,
                state,
            }),
        }
        Some(Framing::Length)
    }

    /// A stream ended: the other end closed it, or it broke. What ran on it fails.
    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        if self.checks.is_closed() || self.handle_server_closed(now, socket) {
            return;
        }
        let of_socket = |stream: &PeerStream| stream.socket() == Some(socket);
        if let Some(at) = self.local.streams.iter().position(of_socket) {
            let PeerStream { base, remote, .. } = self.local.streams.swap_remove(at);
            self.fail_pairs(base, remote);
            self.update(now);
        }
    }

    /// A check of this pair has to wait until there is a stream.
    pub(crate) fn lacks_stream(&self, at: usize, id: PairId) -> bool {
        let generation = &self.checks.generations[at];
        generation.checklist.get(id).is_some_and(|pair| {
            let (base, remote) = (generation.base_of(pair), generation.remote_addr_of(pair));
            self.local.socket_for(base, remote).is_none()
        })
    }

    /// RFC 6544 §7.1: a check begins with the connection. It counts as under way until then.
    pub(crate) fn open_stream(&mut self, now: Instant, at: usize, id: PairId) {
        let Some(pair) = self.checks.generations[at].checklist.get(id) else {
            return;
        };
        let generation = &self.checks.generations[at];
        let (base, remote) = (generation.base_of(pair), generation.remote_addr_of(pair));
        let opening = self
            .local
            .streams
            .iter()
            .any(|stream| stream.is_of(base, remote));
        let full = self.local.streams.len() >= limits::PEER_STREAMS;

        // Only the other side can connect to a passive candidate.
        let passive = base.tcp_type == Some(TcpType::Passive);
        let possible = opening || (!full && !passive);
        if let Some(pair) = self.checks.generations[at].checklist.get_mut(id) {
            pair.set_check(match possible {
                // Nothing is known that speaks against others of its foundation.
                true => Check::InProgress { fresh: false },
                false => Check::Failed,
            });
        }

        if opening || !possible {
            return;
        }
        let connect = self.local.next_connect_id();
        self.local.streams.push(PeerStream {
            base,
            remote,
            state: StreamState::Connecting {
                id: connect,
                until: now + limits::CONNECT_WAIT,
            },
        });

        let port = match base.tcp_type {
            Some(TcpType::SimultaneousOpen) => base.addr.port(),
            _ => 0,
        };
        self.outbox.push_event(Event::Connect {
            id: connect,
            local: SocketAddr::new(base.addr.ip(), port),
            remote,
            security: Security::Plain,
        });
    }

    /// There is no stream any more, or never was one.
    fn fail_pairs(&mut self, base: Base, remote: SocketAddr) {
        for at in 0..self.checks.generations.len() {
            let generation = &mut self.checks.generations[at];
            let Some(id) = generation.find_pair(base, remote) else {
                continue;
            };
            if let Some(pair) = generation.checklist.get_mut(id) {
                // With its address another stream may come.
                if matches!(pair.check, Check::Away) {
                    continue;
                }
                pair.set_check(Check::Failed);
                pair.nomination.forget();
            }
            self.checks.transactions.retain(|t| t.pair != id);
            if !self.checks.generations[at].candidates_complete() {
                self.reopen(at);
            }
        }
    }

    /// Closes the streams of bases that are gone.
    pub(crate) fn drop_streams(&mut self, gone: impl Fn(&Base) -> bool) {
        let dropped: Vec<SocketId> = self
            .local
            .streams
            .extract_if(.., |stream| gone(&stream.base))
            .filter_map(|stream| stream.socket())
            .collect();
        for socket in dropped {
            self.outbox.push_event(Event::Disconnect { socket });
        }
    }

    /// Gives up what takes too long to open, and closes what nothing uses: accepted streams that
    /// bring no check, and those of pairs that lost against others.
    pub(crate) fn handle_stream_timeouts(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.local.streams.len() {
            let PeerStream { base, remote, .. } = self.local.streams[at];
            let used = self.is_used(now, base, remote);
            match &mut self.local.streams[at].state {
                StreamState::Connecting { until, .. } if *until <= now => {
                    self.local.streams.swap_remove(at);
                    self.fail_pairs(base, remote);
                    continue;
                }
                StreamState::Open { socket, review } if *review <= now => {
                    if !used {
                        let socket = *socket;
                        self.local.streams.swap_remove(at);
                        self.outbox.push_event(Event::Disconnect { socket });
                        self.fail_pairs(base, remote);
                        continue;
                    }
                    *review = now + limits::STREAM_REVIEW;
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn is_used(&self, now: Instant, base: Base, remote: SocketAddr) -> bool {
        self.checks.generations.iter().any(|generation| {
            let pair = generation.find_pair(base, remote);
            let used = |pair: &Pair| {
                pair.is_unfinished()
                    || pair.is_nominated()
                    || self.is_healthy(now, generation, pair)
            };
            pair.is_some_and(|id| generation.checklist.get(id).is_some_and(used))
        })
    }
}

impl Local {
    /// The stream that carries what a base sends to a remote address, or its socket. None: it has
    /// to be opened first.
    pub(crate) fn socket_for(&self, base: Base, remote: SocketAddr) -> Option<SocketId> {
        if base.protocol == Protocol::Udp {
            return base.socket;
        }
        let mut streams = self.streams.iter();
        streams.find(|stream| stream.is_of(base, remote))?.socket()
    }

    /// The base and the other end of a stream to the other agent.
    pub(crate) fn stream_of(&self, socket: SocketId) -> Option<(Base, SocketAddr)> {
        let mut streams = self.streams.iter();
        let stream = streams.find(|stream| stream.socket() == Some(socket))?;
        Some((stream.base, stream.remote))
    }

    pub(crate) fn stream_timeout(&self) -> Option<Instant> {
        let streams = self.streams.iter().map(|stream| match stream.state {
            StreamState::Connecting { until, .. } => until,
            StreamState::Open { review, .. } => review,
        });
        streams.min()
    }

    pub(crate) fn next_connect_id(&mut self) -> ConnectId {
        let id = ConnectId(self.next_connect);
        self.next_connect = self.next_connect.wrapping_add(1);
        id
    }
}

impl Checks {
    /// A stream is there: the pairs that waited for it are checked.
    fn check_on_stream(&mut self, base: Base, remote: SocketAddr) {
        for generation in &mut self.generations {
            let Some(id) = generation.find_pair(base, remote) else {
                continue;
            };
            if let Some(pair) = generation.checklist.get_mut(id)
                && matches!(pair.check, Check::InProgress { .. })
            {
                pair.set_check(Check::Waiting);
                generation.checklist.trigger(id);
            }
        }
    }
}

/// RFC 863's, where nothing is ever sent to.
const DISCARD_PORT: u16 = 9;
