use std::net::SocketAddr;

use duologue_base::{
    Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Protocol, Rng, SocketId,
};
use duologue_ice::{Agent as IceAgent, Candidate, Config, Input, RemoteOptions};
use duologue_peer::{candidate_attribute, ice_candidate};
use duologue_sdp::attr;

use crate::Agent;

const FIRST: Generation = Generation(0);

pub(crate) struct Ours {
    agent: IceAgent,
    address: SocketAddr,
}

impl Ours {
    pub(crate) fn new(seed: u64, address: &str, controlling: bool) -> Self {
        let address = address.parse().expect("an address");
        let role = match controlling {
            true => IceRole::Controlling,
            false => IceRole::Controlled,
        };
        let mut rng = Rng::from_u64(seed);
        let local = IceCredentials::generate(&mut rng);
        let mut agent = IceAgent::new(Config::default(), role, FIRST, local, rng);
        agent.add_local_address(Instant::ZERO, SocketId(0), address);
        agent.end_of_local_addresses(Instant::ZERO);
        Ours { agent, address }
    }
}

impl Agent for Ours {
    fn credentials(&self) -> (String, String) {
        let local = self.agent.local_credentials(FIRST).expect("the first");
        (local.ufrag.clone(), local.pwd.0.clone())
    }

    fn candidate(&self) -> String {
        let candidate = Candidate::host(self.address, Protocol::Udp);
        candidate_attribute(&candidate).to_string()
    }

    fn set_remote(&mut self, now: Instant, ufrag: &str, pwd: &str) {
        let remote = IceCredentials::new(ufrag, pwd).expect("legal credentials");
        self.agent
            .set_remote_credentials(now, FIRST, remote, RemoteOptions::default());
    }

    fn add_remote(&mut self, now: Instant, candidate: &str) {
        let text: attr::Candidate = candidate.parse().expect("a candidate");
        let candidate = ice_candidate(&text).expect("a usable candidate");
        self.agent.add_remote_candidate(now, FIRST, candidate);
    }

    fn handle(&mut self, now: Instant, remote: SocketAddr, bytes: &[u8]) {
        let datagram = Datagram {
            socket: SocketId(0),
            received: now,
            remote,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        let input = self.agent.handle_datagram(now, &datagram, bytes);
        assert_eq!(input, Input::Handled);
    }

    fn timeout(&mut self, _now: Instant) -> Option<Instant> {
        self.agent.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    fn transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        let mut out = Vec::new();
        let transmit = self.agent.poll_transmit(now, &mut out)?;
        Some((transmit.remote, out))
    }

    fn selected(&mut self) -> Option<SocketAddr> {
        self.agent.route().map(|route| route.remote)
    }
}
