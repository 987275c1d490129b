use super::*;
use crate::payload::tests::{joined, payloads};
use crate::payload::{Descriptor, FrameSize, PayloadFormat, Room};

const FORMAT: PayloadFormat = PayloadFormat::Av1;

/// libaom's for 640x480.
const SEQUENCE_640: [u8; 11] = [0, 0, 0, 0x24, 0xc4, 0xff, 0xdf, 0x36, 0xbe, 0x40, 0x10];

/// An OBU of a frame: with a size.
fn sized(kind: u8, extension: Option<u8>, payload: &[u8]) -> Vec<u8> {
    let mut obu = unsized_obu(kind, extension, &[]);
    obu[0] |= HAS_SIZE;
    let mut size = [0; MAX_LEB128];
    let size = &mut size[..leb128_len(payload.len())];
    write_leb128(payload.len(), size);
    [&obu, &*size, payload].concat()
}

/// An OBU of a packet: without.
fn unsized_obu(kind: u8, extension: Option<u8>, payload: &[u8]) -> Vec<u8> {
    let mut obu = vec![kind << 3];
    if let Some(extension) = extension {
        obu[0] |= EXTENSION;
        obu.push(extension);
    }
    obu.extend_from_slice(payload);
    obu
}

/// A shown key frame's payload.
fn key_frame(len: usize) -> Vec<u8> {
    let mut payload = vec![0x10];
    payload.extend((1..len).map(|n| n as u8));
    payload
}

fn frame_of(obus: &[Vec<u8>]) -> (Vec<u8>, Parts) {
    let frame = obus.concat();
    let mut parts = Parts::new();
    assert_eq!(FORMAT.find_parts(&frame, &mut parts), Ok(()));
    (frame, parts)
}

fn split(frame: &(Vec<u8>, Parts), room: Room) -> Vec<Vec<u8>> {
    let packets = payloads(FORMAT, &frame.0, &frame.1, Descriptor::None, room);
    let packets = packets.expect("they fit");
    for (index, packet) in packets.iter().enumerate() {
        assert!(packet.len() <= room.of(index == 0, index + 1 == packets.len()));
    }
    packets
}

/// Chromium and Firefox: a key frame begins with N, W=2 and the sequence header, in OBU headers
/// without size; then fragments with W=1.
#[test]
fn a_key_frame_begins_with_two_elements_and_goes_on_in_fragments() {
    let sequence = sized(SEQUENCE_HEADER, None, &SEQUENCE_640);
    let frame = frame_of(&[sequence, sized(FRAME, None, &key_frame(3_000))]);
    let packets = split(&frame, Room::even(1_200));
    // 12 and 3,001 bytes, a length, three aggregation headers.
    let lens: Vec<usize> = packets.iter().map(Vec::len).collect();
    assert_eq!(lens, [1_006, 1_006, 1_005]);
    assert_eq!(packets[0][..3], [0x40 | 0x20 | 0x08, 12, 0x08]);
    assert_eq!(packets[0][14], 0x30);
    assert_eq!(packets[1][0], 0x80 | 0x40 | 0x10);
    assert_eq!(packets[2][0], 0x80 | 0x10);

    let info = |index: usize| FORMAT.packet_info(&packets[index]).expect("a payload");
    assert_eq!(
        (info(0).begins, info(0).ends, info(0).key),
        (Boundary::Certain, Boundary::No, Some(true))
    );
    assert_eq!((info(1).begins, info(1).key), (Boundary::No, None));
    assert_eq!(info(2).ends, Boundary::Possible);

    assert_eq!(joined(FORMAT, &packets), Ok(frame.clone()));
    let size = FrameSize {
        width: 640,
        height: 480,
    };
    let info = FORMAT.frame_info(&frame.0, &frame.1);
    assert_eq!((info.key, info.size), (true, Some(size)));
}

/// Chromium and Firefox: other frames are one element.
#[test]
fn a_delta_frame_is_one_element() {
    let packets = [[0x10, 0x30, 0x30, 1, 2]];
    let info = FORMAT.packet_info(&packets[0]).expect("a payload");
    assert_eq!(
        (info.begins, info.ends),
        (Boundary::Possible, Boundary::Possible)
    );
    assert_eq!(info.key, Some(false));
    let (frame, parts) = joined(FORMAT, &packets).expect("a frame");
    assert_eq!(frame, [0x32, 3, 0x30, 1, 2]);
    assert_eq!(parts, Parts::whole(5));
    assert!(!FORMAT.frame_info(&frame, &parts).key);
    assert_eq!(split(&(frame, parts), Room::even(100)), packets);
}

