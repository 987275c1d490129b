use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::time;

use duologue_base::{Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Rng, SocketId};
use duologue_ice::{
    Agent, CandidateError, Config, Event, GatheringState, Input, RemoteOptions, TransportState,
};

const FIRST: Generation = Generation(0);

/// Two agents on real loopback sockets, in real time.
pub(crate) struct Hosts {
    pub(crate) agents: [Agent; 2],
    pub(crate) errors: Vec<CandidateError>,
    pub(crate) received: [Vec<Vec<u8>>; 2],
    pub(crate) signalling_delay: time::Duration,
    signals: VecDeque<(Instant, usize, Event)>,
    sockets: [UdpSocket; 2],
    begun: time::Instant,
}

impl Hosts {
    pub(crate) fn new(configs: [Config; 2]) -> Self {
        let mut rng = Rng::from_u64(1);
        let sockets = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a port"));
        let credentials = [(); 2].map(|()| IceCredentials::generate(&mut rng));
        let roles = [IceRole::Controlling, IceRole::Controlled];
        let mut index = 0;
        let mut agents = configs.map(|config| {
            let local = credentials[index].clone();
            let agent = Agent::new(config, roles[index], FIRST, local, rng.fork());
            index += 1;
            agent
        });
        let now = Instant::ZERO;
        for at in 0..2 {
            sockets[at].set_nonblocking(true).expect("loopback");
            let other = credentials[1 - at].clone();
            agents[at].set_remote_credentials(now, FIRST, other, RemoteOptions::default());
            let addr = sockets[at].local_addr().expect("it is bound");
            agents[at].add_local_address(now, SocketId(0), addr);
            agents[at].end_of_local_addresses(now);
        }
        Hosts {
            agents,
            errors: Vec::new(),
            received: [Vec::new(), Vec::new()],
            signalling_delay: time::Duration::ZERO,
            signals: VecDeque::new(),
            sockets,
            begun: time::Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_origin(self.begun.elapsed())
    }

    pub(crate) fn run_until(&mut self, seconds: u64, done: impl Fn(&Hosts) -> bool) -> bool {
        let end = self.now() + time::Duration::from_secs(seconds);
        while self.now() < end {
            self.turn();
            if done(self) {
                return true;
            }
            std::thread::sleep(time::Duration::from_millis(1));
        }
        false
    }

    fn turn(&mut self) {
        let mut buffer = [0; 2000];
        let mut out = Vec::new();
        for at in 0..2 {
            while let Ok((len, remote)) = self.sockets[at].recv_from(&mut buffer) {
                self.receive(at, remote, &buffer[..len]);
            }
            let now = self.now();
            self.agents[at].handle_timeout(now);
            while let Some(transmit) = self.agents[at].poll_transmit(now, &mut out) {
                // What loopback refuses is lost, as on any network.
                let _lost = self.sockets[at].send_to(&out, transmit.remote);
            }
            while let Some(event) = self.agents[at].poll_event() {
                let due = now + self.signalling_delay;
                self.signals.push_back((due, at, event));
            }
        }
        while let Some((due, at, event)) = self.signals.pop_front() {
            if due > self.now() {
                self.signals.push_front((due, at, event));
                break;
            }
            self.signal(at, event);
        }
    }

    fn receive(&mut self, at: usize, remote: SocketAddr, bytes: &[u8]) {
        let now = self.now();
        let datagram = Datagram {
            socket: SocketId(0),
            received: now,
            remote,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        if let Input::Data { range, .. } = self.agents[at].handle_datagram(now, &datagram, bytes) {
            self.received[at].push(bytes[range].to_vec());
        }
    }

    fn signal(&mut self, at: usize, event: Event) {
        let now = self.now();
        let other = &mut self.agents[1 - at];
        match event {
            Event::LocalCandidate {
                generation,
                candidate,
            } => other.add_remote_candidate(now, generation, candidate),
            Event::Gathering {
                generation,
                state: GatheringState::Complete,
            } => other.end_of_remote_candidates(now, generation),
            Event::CandidateError(error) => self.errors.push(error),
            _ => {}
        }
    }

    pub(crate) fn completed(&self) -> bool {
        let completed = |agent: &Agent| agent.state() == TransportState::Completed;
        self.agents.iter().all(completed)
    }

    /// Sends data both ways; whether it arrived.
    pub(crate) fn exchange(&mut self) -> bool {
        let message = b"\x16 a record";
        for at in 0..2 {
            self.received[at].clear();
            let Some(route) = self.agents[at].route() else {
                return false;
            };
            let mut datagram = Vec::new();
            if let Some(relay) = route.relay {
                datagram.extend_from_slice(&relay.header(message.len() as u16));
            }
            datagram.extend_from_slice(message);
            let sent = self.sockets[at].send_to(&datagram, route.destination());
            assert_eq!(sent.ok(), Some(datagram.len()));
        }
        let expected = vec![message.to_vec()];
        self.run_until(2, |hosts| {
            hosts.received.iter().all(|received| *received == expected)
        })
    }
}
