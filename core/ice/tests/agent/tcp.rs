//! TCP candidates (RFC 6544), and TURN servers that are reached over streams.

use std::time::Duration;

use duologue_base::{Generation, IceRole, Protocol, Redacted, SocketId};
use duologue_ice::{
    Candidate, CandidateError, CandidateKind, Config, Event, PairState, RelayProtocol, Security,
    Server, ServerKind, TcpType, TcpTypes, TransportState,
};
use duologue_stun::{ErrorCode, Method};

use crate::servers::{Mood, StunServer};
use crate::sim::{Link, Nat, Sim, addr, ms};
use crate::turn_server::{PASSWORD, TurnServer, USER};

const SECOND: Duration = Duration::from_secs(1);
const TURN: &str = "203.0.113.50:3478";
const STUN: &str = "203.0.113.100:3478";

/// An active and a passive peer without UDP.
fn tcp_only(seed: u64) -> Sim {
    let mut sim = Sim::new(seed, Link::default());
    sim.stream_address(0, "192.0.2.1");
    sim.listen(1, "198.51.100.1:2000", TcpType::Passive);
    sim.signal_all();
    sim
}

fn selected_types(sim: &Sim, peer: usize) -> [Option<TcpType>; 2] {
    let pair = sim.peers[peer]
        .agent
        .selected_pair()
        .expect("it is connected");
    [pair.local.tcp_type, pair.remote.tcp_type]
}

fn errors(sim: &Sim) -> Vec<CandidateError> {
    let error = |(_, event): &(_, Event)| match event {
        Event::CandidateError(error) => Some(error.clone()),
        _ => None,
    };
    sim.peers[0].events.iter().filter_map(error).collect()
}

#[test]
fn an_active_and_a_passive_peer_connect_in_two_round_trips() {
    for roles_swapped in [false, true] {
        let mut sim = tcp_only(1);
        if roles_swapped {
            use IceRole::{Controlled, Controlling};
            for (peer, role) in [(0, Controlled), (1, Controlling)] {
                sim.peers[peer].agent.set_role(sim.now, role);
            }
        }
        assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
        // The connection takes one round trip of 50 ms, the check another.
        assert_eq!(sim.peers[0].when(TransportState::Connected), Some(ms(100)));
        assert_eq!(
            selected_types(&sim, 0),
            [Some(TcpType::Active), Some(TcpType::Passive)]
        );
        assert_eq!(
            selected_types(&sim, 1),
            [Some(TcpType::Passive), Some(TcpType::Active)]
        );
        assert!(sim.exchange_data());
        // Consent is asked for on the stream.
        sim.run_for(60 * SECOND);
        assert!(sim.both(TransportState::Completed) && sim.exchange_data());
    }
}

#[test]
fn two_simultaneous_opens_become_one_stream() {
    let mut sim = Sim::new(2, Link::default());
    sim.listen(0, "192.0.2.1:1000", TcpType::SimultaneousOpen);
    sim.listen(1, "198.51.100.1:2000", TcpType::SimultaneousOpen);
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(
        selected_types(&sim, 0),
        [Some(TcpType::SimultaneousOpen); 2]
    );
    assert!(sim.exchange_data());
    // One end was earlier: the other one accepts.
    let mut sim = Sim::new(3, Link::default());
    sim.peers[1].trickles = false;
    sim.listen(0, "192.0.2.1:1000", TcpType::SimultaneousOpen);
    sim.listen(1, "198.51.100.1:2000", TcpType::SimultaneousOpen);
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Connected)));
    assert!(sim.exchange_data());
}

#[test]
fn only_matching_types_make_pairs() {
    let mut sim = Sim::new(4, Link::default());
    for (peer, ip) in [(0, "192.0.2.1"), (1, "198.51.100.1")] {
        sim.stream_address(peer, ip);
    }
    sim.listen(0, "192.0.2.1:1000", TcpType::SimultaneousOpen);
    sim.signal_all();
    sim.run_for(SECOND);
    for peer in &sim.peers {
        assert_eq!(peer.agent.pairs().count(), 0);
    }
    assert_eq!(sim.streams.opened, 0);
}

