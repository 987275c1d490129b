use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use arbitrary::Arbitrary;
use duologue_base::{
    Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Protocol, Rng, SocketId,
};
use duologue_ice::{Agent, Candidate, Config, Event, RemoteOptions, TransportState};
use duologue_stun::{AttributeType, Class, Key, Message, Method, TransactionId, Writer};

use crate::End;
use crate::memory;
use crate::wire::{Fate, Packet, Wire};

/// Two agents, and what happens to them, to their signalling and to the datagrams between them.
#[derive(Arbitrary, Debug)]
pub struct IceScenario {
    setup: Setup,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
struct Setup {
    seed: u64,
    same_role: bool,
    lite: bool,
    addresses: [u8; 2],
    /// Addresses of A that B never reaches, and so on.
    dead: u8,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Signal { from: End },
    Describe { from: End },
    EndSignals { from: End },
    Carry { from: End, fate: Fate },
    Wait { ms: u16 },
    AddAddress { at: End, number: u8 },
    RemoveAddress { at: End, number: u8 },
    EndAddresses { at: End },
    Restart { at: End },
    Drop { at: End, generation: u8 },
    SetRole { at: End, controlling: bool },
    Invent { to: End, host: u8, port: u16 },
    Forge { to: End, message: Forged },
    Close { at: End },
}

/// A STUN message from a party that may or may not know the password.
#[derive(Arbitrary, Debug)]
struct Forged {
    kind: u8,
    method: Option<u16>,
    /// Answers the request that is on its way from there.
    answers: bool,
    attributes: Vec<(u16, Vec<u8>)>,
    username: bool,
    priority: Option<u32>,
    tie_breaker: Option<(bool, u64)>,
    nominates: bool,
    knows_password: bool,
    fingerprint: bool,
    from_host: u8,
}

/// Whatever happens, nothing panics, loops or grows; and as long as nobody changes their mind or
/// forges messages, a good network connects the agents.
pub fn ice_agent(scenario: IceScenario) {
    let _bound = memory::at_most_kib(256);
    let mut pair = Pair::new(&scenario.setup);
    for operation in scenario.operations {
        pair.perform(operation);
        pair.settle();
    }
    pair.finish();
}

/// More datagrams or events than an agent has reason for at once.
const BURST_MAX: usize = 5_000;
/// Patience of an agent that finds nothing is longer (RFC 8863).
const PATIENCE: Duration = Duration::from_secs(20);

struct Pair {
    now: Instant,
    seed: u64,
    dead: u8,
    ends: [Side; 2],
    wire: Wire,
    /// Somebody did what may keep the agents apart.
    disturbed: bool,
}

struct Side {
    agent: Agent,
    credentials: Vec<IceCredentials>,
    candidates: VecDeque<(Generation, Candidate)>,
    state: TransportState,
}

fn address(end: usize, number: u8) -> SocketAddr {
    let ip = Ipv4Addr::new(10, end as u8, 0, number % 4 + 1);
    SocketAddr::new(IpAddr::V4(ip), 4000 + u16::from(number % 4))
}

/// Both ends do, or neither.
fn renominates(seed: u64) -> bool {
    seed & 1 == 1
}

impl Pair {
    fn new(setup: &Setup) -> Self {
        let side = |end: usize| {
            let mut rng = Rng::from_u64(setup.seed ^ end as u64);
            let config = Config {
                lite: setup.lite && end == 1,
                renomination: renominates(setup.seed),
                ..Config::default()
            };
            let role = match end == 0 || setup.same_role {
                true => IceRole::Controlling,
                false => IceRole::Controlled,
            };
            let credentials = IceCredentials::generate(&mut rng);
            Side {
                agent: Agent::new(config, role, Generation(0), credentials.clone(), rng),
                credentials: vec![credentials],
                candidates: VecDeque::new(),
                state: TransportState::New,
            }
        };
        let mut pair = Pair {
            now: Instant::ZERO + Duration::from_secs(1),
            seed: setup.seed,
            dead: setup.dead,
            ends: [side(0), side(1)],
            wire: Wire::default(),
            // Two lite agents or a lite controlling one are for the session to avoid.
            disturbed: setup.lite && setup.same_role,
        };
        for (end, addresses) in setup.addresses.into_iter().enumerate() {
            for number in 0..addresses % 3 + 1 {
                let agent = &mut pair.ends[end].agent;
                agent.add_local_address(pair.now, SocketId(number.into()), address(end, number));
            }
        }
        pair.settle();
        pair
    }

