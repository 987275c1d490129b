//! What data channels promise, over good and bad networks.

use std::time::Duration;

use bytes::Bytes;
use duologue_base::{ChannelKey, StreamId};
use duologue_datachannel::{ChannelError, ChannelInit, Priority, Reliability};
use duologue_dtls::{Version, Versions};
use duologue_sim::{Burst, HostId, Link, World, for_seeds};

const SECOND: Duration = Duration::from_secs(1);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn label(label: &str) -> ChannelInit {
    ChannelInit {
        label: label.to_owned(),
        ..ChannelInit::default()
    }
}

/// Two connected ends. Bob, who answers, is the DTLS client: his channels are even.
fn connected(seed: u64, link: Link) -> (World, HostId, HostId) {
    let mut world: World = World::new(seed, link);
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    world.run_until(SECOND * 20, |world| {
        world.is_connected(alice) && world.is_connected(bob)
    });
    (world, alice, bob)
}

/// A channel from bob to alice, open at both ends: bob's key and alice's.
fn channel(
    world: &mut World,
    alice: HostId,
    bob: HostId,
    init: ChannelInit,
) -> (ChannelKey, ChannelKey) {
    let stream = (0..)
        .step_by(2)
        .find(|&stream| world.host(bob).channel_on(StreamId(stream)).is_none())
        .expect("a stream is free");
    let at_bob = world.open(bob, stream, init);
    world.run_until(SECOND * 20, |world| {
        world.host(alice).channel_on(StreamId(stream)).is_some()
    });
    let at_alice = world
        .host(alice)
        .channel_on(StreamId(stream))
        .expect("announced");
    assert!(world.host(bob).is_open(at_bob) && world.host(alice).is_open(at_alice));
    (at_bob, at_alice)
}

#[test]
fn two_sessions_reach_an_open_channel_and_count_the_bytes() {
    let mut world: World = World::new(1, Link::default().delay(millis(10)));
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    let key = world.open(
        bob,
        0,
        ChannelInit {
            label: "chat".to_owned(),
            protocol: "v1".to_owned(),
            priority: Priority::High,
            ..ChannelInit::default()
        },
    );
    world.send(bob, key, "early", false);
    assert_eq!(world.host(bob).buffered_amount(key), 5);
    world.run_until(SECOND, |world| {
        world.host(alice).channel_on(StreamId(0)).is_some()
    });
    world.run(millis(100));
    let at_alice = world.host(alice).channel_on(StreamId(0)).unwrap();
    assert_eq!(world.host(alice).init(at_alice).protocol, "v1");
    assert_eq!(world.host(alice).init(at_alice).priority, Priority::High);
    world.send(alice, at_alice, "hello", false);
    world.run(millis(100));
    let heard = world.host(alice).received(at_alice);
    assert_eq!(heard.len(), 1);
    assert_eq!(
        (&heard[0].data[..], heard[0].binary),
        (&b"early"[..], false)
    );
    assert_eq!(&world.host(bob).received(key)[0].data[..], b"hello");
    assert_eq!(world.host(bob).buffered_amount(key), 0);
    let counters = world.host(bob).session().counters();
    assert!(counters.bytes_sent > 1000 && counters.bytes_received > 1000);
    assert_eq!(counters.unknown_source + counters.stray_stun, 0);
}

