use std::ops::Range;

use crate::limits;

/// How a frame is cut into payloads: for each its descriptor and the ranges of the frame that follow.
/// Nothing is copied before [`write`](Packets::write), which may be called again for a
/// retransmission.
///
/// Made to be kept: after the first frames nothing is allocated.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    /// What stands before the ranges, one after another.
    prefixes: Vec<u8>,
    pieces: Vec<Piece>,
    /// Where in `pieces` each packet ends.
    ends: Vec<u32>,
}

/// Bytes of `prefixes`, up to here, and then bytes of the frame.
#[derive(Clone, Copy, Debug)]
struct Piece {
    prefix_end: u32,
    start: u32,
    end: u32,
}

impl Packets {
    /// An empty list of packets.
    pub fn new() -> Self {
        Packets::default()
    }

    /// How many packets the frame takes.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no packets: before the first split, and after one that failed.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of a packet's payload; 0 if there is no such packet.
    pub fn payload_len(&self, index: usize) -> usize {
        let range = self.pieces_of(index);
        let prefixes = self.prefix_end(range.end) - self.prefix_end(range.start);
        let frame = self.pieces[range].iter().map(|p| p.end - p.start);
        prefixes as usize + frame.sum::<u32>() as usize
    }

    /// Appends a packet's payload. `frame` is what was split; nothing is written for a packet that
    /// there is not.
    pub fn write(&self, index: usize, frame: &[u8], out: &mut Vec<u8>) {
        let range = self.pieces_of(index);
        let mut prefix = self.prefix_end(range.start);
        for piece in &self.pieces[range] {
            out.extend_from_slice(&self.prefixes[prefix as usize..piece.prefix_end as usize]);
            prefix = piece.prefix_end;
            let bytes = frame.get(piece.start as usize..piece.end as usize);
            out.extend_from_slice(bytes.unwrap_or_default());
        }
    }

    pub(crate) fn clear(&mut self) {
        self.prefixes.clear();
        self.pieces.clear();
        self.ends.clear();
    }

    /// Goes on with the current packet: `prefix`, then a range of the frame.
    pub(crate) fn piece(&mut self, prefix: &[u8], range: Range<u32>) {
        self.prefixes.extend_from_slice(prefix);
        self.pieces.push(Piece {
            prefix_end: self.prefixes.len() as u32,
            start: range.start,
            end: range.end,
        });
    }

    /// The current packet is whole.
    pub(crate) fn end_packet(&mut self) {
        self.ends.push(self.pieces.len() as u32);
    }

    /// One packet of one range.
    pub(crate) fn packet(&mut self, prefix: &[u8], range: Range<u32>) {
        self.piece(prefix, range);
        self.end_packet();
    }

    fn pieces_of(&self, index: usize) -> Range<usize> {
        let end_of = |packet: usize| self.ends.get(packet).map(|&end| end as usize);
        let start = index.checked_sub(1).map_or(Some(0), end_of);
        match (start, end_of(index)) {
            (Some(start), Some(end)) => start..end,
            _ => 0..0,
        }
    }

    /// Where the prefixes of the pieces before this one end.
    fn prefix_end(&self, piece: usize) -> u32 {
        let last = piece.checked_sub(1).and_then(|last| self.pieces.get(last));
        last.map_or(0, |piece| piece.prefix_end)
    }
}

/// Bytes that payloads may have. Header extensions that ride on the first or the last packet of a
/// frame alone leave it less; what a packet's payload lacks against `middle` is taken to be what its
/// header has more, and datagrams are made equal, not payloads, so that a frame leaves as one train.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Room {
    /// Bytes of the payload of the frame's first packet. More than in `middle` counts as that.
    pub first: usize,
    /// Bytes of the payloads of the packets between the first and the last.
    pub middle: usize,
    /// Bytes of the payload of the frame's last packet. More than in `middle` counts as that.
    pub last: usize,
}

impl Room {
    /// As much room in every packet.
    pub const fn even(bytes: usize) -> Self {
        Room {
            first: bytes,
            middle: bytes,
            last: bytes,
        }
    }

    /// As it is taken, or `None` where it is too small to work with.
    pub(crate) fn checked(self) -> Option<Self> {
        let room = Room {
            first: self.first.min(self.middle),
            middle: self.middle,
            last: self.last.min(self.middle),
        };
        (room.first.min(room.last) >= limits::MIN_ROOM).then_some(room)
    }

    /// Of a packet that may be the first, the last, or both.
    pub(crate) fn of(self, first: bool, last: bool) -> usize {
        let less_first = if first { self.middle - self.first } else { 0 };
        let less_last = if last { self.middle - self.last } else { 0 };
        self.middle.saturating_sub(less_first + less_last)
    }

    /// Of the packets of one part of a frame.
    pub(crate) fn of_part(self, first: bool, last: bool) -> Self {
        Room {
            first: self.of(first, false),
            middle: self.middle,
            last: self.of(false, last),
        }
    }

    /// What is left behind a descriptor of so many bytes in every packet; `first` more in the first.
    pub(crate) fn less(self, descriptor: usize, first: usize) -> Option<Self> {
        let room = Room {
            first: self.first.checked_sub(descriptor + first)?,
            middle: self.middle.checked_sub(descriptor)?,
            last: self.last.checked_sub(descriptor)?,
        };
        (room.first.min(room.last) > 0).then_some(room)
    }

