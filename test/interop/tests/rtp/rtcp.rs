use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Ecn, Instant};
use duologue_rtp::rtcp::{
    Dlrr, ExtendedReportBlock, Packet, PacketMetric, ReportBlock, SenderInfo,
    TransportFeedbackToSend, Writer, packets,
};
use duologue_rtp::{NtpShort, NtpTime, Ssrc};
use rtc_rtcp::extended_report::{
    DLRRReport, DLRRReportBlock, ExtendedReport, ReceiverReferenceTimeReportBlock,
};
use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::packet::Packet as Theirs;
use rtc_rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use rtc_rtcp::transport_feedbacks::cc_feedback_report::{
    CcFeedbackMetricBlock, CcFeedbackReport, CcFeedbackReportBlock,
};
use rtc_rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, StatusVectorChunk,
    SymbolSizeTypeTcc, SymbolTypeTcc, TransportLayerCc,
};
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

const LOST: [u16; 5] = [65_530, 65_535, 3, 4, 200];

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut datagram = Vec::new();
    write(&mut Writer::new(&mut datagram));
    datagram
}

/// What they read of ours.
fn theirs(datagram: Vec<u8>) -> Vec<Box<dyn Theirs>> {
    rtc_rtcp::packet::unmarshal(&mut Bytes::from(datagram)).expect("they read it")
}

fn only<T: Clone + 'static>(datagram: Vec<u8>) -> T {
    let read = theirs(datagram);
    assert_eq!(read.len(), 1);
    let packet = read[0].as_any().downcast_ref::<T>();
    packet.expect("of this type").clone()
}

/// What they write.
fn marshalled(packet: impl Theirs + 'static) -> Vec<u8> {
    rtc_rtcp::packet::marshal(&[Box::new(packet)])
        .expect("they write it")
        .to_vec()
}

fn one(datagram: &[u8]) -> Packet<'_> {
    let mut read = packets(datagram);
    let packet = read.next().expect("a packet").expect("well-formed");
    assert!(read.next().is_none());
    packet
}

fn block() -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(7),
        fraction_lost: 51,
        cumulative_lost: 1_000,
        highest_sequence: 0x0001_fffe,
        jitter: 90,
        last_sr: NtpShort(0xb705_2000),
        delay_since_last_sr: NtpShort(0x0005_4000),
    }
}

fn reception_report() -> ReceptionReport {
    ReceptionReport {
        ssrc: 7,
        fraction_lost: 51,
        total_lost: 1_000,
        last_sequence_number: 0x0001_fffe,
        jitter: 90,
        last_sender_report: 0xb705_2000,
        delay: 0x0005_4000,
    }
}

fn sender_report() -> SenderReport {
    SenderReport {
        ssrc: 9,
        ntp_time: 0xb44d_b705_2000_0000,
        rtp_time: 1,
        packet_count: 2,
        octet_count: 3,
        reports: vec![reception_report()],
        ..Default::default()
    }
}

const INFO: SenderInfo = SenderInfo {
    ntp_time: NtpTime::from_bits(0xb44d_b705_2000_0000),
    rtp_time: 1,
    packet_count: 2,
    octet_count: 3,
};

