use duologue_base::Seq16;
use proptest::prelude::*;

use super::*;
use crate::ext::{ExtensionMap, ExtensionsToSend};
use crate::red::Block;
use crate::{HeaderToSend, Packet, PayloadType, Ssrc, write_padding};

const SSRC: Ssrc = Ssrc(0x0102_0304);

/// A packet with everything that parity has to bring back.
fn packet(sequence: u16, len: usize) -> Vec<u8> {
    let csrcs = [Ssrc(7), Ssrc(8)];
    let n = usize::from(sequence);
    let header = HeaderToSend {
        marker: n.is_multiple_of(3),
        payload_type: PayloadType::new(96 + (sequence % 8) as u8).unwrap(),
        sequence_number: Seq16(sequence),
        timestamp: 90_000 * u32::from(sequence / 4),
        ssrc: SSRC,
        csrcs: &csrcs[..n % 3],
        extensions: ExtensionsToSend {
            transport_sequence: (!n.is_multiple_of(4)).then_some(sequence),
            mid: n.is_multiple_of(5).then_some("video"),
            ..Default::default()
        },
        padded: n % 7 == 1,
    };
    let mut datagram = Vec::new();
    header.write(&ExtensionMap::all(false), &mut datagram);
    datagram.extend((0..len).map(|i| (i * 7 + n) as u8));
    if header.padded {
        write_padding(3, &mut datagram);
    }
    datagram
}

fn protector(packets: &[Vec<u8>], max_span: u16) -> Protector {
    let mut protector = Protector::default();
    for packet in packets {
        assert!(protector.add(Protected::packet(packet).unwrap(), max_span));
    }
    protector
}

/// All but one, as parity sees them.
fn without<'a>(
    packets: &'a [Vec<u8>],
    sequence: u16,
) -> impl Iterator<Item = Protected<'a>> + Clone {
    let all = packets.iter().filter_map(|p| Protected::packet(p));
    all.filter(move |p| p.sequence_number.0 != sequence)
}

#[test]
fn the_header_of_ulpfec_is_that_of_rfc_5109() {
    // The example of §10.1: packets 8 to 11 of 200, 140, 100 and 340 bytes of payload (the FEC is
    // over what is behind the first twelve bytes), markers on the first and the third, payload
    // types 11, 18, 11, 18; time stamps 3, 5, 7, 9.
    let mut protector = Protector::default();
    let fields = [
        (8u8, true, 11u8, 3u8, 200usize),
        (9, false, 18, 5, 140),
        (10, true, 11, 7, 100),
        (11, false, 18, 9, 340),
    ];
    for (sequence, marker, payload_type, timestamp, len) in fields {
        let second = u8::from(marker) << 7 | payload_type;
        let mut packet = vec![0x80, second, 0, sequence, 0, 0, 0, timestamp, 0, 0, 0, 2];
        packet.resize(12 + len, sequence);
        assert!(protector.add(Protected::packet(&packet).unwrap(), UlpFec::MAX_SPAN));
    }
    let mut payload = Vec::new();
    assert!(protector.write_ulp(&mut payload));
    // P, X, CC, M and PT recovery are zero; SN base 8; TS recovery 8; length recovery 372;
    // protection length 340; mask 0xf000.
    let length = 200u16 ^ 140 ^ 100 ^ 340;
    assert_eq!(length, 372);
    let mut expected = vec![0, 0, 0, 8, 0, 0, 0, 8];
    expected.extend(length.to_be_bytes());
    expected.extend(340u16.to_be_bytes());
    expected.extend([0xf0, 0x00]);
    assert_eq!(payload[..14], expected);
    assert_eq!(payload.len(), 14 + 340);
}

#[test]
fn the_header_of_flexfec_is_what_chromium_took() {
    // BROWSER-MEDIA, "Repair": R=F=0, SSRC count 1, base number, 15-bit mask with k=1.
    let packets = [packet(20, 10), packet(22, 30)];
    let mut payload = Vec::new();
    assert!(protector(&packets, FlexFec::MAX_SPAN).write_flex(SSRC, &mut payload));
    assert_eq!(payload[0] & 0xc0, 0);
    let fixed = [1, 0, 0, 0, 1, 2, 3, 4, 0, 20, 0x80 | 0x50, 0];
    assert_eq!(payload[8..20], fixed);
    let longest = packets.iter().map(|p| p.len() - 12).max().unwrap();
    assert_eq!(payload.len(), 20 + longest);
}

