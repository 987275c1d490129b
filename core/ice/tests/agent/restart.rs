//! ICE restarts: the old pair carries data until the new generation has a nominated one.

use std::time::Duration;

use duologue_base::{Generation, IceCredentials};
use duologue_ice::TransportState;

use crate::sim::{Link, Sim, ms};

const SECOND: Duration = Duration::from_secs(1);
const FIRST: Generation = Generation(0);
const SECOND_GENERATION: Generation = Generation(1);

fn connected(seed: u64, link: Link) -> Sim {
    let mut sim = Sim::connected_by_signalling(seed, link);
    assert!(sim.run_until(30 * SECOND, |sim| sim.both(TransportState::Completed)));
    sim
}

fn selected_generation(sim: &Sim, peer: usize) -> Option<Generation> {
    let pair = sim.peers[peer].agent.selected_pair();
    pair.map(|pair| pair.generation)
}

#[test]
fn data_flows_in_every_moment_of_a_restart() {
    let link = Link {
        delay: ms(20),
        jitter: ms(30),
        loss: 0.1,
        duplicate: 0.1,
    };
    for seed in 0..300 {
        let mut sim = connected(seed, link);
        sim.signalling = [ms(200); 2];
        // The offerer restarts; the answerer when it hears of it; the answer commits.
        sim.restart(0, SECOND_GENERATION);
        assert_eq!(sim.peers[0].agent.state(), TransportState::Connected);
        sim.signal_credentials(0);
        for _ in 0..19 {
            sim.run_for(ms(10));
            assert!(sim.data_flows(), "seed {seed}");
        }
        sim.restart(1, SECOND_GENERATION);
        sim.signal_credentials(0);
        sim.signal_credentials(1);
        let now = sim.now;
        sim.peers[1].agent.drop_generation(now, FIRST);
        for step in 0..3000 {
            sim.run_for(ms(10));
            assert!(sim.data_flows(), "seed {seed}");
            if step == 20 {
                let now = sim.now;
                sim.peers[0].agent.drop_generation(now, FIRST);
            }
            if sim.both(TransportState::Completed) {
                break;
            }
        }
        for peer in 0..2 {
            assert_eq!(selected_generation(&sim, peer), Some(SECOND_GENERATION));
            let lost = sim.peers[peer].states()[3..].iter().any(|state| {
                !matches!(state, TransportState::Connected | TransportState::Completed)
            });
            assert!(!lost, "seed {seed}");
        }
    }
}

#[test]
fn the_old_generation_goes_when_the_new_one_is_in_use_at_both_ends() {
    let mut sim = connected(7, Link::default());
    for peer in 0..2 {
        sim.restart(peer, SECOND_GENERATION);
        sim.signal_credentials(peer);
        let now = sim.now;
        sim.peers[peer].agent.drop_generation(now, FIRST);
    }
    sim.run_for(20 * SECOND);
    for peer in &sim.peers {
        let left: Vec<Generation> = peer.agent.generations().collect();
        assert_eq!(left, [SECOND_GENERATION]);
    }
}

#[test]
fn a_rolled_back_restart_leaves_the_connection_as_it_was() {
    let mut sim = connected(1, Link::default());
    let before = sim.peers[0].agent.selected_pair();
    sim.restart(0, SECOND_GENERATION);
    sim.run_for(10 * SECOND);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Connected);
    sim.peers[0]
        .agent
        .drop_generation(sim.now, SECOND_GENERATION);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Completed);
    assert_eq!(sim.peers[0].agent.selected_pair(), before);
    sim.run_for(60 * SECOND);
    assert!(sim.both(TransportState::Completed));
    assert!(sim.data_flows());
}

/// libnice does so: its checks have the credentials of the offer and its own old ones.
#[test]
fn a_restart_that_the_other_end_only_half_takes_part_in_costs_nothing() {
    for other_knows_new in [false, true] {
        let mut sim = connected(1, Link::default());
        for generation in [1, 2].map(Generation) {
            sim.restart(0, generation);
            let agent = &sim.peers[0].agent;
            let new = agent.local_credentials(generation).expect("alive").clone();
            if other_knows_new {
                let (now, options) = (sim.now, sim.peers[1].options);
                let known: Vec<_> = sim.peers[1]
                    .agent
                    .remote_candidates(FIRST)
                    .cloned()
                    .collect();
                let other = &mut sim.peers[1].agent;
                other.set_remote_credentials(now, FIRST, new, options);
                for candidate in known {
                    let candidate = duologue_ice::Candidate {
                        ufrag: None,
                        ..candidate
                    };
                    other.add_remote_candidate(now, FIRST, candidate);
                }
            }
            sim.run_for(SECOND);
            sim.peers[0].agent.drop_generation(sim.now, generation);
            for _ in 0..60 {
                sim.run_for(SECOND);
                assert!(sim.exchange_data(), "{other_knows_new} {generation:?}");
            }
            let refused = sim.peers[0].agent.counters().unauthorized;
            assert_eq!(refused, 0);
            let left: Vec<Generation> = sim.peers[0].agent.generations().collect();
            assert_eq!(left, [FIRST]);
        }
    }
}

