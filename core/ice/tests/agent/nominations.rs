//! Nominations by another kind of controlling agent: aggressive ones, and renomination.

use std::net::SocketAddr;
use std::time::Duration;

use duologue_base::{
    Datagram, Ecn, Generation, IceCredentials, IceRole, Instant, Protocol, Rng, SocketId,
};
use duologue_ice::{Agent, Candidate, Config, RemoteOptions, TransportState};
use duologue_stun::{Class, Key, Message, Method, TransactionId, Writer};

use crate::sim::{addr, ms};

const BETTER: &str = "198.51.100.1:1";
const WORSE: &str = "198.51.100.2:2";
const HERE: &str = "192.0.2.1:1000";

/// A controlled agent of ours and the script of a controlling one with two addresses.
struct Script {
    agent: Agent,
    now: Instant,
    local: IceCredentials,
    remote: IceCredentials,
    sequence: u8,
}

impl Script {
    fn new() -> Self {
        let mut rng = Rng::from_u64(1);
        let [local, remote] = [(); 2].map(|()| IceCredentials::generate(&mut rng));
        let now = Instant::ZERO;
        let first = Generation(0);
        let mut agent = Agent::new(
            Config::default(),
            IceRole::Controlled,
            first,
            local.clone(),
            rng,
        );
        agent.add_local_address(now, SocketId(0), addr(HERE));
        agent.end_of_local_addresses(now);
        agent.set_remote_credentials(now, first, remote.clone(), RemoteOptions::default());
        for (at, priority) in [(BETTER, 2000), (WORSE, 1000)] {
            let candidate = Candidate {
                priority,
                foundation: format!("f{priority}").parse().expect("a foundation"),
                ..Candidate::host(addr(at), Protocol::Udp)
            };
            agent.add_remote_candidate(now, first, candidate);
        }
        agent.end_of_remote_candidates(now, first);
        Script {
            agent,
            now,
            local,
            remote,
            sequence: 0,
        }
    }

    /// A check with USE-CANDIDATE from one of the addresses.
    fn nominate(&mut self, from: &str, nomination: Option<u32>) {
        self.send_nomination(from, true, nomination);
    }

    fn send_nomination(&mut self, from: &str, use_candidate: bool, nomination: Option<u32>) {
        self.sequence += 1;
        let mut packet = Vec::new();
        let id = TransactionId([self.sequence; 12]);
        let mut writer = Writer::new(&mut packet, Class::Request, Method::BINDING, id);
        writer
            .check_username(&self.local.ufrag, &self.remote.ufrag)
            .priority(1)
            .ice_controlling(7);
        if use_candidate {
            writer.use_candidate();
        }
        if let Some(number) = nomination {
            writer.nomination(number);
        }
        writer
            .integrity(&Key::short_term(&self.local.pwd))
            .fingerprint();
        self.deliver(addr(from), &packet);
    }

    fn deliver(&mut self, remote: SocketAddr, bytes: &[u8]) {
        let datagram = Datagram {
            socket: SocketId(0),
            received: self.now,
            remote,
            local_ip: None,
            ecn: Ecn::NotEct,
        };
        self.agent.handle_datagram(self.now, &datagram, bytes);
    }

    /// Answers the agent's checks to these addresses for a while.
    fn answer(&mut self, alive: &[&str]) {
        self.answer_for(ms(200), alive);
    }

    fn answer_for(&mut self, time: Duration, alive: &[&str]) {
        let key = Key::short_term(&self.remote.pwd);
        let mut out = Vec::new();
        let end = self.now + time;
        while self.now < end {
            self.now += ms(10);
            self.agent.handle_timeout(self.now);
            while let Some(transmit) = self.agent.poll_transmit(self.now, &mut out) {
                let message = Message::parse(&out).expect("it writes STUN");
                let answered = alive.iter().any(|at| addr(at) == transmit.remote);
                if message.class() != Class::Request || !answered {
                    continue;
                }
                let mut answer = Vec::new();
                let id = message.transaction_id();
                Writer::new(&mut answer, Class::SuccessResponse, Method::BINDING, id)
                    .xor_mapped_address(addr(HERE))
                    .integrity(&key)
                    .fingerprint();
                self.deliver(transmit.remote, &answer);
            }
        }
    }

    fn remote(&self) -> Option<SocketAddr> {
        self.agent.route().map(|route| route.remote)
    }
}

#[test]
fn of_several_aggressive_nominations_the_best_pair_wins() {
    let mut script = Script::new();
    script.nominate(WORSE, None);
    script.answer(&[WORSE]);
    assert_eq!(script.remote(), Some(addr(WORSE)));
    assert_eq!(script.agent.state(), TransportState::Completed);
    script.nominate(BETTER, None);
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(BETTER)));
    script.nominate(WORSE, None);
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(BETTER)));
}

#[test]
fn a_renomination_moves_data_to_the_pair_nominated_last() {
    let mut script = Script::new();
    script.nominate(BETTER, Some(1));
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(BETTER)));
    script.nominate(WORSE, Some(2));
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(WORSE)));
    script.nominate(BETTER, Some(3));
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(BETTER)));
}

#[test]
fn before_any_nomination_data_takes_the_best_valid_pair() {
    let mut script = Script::new();
    script.answer(&[WORSE]);
    assert_eq!(script.remote(), Some(addr(WORSE)));
    assert_eq!(script.agent.state(), TransportState::Connected);
    assert!(script.agent.may_send(script.now));
    script.nominate(BETTER, None);
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(BETTER)));
    assert_eq!(script.agent.state(), TransportState::Completed);
}

/// libwebrtc sends NOMINATION without USE-CANDIDATE, and never a zero.
#[test]
fn a_number_alone_is_a_nomination_and_zero_is_none() {
    let mut script = Script::new();
    script.answer(&[BETTER, WORSE]);
    script.send_nomination(WORSE, false, Some(0));
    script.answer(&[BETTER, WORSE]);
    assert!(script.agent.pairs().all(|pair| !pair.nominated));
    script.send_nomination(WORSE, false, Some(1));
    script.answer(&[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(WORSE)));
    assert_eq!(script.agent.state(), TransportState::Completed);
}

#[test]
fn a_renomination_of_a_pair_that_nobody_asked_for_long_is_followed_once_it_answers() {
    let mut script = Script::new();
    script.answer(&[BETTER, WORSE]);
    script.nominate(BETTER, Some(1));
    script.answer_for(Duration::from_secs(60), &[BETTER]);
    script.nominate(WORSE, Some(2));
    script.answer_for(Duration::from_secs(5), &[BETTER]);
    assert_eq!(script.remote(), Some(addr(BETTER)));
    script.answer_for(Duration::from_secs(5), &[BETTER, WORSE]);
    assert_eq!(script.remote(), Some(addr(WORSE)));
}
