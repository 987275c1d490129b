//! What must not work: forged, broken and excessive messages.

use std::time::Duration;

use duologue_base::{
    Datagram, Ecn, Generation, IceCredentials, Instant, Protocol, Redacted, SocketId,
};
use duologue_ice::{
    Candidate, CheckLeave, Config, Event, GatheringState, PairState, RelayProtocol, RemoteOptions,
    Server, ServerKind, TransportState,
};
use duologue_stun::{AttributeType, Class, ErrorCode, Key, Message, Method, TransactionId, Writer};

use crate::servers::{Mood, StunServer};
use crate::sim::{Link, Sim, addr, ms};
use crate::turn_server::TurnServer;

const STRANGER: &str = "203.0.113.66:6666";

fn connected(seed: u64) -> Sim {
    let mut sim = Sim::connected_by_signalling(seed, Link::default());
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
    sim
}

fn credentials(sim: &Sim, peer: usize) -> IceCredentials {
    let agent = &sim.peers[peer].agent;
    agent
        .local_credentials(Generation(0))
        .expect("it lives")
        .clone()
}

fn request(build: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut packet = Vec::new();
    let id = TransactionId([9; 12]);
    build(&mut Writer::new(
        &mut packet,
        Class::Request,
        Method::BINDING,
        id,
    ));
    packet
}

/// Hands bytes to peer 0 and returns its answer.
fn exchange(sim: &mut Sim, bytes: &[u8]) -> Option<Vec<u8>> {
    let datagram = Datagram {
        socket: SocketId(0),
        received: sim.now,
        remote: addr(STRANGER),
        local_ip: None,
        ecn: Ecn::NotEct,
    };
    let agent = &mut sim.peers[0].agent;
    agent.handle_datagram(sim.now, &datagram, bytes);
    let mut out = Vec::new();
    agent.poll_transmit(sim.now, &mut out).map(|_| out)
}

fn error_of(answer: Option<Vec<u8>>) -> Option<ErrorCode> {
    let answer = answer?;
    let message = Message::parse(&answer).expect("an answer is STUN");
    assert_eq!(message.class(), Class::ErrorResponse);
    message.error_code()
}

#[test]
fn requests_without_or_with_wrong_credentials_are_refused_and_counted() {
    let mut sim = Sim::connected_by_signalling(1, Link::default());
    let ours = credentials(&sim, 0);
    let bare = request(|writer| {
        writer.priority(1).fingerprint();
    });
    assert_eq!(
        error_of(exchange(&mut sim, &bare)),
        Some(ErrorCode::BAD_REQUEST)
    );
    let forged = request(|writer| {
        let key = Key::short_term("a wrong password, of length");
        let username = format!("{}:x", ours.ufrag);
        writer.username(&username).integrity(&key).fingerprint();
    });
    let answer = exchange(&mut sim, &forged);
    assert_eq!(error_of(answer), Some(ErrorCode::UNAUTHENTICATED));
    let elsewhere = request(|writer| {
        let key = Key::short_term(&ours.pwd);
        writer.username("nobody:x").integrity(&key).fingerprint();
    });
    let answer = exchange(&mut sim, &elsewhere);
    assert_eq!(error_of(answer), Some(ErrorCode::UNAUTHENTICATED));
    let counters = sim.peers[0].agent.counters();
    assert_eq!((counters.unauthenticated, counters.unauthorized), (1, 2));
    sim.run_for(ms(10));
    assert_eq!(
        sim.peers[0].agent.remote_candidates(Generation(0)).count(),
        1
    );
}

