//! Relayed candidates: TURN servers, their moods, and data through them.

use std::time::Duration;

use duologue_base::{Datagram, Ecn, Generation, IceCredentials, Redacted, SocketId};
use duologue_ice::{
    CandidateKind, Config, Event, GatheringState, RelayProtocol, Server, ServerKind,
    TokenCredential, TransportState,
};
use duologue_stun::{Class, ErrorCode, Message, Method};

use crate::servers::{Mood, StunServer};
use crate::sim::{Link, Nat, Sim, addr, ms};
use crate::turn_server::{PASSWORD, TurnServer, USER};

const TURN: &str = "203.0.113.50:3478";
const SECOND: Duration = Duration::from_secs(1);

fn turn(password: &str) -> Server {
    Server {
        url: "turn:203.0.113.50".to_owned(),
        host: "203.0.113.50".to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Turn {
            username: Redacted(USER.to_owned()),
            password: Redacted(password.to_owned()),
        },
    }
}

fn config(password: &str, relay_only: bool) -> Config {
    Config {
        servers: vec![turn(password)],
        relay_only,
        ..Config::default()
    }
}

/// Peer 0 is behind a NAT and has the TURN server; peer 1 has neither, or a NAT and a STUN server,
/// which tells the other side what address to let in.
fn sim(seed: u64, config: Config, other_nat: bool) -> Sim {
    let stun = Server {
        url: "stun:203.0.113.100".to_owned(),
        host: "203.0.113.100".to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    };
    let other = Config {
        servers: other_nat.then_some(stun).into_iter().collect(),
        ..Config::default()
    };
    let mut sim = Sim::with(seed, Link::default(), [config, other]);
    sim.turns.push(TurnServer::new(TURN));
    let stun = StunServer::new("203.0.113.100:3478", Mood::Answers);
    sim.servers.push(stun);
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", true));
    if other_nat {
        sim.peers[1].nat = Some(Nat::new("203.0.113.8", true));
    }
    sim.address(0, "10.0.0.2:1000");
    sim.address(1, "198.51.100.1:2000");
    sim
}

fn errors(sim: &Sim) -> Vec<u16> {
    let code = |(_, event): &(_, Event)| match event {
        Event::CandidateError(error) => Some(error.code),
        _ => None,
    };
    sim.peers[0].events.iter().filter_map(code).collect()
}

fn gathered_at(sim: &Sim) -> Option<Duration> {
    let complete = Event::Gathering {
        generation: Generation(0),
        state: GatheringState::Complete,
    };
    let mut events = sim.peers[0].events.iter();
    let (at, _) = events.find(|(_, event)| *event == complete)?;
    Some(at.since_origin())
}

fn uses_relay(sim: &Sim) -> bool {
    let route = sim.peers[0].agent.route();
    route.is_some_and(|route| route.relay.is_some())
}

#[test]
fn a_relayed_candidate_says_where_it_comes_from() {
    let mut sim = sim(1, config(PASSWORD, false), false);
    sim.signal_all();
    sim.run_for(ms(300));
    // Challenge and allocation.
    assert_eq!(gathered_at(&sim), Some(ms(100)));
    let locals: Vec<_> = sim.peers[0].agent.local_candidates(Generation(0)).collect();
    let relayed = locals
        .iter()
        .find(|candidate| candidate.kind == CandidateKind::Relayed)
        .unwrap();
    assert_eq!(relayed.addr, addr("203.0.113.50:50001"));
    assert_eq!(relayed.relay_protocol, Some(RelayProtocol::Udp));
    assert_eq!(relayed.url.as_deref(), Some("turn:203.0.113.50"));
    assert_eq!(relayed.priority >> 24, 0);
    let reflexive = locals
        .iter()
        .find(|candidate| candidate.kind == CandidateKind::ServerReflexive)
        .unwrap();
    assert_eq!(relayed.related, Some(reflexive.addr));
    assert_eq!(errors(&sim), []);
}

#[test]
fn a_direct_path_wins_over_the_relay() {
    let mut sim = sim(2, config(PASSWORD, false), false);
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(!uses_relay(&sim));
    assert!(sim.exchange_data());
}

