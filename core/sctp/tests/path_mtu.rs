//! Packets follow what the path carries (RFC 8899), and nothing is lost when it carries less.

mod common;

use std::time::Duration;

use common::{Pair, Path, chunks, message, ms, tag_of};
use duologue_sctp::{Config, LARGEST_PACKET};

/// Kinds of chunks (RFC 9260 §3.2, RFC 8260 §2.1, RFC 4820 §3).
const HEARTBEAT: u8 = 4;
const HEARTBEAT_ACK: u8 = 5;
const I_DATA: u8 = 0x40;
const PAD: u8 = 0x84;

/// Of SCTP, what [`Config::default`] makes of its 1191 bytes.
const BASE: usize = 1_188;

const MESSAGE: usize = 16 << 10;

fn searching() -> Config {
    Config {
        largest_packet: LARGEST_PACKET,
        ..Config::default()
    }
}

fn path(mtu: usize) -> Path {
    Path {
        mtu,
        rate: Some(12_500_000),
        queue: 4 << 20,
        ..Path::default()
    }
}

/// Only the first looks for larger packets; both connected.
fn pair(mtu: usize) -> Pair {
    let mut pair = Pair::with(searching(), Config::default(), path(mtu), 7);
    pair.connect();
    pair
}

fn send(pair: &mut Pair, tags: std::ops::Range<u32>) {
    for tag in tags {
        pair.send(0, 0, message(tag, MESSAGE));
    }
}

fn size(pair: &Pair) -> usize {
    pair.peers[0].sctp.stats().mtu
}

fn tags(pair: &Pair) -> Vec<u32> {
    pair.peers[1].received.iter().map(tag_of).collect()
}

#[test]
fn packets_become_as_large_as_the_path_carries() {
    for (mtu, found, sent) in [
        (1_200, BASE, BASE),
        (1_400, 1_312, 1_312),
        (1_415, 1_412, 1_412),
        // Three of the longest chunks, and seven.
        (4_000, 3_812, 12 + 3 * (BASE - 12)),
        (9_000, LARGEST_PACKET, 12 + 7 * (BASE - 12)),
        (65_536, LARGEST_PACKET, 12 + 7 * (BASE - 12)),
    ] {
        let mut pair = pair(mtu);
        send(&mut pair, 0..400);
        pair.log = Some(Vec::new());
        pair.settle(Duration::from_secs(20));

        assert_eq!(size(&pair), found, "{mtu}");
        assert_eq!(tags(&pair), (0..400).collect::<Vec<_>>());
        let log = pair.log.take().expect("kept");
        let data = log
            .iter()
            .filter(|(_, from, packet)| *from == 0 && packet[12] == I_DATA);
        assert_eq!(
            data.map(|(_, _, packet)| packet.len()).max(),
            Some(sent),
            "{mtu}"
        );
        assert_eq!(pair.peers[0].sctp.stats().chunks_retransmitted, 0, "{mtu}");
    }
}

#[test]
fn a_probe_is_a_heartbeat_that_a_pad_chunk_makes_long() {
    let mut pair = pair(1_320);
    send(&mut pair, 0..20);
    pair.log = Some(Vec::new());
    pair.settle(Duration::from_secs(1));

    let log = pair.log.take().expect("kept");
    let probe = log
        .iter()
        .find(|(_, from, packet)| *from == 0 && packet[12] == HEARTBEAT);
    let packet = &probe.expect("there is one").2;
    assert_eq!(packet.len(), 1_312);
    let kinds: Vec<u8> = chunks(packet).iter().map(|chunk| chunk.0).collect();
    assert_eq!(kinds, [HEARTBEAT, PAD]);
}

#[test]
fn a_size_that_does_not_arrive_is_tried_three_times_and_then_left_alone() {
    let mut pair = pair(1_320);
    send(&mut pair, 0..40);
    pair.log = Some(Vec::new());
    pair.run_for(Duration::from_secs(500));

    let probes = |pair: &Pair, size: usize| {
        let log = pair.log.as_ref().expect("kept");
        let of = |packet: &[u8]| packet[12] == HEARTBEAT && packet.len() == size;
        log.iter()
            .filter(|(_, from, packet)| *from == 0 && of(packet))
            .count()
    };
    assert_eq!((probes(&pair, 1_312), probes(&pair, 1_412)), (1, 3));
    assert_eq!(
        pair.peers[0].sctp.poll_timeout(),
        None,
        "an idle path is left alone"
    );

    // PMTU_RAISE_TIMER: the path may carry more by now.
    pair.links[0].set_mtu(1_500);
    pair.run_for(Duration::from_secs(200));
    send(&mut pair, 40..60);
    pair.run_for(Duration::from_secs(10));
    assert_eq!(size(&pair), 1_412);
}

#[test]
fn little_data_is_no_reason_to_probe() {
    let mut pair = pair(9_000);
    send(&mut pair, 0..3);
    pair.run_for(Duration::from_secs(10));
    assert_eq!(size(&pair), BASE);
    assert_eq!(pair.peers[0].sctp.poll_timeout(), None);
}

#[test]
fn a_peer_that_answers_no_probe_gets_packets_of_the_base_size() {
    let mut pair = pair(9_000);
    pair.censor = Some(Box::new(|from, packet| {
        from == 1 && packet[12] == HEARTBEAT_ACK
    }));
    send(&mut pair, 0..400);
    pair.settle(Duration::from_secs(20));
    assert_eq!(size(&pair), BASE);
    assert_eq!(tags(&pair).len(), 400);
    assert_eq!(pair.peers[0].sctp.stats().chunks_retransmitted, 0);
}

