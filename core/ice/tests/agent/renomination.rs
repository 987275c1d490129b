//! Paths that get better or worse after the nomination, with renomination
//! (draft-thatcher-ice-renomination) and without it.

use std::time::Duration;

use duologue_ice::{Config, Event, RemoteOptions, TransportState};

use crate::sim::{Link, Sim, addr, ms};

const SECOND: Duration = Duration::from_secs(1);
/// The better family (RFC 8421).
const V6: [&str; 2] = ["[2001:db8::1]:1000", "[2001:db8::2]:2000"];
const V4: [&str; 2] = ["192.0.2.1:1000", "198.51.100.1:2000"];

fn config(renomination: bool) -> Config {
    Config {
        renomination,
        gather_continually: true,
        ..Config::default()
    }
}

/// Two agents with IPv4 and a nominated pair. The numbers of nominations are watched.
fn on_v4(renominate: [bool; 2]) -> Sim {
    let mut sim = Sim::with(1, Link::default(), renominate.map(config));
    sim.nominations = Some(Vec::new());
    sim.address(0, V4[0]);
    sim.address(1, V4[1]);
    sim.signal_all();
    assert!(sim.run_until(SECOND, nominated));
    sim
}

/// Two agents with both families and their credentials exchanged.
fn on_v6(seed: u64, link: Link, configs: [Config; 2]) -> Sim {
    let mut sim = Sim::with(seed, link, configs);
    for peer in 0..2 {
        sim.address(peer, V6[peer]);
        sim.address(peer, V4[peer]);
    }
    sim.signal_all();
    sim
}

fn nominated(sim: &Sim) -> bool {
    sim.peers.iter().all(|peer| peer.is_nominated())
}

fn uses_v6(sim: &Sim) -> bool {
    let uses = |peer: &crate::sim::Peer| {
        let route = peer.agent.route();
        route.is_some_and(|route| route.remote.is_ipv6())
    };
    sim.agree() && sim.peers.iter().all(uses)
}

fn uses_v4(sim: &Sim) -> bool {
    let uses = |peer: &crate::sim::Peer| {
        let route = peer.agent.route();
        route.is_some_and(|route| route.remote.is_ipv4())
    };
    sim.agree() && sim.peers.iter().all(uses)
}

fn selections(sim: &Sim, peer: usize) -> usize {
    let events = sim.peers[peer].events.iter();
    events
        .filter(|(_, event)| matches!(event, Event::SelectedPair(_)))
        .count()
}

/// The path of the better family breaks, or works again.
fn cut_v6(sim: &mut Sim, cut: bool) {
    match cut {
        true => sim.dead.insert(addr(V6[0]).ip()),
        false => sim.dead.remove(&addr(V6[0]).ip()),
    };
}

#[test]
fn a_better_pair_that_is_found_later_is_nominated_with_the_next_number() {
    let mut sim = on_v4([true, true]);
    sim.run_for(60 * SECOND);
    assert_eq!(sim.nominations, Some(vec![1]));
    let before = sim.now;
    sim.address(0, V6[0]);
    sim.address(1, V6[1]);
    assert!(sim.run_until(SECOND, |sim| uses_v6(sim) && nominated(sim)));
    // A check, the nomination, and the controlled end's own check of the pair.
    assert!(sim.now - before <= ms(160), "{:?}", sim.now - before);
    sim.run_for(60 * SECOND);
    assert_eq!(sim.nominations, Some(vec![1, 2]));
    assert!(sim.exchange_data());
    for peer in 0..2 {
        assert_eq!(selections(&sim, peer), 2);
        let states = sim.peers[peer].states();
        assert!(
            !states.contains(&TransportState::Disconnected),
            "{states:?}"
        );
    }
}

/// RFC 8445 §8.1.1: "the agent MUST NOT nominate another pair for same component of the data
/// stream within the ICE session."
#[test]
fn unless_both_ends_say_renomination_a_pair_that_answers_stays_nominated() {
    for renominate in [[false, false], [true, false], [false, true]] {
        let mut sim = on_v4(renominate);
        sim.address(0, V6[0]);
        sim.address(1, V6[1]);
        sim.run_for(60 * SECOND);
        assert!(uses_v4(&sim), "{renominate:?}");
        assert_eq!(sim.nominations, Some(Vec::new()), "{renominate:?}");
        assert_eq!(selections(&sim, 0), 1);
    }
}

#[test]
fn worse_pairs_that_are_found_later_are_not_even_checked() {
    let mut sim = on_v4([true, true]);
    let pairs = sim.peers.each_ref().map(|peer| peer.agent.pairs().count());
    sim.address(0, "192.0.2.9:1000");
    sim.run_for(SECOND);
    let after = sim.peers.each_ref().map(|peer| peer.agent.pairs().count());
    assert_eq!(after, pairs);
    assert_eq!(sim.nominations, Some(vec![1]));
}

