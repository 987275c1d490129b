//! Two agents, the network between them and the signalling that joins them, in virtual time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use duologue_base::{Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Rng, SocketId};
use duologue_ice::{Agent, Candidate, Config, Event, Input, RemoteOptions, TransportState};
use duologue_stun::Message;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("known")
}

/// A candidate as the other end reads it: without what only its own end knows, and without the
/// address that its name stands for.
pub(crate) fn signalled(candidate: &Candidate) -> Candidate {
    let addr = candidate.addr;
    Candidate {
        addr: match candidate.name {
            Some(_) => (Ipv4Addr::UNSPECIFIED, addr.port()).into(),
            None => addr,
        },
        url: None,
        relay_protocol: None,
        ..candidate.clone()
    }
}

use crate::servers::StunServer;
use crate::streams::{End, Happening, Streams};
use crate::turn_server::TurnServer;

/// What happens to datagrams. Probabilities are per datagram.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) loss: f64,
    pub(crate) duplicate: f64,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            delay: ms(25),
            jitter: Duration::ZERO,
            loss: 0.0,
            duplicate: 0.0,
        }
    }
}

/// A NAT with one public address. It lets in what comes from an address that was sent to.
pub(crate) struct Nat {
    pub(crate) public: IpAddr,
    /// Another mapping for each destination.
    pub(crate) symmetric: bool,
    one_to_one: bool,
    next_port: u16,
    mappings: HashMap<(SocketAddr, Option<SocketAddr>), u16>,
    allowed: HashSet<(u16, SocketAddr)>,
}

impl Nat {
    pub(crate) fn new(public: &str, symmetric: bool) -> Self {
        Nat {
            public: public.parse().expect("an address"),
            symmetric,
            one_to_one: false,
            next_port: 40_000,
            mappings: HashMap::new(),
            allowed: HashSet::new(),
        }
    }

    /// It keeps ports and lets everything in.
    pub(crate) fn one_to_one(public: &str) -> Self {
        Nat {
            one_to_one: true,
            ..Nat::new(public, false)
        }
    }

    pub(crate) fn outgoing(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = (from, self.symmetric.then_some(to));
        let next = &mut self.next_port;
        let port = *self.mappings.entry(key).or_insert_with(|| {
            *next += 1;
            match self.one_to_one {
                true => from.port(),
                false => *next,
            }
        });
        self.allowed.insert((port, to));
        SocketAddr::new(self.public, port)
    }

    pub(crate) fn incoming(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        if !self.one_to_one && !self.allowed.contains(&(to.port(), from)) {
            return None;
        }
        let mapping = self
            .mappings
            .iter()
            .find(|((_, dest), port)| **port == to.port() && dest.is_none_or(|dest| dest == from));
        mapping.map(|((inside, _), _)| *inside)
    }

    /// Forgets everything, as after a reboot.
    pub(crate) fn reboot(&mut self) {
        self.mappings.clear();
        self.allowed.clear();
    }
}

pub(crate) struct Peer {
    pub(crate) agent: Agent,
    pub(crate) sockets: Vec<(SocketId, SocketAddr)>,
    pub(crate) listeners: Vec<(SocketId, SocketAddr)>,
    pub(crate) streams: Vec<End>,
    pub(crate) nat: Option<Nat>,
    pub(crate) events: Vec<(Instant, Event)>,
    /// Data that arrived, with where it seemed to come from.
    pub(crate) received: Vec<(SocketAddr, Vec<u8>)>,
    /// Local candidates are not signalled when false.
    pub(crate) trickles: bool,
    /// What its description says.
    pub(crate) options: RemoteOptions,
}

