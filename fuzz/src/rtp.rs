//! RTP and RTCP as bytes.

use duologue_base::Instant;
use duologue_rtp::ext::{
    DependencyReader, DescriptorToSend, ExtensionKind, ExtensionMap, ExtensionsToSend,
    LayersAllocation,
};
use duologue_rtp::fec::{FlexFec, Protected, ProtectedSet, Protector, UlpFec};
use duologue_rtp::rtcp::{
    ExtendedReportBlock, Packet as Rtcp, TransportFeedback, TransportFeedbackToSend, Writer,
    packets,
};
use duologue_rtp::{
    ExtensionId, HeaderToSend, Packet, Ssrc, TelephoneEvent, red, rtx, write_padding,
};

use crate::memory;

/// A packet is refused, or its header says the same when it is written again; extensions, RED, RTX
/// and telephone events stay inside of it.
pub fn rtp(bytes: &[u8]) {
    let _bound = memory::at_most_kib(256);
    let Ok(packet) = Packet::parse(bytes) else {
        return;
    };
    let map = map();
    let extensions = packet.extensions(&map);
    let _ = (extensions.mid(bytes), extensions.rid(bytes));
    let _ = extensions.csrc_audio_levels(bytes).count();
    for kind in ExtensionKind::ALL {
        let place = extensions.range(kind);
        assert!(place.is_none_or(|range| range.end <= packet.header.size()));
    }
    if let Some(layers) = extensions.bytes(ExtensionKind::VideoLayersAllocation, bytes)
        && let Some(allocation) = LayersAllocation::parse(layers)
    {
        let mut written = Vec::new();
        assert!(allocation.write(&mut written));
        let read = LayersAllocation::parse(&written).expect("it was written");
        assert_eq!(read.layers, allocation.layers);
    }

    if let Some(red) = red::Red::parse(packet.payload()) {
        let mut written = Vec::new();
        red::write(red.redundant(), red.primary(), &mut written);
        assert_eq!(written, packet.payload());
    }
    let _ = rtx::split(packet.payload());
    let _ = TelephoneEvent::parse(packet.payload());
    rewritten(&packet);
}

fn rewritten(packet: &Packet<'_>) {
    let csrcs: Vec<Ssrc> = packet.csrcs().collect();
    let elements: Vec<_> = packet
        .elements()
        .filter_map(|e| Some((ExtensionId::new(e.id)?, e.data)))
        .take(16)
        .collect();
    let header = HeaderToSend {
        marker: packet.header.marker,
        payload_type: packet.header.payload_type,
        sequence_number: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        ssrc: packet.header.ssrc,
        csrcs: &csrcs,
        extensions: ExtensionsToSend {
            other: &elements,
            ..Default::default()
        },
        padded: packet.padding() > 0,
    };
    let mut written = Vec::new();
    header.write(&map(), &mut written);
    written.extend_from_slice(packet.payload());
    write_padding(packet.padding(), &mut written);

    let copy = Packet::parse(&written).expect("what was written is a packet");
    assert_eq!(copy.payload(), packet.payload());
    assert_eq!(copy.padding(), packet.padding());
    assert!(copy.csrcs().eq(packet.csrcs()));
    let read = copy.elements().map(|e| (e.id, e.data));
    assert!(read.eq(elements.iter().map(|(id, data)| (id.get(), *data))));
    assert_eq!(copy.header.sequence_number, packet.header.sequence_number);
}

/// Every known extension, from id 1 on.
fn map() -> ExtensionMap {
    let mut map = ExtensionMap::of([], true);
    for (id, kind) in (1..).zip(ExtensionKind::ALL) {
        map.insert(ExtensionId::new(id).expect("not zero"), kind);
    }
    map
}

/// A datagram of RTCP is read to its end; what a packet says is not more than its bytes have room
/// for, and reports and transport-wide feedback say the same when they are written again.
pub fn rtcp(bytes: &[u8]) {
    let _bound = memory::at_most_kib(64);
    let mut things = 0;
    for packet in packets(bytes) {
        things += 1;
        things += match packet {
            Ok(Rtcp::SenderReport(report)) => {
                let blocks: Vec<_> = report.blocks.collect();
                let mut written = Vec::new();
                Writer::new(&mut written).sender_report(report.sender, &report.info, &blocks);
                let Some(Ok(Rtcp::SenderReport(copy))) = packets(&written).next() else {
                    panic!("what was written is a report");
                };
                assert!(copy.info == report.info && copy.blocks.eq(blocks.iter().copied()));
                blocks.len()
            }
            Ok(Rtcp::ReceiverReport(report)) => report.blocks.count(),
            Ok(Rtcp::SourceDescription(names)) => names
                .chunks()
                .map(|chunk| chunk.items().count() + chunk.cname().map_or(0, str::len))
                .sum(),
            Ok(Rtcp::Goodbye(goodbye)) => {
                goodbye.ssrcs().count() + goodbye.reason().map_or(0, str::len)
            }
            Ok(Rtcp::Nack(nack)) => nack.lost().count() / 5,
            Ok(Rtcp::FullIntraRequest(fir)) => fir.entries().count(),
            Ok(Rtcp::ReceiverEstimatedMaxBitrate(remb)) => remb.ssrcs().count(),
            Ok(Rtcp::TransportFeedback(feedback)) => {
                told_again(&feedback);
                feedback.received().count()
            }
            Ok(Rtcp::CongestionControlFeedback(feedback)) => {
                feedback.streams().map(|s| s.metrics().count()).sum()
            }
            Ok(Rtcp::ExtendedReport(report)) => report
                .blocks()
                .map(|block| match block {
                    ExtendedReportBlock::Dlrr(entries) => entries.count(),
                    _ => 1,
                })
                .sum(),
            _ => 0,
        };
    }
    assert!(things <= bytes.len());
}

