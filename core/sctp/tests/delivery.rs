//! Messages arrive: sizes, order, streams, under every kind of bad network.

mod common;

use std::time::Duration;

use common::{Link, Pair, Path, message, ms, tag_of, unordered};
use duologue_base::{Rng, StreamId};
use duologue_sctp::{Config, CongestionAlgorithm, Event, Ppid, Scheduler, SendError, SendOptions};

fn bad_path(seed: u64) -> Path {
    let mut rng = Rng::from_u64(seed);
    let slow = rng.below(3) == 0;
    Path {
        delay: ms(u64::from(rng.below(60))),
        jitter: ms(u64::from(rng.below(4)) * u64::from(rng.below(10))),
        loss: rng.unit() * 0.15,
        burst_loss: (rng.unit() * 0.005, rng.below(12)),
        duplicate: rng.unit() * 0.1,
        rate: slow.then(|| 100_000 + u64::from(rng.below(4_000_000))),
        queue: 20_000 + rng.below(200_000) as usize,
        ..Path::default()
    }
}

#[test]
fn both_sides_calling_at_once_are_connected_after_one_and_a_half_round_trips() {
    let mut pair = Pair::new(Path::default(), 1);
    let start = pair.now;
    pair.connect();
    assert_eq!(pair.now - start, ms(30));
    for peer in &pair.peers {
        let connected = Event::Connected {
            outbound_streams: 1_024,
            inbound_streams: 1_024,
        };
        assert_eq!(peer.events, [connected]);
        assert!(peer.sctp.stats().interleaving && peer.sctp.stats().zero_checksum);
    }
}

#[test]
fn one_side_alone_can_call() {
    let mut pair = Pair::new(Path::default(), 2);
    pair.peers[1].sctp.connect(pair.now);
    pair.run_until(ms(500), |pair| {
        pair.peers.iter().all(common::Peer::is_connected)
    });
    pair.send(0, 1, "to the caller");
    pair.send(1, 1, "to the called");
    pair.settle(ms(1_000));
    assert_eq!(pair.peers[0].received[0].data, "to the called");
    assert_eq!(pair.peers[1].received[0].data, "to the caller");
}

#[test]
fn messages_queued_before_the_call_travel_with_the_cookie() {
    let mut pair = Pair::new(Path::default(), 3);
    pair.send(0, 0, "early");
    let start = pair.now;
    pair.peers[0].sctp.connect(start);
    pair.run_until(ms(500), |pair| !pair.peers[1].received.is_empty());
    // INIT, INIT ACK, COOKIE ECHO with the message: three one-way trips.
    assert_eq!(pair.now - start, ms(30));
    pair.settle(ms(500));
    assert_eq!(pair.peers[1].received.len(), 1);
}

#[test]
fn a_message_that_travels_with_a_cookie_too_old_is_sent_again() {
    let mut patient = Config::default();
    patient.timers.handshake = Duration::from_secs(120);
    let mut pair = Pair::with(patient, Config::default(), Path::default(), 4);
    let slow = Path {
        delay: Duration::from_secs(70),
        ..Path::default()
    };
    pair.links[1] = Link::new(slow, 4);
    pair.send(0, 0, "early");
    pair.peers[0].sctp.connect(pair.now);
    // The INIT ACK is under way, for longer than its cookie lives.
    pair.run_for(ms(20));
    pair.links[1] = Link::new(Path::default(), 4);
    pair.settle(Duration::from_secs(80));
    pair.send(0, 0, "late");
    pair.settle(ms(500));
    let received: Vec<_> = pair.peers[1].received.iter().map(|m| &m.data[..]).collect();
    assert_eq!(received, [&b"early"[..], b"late"]);
}

#[test]
fn a_lost_handshake_packet_costs_fractions_of_a_second() {
    for lost in 0..6 {
        let mut pair = Pair::new(Path::default(), 4);
        let mut count = 0;
        pair.censor = Some(Box::new(move |_, _| {
            count += 1;
            count == lost + 1
        }));
        pair.send(0, 3, "early");
        pair.send(1, 4, "early");
        let start = pair.now;
        pair.connect();
        assert!(pair.now - start < ms(300), "{lost}: {:?}", pair.now - start);
        pair.settle(ms(2_000));
        assert!(
            pair.peers.iter().all(|peer| peer.received.len() == 1),
            "{lost}"
        );
    }
}

#[test]
fn connecting_survives_half_of_the_packets_lost() {
    for seed in 0..100 {
        let path = Path {
            loss: 0.5,
            ..Path::default()
        };
        Pair::new(path, seed).connect();
    }
}

