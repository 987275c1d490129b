//! What a connection survives, and how it ends when it does not.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use duologue_base::{ChannelKey, Generation, IceCredentials, Protocol, StreamId, TransportKey};
use duologue_datachannel::ChannelInit;
use duologue_dtls::{Version, Versions};
use duologue_ice::{Candidate, RemoteOptions, TransportState};
use duologue_session::{Command, SctpError, TransportCommand};
use duologue_sim::{HostId, Link, World, for_seeds, sleep_for_an_hour};

const SECOND: Duration = Duration::from_secs(1);
const STREAM: StreamId = StreamId(0);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Connects two hosts and opens a channel from the second to the first: the keys at each.
fn open_channel(world: &mut World, alice: HostId, bob: HostId) -> (ChannelKey, ChannelKey) {
    world.connect(alice, bob);
    let at_bob = world.open(bob, STREAM.0, ChannelInit::default());
    world.run_until(SECOND * 20, |world| {
        world.host(alice).channel_on(STREAM).is_some()
    });
    let at_alice = world.host(alice).channel_on(STREAM).expect("announced");
    (at_bob, at_alice)
}

fn heard(world: &World, host: HostId, key: ChannelKey) -> usize {
    world.host(host).received(key).len()
}

#[test]
fn an_ice_restart_under_traffic_loses_nothing() {
    for_seeds(10, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(millis(20)).loss(0.02));
        world.set_signalling_delay(millis(50));
        let [alice, bob] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        for round in 0..60 {
            world.send_numbered(bob, at_bob, 10_000);
            world.send_numbered(alice, at_alice, 1000);
            world.run(millis(30));
            if round == 20 {
                world.restart_ice(alice);
            }
            if round == 40 {
                world.restart_ice(bob);
            }
        }
        // Each restart selects a new pair, and DTLS and SCTP stay. The checks may be lost that the
        // last messages did not wait for.
        world.run_until(SECOND * 20, |world| {
            let all = heard(world, alice, at_alice) == 60 && heard(world, bob, at_bob) == 60;
            all && world.host(alice).selected_pairs() >= 3
        });
        assert!(world.is_connected(alice) && world.is_connected(bob));
    });
}

#[test]
fn data_waits_for_a_blocked_socket_while_consent_goes_on() {
    let mut world: World = World::new(1, Link::default().delay(millis(20)));
    let [alice, bob] = world.pair();
    let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
    world.set_blocked(bob, true);
    world.send_numbered(bob, at_bob, 10_000);
    world.run(SECOND * 40);
    assert_eq!(heard(&world, alice, at_alice), 0);
    for host in [alice, bob] {
        assert_eq!(world.host(host).ice_state(), TransportState::Completed);
    }
    world.set_blocked(bob, false);
    world.run_until(SECOND * 5, |world| heard(world, alice, at_alice) == 1);
}

/// The world fails when a timer stays in the past.
#[test]
fn timers_of_data_wait_for_a_blocked_socket() {
    let mut world: World = World::new(1, Link::default().delay(millis(20)));
    let [alice, bob] = world.pair();
    let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
    world.send_numbered(bob, at_bob, 400_000);
    world.run(millis(50));
    world.set_blocked(bob, true);
    world.run(SECOND * 10);
    assert_eq!(heard(&world, alice, at_alice), 0);
    world.set_blocked(bob, false);
    world.run_until(SECOND * 5, |world| heard(world, alice, at_alice) == 1);
}

/// aiortc and webrtcbin answer the offer of a restart with the credentials that they have. The one
/// goes on with those of both ends, the other has taken the new ones of the offer.
#[test]
fn a_restart_that_is_not_answered_by_one_costs_nothing() {
    for (seed, bob_takes_them) in [(1, false), (2, true)] {
        let link = Link::default().delay(millis(20)).loss(0.02);
        let mut world: World = World::new(seed, link);
        let [alice, bob] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        let tell = |world: &mut World, host, what| {
            world.command(host, Command::Transport(TransportKey(0), what));
        };
        let (running, offered) = (Generation(0), Generation(1));
        let new = IceCredentials::generate(world.rng());
        let (generation, local) = (offered, new.clone());
        tell(
            &mut world,
            alice,
            TransportCommand::RestartIce { generation, local },
        );
        if bob_takes_them {
            let taken = TransportCommand::SetRemoteIce {
                generation: running,
                remote: new,
                options: RemoteOptions::default(),
            };
            tell(&mut world, bob, taken);
            // What has other credentials is another agent to ours, whose candidates are to come.
            let at = SocketAddr::new(ip("198.51.100.1"), 10_000);
            let known = TransportCommand::AddRemoteCandidate {
                generation: running,
                candidate: Box::new(Candidate::host(at, Protocol::Udp)),
            };
            tell(&mut world, bob, known);
        }
        world.run(millis(200));
        let generation = offered;
        tell(
            &mut world,
            alice,
            TransportCommand::DropGeneration { generation },
        );
        for second in 1..=60 {
            world.send_numbered(bob, at_bob, 1000);
            world.send_numbered(alice, at_alice, 1000);
            world.run_until(5 * SECOND, |world| {
                heard(world, alice, at_alice) == second && heard(world, bob, at_bob) == second
            });
            world.run(SECOND);
        }
        assert!(world.is_connected(alice) && world.is_connected(bob));
    }
}

