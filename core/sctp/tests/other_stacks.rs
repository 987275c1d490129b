//! What keeps us in contact with peers that are smaller, older or less exact.

mod common;

use common::{Pair, Path, chunks, fix_checksum, message, ms, with_chunks};
use duologue_base::{Rng, StreamId};
use duologue_sctp::{CloseReason, Config, Event, PeerMisbehaved};

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const ZERO_CHECKSUM_ACCEPTABLE: [u8; 4] = [0x80, 0x01, 0, 8];

/// Of a packet with an INIT or INIT ACK: which, and whether it has Zero Checksum Acceptable.
fn offer(packet: &[u8]) -> Option<(u8, bool)> {
    let (kind, _, value) = *chunks(packet).first()?;
    let offers = value.windows(4).any(|w| w == ZERO_CHECKSUM_ACCEPTABLE);
    matches!(kind, INIT | INIT_ACK).then_some((kind, offers))
}

/// A pair whose second end is like Pion's before 1.8.10: it says nothing of RFC 9653, and drops a
/// packet that does.
fn with_pion() -> Pair {
    let pion = Config {
        zero_checksum: false,
        interleaving: false,
        ..Config::default()
    };
    let mut pair = Pair::with(Config::default(), pion, Path::default(), 31);
    pair.log = Some(Vec::new());
    pair.censor = Some(Box::new(|from, packet| {
        from == 0 && offer(packet).is_some_and(|(_, offers)| offers)
    }));
    pair
}

#[test]
fn a_peer_that_drops_unknown_parameters_is_met_by_its_own_call() {
    let mut pair = with_pion();
    let begin = pair.now;
    pair.connect();
    assert!(pair.now - begin <= ms(41), "two round trips");
    pair.send(0, 1, message(1, 50_000));
    pair.send(1, 1, message(2, 50_000));
    pair.settle(ms(2_000));
    assert_eq!(
        pair.peers[0].received.len() + pair.peers[1].received.len(),
        2
    );
}

#[test]
fn a_peer_that_drops_unknown_parameters_and_does_not_call_is_met_by_the_second_call() {
    let mut pair = with_pion();
    let begin = pair.now;
    pair.peers[0].sctp.connect(begin);
    let connected = |pair: &Pair| pair.peers.iter().all(common::Peer::is_connected);
    assert!(pair.run_until(ms(1_000), connected));
    assert!(pair.now - begin <= ms(241));
    let log = pair.log.take().expect("logged");
    let calls = log.iter().filter_map(|(_, _, packet)| offer(packet));
    let expected = [(INIT, true), (INIT, false), (INIT_ACK, false)];
    assert_eq!(calls.collect::<Vec<_>>(), expected);
}

#[test]
fn two_ends_that_know_each_other_still_do_without_checksums() {
    let mut pair = Pair::connected(Path::default(), 32);
    pair.settle(ms(500));
    for peer in &pair.peers {
        assert!(peer.sctp.stats().zero_checksum);
    }
}

#[test]
fn a_data_chunk_without_data_is_answered_with_an_abort_that_says_so() {
    for interleaving in [false, true] {
        let config = Config {
            interleaving,
            ..Config::default()
        };
        let mut pair = Pair::with(config.clone(), config, Path::default(), 33);
        pair.connect();
        pair.settle(ms(500));
        pair.log = Some(Vec::new());
        pair.send(0, 1, message(1, 10));
        pair.step(pair.now + ms(1));
        let (_, _, packet) = pair.log.take().expect("logged").remove(0);
        let (kind, flags, value) = chunks(&packet)[0];
        let header = if interleaving { 16 } else { 12 };
        let empty = with_chunks(&packet, &[(kind, flags, &value[..header])]);
        let now = pair.now;
        let receiver = &mut pair.peers[1].sctp;
        receiver.handle_packet(now, &empty);
        let mut answer = Vec::new();
        assert!(receiver.poll_packet(now, &mut answer));
        let (kind, _, cause) = chunks(&answer)[0];
        // RFC 9260 §3.3.10.9: code 9, length 8, the TSN.
        let tsn = &value[..4];
        assert_eq!(
            (kind, &cause[..4], &cause[4..]),
            (6, &[0, 9, 0, 8][..], tsn)
        );
        let reason = CloseReason::PeerMisbehaved(PeerMisbehaved::NoUserData);
        assert_eq!(receiver.poll_event(), Some(Event::Closed(reason)));
    }
}