#[test]
fn udp_wins_and_the_streams_are_closed() {
    let mut sim = Sim::new(5, Link::default());
    sim.stream_address(0, "192.0.2.1");
    sim.listen(1, "198.51.100.1:2000", TcpType::Passive);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(selected_types(&sim, 0), [None; 2]);
    sim.run_for(25 * SECOND);
    assert!(sim.peers.iter().all(|peer| peer.streams.is_empty()));
    assert!(sim.exchange_data());
}

#[test]
fn tcp_connects_where_udp_does_not_get_through() {
    let mut sim = Sim::new(
        6,
        Link {
            loss: 1.0,
            ..Link::default()
        },
    );
    sim.stream_address(0, "192.0.2.1");
    sim.listen(1, "198.51.100.1:2000", TcpType::Passive);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| {
        sim.peers.iter().all(|peer| peer.is_nominated())
    }));
    assert!(sim.exchange_data());
}

#[test]
fn nobody_has_a_stream_opened_to_loopback_by_naming_it() {
    let mut sim = Sim::new(6, Link::default());
    sim.stream_address(0, "192.0.2.1");
    sim.signal_credentials(0);
    sim.signal_credentials(1);
    let mut named = Candidate::host(addr("127.0.0.1:6379"), Protocol::Tcp);
    named.tcp_type = Some(TcpType::Passive);
    let agent = &mut sim.peers[0].agent;
    agent.add_remote_candidate(sim.now, Generation(0), named);
    sim.run_for(SECOND);
    assert_eq!(sim.peers[0].agent.pairs().count(), 0);
}

#[test]
fn a_broken_stream_fails_its_pair_at_once_and_data_moves_to_another() {
    let mut sim = tcp_only(7);
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    sim.break_streams(1);
    sim.run_for(ms(60));
    assert!(sim.both(TransportState::Failed));
    // With another valid pair: one of IPv6 comes a little later, and is better.
    let mut sim = Sim::new(8, Link::default());
    for ip in ["192.0.2.1", "2001:db8::1"] {
        sim.stream_address(0, ip);
    }
    sim.listen(1, "198.51.100.1:2000", TcpType::Passive);
    for peer in 0..2 {
        sim.signal_credentials(peer);
    }
    sim.run_for(ms(30));
    sim.listen(1, "[2001:db8::2]:2000", TcpType::Passive);
    sim.signal_all();
    let valid = |sim: &Sim| {
        let pairs = sim.peers.iter().flat_map(|peer| peer.agent.pairs());
        pairs
            .filter(|pair| pair.state == PairState::Succeeded)
            .count()
    };
    let ready = |sim: &Sim| valid(sim) == 4 && sim.peers.iter().all(|peer| peer.is_nominated());
    assert!(sim.run_until(SECOND, ready));
    let used = sim.peers[0].agent.route().expect("it is connected");
    assert!(used.remote.is_ipv6());
    let ends = std::mem::take(&mut sim.peers[0].streams);
    let (broken, other) = ends.into_iter().partition(|end| end.socket == used.socket);
    sim.peers[0].streams = broken;
    sim.break_streams(0);
    sim.peers[0].streams = other;
    sim.run_for(ms(200));
    for peer in &sim.peers {
        assert!(
            peer.agent
                .route()
                .is_some_and(|route| route.remote.is_ipv4())
        );
    }
    assert!(sim.exchange_data());
}

#[test]
fn refused_and_vanished_connections_fail_their_pairs() {
    for (vanishes, within) in [(false, ms(100)), (true, 11 * SECOND)] {
        let mut sim = tcp_only(9);
        let target = addr("198.51.100.1:2000");
        sim.peers[1].listeners.clear();
        if vanishes {
            sim.streams.black_holes.push(target);
        }
        sim.run_for(within);
        let states: Vec<PairState> = sim.peers[0].agent.pairs().map(|pair| pair.state).collect();
        assert_eq!(states, [PairState::Failed], "{vanishes}");
    }
}