#[test]
fn messages_of_every_size_arrive_whole_with_both_kinds_of_data_chunk() {
    for interleaving in [false, true] {
        let config = Config {
            interleaving,
            ..Config::default()
        };
        let mut pair = Pair::with(config.clone(), config, Path::default(), 5);
        pair.connect();
        let sizes = [
            4,
            5,
            63,
            64,
            1_151,
            1_152,
            1_156,
            1_157,
            1_160,
            1_161,
            16_384,
            262_144,
            1 << 20,
        ];
        for (tag, size) in sizes.into_iter().enumerate() {
            pair.send(0, 7, message(tag as u32, size));
        }
        pair.settle(Duration::from_secs(20));
        let received = &pair.peers[1].received;
        let got: Vec<_> = received
            .iter()
            .map(|m| (tag_of(m) as usize, m.data.len()))
            .collect();
        assert_eq!(got, sizes.into_iter().enumerate().collect::<Vec<_>>());
        assert!(
            received
                .iter()
                .all(|m| m.stream == StreamId(7) && m.ppid == Ppid(53))
        );
    }
}

#[test]
fn everything_arrives_once_and_in_order_whatever_the_network_does() {
    for seed in 0..150 {
        let mut rng = Rng::from_u64(seed);
        let config = Config {
            interleaving: seed % 2 == 0,
            zero_checksum: seed % 3 == 0,
            congestion: if seed % 5 == 0 {
                CongestionAlgorithm::Cubic
            } else {
                CongestionAlgorithm::Bbr
            },
            scheduler: if seed % 7 == 0 {
                Scheduler::RoundRobin
            } else {
                Scheduler::WeightedFair
            },
            ..Config::default()
        };
        let mut pair = Pair::with(config.clone(), config, bad_path(seed), seed);
        pair.connect();
        let mut sent = [0_usize; 2];
        let mut tags = [[0_u32; 4]; 2];
        for _ in 0..60 {
            let from = rng.below(2) as usize;
            for _ in 0..rng.below(6) {
                let stream = rng.below(4) as usize;
                let size = match rng.below(4) {
                    0 => 4 + rng.below(100),
                    1 => 1_000 + rng.below(400),
                    2 => 4 + rng.below(20_000),
                    _ => 4 + rng.below(2_000),
                };
                let tag = tags[from][stream];
                tags[from][stream] += 1;
                sent[from] += 1;
                let options = SendOptions {
                    unordered: stream == 3,
                    ..SendOptions::default()
                };
                pair.send_with(from, stream as u16, message(tag, size as usize), options);
            }
            pair.run_for(ms(u64::from(rng.below(30))));
        }
        pair.settle(Duration::from_secs(600));
        for from in 0..2 {
            let received = &pair.peers[1 - from].received;
            assert_eq!(received.len(), sent[from], "seed {seed}");
            for stream in 0..4_u16 {
                let mut got: Vec<u32> = received
                    .iter()
                    .filter(|m| m.stream.0 == stream)
                    .map(tag_of)
                    .collect();
                if stream == 3 {
                    got.sort_unstable();
                }
                let expected: Vec<u32> = (0..tags[from][usize::from(stream)]).collect();
                assert_eq!(got, expected, "seed {seed}, stream {stream}");
            }
            let departed: usize = pair.peers[from].departed.values().sum();
            let bytes: usize = received.iter().map(|m| m.data.len()).sum();
            assert_eq!(departed, bytes, "seed {seed}");
            assert_eq!(pair.peers[from].sctp.buffered_amount(StreamId(0)), 0);
        }
    }
}

#[test]
fn unordered_messages_do_not_wait_for_a_lost_one() {
    let mut pair = Pair::connected(Path::default(), 8);
    let mut sent = 0;
    pair.censor = Some(Box::new(move |from, packet| {
        sent += usize::from(from == 0 && packet.len() > 1_000);
        from == 0 && packet.len() > 1_000 && sent == 1
    }));
    for tag in 0..3 {
        pair.send_with(0, 1, message(tag, 1_100), unordered());
    }
    pair.run_for(ms(11));
    let early: Vec<u32> = pair.peers[1].received.iter().map(tag_of).collect();
    assert_eq!(early, [1, 2]);
    pair.settle(ms(1_000));
    assert_eq!(tag_of(&pair.peers[1].received[2]), 0);
}