/// RFC 6525 §5.1: who does not list RE-CONFIG understands no request, and would never answer one.
#[test]
fn streams_end_towards_a_peer_that_resets_none_once_it_has_everything() {
    let mut pair = Pair::new(Path::default(), 34);
    pair.tamper = Some(Box::new(|from, packet| {
        // Supported Extensions, which begins with RE-CONFIG in ours.
        let list = packet
            .windows(5)
            .position(|w| w[..2] == [0x80, 8] && w[4] == 130);
        if from == 1
            && offer(packet).is_some()
            && let Some(at) = list
        {
            packet[at + 4] = 0;
            fix_checksum(packet);
        }
    }));
    pair.connect();
    pair.settle(ms(500));
    pair.log = Some(Vec::new());
    pair.send(0, 1, message(1, 50_000));
    let (used, unused) = (StreamId(1), StreamId(2));
    pair.peers[0].sctp.reset_streams(&[used, unused]);
    assert!(pair.run_until(ms(2_000), |pair| pair.peers[0].ended.len() == 2));
    assert_eq!(pair.peers[1].received.len(), 1);
    pair.settle(ms(2_000));

    let refused = |stream| Event::StreamResetRefused { stream };
    let events = &pair.peers[0].events;
    assert!(events.ends_with(&[refused(unused), refused(used)]));
    assert_eq!(pair.peers[0].ended, [unused, used]);
    assert_eq!(pair.peers[1].ended, []);
    let log = pair.log.take().expect("logged");
    let sent = log.iter().flat_map(|(_, _, packet)| chunks(packet));
    assert_eq!(sent.filter(|(kind, ..)| *kind == 130).count(), 0);
    // Its numbers go on where they were.
    pair.send(0, 1, message(2, 10));
    pair.settle(ms(500));
    assert_eq!(pair.peers[1].received.len(), 2);
}

/// Sizes of the packets in which messages leave that are queued at once, the last one aside, and
/// the chunk types in them.
fn packets_of(sizes: impl Iterator<Item = usize>, seed: u64) -> (Vec<usize>, Vec<u8>) {
    let mut pair = Pair::connected(Path::default(), seed);
    pair.settle(ms(500));
    pair.log = Some(Vec::new());
    for (tag, size) in sizes.enumerate() {
        pair.send(0, 1, message(tag as u32, size));
    }
    pair.settle(ms(5_000));
    for message in &pair.peers[1].received {
        common::tag_of(message);
    }
    let log = pair.log.take().expect("logged");
    let data = |packet: &[u8]| chunks(packet).iter().any(|chunk| chunk.0 == 64);
    let sent = log.iter().filter(|(_, from, p)| *from == 0 && data(p));
    let mut lens: Vec<usize> = sent.clone().map(|(_, _, packet)| packet.len()).collect();
    lens.pop();
    let kinds = sent.flat_map(|(_, _, packet)| chunks(packet).into_iter().map(|chunk| chunk.0));
    (lens, kinds.collect())
}

/// Packets that are as long as the one before.
fn equal(lens: &[usize]) -> usize {
    lens.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

#[test]
fn packets_are_full_whatever_the_sizes_of_messages_and_have_no_padding_chunk() {
    for seed in 0..40 {
        let mut rng = Rng::from_u64(seed);
        let sizes: Vec<usize> = (0..200)
            .map(|_| 1_200 + rng.below(6_000) as usize)
            .collect();
        let (lens, kinds) = packets_of(sizes.into_iter(), seed);
        let full = lens.iter().filter(|&&len| len == 1_188).count();
        assert!(full + 2 >= lens.len(), "{full} of {}", lens.len());
        assert!(kinds.iter().all(|&kind| kind != 132));
    }
}

#[test]
fn packets_of_equal_small_messages_are_equal_and_no_message_is_cut() {
    for size in [20, 64, 100, 333, 700, 1_100] {
        let (lens, kinds) = packets_of(std::iter::repeat_n(size, 600), size as u64);
        assert!(equal(&lens) + 3 >= lens.len(), "{size}: {lens:?}");
        assert_eq!(kinds.iter().filter(|&&kind| kind == 64).count(), 600);
    }
}

#[test]
fn packets_of_small_messages_of_all_sizes_are_mostly_equal() {
    let mut rng = Rng::from_u64(5);
    let (lens, kinds) = packets_of((0..4_000).map(|_| 4 + rng.below(600) as usize), 34);
    assert!(
        equal(&lens) * 10 > lens.len() * 8,
        "{} of {}",
        equal(&lens),
        lens.len()
    );
    assert!(kinds.iter().all(|&kind| kind != 132));
}
