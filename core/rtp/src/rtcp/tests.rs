use std::time::Duration;

use duologue_base::Ecn;
use proptest::prelude::*;

use super::*;
use crate::{NtpShort, NtpTime};

fn one(datagram: &[u8]) -> Packet<'_> {
    let mut read = packets(datagram);
    let packet = read.next().expect("a packet").expect("well-formed");
    assert!(read.next().is_none(), "another packet");
    packet
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut datagram = Vec::new();
    write(&mut Writer::new(&mut datagram));
    datagram
}

fn block(ssrc: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(ssrc),
        fraction_lost: 51,
        cumulative_lost: -2,
        highest_sequence: 0x0001_fffe,
        jitter: 90,
        last_sr: NtpShort(0xb705_2000),
        delay_since_last_sr: NtpShort(0x0005_4000),
    }
}

#[test]
fn a_sender_report_is_laid_out_as_in_rfc_3550() {
    let info = SenderInfo {
        ntp_time: NtpTime::from_bits(0xb44d_b705_2000_0000),
        rtp_time: 1,
        packet_count: 2,
        octet_count: 3,
    };
    let datagram = written(|w| w.sender_report(Ssrc(9), &info, &[block(7)]));
    let expected = [
        0x81, 200, 0, 12, 0, 0, 0, 9, 0xb4, 0x4d, 0xb7, 0x05, 0x20, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
        2, 0, 0, 0, 3, 0, 0, 0, 7, 51, 0xff, 0xff, 0xfe, 0, 1, 0xff, 0xfe, 0, 0, 0, 90, 0xb7, 0x05,
        0x20, 0, 0, 5, 0x40, 0,
    ];
    assert_eq!(datagram, expected);

    let Packet::SenderReport(report) = one(&datagram) else {
        panic!()
    };
    assert_eq!((report.sender, report.info), (Ssrc(9), info));
    assert!(report.blocks.eq([block(7)]));
}