/// Chromium's L2T3: a series of packets for each layer, with extensions; N on the lowest one's first.
#[test]
fn layers_are_in_the_extension() {
    let (low, high) = (Some(0x00), Some(0x08));
    let lower = frame_of(&[
        sized(SEQUENCE_HEADER, low, &SEQUENCE_640),
        sized(FRAME, low, &key_frame(50)),
    ]);
    let upper = frame_of(&[sized(FRAME, high, &[0x30, 1, 2, 3])]);
    let first = split(&lower, Room::even(1_200));
    assert_eq!(first[0][0], 0x20 | 0x08);
    let second = split(&upper, Room::even(1_200));
    assert_eq!(second[0][..3], [0x10, 0x34, 0x08]);

    let info = FORMAT.packet_info(&second[0]).expect("a payload");
    assert_eq!((info.spatial, info.temporal), (Some(1), Some(0)));
    assert_eq!(info.key, Some(false));
    let both = [&first[0], &second[0]];
    let (frame, parts) = joined(FORMAT, &both).expect("a temporal unit");
    assert_eq!(frame, [&lower.0[..], &upper.0].concat());
    assert_eq!(parts.len(), 3);
}

#[test]
fn temporal_delimiters_and_tile_lists_are_not_sent_and_not_kept() {
    let obus = [
        sized(TEMPORAL_DELIMITER, None, &[]),
        sized(FRAME, None, &[0x30, 1]),
        sized(TILE_LIST, None, &[1, 2, 3]),
    ];
    let frame = frame_of(&obus);
    assert_eq!((frame.1.len(), frame.1.first()), (1, Some(&(2..6))));
    let packets = split(&frame, Room::even(100));
    assert_eq!(packets, [[0x10, 0x30, 0x30, 1]]);

    let delimiter = [0x20, 1, TEMPORAL_DELIMITER << 3, FRAME << 3, 0x30, 1];
    let info = FORMAT.packet_info(&delimiter).expect("a payload");
    assert_eq!(info.begins, Boundary::Certain);
    let tile_list = [0x10, TILE_LIST << 3, 9];
    let (joined, _) = joined(FORMAT, &[&delimiter[..], &tile_list]).expect("a frame");
    assert_eq!(joined, obus[1]);
}

#[test]
fn nothing_but_a_temporal_delimiter_is_no_frame() {
    let mut parts = Parts::new();
    let delimiter = sized(TEMPORAL_DELIMITER, None, &[]);
    let found = FORMAT.find_parts(&delimiter, &mut parts);
    assert_eq!(found, Err(SplitError::Empty));
    assert_eq!(joined(FORMAT, &[[0x10, 0x10]]), Err(JoinError::Empty));
}

#[test]
fn more_than_three_elements_all_have_lengths() {
    let obus: Vec<Vec<u8>> = (1..=5)
        .map(|n| sized(FRAME, None, &vec![0x30; n]))
        .collect();
    let frame = frame_of(&obus);
    let packets = split(&frame, Room::even(100));
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0][..4], [0x00, 2, 0x30, 0x30]);
    assert_eq!(packets[0].len(), 1 + 5 + (2 + 3 + 4 + 5 + 6));
    assert_eq!(joined(FORMAT, &packets), Ok(frame));
}

/// Chromium's L2T1: the lower layer of a key picture has a size of its own, the upper one that of the
/// sequence.
#[test]
fn a_picture_has_the_size_of_its_highest_layer() {
    let (low, high) = (Some(0x00), Some(0x08));
    // A shown key frame of 320x240.
    let lower = [
        sized(SEQUENCE_HEADER, low, &SEQUENCE_640),
        sized(FRAME, low, &[0x12, 0x01, 0x3f, 0x77, 0x80]),
    ]
    .concat();
    let size = |upper: &[u8]| {
        let upper = match upper {
            [] => Vec::new(),
            upper => sized(FRAME, high, upper),
        };
        let (frame, parts) = frame_of(&[lower.clone(), upper]);
        let info = FORMAT.frame_info(&frame, &parts);
        assert!(info.key);
        info.size.map(|size| (size.width, size.height))
    };
    assert_eq!(size(&[]), Some((320, 240)));
    assert_eq!(size(&[0x30, 1, 2]), Some((640, 480)));
    // With frame_size_override_flag it is neither.
    assert_eq!(size(&[0x31, 1, 2]), None);
}

