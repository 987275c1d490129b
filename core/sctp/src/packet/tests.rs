use duologue_base::{Rng, Seq32, StreamId};

use super::*;
use crate::Ppid;

fn chunks(packet: &[u8]) -> Vec<RawChunk<'_>> {
    let (_, chunks) = Header::parse(packet).expect("a header");
    chunks.map(|chunk| chunk.expect("well formed")).collect()
}

fn packet(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header {
        source_port: 5000,
        destination_port: 5001,
        verification_tag: 0xdead_beef,
    };
    header.write(&mut out);
    write(&mut out);
    out
}

#[test]
fn the_checksum_covers_the_packet_but_not_itself() {
    let mut bytes = packet(write_cookie_ack);
    assert!(has_zero_checksum(&bytes) && !has_valid_checksum(&bytes));
    write_checksum(&mut bytes);
    assert!(has_valid_checksum(&bytes));
    for n in 0..bytes.len() {
        bytes[n] ^= 0x10;
        assert!(!has_valid_checksum(&bytes));
        bytes[n] ^= 0x10;
    }
}

#[test]
fn data_chunks_come_back_as_they_went() {
    for interleaved in [false, true] {
        for (begin, end) in [(true, true), (true, false), (false, false), (false, true)] {
            let header = DataHeader {
                tsn: Seq32(0xffff_fffe),
                stream: StreamId(513),
                sequence: 0xfedc,
                fsn: if interleaved && !begin { 77 } else { 0 },
                ppid: Ppid(if interleaved && !begin { 0 } else { 51 }),
                fragment: Fragment { begin, end },
                unordered: end,
                immediate: begin,
            };
            let bytes = packet(|out| header.write(out, interleaved, b"hello"));
            assert_eq!(bytes.len() % 4, 0);
            let data = DataChunk::parse(chunks(&bytes)[0]).expect("data");
            assert_eq!(data.header, header);
            assert_eq!(
                (data.payload, data.interleaved),
                (&b"hello"[..], interleaved)
            );
        }
    }
}

#[test]
fn a_sack_comes_back_as_it_went() {
    let gaps = [GapBlock { start: 2, end: 3 }, GapBlock { start: 9, end: 9 }];
    let bytes = packet(|out| {
        let duplicates = [Seq32(4), Seq32(5)];
        write_sack(
            out,
            Seq32(17),
            1 << 20,
            gaps.into_iter(),
            duplicates.into_iter(),
        );
    });
    let sack = Sack::parse(chunks(&bytes)[0]).expect("a SACK");
    assert_eq!(
        (sack.cumulative_tsn, sack.receive_window),
        (Seq32(17), 1 << 20)
    );
    assert_eq!(sack.gaps().collect::<Vec<_>>(), gaps);
    assert_eq!(sack.duplicates, 2);
}

#[test]
fn an_init_says_what_is_supported_and_reports_what_is_unknown() {
    let support = Support {
        partial_reliability: true,
        reconfiguration: true,
        interleaving: true,
        zero_checksum: true,
        padding: true,
    };
    let strange = [0xc1, 0x23, 0, 6, 1, 2];
    let init = Init {
        tag: 3,
        receive_window: 4,
        outbound_streams: 5,
        inbound_streams: 6,
        initial_tsn: Seq32(7),
        support,
        cookie: None,
        unrecognized: [None; crate::limits::MAX_UNRECOGNIZED],
    };
    let mut bytes = packet(|out| init.write(out));
    // Append a parameter of a type that asks to be reported, inside the chunk.
    bytes.extend_from_slice(&strange);
    bytes.extend_from_slice(&[0, 0]);
    let len = (bytes.len() - HEADER_LEN - 2) as u16;
    bytes[HEADER_LEN + 2..HEADER_LEN + 4].copy_from_slice(&len.to_be_bytes());
    let parsed = Init::parse(chunks(&bytes)[0]).expect("an INIT");
    assert_eq!((parsed.tag, parsed.receive_window), (3, 4));
    assert_eq!((parsed.outbound_streams, parsed.inbound_streams), (5, 6));
    assert_eq!((parsed.support, parsed.initial_tsn), (support, Seq32(7)));
    assert_eq!(parsed.unrecognized[0], Some(&strange[..]));
    assert_eq!(parsed.unrecognized[1], None);
}

#[test]
fn forward_tsns_come_back_as_they_went() {
    for interleaved in [false, true] {
        let skipped = [1u16, 9].map(|stream| Skipped {
            stream: StreamId(stream),
            sequence: 40_000,
            unordered: interleaved && stream == 9,
        });
        let bytes = packet(|out| ForwardTsn::write(out, interleaved, Seq32(8), &skipped));
        let forward = ForwardTsn::parse(chunks(&bytes)[0]).expect("a FORWARD-TSN");
        assert_eq!(forward.new_cumulative_tsn, Seq32(8));
        assert_eq!(forward.skipped().collect::<Vec<_>>(), skipped);
    }
}

#[test]
fn reconfigurations_come_back_as_they_went() {
    let streams = [StreamId(1), StreamId(300)];
    let bytes = packet(|out| {
        Reconfig::write_outgoing_reset(out, Seq32(1), Seq32(2), Seq32(3), &streams);
        Reconfig::write_response(out, Seq32(9), ReconfigResult::InProgress);
    });
    let chunks = chunks(&bytes);
    let Some(ReconfigParameter::OutgoingReset {
        request,
        streams: listed,
        ..
    }) = Reconfig::parse(chunks[0]).parameters().next()
    else {
        panic!("not a reset");
    };
    assert_eq!(request, Seq32(1));
    assert_eq!(listed.iter().collect::<Vec<_>>(), streams);
    let response = Reconfig::parse(chunks[1]).parameters().next();
    let result = ReconfigResult::InProgress;
    assert_eq!(
        response,
        Some(ReconfigParameter::Response {
            request: Seq32(9),
            result
        })
    );
}

#[test]
fn parsers_take_any_bytes() {
    let mut rng = Rng::from_u64(5);
    for _ in 0..20_000 {
        let mut bytes = vec![0; 12 + rng.below(80) as usize];
        rng.fill(&mut bytes);
        if rng.below(2) == 0 && bytes.len() > 16 {
            // Likely lengths lead further into the parsers.
            let kinds = [0, 1, 2, 3, 4, 6, 9, 0x40, 0x82, 0xc0, 0xc2];
            bytes[12] = kinds[rng.below(11) as usize];
            bytes[14] = 0;
            bytes[15] = (bytes.len() - 12) as u8;
        }
        let Some((_, chunks)) = Header::parse(&bytes) else {
            continue;
        };
        for chunk in chunks.filter_map(Result::ok) {
            DataChunk::parse(chunk);
            Init::parse(chunk);
            if let Some(sack) = Sack::parse(chunk) {
                sack.gaps().count();
            }
            if let Some(forward) = ForwardTsn::parse(chunk) {
                forward.skipped().count();
            }
            Reconfig::parse(chunk).parameters().count();
            parse_shutdown(chunk);
            first_cause_code(chunk);
        }
    }
}