    /// Cuts `len` bytes into the fewest packets, and these into equal datagrams, the last of which
    /// may be a little shorter. `None` if that cannot be.
    pub(crate) fn cut(self, len: usize) -> Option<Cut> {
        let less_first = self.middle - self.first;
        let less_last = self.middle - self.last;
        if len == 0 {
            return None;
        }
        if len <= self.of(true, true) {
            return Some(Cut {
                left: len,
                packets: 1,
                size: len,
                less: 0,
            });
        }
        let packets = (len + less_first + less_last).div_ceil(self.middle).max(2);
        if packets > len {
            return None;
        }
        Some(Cut {
            left: len,
            packets,
            size: (len + less_first + less_last).div_ceil(packets),
            less: less_first,
        })
    }
}

/// The bytes of a part for one packet after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    left: usize,
    packets: usize,
    /// What a packet would have without extensions of its own.
    size: usize,
    /// What the next packet has less than that.
    less: usize,
}

impl Cut {
    /// How many packets are to come.
    pub(crate) fn packets(&self) -> usize {
        self.packets
    }
}

impl Iterator for Cut {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let after = self.packets.checked_sub(1)?;
        // Each packet has one byte at least, whatever its extensions are.
        let take = match after {
            0 => self.left,
            _ => {
                let even = self.size.saturating_sub(self.less).max(1);
                even.min(self.left - after)
            }
        };
        self.packets = after;
        self.left -= take;
        self.less = 0;
        Some(take)
    }
}

/// Why a frame cannot be cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// The frame is empty: there is nothing to send.
    #[error("the frame is empty")]
    Empty,
    /// The packets are smaller than what the format needs in each.
    #[error("packets have no room for the payload")]
    NoRoom,
    /// The format or its mode has no fragments, and a part is larger than a packet.
    #[error("a part does not fit into a packet and may not be cut")]
    TooLarge,
    /// A part is empty, malformed or not inside the frame.
    #[error("a part of the frame is none")]
    BadPart,
    /// What the packets shall say is not of this format, or contradicts itself.
    #[error("the payload descriptor is none of this format")]
    BadDescriptor,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(len: usize, room: Room) -> Vec<usize> {
        room.cut(len).expect("it can be").collect()
    }

    #[test]
    fn packets_are_as_few_and_as_equal_as_can_be() {
        assert_eq!(cut(1200, Room::even(1200)), [1200]);
        assert_eq!(cut(1201, Room::even(1200)), [601, 600]);
        assert_eq!(cut(2500, Room::even(1200)), [834, 834, 832]);
    }

    #[test]
    fn datagrams_are_equal_where_the_first_has_extensions_of_its_own() {
        let room = Room {
            first: 1160,
            middle: 1200,
            last: 1190,
        };
        let lens = cut(3000, room);
        assert_eq!(lens, [977, 1017, 1006]);
        assert_eq!([lens[0] + 40, lens[1], lens[2] + 10], [1017, 1017, 1016]);
    }

    #[test]
    fn every_cut_keeps_within_its_room() {
        for first in [64, 90, 100] {
            for last in [64, 75, 100] {
                let room = Room {
                    first,
                    middle: 100,
                    last,
                };
                for len in 2..1000 {
                    let lens = cut(len, room);
                    assert_eq!(lens.iter().sum::<usize>(), len);
                    let n = lens.len();
                    for (i, &got) in lens.iter().enumerate() {
                        assert!(got > 0 && got <= room.of(i == 0, i + 1 == n), "{len} {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_used_again_without_an_allocation() {
        use crate::payload::{Descriptor, Parts, PayloadFormat, vp9};

        let vp9 = Descriptor::Vp9(vp9::Descriptor::default());
        let nal = [&[0, 0, 0, 1, 0x41][..], &[7; 8_000]].concat();
        let obu = [&[0x32, 0xc0, 0x3e][..], &[7; 8_000]].concat();
        for (format, descriptor, frame) in [
            (PayloadFormat::Vp8, Descriptor::None, &nal),
            (PayloadFormat::Vp9, vp9, &nal),
            (
                PayloadFormat::H264 { fragments: true },
                Descriptor::None,
                &nal,
            ),
            (
                PayloadFormat::H265 { numbered: false },
                Descriptor::None,
                &nal,
            ),
            (PayloadFormat::Av1, Descriptor::None, &obu),
        ] {
            let mut packets = Packets::new();
            let (mut datagram, mut joined) = (Vec::new(), Vec::new());
            let (mut parts, mut joined_parts) = (Parts::new(), Parts::new());
            let mut round = || {
                format.find_parts(frame, &mut parts).expect("parts");
                let room = Room::even(1_200);
                let split = format.split(frame, &parts, descriptor, room, &mut packets);
                assert_eq!(split, Ok(()));
                datagram.clear();
                (0..packets.len()).for_each(|index| packets.write(index, frame, &mut datagram));

                // Datagrams are equal: payloads lie one behind another.
                joined.clear();
                joined_parts.clear();
                let payloads = datagram.chunks(packets.payload_len(0));
                let result = format.join(payloads, 1 << 20, &mut joined, &mut joined_parts);
                assert_eq!(result, Ok(()));
                assert_eq!(&joined, frame);
                let places = (packets.prefixes.as_ptr(), packets.pieces.as_ptr());
                let more = (packets.ends.as_ptr(), datagram.as_ptr(), joined.as_ptr());
                (places, more, parts.as_ptr(), joined_parts.as_ptr())
            };
            let first = round();
            assert_eq!(round(), first, "{format:?}");
        }
    }

    #[test]
    fn a_packet_that_there_is_not_has_no_bytes() {
        let mut packets = Packets::new();
        packets.packet(b"xy", 0..3);
        packets.packet(b"", 3..4);
        let mut out = Vec::new();
        for index in 0..4 {
            let before = out.len();
            packets.write(index, b"abcd", &mut out);
            assert_eq!(out.len() - before, packets.payload_len(index));
        }
        assert_eq!(out, b"xyabcd");
    }
}
