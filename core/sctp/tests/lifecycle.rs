//! Beginnings and ends, and peers who do not keep to the rules.

mod common;

use std::time::Duration;

use common::{Pair, Path, fix_checksum, message, ms, tag_of, with_chunks};
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{
    Association, AssociationState, CloseReason, Config, Event, PeerMisbehaved, Ppid, SendOptions,
    Timers,
};

/// Chunk types (RFC 9260 §3.2).
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const HEARTBEAT: u8 = 4;
/// Whose highest bits ask for a report, and to go on.
const UNKNOWN_TO_REPORT: u8 = 0xc9;

fn closed(pair: &Pair, n: usize) -> Option<&CloseReason> {
    pair.peers[n].events.iter().find_map(|event| match event {
        Event::Closed(reason) => Some(reason),
        _ => None,
    })
}

#[test]
fn a_shutdown_delivers_what_was_sent_and_ends_both_sides() {
    for seed in 0..30 {
        let path = Path {
            loss: 0.1,
            ..Path::default()
        };
        let mut pair = Pair::connected(path, seed);
        for tag in 0..20 {
            pair.send(0, 1, message(tag, 5_000));
            pair.send(1, 1, message(tag, 5_000));
        }
        pair.peers[0].sctp.shutdown(pair.now);
        if seed % 2 == 0 {
            pair.peers[1].sctp.shutdown(pair.now);
        }
        pair.run_until(Duration::from_secs(60), |pair| {
            pair.peers
                .iter()
                .all(|peer| peer.sctp.state() == AssociationState::Closed)
        });
        assert_eq!(pair.peers[1].received.len(), 20, "seed {seed}");
        let reasons = [0, 1].map(|n| closed(&pair, n).cloned());
        // The last packet may be lost; then the other side goes on asking.
        assert!(
            reasons.contains(&Some(CloseReason::Shutdown)),
            "seed {seed}: {reasons:?}"
        );
    }
}

#[test]
fn an_abort_ends_the_other_side_at_once() {
    let mut pair = Pair::connected(Path::default(), 1);
    pair.send(1, 1, message(0, 100_000));
    pair.peers[0].sctp.abort();
    pair.run_for(ms(50));
    assert_eq!(closed(&pair, 0), Some(&CloseReason::Aborted));
    let cause_code = Some(12);
    assert_eq!(
        closed(&pair, 1),
        Some(&CloseReason::AbortedByPeer { cause_code })
    );
    for peer in &mut pair.peers {
        assert_eq!(peer.sctp.poll_timeout(), None);
        assert!(!peer.sctp.poll_packet(pair.now, &mut Vec::new()));
    }
}

#[test]
fn a_silent_peer_ends_the_association_only_if_that_is_wanted() {
    for (max_retransmissions, heartbeat) in
        [(None, None), (Some(5), None), (Some(5), Some(ms(500)))]
    {
        let config = Config {
            max_retransmissions,
            timers: Timers {
                heartbeat,
                ..Timers::default()
            },
            ..Config::default()
        };
        let mut pair = Pair::with(config, Config::default(), Path::default(), 2);
        pair.connect();
        pair.censor = Some(Box::new(|_, _| true));
        if heartbeat.is_none() {
            pair.send(0, 1, message(0, 1_000));
        }
        pair.run_for(Duration::from_secs(120));
        let expected = max_retransmissions.map(|_| CloseReason::Unanswered);
        assert_eq!(closed(&pair, 0), expected.as_ref(), "{heartbeat:?}");
    }
}

#[test]
fn heartbeats_measure_an_idle_path() {
    let config = Config {
        timers: Timers {
            heartbeat: Some(ms(500)),
            ..Timers::default()
        },
        ..Config::default()
    };
    let mut pair = Pair::with(config, Config::default(), Path::default(), 3);
    pair.connect();
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.peers[0].sctp.stats().smoothed_rtt, Some(ms(20)));
    assert!(pair.peers[0].sctp.stats().packets_sent > 5);
}