fn told_again(feedback: &TransportFeedback<'_>) {
    // Far from zero: times may go backwards.
    let mut time = 1i64 << 40;
    let mut last = None;
    let base = u64::from(feedback.base_sequence);
    let arrivals: Vec<_> = feedback
        .received()
        .map(|received| {
            let before = last.replace(received.ticks).unwrap_or(received.ticks);
            time += i64::from(received.ticks.wrapping_sub(before) as i32);
            let behind = received.sequence.wrapping_sub(feedback.base_sequence);
            let at = Instant::from_nanos(time as u64 * 250_000);
            (base + u64::from(behind), at)
        })
        .collect();

    let mut written = Vec::new();
    let to_send = TransportFeedbackToSend {
        base_sequence: base,
        max_size: 64 << 10,
        ..Default::default()
    };
    let next = Writer::new(&mut written).transport_feedback(&to_send, arrivals.iter().copied());
    let Some((newest, _)) = arrivals.last() else {
        assert!(written.is_empty());
        return;
    };
    assert_eq!(next, newest + 1);
    let Some(Ok(Rtcp::TransportFeedback(copy))) = packets(&written).next() else {
        panic!("what was written is a feedback");
    };
    let said = |feedback: &TransportFeedback<'_>| -> Vec<(u16, u32)> {
        let mut first = None;
        let relative =
            |ticks: u32, first: &mut Option<u32>| ticks.wrapping_sub(*first.get_or_insert(ticks));
        let received = feedback.received();
        received
            .map(|r| (r.sequence, relative(r.ticks, &mut first)))
            .collect()
    };
    assert_eq!(said(&copy), said(feedback));
}

/// Dependency descriptors of one stream, each with its length before it: refused, or said again with
/// the structure that they were read with.
pub fn dependency(bytes: &[u8]) {
    let _bound = memory::at_most_kib(64);
    let mut reader = DependencyReader::default();
    let mut rest = bytes;
    while let Some((len, behind)) = rest.split_first() {
        let (descriptor, behind) = behind.split_at(behind.len().min((*len).into()));
        rest = behind;
        let Ok(read) = reader.read(descriptor) else {
            continue;
        };
        let structure = match &read.structure {
            Some(brought) => brought.clone(),
            None => reader.structure().expect("it was read with one").clone(),
        };

        let packet = DescriptorToSend {
            start_of_frame: read.start_of_frame,
            end_of_frame: read.end_of_frame,
            frame_number: read.frame as u16,
            dependencies: &read.dependencies,
            active_decode_targets: read.active_decode_targets,
            attach_structure: true,
        };
        let mut written = Vec::new();
        assert!(structure.write(&packet, &mut written), "{structure:?}");
        let copy = DependencyReader::default()
            .read(&written)
            .expect("what was written is a descriptor");
        assert_eq!(copy.structure.as_ref(), Some(&structure));
        assert_eq!(copy.dependencies, read.dependencies);
        assert_eq!(copy.resolution, read.resolution);
    }
}

/// Payloads of FEC, and packets to go with them, each with its length before it: what is recovered
/// is a packet, and one that was protected comes back.
pub fn repair(bytes: &[u8]) {
    let _bound = memory::at_most_kib(64);
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some((len, behind)) = rest.split_first() {
        let (piece, behind) = behind.split_at(behind.len().min((*len).into()));
        pieces.push(piece);
        rest = behind;
    }
    let Some((fec, pieces)) = pieces.split_first() else {
        return;
    };
    let packets: Vec<_> = pieces.iter().filter_map(|p| Protected::packet(p)).collect();
    let others = |set: ProtectedSet, lost: u16| {
        let packets = packets.iter().copied();
        packets.filter(move |p| p.sequence_number.0 != lost && set.contains(p.sequence_number.0))
    };

    let mut out = Vec::new();
    if let Some(fec) = UlpFec::parse(fec) {
        for lost in fec.protected().iter() {
            out.clear();
            if fec.recover(Ssrc(1), lost, others(fec.protected(), lost), &mut out) {
                assert!(Packet::parse(&out).is_ok());
            }
        }
    }
    if let Some(fec) = FlexFec::parse(fec) {
        for lost in fec.protected().iter() {
            out.clear();
            if fec.recover(lost, others(fec.protected(), lost), &mut out) {
                assert!(Packet::parse(&out).is_ok());
            }
        }
    }
    comes_back(pieces);
}

fn comes_back(pieces: &[&[u8]]) {
    let mut protector = Protector::default();
    let taken: Vec<_> = pieces
        .iter()
        .filter(|p| Packet::parse(p).is_ok())
        .filter_map(|p| Some((*p, Protected::packet(p)?)))
        .filter(|(_, p)| protector.add(*p, UlpFec::MAX_SPAN))
        .collect();
    let Some((bytes, lost)) = taken.last() else {
        return;
    };
    let header = Packet::parse(bytes).expect("it was read").header;
    let others = || taken[..taken.len() - 1].iter().map(|(_, p)| *p);
    let number = lost.sequence_number.0;

    let (mut written, mut out) = (Vec::new(), Vec::new());
    assert!(protector.write_ulp(&mut written));
    let fec = UlpFec::parse(&written).expect("what was written is ULPFEC");
    assert!(fec.recover(header.ssrc, number, others(), &mut out));
    assert_eq!(out, *bytes);
    (written, out) = (Vec::new(), Vec::new());
    assert!(protector.write_flex(header.ssrc, &mut written));
    let fec = FlexFec::parse(&written).expect("what was written is FlexFEC");
    assert!(fec.recover(number, others(), &mut out));
    assert_eq!(out, *bytes);
}
