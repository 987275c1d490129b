//! Keeping a connection: consent, silence, changing paths.

use std::time::Duration;

use duologue_base::{Generation, Protocol, SocketId};
use duologue_ice::{Candidate, Config, Event, PairState, TransportState};

use crate::sim::{Link, Nat, Sim, addr, ms};

const SECOND: Duration = Duration::from_secs(1);

fn connected(seed: u64) -> Sim {
    let mut sim = Sim::connected_by_signalling(seed, Link::default());
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    sim
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds_and_once_each_time() {
    let mut sim = connected(1);
    sim.run_for(600 * SECOND);
    for peer in &sim.peers {
        let selected = peer.agent.pairs().find(|pair| pair.selected).unwrap();
        let asked = selected.counters.consent_requests_sent;
        assert!((105..=140).contains(&asked), "{asked}");
        assert_eq!(
            selected.counters.current_round_trip_time,
            Some(ms(50)),
            "{selected:?}"
        );
        let answers = selected.counters.responses_received;
        assert_eq!(answers, asked + selected.counters.requests_sent);
        assert_eq!(
            selected.counters.total_round_trip_time,
            ms(50) * answers as u32
        );
    }
    assert!(sim.both(TransportState::Completed));
}

#[test]
fn one_lost_datagram_in_twenty_disconnects_nobody() {
    for seed in 0..20 {
        let mut sim = connected(seed);
        sim.link.loss = 0.05;
        sim.run_for(60 * SECOND);
        for peer in &sim.peers {
            let lost = peer.states().contains(&TransportState::Failed);
            assert!(!lost, "seed {seed}");
        }
    }
}

#[test]
fn a_silent_path_disconnects_and_its_return_reconnects_without_restart() {
    for seed in 0..50 {
        let mut sim = connected(seed);
        let before = sim.now;
        sim.cut = true;
        assert!(sim.run_until(15 * SECOND, |sim| sim.both(TransportState::Disconnected)));
        assert!(sim.now - before >= 6 * SECOND);
        sim.run_for(5 * SECOND);
        assert!(sim.peers.iter().all(|peer| peer.agent.may_send(sim.now)));
        sim.cut = false;
        assert!(sim.run_until(7 * SECOND, |sim| sim.both(TransportState::Completed)));
        assert!(sim.data_flows());
    }
}

#[test]
fn data_after_a_silence_has_consent_asked_for_soon() {
    for seed in 0..50 {
        let mut sim = connected(seed);
        sim.cut = true;
        assert!(sim.run_until(15 * SECOND, |sim| sim.both(TransportState::Disconnected)));
        sim.run_for(Duration::from_millis(137 * seed));
        sim.cut = false;
        assert!(sim.exchange_data());
        let before = sim.sent;
        assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
        // However much comes.
        for _ in 0..10 {
            assert!(sim.exchange_data());
        }
        assert!(sim.sent - before < 10 + 2 * 10 + 8, "seed {seed}");
    }
}

#[test]
fn thirty_seconds_without_consent_stop_sending_and_fail() {
    for seed in 0..50 {
        let mut sim = connected(seed);
        sim.cut = true;
        sim.run_for(24 * SECOND);
        assert!(sim.peers.iter().all(|peer| peer.agent.may_send(sim.now)));
        sim.run_for(7 * SECOND);
        for peer in &sim.peers {
            assert!(!peer.agent.may_send(sim.now), "seed {seed}");
            assert_eq!(peer.agent.route(), None);
            assert_eq!(
                peer.states()[3..],
                [TransportState::Disconnected, TransportState::Failed]
            );
        }
        let sent = sim.sent;
        sim.cut = false;
        sim.run_for(60 * SECOND);
        assert_eq!(sim.sent, sent, "a failed agent is silent");
        assert!(sim.both(TransportState::Failed), "failed is final");
    }
}

#[test]
fn lost_consent_is_not_final_while_candidates_may_come() {
    let mut sim = Sim::new(3, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_credentials(0);
    sim.signal_credentials(1);
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Connected)));
    sim.cut = true;
    sim.run_for(90 * SECOND);
    assert!(sim.both(TransportState::Disconnected));
    sim.cut = false;
    sim.address(1, "198.51.100.2:2000");
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Connected)));
    assert!(sim.data_flows());
}

