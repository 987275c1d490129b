//! Operations in any order: nothing panics or spins, bounds hold, and an agent that is left alone
//! with a working network and fresh credentials connects.

use std::time::Duration;

use duologue_base::{Generation, IceRole, SocketId};
use duologue_ice::TransportState;

use crate::sim::{Link, Sim, ms};

/// One random operation on one random peer.
fn operate(sim: &mut Sim, newest: &mut u32) {
    let at = sim.rng.below(2) as usize;
    let now = sim.now;
    let number = Generation(sim.rng.below(*newest + 2));
    match sim.rng.below(12) {
        0 if sim.peers[at].sockets.len() < 40 => {
            let octet = sim.peers[at].sockets.len() + 10;
            let address = match sim.rng.below(2) {
                0 => format!("192.0.{at}.{octet}:1000"),
                _ => format!("[2001:db8:{at}::{octet}]:1000"),
            };
            sim.address(at, &address);
        }
        1 => {
            let socket = SocketId(sim.rng.below(40));
            sim.peers[at].agent.remove_local_address(now, socket);
        }
        2 => {
            *newest += 1;
            sim.restart(at, Generation(*newest));
        }
        3 => sim.peers[at].agent.drop_generation(now, number),
        4 => sim.signal_credentials(at),
        5 => {
            let role = match sim.rng.below(2) {
                0 => IceRole::Controlling,
                _ => IceRole::Controlled,
            };
            sim.peers[at].agent.set_role(now, role);
        }
        6 => sim.peers[at].agent.end_of_remote_candidates(now, number),
        7 => sim.peers[at].agent.end_of_local_addresses(now),
        8 => sim.cut = !sim.cut,
        9 => {
            let time = Duration::from_secs(u64::from(sim.rng.below(50)));
            sim.run_for(time);
        }
        _ => {
            let time = ms(u64::from(sim.rng.below(300)));
            sim.run_for(time);
        }
    }
}

#[test]
fn any_order_of_operations_is_survived() {
    let link = Link {
        delay: ms(15),
        jitter: ms(20),
        loss: 0.05,
        duplicate: 0.05,
    };
    for seed in 0..400 {
        let mut sim = Sim::new(seed, link);
        let mut newest = 0;
        for _ in 0..60 {
            operate(&mut sim, &mut newest);
            for peer in &sim.peers {
                assert!(peer.agent.generations().count() <= 4, "seed {seed}");
                assert!(peer.agent.pairs().count() <= 400, "seed {seed}");
                let selected = peer.agent.pairs().filter(|pair| pair.selected).count();
                let has_route = usize::from(peer.agent.route().is_some());
                assert_eq!(selected, has_route, "seed {seed}");
            }
        }
        sim.cut = false;
        for (at, address) in ["203.0.113.1:1", "198.51.100.1:1"].into_iter().enumerate() {
            let socket = SocketId(sim.peers[at].sockets.len() as u32);
            let now = sim.now;
            sim.peers[at].agent.remove_local_address(now, socket);
            sim.address(at, address);
        }
        for at in 0..2 {
            sim.restart(at, Generation(newest + 1));
        }
        sim.signal_all();
        let done = sim.run_until(Duration::from_secs(60), |sim| {
            sim.both(TransportState::Completed)
        });
        let states = sim.peers.each_ref().map(|peer| peer.agent.state());
        assert!(done, "seed {seed}: {states:?}");
        assert!(sim.data_flows(), "seed {seed}");
    }
}
