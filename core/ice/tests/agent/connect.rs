//! Connecting: how fast, in which states, on which pair.

use std::time::Duration;

use crate::sim::{Link, Nat, Sim, addr, ms};
use duologue_base::{Generation, IceCredentials, IceRole, Protocol};
use duologue_ice::{Candidate, CandidateKind, Config, Event, RemoteOptions, TransportState};

#[test]
fn a_clean_path_connects_in_one_round_trip_and_completes_in_two() {
    let mut sim = Sim::connected_by_signalling(1, Link::default());
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
    for peer in &sim.peers {
        assert_eq!(
            peer.states(),
            [
                TransportState::Checking,
                TransportState::Connected,
                TransportState::Completed
            ]
        );
        assert_eq!(peer.when(TransportState::Connected), Some(ms(50)));
        assert!(peer.when(TransportState::Completed) <= Some(ms(100)));
    }
    assert!(sim.data_flows());
}

#[test]
fn thirty_dead_candidates_do_not_hold_up_the_good_one() {
    for dead_at in [vec![0], vec![1], vec![0, 1]] {
        let mut sim = Sim::new(2, Link::default());
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "198.51.100.1:2000");
        for &peer in &dead_at {
            for n in 0..30 {
                let dead = Candidate {
                    foundation: format!("dead{n}").parse().unwrap(),
                    priority: u32::MAX >> 1,
                    ..Candidate::host(addr(&format!("203.0.113.{n}:9")), Protocol::Udp)
                };
                let now = sim.now;
                let agent = &mut sim.peers[peer].agent;
                agent.add_remote_candidate(now, Generation(0), dead);
            }
        }
        sim.signal_all();
        assert!(sim.run_until(ms(600), |sim| sim.both(TransportState::Completed)));
        let connected = sim.peers[0].when(TransportState::Connected);
        assert!(connected <= Some(ms(360)), "{connected:?} {dead_at:?}");
    }
}

/// RFC 8839 §5.7
#[test]
fn checks_keep_the_distance_that_the_other_end_asks_for() {
    for (asked, distance) in [
        (None, ms(10)),
        (Some(ms(100)), ms(100)),
        (Some(ms(1)), ms(10)),
    ] {
        let mut sim = Sim::new(4, Link::default());
        sim.address(0, "192.0.2.1:1000");
        let (mut now, remote) = (sim.now, IceCredentials::generate(&mut sim.rng));
        let agent = &mut sim.peers[0].agent;
        for n in 0..5 {
            let other = Candidate {
                foundation: format!("f{n}").parse().unwrap(),
                ..Candidate::host(addr(&format!("203.0.113.{n}:9")), Protocol::Udp)
            };
            agent.add_remote_candidate(now, Generation(0), other);
        }
        let options = RemoteOptions {
            pacing: asked,
            ..RemoteOptions::default()
        };
        agent.set_remote_credentials(now, Generation(0), remote, options);
        let mut checked = std::collections::BTreeMap::new();
        let end = now + ms(800);
        while now < end {
            agent.handle_timeout(now);
            while let Some(check) = agent.poll_transmit(now, &mut Vec::new()) {
                checked.entry(check.remote).or_insert(now);
            }
            now += ms(1);
        }
        let mut times: Vec<_> = checked.into_values().collect();
        times.sort();
        let distances: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(distances, [distance; 4], "{asked:?}");
    }
}

#[test]
fn dead_candidates_of_one_foundation_do_not_hold_it_up_either() {
    let mut sim = Sim::new(3, Link::default());
    sim.address(0, "192.0.2.1:1000");
    // The other side knows nothing of us and checks nothing: only our own order counts.
    sim.peers[0].trickles = false;
    sim.address(1, "198.51.100.1:2000");
    for n in 0..10 {
        let now = sim.now;
        let dead = Candidate::host(addr(&format!("203.0.113.{n}:9")), Protocol::Udp);
        sim.peers[0]
            .agent
            .add_remote_candidate(now, Generation(0), dead);
    }
    let now = sim.now;
    let good = Candidate {
        priority: 1,
        ..Candidate::host(addr("198.51.100.1:2000"), Protocol::Udp)
    };
    let remote = sim.peers[1]
        .agent
        .local_credentials(Generation(0))
        .unwrap()
        .clone();
    let agent = &mut sim.peers[0].agent;
    agent.add_remote_candidate(now, Generation(0), good);
    agent.set_remote_credentials(now, Generation(0), remote, RemoteOptions::default());
    let has_path = |sim: &Sim| sim.peers[0].agent.route().is_some();
    assert!(sim.run_until(ms(800), has_path));
}