    fn perform(&mut self, operation: Operation) {
        let now = self.now;
        match operation {
            Operation::Signal { from } => {
                self.signal(from.index());
            }
            Operation::Describe { from } => self.describe(from.index()),
            Operation::EndSignals { from } => {
                // Whoever says so too early may fail.
                self.disturbed |= !self.ends[from.index()].candidates.is_empty();
                let generation = self.ends[from.index()].newest();
                let agent = &mut self.ends[1 - from.index()].agent;
                agent.end_of_remote_candidates(now, generation);
            }
            Operation::Carry { from, fate } => {
                let packet = self.wire.meet(from, &fate);
                self.deliver(from.index(), packet);
            }
            Operation::Wait { ms } => self.now = now + Duration::from_millis(ms.into()),
            Operation::AddAddress { at, number } => {
                let number = number % 4;
                let addr = address(at.index(), number);
                let agent = &mut self.ends[at.index()].agent;
                agent.add_local_address(now, SocketId(number.into()), addr);
            }
            Operation::RemoveAddress { at, number } => {
                self.disturbed = true;
                let socket = SocketId(u32::from(number % 4));
                self.ends[at.index()]
                    .agent
                    .remove_local_address(now, socket);
            }
            Operation::EndAddresses { at } => {
                self.ends[at.index()].agent.end_of_local_addresses(now);
            }
            Operation::Restart { at } => self.restart(at.index()),
            Operation::Drop { at, generation } => {
                self.disturbed = true;
                let generation = Generation(generation.into());
                self.ends[at.index()].agent.drop_generation(now, generation);
            }
            Operation::SetRole { at, controlling } => {
                let role = if controlling {
                    IceRole::Controlling
                } else {
                    IceRole::Controlled
                };
                self.disturbed = true;
                self.ends[at.index()].agent.set_role(now, role);
            }
            Operation::Invent { to, host, port } => {
                let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, host));
                let candidate = Candidate::host(SocketAddr::new(ip, port), Protocol::Udp);
                let generation = self.ends[1 - to.index()].newest();
                let agent = &mut self.ends[to.index()].agent;
                agent.add_remote_candidate(now, generation, candidate);
            }
            Operation::Forge { to, message } => self.forge(to.index(), &message),
            Operation::Close { at } => {
                self.disturbed = true;
                self.ends[at.index()].agent.close(now);
            }
        }
    }

    /// One more candidate of `from` reaches the other side.
    fn signal(&mut self, from: usize) -> bool {
        let Some((generation, candidate)) = self.ends[from].candidates.pop_front() else {
            return false;
        };
        let agent = &mut self.ends[1 - from].agent;
        agent.add_remote_candidate(self.now, generation, candidate);
        true
    }

    /// The description of `from` reaches the other side.
    fn describe(&mut self, from: usize) {
        let generation = self.ends[from].newest();
        let Some(credentials) = self.ends[from].credentials.last().cloned() else {
            return;
        };
        let options = RemoteOptions {
            lite: false,
            renomination: renominates(self.seed),
            ..RemoteOptions::default()
        };
        let agent = &mut self.ends[1 - from].agent;
        agent.set_remote_credentials(self.now, generation, credentials, options);
    }

    /// Both sides restart, as an offer and its answer make them do.
    fn restart(&mut self, first: usize) {
        self.disturbed = true;
        for end in [first, 1 - first] {
            let side = &mut self.ends[end];
            let number = side.credentials.len() as u64;
            let mut rng = Rng::from_u64(self.seed ^ number << 8 ^ end as u64);
            let credentials = IceCredentials::generate(&mut rng);
            side.credentials.push(credentials.clone());
            let generation = side.newest();
            side.agent.restart(self.now, generation, credentials);
        }
    }

    fn forge(&mut self, to: usize, forged: &Forged) {
        self.disturbed = true;
        let request = self.wire.oldest(to).and_then(|packet| {
            let message = Message::parse(&packet.bytes).ok()?;
            Some((message.transaction_id(), packet.from, packet.to))
        });
        let (mut id, mut target, mut source) = (
            TransactionId([7; 12]),
            address(to, 0),
            address(1 - to, forged.from_host),
        );
        if let (true, Some((asked, from, asked_of))) = (forged.answers, request) {
            (id, target, source) = (asked, from, asked_of);
        }
        let class = match forged.kind % 4 {
            0 => Class::Request,
            1 => Class::Indication,
            2 => Class::SuccessResponse,
            _ => Class::ErrorResponse,
        };
        let method = forged
            .method
            .map_or(Method::BINDING, |method| Method(method & 0xfff));
        let (own, other) = (
            self.ends[to].credentials.last(),
            self.ends[1 - to].credentials.last(),
        );
        let (Some(own), Some(other)) = (own, other) else {
            return;
        };
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, class, method, id);
        for (kind, value) in &forged.attributes {
            let value = &value[..value.len().min(1200)];
            writer.attribute(AttributeType(*kind), value);
        }
        if forged.username {
            writer.check_username(&own.ufrag, &other.ufrag);
        }
        if let Some(priority) = forged.priority {
            writer.priority(priority);
        }
        match forged.tie_breaker {
            Some((true, number)) => _ = writer.ice_controlling(number),
            Some((false, number)) => _ = writer.ice_controlled(number),
            None => {}
        }
        if forged.nominates {
            writer.use_candidate();
        }
        if forged.knows_password {
            let answer = matches!(class, Class::SuccessResponse | Class::ErrorResponse);
            let password = if answer { &other.pwd } else { &own.pwd };
            writer.integrity(&Key::short_term(password));
        }
        if forged.fingerprint {
            writer.fingerprint();
        }
        self.deliver(
            1 - to,
            Some(Packet {
                from: source,
                to: target,
                bytes,
            }),
        );
    }

    fn deliver(&mut self, from: usize, packet: Option<Packet>) {
        let Some(packet) = packet else {
            return;
        };
        // The sockets of a side are numbered as their ports.
        let (IpAddr::V4(to), IpAddr::V4(source)) = (packet.to.ip(), packet.from.ip()) else {
            return;
        };
        let socket = u32::from(packet.to.port()).wrapping_sub(4000);
        let here = address(1 - from, socket as u8) == packet.to && socket < 4;
        let [_, _, _, host] = source.octets();
        // All ends of the good path have the first address.
        let dead = self.dead >> (host % 4) & 1 != 0 && to.octets()[3] != 1 && host != 1;
        if !here || dead {
            return;
        }
        let datagram = Datagram {
            socket: SocketId(socket),
            received: self.now,
            remote: packet.from,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        self.ends[1 - from]
            .agent
            .handle_datagram(self.now, &datagram, &packet.bytes);
    }

    fn settle(&mut self) {
        for end in 0..2 {
            self.ends[end].settle(self.now, end, &mut self.wire);
        }
    }

    fn exchange(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..100_000 {
            self.settle();
            let mut moved = false;
            for from in 0..2 {
                moved |= self.signal(from);
                for packet in self.wire.take(from) {
                    moved = true;
                    self.deliver(from, Some(packet));
                }
            }
            if moved {
                self.now += Duration::from_millis(1);
                continue;
            }
            match self
                .ends
                .iter()
                .filter_map(|side| side.agent.poll_timeout())
                .min()
            {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
        }
        assert!(
            self.ends
                .iter()
                .all(|side| side.agent.poll_timeout().is_none_or(|at| at > end))
        );
    }

    fn finish(&mut self) {
        let late = self.now > Instant::ZERO + PATIENCE;
        self.describe(0);
        self.describe(1);
        self.exchange(Duration::from_secs(60));
        if self.disturbed || late {
            return;
        }
        for side in &self.ends {
            let connected = matches!(
                side.state,
                TransportState::Connected | TransportState::Completed
            );
            assert!(connected, "{:?}", side.state);
            assert!(side.agent.may_send(self.now));
        }
    }
}

impl Side {
    fn newest(&self) -> Generation {
        Generation(self.credentials.len() as u32 - 1)
    }

    fn settle(&mut self, now: Instant, end: usize, wire: &mut Wire) {
        let mut out = Vec::new();
        for round in 0.. {
            assert!(round < BURST_MAX, "always something to send");
            if self.agent.poll_timeout().is_some_and(|at| at <= now) {
                self.agent.handle_timeout(now);
            }
            out.clear();
            let Some(transmit) = self.agent.poll_transmit(now, &mut out) else {
                if self.agent.poll_timeout().is_some_and(|at| at <= now) {
                    continue;
                }
                break;
            };
            assert_eq!(transmit.len, out.len());
            wire.send(
                end,
                Packet {
                    from: address(end, transmit.socket.0 as u8),
                    to: transmit.remote,
                    bytes: out.clone(),
                },
            );
        }
        for count in 0.. {
            assert!(count < BURST_MAX, "events without end");
            match self.agent.poll_event() {
                Some(Event::LocalCandidate {
                    generation,
                    candidate,
                }) => {
                    self.candidates.push_back((generation, candidate));
                }
                Some(Event::State { state, .. }) => self.state = state,
                Some(_) => {}
                None => break,
            }
        }
        assert_eq!(self.state, self.agent.state());
        let _ = (self.agent.selected_pair(), self.agent.pairs().count());
    }
}
