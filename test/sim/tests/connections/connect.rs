//! Connections come up, and fail when they must.

use std::time::Duration;

use duologue_dtls::{DtlsError, Version, Versions};
use duologue_session::DtlsReport;
use duologue_sim::{Burst, HostId, Link, NatKind, World, for_seeds};

const SECOND: Duration = Duration::from_secs(1);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn dtls_is_up(hosts: [HostId; 2]) -> impl Fn(&World) -> bool {
    move |world| {
        hosts
            .iter()
            .all(|&host| world.host(host).is_dtls_connected())
    }
}

#[test]
fn a_perfect_network_connects_dtls_within_a_few_round_trips() {
    for_seeds(20, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(millis(20)));
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        world.run_until(millis(250), dtls_is_up([alice, bob]));
    });
}

#[test]
fn a_clean_path_takes_three_round_trips_at_most_from_the_candidates_to_dtls() {
    let round_trip = millis(50);
    for_seeds(20, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(round_trip / 2));
        world.set_dtls_versions(Versions::Only(Version::V13));
        let hosts = world.pair();
        // Signalling takes no time here: both have the candidates at once.
        world.connect(hosts[0], hosts[1]);
        let begun = world.now();
        world.run_until(SECOND, dtls_is_up(hosts));
        let time = world.now() - begun;
        // The path is known after one, the handshake takes one and a half.
        assert!(time <= round_trip * 3, "{time:?}");
        assert!(
            hosts
                .iter()
                .all(|&host| world.host(host).is_dtls_connected())
        );
    });
}

#[test]
fn both_versions_of_dtls_connect() {
    for version in [Version::V12, Version::V13] {
        let mut world: World = World::new(1, Link::default());
        world.set_dtls_versions(Versions::Only(version));
        let hosts = world.pair();
        world.connect(hosts[0], hosts[1]);
        world.run_until(SECOND, dtls_is_up(hosts));
        let agreed = |host: HostId| match world.host(host).dtls_report() {
            Some(DtlsReport::Connected { version, .. }) => Some(*version),
            _ => None,
        };
        assert_eq!(hosts.map(agreed), [Some(version); 2]);
    }
}

#[test]
fn slow_signalling_does_not_matter() {
    for_seeds(20, |seed| {
        let mut world: World = World::new(seed, Link::default().delay(millis(5)));
        world.set_signalling_delay(millis(700));
        let hosts = world.pair();
        world.connect(hosts[0], hosts[1]);
        world.run_until(millis(1600), dtls_is_up(hosts));
    });
}

#[test]
fn a_lossy_network_connects() {
    for_seeds(40, |seed| {
        let link = Link::default().delay(millis(20)).loss(0.3);
        let mut world: World = World::new(seed, link.jitter(millis(20)).duplicate(0.05));
        let hosts = world.pair();
        world.connect(hosts[0], hosts[1]);
        world.run_until(SECOND * 20, dtls_is_up(hosts));
    });
}

#[test]
fn a_network_that_fails_in_bursts_connects() {
    for_seeds(20, |seed| {
        let burst = Burst {
            enter: 0.1,
            leave: 0.3,
        };
        let mut world: World = World::new(seed, Link::default().delay(millis(30)).burst(burst));
        let hosts = world.pair();
        world.connect(hosts[0], hosts[1]);
        world.run_until(SECOND * 20, dtls_is_up(hosts));
    });
}

#[test]
fn an_end_behind_a_nat_connects_through_its_public_address() {
    for kind in [
        NatKind::EndpointIndependent,
        NatKind::PortRestricted,
        NatKind::Symmetric,
    ] {
        for_seeds(5, |seed| {
            let mut world: World = World::new(seed, Link::default());
            let [private, public] = ["192.168.1.2", "203.0.113.9"].map(|ip| ip.parse().unwrap());
            world.network().add_nat(kind, public, &[private]);
            let config = world.config();
            let alice = world.add_host(config, &[private]);
            let [bob, _] = world.pair();
            world.connect(alice, bob);
            world.run_until(SECOND * 5, dtls_is_up([alice, bob]));
        });
    }
}

#[test]
fn a_wrong_fingerprint_fails_and_passes_no_byte() {
    for forged in 0..2 {
        for versions in [Version::V12, Version::V13].map(Versions::Only) {
            let mut world: World = World::new(forged as u64, Link::default());
            world.set_dtls_versions(versions);
            let hosts = world.pair();
            world.forge_fingerprint_of(hosts[forged]);
            world.connect(hosts[0], hosts[1]);
            world.run(SECOND * 10);
            let deceived = world.host(hosts[1 - forged]);
            assert!(
                matches!(
                    deceived.dtls_report(),
                    Some(DtlsReport::Failed {
                        error: DtlsError::FingerprintMismatch { .. }
                    })
                ),
                "{:?}",
                deceived.dtls_report()
            );
            // The world itself checks that no channel lives.
            assert!(!world.is_connected(hosts[0]) && !world.is_connected(hosts[1]));
            assert!(!world.host(hosts[forged]).is_dtls_connected());
        }
    }
}
