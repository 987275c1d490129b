//! Messages that may be given up (RFC 3758), and streams that are reset (RFC 6525).

mod common;

use std::time::Duration;

use common::{Pair, Path, at_most, message, ms, tag_of, within};
use duologue_base::{Rng, StreamId};
use duologue_sctp::{Config, Event, Reliability, SendError, SendOptions};

fn lossy(loss: f64) -> Path {
    Path {
        loss,
        jitter: ms(2),
        ..Path::default()
    }
}

fn config(interleaving: bool) -> Config {
    Config {
        interleaving,
        ..Config::default()
    }
}

fn tags(pair: &Pair, to: usize, stream: u16) -> Vec<u32> {
    let received = pair.peers[to].received.iter();
    received
        .filter(|m| m.stream.0 == stream)
        .map(tag_of)
        .collect()
}

#[test]
fn messages_without_retransmission_never_hold_back_later_ones() {
    for seed in 0..60 {
        let path = lossy(0.3);
        let mut pair = Pair::with(config(seed % 2 == 0), config(true), path, seed);
        pair.connect();
        let mut rng = Rng::from_u64(seed);
        let count = 80;
        for tag in 0..count {
            let options = SendOptions {
                unordered: rng.below(3) == 0,
                ..at_most(0)
            };
            pair.send_with(0, 1, message(tag, 4 + rng.below(5_000) as usize), options);
            pair.run_for(ms(u64::from(rng.below(8))));
        }
        pair.settle(Duration::from_secs(30));
        pair.send(0, 1, message(count, 3_000));
        pair.settle(Duration::from_secs(30));
        let got = tags(&pair, 1, 1);
        assert_eq!(got.last(), Some(&count), "seed {seed}");
        let mut once = got.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), got.len(), "seed {seed}: delivered twice");
        assert!(
            (8..=count as usize).contains(&got.len()),
            "seed {seed}: {}",
            got.len()
        );
        let abandoned = pair.peers[0].sctp.stats().messages_abandoned as usize;
        assert!(abandoned + got.len() > count as usize, "seed {seed}");
    }
}

#[test]
fn ordered_messages_that_do_arrive_are_in_order() {
    for seed in 0..40 {
        let mut pair = Pair::with(config(seed % 2 == 0), config(true), lossy(0.2), seed);
        pair.connect();
        for tag in 0..100 {
            let options = if tag % 3 == 0 {
                SendOptions::default()
            } else {
                at_most((tag % 2) as u16)
            };
            pair.send_with(0, 2, message(tag, 4 + (tag as usize * 37) % 3_000), options);
            pair.run_for(ms(2));
        }
        pair.settle(Duration::from_secs(60));
        let got = tags(&pair, 1, 2);
        assert!(got.is_sorted(), "seed {seed}: {got:?}");
        // The reliable ones are all there.
        assert_eq!(
            got.iter().filter(|tag| *tag % 3 == 0).count(),
            34,
            "seed {seed}"
        );
    }
}

#[test]
fn a_lifetime_that_ends_in_the_queue_costs_no_packet() {
    let path = Path {
        rate: Some(100_000),
        queue: 20_000,
        ..Path::default()
    };
    let mut pair = Pair::connected(path, 1);
    for tag in 0..100 {
        pair.send_with(0, 1, message(tag, 10_000), within(ms(500)));
    }
    pair.settle(Duration::from_secs(30));
    let got = tags(&pair, 1, 1).len();
    // Half a second carries 50 kB and what waits in the bottleneck's queue.
    assert!((2..=12).contains(&got), "{got}");
    assert_eq!(pair.peers[0].departed[&1], 1_000_000);
    assert!(pair.peers[0].sctp.stats().bytes_sent < 200_000);
}

#[test]
fn a_message_that_expires_half_sent_is_given_up_whole() {
    for interleaving in [false, true] {
        let path = Path {
            rate: Some(200_000),
            queue: 30_000,
            ..Path::default()
        };
        let mut pair = Pair::with(config(interleaving), config(interleaving), path, 2);
        pair.connect();
        pair.send_with(0, 1, message(0, 500_000), within(ms(300)));
        pair.send(0, 1, message(1, 1_000));
        pair.settle(Duration::from_secs(20));
        assert_eq!(tags(&pair, 1, 1), [1]);
        // Nothing of it is left at the receiver.
        let stats = pair.peers[1].sctp.stats();
        assert_eq!(stats.receive_window, Config::default().receive_window);
    }
}

