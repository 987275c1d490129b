//! Gathering from STUN servers.

use std::net::IpAddr;
use std::time::Duration;

use duologue_base::{Generation, IceCredentials, IceRole};
use duologue_ice::{
    Candidate, CandidateError, CandidateKind, Config, Event, ExternalAddress, GatheringState,
    RelayProtocol, Server, ServerKind, TransportState,
};

use crate::servers::{Mood, StunServer};
use crate::sim::{Link, Nat, Sim, addr, ms};

const STUN: &str = "203.0.113.100:3478";

fn server(host: &str) -> Server {
    Server {
        url: format!("stun:{host}"),
        host: host.to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    }
}

fn config(hosts: &[&str]) -> Config {
    Config {
        servers: hosts.iter().map(|host| server(host)).collect(),
        ..Config::default()
    }
}

/// Two peers, each behind a NAT, and one STUN server.
fn behind_nats(seed: u64, mood: Mood, hosts: &[&str]) -> Sim {
    let mut sim = Sim::with(seed, Link::default(), [config(hosts), config(hosts)]);
    sim.servers.push(StunServer::new(STUN, mood));
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", false));
    sim.peers[1].nat = Some(Nat::new("203.0.113.8", false));
    sim.address(0, "10.0.0.2:1000");
    sim.address(1, "10.0.0.2:2000");
    sim
}

fn candidates(sim: &Sim, peer: usize, kind: CandidateKind) -> Vec<Candidate> {
    let own = sim.peers[peer].agent.local_candidates(Generation(0));
    own.filter(|candidate| candidate.kind == kind)
        .cloned()
        .collect()
}

fn errors(sim: &Sim, peer: usize) -> Vec<CandidateError> {
    let error = |(_, event): &(_, Event)| match event {
        Event::CandidateError(error) => Some(error.clone()),
        _ => None,
    };
    sim.peers[peer].events.iter().filter_map(error).collect()
}

fn gathered_at(sim: &Sim, peer: usize) -> Option<Duration> {
    let complete = Event::Gathering {
        generation: Generation(0),
        state: GatheringState::Complete,
    };
    let mut events = sim.peers[peer].events.iter();
    let (at, _) = events.find(|(_, event)| *event == complete)?;
    Some(at.since_origin())
}

#[test]
fn peers_behind_nats_meet_at_their_server_reflexive_addresses() {
    let mut sim = behind_nats(1, Mood::Answers, &["203.0.113.100"]);
    sim.signal_all();
    assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
    assert!(sim.data_flows());
    for peer in 0..2 {
        assert_eq!(gathered_at(&sim, peer), Some(ms(50)));
        let found = candidates(&sim, peer, CandidateKind::ServerReflexive);
        let [candidate] = &found[..] else {
            panic!("one server, one address: {found:?}");
        };
        let public: IpAddr = ["203.0.113.7", "203.0.113.8"][peer].parse().unwrap();
        assert_eq!(candidate.addr.ip(), public);
        assert_eq!(
            candidate.related.map(|addr| addr.ip()),
            Some("10.0.0.2".parse().unwrap())
        );
        assert_eq!(candidate.url.as_deref(), Some("stun:203.0.113.100"));
        assert_eq!(candidate.priority >> 24, 100);
        let pair = sim.peers[peer].agent.selected_pair().unwrap();
        assert_eq!(pair.remote.kind, CandidateKind::ServerReflexive);
    }
}

#[test]
fn the_mapped_address_of_an_unchanged_address_is_redundant() {
    let mut sim = Sim::with(
        2,
        Link::default(),
        [config(&["203.0.113.100"]), config(&[])],
    );
    sim.servers.push(StunServer::new(STUN, Mood::Answers));
    sim.address(0, "192.0.2.1:1000");
    sim.signal_all();
    sim.run_for(ms(100));
    assert_eq!(candidates(&sim, 0, CandidateKind::ServerReflexive), []);
    assert_eq!(gathered_at(&sim, 0), Some(ms(50)));
}

