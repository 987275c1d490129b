//! RTP headers with their extensions: a typical video packet of 1,200 bytes.

use std::hint::black_box;

use duologue_base::Seq16;
use duologue_rtp::ext::{AbsSendTime, ExtensionMap, ExtensionsToSend, uri};
use duologue_rtp::{Content, ExtensionId, Header, HeaderToSend, PayloadType, Ssrc};

use crate::{Done, measured_here};

const PACKETS: u64 = 4_000;

pub(crate) fn header_in() -> Done {
    let map = map();
    let mut datagram = Vec::new();
    header(17).write(&map, &mut datagram);
    datagram.resize(1_200, 0x5a);

    let read = measured_here(|| {
        let mut read = 0;
        for _ in 0..PACKETS {
            let datagram = black_box(&datagram[..]);
            let header = Header::parse(datagram).expect("it is a packet");
            let Ok(Content::Payload(payload)) = header.content(datagram) else {
                continue;
            };
            let block = header.extension().expect("it has an extension");
            let extensions = duologue_rtp::ext::Extensions::read(block, datagram, &map);
            read += u64::from(black_box(extensions).transport_sequence().is_some());
            black_box(payload);
        }
        read
    });
    assert_eq!(read, PACKETS);
    done()
}

pub(crate) fn header_out() -> Done {
    let map = map();
    let mut train = Vec::with_capacity(64 << 10);
    let mut header = header(0);
    let written = measured_here(|| {
        let mut written = 0;
        for number in 0..PACKETS {
            train.clear();
            header.sequence_number = Seq16(number as u16);
            header.extensions.transport_sequence = Some(number as u16);
            black_box(&header).write(&map, &mut train);
            written += black_box(&train).len() as u64;
        }
        written
    });
    // 12 bytes, 4 of the extension's head, 2 + 3 + 4 of elements, 3 of padding.
    assert_eq!(written, PACKETS * 28);
    done()
}

fn done() -> Done {
    Done {
        count: PACKETS,
        unit: "packet",
    }
}

fn header(number: u16) -> HeaderToSend<'static> {
    HeaderToSend {
        payload_type: PayloadType::from_low_bits(96),
        sequence_number: Seq16(number),
        timestamp: 90_000,
        ssrc: Ssrc(0x1234_5678),
        extensions: ExtensionsToSend {
            mid: Some("1"),
            transport_sequence: Some(number),
            send_time: Some(AbsSendTime::from_bits(0x0a_bcde)),
            ..Default::default()
        },
        ..Default::default()
    }
}

/// The ids that Chromium offers.
fn map() -> ExtensionMap {
    let agreed = [
        (2, uri::ABS_SEND_TIME),
        (3, uri::TRANSPORT_SEQUENCE),
        (4, uri::MID),
    ];
    let id = |number| ExtensionId::new(number).expect("not zero");
    ExtensionMap::of(agreed.map(|(number, uri)| (id(number), uri)), true)
}