#[test]
fn a_large_message_does_not_hold_back_others_when_interleaved() {
    let path = Path {
        rate: Some(1_000_000),
        queue: 60_000,
        ..Path::default()
    };
    let mut waits = Vec::new();
    for interleaving in [true, false] {
        let config = Config {
            interleaving,
            ..Config::default()
        };
        let mut pair = Pair::with(config.clone(), config, path.clone(), 9);
        pair.connect();
        pair.send(0, 1, message(1, 1_000_000));
        pair.run_for(ms(100));
        let start = pair.now;
        pair.send(0, 2, message(2, 500));
        assert!(pair.run_until(Duration::from_secs(20), |pair| {
            pair.peers[1].received.iter().any(|m| m.stream.0 == 2)
        }));
        waits.push(pair.now - start);
    }
    assert!(waits[0] < ms(150), "{waits:?}");
    assert!(waits[1] > ms(500), "{waits:?}");
}

#[test]
fn streams_share_by_priority() {
    let path = Path {
        rate: Some(2_000_000),
        queue: 60_000,
        ..Path::default()
    };
    let mut pair = Pair::connected(path, 10);
    for (stream, priority) in [(1, 128), (2, 256), (3, 512)] {
        pair.peers[0].sctp.set_priority(StreamId(stream), priority);
        for tag in 0..200 {
            pair.send(0, stream, message(tag, 20_000));
        }
    }
    pair.run_for(Duration::from_secs(2));
    let got = |stream| {
        pair.peers[1]
            .received
            .iter()
            .filter(|m| m.stream.0 == stream)
            .count()
    };
    let (low, normal, high) = (got(1), got(2), got(3));
    assert!(
        normal.abs_diff(low * 2) <= 6 && high.abs_diff(low * 4) <= 10,
        "{low} {normal} {high}"
    );
}

#[test]
fn small_messages_share_packets() {
    let mut pair = Pair::connected(Path::default(), 11);
    let before = pair.peers[0].sctp.stats().packets_sent;
    for tag in 0..130 {
        pair.send(0, 1, message(tag, 64));
    }
    pair.settle(ms(500));
    assert_eq!(pair.peers[1].received.len(), 130);
    assert!(pair.peers[0].sctp.stats().packets_sent - before <= 11);
}

#[test]
fn packets_of_a_large_transfer_are_all_of_the_full_size() {
    let mut pair = Pair::connected(Path::default(), 12);
    pair.settle(ms(500));
    pair.log = Some(Vec::new());
    for tag in 0..50 {
        pair.send(0, 1, message(tag, 16_384));
    }
    pair.settle(ms(2_000));
    let log = pair.log.take().expect("logged");
    let sizes: Vec<usize> = log.iter().filter(|p| p.1 == 0).map(|p| p.2.len()).collect();
    let full = sizes.iter().filter(|&&size| size == 1_188).count();
    assert!(full >= sizes.len() - 2, "{full} of {}", sizes.len());
}

#[test]
fn a_batch_of_packets_is_acknowledged_by_one() {
    let mut pair = Pair::connected(Path::default(), 13);
    pair.run_for(ms(100));
    for tag in 0..20 {
        pair.send(0, 1, message(tag, 16_384));
    }
    pair.settle(ms(2_000));
    let [sender, receiver] = &pair.peers;
    let (data, sacks) = (
        sender.sctp.stats().packets_sent,
        receiver.sctp.stats().packets_sent,
    );
    assert!(sacks * 3 < data, "{sacks} for {data}");
}

