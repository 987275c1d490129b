//! Networks and peers by chance: two agents that can reach each other do, whoever they are.

use std::time::Duration;

use duologue_base::{Generation, IceRole, Protocol, Rng};
use duologue_ice::{Candidate, Config};

use crate::sim::{Link, Nat, Sim, addr, ms};

/// One network with two peers, the second of which has an address that everybody reaches.
fn network(seed: u64) -> Sim {
    let mut rng = Rng::from_u64(seed);
    let mut chance = |one_in: u32| rng.below(one_in) == 0;
    let lite = chance(6);
    // The lite one may be the one that offers, if it has a public address.
    let public = chance(3);
    let lite_peer = usize::from(!(public && chance(2)));
    let renomination = [chance(2), chance(2)];
    let configs = [0, 1].map(|peer| Config {
        lite: lite && peer == lite_peer,
        renomination: renomination[peer],
        ..Config::default()
    });
    let roles = [chance(2), chance(2)].map(|controls| match controls {
        true => IceRole::Controlling,
        false => IceRole::Controlled,
    });
    let link = Link {
        delay: ms(1 + u64::from(rng.below(80))),
        jitter: ms(u64::from(rng.below(60))),
        loss: f64::from(rng.below(15)) / 100.0,
        duplicate: f64::from(rng.below(20)) / 100.0,
    };
    let mut sim = Sim::with_roles(seed, link, configs, roles);
    // One may have heard of the other long before that one hears of it.
    sim.signalling = [0, 1].map(|_| ms(u64::from(rng.below(600)) << rng.below(4)));
    let symmetric = rng.below(2) == 1;
    if !public {
        sim.peers[0].nat = Some(Nat::new("203.0.113.7", symmetric));
        sim.peers[0].trickles = rng.below(2) == 0;
    }
    for n in 1..=1 + rng.below(3) {
        match sim.peers[0].nat {
            Some(_) => sim.address(0, &format!("10.0.0.{n}:1000")),
            None => sim.address(0, &format!("[2001:db8:1::{n}]:1000")),
        }
        sim.address(1, &format!("198.51.100.{n}:2000"));
    }
    sim.address(0, "192.0.2.1:1000");
    sim.address(1, "[2001:db8:2::1]:2000");
    for peer in 0..2 {
        for n in 0..rng.below(20) {
            let dead = Candidate {
                foundation: format!("dead{}", rng.below(4)).parse().expect("a name"),
                priority: rng.u32() >> 1,
                ..Candidate::host(addr(&format!("203.0.113.{}:9", 100 + n)), Protocol::Udp)
            };
            let (now, agent) = (sim.now, &mut sim.peers[peer].agent);
            agent.add_remote_candidate(now, Generation(0), dead);
        }
    }
    sim
}

#[test]
fn whoever_can_reach_each_other_connects_on_one_pair_with_one_controlling() {
    for seed in 0..2000 {
        let mut sim = network(seed);
        sim.signal_all();
        let connected = |sim: &Sim| {
            let roles = sim.peers.each_ref().map(|peer| peer.agent.role());
            sim.peers.iter().all(|peer| peer.is_nominated()) && roles[0] != roles[1]
        };
        let done = sim.run_until(Duration::from_secs(60), connected);
        let states = sim.peers.each_ref().map(|peer| peer.states());
        assert!(done, "seed {seed}: {states:?}");
        sim.run_for(Duration::from_secs(20));
        // Loss looks like silence now and then.
        let stays = sim.run_until(Duration::from_secs(10), |sim| {
            connected(sim) && (sim.peers[0].nat.is_some() || sim.agree())
        });
        assert!(stays && sim.data_flows(), "seed {seed}");
        for peer in &sim.peers {
            assert_eq!(peer.agent.counters().malformed, 0, "seed {seed}");
        }
    }
}