/// webrtc-priority §4 and RFC 8831 §6.4: each priority has twice the share of the one below it.
#[test]
fn channels_share_the_path_by_priority() {
    let link = Link::default().delay(millis(10)).rate(1_000_000, 60_000);
    let (mut world, alice, bob) = connected(1, link);
    let priorities = [
        Priority::VeryLow,
        Priority::Low,
        Priority::Medium,
        Priority::High,
    ];
    let channels = priorities.map(|priority| {
        let init = ChannelInit {
            priority,
            ..label("one of four")
        };
        channel(&mut world, alice, bob, init)
    });
    for _ in 0..200 {
        for (at_bob, _) in channels {
            world.send(bob, at_bob, vec![7; 15_000], true);
        }
    }
    world.run(SECOND * 3);

    let bytes = channels.map(|(_, at_alice)| {
        let received = world.host(alice).received(at_alice).iter();
        received.map(|message| message.data.len()).sum::<usize>() as f64
    });
    let total: f64 = bytes.iter().sum();
    assert!(total > 2_000_000.0, "{bytes:?}");
    for (got, weight) in bytes.into_iter().zip([1.0, 2.0, 4.0, 8.0]) {
        let share = got / total;
        let fair = weight / 15.0;
        assert!((share / fair - 1.0).abs() < 0.1, "{bytes:?}");
    }
}

#[test]
fn a_channel_opens_three_round_trips_after_the_answer() {
    let mut world: World = World::new(1, Link::default().delay(millis(50)));
    let [alice, bob] = world.pair();
    world.connect(alice, bob);
    let key = world.open(bob, 0, label("fast"));
    // ICE, DTLS 1.3 and SCTP take one and a half, one and a half, and two.
    world.run_until(millis(550), |world| world.host(bob).is_open(key));
}

#[test]
fn messages_of_all_sizes_arrive_whole() {
    for version in [Version::V12, Version::V13] {
        let mut world: World = World::new(3, Link::default());
        world.set_dtls_versions(Versions::Only(version));
        let [alice, bob] = world.pair();
        world.connect(alice, bob);
        world.run_until(SECOND * 5, |w| w.is_connected(alice) && w.is_connected(bob));
        let (from, to) = channel(&mut world, alice, bob, label("sizes"));
        for len in [
            8,
            100,
            1100,
            1191,
            1200,
            5000,
            16 << 10,
            65_536,
            256 << 10,
            1 << 20,
        ] {
            world.send_numbered(bob, from, len);
        }
        world.send(bob, from, Bytes::new(), true);
        world.send(bob, from, Bytes::new(), false);
        world.send(bob, from, "text ✓", false);
        world.run_until(SECOND * 20, |world| {
            world.host(alice).received(to).len() == 13
        });
        let received = world.host(alice).received(to);
        let tail: Vec<(usize, bool)> = received[10..]
            .iter()
            .map(|message| (message.data.len(), message.binary))
            .collect();
        assert_eq!(tail, [(0, true), (0, false), (8, false)]);
        assert_eq!(world.host(bob).buffered_amount(from), 0);
    }
}

#[test]
fn reliable_ordered_messages_survive_a_bad_network() {
    for_seeds(20, |seed| {
        let bad = Link::default()
            .delay(millis(20))
            .jitter(millis(10))
            .loss(0.05)
            .burst(Burst {
                enter: 0.005,
                leave: 0.2,
            })
            .duplicate(0.02);
        let (mut world, alice, bob) = connected(seed, bad);
        let (at_bob, at_alice) = channel(&mut world, alice, bob, label("ordered"));
        for _ in 0..100 {
            let len = world.rng().below(20_000) as usize;
            world.send_numbered(bob, at_bob, len);
            let len = world.rng().below(2000) as usize;
            world.send_numbered(alice, at_alice, len);
        }
        world.run_until(SECOND * 60, |world| {
            world.host(alice).received(at_alice).len() == 100
                && world.host(bob).received(at_bob).len() == 100
        });
    });
}

#[test]
fn unordered_messages_all_arrive_once() {
    for_seeds(10, |seed| {
        let bad = Link::default()
            .delay(millis(10))
            .jitter(millis(20))
            .loss(0.1);
        let (mut world, alice, bob) = connected(seed, bad);
        let init = ChannelInit {
            unordered: true,
            ..label("unordered")
        };
        let (from, to) = channel(&mut world, alice, bob, init);
        for _ in 0..200 {
            world.send_numbered(bob, from, 3000);
        }
        world.run_until(SECOND * 60, |world| {
            world.host(alice).received(to).len() == 200
        });
    });
}

