use std::time::Duration;

use duologue_base::Instant;
use proptest::prelude::*;

use super::{Received, TransportFeedback, TransportFeedbackToSend};
use crate::Ssrc;
use crate::rtcp::{Malformed, Packet, Writer, packets};

fn at(ticks: u64) -> Instant {
    Instant::from_nanos(ticks * 250_000)
}

fn write(base: u64, max_size: usize, arrivals: &[(u64, Instant)]) -> (Vec<u8>, u64) {
    let mut datagram = Vec::new();
    let feedback = TransportFeedbackToSend {
        sender: Ssrc(1),
        media: Ssrc(2),
        base_sequence: base,
        feedback_count: 9,
        max_size,
    };
    let mut writer = Writer::new(&mut datagram);
    let next = writer.transport_feedback(&feedback, arrivals.iter().copied());
    (datagram, next)
}

fn read(datagram: &[u8]) -> TransportFeedback<'_> {
    match packets(datagram).next() {
        Some(Ok(Packet::TransportFeedback(feedback))) => feedback,
        other => panic!("{other:?}"),
    }
}

/// A feedback of these bytes behind the SSRCs.
fn raw(fci: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    datagram.extend_from_slice(fci);
    datagram.resize(datagram.len().next_multiple_of(4), 0);
    datagram[3] = (datagram.len() / 4 - 1) as u8;
    datagram
}

fn received(datagram: &[u8]) -> Vec<(u16, u32)> {
    let received = read(datagram).received();
    received.map(|r| (r.sequence, r.ticks)).collect()
}

#[test]
fn a_run_of_small_deltas_is_one_chunk() {
    // As browsers write it when nothing is missing, the padding bit included: base 5, three
    // packets, reference time 2 (128 ms), number 7; a run of three small deltas.
    let mut datagram = raw(&[0, 5, 0, 3, 0, 0, 2, 7, 0x20, 3, 4, 8, 0, 0, 0, 3]);
    datagram[0] |= 0x20;
    let feedback = read(&datagram);
    assert_eq!((feedback.sender, feedback.media), (Ssrc(1), Ssrc(2)));
    assert_eq!((feedback.base_sequence, feedback.status_count), (5, 3));
    assert_eq!(feedback.feedback_count, 7);
    assert_eq!(received(&datagram), [(5, 516), (6, 524), (7, 524)]);
}

#[test]
fn vectors_of_one_and_two_bits_are_read() {
    // One bit: received, lost, received, then lost; of fourteen places three count.
    let datagram = raw(&[0, 0, 0, 3, 0, 0, 0, 0, 0b1010_1000, 0, 1, 2]);
    assert_eq!(received(&datagram), [(0, 1), (2, 3)]);
    // Two bits: small, large, lost, large.
    let symbols = [0b1101_1000, 0b1000_0000];
    let mut fci = vec![0xff, 0xfe, 0, 4, 0, 0, 1, 0];
    fci.extend_from_slice(&symbols);
    fci.extend_from_slice(&[5, 0x01, 0x00, 0xff, 0xff]);
    let datagram = raw(&fci);
    assert_eq!(
        received(&datagram),
        [(0xfffe, 261), (0xffff, 517), (1, 516)]
    );
}

#[test]
fn the_reference_time_is_modulo_its_24_bits() {
    let datagram = raw(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0, 0x40, 1, 1, 0]);
    assert_eq!(received(&datagram), [(0, 0)]);
}

#[test]
fn a_feedback_that_announces_more_than_it_has_is_malformed() {
    for fci in [
        // No chunk.
        &[0, 0, 0, 1, 0, 0, 0, 0][..],
        // 8,191 packets in a run, with two bytes of deltas.
        &[0, 0, 0x1f, 0xff, 0, 0, 0, 0, 0x3f, 0xff, 1, 2],
        // Large ones with one byte less than they take.
        &[0, 0, 0, 2, 0, 0, 0, 0, 0x40, 2, 1, 2],
        // A reserved symbol, in a vector and in a run.
        &[0, 0, 0, 7, 0, 0, 0, 0, 0xc0, 3, 1, 2],
        &[0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 1, 2],
        // More statuses than the run.
        &[0, 0, 0, 9, 0, 0, 0, 0, 0x00, 8],
    ] {
        let datagram = raw(fci);
        let read = packets(&datagram).next().unwrap();
        assert_eq!(read.err(), Some(Malformed::Packet(205)), "{fci:?}");
    }
}

#[test]
fn the_longest_run_of_lost_packets_costs_nothing() {
    let mut fci = vec![0, 0, 0xff, 0xff, 0, 0, 0, 0];
    fci.extend([0x1f, 0xff].repeat(7));
    fci.extend([0x1f, 0xff, 0x20, 7]);
    let datagram = raw(&fci);
    let Some(Err(Malformed::Packet(205))) = packets(&datagram).next() else {
        panic!("seven deltas are missing");
    };
    fci.extend([1; 7]);
    let datagram = raw(&fci);
    let feedback = read(&datagram);
    assert_eq!(feedback.received().count(), 7);
    assert_eq!(feedback.received().next().map(|r| r.sequence), Some(65_528));
}

#[test]
fn what_is_written_without_loss_is_a_run() {
    let arrivals: Vec<_> = (100..120).map(|n| (n, at(1_000 + n))).collect();
    let (datagram, next) = write(100, 1_200, &arrivals);
    assert_eq!(next, 120);
    // Head, two SSRCs, eight bytes, one chunk, twenty deltas, padding to a whole word.
    assert_eq!(datagram.len(), 4 + 8 + 8 + 2 + 20 + 2);
    assert_eq!(datagram[20..22], [0x20, 20]);
    assert_eq!(datagram[0], 0xaf);
    assert_eq!(datagram.last(), Some(&2));
    let expected: Vec<_> = (100..120).map(|n| (n as u16, 1_000 + n)).collect();
    assert_eq!(received(&datagram), expected);
}