#[test]
fn more_than_31_blocks_go_into_several_reports() {
    let blocks: Vec<_> = (0..70).map(block).collect();
    let datagram = written(|w| w.sender_report(Ssrc(9), &SenderInfo::default(), &blocks));
    let mut read = Vec::new();
    for packet in packets(&datagram) {
        match packet.unwrap() {
            Packet::SenderReport(report) => read.extend(report.blocks),
            Packet::ReceiverReport(report) => read.extend(report.blocks),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, blocks);
    assert_eq!(packets(&datagram).count(), 3);
}

#[test]
fn what_browsers_send_is_read() {
    // BROWSER-MEDIA, fact 10: a sender report without blocks and its description, the blocks in a
    // receiver report beside it; a receiver report without description; a description alone.
    let datagram = written(|w| {
        w.sender_report(Ssrc(1), &SenderInfo::default(), &[]);
        w.source_description(&[Ssrc(1)], "{0f5f}");
    });
    let read: Vec<_> = packets(&datagram).map(Result::unwrap).collect();
    let [
        Packet::SenderReport(report),
        Packet::SourceDescription(names),
    ] = &read[..]
    else {
        panic!("{read:?}")
    };
    assert_eq!(report.blocks.len(), 0);
    let chunk = names.chunks().next().unwrap();
    assert_eq!((chunk.ssrc, chunk.cname()), (Ssrc(1), Some("{0f5f}")));

    let datagram = written(|w| w.receiver_report(Ssrc(0xfa17_fa17), &[block(3)]));
    assert!(matches!(one(&datagram), Packet::ReceiverReport(_)));
    let datagram = written(|w| w.source_description(&[Ssrc(5)], "abcdefgh"));
    assert!(matches!(one(&datagram), Packet::SourceDescription(_)));
    let datagram = written(|w| w.receiver_report(Ssrc(1), &[]));
    assert_eq!(datagram, [0x80, 201, 0, 1, 0, 0, 0, 1]);
}

#[test]
fn a_description_ends_each_chunk_at_a_whole_word() {
    for name in ["", "a", "ab", "abc", "abcd", "abcde", &"x".repeat(300)] {
        let ssrcs: Vec<_> = (0..40).map(Ssrc).collect();
        let datagram = written(|w| w.source_description(&ssrcs, name));
        let mut read = Vec::new();
        for packet in packets(&datagram) {
            let Ok(Packet::SourceDescription(names)) = packet else {
                panic!("{packet:?}")
            };
            for chunk in names.chunks() {
                assert_eq!(chunk.cname(), Some(&name[..name.len().min(255)]));
                read.push(chunk.ssrc);
            }
        }
        assert_eq!(read, ssrcs, "{name:?}");
    }
}

#[test]
fn a_description_that_is_cut_off_is_malformed() {
    // An item of five bytes in a chunk of four, and a chunk without its end.
    for body in [
        &[0, 0, 0, 1, 1, 5, b'a', b'b'][..],
        &[0, 0, 0, 1, 1, 2, b'a', b'b'],
        &[],
    ] {
        let mut datagram = vec![0x81, 202, 0, (body.len() / 4) as u8];
        datagram.extend_from_slice(body);
        let read = packets(&datagram).next();
        assert!(
            matches!(read, Some(Err(Malformed::Packet(202)))),
            "{body:?}"
        );
    }
}

#[test]
fn a_goodbye_may_say_why() {
    let datagram = written(|w| w.goodbye(&[Ssrc(1), Ssrc(2)]));
    let Packet::Goodbye(goodbye) = one(&datagram) else {
        panic!()
    };
    assert!(goodbye.ssrcs().eq([Ssrc(1), Ssrc(2)]));
    assert_eq!(goodbye.reason(), None);

    let datagram = [
        0x81, 203, 0, 3, 0, 0, 0, 1, 4, b'd', b'o', b'n', b'e', 0, 0, 0,
    ];
    let Packet::Goodbye(goodbye) = one(&datagram) else {
        panic!()
    };
    assert_eq!(goodbye.reason(), Some("done"));
    // A reason longer than the packet, and more SSRCs than there are.
    let datagram = [0x81, 203, 0, 2, 0, 0, 0, 1, 4, b'd', b'o', b'n'];
    assert!(packets(&datagram).next().unwrap().is_err());
    let datagram = [0x9f, 203, 0, 1, 0, 0, 0, 1];
    assert!(packets(&datagram).next().unwrap().is_err());
}

#[test]
fn an_applications_packet_is_passed_on() {
    let app = ApplicationDefined {
        subtype: 17,
        sender: Ssrc(3),
        name: *b"duol",
        data: &[1, 2, 3, 4],
    };
    let datagram = written(|w| w.application_defined(&app));
    let Packet::ApplicationDefined(read) = one(&datagram) else {
        panic!()
    };
    assert_eq!(read, app);
}

#[test]
fn a_nack_has_a_number_and_a_mask() {
    let datagram = written(|w| {
        assert_eq!(w.nack(Ssrc(1), Ssrc(2), [65_534, 65_535, 14, 15]), 4);
    });
    let expected = [
        0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0x80, 0x01, 0, 15, 0, 0,
    ];
    assert_eq!(datagram, expected);
    let Packet::Nack(nack) = one(&datagram) else {
        panic!()
    };
    assert_eq!((nack.sender, nack.media), (Ssrc(1), Ssrc(2)));
    assert!(nack.lost().eq([65_534, 65_535, 14, 15]));
    assert!(written(|w| assert_eq!(w.nack(Ssrc(1), Ssrc(2), []), 0)).is_empty());
}

#[test]
fn a_nack_has_a_bound() {
    let lost = (0..300).map(|n| n * 17);
    let datagram = written(|w| assert_eq!(w.nack(Ssrc(1), Ssrc(2), lost.clone()), 250));
    assert_eq!(datagram.len(), 12 + 1_000);
    let Packet::Nack(nack) = one(&datagram) else {
        panic!()
    };
    assert!(nack.lost().eq(lost.take(250)));
}

#[test]
fn key_frames_are_asked_for_in_two_ways() {
    let datagram = written(|w| w.picture_loss_indication(Ssrc(1), Ssrc(2)));
    assert_eq!(datagram, [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    let Packet::PictureLossIndication(pli) = one(&datagram) else {
        panic!()
    };
    assert_eq!((pli.sender, pli.media), (Ssrc(1), Ssrc(2)));

    let datagram = written(|w| w.full_intra_request(Ssrc(1), &[(Ssrc(2), 7)]));
    let expected = [
        0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 7, 0, 0, 0,
    ];
    assert_eq!(datagram, expected);
    let Packet::FullIntraRequest(fir) = one(&datagram) else {
        panic!()
    };
    assert!(fir.entries().eq([(Ssrc(2), 7)]));
}

#[test]
fn an_estimate_is_a_mantissa_of_18_bits() {
    for (bitrate, read) in [
        (0, 0),
        (1, 1),
        (262_143, 262_143),
        (262_145, 262_144),
        (5_000_000, 4_999_984 + 16),
        (u64::MAX, 0x3_ffff << 46),
    ] {
        let datagram =
            written(|w| w.receiver_estimated_max_bitrate(Ssrc(1), bitrate, &[Ssrc(2), Ssrc(3)]));
        let Packet::ReceiverEstimatedMaxBitrate(remb) = one(&datagram) else {
            panic!()
        };
        assert_eq!(remb.bitrate, read, "{bitrate}");
        assert!(remb.ssrcs().eq([Ssrc(2), Ssrc(3)]));
    }
    // What no 64 bits hold.
    let mut datagram = written(|w| w.receiver_estimated_max_bitrate(Ssrc(1), 1, &[]));
    datagram[17..20].copy_from_slice(&[0xff, 0xff, 0xff]);
    let Packet::ReceiverEstimatedMaxBitrate(remb) = one(&datagram) else {
        panic!()
    };
    assert_eq!(remb.bitrate, u64::MAX);
    datagram[17..20].copy_from_slice(&[0xfc, 0, 0]);
    let Packet::ReceiverEstimatedMaxBitrate(remb) = one(&datagram) else {
        panic!()
    };
    assert_eq!(remb.bitrate, 0);
}

#[test]
fn feedback_of_another_application_is_passed_on() {
    let datagram = [
        0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, b'M', b'I', b'N', b'E',
    ];
    let Packet::Unknown(unknown) = one(&datagram) else {
        panic!()
    };
    assert_eq!((unknown.packet_type, unknown.count), (206, 15));
    assert_eq!(unknown.body, &datagram[4..]);
}

#[test]
fn congestion_control_feedback_is_that_of_rfc_8888() {
    let ago = |millis| Some(Duration::from_millis(millis));
    let metrics = [
        PacketMetric::received(Ecn::Ect1, ago(500)),
        PacketMetric::LOST,
        PacketMetric::received(Ecn::Ce, None),
    ];
    let streams = [(Ssrc(2), 65_535, &metrics[..]), (Ssrc(3), 7, &[])];
    let datagram =
        written(|w| w.congestion_control_feedback(Ssrc(1), NtpShort(0x1122_3344), &streams));
    let expected = [
        0x8b, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 3, 0xa2, 0x00, 0, 0, 0xff, 0xff, 0,
        0, 0, 0, 0, 3, 0, 7, 0, 0, 0x11, 0x22, 0x33, 0x44,
    ];
    assert_eq!(datagram, expected);

    let Packet::CongestionControlFeedback(feedback) = one(&datagram) else {
        panic!()
    };
    assert_eq!(feedback.report_time, NtpShort(0x1122_3344));
    let read: Vec<_> = feedback.streams().collect();
    assert_eq!(
        (read[0].ssrc, read[1].ssrc, read.len()),
        (Ssrc(2), Ssrc(3), 2)
    );
    let numbers = [65_535, 0, 1].into_iter();
    assert!(read[0].metrics().eq(numbers.zip(metrics)));
    assert_eq!(read[1].metrics().count(), 0);
    assert_eq!((metrics[0].ecn(), metrics[0].ago()), (Ecn::Ect1, ago(500)));
    assert_eq!((metrics[1].is_received(), metrics[1].ago()), (false, None));
    assert_eq!((metrics[2].ecn(), metrics[2].ago()), (Ecn::Ce, None));
}

#[test]
fn what_arrived_long_ago_is_told_as_long_ago() {
    let told = |ago| PacketMetric::received(Ecn::Ect0, Some(ago)).ago().unwrap();
    assert_eq!(told(PacketMetric::MAX_AGO), PacketMetric::MAX_AGO);
    let longer = told(Duration::from_secs(8));
    assert!(longer > PacketMetric::MAX_AGO);
    assert_eq!(told(Duration::from_secs(100_000)), longer);
}

#[test]
fn congestion_control_feedback_that_announces_more_is_malformed() {
    for streams in [
        &[0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0][..],
        &[0, 0, 0, 2, 0, 0, 0xff, 0xff],
        &[0, 0, 0, 2],
    ] {
        let mut datagram = vec![0x8b, 205, 0, 0, 0, 0, 0, 1];
        datagram.extend_from_slice(streams);
        datagram.extend_from_slice(&[0; 4]);
        datagram[3] = (datagram.len() / 4 - 1) as u8;
        assert!(packets(&datagram).next().unwrap().is_err(), "{streams:?}");
    }
}

#[test]
fn an_extended_report_has_blocks() {
    let answer = Dlrr {
        ssrc: Ssrc(5),
        last_rr: NtpShort(0x1234_5678),
        delay: NtpShort(0x0001_0000),
    };
    let now = NtpTime::from_bits(0x0102_0304_0506_0708);
    let datagram = written(|w| w.extended_report(Ssrc(1), Some(now), &[answer]));
    let expected = [
        0x80, 207, 0, 8, 0, 0, 0, 1, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 5, 0, 0, 3, 0, 0, 0, 5,
        0x12, 0x34, 0x56, 0x78, 0, 1, 0, 0,
    ];
    assert_eq!(datagram, expected);

    let Packet::ExtendedReport(report) = one(&datagram) else {
        panic!()
    };
    let mut blocks = report.blocks();
    let Some(ExtendedReportBlock::ReceiverReferenceTime(time)) = blocks.next() else {
        panic!()
    };
    assert_eq!(time, now);
    let Some(ExtendedReportBlock::Dlrr(entries)) = blocks.next() else {
        panic!()
    };
    assert!(entries.eq([answer]));
    assert!(blocks.next().is_none());
}

#[test]
fn blocks_of_other_kinds_are_passed_on_and_damaged_ones_skipped() {
    let datagram = [
        0x80, 207, 0, 6, 0, 0, 0, 1, // a reference time of four bytes, a block of type 9
        4, 0, 0, 1, 0, 0, 0, 0, 9, 0, 0, 0, // one that is cut off
        5, 0, 0, 3, 0, 0, 0, 1,
    ];
    let Packet::ExtendedReport(report) = one(&datagram) else {
        panic!()
    };
    let blocks: Vec<_> = report.blocks().collect();
    let [ExtendedReportBlock::Unknown { block_type: 9, .. }] = blocks[..] else {
        panic!("{blocks:?}")
    };
}

#[test]
fn a_malformed_packet_does_not_hide_those_behind_it() {
    let mut datagram = vec![0x81, 201, 0, 1, 0, 0, 0, 1];
    datagram.extend(written(|w| w.picture_loss_indication(Ssrc(1), Ssrc(2))));
    datagram.extend([0x80, 199, 0, 0]);
    datagram.extend([0x40, 200, 0, 0, 1]);
    let read: Vec<_> = packets(&datagram).collect();
    assert!(matches!(
        read[..],
        [
            Err(Malformed::Packet(201)),
            Ok(Packet::PictureLossIndication(_)),
            Ok(Packet::Unknown(Unknown {
                packet_type: 199,
                ..
            })),
            Err(Malformed::Framing),
        ]
    ));
}

#[test]
fn padding_is_taken_off() {
    let mut datagram = written(|w| w.picture_loss_indication(Ssrc(1), Ssrc(2)));
    datagram[0] |= 0x20;
    datagram[3] = 3;
    datagram.extend([0, 0, 0, 4]);
    assert!(matches!(one(&datagram), Packet::PictureLossIndication(_)));
    // None, more than there is, and a packet that is nothing else.
    for count in [0, 17, 255] {
        datagram[15] = count;
        assert!(packets(&datagram).next().unwrap().is_err(), "{count}");
    }
    assert!(packets(&[0xa0, 199, 0, 0]).next().unwrap().is_err());
}

proptest! {
    #[test]
    fn blocks_survive(fraction: u8, lost in -0x80_0000..0x80_0000, words: [u32; 5]) {
        let block = ReportBlock {
            ssrc: Ssrc(words[0]),
            fraction_lost: fraction,
            cumulative_lost: lost,
            highest_sequence: words[1],
            jitter: words[2],
            last_sr: NtpShort(words[3]),
            delay_since_last_sr: NtpShort(words[4]),
        };
        let datagram = written(|w| w.receiver_report(Ssrc(1), &[block]));
        let Packet::ReceiverReport(report) = one(&datagram) else { panic!() };
        prop_assert!(report.blocks.eq([block]));
    }

    #[test]
    fn lost_numbers_survive(first: u16, gaps in proptest::collection::vec(1u16..40, 0..200)) {
        let mut lost = vec![first];
        for gap in gaps {
            lost.push(lost[lost.len() - 1].wrapping_add(gap));
        }
        let datagram = written(|w| assert_eq!(w.nack(Ssrc(1), Ssrc(2), lost.clone()), lost.len()));
        let Packet::Nack(nack) = one(&datagram) else { panic!() };
        prop_assert!(nack.lost().eq(lost));
    }

    #[test]
    fn an_estimate_loses_less_than_its_rounding(bitrate: u64) {
        let datagram = written(|w| w.receiver_estimated_max_bitrate(Ssrc(1), bitrate, &[]));
        let Packet::ReceiverEstimatedMaxBitrate(remb) = one(&datagram) else { panic!() };
        prop_assert!(remb.bitrate <= bitrate);
        prop_assert!(bitrate - remb.bitrate <= bitrate >> 17);
    }

    #[test]
    fn junk_never_panics(
        kind in 199u8..=208,
        first: u8,
        body in proptest::collection::vec(any::<u8>(), 0..120),
        tail in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let words = body.len() / 4;
        let mut datagram = vec![first & 0x3f | 0x80, kind, 0, words as u8];
        datagram.extend_from_slice(&body[..4 * words]);
        datagram.extend_from_slice(&tail);
        exhaust(&datagram);
        exhaust(&body);
    }
}

/// Reads everything that a datagram holds.
fn exhaust(datagram: &[u8]) {
    let mut things = 0;
    for packet in packets(datagram) {
        things += 1;
        things += match packet {
            Ok(Packet::SenderReport(report)) => report.blocks.count(),
            Ok(Packet::ReceiverReport(report)) => report.blocks.count(),
            Ok(Packet::SourceDescription(names)) => names
                .chunks()
                .map(|c| c.items().count() + c.cname().map_or(0, str::len))
                .sum(),
            Ok(Packet::Goodbye(goodbye)) => {
                goodbye.ssrcs().count() + goodbye.reason().map_or(0, str::len)
            }
            Ok(Packet::Nack(nack)) => nack.lost().count() / 5,
            Ok(Packet::FullIntraRequest(fir)) => fir.entries().count(),
            Ok(Packet::ReceiverEstimatedMaxBitrate(remb)) => remb.ssrcs().count(),
            Ok(Packet::TransportFeedback(feedback)) => feedback.received().count(),
            Ok(Packet::CongestionControlFeedback(feedback)) => {
                feedback.streams().map(|s| s.metrics().count()).sum()
            }
            Ok(Packet::ExtendedReport(report)) => report
                .blocks()
                .map(|block| match block {
                    ExtendedReportBlock::Dlrr(entries) => entries.count(),
                    _ => 1,
                })
                .sum(),
            _ => 0,
        };
    }
    assert!(things <= datagram.len(), "{things} of {}", datagram.len());
}