#[test]
fn checks_on_a_stream_are_not_repeated_and_fail_after_ti() {
    let mut sim = tcp_only(10);
    sim.streams.mute = true;
    sim.run_for(39 * SECOND);
    assert_eq!((sim.streams.opened, sim.sent), (1, 1));
    sim.run_for(SECOND);
    let pair = sim.peers[0].agent.pairs().next().expect("there is one");
    assert_eq!(pair.state, PairState::Failed);
}

#[test]
fn an_accepted_stream_without_a_check_is_closed_and_their_number_is_bounded() {
    let mut sim = Sim::new(11, Link::default());
    sim.listen(1, "198.51.100.1:2000", TcpType::Passive);
    let (listener, _) = sim.peers[1].listeners[0];
    let now = sim.now;
    let mut accepted = 0;
    for number in 0..200 {
        let stranger = addr(&format!("192.0.2.66:{}", 1000 + number));
        let agent = &mut sim.peers[1].agent;
        let framing = agent.handle_accepted(now, listener, SocketId(number), stranger);
        accepted += usize::from(framing.is_some());
    }
    assert_eq!(accepted, 64);
    let agent = &mut sim.peers[1].agent;
    agent.handle_timeout(now + 11 * SECOND);
    let mut closed = 0;
    while let Some(event) = agent.poll_event() {
        closed += usize::from(matches!(event, Event::Disconnect { .. }));
    }
    assert_eq!(closed, 64);
}

#[test]
fn a_restart_keeps_data_flowing_and_uses_the_stream_again() {
    let mut sim = tcp_only(12);
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    for peer in 0..2 {
        sim.restart(peer, Generation(1));
    }
    sim.signal_all();
    let newest = |sim: &Sim| {
        let pairs = sim.peers.iter().map(|peer| peer.agent.selected_pair());
        pairs.flatten().all(|pair| pair.generation == Generation(1))
    };
    assert!(sim.run_until(SECOND, newest));
    assert_eq!(sim.streams.opened, 1);
    assert!(sim.exchange_data());
}

#[test]
fn an_address_that_goes_takes_its_streams_with_it() {
    let mut sim = tcp_only(13);
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    let ip = addr("192.0.2.1:9").ip();
    let now = sim.now;
    sim.peers[0].agent.remove_stream_address(now, ip);
    sim.run_for(ms(100));
    assert!(sim.peers.iter().all(|peer| peer.streams.is_empty()));
    assert!(sim.peers.iter().all(|peer| peer.agent.route().is_none()));
}

#[test]
fn tcp_candidates_look_as_rfc_6544_says() {
    let mut sim = tcp_only(14);
    sim.run_for(ms(10));
    let candidate = |peer: usize| -> Candidate {
        let agent = &sim.peers[peer].agent;
        let mut candidates = agent.local_candidates(Generation(0));
        candidates.next().expect("there is one").clone()
    };
    let looks = |c: Candidate| (c.protocol, c.addr, c.kind, c.tcp_type);
    let host = |at: &str, kind| (Protocol::Tcp, addr(at), CandidateKind::Host, Some(kind));
    assert_eq!(looks(candidate(0)), host("192.0.2.1:9", TcpType::Active));
    assert_eq!(
        looks(candidate(1)),
        host("198.51.100.1:2000", TcpType::Passive)
    );
}

fn turn(transport: RelayProtocol) -> Config {
    Config {
        relay_only: true,
        tcp: TcpTypes::NONE,
        servers: vec![Server {
            url: "turn:203.0.113.50?transport=tcp".to_owned(),
            host: "203.0.113.50".to_owned(),
            port: 3478,
            transport,
            kind: ServerKind::Turn {
                username: Redacted(USER.to_owned()),
                password: Redacted(PASSWORD.to_owned()),
            },
        }],
        ..Config::default()
    }
}

/// A peer that reaches the other one through a TURN server, and that over a stream only.
fn relayed(seed: u64, transport: RelayProtocol) -> Sim {
    let mut sim = Sim::with(seed, Link::default(), [turn(transport), Config::default()]);
    let mut server = TurnServer::new(TURN);
    server.tcp = true;
    sim.turns.push(server);
    sim.stream_address(0, "192.0.2.1");
    sim.address(1, "198.51.100.1:2000");
    sim
}