#[test]
fn a_rebooted_nat_is_survived_on_a_new_peer_reflexive_pair() {
    let mut sim = Sim::new(4, Link::default());
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", false));
    sim.address(0, "10.0.0.2:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    let old = sim.peers[1].agent.route().unwrap().remote;
    sim.run_for(20 * SECOND);
    sim.peers[0].nat.as_mut().unwrap().reboot();
    sim.address(0, "10.0.0.3:1000");
    let socket = SocketId(0);
    let now = sim.now;
    sim.peers[0].agent.remove_local_address(now, socket);
    sim.peers[0].sockets.remove(0);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Checking);
    assert!(sim.run_until(25 * SECOND, |sim| {
        let route = sim.peers[1].agent.route();
        sim.both(TransportState::Completed) && route.is_some_and(|route| route.remote != old)
    }));
    assert!(sim.data_flows());
}

#[test]
fn an_address_that_goes_away_takes_its_pairs_along() {
    let mut sim = Sim::new(5, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(0, "192.0.2.2:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_credentials(0);
    sim.signal_credentials(1);
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Connected)));
    let used = sim.peers[0].agent.route().unwrap().socket;
    sim.peers[0].agent.remove_local_address(sim.now, used);
    let left = |pair: duologue_ice::PairStats| pair.state != PairState::Failed;
    assert!(sim.peers[0].agent.pairs().all(left));
    let now_used = sim.peers[0].agent.route().map(|route| route.socket);
    assert_ne!(now_used, Some(used));
}

#[test]
fn closing_ends_everything() {
    let mut sim = connected(6);
    sim.peers[0].agent.close(sim.now);
    sim.run_for(40 * SECOND);
    let peer = &sim.peers[0];
    assert_eq!(peer.agent.state(), TransportState::Closed);
    assert_eq!(peer.agent.route(), None);
    assert_eq!(peer.agent.poll_timeout(), None);
    assert_eq!(sim.peers[1].agent.state(), TransportState::Failed);
    let agent = &mut sim.peers[0].agent;
    agent.end_of_remote_candidates(sim.now, Generation(0));
    agent.handle_timeout(sim.now);
    assert_eq!(agent.poll_event(), None::<Event>);
}

/// One peer's address changes while the other one's stays.
fn moved(seed: u64, mover: usize) -> (Sim, Duration) {
    let mut sim = connected(seed);
    sim.run_for(20 * SECOND);
    let before = sim.now;
    sim.address(mover, "192.0.2.99:4000");
    let now = sim.now;
    sim.peers[mover]
        .agent
        .remove_local_address(now, SocketId(0));
    sim.peers[mover].sockets.remove(0);
    let done = sim.run_until(30 * SECOND, |sim| {
        let route = sim.peers[1 - mover].agent.route();
        sim.both(TransportState::Completed)
            && route.is_some_and(|route| route.remote.port() == 4000)
    });
    assert!(done, "seed {seed}, peer {mover}");
    let took = sim.now - before;
    (sim, took)
}

#[test]
fn an_address_that_changes_is_followed_within_seconds_without_a_restart() {
    for seed in 0..50 {
        for mover in 0..2 {
            let (mut sim, took) = moved(seed, mover);
            assert!(took < 4 * SECOND, "seed {seed}, peer {mover}: {took:?}");
            assert!(sim.exchange_data(), "seed {seed}, peer {mover}");
        }
    }
}

#[test]
fn addresses_that_come_after_the_end_of_gathering_are_not_signalled_unless_asked_for() {
    for gather_continually in [false, true] {
        let config = Config {
            gather_continually,
            ..Config::default()
        };
        let mut sim = Sim::with(1, Link::default(), [config, Config::default()]);
        sim.address(0, "192.0.2.1:1000");
        sim.address(1, "198.51.100.1:2000");
        sim.signal_all();
        sim.run_for(SECOND);
        sim.address(0, "192.0.2.2:1000");
        sim.run_for(SECOND);
        let events = sim.peers[0].events.iter();
        let signalled = events.filter(|(_, event)| matches!(event, Event::LocalCandidate { .. }));
        assert_eq!(signalled.count(), 1 + usize::from(gather_continually));
    }
}