/// A refusal is 2.4 times as large as a bare request, whose source anybody can forge.
#[test]
fn strangers_are_refused_a_few_times_a_second_and_not_at_all_once_a_pair_is_nominated() {
    let mut sim = Sim::new(17, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.signal_credentials(0);
    let bare = request(|_| {});
    let flood = |sim: &mut Sim| {
        let answers = (0..1000).filter(|_| {
            sim.run_for(ms(1));
            exchange(sim, &bare).is_some()
        });
        answers.count()
    };
    let answers = flood(&mut sim);
    assert!((10..=30).contains(&answers), "{answers}");
    assert_eq!(sim.peers[0].agent.counters().unauthenticated, 1000);
    assert_eq!(
        sim.peers[0].agent.counters().over_limit,
        1000 - answers as u64
    );
    let mut sim = connected(18);
    assert_eq!(flood(&mut sim), 0);
    let ours = credentials(&sim, 0);
    let honest = request(|writer| {
        let key = Key::short_term(&ours.pwd);
        let username = format!("{}:x", ours.ufrag);
        writer.username(&username).integrity(&key).fingerprint();
    });
    assert!(exchange(&mut sim, &honest).is_some());
    sim.run_for(Duration::from_secs(60));
    assert!(sim.both(TransportState::Completed));
}

#[test]
fn unknown_comprehension_required_attributes_are_named_in_the_refusal() {
    let mut sim = connected(2);
    let ours = credentials(&sim, 0);
    let key = Key::short_term(&ours.pwd);
    let packet = request(|writer| {
        writer
            .username(&format!("{}:x", ours.ufrag))
            .attribute(AttributeType(0x7ffe), b"?")
            .attribute(AttributeType(0xfffe), b"optional")
            .integrity(&key)
            .fingerprint();
    });
    let answer = exchange(&mut sim, &packet).unwrap();
    let message = Message::parse(&answer).unwrap();
    assert_eq!(message.error_code(), Some(ErrorCode::UNKNOWN_ATTRIBUTE));
    let unknown: Vec<AttributeType> = message.unknown_attributes().collect();
    assert_eq!(unknown, [AttributeType(0x7ffe)]);
    assert_eq!(message.verify(&key), Ok(()));
}

#[test]
fn responses_with_unknown_comprehension_required_attributes_fail_their_checks() {
    let mut sim = Sim::connected_by_signalling(12, Link::default());
    // The first check of peer 0 is on its way; what it gets is no answer of its peer's agent, but
    // one with the right key.
    sim.run_for(ms(1));
    let theirs = credentials(&sim, 1);
    let key = Key::short_term(&theirs.pwd);
    sim.cut = true;
    let check = sim.last_sent_by(0).expect("a check was sent");
    let id = Message::parse(&check)
        .expect("checks are STUN")
        .transaction_id();
    let answer = |kind: AttributeType, key: &Key| {
        let mut packet = Vec::new();
        Writer::new(&mut packet, Class::SuccessResponse, Method::BINDING, id)
            .xor_mapped_address(addr("192.0.2.1:1000"))
            .attribute(kind, b"?")
            .integrity(key)
            .fingerprint();
        packet
    };
    let states = |sim: &Sim| -> Vec<PairState> {
        sim.peers[0].agent.pairs().map(|pair| pair.state).collect()
    };
    let (from, to) = (addr("198.51.100.1:2000"), addr("192.0.2.1:1000"));
    // RFC 8489 §9.1.4: without the password it is as good as none.
    let wrong = Key::short_term("a wrong password, of length");
    sim.inject(from, to, &answer(AttributeType(0x7ffe), &wrong));
    sim.run_for(ms(1));
    assert_eq!(states(&sim), [PairState::InProgress]);
    assert_eq!(sim.peers[0].agent.counters().stray_responses, 1);
    // RFC 8489 §6.3.3
    sim.inject(from, to, &answer(AttributeType(0x7ffe), &key));
    sim.run_for(ms(1));
    assert_eq!(states(&sim), [PairState::Failed]);
    assert_eq!(sim.peers[0].agent.counters().unknown_attributes, 1);
}

/// libnice, and so GStreamer and Janus, puts USERNAME into its responses: `core/stun` has its own
/// bytes, whose layout this is.
#[test]
fn a_response_with_the_attributes_of_libnice_makes_its_check_succeed() {
    let mut sim = Sim::connected_by_signalling(19, Link::default());
    sim.run_for(ms(1));
    let [ours, theirs] = [0, 1].map(|peer| credentials(&sim, peer));
    sim.cut = true;
    let check = sim.last_sent_by(0).expect("a check was sent");
    let id = Message::parse(&check)
        .expect("checks are STUN")
        .transaction_id();
    let mut packet = Vec::new();
    Writer::new(&mut packet, Class::SuccessResponse, Method::BINDING, id)
        .xor_mapped_address(addr("192.0.2.1:1000"))
        .username(&format!("{}:{}", theirs.ufrag, ours.ufrag))
        .integrity(&Key::short_term(&theirs.pwd))
        .fingerprint();
    let (from, to) = (addr("198.51.100.1:2000"), addr("192.0.2.1:1000"));
    sim.inject(from, to, &packet);
    sim.run_for(ms(1));
    let states = sim.peers[0].agent.pairs().map(|pair| pair.state);
    assert_eq!(states.collect::<Vec<_>>(), [PairState::Succeeded]);
    assert_eq!(sim.peers[0].agent.counters().unknown_attributes, 0);
}

/// RFC 8445 §7.2.5.2.1
#[test]
fn an_answer_that_comes_from_elsewhere_fails_its_check() {
    let mut sim = Sim::connected_by_signalling(15, Link::default());
    sim.run_for(ms(1));
    let key = Key::short_term(&credentials(&sim, 1).pwd);
    sim.cut = true;
    let check = sim.last_sent_by(0).expect("a check was sent");
    let id = Message::parse(&check)
        .expect("checks are STUN")
        .transaction_id();
    let mut packet = Vec::new();
    Writer::new(&mut packet, Class::SuccessResponse, Method::BINDING, id)
        .xor_mapped_address(addr("192.0.2.1:1000"))
        .integrity(&key)
        .fingerprint();
    sim.inject(addr(STRANGER), addr("192.0.2.1:1000"), &packet);
    sim.run_for(ms(1));
    let mut pairs = sim.peers[0].agent.pairs();
    assert!(pairs.all(|pair| pair.state == PairState::Failed));
    assert_eq!(sim.peers[0].agent.route(), None);
}

/// RFC 7675 §5.1: only "a valid STUN binding response" counts.
#[test]
fn neither_refusals_nor_forged_answers_keep_consent() {
    for forged in [false, true] {
        let mut sim = connected(16);
        let key = match forged {
            true => Key::short_term("a wrong password, of length"),
            false => Key::short_term(&credentials(&sim, 1).pwd),
        };
        sim.cut = true;
        let mut answered = None;
        for _ in 0..320 {
            sim.run_for(ms(100));
            let last = sim.last_sent_by(0).expect("it asks for consent");
            let request = Message::parse(&last).expect("it is STUN");
            let id = request.transaction_id();
            if request.class() != Class::Request || answered == Some(id) {
                continue;
            }
            answered = Some(id);
            let mut packet = Vec::new();
            let class = match forged {
                true => Class::SuccessResponse,
                false => Class::ErrorResponse,
            };
            let mut writer = Writer::new(&mut packet, class, Method::BINDING, id);
            match forged {
                true => writer.xor_mapped_address(addr("192.0.2.1:1000")),
                false => writer.error_code(ErrorCode::BAD_REQUEST),
            };
            writer.integrity(&key).fingerprint();
            sim.inject(addr("198.51.100.1:2000"), addr("192.0.2.1:1000"), &packet);
        }
        assert!(answered.is_some());
        assert!(!sim.peers[0].agent.may_send(sim.now));
        assert_eq!(sim.peers[0].agent.state(), TransportState::Failed);
    }
}

#[test]
fn messages_with_a_wrong_fingerprint_or_length_are_dropped_and_counted() {
    let mut sim = connected(13);
    let ours = credentials(&sim, 0);
    let key = Key::short_term(&ours.pwd);
    let good = request(|writer| {
        let username = format!("{}:x", ours.ufrag);
        writer.username(&username).integrity(&key).fingerprint();
    });
    let mut fingerprint = good.clone();
    *fingerprint.last_mut().expect("it is not empty") ^= 1;
    let mut longer = good.clone();
    longer.extend_from_slice(&[0; 4]);
    let mut odd = good.clone();
    odd[3] += 1;
    let shorter = good[..good.len() - 4].to_vec();
    for (count, wrong) in [fingerprint, longer, odd, shorter].iter().enumerate() {
        assert_eq!(exchange(&mut sim, wrong), None);
        assert_eq!(sim.peers[0].agent.counters().malformed, count as u64 + 1);
    }
    assert!(exchange(&mut sim, &good).is_some());
}

#[test]
fn a_turn_server_that_is_not_understood_gives_no_candidate_and_an_error() {
    let server = Server {
        url: "turn:203.0.113.50".to_owned(),
        host: "203.0.113.50".to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: turn_kind(),
    };
    let config = Config {
        servers: vec![server],
        ..Config::default()
    };
    let mut sim = Sim::with(14, Link::default(), [config, Config::default()]);
    let mut server = TurnServer::new("203.0.113.50:3478");
    server.cryptic = true;
    sim.turns.push(server);
    sim.address(0, "192.0.2.1:1000");
    sim.signal_all();
    sim.run_for(ms(1000));
    let agent = &sim.peers[0].agent;
    assert_eq!(agent.gathering_state(), GatheringState::Complete);
    assert_eq!(agent.counters().unknown_attributes, 1);
    let candidates = agent.local_candidates(Generation(0));
    assert_eq!(candidates.count(), 1);
    let error = |(_, event): &(_, Event)| match event {
        Event::CandidateError(error) => Some(error.code),
        _ => None,
    };
    let errors: Vec<u16> = sim.peers[0].events.iter().filter_map(error).collect();
    assert_eq!(errors, [400]);
}

#[test]
fn a_stranger_cannot_take_the_connection_over() {
    let mut sim = connected(3);
    let route = sim.peers[0].agent.route();
    let theirs = credentials(&sim, 1);
    let key = Key::short_term(&theirs.pwd);
    // A response to nothing, though with the right key.
    let mut packet = Vec::new();
    let id = TransactionId([1; 12]);
    Writer::new(&mut packet, Class::SuccessResponse, Method::BINDING, id)
        .xor_mapped_address(addr(STRANGER))
        .integrity(&key)
        .fingerprint();
    assert_eq!(exchange(&mut sim, &packet), None);
    assert_eq!(sim.peers[0].agent.counters().stray_responses, 1);
    assert_eq!(sim.peers[0].agent.route(), route);
}

#[test]
fn random_and_mutated_messages_never_panic_and_never_connect() {
    let mut sim = connected(4);
    let ours = credentials(&sim, 0);
    let key = Key::short_term(&ours.pwd);
    let good = request(|writer| {
        writer
            .username(&format!("{}:x", ours.ufrag))
            .priority(1)
            .ice_controlled(1)
            .integrity(&key)
            .fingerprint();
    });
    for _ in 0..20_000 {
        let mut packet = good.clone();
        for _ in 0..=sim.rng.below(4) {
            let at = sim.rng.below(packet.len() as u32) as usize;
            packet[at] = sim.rng.u32() as u8;
        }
        packet.truncate(1 + sim.rng.below(packet.len() as u32) as usize);
        exchange(&mut sim, &packet);
        let len = sim.rng.below(60) as usize;
        let mut noise = vec![0; len];
        sim.rng.fill(&mut noise);
        exchange(&mut sim, &noise);
    }
    sim.run_for(Duration::from_secs(60));
    assert!(sim.both(TransportState::Completed));
    assert!(sim.data_flows());
}

#[test]
fn a_peer_that_checks_from_everywhere_meets_the_limits() {
    let mut sim = Sim::new(5, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.cut = true;
    sim.signal_all();
    sim.run_for(ms(10));
    let ours = credentials(&sim, 0);
    let key = Key::short_term(&ours.pwd);
    for n in 0..5_000_u32 {
        let mut packet = Vec::new();
        let mut id = [0; 12];
        id[..4].copy_from_slice(&n.to_be_bytes());
        let id = TransactionId(id);
        Writer::new(&mut packet, Class::Request, Method::BINDING, id)
            .username(&format!("{}:x", ours.ufrag))
            .priority(n)
            .ice_controlled(1)
            .integrity(&key)
            .fingerprint();
        let from = format!("203.0.113.{}:{}", n % 256, 1 + n);
        sim.inject(addr(&from), addr("192.0.2.1:1000"), &packet);
        sim.run_for(ms(1));
    }
    let agent = &sim.peers[0].agent;
    // The newest take the places of those whose pairs had to go.
    assert_eq!(agent.pairs().count(), 100);
    assert_eq!(agent.remote_candidates(Generation(0)).count(), 128);
}

#[test]
fn keepalive_indications_are_taken_silently() {
    let mut sim = connected(6);
    let mut packet = Vec::new();
    let id = TransactionId([3; 12]);
    Writer::new(&mut packet, Class::Indication, Method::BINDING, id).fingerprint();
    assert_eq!(exchange(&mut sim, &packet), None);
}

#[test]
fn a_server_gone_mad_is_survived() {
    let servers = [
        ("203.0.113.50", turn_kind()),
        ("203.0.113.100", ServerKind::Stun),
    ];
    let servers = servers.map(|(host, kind)| Server {
        url: host.to_owned(),
        host: host.to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind,
    });
    for seed in 0..80 {
        let config = Config {
            servers: servers.to_vec(),
            ..Config::default()
        };
        let mut sim = Sim::with(seed, Link::default(), [config, Config::default()]);
        sim.turns.push(TurnServer::new("203.0.113.50:3478"));
        sim.servers
            .push(StunServer::new("203.0.113.100:3478", Mood::Answers));
        sim.turns[0].modern = seed % 2 == 0;
        sim.damage = 0.3;
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.signal_all();
        sim.run_for(Duration::from_secs(120));
        let agent = &sim.peers[0].agent;
        assert_eq!(
            agent.gathering_state(),
            GatheringState::Complete,
            "seed {seed}"
        );
        assert_eq!(agent.state(), TransportState::Completed, "seed {seed}");
    }
}

fn turn_kind() -> ServerKind {
    ServerKind::Turn {
        username: Redacted(crate::turn_server::USER.to_owned()),
        password: Redacted(crate::turn_server::PASSWORD.to_owned()),
    }
}

#[test]
fn ordinary_checks_wait_for_leave_and_triggered_ones_do_not() {
    let until = Instant::ZERO + Duration::from_secs(3600);
    let held = CheckLeave::Held { until };
    for (leaves, sends) in [([held, held], false), ([held, CheckLeave::Free], true)] {
        let mut sim = Sim::new(1, Link::default());
        for (peer, leave) in sim.peers.iter_mut().zip(leaves) {
            peer.agent.set_check_leave(leave);
        }
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.signal_all();
        sim.run_for(ms(2000));
        assert_eq!(sim.both(TransportState::Completed), sends);
        if sends {
            continue;
        }
        assert_eq!(sim.sent, 0);
        assert!(!sim.peers[0].agent.wants_check_leave(sim.now));
        assert!(sim.peers[0].agent.wants_check_leave(until));
        sim.peers[0].agent.set_check_leave(CheckLeave::Once);
        sim.run_for(ms(2000));
        assert!(sim.both(TransportState::Completed));
        assert_eq!(sim.peers[0].agent.take_answered_checks(), 1);
        assert_eq!(sim.peers[0].agent.take_answered_checks(), 0);
        assert!(!sim.peers[0].agent.wants_check_leave(until));
    }
}

#[test]
fn restarts_with_pairs_that_never_answer_do_not_keep_an_agent_from_returning() {
    let mut sim = Sim::new(1, Link::default());
    sim.address(0, "192.0.2.1:1000");
    for n in 0..4 {
        let generation = Generation(n);
        if n > 0 {
            sim.restart(0, generation);
        }
        let remote = IceCredentials::generate(&mut sim.rng);
        let (now, options) = (sim.now, RemoteOptions::default());
        let agent = &mut sim.peers[0].agent;
        agent.set_remote_credentials(now, generation, remote, options);
        for host in 0..100 {
            let at = addr(&format!("203.0.113.{host}:{}", 5000 + n));
            let mut candidate = Candidate::host(at, Protocol::Udp);
            candidate.foundation = format!("{host}").parse().expect("a foundation");
            agent.add_remote_candidate(now, generation, candidate);
        }
        sim.run_for(ms(3000));
    }
    sim.run_for(ms(60_000));
    assert!(sim.peers[0].agent.counters().over_limit > 0);
}
