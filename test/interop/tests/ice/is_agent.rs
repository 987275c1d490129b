use std::net::SocketAddr;
use std::time;

use duologue_base::Instant;
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};

use crate::Agent;

pub(crate) struct IsAgent {
    agent: IceAgent,
    local: Candidate,
    origin: time::Instant,
    selected: Option<SocketAddr>,
}

impl IsAgent {
    pub(crate) fn new(address: &str, controlling: bool) -> Self {
        let address: SocketAddr = address.parse().expect("an address");
        let local = Candidate::host(address, "udp").expect("a host candidate");
        let mut agent = IceAgent::new(IceCreds::new());
        agent.set_controlling(controlling);
        agent.add_local_candidate(local.clone());
        IsAgent {
            agent,
            local,
            origin: time::Instant::now(),
            selected: None,
        }
    }

    fn at(&self, now: Instant) -> time::Instant {
        self.origin + now.since_origin()
    }
}

impl Agent for IsAgent {
    fn credentials(&self) -> (String, String) {
        let local = self.agent.local_credentials();
        (local.ufrag.clone(), local.pass.clone())
    }

    fn candidate(&self) -> String {
        self.local.to_sdp_string()
    }

    fn set_remote(&mut self, now: Instant, ufrag: &str, pwd: &str) {
        self.agent.set_remote_credentials(IceCreds {
            ufrag: ufrag.to_owned(),
            pass: pwd.to_owned(),
        });
        let at = self.at(now);
        self.agent.handle_timeout(at);
    }

    fn add_remote(&mut self, _now: Instant, candidate: &str) {
        let candidate = Candidate::from_sdp_string(candidate).expect("a candidate");
        self.agent.add_remote_candidate(candidate);
    }

    fn handle(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let at = self.at(now);
        let packet = StunPacket {
            proto: Protocol::Udp,
            source,
            destination: self.local.addr(),
            message: StunMessage::parse(bytes).expect("our messages are STUN"),
        };
        self.agent.handle_packet(at, packet);
    }

    fn timeout(&mut self, _now: Instant) -> Option<Instant> {
        let at = self.agent.poll_timeout()?;
        Some(Instant::from_origin(
            at.saturating_duration_since(self.origin),
        ))
    }

    fn handle_timeout(&mut self, now: Instant) {
        let at = self.at(now);
        if self.agent.poll_timeout().is_some_and(|due| due <= at) {
            self.agent.handle_timeout(at);
        }
    }

    fn transmit(&mut self, _now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        let transmit = self.agent.poll_transmit()?;
        Some((transmit.destination, transmit.contents.to_vec()))
    }

    fn selected(&mut self) -> Option<SocketAddr> {
        while let Some(event) = self.agent.poll_event() {
            if let IceAgentEvent::NominatedSend { destination, .. } = event {
                self.selected = Some(destination);
            }
        }
        self.selected
    }
}
