use std::net::SocketAddr;

use duologue_base::Instant;
use rice_proto::agent::{Agent as Rice, AgentPoll};
use rice_proto::candidate::{Candidate, CandidateType, TransportType};
use rice_proto::stream::Credentials;
use stun_proto::Instant as RiceInstant;
use stun_proto::agent::Transmit;

use crate::Agent;

const PWD: &str = "rice0rice0rice0rice0rice";

pub(crate) struct RiceAgent {
    agent: Rice,
    stream: usize,
    component: usize,
    address: SocketAddr,
    ufrag: String,
    selected: Option<SocketAddr>,
}

fn at(now: Instant) -> RiceInstant {
    RiceInstant::from_nanos(now.as_nanos() as i64)
}

impl RiceAgent {
    pub(crate) fn new(address: &str, controlling: bool) -> Self {
        let address: SocketAddr = address.parse().expect("an address");
        let mut agent = Rice::builder()
            .trickle_ice(true)
            .controlling(controlling)
            .build();
        let stream = agent.add_stream();
        let ufrag = format!("rice{}", address.port());
        let mut state = agent.mut_stream(stream).expect("just added");
        let component = state.add_component().expect("the first");
        state.set_local_credentials(Credentials {
            ufrag: ufrag.clone(),
            passwd: PWD.to_owned(),
        });
        let local = Candidate::builder(
            component,
            CandidateType::Host,
            TransportType::Udp,
            "1",
            address,
        );
        assert!(state.add_local_candidate(local.priority(2_130_706_431).build()));
        state.end_of_local_candidates();
        RiceAgent {
            agent,
            stream,
            component,
            address,
            ufrag,
            selected: None,
        }
    }
}

impl Agent for RiceAgent {
    fn credentials(&self) -> (String, String) {
        (self.ufrag.clone(), PWD.to_owned())
    }

    fn candidate(&self) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        format!("candidate:1 1 udp 2130706431 {ip} {port} typ host")
    }

    fn set_remote(&mut self, _now: Instant, ufrag: &str, pwd: &str) {
        let mut stream = self.agent.mut_stream(self.stream).expect("it lives");
        stream.set_remote_credentials(Credentials {
            ufrag: ufrag.to_owned(),
            passwd: pwd.to_owned(),
        });
    }

    fn add_remote(&mut self, _now: Instant, candidate: &str) {
        let candidate: Candidate = format!("a={candidate}").parse().expect("a candidate");
        let mut stream = self.agent.mut_stream(self.stream).expect("it lives");
        stream.add_remote_candidate(candidate);
    }

    fn handle(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        let transmit = Transmit::new(bytes.to_vec(), TransportType::Udp, from, self.address);
        let mut stream = self.agent.mut_stream(self.stream).expect("it lives");
        let reply = stream.handle_incoming_data(self.component, transmit, at(now));
        assert!(reply.handled);
    }

    fn timeout(&mut self, now: Instant) -> Option<Instant> {
        loop {
            match self.agent.poll(at(now)) {
                AgentPoll::WaitUntil(due) => {
                    let wait = due.duration_since(at(now));
                    return Some(now + wait);
                }
                AgentPoll::SelectedPair(pair) => {
                    self.selected = Some(pair.selected.candidate_pair().remote.address);
                }
                AgentPoll::Closed => return None,
                _ => {}
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.timeout(now);
    }

    fn transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        let transmit = self.agent.poll_transmit(at(now))?.transmit;
        Some((transmit.to, transmit.data.to_vec()))
    }

    fn selected(&mut self) -> Option<SocketAddr> {
        self.selected
    }
}