#[test]
fn a_rollback_after_the_new_pair_was_nominated_returns_to_the_old_one() {
    let mut sim = connected(2, Link::default());
    for peer in 0..2 {
        sim.restart(peer, SECOND_GENERATION);
        sim.signal_credentials(peer);
    }
    assert!(sim.run_until(SECOND, |sim| {
        (0..2).all(|peer| selected_generation(sim, peer) == Some(SECOND_GENERATION))
    }));
    sim.run_for(40 * SECOND);
    for peer in 0..2 {
        let now = sim.now;
        sim.peers[peer]
            .agent
            .drop_generation(now, SECOND_GENERATION);
        assert_eq!(selected_generation(&sim, peer), Some(FIRST));
    }
    assert!(sim.data_flows(), "consent for the old pair was kept fresh");
}

#[test]
fn a_restart_brings_a_failed_connection_back() {
    let mut sim = connected(3, Link::default());
    sim.cut = true;
    sim.run_for(40 * SECOND);
    assert!(sim.both(TransportState::Failed));
    sim.cut = false;
    for peer in 0..2 {
        sim.restart(peer, SECOND_GENERATION);
        sim.signal_credentials(peer);
        assert_eq!(sim.peers[peer].agent.state(), TransportState::Checking);
    }
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(sim.data_flows());
}

/// webrtc-pc §5.6.4: `checking` begins with "has received at least one remote candidate".
#[test]
fn a_restart_while_disconnected_is_checking_from_its_first_remote_candidate_on() {
    let mut sim = connected(4, Link::default());
    sim.cut = true;
    assert!(sim.run_until(15 * SECOND, |sim| sim.both(TransportState::Disconnected)));
    sim.restart(0, SECOND_GENERATION);
    sim.signal_credentials(1);
    sim.run_for(SECOND);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Disconnected);
    sim.restart(1, SECOND_GENERATION);
    sim.signal_credentials(1);
    sim.run_for(ms(1));
    assert_eq!(sim.peers[0].agent.state(), TransportState::Checking);
    let now = sim.now;
    sim.peers[0].agent.drop_generation(now, SECOND_GENERATION);
    assert_eq!(sim.peers[0].agent.state(), TransportState::Disconnected);
}

#[test]
fn a_restart_that_nobody_answers_stays_disconnected_beyond_the_loss_of_consent() {
    let mut sim = Sim::new(8, Link::default());
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "198.51.100.1:2000");
    sim.signal_credentials(0);
    sim.signal_credentials(1);
    assert!(sim.run_until(SECOND, |sim| sim.both(TransportState::Connected)));
    sim.cut = true;
    assert!(sim.run_until(15 * SECOND, |sim| sim.both(TransportState::Disconnected)));
    sim.restart(0, SECOND_GENERATION);
    sim.run_for(60 * SECOND);
    assert_eq!(sim.peers[0].agent.route(), None);
    let last = sim.peers[0].states().last().copied();
    assert_eq!(last, Some(TransportState::Disconnected));
}

#[test]
fn a_candidate_tagged_with_the_other_generations_credentials_goes_there() {
    let mut sim = connected(5, Link::default());
    for peer in 0..2 {
        sim.restart(peer, SECOND_GENERATION);
        sim.signal_credentials(peer);
    }
    sim.run_for(ms(10));
    let new = sim.peers[1]
        .agent
        .local_credentials(SECOND_GENERATION)
        .map(|credentials| credentials.ufrag.clone());
    let tagged = duologue_ice::Candidate {
        ufrag: new,
        ..duologue_ice::Candidate::host(
            crate::sim::addr("198.51.100.77:7"),
            duologue_base::Protocol::Udp,
        )
    };
    let now = sim.now;
    let agent = &mut sim.peers[0].agent;
    agent.add_remote_candidate(now, FIRST, tagged.clone());
    assert!(
        agent
            .remote_candidates(SECOND_GENERATION)
            .any(|c| *c == tagged)
    );
    assert!(!agent.remote_candidates(FIRST).any(|c| *c == tagged));
}

#[test]
fn many_restarts_keep_a_bounded_number_of_generations() {
    let mut sim = connected(6, Link::default());
    for number in 1..50 {
        sim.restart(0, Generation(number));
        sim.run_for(ms(20));
        assert!(sim.peers[0].agent.generations().count() <= 4);
        assert!(sim.data_flows());
    }
    let again = IceCredentials::generate(&mut sim.rng);
    sim.peers[0].agent.restart(sim.now, Generation(49), again);
    assert_eq!(
        sim.peers[0].agent.generations().last(),
        Some(Generation(49))
    );
}

#[test]
fn a_restart_does_not_hide_that_the_other_side_is_lost() {
    let mut sim = connected(9, Link::default());
    assert!(!sim.peers.iter().any(|peer| peer.agent.has_lost_peer()));
    sim.cut = true;
    assert!(sim.run_until(15 * SECOND, |sim| sim.both(TransportState::Disconnected)));
    for peer in 0..2 {
        sim.restart(peer, SECOND_GENERATION);
        sim.signal_credentials(peer);
    }
    for _ in 0..10 {
        sim.run_for(SECOND);
        assert!(sim.both(TransportState::Checking));
        assert!(sim.peers.iter().all(|peer| peer.agent.has_lost_peer()));
    }
    sim.cut = false;
    assert!(sim.run_until(10 * SECOND, |sim| sim.both(TransportState::Completed)));
    assert!(!sim.peers.iter().any(|peer| peer.agent.has_lost_peer()));
}