#[test]
fn any_one_packet_comes_back() {
    let packets: Vec<_> = (65_530..65_542u32)
        .map(|n| packet(n as u16, 20 + (n as usize % 5) * 9))
        .collect();
    let protector = protector(&packets, 48);
    let (mut ulp, mut flex) = (Vec::new(), Vec::new());
    assert!(protector.write_ulp(&mut ulp));
    assert!(protector.write_flex(SSRC, &mut flex));
    let (ulp, flex) = (UlpFec::parse(&ulp).unwrap(), FlexFec::parse(&flex).unwrap());
    assert_eq!(flex.ssrc(), SSRC);
    assert_eq!(
        (ulp.protected().count(), flex.protected().count()),
        (12, 12)
    );

    for lost in &packets {
        let sequence = Packet::parse(lost).unwrap().header.sequence_number.0;
        let others = without(&packets, sequence);
        let mut recovered = vec![9; 3];
        assert!(ulp.recover(SSRC, sequence, others.clone(), &mut recovered));
        assert_eq!(recovered[3..], lost[..]);
        recovered.clear();
        assert!(flex.recover(sequence, others, &mut recovered));
        assert_eq!(recovered, *lost);
    }
}

#[test]
fn ulpfec_is_over_packets_without_red() {
    let plain: Vec<_> = (1..5).map(|n| packet(n, 30)).collect();
    let in_red: Vec<Vec<u8>> = plain.iter().map(|p| with_red(p)).collect();
    let mut protector = Protector::default();
    for packet in &in_red {
        assert!(protector.add(Protected::without_red(packet).unwrap(), 16));
    }
    let mut payload = Vec::new();
    assert!(protector.write_ulp(&mut payload));

    let fec = UlpFec::parse(&payload).unwrap();
    let others = [1, 2, 4].map(|n: usize| Protected::without_red(&in_red[n - 1]).unwrap());
    let mut recovered = Vec::new();
    assert!(fec.recover(SSRC, 3, others.into_iter(), &mut recovered));
    assert_eq!(recovered, plain[2]);
    // Redundant audio is nothing that ULPFEC protects.
    let mut audio = plain[0][..Packet::parse(&plain[0]).unwrap().header.size()].to_vec();
    crate::red::write(&[Block::default()], Block::default(), &mut audio);
    assert!(Protected::without_red(&audio).is_none());
}

/// The packet in RED of payload type 100.
fn with_red(datagram: &[u8]) -> Vec<u8> {
    let packet = Packet::parse(datagram).unwrap();
    let (header, payload) = datagram.split_at(packet.header.size());
    let mut in_red = header.to_vec();
    in_red[1] = header[1] & 0x80 | 100;
    in_red.push(packet.header.payload_type.get());
    in_red.extend_from_slice(payload);
    in_red
}

#[test]
fn long_masks_reach_further() {
    for (last, ulp_len, flex_len) in [(15, 14, 20), (16, 18, 24), (47, 18, 32), (108, 0, 32)] {
        let packets = [packet(0, 10), packet(last, 10)];
        let protector = protector(&packets, FlexFec::MAX_SPAN);
        let longest = packets.iter().map(|p| p.len() - 12).max().unwrap();
        let mut payload = Vec::new();
        assert_eq!(protector.write_ulp(&mut payload), last < 48);
        if last < 48 {
            assert_eq!(payload.len(), ulp_len + longest, "{last}");
            let set = UlpFec::parse(&payload).unwrap().protected();
            assert!(set.iter().eq([0, last]), "{last}");
        }
        payload.clear();
        assert!(protector.write_flex(SSRC, &mut payload));
        let flex_len = if last == 15 { 24 } else { flex_len };
        assert_eq!(payload.len(), flex_len + longest, "{last}");
        let set = FlexFec::parse(&payload).unwrap().protected();
        assert!(set.iter().eq([0, last]), "{last}");
    }
}

