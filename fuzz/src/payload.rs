use duologue_rtp::payload::{Descriptor, Packets, Parts, PayloadFormat, Room, SplitError, vp9};

use crate::memory;

const FORMATS: [PayloadFormat; 9] = [
    PayloadFormat::Opaque,
    PayloadFormat::Opus,
    PayloadFormat::Vp8,
    PayloadFormat::Vp9,
    PayloadFormat::H264 { fragments: true },
    PayloadFormat::H264 { fragments: false },
    PayloadFormat::H265 { numbered: false },
    PayloadFormat::H265 { numbered: true },
    PayloadFormat::Av1,
];

/// Largest frame that is joined.
const LIMIT: usize = 2_048;

/// A format, then payloads behind their lengths of one byte: each is refused or understood, and
/// together they are refused or a frame that can be sent and comes out the same.
pub fn payload_join(bytes: &[u8]) {
    let _bound = memory::at_most_kib(512);
    let Some((format, mut rest)) = take_format(bytes) else {
        return;
    };
    let mut payloads = Vec::new();
    while let Some((&len, behind)) = rest.split_first() {
        let (payload, behind) = behind.split_at(usize::from(len).min(behind.len()));
        let _ = (format.packet_info(payload), format.duration(payload));
        payloads.push(payload);
        rest = behind;
    }

    let (mut frame, mut parts) = (b"before".to_vec(), Parts::new());
    if format
        .join(payloads, LIMIT, &mut frame, &mut parts)
        .is_err()
    {
        assert_eq!((&frame[..], parts.len()), (&b"before"[..], 0));
        return;
    }
    assert!(frame.len() <= b"before".len() + LIMIT);
    let _ = format.frame_info(&frame, &parts);
    let room = Room::even(usize::from(u16::MAX));
    let (again, again_parts) = round(format, &frame, &parts, room).expect("it fits");
    if format == PayloadFormat::Av1 {
        same_behind_another_round(again, again_parts, room);
        return;
    }
    assert_eq!(again, frame[b"before".len()..]);
}

/// A format, three bytes of room, then a frame as an encoder gives it: it is refused, or its packets
/// keep within the room and make a frame of the same parts, but for parameter sets that come again.
pub fn payload_split(bytes: &[u8]) {
    let _bound = memory::at_most_kib(512);
    let Some((format, [first, middle, last, frame @ ..])) = take_format(bytes) else {
        return;
    };
    let mut parts = Parts::new();
    if format.find_parts(frame, &mut parts).is_err() {
        return;
    }
    let _ = format.frame_info(frame, &parts);
    let room = Room {
        first: 64 + usize::from(*first),
        middle: 64 + usize::from(*middle) * 4,
        last: 64 + usize::from(*last),
    };
    let Ok((joined, joined_parts)) = round(format, frame, &parts, room) else {
        return;
    };

    if format == PayloadFormat::Av1 {
        same_behind_another_round(joined, joined_parts, room);
        return;
    }
    let units = |frame: &[u8], parts: &Parts| -> Vec<Vec<u8>> {
        let unit = |part: &std::ops::Range<u32>| part.start as usize..part.end as usize;
        parts
            .iter()
            .map(|part| frame[unit(part)].to_vec())
            .collect()
    };
    let (sent, came) = (units(frame, &parts), units(&joined, &joined_parts));
    let may_lack = matches!(
        format,
        PayloadFormat::H264 { .. } | PayloadFormat::H265 { .. }
    );
    let mut came = came.iter().peekable();
    for (index, unit) in sent.iter().enumerate() {
        // A parameter set that came before is left out behind a slice.
        let repeated = may_lack && sent[..index].contains(unit);
        assert!(came.next_if_eq(&unit).is_some() || repeated, "{index}");
    }
    assert_eq!(came.next(), None);
}

/// Sizes of OBUs may have had more bytes than they need; behind packets they have not.
fn same_behind_another_round(frame: Vec<u8>, parts: Parts, room: Room) {
    let again = round(PayloadFormat::Av1, &frame, &parts, room);
    assert_eq!(again, Ok((frame, parts)));
}

fn take_format(bytes: &[u8]) -> Option<(PayloadFormat, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    Some((FORMATS[usize::from(first) % FORMATS.len()], rest))
}

/// What a frame is behind its packets.
fn round(
    format: PayloadFormat,
    frame: &[u8],
    parts: &Parts,
    room: Room,
) -> Result<(Vec<u8>, Parts), SplitError> {
    // Decoding order numbers are received only.
    let format = match format {
        PayloadFormat::H265 { .. } => PayloadFormat::H265 { numbered: false },
        format => format,
    };
    let (frame, parts) = match format {
        // These are sent whole, whatever stands before.
        PayloadFormat::Vp8 | PayloadFormat::Vp9 => {
            let start = parts.first().map_or(0, |part| part.start as usize);
            let frame = &frame[start..];
            (frame, Parts::whole(frame.len() as u32))
        }
        _ => (frame, parts.clone()),
    };
    let descriptor = match format {
        PayloadFormat::Vp9 => Descriptor::Vp9(vp9::Descriptor::default()),
        _ => Descriptor::None,
    };
    let mut packets = Packets::new();
    format.split(frame, &parts, descriptor, room, &mut packets)?;

    let mut payloads = vec![Vec::new(); packets.len()];
    for (index, payload) in payloads.iter_mut().enumerate() {
        packets.write(index, frame, payload);
        assert_eq!(payload.len(), packets.payload_len(index));
        let mut most = room.middle;
        if index == 0 {
            most = most.min(room.first);
        }
        if index + 1 == packets.len() {
            most = most.min(room.last);
        }
        assert!(payload.len() <= most);
        assert!(format.packet_info(payload).is_ok());
    }
    let (mut joined, mut parts) = (Vec::new(), Parts::new());
    let payloads = payloads.iter().map(Vec::as_slice);
    let result = format.join(payloads, 1 << 20, &mut joined, &mut parts);
    assert_eq!(result, Ok(()));
    Ok((joined, parts))
}