#[test]
fn an_idle_association_is_silent() {
    let mut pair = Pair::connected(Path::default(), 4);
    pair.send(0, 1, message(0, 1_000));
    pair.send(0, 1, message(1, 100_000));
    pair.run_for(Duration::from_secs(2));
    let before = pair
        .peers
        .each_ref()
        .map(|peer| peer.sctp.stats().packets_sent);
    pair.run_for(Duration::from_secs(100));
    assert_eq!(
        before,
        pair.peers
            .each_ref()
            .map(|peer| peer.sctp.stats().packets_sent)
    );
    assert!(
        pair.peers
            .iter()
            .all(|peer| peer.sctp.poll_timeout().is_none())
    );
}

#[test]
fn a_peer_that_starts_over_is_met_again() {
    let mut pair = Pair::connected(Path::default(), 5);
    pair.send(0, 1, message(0, 1_000));
    pair.settle(ms(1_000));
    // One side loses everything and calls again.
    pair.peers[1].sctp = Association::new(Config::default(), Rng::from_u64(99));
    pair.peers[1].sctp.connect(pair.now);
    pair.run_for(ms(500));
    assert!(pair.peers[0].events.contains(&Event::Restarted));
    assert!(pair.peers.iter().all(common::Peer::is_connected));
    for n in 0..2 {
        pair.send(n, 1, message(7, 30_000));
    }
    pair.settle(ms(2_000));
    for peer in &pair.peers {
        assert_eq!(peer.received.last().map(tag_of), Some(7));
    }
}

#[test]
fn packets_that_are_not_for_us_change_nothing() {
    let mut pair = Pair::connected(Path::default(), 6);
    pair.log = Some(Vec::new());
    pair.send(0, 1, message(0, 20_000));
    pair.settle(ms(1_000));
    let log = pair.log.take().expect("logged");
    let mut rng = Rng::from_u64(6);
    for (_, from, packet) in &log {
        for _ in 0..20 {
            let mut changed = packet.clone();
            match rng.below(4) {
                0 => changed.truncate(rng.below(changed.len() as u32) as usize),
                1 => changed[rng.below(12) as usize] ^= 1 + rng.below(255) as u8,
                2 => changed[4..8].fill(rng.below(256) as u8),
                _ => changed[0..4].fill(rng.below(256) as u8),
            }
            if rng.below(2) == 0 {
                fix_checksum(&mut changed);
            }
            if changed.get(..8) != packet.get(..8) || changed.len() < 16 {
                pair.peers[1 - from].sctp.handle_packet(pair.now, &changed);
            }
        }
    }
    assert!(pair.peers[1].sctp.stats().packets_dropped > 100);
    pair.send(0, 1, message(1, 1_000));
    pair.settle(ms(1_000));
    assert_eq!(pair.peers[1].received.len(), 2);
}

#[test]
fn any_bytes_in_an_authentic_packet_neither_panic_nor_cost_memory() {
    for seed in 0..40 {
        let config = Config {
            receive_window: 200_000,
            max_receive_message_size: 50_000,
            ..Config::default()
        };
        let mut pair = Pair::with(config.clone(), config, Path::default(), seed);
        pair.connect();
        pair.log = Some(Vec::new());
        pair.send(0, 1, message(0, 30_000));
        pair.send(1, 1, message(0, 30_000));
        pair.peers[0].sctp.reset_streams(&[StreamId(3)]);
        pair.settle(ms(2_000));
        let log = pair.log.take().expect("logged");
        let mut rng = Rng::from_u64(seed);
        for _ in 0..3_000 {
            let (_, from, packet) = &log[rng.below(log.len() as u32) as usize];
            let mut packet = packet.clone();
            // Keeps header and mostly the chunk's type and length.
            for _ in 0..=rng.below(6) {
                let at = 12 + rng.below(packet.len() as u32 - 12).min(rng.below(40)) as usize;
                packet[at] = rng.u32() as u8;
            }
            if rng.below(4) == 0 {
                let kinds = [
                    0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 64, 130, 132, 192, 194, 193, 65,
                ];
                packet[12] = kinds[rng.below(17) as usize];
            }
            fix_checksum(&mut packet);
            let peer = &mut pair.peers[1 - from].sctp;
            peer.handle_packet(pair.now, &packet);
            peer.handle_timeout(pair.now);
            let mut out = Vec::new();
            for _ in 0..50 {
                out.clear();
                if !peer.poll_packet(pair.now, &mut out) {
                    break;
                }
            }
            assert!(out.is_empty(), "seed {seed}: does not come to rest");
            while peer.poll_event().is_some() {}
            pair.now += ms(1);
        }
    }
}