#[test]
fn another_pair_takes_over_from_one_that_fell_silent_and_gives_way_when_it_answers_again() {
    for renomination in [true, false] {
        for seed in 0..50 {
            let configs = [config(renomination), config(renomination)];
            let mut sim = on_v6(seed, Link::default(), configs);
            sim.nominations = Some(Vec::new());
            assert!(sim.run_until(SECOND, |sim| uses_v6(sim) && nominated(sim)));
            sim.run_for(60 * SECOND);
            cut_v6(&mut sim, true);
            let moved = sim.run_until(15 * SECOND, |sim| uses_v4(sim) && nominated(sim));
            assert!(moved, "seed {seed}");
            assert!(sim.exchange_data(), "seed {seed}");
            sim.run_for(10 * SECOND);
            cut_v6(&mut sim, false);
            let back = sim.run_until(5 * SECOND, |sim| uses_v6(sim) && nominated(sim));
            assert!(back, "seed {seed}");
            sim.run_for(60 * SECOND);
            assert!(uses_v6(&sim) && sim.exchange_data(), "seed {seed}");
            let numbers = match renomination {
                true => vec![1, 2, 3],
                false => Vec::new(),
            };
            assert_eq!(sim.nominations, Some(numbers), "seed {seed}");
        }
    }
}

/// The nomination ended the checks of the other family before they were answered.
#[test]
fn when_the_only_valid_pair_falls_silent_those_that_were_not_checked_get_their_turn() {
    let slow = Link {
        delay: ms(2),
        ..Link::default()
    };
    for gather_continually in [true, false] {
        let config = Config {
            gather_continually,
            ..Config::default()
        };
        let mut sim = on_v6(1, slow, [config.clone(), config]);
        sim.dead.insert(addr(V4[0]).ip());
        assert!(sim.run_until(SECOND, nominated));
        sim.run_for(60 * SECOND);
        for peer in &sim.peers {
            assert_eq!(peer.agent.pairs().count(), 1);
        }
        sim.dead.clear();
        cut_v6(&mut sim, true);
        assert!(sim.run_until(15 * SECOND, |sim| uses_v4(sim) && nominated(sim)));
        assert!(sim.exchange_data());
        let failed = TransportState::Failed;
        assert!(
            sim.peers
                .iter()
                .all(|peer| !peer.states().contains(&failed))
        );
    }
}

#[test]
fn with_no_path_left_it_fails_when_consent_expires_however_many_pairs_there_were() {
    let mut sim = on_v6(2, Link::default(), [Config::default(), Config::default()]);
    for n in 3..9 {
        sim.address(0, &format!("192.0.2.{n}:1000"));
    }
    assert!(sim.run_until(SECOND, nominated));
    sim.run_for(60 * SECOND);
    sim.cut = true;
    sim.run_for(31 * SECOND);
    assert!(sim.both(TransportState::Failed));
    for peer in &sim.peers {
        let states = peer.states();
        let end = &states[states.len() - 2..];
        assert_eq!(end, [TransportState::Disconnected, TransportState::Failed]);
    }
}

#[test]
fn a_path_that_stays_dead_is_not_asked_for_ever() {
    let mut sim = on_v6(1, Link::default(), [config(true), config(true)]);
    assert!(sim.run_until(SECOND, |sim| uses_v6(sim) && nominated(sim)));
    cut_v6(&mut sim, true);
    sim.run_for(120 * SECOND);
    assert!(uses_v4(&sim));
    let sent = sim.sent;
    sim.run_for(600 * SECOND);
    // Consent of both ends, with answers: nothing else.
    assert!(
        (400..=560).contains(&(sim.sent - sent)),
        "{}",
        sim.sent - sent
    );
}

#[test]
fn a_lite_agent_follows_renominations() {
    let lite = Config {
        lite: true,
        ..config(true)
    };
    let mut sim = Sim::with(3, Link::default(), [config(true), lite]);
    sim.peers[1].options = RemoteOptions {
        lite: true,
        renomination: true,
        ..RemoteOptions::default()
    };
    for peer in 0..2 {
        sim.address(peer, V6[peer]);
        sim.address(peer, V4[peer]);
    }
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| uses_v6(sim) && nominated(sim)));
    sim.run_for(60 * SECOND);
    cut_v6(&mut sim, true);
    assert!(sim.run_until(15 * SECOND, |sim| uses_v4(sim) && nominated(sim)));
    assert!(sim.exchange_data());
    cut_v6(&mut sim, false);
    assert!(sim.run_until(5 * SECOND, |sim| uses_v6(sim) && nominated(sim)));
}

#[test]
fn through_loss_and_broken_paths_both_ends_come_to_the_best_pair() {
    let link = Link {
        delay: ms(10),
        jitter: ms(60),
        loss: 0.1,
        duplicate: 0.1,
    };
    for seed in 0..1000 {
        let mut sim = on_v6(seed, link, [config(true), config(true)]);
        for _ in 0..3 {
            let time = 8_000 + u64::from(sim.rng.below(12_000));
            sim.run_for(ms(time));
            cut_v6(&mut sim, true);
            let time = u64::from(sim.rng.below(12_000));
            sim.run_for(ms(time));
            cut_v6(&mut sim, false);
        }
        let best = |sim: &Sim| uses_v6(sim) && nominated(sim);
        assert!(sim.run_until(60 * SECOND, best), "seed {seed}");
        assert!(sim.data_flows(), "seed {seed}");
    }
}