#[test]
fn they_read_our_compound_packet() {
    let read = theirs(written(|w| {
        w.sender_report(Ssrc(9), &INFO, &[block()]);
        w.receiver_report(Ssrc(9), &[block()]);
        w.source_description(&[Ssrc(9), Ssrc(10)], "a name");
        w.nack(Ssrc(9), Ssrc(7), LOST);
        w.picture_loss_indication(Ssrc(9), Ssrc(7));
        w.full_intra_request(Ssrc(9), &[(Ssrc(7), 5)]);
        w.receiver_estimated_max_bitrate(Ssrc(9), 5_000_000, &[Ssrc(7)]);
        w.goodbye(&[Ssrc(9)]);
    }));
    let [sr, rr, sdes, nack, pli, fir, remb, bye] = &read[..] else {
        panic!("{read:?}")
    };

    assert!(sr.equal(&sender_report()));
    let report = ReceiverReport {
        ssrc: 9,
        reports: vec![reception_report()],
        ..Default::default()
    };
    assert!(rr.equal(&report));
    assert!(sdes.equal(&source_description()));
    let nack = nack.as_any().downcast_ref::<TransportLayerNack>().unwrap();
    let lost: Vec<u16> = nack.nacks.iter().flat_map(|n| n.packet_list()).collect();
    assert_eq!((nack.sender_ssrc, nack.media_ssrc), (9, 7));
    assert_eq!(lost, LOST);
    assert!(pli.equal(&PictureLossIndication {
        sender_ssrc: 9,
        media_ssrc: 7,
    }));
    assert!(fir.equal(&full_intra_request()));
    let remb = remb.as_any();
    let remb = remb.downcast_ref::<ReceiverEstimatedMaximumBitrate>();
    let remb = remb.unwrap();
    assert_eq!(remb.ssrcs, [7]);
    assert!((remb.bitrate - 5e6).abs() < 40.0, "{}", remb.bitrate);
    assert!(bye.equal(&Goodbye {
        sources: vec![9],
        ..Default::default()
    }));
}

fn source_description() -> SourceDescription {
    let chunk = |source| SourceDescriptionChunk {
        source,
        items: vec![SourceDescriptionItem {
            sdes_type: SdesType::SdesCname,
            text: Bytes::from_static(b"a name"),
        }],
    };
    SourceDescription {
        chunks: vec![chunk(9), chunk(10)],
    }
}

fn full_intra_request() -> FullIntraRequest {
    FullIntraRequest {
        sender_ssrc: 9,
        media_ssrc: 0,
        fir: vec![FirEntry {
            ssrc: 7,
            sequence_number: 5,
        }],
    }
}

#[test]
fn we_read_their_reports() {
    let datagram = marshalled(sender_report());
    let Packet::SenderReport(report) = one(&datagram) else {
        panic!()
    };
    assert_eq!((report.sender, report.info), (Ssrc(9), INFO));
    assert!(report.blocks.eq([block()]));

    let datagram = marshalled(ReceiverReport {
        ssrc: 9,
        reports: vec![reception_report(); 3],
        ..Default::default()
    });
    let Packet::ReceiverReport(report) = one(&datagram) else {
        panic!()
    };
    assert!(report.blocks.eq([block(); 3]));

    let datagram = marshalled(source_description());
    let Packet::SourceDescription(names) = one(&datagram) else {
        panic!()
    };
    let read: Vec<_> = names.chunks().map(|c| (c.ssrc, c.cname())).collect();
    assert_eq!(
        read,
        [(Ssrc(9), Some("a name")), (Ssrc(10), Some("a name"))]
    );

    let datagram = marshalled(Goodbye {
        sources: vec![1, 2],
        reason: Bytes::from_static(b"gone"),
    });
    let Packet::Goodbye(goodbye) = one(&datagram) else {
        panic!()
    };
    assert!(goodbye.ssrcs().eq([Ssrc(1), Ssrc(2)]));
    assert_eq!(goodbye.reason(), Some("gone"));
}

#[test]
fn we_read_their_feedback() {
    let datagram = marshalled(TransportLayerNack {
        sender_ssrc: 9,
        media_ssrc: 7,
        nacks: nack_pairs_from_sequence_numbers(&LOST),
    });
    let Packet::Nack(nack) = one(&datagram) else {
        panic!()
    };
    assert_eq!((nack.sender, nack.media), (Ssrc(9), Ssrc(7)));
    assert!(nack.lost().eq(LOST));

    let datagram = marshalled(PictureLossIndication {
        sender_ssrc: 9,
        media_ssrc: 7,
    });
    assert!(matches!(one(&datagram), Packet::PictureLossIndication(p) if p.media == Ssrc(7)));

    let datagram = marshalled(full_intra_request());
    let Packet::FullIntraRequest(fir) = one(&datagram) else {
        panic!()
    };
    assert!(fir.entries().eq([(Ssrc(7), 5)]));

    let datagram = marshalled(ReceiverEstimatedMaximumBitrate {
        sender_ssrc: 9,
        bitrate: 262_144_000.0,
        ssrcs: vec![7, 8],
    });
    let Packet::ReceiverEstimatedMaxBitrate(remb) = one(&datagram) else {
        panic!()
    };
    assert_eq!(remb.bitrate, 262_144_000);
    assert!(remb.ssrcs().eq([Ssrc(7), Ssrc(8)]));
}