#[test]
fn what_is_lost_here_and_there_is_a_vector() {
    let numbers = [0, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    let arrivals: Vec<_> = numbers.iter().map(|&n| (n, at(n))).collect();
    let (datagram, next) = write(0, 1_200, &arrivals);
    assert_eq!(next, 14);
    assert_eq!(datagram[20..22], [0b1010_1101, 0b1111_1111]);
    let expected: Vec<_> = numbers.iter().map(|&n| (n as u16, n as u32)).collect();
    assert_eq!(received(&datagram), expected);
}

#[test]
fn packets_lost_before_the_first_are_told() {
    let (datagram, next) = write(65_530, 1_200, &[(65_540, at(77))]);
    assert_eq!(next, 65_541);
    assert_eq!(read(&datagram).base_sequence, 65_530);
    assert_eq!(read(&datagram).status_count, 11);
    assert_eq!(received(&datagram), [(4, 77)]);
}

#[test]
fn a_feedback_ends_before_what_it_cannot_tell() {
    // More than 8.19 s behind.
    let arrivals = [(0, at(0)), (1, at(32_768)), (2, at(32_769))];
    let (datagram, next) = write(0, 1_200, &arrivals);
    assert_eq!((received(&datagram).len(), next), (1, 1));
    let (datagram, next) = write(next, 1_200, &arrivals);
    assert_eq!((received(&datagram).len(), next), (2, 3));

    // Earlier by more than that.
    let arrivals = [(0, at(40_000)), (1, at(0))];
    assert_eq!(write(0, 1_200, &arrivals).1, 1);
    // The most that there is.
    let arrivals = [(0, at(0)), (1, at(32_767)), (65_534, at(0))];
    assert_eq!(write(0, 1_200, &arrivals).1, 65_535);
}

#[test]
fn a_base_that_is_too_far_back_is_given_up() {
    let arrivals = [(70_000, at(5)), (70_001, at(6))];
    let (datagram, next) = write(10, 1_200, &arrivals);
    assert_eq!(next, 70_002);
    assert_eq!(read(&datagram).base_sequence, 70_000u32 as u16);
}

#[test]
fn a_feedback_keeps_to_its_size() {
    let arrivals: Vec<_> = (0..5_000).map(|n| (n, at(n * 3))).collect();
    let (mut next, mut rounds) = (0, 0);
    while next < 5_000 {
        let (datagram, behind) = write(next, 200, &arrivals);
        assert!(datagram.len() <= 200, "{}", datagram.len());
        assert!(behind - next > 100 || behind == 5_000, "{}", behind - next);
        let told = received(&datagram);
        assert_eq!(told.len() as u64, behind - next);
        assert_eq!(told.last().map(|t| u64::from(t.1)), Some((behind - 1) * 3));
        next = behind;
        rounds += 1;
    }
    assert!(rounds < 40, "{rounds}");
    // No room at all: nothing is written.
    assert_eq!(write(0, 20, &arrivals), (Vec::new(), 0));
    assert_eq!(write(0, 1_200, &[]), (Vec::new(), 0));
    assert_eq!(write(9, 1_200, &arrivals[..9]), (Vec::new(), 9));
}

#[test]
fn a_tick_is_250_microseconds() {
    let time = Duration::from_micros(Received::TICK_MICROS);
    assert_eq!(at(1), Instant::ZERO + time);
}

fn arrivals() -> impl Strategy<Value = Vec<(u64, Instant)>> {
    let gap = prop_oneof![8 => Just(1u64), 2 => 2..20u64, 1 => 20..20_000u64];
    let delta = prop_oneof![8 => 0..256i64, 2 => -300..600i64, 1 => -40_000..40_000i64];
    proptest::collection::vec((gap, delta), 0..300).prop_map(|steps| {
        let (mut number, mut ticks) = (0u64, 1_000_000i64);
        let mut arrivals = Vec::new();
        for (gap, delta) in steps {
            number += gap;
            ticks = (ticks + delta).max(0);
            arrivals.push((number, at(ticks as u64)));
        }
        arrivals
    })
}

proptest! {
    #[test]
    fn every_arrival_is_told_once(arrivals in arrivals(), start in 0u64..200_000, max in 60usize..1_300) {
        let shifted: Vec<_> = arrivals.iter().map(|(n, t)| (n + start, *t)).collect();
        let mut base = start;
        let mut told = Vec::new();
        loop {
            let (datagram, next) = write(base, max, &shifted);
            if next == base {
                break;
            }
            prop_assert!(datagram.len() <= max);
            prop_assert_eq!(packets(&datagram).count(), 1);
            prop_assert!(next > base);
            told.extend(received(&datagram));
            base = next;
        }
        let expected: Vec<_> = shifted
            .iter()
            .map(|(n, t)| (*n as u16, (t.as_nanos() / 250_000) as u32))
            .collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn junk_never_panics(fci in proptest::collection::vec(any::<u8>(), 0..100)) {
        let datagram = raw(&fci);
        if let Some(Ok(Packet::TransportFeedback(feedback))) = packets(&datagram).next() {
            // Each one takes at least a byte.
            prop_assert!(feedback.received().count() <= datagram.len());
        }
    }
}