#[test]
fn behind_symmetric_nats_data_takes_the_relay_on_a_channel() {
    for modern in [false, true] {
        let mut sim = sim(3, config(PASSWORD, false), true);
        sim.turns[0].modern = modern;
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert!(uses_relay(&sim));
        let pair = sim.peers[0].agent.selected_pair().unwrap();
        assert_eq!(pair.local.kind, CandidateKind::Relayed);
        let before = sim.turns[0].channel_messages;
        assert!(sim.exchange_data());
        assert!(sim.turns[0].channel_messages > before);
    }
}

#[test]
fn relay_only_shows_nothing_else_and_answers_nowhere_else() {
    let mut sim = sim(4, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(uses_relay(&sim));
    let locals: Vec<_> = sim.peers[0].agent.local_candidates(Generation(0)).collect();
    assert_eq!(locals.len(), 1);
    assert_eq!(locals[0].related, Some(addr("0.0.0.0:0")));
    let remote = sim.peers[1].agent.route().unwrap().remote;
    assert_eq!(remote, addr("203.0.113.50:50001"));
    assert!(sim.exchange_data());
}

#[test]
fn a_relay_lasts_for_hours() {
    let mut sim = sim(5, config(PASSWORD, true), false);
    sim.turns[0].nonce_life = Duration::from_secs(1000);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    for _ in 0..12 {
        sim.run_for(1200 * SECOND);
        assert!(sim.both(TransportState::Completed));
        assert!(sim.exchange_data());
    }
    assert!(sim.turns[0].count(Method::REFRESH) > 20);
    assert_eq!(sim.turns[0].allocations.len(), 1);
}

#[test]
fn nonces_that_are_old_when_they_arrive_are_taken_again_and_again() {
    // More than a server may refuse credentials, at once and of each request under way.
    for stale in [4, 8, 16] {
        let mut sim = sim(5, config(PASSWORD, true), false);
        sim.turns[0].stale_left = stale;
        sim.signal_all();
        assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert_eq!(errors(&sim), []);
        // Those of the refresh and of the channel, while both are asked for.
        sim.turns[0].stale_left = stale;
        sim.run_for(1200 * SECOND);
        assert!(sim.both(TransportState::Completed));
        assert!(sim.exchange_data());
        assert_eq!(sim.turns[0].allocations.len(), 1);
    }
}

#[test]
fn a_server_that_takes_no_nonce_is_left() {
    for (stale_is_new, asked) in [(true, 18), (false, 4)] {
        let mut sim = sim(5, config(PASSWORD, true), false);
        sim.turns[0].stale_left = u32::MAX;
        sim.turns[0].stale_is_new = stale_is_new;
        sim.signal_all();
        sim.run_for(20 * SECOND);
        assert_eq!(errors(&sim), [438]);
        assert_eq!(sim.turns[0].count(Method::ALLOCATE), asked);
    }
}

#[test]
fn a_relay_survives_loss() {
    for (seed, other_nat) in (0..200).map(|seed| (seed, seed % 2 == 0)) {
        let mut sim = sim(seed, config(PASSWORD, true), other_nat);
        sim.link.loss = 0.08;
        sim.link.jitter = ms(20);
        sim.signal_all();
        let done = sim.run_until(40 * SECOND, |sim| sim.both(TransportState::Completed));
        assert!(done, "seed {seed}");
    }
}

#[test]
fn a_wrong_password_is_reported_at_once() {
    let mut sim = sim(6, config("wrong", false), false);
    sim.signal_all();
    sim.run_for(SECOND);
    assert_eq!(errors(&sim), [401]);
    assert_eq!(gathered_at(&sim), Some(ms(100)));
}

#[test]
fn a_token_of_an_authorization_server_opens_the_relay() {
    let (whole, cut): (&[u8], &[u8]) = (&[9; 20], &[9; 16]);
    // coturn knows the first 16 bytes alone.
    for (mac_key, known, expected) in [
        ([9; 20], whole, vec![]),
        ([9; 20], cut, vec![]),
        ([8; 20], whole, vec![401]),
    ] {
        let config = Config {
            servers: vec![Server {
                kind: ServerKind::TurnToken(TokenCredential {
                    kid: Redacted(USER.to_owned()),
                    mac_key: Redacted(mac_key.to_vec()),
                    access_token: Redacted(b"what only the server reads".to_vec()),
                }),
                ..turn(PASSWORD)
            }],
            ..Config::default()
        };
        let mut sim = sim(12, config, true);
        sim.turns[0].token = Some((b"what only the server reads", known));
        sim.signal_all();
        sim.run_for(3 * SECOND);
        assert_eq!(errors(&sim), expected, "{known:?}");
        if expected.is_empty() {
            assert!(uses_relay(&sim));
            assert!(sim.exchange_data());
        }
    }
}

#[test]
fn refusals_carry_their_code() {
    for code in [
        ErrorCode::ALLOCATION_QUOTA_REACHED,
        ErrorCode::INSUFFICIENT_CAPACITY,
    ] {
        let mut sim = sim(7, config(PASSWORD, false), false);
        sim.turns[0].refuses = Some(code);
        sim.signal_all();
        sim.run_for(SECOND);
        assert_eq!(errors(&sim), [code.0]);
        assert!(gathered_at(&sim).is_some());
    }
}

/// RFC 8656 §7.4: "The client SHOULD try three different client transport addresses".
#[test]
fn a_server_that_takes_this_host_for_an_earlier_client_is_asked_from_other_addresses() {
    for transport in [RelayProtocol::Udp, RelayProtocol::Tcp, RelayProtocol::Dtls] {
        for mismatches in [1, 2] {
            let mut config = config(PASSWORD, true);
            config.servers[0].transport = transport;
            let mut sim = sim(10, config, false);
            sim.turns[0].tcp = transport != RelayProtocol::Udp;
            sim.turns[0].mismatches_left = mismatches;
            sim.stream_address(0, "10.0.0.2");
            sim.signal_all();
            assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
            assert_eq!(errors(&sim), []);
            assert!(uses_relay(&sim));
            assert!(sim.exchange_data());
            assert_eq!(sim.turns[0].allocations.len(), 1);
            // It lasts like any other one, and goes with the agent.
            sim.run_for(1500 * SECOND);
            assert!(sim.exchange_data());
            let now = sim.now;
            sim.peers[0].agent.close(now);
            sim.run_for(SECOND);
            assert_eq!(sim.turns[0].allocations.len(), 0);
        }
    }
}

#[test]
fn after_three_addresses_the_server_is_given_up_with_437() {
    for transport in [RelayProtocol::Udp, RelayProtocol::Tcp] {
        let mut config = config(PASSWORD, true);
        config.servers[0].transport = transport;
        let mut sim = sim(11, config, false);
        sim.turns[0].tcp = transport == RelayProtocol::Tcp;
        sim.turns[0].mismatches_left = 100;
        sim.stream_address(0, "10.0.0.2");
        sim.signal_all();
        sim.run_for(5 * SECOND);
        assert_eq!(errors(&sim), [437]);
        assert_eq!(sim.turns[0].mismatches.len(), 3);
        assert!(gathered_at(&sim).is_some());
        // The sockets that were for nothing but the server are gone.
        assert_eq!(sim.peers[0].sockets.len(), 1);
    }
}

#[test]
fn a_relay_from_another_address_goes_with_the_address_and_is_kept_by_a_restart() {
    let mut sim = sim(12, config(PASSWORD, true), false);
    sim.turns[0].mismatches_left = 1;
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    restart(&mut sim, Generation(1));
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.turns[0].allocations.len(), 1);
    assert_eq!(sim.peers[0].sockets.len(), 2);
    let now = sim.now;
    let socket = sim.peers[0].sockets[0].0;
    sim.peers[0].agent.remove_local_address(now, socket);
    sim.run_for(SECOND);
    assert_eq!(sim.peers[0].sockets.len(), 1);
    assert_eq!(sim.peers[0].agent.route(), None);
}