#[test]
fn a_new_address_takes_over_when_the_old_one_dies() {
    for_seeds(5, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(millis(10)));
        let wired = ip("198.51.100.30");
        let wireless = ip("198.51.100.31");
        let config = world.config();
        let alice = world.add_host(config, &[wired]);
        let [bob, _] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        world.send_numbered(bob, at_bob, 1000);
        world.run(SECOND);
        world.network().cut(wired, ip("198.51.100.1"));
        world.set_addresses(alice, &[wireless]);
        world.send_numbered(bob, at_bob, 1000);
        world.restart_ice(alice);
        world.run_until(SECOND * 20, |world| heard(world, alice, at_alice) == 2);
    });
}

/// A cable between two hosts, a switch or an access point that restarts: both see their address go
/// and come back, and neither can tell the other one anything.
#[test]
fn when_both_ends_lose_their_carrier_for_a_moment_the_connection_comes_back() {
    for (away, both) in [(300, true), (300, false), (20_000, true)] {
        for_seeds(5, |seed| {
            let mut world: World = World::new(seed, Link::default().delay(millis(10)));
            let [alice, bob] = world.pair();
            let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
            world.run(SECOND);
            world.set_addresses(alice, &[]);
            if both {
                world.run(millis(20));
                world.set_addresses(bob, &[]);
            }
            world.send_numbered(bob, at_bob, 1000);
            world.run(millis(away));
            world.set_addresses(bob, &[ip("198.51.100.2")]);
            world.run(millis(150));
            world.set_addresses(alice, &[ip("198.51.100.1")]);
            world.send_numbered(alice, at_alice, 1000);
            let patience = if away > 1000 { 60 * SECOND } else { 3 * SECOND };
            world.run_until(patience, |world| {
                heard(world, alice, at_alice) == 1 && heard(world, bob, at_bob) == 1
            });
            for host in [alice, bob] {
                world.run_until(10 * SECOND, |world| {
                    world.host(host).ice_state() == TransportState::Completed
                });
                assert_eq!(world.host(host).socket_count(), 1);
            }
            world.run(60 * SECOND);
            assert!(world.is_connected(alice) && world.is_connected(bob));
            assert_eq!(world.host(alice).socket_count(), 1);
        });
    }
}

#[test]
fn an_address_that_stays_away_is_given_up_after_thirty_seconds() {
    let mut world: World = World::new(1, Link::default());
    let [alice, bob] = world.pair();
    open_channel(&mut world, alice, bob);
    world.set_addresses(alice, &[]);
    world.run(29 * SECOND);
    assert_eq!(world.host(alice).socket_count(), 1);
    world.run(2 * SECOND);
    assert_eq!(world.host(alice).socket_count(), 0);
    assert_eq!(world.host(alice).ice_state(), TransportState::Failed);
}

/// Datagrams of a second, while a connection begins anew that had waited for an hour.
const STORM: u64 = 100;

#[test]
fn after_an_hour_of_sleep_an_ice_restart_brings_everything_back_without_a_storm() {
    for both in [false, true] {
        let burst = sleep_for_an_hour(1, both);
        assert!(
            burst <= STORM,
            "{burst} datagrams in a second, both: {both}"
        );
    }
}

#[test]
fn an_address_that_comes_and_goes_for_hours_costs_nothing() {
    let mut world: World = World::new(1, Link::default());
    let [alice, bob] = world.pair();
    let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
    for round in 1..=300 {
        world.set_addresses(alice, &[]);
        world.run(millis(300));
        world.set_addresses(alice, &[ip("198.51.100.1")]);
        world.send_numbered(bob, at_bob, 100);
        world.run_until(10 * SECOND, |world| heard(world, alice, at_alice) == round);
    }
    assert_eq!(world.host(alice).socket_count(), 1);
}

#[test]
fn a_short_partition_only_delays() {
    for_seeds(10, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(millis(10)));
        let hosts = world.pair();
        let [alice, bob] = hosts;
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        let [one, two] = [ip("198.51.100.1"), ip("198.51.100.2")];
        for _ in 0..3 {
            for _ in 0..20 {
                world.send_numbered(bob, at_bob, 5000);
            }
            world.network().cut(one, two);
            world.run(SECOND * 8);
            world.network().heal();
            world.run(SECOND * 4);
        }
        world.run_until(SECOND * 20, |world| heard(world, alice, at_alice) == 60);
    });
}