#[test]
fn an_obu_that_keeps_its_size_in_packets_keeps_it_in_the_frame() {
    let (frame, _) = joined(FORMAT, &[[0x10, 0x32, 2, 0x30, 1]]).expect("a frame");
    assert_eq!(frame, [0x32, 2, 0x30, 1]);
    // One that is not that of the element.
    for size in [1, 3] {
        let joined = joined(FORMAT, &[[0x10, 0x32, size, 0x30, 1]]);
        assert_eq!(joined, Err(JoinError::Malformed));
    }
}

#[test]
fn a_header_may_be_cut_behind_its_first_byte() {
    let packets = [&[0x50, 0x34][..], &[0x90, 0x48, 0x30, 1]];
    let (frame, parts) = joined(FORMAT, &packets).expect("a frame");
    assert_eq!(frame, [0x36, 0x48, 2, 0x30, 1]);
    assert_eq!(parts, Parts::whole(5));
}

#[test]
fn a_frame_that_lacks_a_packet_is_torn() {
    let frame = frame_of(&[sized(FRAME, None, &[0x30; 300])]);
    let packets = split(&frame, Room::even(130));
    assert_eq!(packets.len(), 3);
    for torn in [&packets[1..], &packets[..2]] {
        assert_eq!(joined(FORMAT, torn), Err(JoinError::Torn));
    }
}

#[test]
fn the_layers_of_a_picture_are_found_and_can_be_cut_apart() {
    // Temporal layer 0; spatial layers 0, 0 and 1.
    let base = sized(FRAME_HEADER, Some(0), &[0x10, 0]);
    let base_tile = sized(TILE_GROUP, None, &[7; 9]);
    let upper = sized(FRAME, Some(0x08), &[0x30; 20]);
    let sequence = sized(SEQUENCE_HEADER, None, &SEQUENCE_640);
    let (lower, _) = frame_of(&[sequence, base, base_tile]);
    let (picture, parts) = frame_of(&[lower.clone(), upper]);
    let layers = FORMAT.spatial_layers(&picture, &parts);
    let (middle, end) = (lower.len() as u32, picture.len() as u32);
    assert_eq!(layers[..], [0..middle, middle..end]);

    let (plain, parts) = frame_of(&[sized(FRAME, None, &[0x30; 20])]);
    let layers = FORMAT.spatial_layers(&plain, &parts);
    assert_eq!(layers, Parts::whole(plain.len() as u32));
}

#[test]
fn malformed_payloads_are_refused() {
    let bad: [&[u8]; 7] = [
        &[],
        &[0x10],
        &[0x20, 1, 0x30],
        &[0x20, 9, 0x30],
        &[0x00, 0],
        &[0x00, 3, 0x30, 1],
        &[0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ];
    for payload in bad {
        let info = FORMAT.packet_info(payload);
        assert_eq!(info, Err(JoinError::Malformed), "{payload:?}");
        assert_eq!(joined(FORMAT, &[payload]), Err(JoinError::Malformed));
    }
}

#[test]
fn datagrams_are_level_whatever_rides_on_the_first() {
    let sequence = sized(SEQUENCE_HEADER, None, &SEQUENCE_640);
    for len in [1_200, 2_345, 5_000, 20_000] {
        let frame = frame_of(&[sequence.clone(), sized(FRAME, None, &key_frame(len))]);
        let room = Room {
            first: 1_150,
            middle: 1_190,
            last: 1_186,
        };
        let lens: Vec<usize> = split(&frame, room).iter().map(Vec::len).collect();
        let last = lens.len() - 1;
        assert!(
            lens[1..last].iter().all(|&len| len == lens[0] + 40),
            "{lens:?}"
        );
        assert!(lens[last] + 4 <= lens[0] + 40, "{lens:?}");
        assert!(lens[last] + 4 + last + 1 >= lens[0] + 40, "{lens:?}");
    }
}

#[test]
fn numbers_take_the_bytes_that_they_need() {
    for value in [0, 1, 127, 128, 16_383, 16_384, 4 << 20] {
        let mut place = [0; MAX_LEB128];
        let len = leb128_len(value);
        write_leb128(value, &mut place[..len]);
        assert_eq!(read_leb128(&place), Some((value as u32, len)));
    }
    // With more bytes than it needs; above 32 bits; without end.
    assert_eq!(read_leb128(&[0x85, 0x80, 0]), Some((5, 3)));
    assert_eq!(read_leb128(&[0xff, 0xff, 0xff, 0xff, 0x1f]), None);
    assert_eq!(read_leb128(&[0x80; 9]), None);
}