#[test]
fn a_turn_server_relays_over_a_stream() {
    for (transport, security) in [
        (
            RelayProtocol::Dtls,
            Security::Dtls {
                server_name: "203.0.113.50".to_owned(),
            },
        ),
        (RelayProtocol::Tcp, Security::Plain),
        (
            RelayProtocol::Tls,
            Security::Tls {
                server_name: "203.0.113.50".to_owned(),
            },
        ),
    ] {
        let mut sim = relayed(20, transport);
        sim.signal_all();
        assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
        let pair = sim.peers[0].agent.selected_pair().expect("it is connected");
        assert_eq!(pair.local.kind, CandidateKind::Relayed);
        assert_eq!(pair.local.relay_protocol, Some(transport));
        assert_eq!(pair.local.tcp_type, None);
        assert_eq!(sim.streams.security, [security]);
        assert!(sim.exchange_data());
        // Refreshes go over the stream, too.
        sim.run_for(1300 * SECOND);
        assert!(sim.both(TransportState::Completed) && sim.exchange_data());
        assert_eq!(errors(&sim), []);
        let now = sim.now;
        sim.peers[0].agent.close(now);
        sim.run_for(SECOND);
        assert!(sim.turns[0].allocations.is_empty());
    }
}

#[test]
fn a_turn_server_behind_a_stream_that_is_silent_or_hangs_up_is_a_701_in_time() {
    let mut sim = relayed(21, RelayProtocol::Tcp);
    sim.streams.mute = true;
    sim.signal_all();
    sim.run_for(10 * SECOND);
    let told: Vec<_> = errors(&sim)
        .into_iter()
        .map(|error| (error.code, error.text))
        .collect();
    assert_eq!(told, [(701, "the server does not answer".to_owned())]);
    let mut sim = relayed(22, RelayProtocol::Tcp);
    sim.streams.black_holes.push(addr(TURN));
    sim.signal_all();
    sim.run_for(10 * SECOND);
    let told: Vec<_> = errors(&sim)
        .into_iter()
        .map(|error| (error.code, error.text))
        .collect();
    assert_eq!(told, [(701, "the connection timed out".to_owned())]);
    let mut sim = relayed(23, RelayProtocol::Tcp);
    sim.streams.mute = true;
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.streams.opened == 1));
    sim.close_served();
    sim.run_for(ms(30));
    let told: Vec<_> = errors(&sim)
        .into_iter()
        .map(|error| (error.code, error.text))
        .collect();
    assert_eq!(told, [(701, "the connection was closed".to_owned())]);
    assert_eq!(
        sim.peers[0].agent.gathering_state(),
        duologue_ice::GatheringState::Complete
    );
}

#[test]
fn an_allocation_ends_with_its_stream_and_data_moves_to_another() {
    let mut sim = relayed(24, RelayProtocol::Tcp);
    sim.signal_all();
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.close_served();
    sim.run_for(ms(30));
    assert_eq!(sim.peers[0].agent.state(), TransportState::Failed);
    assert!(errors(&sim).is_empty());
    // Two relays: over UDP, which is better, and over a stream.
    let mut config = turn(RelayProtocol::Tcp);
    let mut udp = config.servers[0].clone();
    (udp.transport, udp.host) = (RelayProtocol::Udp, "203.0.113.60".to_owned());
    config.servers.push(udp);
    let mut sim = Sim::with(25, Link::default(), [config, Config::default()]);
    for (at, tcp) in [(TURN, true), ("203.0.113.60:3478", false)] {
        let mut server = TurnServer::new(at);
        server.tcp = tcp;
        sim.turns.push(server);
    }
    sim.address(0, "192.0.2.1:1000");
    sim.stream_address(0, "192.0.2.1");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    let both_valid = |sim: &Sim| {
        let pairs = sim.peers[0].agent.pairs();
        pairs
            .filter(|pair| pair.state == PairState::Succeeded)
            .count()
            == 2
    };
    assert!(sim.run_until(3 * SECOND, both_valid));
    let of = |sim: &Sim| {
        let pair = sim.peers[0].agent.selected_pair();
        pair.and_then(|pair| pair.local.relay_protocol)
    };
    sim.close_served();
    sim.run_for(ms(200));
    assert_eq!(of(&sim), Some(RelayProtocol::Udp));
    assert!(sim.exchange_data());
}