/// coturn on the own machine.
#[test]
fn a_server_on_loopback_relays_between_agents_of_its_host() {
    for both in [false, true] {
        let mut relayed = config(PASSWORD, true);
        relayed.servers[0].host = "127.0.0.1".to_owned();
        let other = match both {
            true => relayed.clone(),
            false => Config::default(),
        };
        let mut sim = Sim::with(13, Link::default(), [relayed, other]);
        sim.turns.push(TurnServer::new("127.0.0.1:3478"));
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "192.0.2.1:2000");
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert!(uses_relay(&sim));
        assert!(sim.exchange_data());
        assert_eq!(errors(&sim), []);
    }
}

#[test]
fn a_silent_server_is_given_up_with_701() {
    let mut sim = sim(8, config(PASSWORD, true), false);
    sim.turns.clear();
    sim.signal_all();
    sim.run_for(20 * SECOND);
    assert_eq!(errors(&sim), [701]);
    assert_eq!(gathered_at(&sim), Some(ms(9_500)));
    assert_eq!(sim.peers[0].agent.state(), TransportState::Failed);
}

#[test]
fn an_alternate_server_is_followed_and_a_circle_is_not() {
    let mut sim = sim(9, config(PASSWORD, true), false);
    sim.turns[0].refuses = Some(ErrorCode::TRY_ALTERNATE);
    sim.turns[0].alternate = Some(addr("203.0.113.51:3478"));
    sim.turns.push(TurnServer::new("203.0.113.51:3478"));
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.turns[1].allocations.len(), 1);

    let mut sim = self::sim(9, config(PASSWORD, true), false);
    sim.turns.push(TurnServer::new("203.0.113.51:3478"));
    for (at, other) in [(0, "203.0.113.51:3478"), (1, TURN)] {
        sim.turns[at].refuses = Some(ErrorCode::TRY_ALTERNATE);
        sim.turns[at].alternate = Some(addr(other));
    }
    sim.signal_all();
    sim.run_for(5 * SECOND);
    assert_eq!(errors(&sim), [300]);
}