#[test]
fn a_message_larger_than_announced_ends_the_association() {
    for interleaving in [false, true] {
        let config = Config {
            max_receive_message_size: 50_000,
            interleaving,
            ..Config::default()
        };
        let mut pair = Pair::with(Config::default(), config, Path::default(), 7);
        pair.connect();
        pair.send(0, 1, message(0, 50_000));
        pair.settle(ms(1_000));
        pair.send(0, 1, message(1, 50_001));
        pair.run_for(ms(1_000));
        let reason = CloseReason::PeerMisbehaved(PeerMisbehaved::MessageTooLarge);
        assert_eq!(closed(&pair, 1), Some(&reason));
        assert!(matches!(
            closed(&pair, 0),
            Some(CloseReason::AbortedByPeer { .. })
        ));
    }
}

#[test]
fn a_message_that_the_window_has_no_room_for_ends_the_association() {
    let config = Config {
        receive_window: 100_000,
        max_receive_message_size: 50_000,
        ..Config::default()
    };
    let mut pair = Pair::with(Config::default(), config, Path::default(), 7);
    pair.connect();
    pair.send(0, 1, message(0, 1_000_000));
    pair.run_for(ms(1_000));
    let reason = CloseReason::PeerMisbehaved(PeerMisbehaved::MessageTooLarge);
    assert_eq!(closed(&pair, 1), Some(&reason));
}

#[test]
fn messages_that_fill_the_window_before_one_is_whole_arrive_or_end_the_association() {
    for (count, arrive) in [(9, true), (20, false)] {
        let config = Config {
            receive_window: 512 << 10,
            max_receive_message_size: 64 << 10,
            ..Config::default()
        };
        let mut pair = Pair::with(Config::default(), config, Path::default(), 43);
        // Who takes the window for a larger one begins them all.
        pair.tamper = Some(Box::new(|from, packet| {
            if from == 1 && matches!(packet[12], INIT | INIT_ACK) {
                packet[20..24].copy_from_slice(&(64_u32 << 20).to_be_bytes());
                fix_checksum(packet);
            }
        }));
        pair.connect();
        for stream in 0..count {
            pair.send(0, stream, message(stream.into(), 64 << 10));
        }
        let received = |pair: &Pair| pair.peers[1].received.len();
        let done = |pair: &Pair| received(pair) == count.into() || closed(pair, 0).is_some();
        assert!(pair.run_until(Duration::from_secs(10), done), "{count}");
        if arrive {
            assert_eq!(received(&pair), count.into());
            continue;
        }
        let reason = CloseReason::PeerMisbehaved(PeerMisbehaved::TooManyFragments);
        assert_eq!(closed(&pair, 1), Some(&reason));
        // RFC 9260 §3.3.10.4: out of resource.
        let cause_code = Some(4);
        let told = CloseReason::AbortedByPeer { cause_code };
        assert_eq!(closed(&pair, 0), Some(&told));
    }
}