#[test]
fn an_alternate_server_is_asked_over_a_stream_of_its_own() {
    let mut sim = relayed(26, RelayProtocol::Tcp);
    let mut other = TurnServer::new("203.0.113.60:3478");
    other.tcp = true;
    sim.turns.push(other);
    sim.turns[0].refuses = Some(ErrorCode::TRY_ALTERNATE);
    sim.turns[0].alternate = Some(addr("203.0.113.60:3478"));
    sim.signal_all();
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.streams.opened, 2);
    assert_eq!(sim.peers[0].streams.len(), 1);
    assert_eq!(sim.turns[1].count(Method::ALLOCATE), 2);
    assert!(sim.exchange_data());
}

#[test]
fn servers_that_name_each_other_are_not_asked_for_ever() {
    let mut sim = relayed(27, RelayProtocol::Tcp);
    let mut other = TurnServer::new("203.0.113.60:3478");
    other.tcp = true;
    sim.turns.push(other);
    for (at, alternate) in [(0, "203.0.113.60:3478"), (1, TURN)] {
        sim.turns[at].refuses = Some(ErrorCode::TRY_ALTERNATE);
        sim.turns[at].alternate = Some(addr(alternate));
    }
    sim.signal_all();
    sim.run_for(5 * SECOND);
    assert!(sim.streams.opened <= 4, "{}", sim.streams.opened);
    let codes: Vec<u16> = errors(&sim).iter().map(|error| error.code).collect();
    assert_eq!(codes, [300]);
}

#[test]
fn a_restart_asks_a_server_again_that_had_hung_up() {
    let mut sim = relayed(28, RelayProtocol::Tcp);
    sim.signal_all();
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.close_served();
    sim.run_for(SECOND);
    for peer in 0..2 {
        sim.restart(peer, Generation(1));
    }
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.streams.opened, 2);
    assert!(sim.exchange_data());
}

/// A NAT forgot it, or the server's machine lost its power: no end is told.
#[test]
fn a_restart_opens_a_stream_to_a_turn_server_anew_that_brings_nothing_any_more() {
    let transports = [RelayProtocol::Tcp, RelayProtocol::Tls, RelayProtocol::Dtls];
    for (transport, waited) in transports
        .map(|transport| [(transport, 0), (transport, 15)])
        .concat()
    {
        let mut sim = relayed(30, transport);
        sim.signal_all();
        assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
        sim.lose_served();
        let disconnected = |sim: &Sim| sim.peers[0].agent.state() == TransportState::Disconnected;
        assert!(sim.run_until(13 * SECOND, disconnected));
        sim.run_for(waited * SECOND);
        for peer in 0..2 {
            sim.restart(peer, Generation(1));
        }
        sim.signal_all();
        // At once where it is known already, else when the server has had its time to answer.
        let limit = if waited > 0 { SECOND } else { 11 * SECOND };
        let connected = |sim: &Sim| sim.both(TransportState::Completed);
        assert!(sim.run_until(limit, connected), "{transport:?}, {waited}");
        assert!(sim.exchange_data());
        assert_eq!(sim.peers[0].streams.len(), 1);
        assert_eq!(errors(&sim).len(), 0);
    }
}