/// Everyone's first server runs on the own machine, whose other addresses reach it as well.
#[test]
fn a_server_on_loopback_is_asked_from_the_other_addresses_of_this_host() {
    let mut sim = Sim::with(2, Link::default(), [config(&["127.0.0.1"]), config(&[])]);
    sim.servers
        .push(StunServer::new("127.0.0.1:3478", Mood::Answers));
    sim.address(0, "192.0.2.1:1000");
    sim.signal_all();
    sim.run_for(ms(100));
    assert_eq!(errors(&sim, 0), []);
    assert_eq!(sim.servers[0].requests, 1);
    assert_eq!(gathered_at(&sim, 0), Some(ms(50)));
}

#[test]
fn a_name_is_resolved_by_the_host_and_two_servers_give_one_candidate() {
    let mut sim = behind_nats(3, Mood::Answers, &["stun.example", "203.0.113.101"]);
    sim.servers
        .push(StunServer::new("203.0.113.101:3478", Mood::Answers));
    sim.signal_all();
    sim.run_for(ms(200));
    assert_eq!(gathered_at(&sim, 0), None);
    let wanted = Event::Resolve {
        host: "stun.example".to_owned(),
    };
    assert!(
        sim.peers[0]
            .events
            .iter()
            .any(|(_, event)| *event == wanted)
    );
    let now = sim.now;
    let known = ["203.0.113.100".parse().unwrap()];
    sim.peers[0]
        .agent
        .handle_resolved(now, "stun.example", &known);
    sim.run_for(ms(200));
    assert_eq!(gathered_at(&sim, 0), Some(ms(250)));
    assert_eq!(candidates(&sim, 0, CandidateKind::ServerReflexive).len(), 1);
    assert_eq!(errors(&sim, 0), []);
}

#[test]
fn servers_that_do_not_help_are_reported_once_each() {
    let hosts = ["203.0.113.100", "nowhere.example", "2001:db8::1"];
    let mut sim = behind_nats(4, Mood::Silent, &hosts);
    sim.address(0, "10.0.0.3:1000");
    sim.signal_all();
    sim.peers[0]
        .agent
        .handle_resolved(sim.now, "nowhere.example", &[]);
    sim.run_for(Duration::from_secs(20));
    let found = errors(&sim, 0);
    let urls: Vec<&str> = found.iter().map(|error| error.url.as_str()).collect();
    let expected = [
        "stun:2001:db8::1",
        "stun:nowhere.example",
        "stun:203.0.113.100",
    ];
    assert_eq!(urls, expected);
    assert!(
        found
            .iter()
            .all(|error| error.code == 701 && error.local.is_none())
    );
    assert_eq!(gathered_at(&sim, 0), Some(ms(9_510)));
    assert_eq!(sim.servers[0].requests, 3 * 5);
    // The host of peer 1 never says what the name resolves to.
    assert_eq!(gathered_at(&sim, 1), Some(ms(10_000)));
}

#[test]
fn a_refusal_is_reported_with_its_code_and_local_address() {
    let mut sim = behind_nats(5, Mood::Refuses, &["203.0.113.100"]);
    sim.signal_all();
    sim.run_for(ms(100));
    let found = errors(&sim, 0);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code, found[0].text.as_str()),
        (500, "Server Error")
    );
    assert_eq!(found[0].local, Some(addr("10.0.0.2:1000")));
    assert_eq!(gathered_at(&sim, 0), Some(ms(50)));
}

#[test]
fn bindings_are_kept_alive_until_a_pair_is_chosen() {
    let mut sim = behind_nats(6, Mood::Answers, &["203.0.113.100"]);
    for peer in &mut sim.peers {
        peer.agent.end_of_local_addresses(sim.now);
    }
    sim.run_for(Duration::from_secs(61));
    assert_eq!(sim.servers[0].requests, 2 * 5);
    sim.signal_all();
    assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
    let before = sim.servers[0].requests;
    sim.run_for(Duration::from_secs(60));
    assert_eq!(sim.servers[0].requests, before);
}