#[test]
fn an_endless_partition_fails_ice_and_stops_all_sending() {
    for_seeds(5, |seed| {
        let mut world: World = World::new(seed, Link::default());
        let [alice, bob] = world.pair();
        let (at_bob, _) = open_channel(&mut world, alice, bob);
        let [one, two] = [ip("198.51.100.1"), ip("198.51.100.2")];
        world.network().cut(one, two);
        for _ in 0..100 {
            world.send_numbered(bob, at_bob, 50_000);
        }
        world.run(SECOND * 60);
        for host in [alice, bob] {
            let state = world.host(host).ice_state();
            assert!(
                matches!(state, TransportState::Failed | TransportState::Disconnected),
                "{state:?}"
            );
        }
        // RFC 7675 §5.1: without consent nothing but checks is sent.
        let before = world.host(bob).session().counters().bytes_sent;
        world.run(SECOND * 60);
        let sent = world.host(bob).session().counters().bytes_sent - before;
        assert!(sent < 50_000, "{sent} bytes without consent");
    });
}

#[test]
fn closing_frees_everything_on_both_ends() {
    for_seeds(10, |seed| {
        let mut world: World = World::new(seed, Link::default());
        let [alice, bob] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        world.send_numbered(bob, at_bob, 500_000);
        let closer = if seed % 2 == 0 { alice } else { bob };
        let other = if seed % 2 == 0 { bob } else { alice };
        world.close(closer);
        assert_eq!(world.host(closer).socket_count(), 0);
        world.run(SECOND);
        let end = world.host(other).sctp_end();
        assert_eq!(end, Some(Some(SctpError::Aborted { cause: Some(12) })));
        let key = if other == alice { at_alice } else { at_bob };
        assert!(world.host(other).closed(key).is_some());
        world.close(other);
        assert_eq!(world.host(other).socket_count(), 0);
        // Nothing is left to do, ever.
        let sent = world.network().stats().sent;
        world.run(SECOND * 1000);
        assert_eq!(world.network().stats().sent, sent);
    });
}

/// Sends a host what an attacker may who sees the path and can forge addresses, but knows no key.
fn attack(world: &mut World, targets: &[(SocketAddr, SocketAddr)]) {
    let index = world.rng().below(targets.len() as u32) as usize;
    let (from, to) = targets[index];
    let kind = world.rng().below(4);
    let mut bytes = match kind {
        0 => {
            let mut bytes = vec![0; world.rng().below(300) as usize];
            world.rng().fill(&mut bytes);
            bytes
        }
        _ => world
            .network()
            .overheard()
            .map(|(_, _, bytes)| bytes)
            .unwrap_or_default(),
    };
    let changes = if kind == 1 { 0 } else { world.rng().below(4) };
    for _ in 0..changes {
        let len = bytes.len().max(1) as u32;
        let at = world.rng().below(len) as usize;
        let bit = world.rng().below(8);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }
    if kind == 3 {
        let len = world.rng().below(bytes.len() as u32 + 1) as usize;
        bytes.truncate(len);
    }
    let now = world.now();
    world.network().send(now, from, to, bytes);
}

#[test]
fn hostile_datagrams_never_end_a_healthy_connection() {
    for version in [Version::V12, Version::V13] {
        for_seeds(10, |seed| {
            let mut world: World = World::new(seed, Link::default().delay(millis(10)));
            world.set_dtls_versions(Versions::Only(version));
            let [alice, bob] = world.pair();
            let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
            let (from, to, _) = world.network().overheard().unwrap();
            let targets = [
                (from, to),
                (to, from),
                ("203.0.113.66:666".parse().unwrap(), to),
            ];
            for _ in 0..50 {
                world.send_numbered(bob, at_bob, 3000);
                world.send_numbered(alice, at_alice, 3000);
                for _ in 0..40 {
                    attack(&mut world, &targets);
                }
                world.run(millis(20));
            }
            world.run_until(SECOND * 20, |world| {
                heard(world, alice, at_alice) == 50 && heard(world, bob, at_bob) == 50
            });
            let counters = world.host(alice).session().counters();
            assert!(counters.stray_stun + counters.unknown_protocol > 0);
        });
    }
}