/// Arrivals with everything that a feedback can say: runs, single losses, long gaps, small, large
/// and negative deltas.
fn arrivals() -> Vec<(u64, Instant)> {
    let mut arrivals = Vec::new();
    let mut ticks = 40_000i64;
    for number in 65_500u64..65_900 {
        let lost = number % 11 == 3 || (65_600..65_640).contains(&number);
        ticks += match number % 29 {
            7 => 700,
            8 => -350,
            n => n as i64,
        };
        if !lost {
            arrivals.push((number, Instant::from_nanos(ticks as u64 * 250_000)));
        }
    }
    arrivals
}

#[test]
fn they_read_our_transport_feedback() {
    let feedback = TransportFeedbackToSend {
        sender: Ssrc(9),
        media: Ssrc(7),
        base_sequence: 65_498,
        feedback_count: 200,
        max_size: 1_200,
    };
    let sent = arrivals();
    let datagram = written(|w| {
        let next = w.transport_feedback(&feedback, sent.iter().copied());
        assert_eq!(next, 65_900);
    });
    let read: TransportLayerCc = only(datagram);
    assert_eq!((read.sender_ssrc, read.media_ssrc), (9, 7));
    assert_eq!(
        (read.base_sequence_number, read.fb_pkt_count),
        (65_498, 200)
    );
    assert_eq!(read.packet_status_count, 402);

    let mut micros = i64::from(read.reference_time) * 64_000;
    let mut deltas = read.recv_deltas.iter();
    let mut told = Vec::new();
    let symbols = read.packet_chunks.iter().flat_map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => {
            vec![run.packet_status_symbol; run.run_length.into()]
        }
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.clone(),
    });
    for (number, symbol) in (65_498..65_900).zip(symbols) {
        if symbol != SymbolTypeTcc::PacketNotReceived {
            micros += deltas.next().unwrap().delta;
            told.push((number, Instant::from_nanos(micros as u64 * 1_000)));
        }
    }
    assert_eq!(told, sent);
}

#[test]
fn we_read_their_transport_feedback() {
    let run = |symbol, length| {
        PacketStatusChunk::RunLengthChunk(RunLengthChunk {
            type_tcc: StatusChunkTypeTcc::RunLengthChunk,
            packet_status_symbol: symbol,
            run_length: length,
        })
    };
    let vector = |symbol_size, symbol_list| {
        PacketStatusChunk::StatusVectorChunk(StatusVectorChunk {
            type_tcc: StatusChunkTypeTcc::StatusVectorChunk,
            symbol_size,
            symbol_list,
        })
    };
    let (no, small, large) = (
        SymbolTypeTcc::PacketNotReceived,
        SymbolTypeTcc::PacketReceivedSmallDelta,
        SymbolTypeTcc::PacketReceivedLargeDelta,
    );
    let mut one_bit = vec![no; 14];
    one_bit[1] = small;
    let delta = |type_tcc_packet, delta| RecvDelta {
        type_tcc_packet,
        delta,
    };
    let datagram = marshalled(TransportLayerCc {
        sender_ssrc: 9,
        media_ssrc: 7,
        base_sequence_number: 65_533,
        packet_status_count: 2 + 14 + 7 + 100,
        reference_time: 3,
        fb_pkt_count: 1,
        packet_chunks: vec![
            run(small, 2),
            vector(SymbolSizeTypeTcc::OneBit, one_bit),
            vector(
                SymbolSizeTypeTcc::TwoBit,
                vec![large, no, small, no, no, no, large],
            ),
            run(no, 100),
        ],
        recv_deltas: vec![
            delta(small, 0),
            delta(small, 1_000),
            delta(small, 250),
            delta(large, 100_000),
            delta(small, 500),
            delta(large, -50_000),
        ],
    });
    let Packet::TransportFeedback(feedback) = one(&datagram) else {
        panic!()
    };
    assert_eq!(
        (feedback.base_sequence, feedback.status_count),
        (65_533, 123)
    );
    let read: Vec<_> = feedback.received().map(|r| (r.sequence, r.ticks)).collect();
    assert_eq!(
        read,
        [
            (65_533, 768),
            (65_534, 772),
            (0, 773),
            (13, 1_173),
            (15, 1_175),
            (19, 975),
        ]
    );
}