#[test]
fn a_protector_takes_what_it_can_tell_of() {
    let mut protector = Protector::default();
    let mut take = |n| {
        let packet = packet(n, 5);
        protector.add(Protected::packet(&packet).unwrap(), 16)
    };
    assert!(take(10));
    assert!(!take(10), "again");
    assert!(!take(9), "before the first");
    assert!(!take(26), "too far");
    assert!(take(25));
    assert_eq!(protector.count(), 2);
    protector.clear();
    assert_eq!(protector.count(), 0);
    assert!(!protector.write_ulp(&mut Vec::new()));
    assert!(!protector.write_flex(SSRC, &mut Vec::new()));
}

#[test]
fn two_lost_packets_do_not_come_back() {
    let packets: Vec<_> = (0..4).map(|n| packet(n, 10)).collect();
    let mut payload = Vec::new();
    protector(&packets, 16).write_flex(SSRC, &mut payload);
    let fec = FlexFec::parse(&payload).unwrap();
    let mut out = Vec::new();
    assert!(!fec.recover(1, without(&packets[1..], 1), &mut out));
    // Nor one that is there, one that is not protected, or with a stranger among the others.
    assert!(!fec.recover(1, without(&packets, 9), &mut out));
    assert!(!fec.recover(9, without(&packets, 9), &mut out));
    let stranger = [packets[0].clone(), packets[2].clone(), packet(77, 10)];
    assert!(!fec.recover(1, without(&stranger, 1), &mut out));
    let twice = [packets[0].clone(), packets[0].clone(), packets[2].clone()];
    assert!(!fec.recover(1, without(&twice, 1), &mut out));
    assert!(out.is_empty());
}

#[test]
fn kinds_that_nobody_sends_are_no_flexfec() {
    let mut payload = Vec::new();
    protector(&[packet(1, 10)], 16).write_flex(SSRC, &mut payload);
    assert!(FlexFec::parse(&payload).is_some());
    for (at, byte) in [(0, 0x80), (0, 0x40), (8, 0), (8, 2)] {
        let mut other = payload.clone();
        other[at] = byte;
        assert!(FlexFec::parse(&other).is_none(), "{at}: {byte:#x}");
    }
    for len in 0..20 {
        assert!(FlexFec::parse(&payload[..len]).is_none());
    }
    // A mask of nothing.
    payload[18..20].copy_from_slice(&[0x80, 0]);
    assert!(FlexFec::parse(&payload).is_none());
}

proptest! {
    #[test]
    fn what_is_lost_comes_back(
        base: u16,
        packets in proptest::collection::btree_map(0u16..48, 0usize..60, 1..12),
        lost: prop::sample::Index,
    ) {
        let packets: Vec<_> = packets
            .into_iter()
            .map(|(n, len)| packet(base.wrapping_add(n), len))
            .collect();
        let lost = &packets[lost.index(packets.len())];
        let sequence = u16::from_be_bytes([lost[2], lost[3]]);
        let protector = protector(&packets, 48);
        let (mut ulp, mut flex) = (Vec::new(), Vec::new());
        prop_assert!(protector.write_ulp(&mut ulp));
        prop_assert!(protector.write_flex(SSRC, &mut flex));

        let mut recovered = Vec::new();
        let fec = UlpFec::parse(&ulp).unwrap();
        prop_assert!(fec.recover(SSRC, sequence, without(&packets, sequence), &mut recovered));
        prop_assert_eq!(&recovered, lost);
        recovered.clear();
        let fec = FlexFec::parse(&flex).unwrap();
        prop_assert!(fec.recover(sequence, without(&packets, sequence), &mut recovered));
        prop_assert_eq!(&recovered, lost);
    }

    #[test]
    fn junk_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..80), n: u16) {
        let packets = [packet(n, 10), packet(n.wrapping_add(1), 100)];
        let mut out = Vec::new();
        if let Some(fec) = UlpFec::parse(&junk) {
            prop_assert!(fec.protected().iter().count() <= 48);
            let _ = fec.recover(SSRC, n, without(&packets, n), &mut out);
            let only = fec.protected().iter().next().unwrap();
            let _ = fec.recover(SSRC, only, std::iter::empty(), &mut out);
        }
        if let Some(fec) = FlexFec::parse(&junk) {
            prop_assert!(fec.protected().iter().count() <= 109);
            let _ = fec.recover(n, without(&packets, n), &mut out);
            let only = fec.protected().iter().next().unwrap();
            let _ = fec.recover(only, std::iter::empty(), &mut out);
        }
    }
}
