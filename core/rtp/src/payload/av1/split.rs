use std::ops::Range;

use super::{
    CONTINUES, HAS_SIZE, NEW_SEQUENCE, Obu, SEQUENCE_HEADER, UNFINISHED, frame_info, is_sent,
    leb128_len, write_leb128,
};
use crate::payload::parts;
use crate::payload::split::{Packets, Room, SplitError};

/// OBUs one behind another, cut where packets end (AV1 RTP §4.3).
pub(crate) fn split(
    frame: &[u8],
    parts: &[Range<u32>],
    room: Room,
    packets: &mut Packets,
) -> Result<(), SplitError> {
    let source = Source { frame, parts };
    let first = source.element(0).ok_or(SplitError::BadPart)?;
    for index in 0..parts.len() {
        let element = source.element(index).ok_or(SplitError::BadPart)?;
        if !is_sent(element.header[0] >> 3 & 0x0f) {
            return Err(SplitError::BadPart);
        }
    }

    let room = level(&source, room).ok_or(SplitError::NoRoom)?;
    // AV1 RTP §4.4: N is set on the first packet of a coded video sequence, thus of its lowest layer.
    let lowest = first.header_len == 1 || first.header[1] >> 3 & 3 == 0;
    let has_sequence = (0..parts.len()).any(|i| {
        source
            .element(i)
            .is_some_and(|e| e.kind() == SEQUENCE_HEADER)
    });
    let new = lowest && has_sequence && frame_info(frame, parts).key;
    let mut at = Position::default();
    while at.element < parts.len() {
        let run = source
            .next_packet(at, room, packets.is_empty())
            .ok_or(SplitError::NoRoom)?;
        let flags = if new && packets.is_empty() {
            NEW_SEQUENCE
        } else {
            0
        };
        source
            .write(&run, flags, packets)
            .ok_or(SplitError::NoRoom)?;
        at = run.end;
    }
    Ok(())
}

/// Less room, such that the fewest packets are equal datagrams. Where one OBU ends and the next
/// begins just before the end of a packet, that packet is a byte or two shorter.
fn level(source: &Source<'_>, room: Room) -> Option<Room> {
    let packets = source.count(room)?;
    if packets == 1 {
        return Some(room);
    }
    let less = (room.middle - room.first) + (room.middle - room.last);
    let bytes: usize = (0..source.parts.len())
        .filter_map(|index| source.element(index))
        .map(|element| element.len())
        .sum();
    // The aggregation headers; lengths of elements come on top.
    let mut size = (bytes + less).div_ceil(packets) + 1;
    let mut step = 1;
    while size < room.middle {
        let even = Room {
            first: (size + room.first).saturating_sub(room.middle),
            middle: size,
            last: (size + room.last).saturating_sub(room.middle),
        };
        if source.count(even).is_some_and(|count| count <= packets) {
            return Some(even);
        }
        size += step;
        step *= 2;
    }
    Some(room)
}

/// The OBUs that are sent.
#[derive(Clone, Copy, Debug)]
struct Source<'a> {
    frame: &'a [u8],
    parts: &'a [Range<u32>],
}

/// An OBU as it is sent: without its size.
#[derive(Clone, Debug)]
struct Element {
    header: [u8; 2],
    header_len: usize,
    /// In the frame.
    payload: Range<u32>,
}

impl Element {
    fn len(&self) -> usize {
        self.header_len + self.payload.len()
    }

    fn kind(&self) -> u8 {
        self.header[0] >> 3 & 0x0f
    }
}

/// Where in the OBUs a packet begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Position {
    element: usize,
    /// Bytes of that element that went before.
    offset: usize,
}

/// The elements of one packet.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: Position,
    end: Position,
    /// Whether the last one has its length, too.
    all_lengths: bool,
}

impl Run {
    /// How many elements it has, or pieces of them.
    fn elements(&self) -> usize {
        self.end.element - self.start.element + usize::from(self.end.offset > 0)
    }
}

