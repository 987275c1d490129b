use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use arbitrary::Arbitrary;
use duologue_base::{
    Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Protocol, Redacted, Rng, SocketId,
};
use duologue_ice::{
    Agent, Candidate, Config, Input, RelayProtocol, RemoteOptions, Server, ServerKind,
};
use duologue_stun::{
    AttributeType, ChannelData, ChannelNumber, Class, ErrorCode, Key, Message, Method,
    PasswordAlgorithm, TransactionId, Writer,
};

use crate::memory;

/// What a STUN and TURN server that means no good does to an agent.
#[derive(Arbitrary, Debug)]
pub struct IceServerScenario {
    named: bool,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Answer(Answer),
    Data { peer: u8, data: Vec<u8>, method: u8 },
    Channel { number: u16, data: Vec<u8> },
    Raw { bytes: Vec<u8> },
    Wait { tenths: u16 },
    Resolve { hosts: u8 },
    Peer { host: u8 },
    RemoveAddress,
    Restart,
    Close,
}

/// A response to the oldest request.
#[derive(Arbitrary, Clone, Debug)]
struct Answer {
    error: Option<u16>,
    realm: Option<bool>,
    nonce: Option<u8>,
    features: Option<[u8; 3]>,
    algorithms: Option<[bool; 2]>,
    mapped: Option<u8>,
    relayed: Option<u8>,
    lifetime_secs: Option<u32>,
    alternate: Option<u8>,
    key: Option<[bool; 2]>,
    sha256_tag: bool,
    fingerprint: bool,
    other: Option<(u16, Vec<u8>)>,
}

/// Whatever a server answers, nothing panics, loops or grows, and it is not asked for ever.
pub fn ice_server(scenario: IceServerScenario) {
    let _bound = memory::at_most_kib(256);
    let mut client = Client::new(scenario.named);
    let mut answers = Vec::new();
    for operation in scenario.operations {
        if let Operation::Answer(answer) = &operation {
            answers.push(answer.clone());
        }
        client.perform(operation);
        client.settle();
    }
    client.go_on(&answers);
}

const USERNAME: &str = "user";
const PASSWORD: &str = "password";
const BURST_MAX: usize = 5_000;
const REQUESTS_MAX: usize = 64;
/// In the last ten minutes. Refreshes are due every few minutes, checks come with new candidates.
const DATAGRAMS_MAX: usize = 20_000;

fn address(host: u8) -> SocketAddr {
    let ip = IpAddr::V4(Ipv4Addr::new(198, 51, 100, host));
    SocketAddr::new(ip, 3478)
}

const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5000);

struct Client {
    now: Instant,
    agent: Agent,
    restarts: u32,
    /// Requests to servers, oldest first, with where they went.
    requests: VecDeque<(SocketAddr, TransactionId, Method)>,
    sent: usize,
}

impl Client {
    fn new(named: bool) -> Self {
        let host = match named {
            true => "turn.example.org".to_owned(),
            false => address(1).ip().to_string(),
        };
        let turn = ServerKind::Turn {
            username: Redacted(USERNAME.to_owned()),
            password: Redacted(PASSWORD.to_owned()),
        };
        let server = |kind, port| Server {
            url: format!("{port}"),
            host: host.clone(),
            port,
            transport: RelayProtocol::Udp,
            kind,
        };
        let config = Config {
            servers: vec![server(ServerKind::Stun, 3479), server(turn, 3478)],
            ..Config::default()
        };
        let mut rng = Rng::from_u64(1);
        let [local, remote] = [(); 2].map(|()| IceCredentials::generate(&mut rng));
        let now = Instant::ZERO + Duration::from_secs(1);
        let mut agent = Agent::new(config, IceRole::Controlling, Generation(0), local, rng);
        agent.set_remote_credentials(now, Generation(0), remote, RemoteOptions::default());
        agent.add_local_address(now, SocketId(0), LOCAL);
        agent.end_of_local_addresses(now);
        let mut client = Client {
            now,
            agent,
            restarts: 0,
            requests: VecDeque::new(),
            sent: 0,
        };
        client.settle();
        client
    }

    fn perform(&mut self, operation: Operation) {
        let now = self.now;
        match operation {
            Operation::Answer(answer) => {
                self.answer(&answer);
            }
            Operation::Data { peer, data, method } => {
                let mut bytes = Vec::new();
                let method = if method == 0 {
                    Method::DATA
                } else {
                    Method(method.into())
                };
                let id = TransactionId([3; 12]);
                let mut writer = Writer::new(&mut bytes, Class::Indication, method, id);
                writer.xor_peer_address(address(peer)).data(&data);
                self.receive(address(1), &bytes);
            }
            Operation::Channel { number, data } => {
                let number = ChannelNumber::new(0x4000 | number & 0xfff);
                let len = u16::try_from(data.len());
                if let (Some(number), Ok(len)) = (number, len) {
                    let mut bytes = ChannelData::header(number, len).to_vec();
                    bytes.extend(data);
                    self.receive(address(1), &bytes);
                }
            }
            Operation::Raw { bytes } => self.receive(address(1), &bytes),
            Operation::Wait { tenths } => {
                self.now = now + Duration::from_millis(u64::from(tenths) * 100);
            }
            Operation::Resolve { hosts } => {
                let addresses: Vec<IpAddr> = (0..hosts).map(|host| address(host).ip()).collect();
                self.agent
                    .handle_resolved(now, "turn.example.org", &addresses);
            }
            Operation::Peer { host } => {
                let candidate = Candidate::host(address(host), Protocol::Udp);
                self.agent
                    .add_remote_candidate(now, Generation(self.restarts), candidate);
            }
            Operation::RemoveAddress => self.agent.remove_local_address(now, SocketId(0)),
            Operation::Restart => {
                self.restarts += 1;
                let mut rng = Rng::from_u64(self.restarts.into());
                let credentials = IceCredentials::generate(&mut rng);
                self.agent
                    .restart(now, Generation(self.restarts), credentials);
            }
            Operation::Close => self.agent.close(now),
        }
    }

