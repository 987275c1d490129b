//! mDNS candidates: names in place of addresses.

use std::net::IpAddr;

use duologue_base::{MdnsName, Rng};
use duologue_ice::{
    Candidate, CandidateKind, Config, Event, RelayProtocol, Server, ServerKind, TransportState,
};

use crate::servers::{Mood, StunServer};
use crate::sim::{Link, Nat, Sim, addr, ms, signalled};

fn name(seed: u64) -> MdnsName {
    MdnsName::random(&mut Rng::from_u64(seed))
}

fn hide(sim: &mut Sim, peer: usize, address: &str) -> MdnsName {
    let name = name(peer as u64);
    let ip = addr(address).ip();
    sim.peers[peer].agent.hide_address(ip, name);
    sim.address(peer, address);
    name
}

/// Both hide their addresses.
fn hidden(seed: u64) -> (Sim, [MdnsName; 2]) {
    let mut sim = Sim::new(seed, Link::default());
    let names = [
        hide(&mut sim, 0, "192.0.2.1:1000"),
        hide(&mut sim, 1, "192.0.2.2:2000"),
    ];
    sim.signal_all();
    (sim, names)
}

fn resolve(sim: &mut Sim, peer: usize, name: MdnsName, addresses: &[&str]) {
    let ip = |text: &&str| text.parse::<IpAddr>().expect("an address");
    let addresses: Vec<IpAddr> = addresses.iter().map(ip).collect();
    let now = sim.now;
    let agent = &mut sim.peers[peer].agent;
    agent.handle_name_resolved(now, name, &addresses);
}

/// The candidates that a peer has gathered.
fn gathered(sim: &Sim, peer: usize) -> Vec<Candidate> {
    let events = sim.peers[peer].events.iter();
    let candidate = |(_, event): &(_, Event)| match event {
        Event::LocalCandidate { candidate, .. } => Some(candidate.clone()),
        _ => None,
    };
    events.filter_map(candidate).collect()
}

fn asked(sim: &Sim, peer: usize) -> Vec<MdnsName> {
    let events = sim.peers[peer].events.iter();
    let name = |(_, event): &(_, Event)| match event {
        Event::ResolveName { name } => Some(*name),
        _ => None,
    };
    events.filter_map(name).collect()
}

#[test]
fn hidden_addresses_are_not_signalled_and_names_are_resolved() {
    let (mut sim, names) = hidden(1);
    sim.run_for(ms(100));
    for peer in 0..2 {
        let own = gathered(&sim, peer);
        assert_eq!(own.len(), 1);
        assert_eq!((own[0].name, own[0].related), (Some(names[peer]), None));
        assert_eq!(asked(&sim, peer), [names[1 - peer]]);
    }
    assert!(sim.both(TransportState::New));
    resolve(&mut sim, 0, names[1], &["192.0.2.2"]);
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
    assert!(sim.data_flows());
    let pair = sim.peers[0].agent.selected_pair().unwrap();
    assert_eq!(pair.remote.name, Some(names[1]));
}

#[test]
fn a_name_that_is_resolved_late_names_the_pair_that_a_check_had_found() {
    let (mut sim, names) = hidden(2);
    sim.run_for(ms(10));
    resolve(&mut sim, 0, names[1], &["192.0.2.2"]);
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
    let remote = sim.peers[1].agent.selected_pair().unwrap().remote;
    assert_eq!(
        (remote.kind, remote.name),
        (CandidateKind::PeerReflexive, None)
    );
    resolve(&mut sim, 1, names[0], &["192.0.2.1"]);
    let remote = sim.peers[1].agent.selected_pair().unwrap().remote;
    assert_eq!(
        (remote.kind, remote.name),
        (CandidateKind::Host, Some(names[0]))
    );
    assert!(sim.data_flows());
}

#[test]
fn names_without_an_address_and_with_several_are_ignored() {
    for addresses in [&[][..], &["192.0.2.2", "192.0.2.3"]] {
        let (mut sim, names) = hidden(3);
        sim.run_for(ms(100));
        resolve(&mut sim, 0, names[1], addresses);
        sim.run_for(ms(1000));
        assert_eq!(sim.peers[0].agent.pairs().count(), 0);
    }
}