#[test]
fn what_lets_messages_be_delivered_is_taken_however_full_the_window_is() {
    const I_DATA: u8 = 64;
    const BEGIN: u8 = 2;
    const END: u8 = 1;
    // Number, stream, message and flags. Of 8 KiB each, 127 count twice the window.
    let first_is_missing = (1..128).rev().chain([0]);
    let first_is_missing = first_is_missing.map(|n| (n, 0, n, BEGIN | END));
    let one_is_ended = (0..127).map(|n| (n, n, 0, BEGIN));
    let one_is_ended = one_is_ended.chain([(127, 0, 0, END)]);
    let scripts = [
        (first_is_missing.collect::<Vec<(u32, u32, u32, u8)>>(), 128),
        (one_is_ended.collect(), 1),
    ];
    for (script, delivered) in scripts {
        let config = Config {
            receive_window: 512 << 10,
            max_receive_message_size: 64 << 10,
            ..Config::default()
        };
        let mut pair = Pair::with(Config::default(), config, Path::default(), 43);
        pair.connect();
        pair.settle(ms(500));
        pair.log = Some(Vec::new());
        pair.send(0, 1, message(0, 10));
        pair.run_for(ms(500));
        let log = pair.log.take().expect("logged");
        let (_, _, packet) = log.iter().find(|it| it.2[12] == I_DATA).expect("data");
        let tsn = u32::from_be_bytes([packet[16], packet[17], packet[18], packet[19]]);
        let before = pair.peers[1].received.len();
        for (number, stream, mid, flags) in script {
            let head = [tsn.wrapping_add(1 + number), stream << 16, mid];
            let mut value: Vec<u8> = head.into_iter().flat_map(u32::to_be_bytes).collect();
            // The payload protocol identifier of a message's first fragment, or the number of a later one.
            value.extend_from_slice(&u32::from(flags & BEGIN == 0).to_be_bytes());
            value.extend_from_slice(&message(number, 8 << 10));
            let packet = with_chunks(packet, &[(I_DATA, flags, &value)]);
            let now = pair.now;
            pair.peers[1].sctp.handle_packet(now, &packet);
        }
        pair.run_for(ms(500));
        assert_eq!(closed(&pair, 1), None);
        assert_eq!(pair.peers[1].received.len() - before, delivered);
    }
}

#[test]
fn no_answer_and_no_request_makes_a_packet_larger_than_packets_may_be() {
    let config = Config {
        mtu: 512,
        ..Config::default()
    };
    let mut pair = Pair::with(config.clone(), config, Path::default(), 41);
    pair.connect();
    pair.settle(ms(500));
    pair.log = Some(Vec::new());
    pair.send(0, 1, message(0, 10));
    pair.step(pair.now + ms(1));
    let (_, _, packet) = pair.log.take().expect("logged").remove(0);
    let mut stream = 0;
    for len in [150, 250, 480, 484, 496, 512, 1_000] {
        for kind in [HEARTBEAT, UNKNOWN_TO_REPORT] {
            let asks = with_chunks(&packet, &[(kind, 0, &vec![7; len])]);
            for _ in 0..3 {
                let now = pair.now;
                pair.peers[1].sctp.handle_packet(now, &asks);
            }
            pair.send(1, 1_000, message(7, 5_000));
            let streams: Vec<_> = (stream..stream + 60).map(StreamId).collect();
            stream += 60;
            pair.peers[1].sctp.reset_streams(&streams);
            // Each is looked at as it leaves.
            pair.settle(ms(5_000));
        }
    }
}

#[test]
fn packets_with_a_wrong_checksum_or_unasked_without_one_are_dropped_and_sent_again() {
    let config = Config {
        zero_checksum: false,
        ..Config::default()
    };
    for absent in [false, true] {
        let mut pair = Pair::with(config.clone(), config.clone(), Path::default(), 9);
        pair.connect();
        let mut left = 3;
        pair.tamper = Some(Box::new(move |from, packet| {
            if from == 0 && left > 0 && packet.len() > 500 {
                left -= 1;
                match absent {
                    true => packet[8..12].fill(0),
                    false => packet[100] ^= 1,
                }
            }
        }));
        pair.send(0, 1, message(0, 20_000));
        pair.settle(ms(2_000));
        assert_eq!(pair.peers[1].sctp.stats().packets_dropped, 3, "{absent}");
        assert_eq!(pair.peers[1].received.len(), 1);
        assert_eq!(pair.peers[1].received[0].data, message(0, 20_000));
    }
}