#[test]
fn a_reader_that_stops_bounds_what_is_sent_and_loses_nothing() {
    let config = Config {
        receive_window: 300_000,
        max_receive_message_size: 100_000,
        ..Config::default()
    };
    for (seed, loss) in [(14, 0.0), (15, 0.05)] {
        let path = Path {
            loss,
            ..Path::default()
        };
        let mut pair = Pair::with(Config::default(), config.clone(), path, seed);
        pair.connect();
        pair.peers[1].reads = false;
        for tag in 0..100 {
            pair.send(0, 1, message(tag, 20_000));
        }
        pair.run_for(Duration::from_secs(30));
        let stats = pair.peers[0].sctp.stats();
        assert!(stats.buffered_bytes > 1_600_000, "{stats:?}");
        let waiting = pair.peers[1].sctp.stats();
        assert!(waiting.receive_window < 20_000, "{waiting:?}");
        // Reads one message now and then, then all of them.
        for _ in 0..20 {
            if let Some(message) = pair.peers[1].sctp.poll_message() {
                pair.peers[1].received.push(message);
            }
            pair.run_for(ms(50));
        }
        pair.peers[1].reads = true;
        pair.settle(Duration::from_secs(60));
        let tags: Vec<u32> = pair.peers[1].received.iter().map(tag_of).collect();
        assert_eq!(tags, (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_shut_window_is_probed_ever_more_slowly_though_each_probe_is_taken() {
    let mut pair = Pair::connected(Path::default(), 25);
    pair.settle(ms(500));
    pair.tamper = Some(Box::new(|from, packet| {
        if from == 1 && packet[12] == 3 {
            // The window of the SACK.
            packet[20..24].fill(0);
            common::fix_checksum(packet);
        }
    }));
    for tag in 0..1_000 {
        pair.send(0, 1, message(tag, 1_000));
    }
    pair.run_for(ms(1_000));
    let before = pair.peers[0].sctp.stats().packets_sent;
    pair.run_for(Duration::from_secs(20));
    let sent = pair.peers[0].sctp.stats().packets_sent - before;
    assert!((5..=15).contains(&sent), "{sent} in 20 s");
    assert_eq!(pair.peers[0].sctp.stats().timeouts, 0);
    pair.tamper = None;
    pair.settle(Duration::from_secs(20));
    assert_eq!(pair.peers[1].received.len(), 1_000);
}

#[test]
fn a_window_that_opens_is_used_at_once() {
    let config = Config {
        receive_window: 300_000,
        max_receive_message_size: 100_000,
        ..Config::default()
    };
    let mut pair = Pair::with(Config::default(), config, Path::default(), 16);
    pair.connect();
    pair.peers[1].reads = false;
    for tag in 0..40 {
        pair.send(0, 1, message(tag, 20_000));
    }
    pair.run_for(Duration::from_secs(10));
    pair.peers[1].reads = true;
    pair.settle(ms(300));
    assert_eq!(pair.peers[1].received.len(), 40);
}

#[test]
fn the_last_packet_lost_is_found_by_a_probe_and_not_by_the_timeout() {
    let mut pair = Pair::connected(Path::default(), 17);
    pair.send(0, 1, message(0, 50_000));
    pair.settle(ms(1_000));
    let lose = std::rc::Rc::new(std::cell::Cell::new(false));
    let flag = lose.clone();
    pair.censor = Some(Box::new(move |from, packet| {
        from == 0 && packet.len() < 1_188 && flag.take()
    }));
    lose.set(true);
    pair.send(0, 1, message(1, 16_384));
    let start = pair.now;
    pair.settle(ms(1_000));
    assert!(pair.now - start < ms(100), "{:?}", pair.now - start);
    assert_eq!(pair.peers[0].sctp.stats().timeouts, 0);
}

#[test]
fn reordering_does_not_lead_to_retransmissions_for_long() {
    let path = Path {
        delay: ms(20),
        jitter: ms(8),
        rate: Some(5_000_000),
        queue: 1 << 20,
        ..Path::default()
    };
    let mut pair = Pair::connected(path, 18);
    for tag in 0..300 {
        pair.send(0, 1, message(tag, 16_384));
    }
    pair.settle(Duration::from_secs(20));
    let stats = pair.peers[0].sctp.stats();
    assert_eq!(pair.peers[1].received.len(), 300);
    assert!(
        stats.chunks_retransmitted < 150,
        "{}",
        stats.chunks_retransmitted
    );
}

#[test]
fn an_outage_of_ten_seconds_is_over_within_a_few_seconds_of_its_end() {
    let mut pair = Pair::connected(Path::default(), 19);
    for tag in 0..20 {
        pair.send(0, 1, message(tag, 50_000));
    }
    pair.run_for(ms(25));
    pair.censor = Some(Box::new(|_, _| true));
    pair.run_for(Duration::from_secs(10));
    pair.censor = None;
    let start = pair.now;
    pair.settle(Duration::from_secs(20));
    assert!(
        pair.now - start < Duration::from_secs(4),
        "{:?}",
        pair.now - start
    );
    assert_eq!(pair.peers[1].received.len(), 20);
}

#[test]
fn sending_refuses_what_cannot_be_sent() {
    let config = Config {
        streams: 16,
        send_buffer: 10_000,
        ..Config::default()
    };
    let mut pair = Pair::with(config.clone(), config, Path::default(), 20);
    let options = SendOptions::default();
    let now = pair.now;
    let sctp = &mut pair.peers[0].sctp;
    let mut send =
        |stream, data: Vec<u8>| sctp.send(now, StreamId(stream), Ppid(53), data.into(), options);
    assert_eq!(send(0, vec![]), Err(SendError::Empty));
    assert_eq!(
        send(16, vec![1]),
        Err(SendError::UnknownStream(StreamId(16)))
    );
    assert_eq!(send(0, vec![1; 9_000]), Ok(()));
    assert_eq!(send(0, vec![1; 9_000]), Err(SendError::BufferFull));
    assert_eq!(sctp.buffered_amount(StreamId(0)), 9_000);
    sctp.abort();
    assert_eq!(
        sctp.send(now, StreamId(0), Ppid(53), vec![1].into(), options),
        Err(SendError::Closed)
    );
}
