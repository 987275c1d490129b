//! How many round trips lie between the arrival of an answer and an open channel, and what takes one
//! away: the DTLS handshake inside of checks (draft-hancke-webrtc-sped), and SCTP set up by the
//! descriptions (draft-hancke-tsvwg-snap).

use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, TransportKey};
use duologue_dtls::{Version, Versions};
use duologue_peer::{DataChannelInit, DtlsTransportState, Message};
use duologue_sim::{HostId, Link, Peer, Speed, World, for_seeds};

const ONE_WAY: Duration = Duration::from_millis(50);
const SIGNALLING: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
const V12: Versions = Versions::Only(Version::V12);
const V13: Versions = Versions::Only(Version::V13);

const NEITHER: Speed = Speed {
    sped: false,
    snap: false,
    answers: true,
    lite: false,
};
const SPED: Speed = Speed {
    sped: true,
    ..NEITHER
};
const SNAP: Speed = Speed {
    snap: true,
    ..NEITHER
};
const BOTH: Speed = Speed { snap: true, ..SPED };
/// Knows nothing of the second draft.
const OLD: Speed = Speed {
    answers: false,
    ..NEITHER
};

/// Halves of a round trip from the answer's arrival, rounded, at the offerer and the answerer.
#[derive(Debug, Eq, PartialEq)]
struct Halves {
    /// DTLS is connected: there are keys for SRTP.
    keys: [u32; 2],
    /// The channel is open.
    open: [u32; 2],
}

type Peers = World<Peer>;

fn pair(
    seed: u64,
    link: Link,
    post_quantum: bool,
    versions: Versions,
    speed: [Speed; 2],
) -> (Peers, [HostId; 2]) {
    let mut world = Peers::new(seed, link);
    world.set_signalling_delay(SIGNALLING);
    world.set_dtls_versions(versions);
    world.set_post_quantum(post_quantum);
    let peers = world.speedy_peers(speed);
    let created = world.call(peers[0], |pc| {
        pc.create_data_channel("main", DataChannelInit::default())
    });
    created.expect("the channel is legal");
    (world, peers)
}

fn has_keys(world: &Peers, host: HostId) -> bool {
    let transport = world.host(host).pc().dtls_transport(TransportKey(0));
    transport.is_some_and(|transport| transport.state() == DtlsTransportState::Connected)
}

fn is_open(world: &Peers, host: HostId) -> bool {
    world.host(host).open_channel("main").is_some()
}

fn measure(versions: Versions, speed: [Speed; 2]) -> Halves {
    let link = || Link::default().delay(ONE_WAY);
    let (mut world, peers) = pair(1, link(), false, versions, speed);
    // The offer leaves at once, and so does its answer.
    let answered = Instant::ZERO + 2 * SIGNALLING;
    let when = |holds: fn(&Peers, HostId) -> bool, host: HostId| {
        let (mut world, _) = pair(1, link(), false, versions, speed);
        world.run_until(SECOND * 5, |world| holds(world, host));
        let since = world.now() - answered;
        (since.as_millis() as f64 / ONE_WAY.as_millis() as f64).round() as u32
    };
    let halves = Halves {
        keys: peers.map(|host| when(has_keys, host)),
        open: peers.map(|host| when(is_open, host)),
    };
    world.run_until(SECOND * 5, |world| {
        peers.iter().all(|host| is_open(world, *host))
    });
    talk(&mut world, peers);
    halves
}

fn talk(world: &mut Peers, peers: [HostId; 2]) {
    for from in peers {
        let key = world.host(from).open_channel("main").expect("open");
        let message = Message {
            data: Bytes::from_static(b"hello"),
            binary: true,
        };
        world.call(from, |pc| pc.send(key, message)).expect("sent");
    }
    world.run_until(SECOND * 10, |world| {
        peers.iter().all(|host| {
            let key = world.host(*host).open_channel("main").expect("open");
            world.host(*host).messages(key).len() == 1
        })
    });
}

fn halves(keys: [u32; 2], open: [u32; 2]) -> Halves {
    Halves { keys, open }
}

/// What bounds each. `neither`: a check and its answer; the handshake; in 1.2 the client's flight is
/// answered once more; INIT and its answer (COOKIE ECHO takes the first data along); the announcement of
/// the channel on its way. SPED takes away the checks, SNAP the INIT. What is left of `both` in 1.3: the
/// answerer's hello comes with the answer, the flight in answer to it takes half a round trip, the
/// client's Finished another half, and so does the announcement.
#[test]
fn an_open_channel_is_a_round_trip_and_a_half_behind_the_answer_with_both_drafts() {
    for (speed, old, new) in [
        (NEITHER, halves([4, 5], [8, 7]), halves([4, 3], [6, 7])),
        (SPED, halves([2, 3], [6, 5]), halves([2, 1], [4, 5])),
        (SNAP, halves([4, 5], [4, 5]), halves([4, 3], [4, 5])),
        (BOTH, halves([2, 3], [2, 3]), halves([2, 1], [2, 3])),
    ] {
        assert_eq!(measure(V12, [speed, speed]), old, "1.2 {speed:?}");
        assert_eq!(measure(V13, [speed, speed]), new, "1.3 {speed:?}");
    }
}

#[test]
fn who_is_offered_either_answers_and_need_not_offer_it() {
    for speed in [SPED, SNAP, BOTH] {
        assert_eq!(measure(V13, [speed, NEITHER]), measure(V13, [speed, speed]));
    }
    // What only the answerer would do is not in the descriptions. Its checks show that it would.
    assert_eq!(measure(V13, [NEITHER, BOTH]), measure(V13, [SPED, SPED]));
}

#[test]
fn a_peer_that_does_not_answer_costs_no_time() {
    assert_eq!(measure(V13, [SNAP, OLD]), measure(V13, [NEITHER, NEITHER]));
    assert_eq!(measure(V13, [BOTH, OLD]), measure(V13, [SPED, SPED]));
}

/// A lite end only answers checks: what it has to say goes with the first answer, which is when it would have
/// said it anyhow. So nothing is gained, and nothing lost.
#[test]
fn a_lite_end_takes_part_in_the_handshake_inside_of_checks() {
    const LITE: Speed = Speed { lite: true, ..BOTH };
    assert_eq!(measure(V13, [BOTH, LITE]), measure(V13, [SNAP, SNAP]));
}

#[test]
fn a_flight_of_several_datagrams_goes_inside_of_checks_too() {
    for_seeds(5, |seed| {
        let link = Link::default().delay(ONE_WAY);
        let (mut world, peers) = pair(seed, link, true, V13, [BOTH, BOTH]);
        world.run_until(SECOND * 5, |world| {
            peers.iter().all(|host| is_open(world, *host))
        });
        // The hello's second datagram has to wait for the first message after its first one: a round
        // trip more, and one less than without.
        assert!(world.now() - Instant::ZERO <= 2 * SIGNALLING + 5 * ONE_WAY);
        talk(&mut world, peers);
    });
}

#[test]
fn peers_that_do_all_of_it_connect_under_30_percent_loss() {
    for_seeds(30, |seed| {
        let link = Link::default().delay(Duration::from_millis(20)).loss(0.3);
        let post_quantum = seed % 2 == 0;
        let (mut world, peers) = pair(seed, link, post_quantum, Versions::Both, [BOTH, BOTH]);
        world.run_until(SECOND * 20, |world| {
            peers.iter().all(|host| is_open(world, *host))
        });
        talk(&mut world, peers);
    });
}