#[test]
fn names_that_nobody_resolves_fail_no_later_than_no_candidates_would() {
    let (mut sim, _) = hidden(4);
    sim.run_for(ms(39_000));
    assert!(!sim.both(TransportState::Failed));
    sim.run_for(ms(1000));
    assert!(sim.both(TransportState::Failed));
}

#[test]
fn server_reflexive_candidates_do_not_tell_where_they_come_from() {
    let server = Server {
        url: "stun:203.0.113.100".to_owned(),
        host: "203.0.113.100".to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    };
    let config = Config {
        servers: vec![server],
        ..Config::default()
    };
    let mut sim = Sim::with(5, Link::default(), [config.clone(), config]);
    let stun = StunServer::new("203.0.113.100:3478", Mood::Answers);
    sim.servers.push(stun);
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", false));
    hide(&mut sim, 0, "10.0.0.2:1000");
    // This one has a public address, which its server-reflexive candidate shows.
    hide(&mut sim, 1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(ms(3000), |sim| sim.both(TransportState::Completed)));
    for (peer, public) in [(0, "203.0.113.7"), (1, "198.51.100.1")] {
        let own = gathered(&sim, peer);
        assert_eq!(own.len(), 2, "{own:?}");
        let reflexive = &own[1];
        assert_eq!(reflexive.addr.ip().to_string(), public);
        assert_eq!(reflexive.related, Some(addr("0.0.0.0:9")));
    }
    let hidden = addr("10.0.0.2:1").ip();
    let tells = |candidate: &Candidate| {
        let signalled = signalled(candidate);
        let related = signalled.related.map(|related| related.ip());
        signalled.addr.ip() == hidden || related == Some(hidden)
    };
    assert!(!gathered(&sim, 0).iter().any(tells));
    let local = sim.peers[0].agent.selected_pair().unwrap().local;
    assert!(!tells(&local));
}

#[test]
fn errors_of_servers_do_not_tell_hidden_addresses() {
    let server = Server {
        url: "stun:203.0.113.100".to_owned(),
        host: "203.0.113.100".to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    };
    let config = Config {
        servers: vec![server],
        ..Config::default()
    };
    let mut sim = Sim::with(6, Link::default(), [config, Config::default()]);
    sim.servers
        .push(StunServer::new("203.0.113.100:3478", Mood::Refuses));
    hide(&mut sim, 0, "10.0.0.2:1000");
    sim.signal_all();
    sim.run_for(ms(1000));
    let mut events = sim.peers[0].events.iter();
    let error = events.find_map(|(_, event)| match event {
        Event::CandidateError(error) => Some(error),
        _ => None,
    });
    assert_eq!(error.map(|error| error.local), Some(None));
}

#[test]
fn relay_only_agents_resolve_no_names() {
    let config = Config {
        relay_only: true,
        ..Config::default()
    };
    let mut sim = Sim::with(7, Link::default(), [config, Config::default()]);
    sim.address(0, "192.0.2.1:1000");
    hide(&mut sim, 1, "192.0.2.2:2000");
    sim.signal_all();
    sim.run_for(ms(1000));
    assert_eq!(asked(&sim, 0), []);
}

#[test]
fn a_flood_of_names_asks_the_network_for_few() {
    let mut sim = Sim::new(8, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.signal_all();
    for seed in 0..1000 {
        let candidate = Candidate {
            name: Some(name(seed)),
            ..Candidate::host(addr("0.0.0.0:1000"), duologue_base::Protocol::Udp)
        };
        let agent = &mut sim.peers[0].agent;
        for _ in 0..2 {
            agent.add_remote_candidate(sim.now, duologue_base::Generation(0), candidate.clone());
        }
    }
    sim.run_for(ms(100));
    assert_eq!(asked(&sim, 0).len(), 16);
    assert!(sim.peers[0].agent.counters().over_limit > 0);
}