fn restart(sim: &mut Sim, generation: Generation) {
    for peer in 0..2 {
        sim.restart(peer, generation);
        sim.signal_credentials(peer);
    }
}

fn state(sim: &Sim) -> TransportState {
    sim.peers[0].agent.state()
}

/// It answers, so that nobody has to wait for the end of consent to know.
#[test]
fn a_restarted_server_is_noticed_with_the_silence_and_a_restart_makes_a_new_relay() {
    for since_failure in [Duration::ZERO, 600 * SECOND] {
        let mut sim = sim(10, config(PASSWORD, true), false);
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        sim.turns[0].allocations.clear();
        assert!(sim.run_until(13 * SECOND, |sim| state(sim) == TransportState::Failed));
        assert!(
            sim.peers[0]
                .states()
                .contains(&TransportState::Disconnected)
        );
        sim.run_for(since_failure);
        restart(&mut sim, Generation(1));
        assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert!(sim.exchange_data());
        assert_eq!(errors(&sim), []);
    }
}

/// The direct pair was chosen, and the relay's channel expired with the pair that nobody used.
#[test]
fn a_channel_that_expired_unused_is_bound_again_when_a_restart_needs_it() {
    let mut sim = sim(25, config(PASSWORD, false), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(!uses_relay(&sim));
    // RFC 8656 §9: the permission lives five minutes.
    sim.run_for(400 * SECOND);
    let bound = sim.turns[0].count(Method::CHANNEL_BIND);
    sim.peers[0].agent.set_servers(vec![turn(PASSWORD)], true);
    restart(&mut sim, Generation(1));
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(uses_relay(&sim));
    assert!(sim.exchange_data());
    assert_eq!(sim.turns[0].count(Method::CHANNEL_BIND), bound + 1);
}

/// The server keeps a channel for ten minutes.
#[test]
fn a_refresh_of_the_channel_that_is_not_answered_is_repeated_while_the_relay_works() {
    let mut sim = sim(26, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.turns[0].silent_to = Some(Method::CHANNEL_BIND);
    sim.run_for(260 * SECOND);
    assert!(sim.both(TransportState::Completed));
    assert!(uses_relay(&sim));
    assert!(sim.exchange_data());
    sim.turns[0].silent_to = None;
    sim.run_for(1200 * SECOND);
    assert!(sim.both(TransportState::Completed));
    assert!(sim.exchange_data());
}

#[test]
fn a_refresh_of_the_channel_that_the_server_cannot_do_now_is_repeated() {
    let insufficient = Some(ErrorCode::INSUFFICIENT_CAPACITY);
    for (refuses, stale) in [(insufficient, 0), (None, u32::MAX)] {
        let mut sim = sim(28, config(PASSWORD, true), false);
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        let bound = sim.turns[0].count(Method::CHANNEL_BIND);
        sim.turns[0].refuses_channels = refuses;
        sim.turns[0].stale_left = stale;
        sim.run_for(260 * SECOND);
        assert!(sim.turns[0].count(Method::CHANNEL_BIND) > bound);
        let before = sim.turns[0].channel_messages;
        assert!(sim.exchange_data());
        assert!(sim.turns[0].channel_messages > before);
        sim.turns[0].refuses_channels = None;
        sim.turns[0].stale_left = 0;
        sim.run_for(1200 * SECOND);
        assert!(sim.both(TransportState::Completed));
        assert!(sim.exchange_data());
    }
}

#[test]
fn a_refresh_of_the_allocation_that_the_server_cannot_do_now_is_repeated() {
    let mut sim = sim(29, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.turns[0].refuses_refreshes = Some(ErrorCode::INSUFFICIENT_CAPACITY);
    sim.run_for(550 * SECOND);
    assert_eq!(sim.turns[0].count(Method::REFRESH), 1);
    assert!(sim.exchange_data());
    sim.turns[0].refuses_refreshes = None;
    sim.run_for(1200 * SECOND);
    assert!(sim.both(TransportState::Completed));
    assert!(sim.exchange_data());
}

#[test]
fn a_channel_that_the_server_did_not_answer_about_is_asked_for_by_the_next_restart() {
    let mut sim = sim(27, config(PASSWORD, true), false);
    sim.turns[0].silent_to = Some(Method::CHANNEL_BIND);
    sim.signal_all();
    sim.run_for(60 * SECOND);
    assert_eq!(state(&sim), TransportState::Failed);
    let asked = sim.turns[0].count(Method::CHANNEL_BIND);
    sim.run_for(60 * SECOND);
    assert_eq!(sim.turns[0].count(Method::CHANNEL_BIND), asked);
    sim.turns[0].silent_to = None;
    restart(&mut sim, Generation(1));
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
}

/// Before anything was missed: the allocation is asked about and made anew.
#[test]
fn a_restart_right_after_that_of_the_server_makes_a_new_relay() {
    let mut sim = sim(21, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.turns[0].allocations.clear();
    restart(&mut sim, Generation(1));
    let renewed = |sim: &Sim| {
        let agent = &sim.peers[0].agent;
        let relays = agent.local_candidates(Generation(1));
        let complete = agent.gathering_state() == GatheringState::Complete;
        complete && relays.count() == 2
    };
    assert!(sim.run_until(SECOND, renewed));
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.turns[0].allocations.len(), 1);
    assert!(sim.exchange_data());
}

#[test]
fn a_dead_server_disconnects_fails_with_consent_and_is_a_701_of_the_next_gathering() {
    let mut sim = sim(22, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim.turns.clear();
    let begun = sim.now;
    assert!(sim.run_until(13 * SECOND, |sim| state(sim)
        == TransportState::Disconnected));
    assert!(sim.run_until(30 * SECOND, |sim| state(sim) == TransportState::Failed));
    assert!(sim.now - begun <= 36 * SECOND);
    assert_eq!(errors(&sim), []);
    restart(&mut sim, Generation(1));
    sim.run_for(10 * SECOND);
    assert_eq!(errors(&sim), [701]);
    let gathering = sim.peers[0].agent.gathering_state();
    assert_eq!(gathering, GatheringState::Complete);
    sim.run_for(40 * SECOND);
    assert_eq!(state(&sim), TransportState::Failed);
    sim.turns.push(TurnServer::new(TURN));
    restart(&mut sim, Generation(2));
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
    assert_eq!(errors(&sim), [701]);
}

/// A server that cannot be reached for a while has forgotten nothing.
#[test]
fn a_relay_is_used_again_when_the_way_to_its_server_returns() {
    let mut sim = sim(24, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    let server = sim.turns.remove(0);
    sim.run_for(25 * SECOND);
    assert_eq!(state(&sim), TransportState::Disconnected);
    sim.turns.push(server);
    assert!(sim.run_until(7 * SECOND, |sim| state(sim) == TransportState::Completed));
    assert!(sim.exchange_data());
}

/// The server is asked once, not again and again.
#[test]
fn a_silent_peer_does_not_cost_the_relay() {
    let mut sim = sim(23, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    let relayed = *sim.turns[0].allocations.keys().next().expect("one");
    sim.peers[1].agent.close(sim.now);
    assert!(sim.run_until(13 * SECOND, |sim| state(sim)
        == TransportState::Disconnected));
    let refreshes = sim.turns[0].count(Method::REFRESH);
    sim.run_for(10 * SECOND);
    assert!(sim.turns[0].allocations.contains_key(&relayed));
    assert_eq!(sim.turns[0].count(Method::REFRESH), refreshes + 1);
}

#[test]
fn closing_releases_the_allocation() {
    let mut sim = sim(11, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.turns[0].allocations.len(), 1);
    sim.peers[0].agent.close(sim.now);
    sim.run_for(ms(100));
    assert_eq!(sim.turns[0].allocations.len(), 0);
    assert_eq!(sim.peers[0].agent.poll_timeout(), None);
}

#[test]
fn a_restart_reuses_the_allocation() {
    let mut sim = sim(12, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    for peer in 0..2 {
        sim.restart(peer, Generation(1));
        sim.signal_credentials(peer);
    }
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
    assert_eq!(
        sim.turns[0].count(Method::ALLOCATE),
        2,
        "challenge and allocation"
    );
}

/// What is answered from the host's own socket would show its address.
#[test]
fn a_check_through_a_relay_that_was_given_up_is_not_answered() {
    let mut sim = sim(14, config(PASSWORD, true), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    let asks = |sim: &Sim| {
        let last = sim.last_sent_by(1).unwrap_or_default();
        Message::parse(&last).is_ok_and(|message| message.class() == Class::Request)
    };
    assert!(sim.run_until(10 * SECOND, asks));
    let check = sim.last_sent_by(1).expect("a check");
    let route = sim.peers[1].agent.route().expect("a path");
    let now = sim.now;
    let forwarded = sim.turns[0].handle(now, route.local, route.remote, &check);
    let (server, _, bytes) = forwarded.first().expect("it is forwarded");
    let datagram = Datagram {
        socket: SocketId(0),
        received: now,
        remote: *server,
        local_ip: None,
        ecn: Ecn::NotEct,
    };

    let local = IceCredentials::generate(&mut sim.rng);
    let agent = &mut sim.peers[0].agent;
    agent.handle_datagram(now, &datagram, bytes);
    agent.set_servers(Vec::new(), true);
    agent.restart(now, Generation(1), local);
    let mut out = Vec::new();
    while let Some(transmit) = agent.poll_transmit(now, &mut out) {
        assert_eq!(transmit.remote, *server);
    }
}

#[test]
fn relays_at_both_ends_meet() {
    let both = [config(PASSWORD, true), config(PASSWORD, true)];
    let mut sim = Sim::with(13, Link::default(), both);
    sim.turns.push(TurnServer::new(TURN));
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
    assert_eq!(sim.turns[0].allocations.len(), 2);
}

#[test]
fn an_idle_allocation_costs_one_refresh_in_nine_minutes_and_nothing_after_its_end() {
    let mut sim = sim(20, config(PASSWORD, true), false);
    sim.turns[0].nonce_life = 24 * 3600 * SECOND;
    sim.peers[0].agent.end_of_local_addresses(sim.now);
    sim.run_for(60 * SECOND);
    let before = sim.turns[0].count(Method::REFRESH);
    let (sent, hours) = (sim.sent, 10);
    sim.run_for(hours * 3600 * SECOND);
    let refreshes = sim.turns[0].count(Method::REFRESH) - before;
    assert!((60..=70).contains(&refreshes), "{refreshes}");
    assert!(sim.sent - sent <= 2 * refreshes + 2, "requests and answers");
    let next = sim.peers[0].agent.poll_timeout().expect("a refresh");
    assert!(next - sim.now <= 600 * SECOND);
    sim.peers[0].agent.close(sim.now);
    sim.run_for(SECOND);
    assert_eq!(sim.turns[0].allocations.len(), 0);
    assert_eq!(sim.peers[0].agent.poll_timeout(), None);
    let sent = sim.sent;
    sim.run_for(3600 * SECOND);
    assert_eq!(sim.sent, sent);
}

#[test]
fn a_server_of_another_realm_is_shown_credentials_for_that() {
    for modern in [false, true] {
        let mut sim = sim(30, config(PASSWORD, true), false);
        sim.turns[0].modern = modern;
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        sim.turns[0].realm = "elsewhere.example";
        sim.run_for(1300 * SECOND);
        assert!(sim.both(TransportState::Completed) && sim.exchange_data());
        assert_eq!(sim.turns[0].allocations.len(), 1);
        assert_eq!(errors(&sim), []);
    }
}

#[test]
fn a_challenge_whose_offer_of_algorithms_was_taken_out_gets_no_credentials() {
    let mut sim = sim(31, config(PASSWORD, true), false);
    sim.turns[0].modern = true;
    sim.turns[0].bid_down = true;
    sim.signal_all();
    sim.run_for(5 * SECOND);
    assert_eq!(errors(&sim), [401]);
    assert_eq!(sim.turns[0].count(Method::ALLOCATE), 1, "the one without");
}

#[test]
fn an_ipv6_socket_asks_for_an_ipv6_relay_and_an_ipv4_socket_for_an_ipv4_one() {
    for (server, own, other, family) in [
        ("203.0.113.50", "192.0.2.1:1000", "198.51.100.1:2000", 0),
        (
            "2001:db8::50",
            "[2001:db8::1]:1000",
            "[2001:db8:1::2]:2000",
            2,
        ),
    ] {
        let mut config = config(PASSWORD, true);
        config.servers[0].host = server.to_owned();
        let mut sim = Sim::with(32, Link::default(), [config, Config::default()]);
        let ip = server.parse().expect("an address");
        let at = std::net::SocketAddr::new(ip, 3478).to_string();
        sim.turns.push(TurnServer::new(&at));
        sim.address(0, own);
        sim.address(1, other);
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert!(sim.exchange_data());
        assert_eq!(sim.turns[0].families, [family]);
    }
}

/// RFC 8656 §7.4 leaves what to do with a 440 to the client; without the attribute a server relays
/// at IPv4 (§7.2).
#[test]
fn a_server_without_ipv6_relays_at_ipv4_for_an_ipv6_socket() {
    let mut config = config(PASSWORD, true);
    config.servers[0].host = "2001:db8::50".to_owned();
    let mut sim = Sim::with(32, Link::default(), [config, Config::default()]);
    sim.turns.push(TurnServer::new("[2001:db8::50]:3478"));
    sim.turns[0].ipv4_only = Some(addr(TURN).ip());
    sim.address(0, "[2001:db8::1]:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
    assert_eq!(sim.turns[0].families, [2, 0]);
    assert_eq!(errors(&sim), []);
}

/// `turn:host` and `turn:host?transport=udp`, or two names of one machine.
#[test]
fn two_urls_of_one_server_share_an_allocation_and_its_fate() {
    let mut twice = config(PASSWORD, true);
    twice.servers.push(Server {
        url: "turn:203.0.113.50?transport=udp".to_owned(),
        ..turn(PASSWORD)
    });
    let mut sim = sim(34, twice.clone(), false);
    sim.signal_all();
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(gathered_at(&sim), Some(ms(100)));
    assert_eq!(errors(&sim), []);
    assert_eq!(sim.turns[0].count(Method::ALLOCATE), 2);
    restart(&mut sim, Generation(1));
    assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
    assert_eq!(errors(&sim), []);

    let mut sim = self::sim(34, twice, false);
    sim.turns[0].refuses = Some(ErrorCode::ALLOCATION_QUOTA_REACHED);
    sim.signal_all();
    sim.run_for(20 * SECOND);
    assert_eq!(errors(&sim), [486, 486]);
}

#[test]
fn two_logins_at_one_server_are_answered_each() {
    for passwords in [["wrong", PASSWORD], [PASSWORD, "wrong"]] {
        let mut config = config(passwords[0], true);
        config.servers.push(turn(passwords[1]));
        let mut sim = sim(35, config, false);
        sim.signal_all();
        assert!(sim.run_until(3 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert!(sim.exchange_data());
        assert_eq!(errors(&sim), [401]);
    }
}

#[test]
fn foundations_are_equal_for_equal_kinds_bases_and_servers_only() {
    let mut config = config(PASSWORD, false);
    config.servers.extend([2, 3].map(|last| Server {
        host: format!("203.0.113.{last}"),
        kind: ServerKind::Stun,
        ..turn(PASSWORD)
    }));
    let mut sim = Sim::with(33, Link::default(), [config, Config::default()]);
    sim.turns.push(TurnServer::new(TURN));
    for last in [2, 3] {
        let at = format!("203.0.113.{last}:3478");
        sim.servers.push(StunServer::new(&at, Mood::Answers));
    }
    // Mappings of its own for each server.
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", true));
    sim.address(0, "10.0.0.2:1000");
    sim.address(0, "10.0.0.2:1001");
    sim.address(0, "10.0.0.3:1000");
    sim.signal_all();
    sim.run_for(2 * SECOND);
    let locals: Vec<_> = sim.peers[0].agent.local_candidates(Generation(0)).collect();
    let count = |kind| locals.iter().filter(|known| known.kind == kind).count();
    let kinds = [
        CandidateKind::Host,
        CandidateKind::ServerReflexive,
        CandidateKind::Relayed,
    ];
    // Each socket is seen by two STUN servers and by the TURN server.
    assert_eq!(kinds.map(count), [3, 9, 3]);
    let foundations: std::collections::HashSet<_> =
        locals.iter().map(|known| &known.foundation).collect();
    // Two addresses: one host, three reflexive and one relayed foundation for each.
    assert_eq!(foundations.len(), 2 * 5);
}

/// Peer 0 has two addresses, each with a relay; the binding of the better one's channel is delayed.
#[test]
fn nomination_waits_for_a_better_relay_whose_channel_is_being_bound() {
    let configs = [config(PASSWORD, true), Config::default()];
    let mut sim = Sim::with(21, Link::default(), configs);
    sim.turns.push(TurnServer::new(TURN));
    sim.address(0, "192.0.2.1:1000");
    sim.address(0, "192.0.2.2:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.peers[0].agent.end_of_local_addresses(sim.now);
    sim.run_for(SECOND);
    let best = sim.peers[0]
        .agent
        .local_candidates(Generation(0))
        .max_by_key(|candidate| candidate.priority)
        .map(|candidate| candidate.addr);
    sim.dead.insert(addr("192.0.2.1:1000").ip());
    sim.signal_all();
    sim.run_for(ms(120));
    sim.dead.clear();
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert_eq!(sim.peers[0].agent.route().map(|route| route.local), best);
    assert!(sim.agree() && sim.exchange_data());
    let nominated = sim.peers[0].agent.pairs().filter(|pair| pair.nominated);
    assert_eq!(nominated.count(), 1);
}

/// A candidate of the other end's that needs no relay comes 300 ms after the relayed one.
#[test]
fn nomination_of_a_relayed_pair_waits_for_candidates_that_may_come() {
    let stun = Server {
        url: "stun:203.0.113.100".to_owned(),
        host: "203.0.113.100".to_owned(),
        port: 3478,
        transport: RelayProtocol::Udp,
        kind: ServerKind::Stun,
    };
    let inside = Config {
        servers: vec![stun],
        ..Config::default()
    };
    let mut sim = Sim::with(22, Link::default(), [inside, config(PASSWORD, false)]);
    sim.turns.push(TurnServer::new(TURN));
    sim.servers
        .push(StunServer::new("203.0.113.100:3478", Mood::Answers));
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", false));
    sim.peers[1].trickles = false;
    sim.address(0, "10.0.0.2:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    sim.run_for(SECOND);
    assert_eq!(sim.peers[0].agent.route(), None);
    let candidates: Vec<_> = sim.peers[1]
        .agent
        .local_candidates(Generation(0))
        .cloned()
        .collect();
    for kind in [CandidateKind::Relayed, CandidateKind::Host] {
        let candidates = candidates.iter();
        for candidate in candidates.filter(|candidate| candidate.kind == kind) {
            let (now, agent) = (sim.now, &mut sim.peers[0].agent);
            agent.add_remote_candidate(now, Generation(0), candidate.clone());
        }
        sim.run_for(ms(300));
        let kind_in_use = sim.peers[0]
            .agent
            .selected_pair()
            .map(|pair| pair.remote.kind);
        assert_eq!(kind_in_use, Some(kind), "data does not wait");
    }
    let (now, agent) = (sim.now, &mut sim.peers[0].agent);
    agent.end_of_remote_candidates(now, Generation(0));
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    let nominated = sim.peers[0].agent.pairs().filter(|pair| pair.nominated);
    let kinds: Vec<_> = nominated
        .map(|pair| candidates_kind(&sim, pair.remote))
        .collect();
    assert_eq!(kinds, [CandidateKind::Host]);
}

fn candidates_kind(sim: &Sim, remote: usize) -> CandidateKind {
    let mut remotes = sim.peers[0].agent.remote_candidates(Generation(0));
    remotes.nth(remote).expect("it is paired").kind
}