impl Peer {
    pub(crate) fn states(&self) -> Vec<TransportState> {
        let state = |(_, event): &(Instant, Event)| match event {
            Event::State { state, .. } => Some(*state),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    pub(crate) fn when(&self, wanted: TransportState) -> Option<Duration> {
        self.events
            .iter()
            .find(|(_, event)| matches!(event, Event::State { state, .. } if *state == wanted))
            .map(|(at, _)| at.since_origin())
    }

    pub(crate) fn is_nominated(&self) -> bool {
        self.agent
            .pairs()
            .any(|pair| pair.nominated && pair.selected)
    }
}

enum Parcel {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Stream(Happening),
    Candidate(usize, Generation, Candidate),
    EndOfCandidates(usize, Generation),
    Credentials(usize, Generation, IceCredentials, RemoteOptions),
}

pub(crate) struct Sim {
    pub(crate) now: Instant,
    pub(crate) rng: Rng,
    pub(crate) link: Link,
    /// How long signalling takes from each of the peers.
    pub(crate) signalling: [Duration; 2],
    pub(crate) peers: [Peer; 2],
    /// Nothing gets through while set.
    pub(crate) cut: bool,
    /// Nothing gets to or from these while they are in here.
    pub(crate) dead: HashSet<IpAddr>,
    pub(crate) sent: usize,
    last_sent: [Vec<u8>; 2],
    /// The numbers in what was sent (draft-thatcher-ice-renomination), while it is watched.
    pub(crate) nominations: Option<Vec<u32>>,
    /// Probability that an answer of a server is damaged.
    pub(crate) damage: f64,
    pub(crate) servers: Vec<StunServer>,
    pub(crate) turns: Vec<TurnServer>,
    pub(crate) streams: Streams,
    parcels: BTreeMap<(Instant, u64), Parcel>,
    sequence: u64,
}

impl Sim {
    pub(crate) fn new(seed: u64, link: Link) -> Self {
        Sim::with(seed, link, [Config::default(), Config::default()])
    }

    pub(crate) fn with(seed: u64, link: Link, configs: [Config; 2]) -> Self {
        Sim::with_roles(
            seed,
            link,
            configs,
            [IceRole::Controlling, IceRole::Controlled],
        )
    }

    pub(crate) fn with_roles(
        seed: u64,
        link: Link,
        configs: [Config; 2],
        roles: [IceRole; 2],
    ) -> Self {
        let mut rng = Rng::from_u64(seed);
        let [a, b] = configs;
        let mut peer = |config: Config, role| {
            let local = IceCredentials::generate(&mut rng);
            let options = RemoteOptions {
                lite: config.lite,
                renomination: config.renomination,
                ..RemoteOptions::default()
            };
            Peer {
                agent: Agent::new(config, role, Generation(0), local, rng.fork()),
                sockets: Vec::new(),
                listeners: Vec::new(),
                streams: Vec::new(),
                nat: None,
                events: Vec::new(),
                received: Vec::new(),
                trickles: true,
                options,
            }
        };
        let peers = [peer(a, roles[0]), peer(b, roles[1])];
        Sim {
            now: Instant::ZERO,
            rng,
            link,
            signalling: [Duration::ZERO; 2],
            peers,
            cut: false,
            dead: HashSet::new(),
            sent: 0,
            last_sent: [Vec::new(), Vec::new()],
            nominations: None,
            damage: 0.0,
            servers: Vec::new(),
            turns: Vec::new(),
            streams: Streams::default(),
            parcels: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// One address each, credentials exchanged, all candidates signalled.
    pub(crate) fn connected_by_signalling(seed: u64, link: Link) -> Self {
        let mut sim = Sim::new(seed, link);
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.signal_all();
        sim
    }

    pub(crate) fn address(&mut self, peer: usize, address: &str) {
        let at = addr(address);
        let socket = SocketId(self.peers[peer].sockets.len() as u32);
        self.peers[peer].sockets.push((socket, at));
        self.peers[peer]
            .agent
            .add_local_address(self.now, socket, at);
    }

    /// Ends gathering at both ends and exchanges the credentials of the newest generation.
    pub(crate) fn signal_all(&mut self) {
        for peer in 0..2 {
            self.signal_credentials(peer);
            self.peers[peer].agent.end_of_local_addresses(self.now);
        }
    }

    /// Tells the other side about `peer`'s newest credentials.
    pub(crate) fn signal_credentials(&mut self, peer: usize) {
        let agent = &self.peers[peer].agent;
        let generation = agent.generations().last().expect("never empty");
        let local = agent
            .local_credentials(generation)
            .expect("it lives")
            .clone();
        let options = self.peers[peer].options;
        let parcel = Parcel::Credentials(1 - peer, generation, local, options);
        self.post(self.now + self.signalling[peer], parcel);
    }

    pub(crate) fn restart(&mut self, peer: usize, generation: Generation) {
        let local = IceCredentials::generate(&mut self.rng);
        self.peers[peer].agent.restart(self.now, generation, local);
    }

    pub(crate) fn post_stream(&mut self, delay: Duration, what: Happening) {
        self.post(self.now + delay, Parcel::Stream(what));
    }

    fn post(&mut self, at: Instant, parcel: Parcel) {
        self.sequence += 1;
        self.parcels.insert((at, self.sequence), parcel);
    }

    pub(crate) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.sent += 1;
        if let (Some(seen), Ok(message)) = (&mut self.nominations, Message::parse(bytes)) {
            seen.extend(message.nomination());
        }
        let copies = 1 + usize::from(self.rng.unit() < self.link.duplicate);
        for _ in 0..copies {
            let dead = [from, to].iter().any(|at| self.dead.contains(&at.ip()));
            if self.cut || dead || self.rng.unit() < self.link.loss {
                continue;
            }
            let jitter = self.link.jitter.mul_f64(self.rng.unit());
            let bytes = bytes.to_vec();
            let parcel = Parcel::Datagram { from, to, bytes };
            self.post(self.now + self.link.delay + jitter, parcel);
        }
    }

    fn drain(&mut self) {
        let mut out = Vec::new();
        for peer in 0..2 {
            while let Some(transmit) = self.peers[peer].agent.poll_transmit(self.now, &mut out) {
                assert_eq!(transmit.len, out.len());
                self.last_sent[peer].clone_from(&out);
                self.send_from(peer, transmit.socket, transmit.remote, &out.clone());
            }
            while let Some(event) = self.peers[peer].agent.poll_event() {
                self.signal(peer, &event);
                self.stream_event(peer, &event);
                self.peers[peer].events.push((self.now, event));
            }
        }
    }

    fn signal(&mut self, peer: usize, event: &Event) {
        if !self.peers[peer].trickles {
            return;
        }
        let parcel = match event {
            Event::LocalCandidate {
                generation,
                candidate,
            } => Parcel::Candidate(1 - peer, *generation, signalled(candidate)),
            Event::Gathering {
                generation,
                state: duologue_ice::GatheringState::Complete,
            } => Parcel::EndOfCandidates(1 - peer, *generation),
            _ => return,
        };
        self.post(self.now + self.signalling[peer], parcel);
    }

    fn deliver(&mut self, parcel: Parcel) {
        let now = self.now;
        match parcel {
            Parcel::Datagram { from, to, bytes } => self.deliver_datagram(from, to, &bytes),
            Parcel::Stream(what) => self.stream_happens(what),
            Parcel::Candidate(peer, generation, candidate) => self.peers[peer]
                .agent
                .add_remote_candidate(now, generation, candidate),
            Parcel::EndOfCandidates(peer, generation) => self.peers[peer]
                .agent
                .end_of_remote_candidates(now, generation),
            Parcel::Credentials(peer, generation, credentials, options) => self.peers[peer]
                .agent
                .set_remote_credentials(now, generation, credentials, options),
        }
    }

    pub(crate) fn deliver_datagram(&mut self, remote: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(server) = self.servers.iter_mut().find(|server| server.at == to) {
            if server.tcp && !self.streams.is_served(remote, to) {
                return;
            }
            if let Some(mut answer) = server.handle(remote, bytes) {
                self.damage(&mut answer);
                self.send_from_server(to, remote, answer);
            }
            return;
        }
        let relays = self.turns.iter_mut().find(|server| server.owns(to));
        if let Some(server) = relays {
            for (from, to, mut bytes) in server.handle(self.now, remote, to, bytes) {
                self.damage(&mut bytes);
                self.send_from_server(from, to, bytes);
            }
            return;
        }
        for peer in &mut self.peers {
            let inside = match &peer.nat {
                Some(nat) if nat.public == to.ip() => match nat.incoming(remote, to) {
                    Some(inside) => inside,
                    None => return,
                },
                // Private addresses cannot be reached from outside.
                Some(_) => continue,
                None => to,
            };
            if let Some(&(socket, _)) = peer.sockets.iter().find(|(_, at)| *at == inside) {
                let datagram = Datagram {
                    socket,
                    received: self.now,
                    remote,
                    local_ip: None,
                    ecn: Ecn::NotEct,
                };
                let input = peer.agent.handle_datagram(self.now, &datagram, bytes);
                if let Input::Data { remote, range } = input {
                    let relayed = remote != datagram.remote;
                    peer.agent.handle_data(&datagram, relayed, range.len());
                    peer.received.push((remote, bytes[range].to_vec()));
                }
                return;
            }
        }
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if self.rng.unit() >= self.damage {
            return;
        }
        for _ in 0..=self.rng.below(4) {
            let at = self.rng.below(bytes.len() as u32) as usize;
            bytes[at] = self.rng.u32() as u8;
        }
        if self.rng.below(4) == 0 {
            bytes.truncate(self.rng.below(bytes.len() as u32) as usize);
        }
    }

    /// The last message of a peer's agent.
    pub(crate) fn last_sent_by(&self, peer: usize) -> Option<Vec<u8>> {
        Some(self.last_sent[peer].clone()).filter(|message| !message.is_empty())
    }

    /// Puts bytes on the wire as if `from` had sent them.
    pub(crate) fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.post(self.now, Parcel::Datagram { from, to, bytes });
    }

    /// One step of time. False when nothing is left to happen before `end`.
    fn step(&mut self, end: Instant) -> bool {
        self.drain();
        let parcel = self.parcels.keys().next().map(|(at, _)| *at);
        let timeout = self
            .peers
            .iter()
            .filter_map(|p| p.agent.poll_timeout())
            .min();
        let Some(next) = [parcel, timeout].into_iter().flatten().min() else {
            self.now = end;
            return false;
        };
        if next > end {
            self.now = end;
            return false;
        }
        self.now = self.now.max(next);
        while let Some(entry) = self.parcels.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let parcel = entry.remove();
            self.deliver(parcel);
            self.drain();
        }
        for peer in &mut self.peers {
            if peer.agent.poll_timeout().is_some_and(|at| at <= self.now) {
                peer.agent.handle_timeout(self.now);
            }
        }
        true
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        while self.step(end) {
            steps += 1;
            assert!(steps < 2_000_000, "no progress at {:?}", self.now);
        }
        self.drain();
    }

    /// Runs until `done`, at most `limit`; whether it came to that.
    pub(crate) fn run_until(&mut self, limit: Duration, done: impl Fn(&Sim) -> bool) -> bool {
        let end = self.now + limit;
        let mut steps = 0;
        loop {
            if done(self) {
                return true;
            }
            steps += 1;
            assert!(steps < 2_000_000, "no progress at {:?}", self.now);
            if !self.step(end) {
                return done(self);
            }
        }
    }

    pub(crate) fn both(&self, state: TransportState) -> bool {
        self.peers.iter().all(|peer| peer.agent.state() == state)
    }

    /// Sends data both ways and says whether all of it arrived, from where it should.
    pub(crate) fn exchange_data(&mut self) -> bool {
        for peer in 0..2 {
            self.peers[peer].received.clear();
            let Some(route) = self.peers[peer].agent.route() else {
                return false;
            };
            let mut datagram = Vec::new();
            let content = route.open(&mut datagram);
            datagram.extend_from_slice(b"\x16data");
            route.close(content, &mut datagram);
            self.send_from(peer, route.socket, route.destination(), &datagram);
        }
        self.run_for(ms(300));
        (0..2).all(|peer| {
            let from = self.peers[peer].agent.route().map(|route| route.remote);
            let received = &self.peers[peer].received;
            from.is_some_and(|from| *received == [(from, b"\x16data".to_vec())])
        })
    }

    fn send_from(&mut self, peer: usize, socket: SocketId, to: SocketAddr, bytes: &[u8]) {
        if self.write_stream(peer, socket, bytes) {
            return;
        }
        let state = &mut self.peers[peer];
        let sockets = &state.sockets;
        let known = sockets.iter().find(|(id, _)| *id == socket);
        let (_, inside) = *known.expect("agents use their sockets");
        let from = match &mut state.nat {
            Some(nat) => nat.outgoing(inside, to),
            None => inside,
        };
        self.send(from, to, bytes);
    }

    /// Both ends use one and the same pair.
    pub(crate) fn agree(&self) -> bool {
        let [a, b] = self.peers.each_ref().map(|peer| peer.agent.route());
        let ends = |route: duologue_ice::Route| (route.local, route.remote);
        let swapped = |route: duologue_ice::Route| (route.remote, route.local);
        a.is_some() && a.map(ends) == b.map(swapped)
    }

    /// Both may send, and each sends to where the other one receives.
    pub(crate) fn data_flows(&mut self) -> bool {
        (0..2).all(|peer| {
            let Some(route) = self.peers[peer].agent.route() else {
                return false;
            };
            if !self.peers[peer].agent.may_send(self.now) || self.cut {
                return false;
            }
            let (_, inside) = *self.peers[peer]
                .sockets
                .iter()
                .find(|(id, _)| *id == route.socket)
                .expect("known");
            let from = match &mut self.peers[peer].nat {
                Some(nat) => nat.outgoing(inside, route.remote),
                None => inside,
            };
            let other = &self.peers[1 - peer];
            let arrives = match &other.nat {
                Some(nat) if nat.public == route.remote.ip() => nat.incoming(from, route.remote),
                Some(_) => None,
                None => Some(route.remote),
            };
            arrives.is_some_and(|at| other.sockets.iter().any(|(_, address)| *address == at))
        })
    }
}