/// Without a restart nothing is given up that may come back.
#[test]
fn a_stream_that_brings_something_again_is_used_again() {
    let mut sim = relayed(31, RelayProtocol::Tcp);
    sim.signal_all();
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.streams.mute = true;
    sim.run_for(25 * SECOND);
    sim.streams.mute = false;
    assert!(sim.run_until(7 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.streams.opened, 1);
    assert!(sim.exchange_data());
}

#[test]
fn without_udp_and_a_stream_address_nothing_reaches_the_server() {
    let mut sim = Sim::with(
        29,
        Link::default(),
        [turn(RelayProtocol::Tls), Config::default()],
    );
    sim.address(0, "192.0.2.1:1000");
    sim.signal_all();
    sim.run_for(SECOND);
    let told: Vec<_> = errors(&sim)
        .into_iter()
        .map(|error| (error.code, error.text))
        .collect();
    assert_eq!(
        told,
        [(701, "no local address reaches the server".to_owned())]
    );
}

#[test]
fn a_turn_server_behind_dtls_is_asked_again_when_datagrams_are_lost() {
    for seed in 0..50 {
        let mut sim = relayed(seed, RelayProtocol::Dtls);
        sim.link.loss = 0.08;
        sim.signal_all();
        let done = sim.run_until(40 * SECOND, |sim| sim.both(TransportState::Completed));
        assert!(done, "seed {seed}");
        sim.link.loss = 0.0;
        assert!(sim.exchange_data());
        let local = sim.peers[0].agent.local_candidates(Generation(0));
        let kinds: Vec<CandidateKind> = local.map(|candidate| candidate.kind).collect();
        // What the server sees of the socket behind DTLS reaches nobody else.
        assert!(!kinds.contains(&CandidateKind::ServerReflexive));
    }
}

#[test]
fn an_agent_without_udp_reaches_no_server_over_dtls() {
    let config = Config {
        udp: false,
        ..turn(RelayProtocol::Dtls)
    };
    let mut sim = Sim::with(1, Link::default(), [config, Config::default()]);
    sim.stream_address(0, "192.0.2.1");
    sim.signal_all();
    sim.run_for(SECOND);
    assert_eq!(sim.streams.security, []);
    let codes: Vec<u16> = errors(&sim).iter().map(|error| error.code).collect();
    assert_eq!(codes, [701]);
}

/// A configuration with listening sockets and one STUN server.
fn listening(transport: RelayProtocol) -> Config {
    Config {
        tcp: TcpTypes::ALL,
        servers: vec![Server {
            url: "stun:203.0.113.100".to_owned(),
            host: "203.0.113.100".to_owned(),
            port: 3478,
            transport,
            kind: ServerKind::Stun,
        }],
        ..Config::default()
    }
}

/// Two peers behind NATs, that no datagram passes.
fn behind_nats(seed: u64, transport: RelayProtocol) -> Sim {
    let configs = [listening(transport), listening(transport)];
    let mut sim = Sim::with(seed, Link::default(), configs);
    let mut server = StunServer::new(STUN, Mood::Answers);
    server.tcp = true;
    sim.servers.push(server);
    for (peer, public) in [(0, "203.0.113.7"), (1, "203.0.113.8")] {
        sim.peers[peer].nat = Some(Nat::new(public, false));
        sim.listen(
            peer,
            &format!("10.0.{peer}.2:1000"),
            TcpType::SimultaneousOpen,
        );
    }
    sim
}

fn reflexive(sim: &Sim, generation: u32) -> Vec<Candidate> {
    let local = sim.peers[0].agent.local_candidates(Generation(generation));
    let reflexive = local.filter(|known| known.kind == CandidateKind::ServerReflexive);
    reflexive.cloned().collect()
}

#[test]
fn peers_behind_nats_open_a_stream_to_each_other_where_a_stun_server_saw_them() {
    for (transport, security) in [
        (RelayProtocol::Udp, Security::Plain),
        (
            RelayProtocol::Tls,
            Security::Tls {
                server_name: "203.0.113.100".to_owned(),
            },
        ),
    ] {
        let mut sim = behind_nats(40, transport);
        sim.signal_all();
        assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert_eq!(sim.streams.security[..2], [security.clone(), security]);
        assert!(sim.exchange_data());
        let found = reflexive(&sim, 0);
        let [candidate] = &found[..] else {
            panic!("one listening socket, one server: {found:?}");
        };
        assert_eq!(candidate.addr.ip(), addr("203.0.113.7:0").ip());
        assert_eq!(candidate.related, Some(addr("10.0.0.2:1000")));
        assert_eq!(candidate.tcp_type, Some(TcpType::SimultaneousOpen));
        assert_eq!(candidate.url.as_deref(), Some("stun:203.0.113.100"));
        assert_eq!(candidate.priority >> 21, 70 << 3 | 6);
        let pair = sim.peers[0].agent.selected_pair().expect("it is connected");
        assert_eq!(pair.remote.kind, CandidateKind::ServerReflexive);
        assert_eq!(errors(&sim), []);
    }
}

#[test]
fn the_stream_to_the_stun_server_is_kept_until_a_pair_is_chosen_and_asked_again_by_a_restart() {
    let mut sim = behind_nats(41, RelayProtocol::Udp);
    for peer in 0..2 {
        sim.peers[peer].agent.end_of_local_addresses(sim.now);
    }
    sim.run_for(60 * SECOND);
    assert_eq!(
        (sim.peers[0].streams.len(), reflexive(&sim, 0).len()),
        (1, 1)
    );
    sim.signal_all();
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.run_for(10 * SECOND);
    let to: Vec<_> = sim.peers[0].streams.iter().map(|end| end.remote).collect();
    assert_eq!(to.len(), 1);
    assert!(!to.contains(&addr(STUN)));
    for peer in 0..2 {
        sim.restart(peer, Generation(1));
    }
    sim.signal_all();
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(reflexive(&sim, 1).len(), 1);
    assert!(sim.exchange_data());
}

#[test]
fn a_listening_socket_that_is_gone_takes_its_streams_to_servers_with_it() {
    let mut sim = behind_nats(42, RelayProtocol::Udp);
    sim.listen(0, "10.0.0.2:1001", TcpType::Passive);
    sim.peers[0].agent.end_of_local_addresses(sim.now);
    sim.run_for(SECOND);
    assert_eq!(sim.peers[0].streams.len(), 2);
    let types: Vec<_> = reflexive(&sim, 0)
        .iter()
        .map(|known| known.tcp_type)
        .collect();
    assert_eq!(
        types,
        [Some(TcpType::SimultaneousOpen), Some(TcpType::Passive)]
    );
    for (socket, _) in sim.peers[0].listeners.clone() {
        sim.peers[0].agent.remove_local_address(sim.now, socket);
    }
    sim.run_for(SECOND);
    assert!(sim.peers[0].streams.is_empty());
}

#[test]
fn who_wants_relays_only_asks_nobody_about_listening_sockets() {
    let config = Config {
        relay_only: true,
        ..listening(RelayProtocol::Udp)
    };
    let mut sim = Sim::with(43, Link::default(), [config, Config::default()]);
    let mut server = StunServer::new(STUN, Mood::Answers);
    server.tcp = true;
    sim.servers.push(server);
    sim.listen(0, "192.0.2.1:1000", TcpType::Passive);
    sim.signal_all();
    sim.run_for(SECOND);
    assert_eq!(sim.streams.security, []);
}

#[test]
fn a_turn_server_tells_how_it_sees_listening_sockets_and_only_its_allocation_can_fail() {
    for refuses in [false, true] {
        let config = Config {
            tcp: TcpTypes::ALL,
            relay_only: false,
            ..turn(RelayProtocol::Tcp)
        };
        let mut sim = Sim::with(44, Link::default(), [config, Config::default()]);
        let mut server = TurnServer::new(TURN);
        server.tcp = true;
        server.refuses = refuses.then_some(ErrorCode::ALLOCATION_QUOTA_REACHED);
        sim.turns.push(server);
        sim.peers[0].nat = Some(Nat::new("203.0.113.7", false));
        sim.stream_address(0, "10.0.0.2");
        sim.listen(0, "10.0.0.2:1000", TcpType::SimultaneousOpen);
        sim.signal_all();
        sim.run_for(SECOND);
        let codes: Vec<u16> = errors(&sim).iter().map(|error| error.code).collect();
        match refuses {
            true => assert_eq!(codes, [486]),
            false => assert_eq!((codes, reflexive(&sim, 0).len()), (vec![], 1)),
        }
    }
}