#[test]
fn a_peer_without_the_extension_gets_everything() {
    let mut pair = Pair::new(lossy(0.2), 3);
    // Turns FORWARD-TSN-Supported and the list of extensions into unknown parameters.
    pair.tamper = Some(Box::new(|_, packet| {
        if matches!(packet[12], 1 | 2) {
            for n in (12..packet.len().saturating_sub(4)).step_by(4) {
                if packet[n..n + 4] == [0xc0, 0, 0, 4] || packet[n..n + 2] == [0x80, 8] {
                    packet[n] = 0x80;
                    packet[n + 1] = 0x77;
                }
            }
            common::fix_checksum(packet);
        }
    }));
    pair.connect();
    assert!(!pair.peers[0].sctp.stats().interleaving);
    for tag in 0..50 {
        pair.send_with(0, 1, message(tag, 2_000), at_most(0));
    }
    pair.settle(Duration::from_secs(60));
    assert_eq!(tags(&pair, 1, 1), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_reset_waits_for_what_was_sent_before_and_the_stream_begins_anew() {
    for seed in 0..60 {
        let loss = f64::from(seed as u32 % 4) * 0.1;
        let mut pair = Pair::with(config(seed % 2 == 0), config(true), lossy(loss), seed);
        pair.connect();
        let mut expected = Vec::new();
        for round in 0..3_u32 {
            for n in 0..10 {
                let tag = round * 10 + n;
                expected.push(tag);
                pair.send(0, 5, message(tag, 4 + (tag as usize * 997) % 6_000));
            }
            pair.peers[0].sctp.reset_streams(&[StreamId(5)]);
            let refused = pair.peers[0].sctp.send(
                pair.now,
                StreamId(5),
                common::BINARY,
                vec![1].into(),
                SendOptions::default(),
            );
            assert_eq!(refused, Err(SendError::Resetting(StreamId(5))));
            let stream = StreamId(5);
            let done = pair.run_until(Duration::from_secs(60), |pair| {
                let events = &pair.peers[0].events;
                let resets = events
                    .iter()
                    .filter(|e| **e == Event::StreamReset { stream });
                resets.count() as u32 == round + 1
            });
            assert!(done, "seed {seed}, round {round}");
            let seen = pair.peers[1].ended.len();
            assert_eq!(seen as u32, round + 1, "seed {seed}");
        }
        assert_eq!(tags(&pair, 1, 5), expected, "seed {seed}");
    }
}

#[test]
fn both_sides_can_reset_many_streams_at_once() {
    for seed in 0..20 {
        let mut pair = Pair::with(config(true), config(true), lossy(0.1), seed);
        pair.connect();
        let streams: Vec<StreamId> = (0..500).map(StreamId).collect();
        for n in 0..2 {
            for &stream in &streams {
                pair.send(n, stream.0, message(1, 50));
            }
            pair.peers[n].sctp.reset_streams(&streams);
        }
        let done = pair.run_until(Duration::from_secs(60), |pair| {
            pair.peers.iter().all(|peer| {
                let own = peer
                    .events
                    .iter()
                    .filter(|e| matches!(e, Event::StreamReset { .. }));
                (own.count(), peer.ended.len()) == (500, 500)
            })
        });
        assert!(done, "seed {seed}");
        assert!(pair.peers.iter().all(|peer| peer.received.len() == 500));
    }
}

#[test]
fn a_stream_that_gives_up_messages_can_be_reset() {
    for seed in 0..20 {
        let mut pair = Pair::with(config(seed % 2 == 0), config(true), lossy(0.3), seed);
        pair.connect();
        for tag in 0..40 {
            let options = SendOptions {
                unordered: tag % 2 == 0,
                reliability: Reliability::MaxRetransmits(0),
            };
            pair.send_with(0, 9, message(tag, 2_500), options);
        }
        pair.peers[0].sctp.reset_streams(&[StreamId(9)]);
        let stream = StreamId(9);
        let done = pair.run_until(Duration::from_secs(60), |pair| {
            pair.peers[0]
                .events
                .contains(&Event::StreamReset { stream })
        });
        assert!(done, "seed {seed}");
        // A FORWARD-TSN for what was given up before must not skip any of these.
        for tag in 100..120 {
            pair.send(0, 9, message(tag, 100));
        }
        pair.settle(Duration::from_secs(30));
        let mut after = tags(&pair, 1, 9);
        after.retain(|&tag| tag >= 100);
        assert_eq!(after, (100..120).collect::<Vec<_>>(), "seed {seed}");
    }
}

/// Milliseconds from closing stream 3 until the other end knows.
fn time_to_close(pair: &mut Pair) -> u128 {
    let begin = pair.now;
    pair.peers[0].sctp.reset_streams(&[StreamId(3)]);
    let ended = |pair: &Pair| pair.peers[1].ended == [StreamId(3)];
    assert!(pair.run_until(Duration::from_secs(5), ended));
    (pair.now - begin).as_millis()
}

#[test]
fn a_stream_that_ends_right_after_its_last_message_ends_a_round_trip_after_it() {
    for (size, left_already) in [(100, false), (100, true), (8_000, false), (8_000, true)] {
        let mut pair = Pair::connected(Path::default(), 21);
        pair.settle(ms(500));
        pair.send(0, 3, message(1, size));
        if left_already {
            pair.run_for(ms(1));
        }
        let time = time_to_close(&mut pair);
        // Initial windows are larger than the message. It goes one way, the SACK back, the end one way.
        assert!(
            time <= 31,
            "{time} ms for {size} bytes, left {left_already}"
        );
        assert_eq!(tags(&pair, 1, 3), [1]);
    }
}

#[test]
fn the_end_of_a_stream_waits_for_a_lost_message_and_no_longer() {
    for (size, lost) in [(100, 1), (5_000, 1), (5_000, 5)] {
        let mut pair = Pair::connected(Path::default(), 22);
        // The round trip is known from here on.
        pair.send(0, 1, message(0, 10));
        pair.settle(ms(500));
        let mut data_packets = 0;
        pair.censor = Some(Box::new(move |from, packet| {
            let has_data = common::chunks(packet).iter().any(|chunk| chunk.0 == 64);
            data_packets += usize::from(from == 0 && has_data);
            from == 0 && has_data && data_packets == lost
        }));
        pair.send(0, 3, message(1, size));
        let time = time_to_close(&mut pair);
        assert!(time <= 130, "{time} ms for {size} bytes, {lost} lost");
        assert_eq!(tags(&pair, 1, 3), [1]);
    }
}

/// Makes the resets that the first end asks for name no data, so that the other one does not wait for
/// any, as werift does.
fn reset_at_once(from: usize, packet: &mut [u8]) {
    const RE_CONFIG: u8 = 130;
    const OUTGOING_RESET: [u8; 2] = [0, 13];
    if from == 0 && packet[12] == RE_CONFIG && packet[16..18] == OUTGOING_RESET {
        // RFC 6525 §4.1: the first request has the number of the first TSN.
        let number = u32::from_be_bytes([packet[20], packet[21], packet[22], packet[23]]);
        packet[28..32].copy_from_slice(&number.wrapping_sub(1).to_be_bytes());
        common::fix_checksum(packet);
    }
}

#[test]
fn the_last_message_reaches_a_peer_that_resets_without_waiting_for_what_is_lost() {
    for (size, lost) in [(100, 1), (5_000, 1), (5_000, 5)] {
        for left_already in [false, true] {
            let mut pair = Pair::connected(Path::default(), 26);
            // The round trip is known from here on.
            pair.send(0, 1, message(0, 10));
            pair.settle(ms(500));
            let mut data_packets = 0;
            pair.censor = Some(Box::new(move |from, packet| {
                let has_data = common::chunks(packet).iter().any(|chunk| chunk.0 == 64);
                data_packets += usize::from(from == 0 && has_data);
                from == 0 && has_data && data_packets == lost
            }));
            pair.tamper = Some(Box::new(reset_at_once));
            pair.send(0, 3, message(1, size));
            if left_already {
                pair.run_for(ms(1));
            }
            let time = time_to_close(&mut pair);
            assert!(time <= 130, "{time} ms for {size} bytes, {lost} lost");
            assert_eq!(tags(&pair, 1, 3), [1], "{size} bytes, {lost} lost");
        }
    }
}

#[test]
fn a_peer_that_waits_to_be_asked_again_is_asked_when_it_has_everything() {
    let mut pair = Pair::connected(Path::default(), 23);
    pair.settle(ms(500));
    let (mut data_packets, mut answers) = (0, 0);
    pair.censor = Some(Box::new(move |from, packet| {
        let has_data = common::chunks(packet).iter().any(|chunk| chunk.0 == 64);
        data_packets += usize::from(from == 0 && has_data);
        from == 0 && has_data && data_packets == 2
    }));
    pair.tamper = Some(Box::new(move |from, packet| {
        // The first answer says that the reset is in progress. The next, that it is done, becomes
        // padding.
        let is_answer = from == 1 && packet[12] == 130;
        answers += usize::from(is_answer);
        if is_answer && answers == 2 {
            packet[12] = 132;
            common::fix_checksum(packet);
        }
    }));
    pair.send(0, 3, message(1, 100));
    pair.peers[0].sctp.reset_streams(&[StreamId(3)]);
    pair.run_for(ms(1));
    pair.send(0, 5, message(2, 100));
    let time = time_to_close(&mut pair);
    let stream = StreamId(3);
    let done = |pair: &Pair| {
        pair.peers[0]
            .events
            .contains(&Event::StreamReset { stream })
    };
    assert!(pair.run_until(ms(200), done), "{time}");
}

/// Makes the requests of the first end to reset its streams such for those of the other end.
fn ask_for_the_others_streams(from: usize, packet: &mut [u8]) {
    if from == 0 && packet[12] == 130 && packet[16..18] == [0, 13] {
        let stream = [packet[32], packet[33]];
        packet[14..16].copy_from_slice(&[0, 14]);
        packet[16..20].copy_from_slice(&[0, 14, 0, 10]);
        packet[24..28].copy_from_slice(&[stream[0], stream[1], 0, 0]);
        // Padding in place of what such a request does not have.
        packet[28..32].copy_from_slice(&[132, 0, 0, 8]);
        common::fix_checksum(packet);
    }
}

#[test]
fn who_sends_on_a_stream_says_when_it_ends() {
    let mut pair = Pair::connected(Path::default(), 44);
    pair.settle(ms(500));
    pair.tamper = Some(Box::new(ask_for_the_others_streams));
    let stream = StreamId(3);
    pair.send(1, stream.0, message(1, 100));
    pair.peers[0].sctp.reset_streams(&[stream]);
    let refused = Event::StreamResetRefused { stream };
    let done = |pair: &Pair| pair.peers[0].events.contains(&refused);
    assert!(pair.run_until(ms(500), done));
    pair.send(1, stream.0, message(2, 100));
    pair.settle(ms(500));
    assert_eq!(tags(&pair, 0, stream.0), [1, 2]);
}

#[test]
fn the_end_of_a_stream_takes_room_in_the_window_and_waits_for_it() {
    let mut pair = Pair::connected(Path::default(), 24);
    pair.settle(ms(500));
    pair.peers[1].reads = false;
    let free = |pair: &Pair| pair.peers[1].sctp.stats().receive_window;
    let empty = free(&pair);
    pair.peers[0].sctp.reset_streams(&[StreamId(1)]);
    pair.run_for(ms(500));
    assert!(free(&pair) < empty);
    while free(&pair) > 0 {
        for _ in 0..1_000 {
            pair.send(0, 2, message(1, 1_000));
        }
        pair.run_for(ms(100));
    }
    pair.peers[0].sctp.reset_streams(&[StreamId(3)]);
    pair.run_for(ms(2_000));
    let stream = StreamId(3);
    let done = |pair: &Pair| {
        pair.peers[0]
            .events
            .contains(&Event::StreamReset { stream })
    };
    assert!(!done(&pair));
    pair.peers[1].reads = true;
    pair.peers[1].read_all();
    assert!(pair.run_until(ms(2_000), done));
    pair.settle(ms(5_000));
    assert_eq!(pair.peers[1].ended, [StreamId(1), StreamId(3)]);
}