#[test]
fn congestion_control_feedback_is_read_both_ways() {
    let ago = |units: u64| Some(Duration::from_nanos(units * 1_000_000_000 / 1_024));
    let metrics = [
        PacketMetric::received(Ecn::Ect1, ago(512)),
        PacketMetric::LOST,
        PacketMetric::received(Ecn::Ce, ago(3)),
    ];
    let streams = [(Ssrc(2), 65_535, &metrics[..]), (Ssrc(3), 7, &metrics[..2])];
    let datagram = written(|w| {
        w.congestion_control_feedback(Ssrc(1), NtpShort(0x1122_3344), &streams);
    });
    let read: CcFeedbackReport = only(datagram.clone());
    let block = |ecn, arrival_time_offset| CcFeedbackMetricBlock {
        received: true,
        ecn,
        arrival_time_offset,
    };
    let theirs = [
        block(
            rtc_rtcp::transport_feedbacks::cc_feedback_report::Ecn::Ect1,
            512,
        ),
        CcFeedbackMetricBlock::default(),
        block(
            rtc_rtcp::transport_feedbacks::cc_feedback_report::Ecn::Ce,
            3,
        ),
    ];
    let expected = CcFeedbackReport {
        sender_ssrc: 1,
        report_blocks: vec![
            CcFeedbackReportBlock {
                media_ssrc: 2,
                begin_sequence: 65_535,
                metric_blocks: theirs.to_vec(),
            },
            CcFeedbackReportBlock {
                media_ssrc: 3,
                begin_sequence: 7,
                metric_blocks: theirs[..2].to_vec(),
            },
        ],
        report_timestamp: 0x1122_3344,
    };
    assert_eq!(read, expected);
    assert_eq!(marshalled(expected), datagram);
}

#[test]
fn extended_reports_are_read_both_ways() {
    let answer = Dlrr {
        ssrc: Ssrc(5),
        last_rr: NtpShort(0x1234_5678),
        delay: NtpShort(0x0001_0000),
    };
    let now = NtpTime::from_bits(0x0102_0304_0506_0708);
    let datagram = written(|w| w.extended_report(Ssrc(1), Some(now), &[answer]));
    let read: ExtendedReport = only(datagram);
    assert_eq!(read.sender_ssrc, 1);
    assert!(read.reports[0].equal(&ReceiverReferenceTimeReportBlock {
        ntp_timestamp: now.to_bits(),
    }));
    let dlrr = DLRRReportBlock {
        reports: vec![DLRRReport {
            ssrc: 5,
            last_rr: 0x1234_5678,
            dlrr: 0x0001_0000,
        }],
    };
    assert!(read.reports[1].equal(&dlrr));

    let datagram = marshalled(ExtendedReport {
        sender_ssrc: 1,
        reports: vec![Box::new(dlrr)],
    });
    let Packet::ExtendedReport(report) = one(&datagram) else {
        panic!()
    };
    let Some(ExtendedReportBlock::Dlrr(mut entries)) = report.blocks().next() else {
        panic!()
    };
    assert_eq!(entries.next(), Some(answer));
    assert_eq!(entries.next(), None);
}