impl Source<'_> {
    /// `None` if the part is no OBU, or not the whole of one.
    fn element(&self, index: usize) -> Option<Element> {
        let part = self.parts.get(index)?;
        let bytes = parts::bytes(self.frame, part);
        let obu = Obu::read(bytes).filter(|obu| obu.payload.end == bytes.len())?;
        let start = part.start + obu.payload.start as u32;
        Some(Element {
            header: [obu.header.first & !HAS_SIZE, obu.header.extension],
            header_len: obu.header.len(),
            payload: start..part.end,
        })
    }

    /// How many packets it takes, if it goes.
    fn count(&self, room: Room) -> Option<usize> {
        let mut at = Position::default();
        let mut packets = 0;
        while at.element < self.parts.len() {
            at = self.next_packet(at, room, packets == 0)?.end;
            packets += 1;
        }
        Some(packets)
    }

    /// As many bytes as fit into the next packet; `None` if none does.
    fn next_packet(&self, start: Position, room: Room, first: bool) -> Option<Run> {
        let run = self.fill(start, room.of(first, true).checked_sub(1)?)?;
        if run.end.element == self.parts.len() {
            return Some(run);
        }
        let run = self.fill(start, room.of(first, false).checked_sub(1)?)?;
        if run.end.element < self.parts.len() {
            return Some(run);
        }

        // It would end here, but for the room that the last packet lacks: a byte goes there.
        let last = run.end.element.checked_sub(1)?;
        let offset = self.element(last)?.len() - 1;
        let end = Position {
            element: last,
            offset,
        };
        let run = Run { end, ..run };
        (end != start && run.elements() > 0).then_some(run)
    }

    /// Elements from `start` on in so many bytes.
    fn fill(&self, start: Position, bytes: usize) -> Option<Run> {
        let three = self.fill_counted(start, bytes)?;
        let more = three.end.offset == 0 && three.end.element < self.parts.len();
        if three.elements() < MAX_COUNTED || !more {
            return Some(three);
        }
        // More than W counts: all have lengths.
        let all = self.fill_with_lengths(start, bytes);
        let further =
            |all: &Run| (all.end.element, all.end.offset) > (three.end.element, three.end.offset);
        Some(all.filter(further).unwrap_or(three))
    }

    /// Up to three elements, the last one without length.
    fn fill_counted(&self, start: Position, mut bytes: usize) -> Option<Run> {
        let mut at = start;
        for _ in 0..MAX_COUNTED {
            if at.element == self.parts.len() {
                break;
            }
            let left = self.element(at.element)?.len() - at.offset;
            if left > bytes {
                at.offset += bytes;
                break;
            }
            at = Position {
                element: at.element + 1,
                offset: 0,
            };
            let used = left + leb128_len(left);
            if used >= bytes {
                break;
            }
            bytes -= used;
        }
        (at != start).then_some(Run {
            start,
            end: at,
            all_lengths: false,
        })
    }

    /// Any number of elements, each with its length.
    fn fill_with_lengths(&self, start: Position, mut bytes: usize) -> Option<Run> {
        let mut at = start;
        while at.element < self.parts.len() {
            let left = self.element(at.element)?.len() - at.offset;
            let used = left + leb128_len(left);
            if used > bytes {
                // A length of one byte more at most may be one too many.
                let take = bytes.saturating_sub(leb128_len(bytes));
                at.offset += take;
                break;
            }
            bytes -= used;
            at = Position {
                element: at.element + 1,
                offset: 0,
            };
        }
        (at != start).then_some(Run {
            start,
            end: at,
            all_lengths: true,
        })
    }

    fn write(&self, run: &Run, flags: u8, packets: &mut Packets) -> Option<()> {
        let count = run.elements();
        let counted = if run.all_lengths { 0 } else { count as u8 };
        let continues = if run.start.offset > 0 { CONTINUES } else { 0 };
        let unfinished = if run.end.offset > 0 { UNFINISHED } else { 0 };
        packets.piece(&[flags | continues | unfinished | counted << 4], 0..0);

        for index in 0..count {
            let element = self.element(run.start.element + index)?;
            let from = if index == 0 { run.start.offset } else { 0 };
            let last = index + 1 == count;
            let to = match last && run.end.offset > 0 {
                true => run.end.offset,
                false => element.len(),
            };
            if run.all_lengths || !last {
                let mut length = [0; super::MAX_LEB128];
                let length = &mut length[..leb128_len(to - from)];
                write_leb128(to - from, length);
                packets.piece(length, 0..0);
            }
            let header = element.header_len;
            let prefix = &element.header[from.min(header)..to.min(header)];
            let byte = |at: usize| element.payload.start + at.saturating_sub(header) as u32;
            packets.piece(prefix, byte(from)..byte(to));
        }
        packets.end_packet();
        Some(())
    }
}

/// What two bits count to.
const MAX_COUNTED: usize = 3;
