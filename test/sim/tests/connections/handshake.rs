//! Who may speak before a handshake has keys, and that nobody else is listened to.

use std::net::SocketAddr;
use std::time::Duration;

use duologue_base::{DtlsRole, Instant, Rng, StreamId, WallClock};
use duologue_datachannel::ChannelInit;
use duologue_dtls::{Context, Transport, Version, Versions};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_sim::{HostId, Link, World, for_seeds};

const SECOND: Duration = Duration::from_secs(1);
const OFFERER: &str = "198.51.100.1:10000";
const ANSWERER: &str = "198.51.100.2:10000";
const STRANGER: &str = "203.0.113.66:666";

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A whole ClientHello of somebody who goes no further.
fn client_hello(version: Version) -> Vec<u8> {
    let mut rng = Rng::from_u64(1);
    let day = Duration::from_secs(86_400);
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    let certificate = Certificate::generate(KeygenAlgorithm::EcdsaP256, now, day, &mut rng);
    let context = Context::new().expect("the library works");
    let context = context.with_versions(Versions::Only(version));
    let mut client = Transport::new(context, certificate.expect("a key"));
    client.start(Instant::ZERO, DtlsRole::Client, Vec::new());
    let mut hello = Vec::new();
    assert!(client.poll_datagram(&mut hello));
    hello
}

/// What may be sent without knowing anything but addresses.
fn forgeries(rng: &mut Rng) -> Vec<Vec<u8>> {
    let junk = |first: u8, rng: &mut Rng| {
        let mut bytes = vec![0; 20 + rng.below(300) as usize];
        rng.fill(&mut bytes);
        bytes[0] = first;
        bytes
    };
    let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    let mut hello_of_junk = junk(22, rng);
    hello_of_junk[1..5].copy_from_slice(&[0xfe, 0xfd, 0, 0]);
    hello_of_junk[13] = 1;
    vec![
        client_hello(Version::V12),
        client_hello(Version::V13),
        alert.to_vec(),
        hello_of_junk,
        junk(22, rng),
        junk(20 + rng.below(44) as u8, rng),
        junk(128, rng),
    ]
}

/// Two hosts whose signalling takes 300 ms each way: the answer is at the offerer after 600.
fn begin(seed: u64, versions: Versions) -> (World, [HostId; 2]) {
    let mut world: World = World::new(seed, Link::default().delay(millis(10)));
    world.set_signalling_delay(millis(300));
    world.set_dtls_versions(versions);
    let hosts = world.pair();
    world.connect(hosts[0], hosts[1]);
    (world, hosts)
}

fn inject(world: &mut World, from: &str, to: &str, datagrams: &[Vec<u8>]) {
    let now = world.now();
    for datagram in datagrams {
        let network = world.network();
        network.send(now, addr(from), addr(to), datagram.clone());
    }
}

/// Both ends connect, and a message of each arrives.
fn connects(world: &mut World, [offerer, answerer]: [HostId; 2]) {
    let stream = StreamId(0);
    let at_answerer = world.open(answerer, stream.0, ChannelInit::default());
    world.run_until(SECOND * 20, |world| {
        world.host(offerer).channel_on(stream).is_some()
    });
    let at_offerer = world.host(offerer).channel_on(stream).expect("announced");
    world.send_numbered(answerer, at_answerer, 10_000);
    world.send_numbered(offerer, at_offerer, 10_000);
    world.run_until(SECOND * 5, |world| {
        world.host(offerer).received(at_offerer).len() == 1
            && world.host(answerer).received(at_answerer).len() == 1
    });
}

const VERSIONS: [Versions; 3] = [
    Versions::Both,
    Versions::Only(Version::V12),
    Versions::Only(Version::V13),
];

#[test]
fn a_strangers_datagrams_before_the_answer_do_nothing_to_a_connection() {
    for versions in VERSIONS {
        for_seeds(3, |seed| {
            let (mut world, hosts) = begin(seed, versions);
            let forgeries = forgeries(world.rng());
            for moment in [50, 200, 200, 140] {
                world.run(millis(moment));
                inject(&mut world, STRANGER, OFFERER, &forgeries);
                inject(&mut world, STRANGER, ANSWERER, &forgeries);
            }
            // The answer is not there yet: nothing but the handshake itself takes its time.
            world.run(millis(150));
            assert!(
                hosts
                    .iter()
                    .all(|host| world.host(*host).is_dtls_connected())
            );
            assert!(world.host(hosts[0]).session().counters().unknown_source >= 4);
            connects(&mut world, hosts);
        });
    }
}

#[test]
fn a_flood_of_a_strangers_hellos_does_not_push_out_the_real_one() {
    for_seeds(3, |seed| {
        let (mut world, hosts) = begin(seed, Versions::Both);
        let hellos = [client_hello(Version::V12), client_hello(Version::V13)];
        for _ in 0..600 {
            world.run(millis(1));
            inject(&mut world, STRANGER, OFFERER, &hellos);
        }
        world.run(millis(150));
        assert!(
            hosts
                .iter()
                .all(|host| world.host(*host).is_dtls_connected())
        );
        connects(&mut world, hosts);
    });
}

#[test]
fn datagrams_in_the_name_of_a_candidate_before_the_answer_cost_time_at_most() {
    for versions in VERSIONS {
        // Before the first check from there, after it, and when the answer is about to come.
        for moment in [50, 400, 590] {
            for_seeds(2, |seed| {
                let count = forgeries(&mut Rng::from_u64(seed)).len();
                for at in 0..count {
                    let (mut world, hosts) = begin(seed, versions);
                    let forgeries = forgeries(world.rng());
                    world.run(millis(moment));
                    inject(&mut world, ANSWERER, OFFERER, &forgeries[at..=at]);
                    connects(&mut world, hosts);
                }
            });
        }
    }
}

#[test]
fn one_datagram_in_the_name_of_a_candidate_during_the_handshake_costs_time_at_most() {
    for versions in VERSIONS {
        for moment in 60..68 {
            let count = forgeries(&mut Rng::from_u64(1)).len();
            for at in 0..count {
                for (from, to) in [(ANSWERER, OFFERER), (OFFERER, ANSWERER)] {
                    let (mut world, hosts) = begin(moment, versions);
                    let forgeries = forgeries(world.rng());
                    world.run(millis(moment * 10));
                    inject(&mut world, from, to, &forgeries[at..=at]);
                    connects(&mut world, hosts);
                }
            }
        }
    }
}