#[test]
fn every_seed_connects_through_loss_reordering_and_duplicates() {
    let link = Link {
        delay: ms(10),
        jitter: ms(60),
        loss: 0.2,
        duplicate: 0.2,
    };
    for seed in 0..2000 {
        let mut sim = Sim::new(seed, link);
        sim.address(0, "192.0.2.1:1000");
        sim.address(0, "[2001:db8::1]:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.address(1, "[2001:db8::2]:2000");
        sim.signal_all();
        // A nomination takes 31.5 s if its first six requests or their answers are lost.
        let done = sim.run_until(ms(45_000), |sim| {
            sim.both(TransportState::Completed) && sim.peers.iter().all(|p| p.is_nominated())
        });
        assert!(
            done,
            "seed {seed}: {:?}",
            sim.peers.each_ref().map(|p| p.states())
        );
        assert!(sim.data_flows(), "seed {seed}");
        let routes = sim.peers.each_ref().map(|peer| peer.agent.route().unwrap());
        assert_eq!(routes[0].local, routes[1].remote, "seed {seed}");
        assert_eq!(routes[1].local, routes[0].remote, "seed {seed}");
    }
}

#[test]
fn the_better_family_is_nominated_when_both_work() {
    let mut sim = Sim::new(4, Link::default());
    for (peer, v4, v6) in [
        (0, "192.0.2.1:1", "[2001:db8::1]:1"),
        (1, "198.51.100.1:1", "[2001:db8::2]:1"),
    ] {
        sim.address(peer, v4);
        sim.address(peer, v6);
    }
    sim.signal_all();
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
    for peer in &sim.peers {
        assert!(peer.agent.route().unwrap().remote.is_ipv6());
        assert!(peer.when(TransportState::Completed) <= Some(ms(120)));
    }
}

#[test]
fn two_agents_of_one_role_settle_who_controls() {
    for seed in 0..200 {
        for role in [IceRole::Controlling, IceRole::Controlled] {
            let configs = [Config::default(), Config::default()];
            let mut sim = Sim::with_roles(seed, Link::default(), configs, [role, role]);
            sim.address(0, "192.0.2.1:1000");
            sim.address(1, "198.51.100.1:2000");
            sim.signal_all();
            let done = sim.run_until(ms(2000), |sim| sim.both(TransportState::Completed));
            assert!(done, "seed {seed}");
            let roles = sim.peers.each_ref().map(|peer| peer.agent.role());
            assert_ne!(roles[0], roles[1], "seed {seed}");
            let told = |event: &Event| matches!(event, Event::Role(_));
            let changes: usize = sim
                .peers
                .iter()
                .map(|peer| peer.events.iter().filter(|(_, e)| told(e)).count())
                .sum();
            assert_eq!(changes, 1, "seed {seed}");
        }
    }
}

#[test]
fn a_peer_behind_a_nat_is_found_as_a_peer_reflexive_candidate() {
    for symmetric in [false, true] {
        let mut sim = Sim::new(5, Link::default());
        sim.peers[0].nat = Some(Nat::new("203.0.113.7", symmetric));
        sim.address(0, "10.0.0.2:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.signal_all();
        assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
        assert!(sim.data_flows());
        let [inside, outside] = sim
            .peers
            .each_ref()
            .map(|p| p.agent.selected_pair().unwrap());
        assert_eq!(outside.remote.kind, CandidateKind::PeerReflexive);
        assert_eq!(inside.local.kind, CandidateKind::PeerReflexive);
        assert_eq!(inside.local.related, Some(addr("10.0.0.2:1000")));
        assert_eq!(inside.local.addr, outside.remote.addr);
    }
}

#[test]
fn checks_before_the_answer_are_answered_and_followed() {
    let mut sim = Sim::new(6, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    // The answerer knows the offer; its answer takes 500 ms. Its checks reach the offerer first.
    sim.signal_credentials(0);
    sim.peers[0].agent.end_of_local_addresses(sim.now);
    sim.run_for(ms(400));
    assert_eq!(sim.peers[0].agent.state(), TransportState::New);
    sim.peers[1].trickles = false;
    sim.signal_credentials(1);
    sim.peers[1].agent.end_of_local_addresses(sim.now);
    let answered = sim.now;
    assert!(sim.run_until(ms(1000), |sim| sim.peers[0].is_nominated()));
    assert!(sim.now - answered <= ms(110), "{:?}", sim.now - answered);
}

#[test]
fn remote_candidates_may_come_before_the_credentials_they_go_with() {
    let mut sim = Sim::new(7, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    let late = Candidate {
        ufrag: Some("stale".to_owned()),
        ..Candidate::host(addr("203.0.113.1:1"), Protocol::Udp)
    };
    sim.peers[0]
        .agent
        .add_remote_candidate(sim.now, Generation(0), late);
    sim.run_for(ms(200));
    assert_eq!(sim.peers[0].agent.pairs().count(), 0);
    sim.signal_all();
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
    let remotes = sim.peers[0].agent.remote_candidates(Generation(0)).count();
    assert_eq!(remotes, 1, "the candidate of other credentials is left out");
}

#[test]
fn a_lite_agent_answers_and_follows() {
    let lite = Config {
        lite: true,
        ..Config::default()
    };
    let mut sim = Sim::with(8, Link::default(), [Config::default(), lite]);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(ms(200), |sim| sim.both(TransportState::Completed)));
    sim.run_for(Duration::from_secs(120));
    assert!(sim.both(TransportState::Completed));
    assert!(sim.data_flows());
    sim.cut = true;
    sim.run_for(Duration::from_secs(40));
    assert!(sim.both(TransportState::Failed));
}

#[test]
fn a_full_agent_controls_a_lite_one() {
    let mut sim = Sim::with_roles(
        9,
        Link::default(),
        [Config::default(), Config::default()],
        [IceRole::Controlled, IceRole::Controlled],
    );
    let remote = IceCredentials::generate(&mut sim.rng);
    let now = sim.now;
    let agent = &mut sim.peers[0].agent;
    let lite = RemoteOptions {
        lite: true,
        ..RemoteOptions::default()
    };
    agent.set_remote_credentials(now, Generation(0), remote, lite);
    assert_eq!(agent.role(), IceRole::Controlling);
    let events = std::iter::from_fn(|| agent.poll_event());
    assert!(
        events
            .into_iter()
            .any(|e| e == Event::Role(IceRole::Controlling))
    );
}

#[test]
fn a_lite_agent_that_offers_is_controlled() {
    let lite = Config {
        lite: true,
        ..Config::default()
    };
    let roles = [IceRole::Controlling, IceRole::Controlled];
    let mut sim = Sim::with_roles(11, Link::default(), [lite, Config::default()], roles);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(ms(200), |sim| sim.both(TransportState::Completed)));
    let roles = sim.peers.each_ref().map(|peer| peer.agent.role());
    assert_eq!(roles, [IceRole::Controlled, IceRole::Controlling]);
    assert!(sim.data_flows());
}

/// Its answer is on the way, and the other side's checks are faster.
#[test]
fn a_lite_agent_that_offers_is_found_by_checks_that_overtake_the_answer() {
    for late in [20, 50, 200, 2_000] {
        let lite = Config {
            lite: true,
            ..Config::default()
        };
        let roles = [IceRole::Controlling, IceRole::Controlled];
        let mut sim = Sim::with_roles(11, Link::default(), [lite, Config::default()], roles);
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "198.51.100.1:2000");
        for peer in &mut sim.peers {
            peer.agent.end_of_local_addresses(sim.now);
        }
        sim.signal_credentials(0);
        sim.run_for(ms(late));
        assert_eq!(sim.peers[1].agent.role(), IceRole::Controlling);
        sim.signal_credentials(1);
        assert!(
            sim.run_until(ms(300), |sim| sim.both(TransportState::Completed)),
            "an answer after {late} ms"
        );
        assert!(sim.data_flows());
    }
}

#[test]
fn nothing_to_connect_to_fails_after_patience_and_no_address_at_once() {
    let mut sim = Sim::new(10, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.signal_all();
    sim.run_for(ms(39_400));
    assert_ne!(sim.peers[0].agent.state(), TransportState::Failed);
    assert_eq!(
        sim.peers[1].when(TransportState::Failed),
        Some(Duration::ZERO)
    );
    sim.run_for(ms(200));
    assert_eq!(sim.peers[0].agent.state(), TransportState::Failed);
}

/// RFC 8863 §4: an agent with nothing to check waits for the other side's checks.
#[test]
fn a_check_that_comes_within_the_patience_connects() {
    let mut sim = Sim::new(13, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    for peer in &mut sim.peers {
        peer.trickles = false;
    }
    sim.signal_all();
    let agent = &mut sim.peers[0].agent;
    agent.end_of_remote_candidates(sim.now, Generation(0));
    sim.run_for(ms(35_000));
    assert_ne!(sim.peers[0].agent.state(), TransportState::Failed);
    let late = Candidate::host(addr("192.0.2.1:1000"), Protocol::Udp);
    let now = sim.now;
    let agent = &mut sim.peers[1].agent;
    agent.add_remote_candidate(now, Generation(0), late);
    agent.end_of_remote_candidates(now, Generation(0));
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
}

#[test]
fn failed_pairs_leave_the_transport_disconnected_while_candidates_may_come() {
    let mut sim = Sim::new(11, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_credentials(0);
    sim.signal_credentials(1);
    sim.cut = true;
    sim.run_for(ms(45_000));
    assert!(sim.both(TransportState::Disconnected));
    sim.cut = false;
    // "disconnected, new local candidates: checking"
    sim.address(0, "192.0.2.9:1000");
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Connected)));
    sim.signal_all();
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
}

#[test]
fn loopback_is_used_when_allowed_and_only_then() {
    for loopback in [false, true] {
        let config = Config {
            loopback,
            ..Config::default()
        };
        let mut sim = Sim::with(12, Link::default(), [config.clone(), config]);
        sim.address(0, "127.0.0.1:1000");
        sim.address(1, "[::1]:2000");
        sim.address(1, "127.0.0.1:2000");
        sim.signal_all();
        let done = sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed));
        assert_eq!(done, loopback);
    }
}