    fn answer(&mut self, answer: &Answer) -> bool {
        let Some((from, id, method)) = self.requests.pop_front() else {
            return false;
        };
        let mut bytes = Vec::new();
        let class = match answer.error {
            Some(_) => Class::ErrorResponse,
            None => Class::SuccessResponse,
        };
        let mut writer = Writer::new(&mut bytes, class, method, id);
        if let Some(code) = answer.error {
            writer.error_code(ErrorCode(300 + code % 400));
        }
        let realm = if answer.realm == Some(true) {
            "other.example.org"
        } else {
            "example.org"
        };
        if answer.realm.is_some() {
            writer.realm(realm);
        }
        if let Some(nonce) = answer.nonce {
            // RFC 8489 §9.2: a nonce may begin with a cookie that announces features.
            match answer.features {
                Some([a, b, c]) => {
                    let digit = |n: u8| char::from(b'A' + n % 26);
                    let features = [digit(a), digit(b), digit(c), 'A'];
                    let features: String = features.into_iter().collect();
                    writer.nonce(&format!("obMatJos2{features}{nonce}"));
                }
                None => _ = writer.nonce(&format!("nonce{nonce}")),
            }
        }
        if let Some(algorithms) = answer.algorithms {
            writer.password_algorithms(&algorithms.map(algorithm));
        }
        if let Some(host) = answer.mapped {
            writer.xor_mapped_address(address(host));
        }
        if let Some(host) = answer.relayed {
            writer.xor_relayed_address(address(host));
        }
        if let Some(lifetime_secs) = answer.lifetime_secs {
            writer.lifetime_secs(lifetime_secs);
        }
        if let Some(host) = answer.alternate {
            writer.alternate_server(address(host));
        }
        if let Some((kind, value)) = &answer.other {
            writer.attribute(AttributeType(*kind), &value[..value.len().min(1000)]);
        }
        if let Some([right, sha256]) = answer.key {
            let password = if right { PASSWORD } else { "wrong" };
            let key = Key::long_term(USERNAME, realm, password, algorithm(sha256));
            match answer.sha256_tag {
                true => writer.integrity_sha256(&key),
                false => writer.integrity(&key),
            };
        }
        if answer.fingerprint {
            writer.fingerprint();
        }
        self.receive(from, &bytes);
        true
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        let datagram = Datagram {
            socket: SocketId(0),
            received: self.now,
            remote: from,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        if let Input::Data { range, .. } = self.agent.handle_datagram(self.now, &datagram, bytes) {
            assert!(bytes.get(range).is_some(), "data outside of the datagram");
        }
    }

    fn settle(&mut self) {
        let mut out = Vec::new();
        for round in 0.. {
            assert!(round < BURST_MAX, "always something to send");
            if self.agent.poll_timeout().is_some_and(|at| at <= self.now) {
                self.agent.handle_timeout(self.now);
            }
            out.clear();
            let Some(transmit) = self.agent.poll_transmit(self.now, &mut out) else {
                if self.agent.poll_timeout().is_some_and(|at| at <= self.now) {
                    continue;
                }
                break;
            };
            self.sent += 1;
            if let Ok(message) = Message::parse(&out[..transmit.len])
                && message.class() == Class::Request
            {
                let request = (transmit.remote, message.transaction_id(), message.method());
                self.requests.push_back(request);
                if self.requests.len() > REQUESTS_MAX {
                    self.requests.pop_front();
                }
            }
        }
        for count in 0.. {
            assert!(count < BURST_MAX, "events without end");
            if self.agent.poll_event().is_none() {
                break;
            }
        }
        let _ = (self.agent.route(), self.agent.pairs().count());
    }

    /// Ten minutes in which every request is answered, in turn as before.
    fn go_on(&mut self, answers: &[Answer]) {
        let end = self.now + Duration::from_secs(600);
        self.sent = 0;
        let mut answers = answers.iter().cycle();
        while self.now < end {
            self.settle();
            assert!(self.sent < DATAGRAMS_MAX, "a server is asked for ever");
            let answered = answers.next().is_some_and(|answer| self.answer(answer));
            if answered {
                self.now += Duration::from_millis(20);
                continue;
            }
            match self.agent.poll_timeout() {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
        }
    }
}

fn algorithm(sha256: bool) -> PasswordAlgorithm {
    match sha256 {
        true => PasswordAlgorithm::Sha256,
        false => PasswordAlgorithm::Md5,
    }
}