#[test]
fn a_host_without_any_address_waits_thirty_seconds_for_another_one() {
    let mut sim = connected(7);
    sim.run_for(10 * SECOND);
    let now = sim.now;
    sim.peers[0].agent.remove_local_address(now, SocketId(0));
    sim.run_for(9 * SECOND);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Disconnected);
    sim.address(0, "192.0.2.99:4000");
    assert!(sim.run_until(5 * SECOND, |sim| sim.both(TransportState::Completed)));
    let now = sim.now;
    let agent = &mut sim.peers[0].agent;
    agent.remove_local_address(now, SocketId(1));
    sim.run_for(29 * SECOND);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Disconnected);
    sim.run_for(2 * SECOND);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Failed);
}

/// As when a host moves while an ICE restart is under way.
#[test]
fn a_check_to_an_address_that_went_away_keeps_no_candidate_from_being_checked() {
    let mut sim = Sim::new(1, Link::default());
    sim.signalling[1] = SECOND;
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    sim.run_for(SECOND / 2);
    sim.dead.insert(addr("192.0.2.1:1000").ip());
    sim.address(0, "192.0.2.9:1000");
    let now = sim.now;
    sim.peers[0].agent.remove_local_address(now, SocketId(0));
    assert!(sim.run_until(2 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.data_flows());
}

#[test]
fn a_candidate_that_a_check_showed_is_checked_from_every_address_once_it_is_signalled() {
    let mut sim = Sim::new(1, Link::default());
    sim.signalling[1] = SECOND;
    sim.peers[0].trickles = false;
    sim.address(0, "192.0.2.1:1000");
    sim.address(0, "192.0.2.9:1000");
    sim.address(1, "198.51.100.1:2000");
    let known = Candidate::host(addr("192.0.2.1:1000"), Protocol::Udp);
    let now = sim.now;
    sim.peers[1]
        .agent
        .add_remote_candidate(now, Generation(0), known);
    sim.signal_all();
    sim.run_for(SECOND / 2);
    sim.dead.insert(addr("192.0.2.1:1000").ip());
    assert!(sim.run_until(5 * SECOND, |sim| {
        sim.peers.iter().all(|peer| peer.is_nominated())
    }));
    assert!(sim.data_flows());
}

/// Both lists of candidates would be full four times over.
#[test]
fn a_host_that_changes_its_addresses_all_day_is_followed() {
    let mut sim = Sim::new(8, Link::default());
    let at = |n: usize| {
        [
            format!("192.0.2.{n}:1000"),
            format!("[2001:db8:1::{n}]:1000"),
        ]
    };
    let host = |sim: &mut Sim, n: usize| at(n).iter().for_each(|text| sim.address(0, text));
    host(&mut sim, 1);
    sim.address(1, "198.51.100.1:2000");
    sim.address(1, "[2001:db8:2::1]:2000");
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    for n in 2..=140 {
        sim.run_for(20 * SECOND);
        host(&mut sim, n);
        for old in 0..2 {
            let socket = SocketId(2 * (n as u32 - 2) + old);
            let now = sim.now;
            sim.peers[0].agent.remove_local_address(now, socket);
        }
        sim.dead.extend(at(n - 1).map(|old| addr(&old).ip()));
        let news = at(n).map(|new| addr(&new));
        let followed = sim.run_until(5 * SECOND, |sim| {
            let route = sim.peers[1].agent.route();
            sim.agree() && route.is_some_and(|route| news.contains(&route.remote))
        });
        assert!(followed, "change {n}");
        assert!(sim.exchange_data(), "change {n}");
    }
}

#[test]
fn a_peer_whose_nat_forgets_it_two_hundred_times_is_followed() {
    let mut sim = Sim::new(9, Link::default());
    sim.peers[0].nat = Some(Nat::new("203.0.113.7", false));
    sim.address(0, "10.0.0.2:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_all();
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    for n in 0..200 {
        // No path of before seems to be another one any more.
        sim.run_for(10 * SECOND);
        let old = sim.peers[1].agent.route().map(|route| route.remote);
        sim.peers[0].nat.as_mut().unwrap().reboot();
        // The next question of consent, and the silence of the old path.
        let followed = sim.run_until(12 * SECOND, |sim| {
            let new = sim.peers[1].agent.route().map(|route| route.remote);
            new.is_some() && new != old
        });
        assert!(followed, "time {n}");
        assert!(sim.exchange_data(), "time {n}");
    }
    // There is room for an address of its own, too.
    sim.address(0, "10.0.0.3:1000");
    let now = sim.now;
    sim.peers[0].agent.remove_local_address(now, SocketId(0));
    sim.peers[0].sockets.remove(0);
    assert!(sim.run_until(12 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.exchange_data());
}