#[test]
fn a_flood_of_tiny_messages_is_bounded_by_the_window() {
    let config = Config {
        receive_window: 100_000,
        max_receive_message_size: 50_000,
        ..Config::default()
    };
    let mut pair = Pair::with(Config::default(), config, Path::default(), 8);
    pair.connect();
    pair.peers[1].reads = false;
    for tag in 0..20_000_u32 {
        pair.send(0, (tag % 1_000) as u16, tag.to_be_bytes().to_vec());
    }
    pair.run_for(Duration::from_secs(20));
    let mut count = 0;
    while pair.peers[1].sctp.poll_message().is_some() {
        count += 1;
    }
    assert!((500..=3_200).contains(&count), "{count}");
    pair.peers[1].reads = true;
    pair.settle(Duration::from_secs(60));
    assert_eq!(count + pair.peers[1].received.len(), 20_000);
}

#[test]
fn the_association_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Association>();
    assert!(size_of::<Event>() <= 24, "{}", size_of::<Event>());
}

#[test]
fn bytes_left_in_the_callers_buffer_stay() {
    let mut sctp = Association::new(Config::default(), Rng::from_u64(1));
    let now = Instant::ZERO;
    sctp.send(
        now,
        StreamId(0),
        Ppid(51),
        "x".into(),
        SendOptions::default(),
    )
    .expect("accepted");
    let mut out = b"before".to_vec();
    assert!(!sctp.poll_packet(now, &mut out));
    assert_eq!(out, b"before");
    sctp.connect(now);
    assert!(sctp.poll_packet(now, &mut out));
    assert_eq!(&out[..6], b"before");
    assert!(out.len() > 6);
}

#[test]
fn data_waits_on_a_new_path_until_the_peer_shows_that_it_kept_its_state() {
    let mut pair = Pair::connected(Path::default(), 7);
    pair.run_for(ms(1_000));
    let received = pair.peers[1].sctp.stats().packets_received;
    pair.peers[0].sctp.change_path(pair.now);
    pair.send(0, 1, message(1, 3_000));
    let answered = pair.run_until(ms(900), |pair| {
        pair.peers[1].sctp.stats().packets_received > received
    });
    assert!(
        answered && pair.peers[1].received.is_empty(),
        "the HEARTBEAT"
    );
    pair.settle(ms(900));
    assert_eq!(pair.peers[1].received.last().map(tag_of), Some(1));
}

#[test]
fn a_peer_that_starts_over_on_a_new_path_gets_what_was_sent_there() {
    let mut pair = Pair::connected(Path::default(), 8);
    pair.peers[0].sctp.change_path(pair.now);
    for tag in 0..20 {
        pair.send(0, 1, message(tag, 3_000));
    }
    pair.peers[1].sctp = Association::new(Config::default(), Rng::from_u64(99));
    pair.peers[1].sctp.connect(pair.now);
    pair.settle(ms(2_000));
    assert!(pair.peers[0].events.contains(&Event::Restarted));
    let tags: Vec<u32> = pair.peers[1].received.iter().map(tag_of).collect();
    assert_eq!(tags, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_new_path_whose_peer_says_nothing_is_taken_after_a_moment() {
    let mut pair = Pair::connected(Path::default(), 9);
    pair.peers[0].sctp.change_path(pair.now);
    pair.send(0, 1, message(1, 1_000));
    // The HEARTBEAT is lost.
    let mut lost = Vec::new();
    while pair.peers[0].sctp.poll_packet(pair.now, &mut lost) {}
    assert!(!lost.is_empty());
    pair.settle(ms(1_500));
    assert_eq!(pair.peers[1].received.last().map(tag_of), Some(1));
}

#[test]
fn an_abort_where_a_restart_is_expected_counts_when_none_comes() {
    for starts_over in [true, false] {
        let mut pair = Pair::connected(Path::default(), 10);
        pair.peers[0].sctp.expect_restart(pair.now + ms(5_000));
        pair.peers[1].sctp.abort();
        pair.run_for(ms(1_000));
        assert_eq!(closed(&pair, 0), None);
        if starts_over {
            pair.peers[1].sctp = Association::new(Config::default(), Rng::from_u64(99));
            pair.peers[1].sctp.connect(pair.now);
        }
        pair.run_for(ms(5_000));
        assert_eq!(pair.peers[0].is_connected(), starts_over);
        assert_eq!(closed(&pair, 0).is_some(), !starts_over);
    }
}