#[test]
fn a_restart_gathers_anew() {
    let mut sim = behind_nats(7, Mood::Answers, &["203.0.113.100"]);
    sim.signal_all();
    assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
    for peer in 0..2 {
        sim.peers[peer].nat.as_mut().unwrap().reboot();
        sim.restart(peer, Generation(1));
        sim.signal_credentials(peer);
    }
    assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
    let renewed = sim.peers[0].agent.local_candidates(Generation(1));
    let kinds: Vec<CandidateKind> = renewed.map(|candidate| candidate.kind).collect();
    assert!(kinds.contains(&CandidateKind::ServerReflexive));
    assert!(sim.data_flows());
}

#[test]
fn a_host_behind_a_one_to_one_nat_shows_its_external_address() {
    for replaces in [true, false] {
        let external = ExternalAddress {
            local: None,
            external: "203.0.113.7".parse().expect("an address"),
            replaces,
        };
        let config = Config {
            external_addresses: vec![external],
            ..Config::default()
        };
        let mut sim = Sim::with(1, Link::default(), [config, Config::default()]);
        sim.peers[0].nat = Some(Nat::one_to_one("203.0.113.7"));
        sim.address(0, "10.0.0.2:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.signal_all();
        assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
        assert!(sim.data_flows());
        let hosts = candidates(&sim, 0, CandidateKind::Host);
        let reflexive = candidates(&sim, 0, CandidateKind::ServerReflexive);
        let shown = addr("203.0.113.7:1000");
        assert_eq!(hosts.len(), 1);
        match replaces {
            true => assert_eq!((hosts[0].addr, reflexive.len()), (shown, 0)),
            false => {
                assert_eq!(hosts[0].addr, addr("10.0.0.2:1000"));
                let related = Some(addr("10.0.0.2:1000"));
                assert_eq!((reflexive[0].addr, reflexive[0].related), (shown, related));
            }
        }
        // Nobody learnt anything that was not signalled.
        let prflx = candidates(&sim, 0, CandidateKind::PeerReflexive);
        assert_eq!(prflx, []);
    }
}

#[test]
fn what_was_gathered_ahead_is_announced_at_once() {
    let mut sim = behind_nats(1, Mood::Answers, &["203.0.113.100"]);
    sim.peers[0].trickles = false;
    for peer in 0..2 {
        sim.peers[peer].agent.end_of_local_addresses(sim.now);
    }
    sim.run_for(ms(1000));
    let asked = sim.servers[0].requests;
    sim.peers[0].events.clear();
    sim.peers[0].trickles = true;
    let (now, local) = (sim.now, IceCredentials::generate(&mut sim.rng));
    let agent = &mut sim.peers[0].agent;
    agent.adopt(now, IceRole::Controlling, Generation(0), local.clone());
    for kind in [CandidateKind::Host, CandidateKind::ServerReflexive] {
        let found = candidates(&sim, 0, kind);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].ufrag.as_deref(), Some(&local.ufrag[..]));
    }
    assert_eq!(
        sim.peers[0].agent.gathering_state(),
        GatheringState::Complete
    );
    // What the other end had told was for nobody.
    let told = sim.peers[1].agent.local_candidates(Generation(0));
    for candidate in told.cloned().collect::<Vec<Candidate>>() {
        let agent = &mut sim.peers[0].agent;
        agent.add_remote_candidate(now, Generation(0), candidate);
        agent.end_of_remote_candidates(now, Generation(0));
    }
    sim.signal_all();
    assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
    assert!(sim.data_flows());
    assert_eq!(sim.servers[0].requests, asked, "it was not asked again");
}