#[test]
fn hostile_datagrams_do_not_keep_a_connection_from_coming_up() {
    for_seeds(20, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(millis(10)));
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        let attacker = "203.0.113.66:666".parse().unwrap();
        let targets =
            ["198.51.100.1:10000", "198.51.100.2:10000"].map(|to| (attacker, to.parse().unwrap()));
        for _ in 0..40 {
            for _ in 0..5 {
                attack(&mut world, &targets);
            }
            world.run(millis(10));
        }
        world.run_until(SECOND * 20, |world| {
            world.is_connected(alice) && world.is_connected(bob)
        });
    });
}

#[test]
fn a_narrow_link_is_filled_without_drowning_it() {
    let rate = 1_250_000;
    let narrow = Link::default().delay(millis(20)).rate(rate, 64 << 10);
    let mut world: World = World::new(1, narrow);
    let [alice, bob] = world.pair();
    let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
    let begin = world.now();
    for _ in 0..400 {
        world.send_numbered(bob, at_bob, 32_768);
    }
    world.run_until(SECOND * 60, |world| heard(world, alice, at_alice) == 400);
    let seconds = (world.now() - begin).as_secs_f64();
    let share = 400.0 * 32_768.0 / seconds / rate as f64;
    assert!(share > 0.75, "{share:.2} of the link was used");
    let stats = world.network().stats();
    assert!(stats.lost * 10 < stats.sent, "{stats:?}");
}

#[test]
fn a_path_that_reorders_is_filled_too() {
    for_seeds(4, |seed| {
        let rate = 1_250_000;
        let link = Link::default()
            .delay(millis(20))
            .jitter(millis(5))
            .rate(rate, 64 << 10);
        let mut world: World = World::new(seed, link);
        let [alice, bob] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        let begin = world.now();
        for _ in 0..200 {
            world.send_numbered(bob, at_bob, 32_768);
        }
        world.run_until(SECOND * 60, |world| heard(world, alice, at_alice) == 200);
        let seconds = (world.now() - begin).as_secs_f64();
        let share = 200.0 * 32_768.0 / seconds / rate as f64;
        assert!(share > 0.7, "{share:.2} of the link was used");
    });
}

/// Bytes of a packet of SCTP that are known to arrive at the other end.
fn packet_size(world: &World, host: HostId) -> usize {
    let stats = world.host(host).session().sctp_stats();
    stats.expect("an association").mtu
}

#[test]
fn a_path_that_no_longer_carries_large_packets_holds_data_up_for_less_than_three_seconds() {
    for_seeds(6, |seed| {
        let delay = [1, 20, 100][seed as usize % 3];
        let link = Link::default()
            .delay(millis(delay))
            .rate(6_250_000, 256 << 10);
        let mut world: World = World::new(seed, link.clone().mtu(9_000));
        let [alice, bob] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        for _ in 0..60 {
            world.send_numbered(bob, at_bob, 100_000);
        }
        world.run_until(SECOND * 20, |world| heard(world, alice, at_alice) >= 20);
        assert_eq!(packet_size(&world, bob), 8_808, "seed {seed}");

        world.network().set_default(link.mtu(1_280));
        let (mut known, mut since) = (heard(&world, alice, at_alice), world.now());
        while known < 60 {
            world.run(millis(10));
            let now = heard(&world, alice, at_alice);
            if now > known {
                (known, since) = (now, world.now());
            }
            assert!(world.now() - since < SECOND * 3, "seed {seed}: {known}");
        }
        assert_eq!(packet_size(&world, bob), 1_188, "seed {seed}");
    });
}

#[test]
fn packets_begin_small_on_another_pair() {
    for_seeds(4, |seed| {
        let wide = Link::default().delay(millis(10)).mtu(9_000);
        let mut world: World = World::new(seed, wide.clone());
        let [alice, bob] = world.pair();
        let (at_bob, at_alice) = open_channel(&mut world, alice, bob);
        for _ in 0..20 {
            world.send_numbered(bob, at_bob, 100_000);
        }
        world.run_until(SECOND * 20, |world| heard(world, alice, at_alice) == 20);
        assert_eq!(packet_size(&world, bob), 8_808, "seed {seed}");

        // The other end goes to a network that carries no more than it must.
        world.network().set_default(wide.mtu(1_280));
        world.set_addresses(alice, &[ip("198.51.100.77")]);
        world.restart_ice(alice);
        world.run(SECOND * 2);
        world.send_numbered(bob, at_bob, 100);
        world.run(SECOND);
        assert_eq!(packet_size(&world, bob), 1_188, "seed {seed}");
        for _ in 0..20 {
            world.send_numbered(bob, at_bob, 100_000);
        }
        world.run_until(SECOND * 20, |world| heard(world, alice, at_alice) == 41);
        let sent = world
            .host(bob)
            .session()
            .sctp_stats()
            .expect("an association");
        assert_eq!(
            sent.chunks_retransmitted, 0,
            "seed {seed}: nothing was sent in vain"
        );
    });
}