#[test]
fn partial_reliability_gives_up_and_goes_on() {
    let kinds = [
        Reliability::MaxRetransmits(0),
        Reliability::MaxPacketLifeTime(30),
    ];
    for (reliability, unordered) in kinds.into_iter().flat_map(|k| [(k, false), (k, true)]) {
        for_seeds(5, |seed| {
            let (mut world, alice, bob) = connected(seed, Link::default().delay(millis(20)));
            let init = ChannelInit {
                reliability,
                unordered,
                ..label("lossy")
            };
            let (from, to) = channel(&mut world, alice, bob, init);
            world
                .network()
                .set_default(Link::default().delay(millis(20)).loss(0.2));
            for _ in 0..200 {
                world.send_numbered(bob, from, 500);
                world.run(millis(2));
            }
            world.run(SECOND * 5);
            let arrived = world.host(alice).received(to).len();
            assert!((60..200).contains(&arrived), "{arrived} of 200 arrived");
            // The channel lives on.
            world.network().set_default(Link::default());
            let last = world.send_numbered(bob, from, 500);
            world.run_until(SECOND * 5, |world| {
                let received = world.host(alice).received(to);
                received.iter().any(|message| message.number == Some(last))
            });
            assert_eq!(world.host(bob).buffered_amount(from), 0);
        });
    }
}

#[test]
fn a_channel_closes_from_either_end_after_its_messages() {
    for_seeds(10, |seed| {
        let bad = Link::default().delay(millis(15)).loss(0.1);
        let (mut world, alice, bob) = connected(seed, bad);
        for bob_closes in [true, false] {
            let (at_bob, at_alice) = channel(&mut world, alice, bob, label("closing"));
            for _ in 0..20 {
                world.send_numbered(bob, at_bob, 5000);
            }
            if !bob_closes {
                let all = |w: &World| w.host(alice).received(at_alice).len() == 20;
                world.run_until(SECOND * 20, all);
            }
            let (closer, closing, other, closed) = if bob_closes {
                (bob, at_bob, alice, at_alice)
            } else {
                (alice, at_alice, bob, at_bob)
            };
            world.close_channel(closer, closing);
            world.run_until(SECOND * 20, |world| {
                world.host(alice).closed(at_alice) == Some(None)
                    && world.host(bob).closed(at_bob) == Some(None)
            });
            assert_eq!(world.host(alice).received(at_alice).len(), 20);
            assert!(world.host(other).saw_closing(closed));
            assert!(!world.host(closer).saw_closing(closing));
        }
    });
}

#[test]
fn both_ends_may_close_at_once_and_the_stream_can_be_used_again() {
    for_seeds(10, |seed| {
        let (mut world, alice, bob) = connected(seed, Link::default().delay(millis(15)).loss(0.1));
        for round in 0..5 {
            let at_bob = world.open(bob, 4, label(&format!("round {round}")));
            world.run_until(SECOND * 20, |world| {
                let newest = world.host(alice).channel_on(StreamId(4));
                newest.is_some_and(|key| world.host(alice).is_open(key))
            });
            let at_alice = world.host(alice).channel_on(StreamId(4)).unwrap();
            world.send_numbered(bob, at_bob, 3000);
            world.close_channel(bob, at_bob);
            world.close_channel(alice, at_alice);
            world.run_until(SECOND * 20, |world| {
                world.host(alice).closed(at_alice) == Some(None)
                    && world.host(bob).closed(at_bob) == Some(None)
            });
        }
    });
}

#[test]
fn a_negotiated_channel_needs_no_message_and_may_be_made_late() {
    let (mut world, alice, bob) = connected(1, Link::default());
    let init = ChannelInit {
        negotiated: true,
        ..label("agreed")
    };
    let at_bob = world.open(bob, 7, init.clone());
    assert!(world.host(bob).is_open(at_bob));
    world.send_numbered(bob, at_bob, 100);
    world.run(millis(100));
    let at_alice = world.open(alice, 7, init);
    world.run(millis(100));
    assert_eq!(world.host(alice).received(at_alice).len(), 1);
}