#[test]
fn no_chunk_is_longer_than_every_path_carries() {
    let mut pair = pair(9_000);
    send(&mut pair, 0..200);
    pair.log = Some(Vec::new());
    pair.settle(Duration::from_secs(20));

    let log = pair.log.take().expect("kept");
    let of_data = log.iter().filter(|(_, from, _)| *from == 0);
    let longest = of_data
        .flat_map(|(_, _, packet)| chunks(packet))
        .filter(|(kind, ..)| *kind == I_DATA)
        .map(|(_, _, value)| 12 + 4 + value.len())
        .max();
    assert_eq!(longest, Some(BASE));
}

/// The longest time without a message, and how many came.
fn stall(pair: &mut Pair, time: Duration) -> (Duration, usize) {
    let (mut last, mut longest) = (pair.now, Duration::ZERO);
    let mut known = pair.peers[1].received.len();
    pair.run_until(time, |pair| {
        if pair.peers[1].received.len() > known {
            known = pair.peers[1].received.len();
            longest = longest.max(pair.now - last);
            last = pair.now;
        }
        pair.is_quiet()
    });
    (longest, known)
}

#[test]
fn a_black_hole_in_the_middle_of_a_transfer_costs_less_than_two_seconds_and_no_message() {
    for (delay, before) in [
        (1, 9_000),
        (10, 9_000),
        (100, 9_000),
        (10, 1_400),
        (100, 4_000),
    ] {
        let wide = Path {
            delay: ms(delay),
            ..path(before)
        };
        let mut pair = Pair::with(searching(), Config::default(), wide, 7);
        pair.connect();
        send(&mut pair, 0..900);
        pair.run_until(Duration::from_secs(20), |pair| {
            pair.peers[1].received.len() >= 300
        });
        assert!(size(&pair) > BASE);

        pair.links[0].set_mtu(1_200);
        let (longest, _) = stall(&mut pair, Duration::from_secs(60));
        assert!(longest < ms(2_000), "{delay} ms, {before}: {longest:?}");
        assert_eq!(size(&pair), BASE);
        assert_eq!(tags(&pair), (0..900).collect::<Vec<_>>());
    }
}

#[test]
fn one_message_into_a_black_hole_arrives() {
    let mut pair = pair(9_000);
    send(&mut pair, 0..400);
    pair.settle(Duration::from_secs(20));
    assert_eq!(size(&pair), LARGEST_PACKET);

    pair.run_for(Duration::from_secs(60));
    pair.links[0].set_mtu(1_200);
    send(&mut pair, 400..401);
    let begin = pair.now;
    pair.settle(Duration::from_secs(3));
    assert!(pair.now - begin < ms(1_000), "{:?}", pair.now - begin);
    assert_eq!(tags(&pair).len(), 401);
}

/// Why chunks are not cut for the path that was found: this is what would become of them.
#[test]
fn a_chunk_that_was_cut_for_a_larger_path_never_arrives() {
    let large = Config {
        mtu: 1_400,
        ..Config::default()
    };
    let mut pair = Pair::with(large, Config::default(), path(1_500), 7);
    pair.connect();
    send(&mut pair, 0..900);
    pair.run_until(Duration::from_secs(20), |pair| {
        pair.peers[1].received.len() >= 300
    });

    pair.links[0].set_mtu(1_200);
    pair.run_for(Duration::from_secs(1));
    let stuck = pair.peers[1].received.len();
    pair.run_for(Duration::from_secs(120));
    assert_eq!(pair.peers[1].received.len(), stuck, "nothing helps it");
}

#[test]
fn losses_of_a_path_that_carries_large_packets_are_repaired() {
    for seed in 1..=5 {
        let lossy = Path {
            loss: 0.05,
            ..path(9_000)
        };
        let mut pair = Pair::with(searching(), searching(), lossy, seed);
        pair.connect();
        send(&mut pair, 0..600);
        pair.settle(Duration::from_secs(120));
        assert_eq!(tags(&pair), (0..600).collect::<Vec<_>>());
    }
}

#[test]
fn on_another_path_packets_begin_with_the_base_size() {
    let mut pair = pair(9_000);
    send(&mut pair, 0..400);
    pair.settle(Duration::from_secs(20));

    pair.links[0].set_mtu(1_400);
    pair.peers[0].sctp.handle_new_path(LARGEST_PACKET);
    assert_eq!(size(&pair), BASE);
    send(&mut pair, 400..500);
    pair.settle(Duration::from_secs(20));
    assert_eq!(size(&pair), 1_312);
    assert_eq!(pair.peers[0].sctp.stats().chunks_retransmitted, 0);
}

#[test]
fn no_larger_packets_are_probed_for_than_the_owner_allows() {
    let mut pair = pair(9_000);
    pair.peers[0].sctp.handle_new_path(1_412);
    pair.log = Some(Vec::new());
    send(&mut pair, 0..400);
    pair.settle(Duration::from_secs(20));
    assert_eq!(size(&pair), 1_412);
    let log = pair.log.take().expect("kept");
    assert_eq!(log.iter().map(|entry| entry.2.len()).max(), Some(1_412));

    pair.peers[0].sctp.handle_new_path(0);
    send(&mut pair, 400..800);
    pair.settle(Duration::from_secs(20));
    assert_eq!(size(&pair), BASE);
}