#[test]
fn an_end_on_loopback_alone_is_reached_from_another_address_of_its_host_by_udp() {
    let config = Config {
        loopback: true,
        ..Config::default()
    };
    let mut sim = Sim::with(12, Link::default(), [Config::default(), config]);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "127.0.0.1:2000");
    sim.signal_all();
    // RFC 8445 §7.3.1.4: the end on loopback makes a pair of what a check shows to work.
    assert!(sim.run_until(ms(1000), |sim| sim.both(TransportState::Completed)));
}

#[test]
fn who_gathers_from_loopback_reaches_loopback_from_there_alone() {
    let config = Config {
        loopback: true,
        ..Config::default()
    };
    let mut sim = Sim::with(12, Link::default(), [config.clone(), config]);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "127.0.0.1:2000");
    sim.signal_all();
    sim.run_for(ms(100));
    assert!(sim.peers.iter().all(|peer| peer.agent.pairs().count() == 0));
}

#[test]
fn two_agents_of_one_role_settle_who_controls_through_loss_and_reordering() {
    let link = Link {
        delay: ms(10),
        jitter: ms(60),
        loss: 0.2,
        duplicate: 0.2,
    };
    for seed in 0..1000 {
        let role = [IceRole::Controlling, IceRole::Controlled][seed as usize % 2];
        let configs = [Config::default(), Config::default()];
        let mut sim = Sim::with_roles(seed, link, configs, [role, role]);
        sim.address(0, "192.0.2.1:1000");
        sim.address(0, "[2001:db8::1]:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.address(1, "[2001:db8::2]:2000");
        sim.signal_all();
        let done = sim.run_until(ms(60_000), |sim| {
            let roles = sim.peers.each_ref().map(|peer| peer.agent.role());
            sim.both(TransportState::Completed) && roles[0] != roles[1]
        });
        assert!(done, "seed {seed}");
        assert!(sim.data_flows(), "seed {seed}");
    }
}

/// Neither of them checks, so neither gets the other one's consent, without which a WebRTC
/// endpoint sends nothing (RFC 7675 §5.1, RFC 8835 §3.4).
#[test]
fn two_lite_agents_send_nothing_and_fail() {
    let lite = Config {
        lite: true,
        ..Config::default()
    };
    let mut sim = Sim::with(10, Link::default(), [lite.clone(), lite]);
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    sim.run_for(Duration::from_secs(40));
    assert!(sim.both(TransportState::Failed));
    assert_eq!(sim.sent, 0);
}