#[test]
fn ids_that_cannot_be_are_refused() {
    let (mut world, alice, bob) = connected(1, Link::default());
    let (first, at_alice) = channel(&mut world, alice, bob, label("first"));
    let stream = 0;
    assert_eq!(world.host(bob).channel_on(StreamId(stream)), Some(first));
    let taken = world.open(bob, stream, label("again"));
    let error = ChannelError::StreamInUse;
    assert_eq!(world.host(bob).closed(taken), Some(Some(error)));
    let beyond = world.open(bob, 65_535, label("beyond"));
    let error = ChannelError::NoSuchStream;
    assert_eq!(world.host(bob).closed(beyond), Some(Some(error)));
    // An odd id is not the DTLS client's to choose (RFC 8832 §6): the peer resets the stream.
    let odd = world.open(bob, 1, label("odd"));
    world.run_until(SECOND * 5, |world| {
        world.host(bob).closed(odd) == Some(None)
    });
    assert!(world.host(bob).is_open(first) && world.host(alice).is_open(at_alice));
}

#[test]
fn a_slow_reader_bounds_what_is_sent() {
    let (mut world, alice, bob) = connected(1, Link::default());
    let (from, to) = channel(&mut world, alice, bob, label("slow"));
    world.set_reading(alice, false);
    let total = 64 << 20;
    let mut sent = 0;
    while sent < total {
        if world.host(bob).buffered_amount(from) < 1 << 20 {
            world.send_numbered(bob, from, 65_536);
            sent += 65_536;
        } else {
            let before = world.host(bob).buffered_amount(from);
            world.run(SECOND * 2);
            if world.host(bob).buffered_amount(from) == before {
                break;
            }
        }
    }
    // A window of 8 MiB, the send limit, and what was under way.
    assert!(
        sent < 16 << 20,
        "{sent} bytes left for a reader who does not read"
    );
    // The other direction is not held back.
    world.send(alice, to, "still talking", false);
    world.run_until(SECOND, |world| world.host(bob).received(from).len() == 1);
    world.set_reading(alice, true);
    world.run_until(SECOND * 20, |world| {
        world.host(alice).received(to).len() == sent / 65_536
    });
}

#[test]
fn many_channels_share_one_association() {
    let (mut world, alice, bob) = connected(1, Link::default().delay(millis(5)));
    let keys: Vec<ChannelKey> = (0..300)
        .map(|n| world.open(bob, n * 2, label(&n.to_string())))
        .collect();
    for &key in &keys {
        world.send_numbered(bob, key, 2000);
    }
    world.run_until(SECOND * 10, |world| {
        (0..300).all(|n| {
            let key = world.host(alice).channel_on(StreamId(n * 2));
            key.is_some_and(|key| world.host(alice).received(key).len() == 1)
        })
    });
}

#[test]
fn closing_a_connection_ends_the_peers_channels_with_an_error() {
    for closer_is_bob in [true, false] {
        let (mut world, alice, bob) = connected(1, Link::default());
        let (at_bob, at_alice) = channel(&mut world, alice, bob, label("abrupt"));
        let (closer, other, key) = if closer_is_bob {
            (bob, alice, at_alice)
        } else {
            (alice, bob, at_bob)
        };
        world.close(closer);
        assert_eq!(world.host(closer).socket_count(), 0);
        world.run(SECOND);
        let Some(Some(error)) = world.host(other).closed(key) else {
            panic!("{:?}", world.host(other).closed(key));
        };
        assert!(error.is_sctp_failure());
        assert_eq!(error.sctp_cause_code(), Some(12));
        assert!(!world.host(other).is_dtls_connected());
    }
}
