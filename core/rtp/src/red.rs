//! Redundant payloads in one packet (RFC 2198): older frames of audio again, or one frame of video
//! with its payload type in a byte before it, so that ULPFEC can share its stream.
//!
//! ```
//! use duologue_rtp::PayloadType;
//! use duologue_rtp::red::{self, Block, Red};
//!
//! let opus = PayloadType::new(111).unwrap();
//! let before = Block { payload_type: opus, timestamp_offset: 960, data: b"frame 1" };
//! let now = Block { payload_type: opus, timestamp_offset: 0, data: b"frame 2" };
//! let mut payload = Vec::new();
//! red::write(&[before], now, &mut payload);
//!
//! let red = Red::parse(&payload).unwrap();
//! assert_eq!((red.redundant(), red.primary()), (&[before][..], now));
//! ```

use crate::PayloadType;
use crate::limits::MAX_RED_DEPTH;

/// The blocks of one payload.
#[derive(Clone, Copy, Debug)]
pub struct Red<'a> {
    blocks: [Block<'a>; MAX_RED_DEPTH + 1],
    redundant: usize,
}

/// One block of redundant audio data: a payload in a payload (RFC 2198 §3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Block<'a> {
    /// The payload type of the block.
    pub payload_type: PayloadType,
    /// How long it was sampled before the packet's time stamp, in ticks of the clock; 0 of the
    /// primary one. It has 14 bits.
    pub timestamp_offset: u16,
    /// The payload. One that is redundant has at most 1,023 bytes.
    pub data: &'a [u8],
}

impl<'a> Red<'a> {
    /// Reads a payload; `None` if the blocks do not fit in. Of more than nine redundant ones, the
    /// last nine are given, which are the newest.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut red = Red {
            blocks: [Block::default(); MAX_RED_DEPTH + 1],
            redundant: 0,
        };
        let mut lens = [0; MAX_RED_DEPTH];
        let mut left_out = 0;
        let mut rest = payload;
        let primary_type = loop {
            let (&first, behind) = rest.split_first()?;
            let payload_type = PayloadType::from_low_bits(first);
            if first & FOLLOWED == 0 {
                rest = behind;
                break payload_type;
            }
            let (&[a, b, c], behind) = behind.split_first_chunk()?;
            rest = behind;
            if red.redundant == MAX_RED_DEPTH {
                left_out += lens[0];
                lens.rotate_left(1);
                red.blocks.rotate_left(1);
                red.redundant -= 1;
            }
            lens[red.redundant] = usize::from(b & 3) << 8 | usize::from(c);
            let block = &mut red.blocks[red.redundant];
            block.payload_type = payload_type;
            block.timestamp_offset = u16::from(a) << 6 | u16::from(b >> 2);
            red.redundant += 1;
        };

        rest = rest.get(left_out..)?;
        for (block, len) in red.blocks.iter_mut().zip(&lens[..red.redundant]) {
            (block.data, rest) = rest.split_at_checked(*len)?;
        }
        red.blocks[red.redundant] = Block {
            payload_type: primary_type,
            timestamp_offset: 0,
            data: rest,
        };
        Some(red)
    }

    /// Older payloads, in their order in the packet: by convention the oldest first.
    pub fn redundant(&self) -> &[Block<'a>] {
        &self.blocks[..self.redundant]
    }

    /// The payload that the packet is for.
    pub fn primary(&self) -> Block<'a> {
        self.blocks[self.redundant]
    }
}

/// Appends a payload of these blocks; those that do not fit RFC 2198 §3 (1,023 bytes, an offset of
/// 14 bits) are left out, and the first ones beyond nine.
pub fn write(redundant: &[Block<'_>], primary: Block<'_>, out: &mut Vec<u8>) {
    let redundant = &redundant[redundant.len().saturating_sub(MAX_RED_DEPTH)..];
    let fits = |b: &&Block<'_>| b.data.len() < 1 << 10 && b.timestamp_offset < 1 << 14;
    for block in redundant.iter().filter(fits) {
        let offset_and_len = u32::from(block.timestamp_offset) << 10 | block.data.len() as u32;
        let [_, a, b, c] = offset_and_len.to_be_bytes();
        out.extend_from_slice(&[FOLLOWED | block.payload_type.get(), a, b, c]);
    }
    out.push(primary.payload_type.get());
    for block in redundant.iter().filter(fits) {
        out.extend_from_slice(block.data);
    }
    out.extend_from_slice(primary.data);
}

/// The F bit: another block follows.
const FOLLOWED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(data: &[u8], timestamp_offset: u16) -> Block<'_> {
        Block {
            payload_type: PayloadType::new(111).unwrap(),
            timestamp_offset,
            data,
        }
    }

    #[test]
    fn chromiums_audio_has_one_redundant_block() {
        // BROWSER-MEDIA, "Repair": `ef…`: opus 111, offset 960; the copy is the whole last packet.
        let payload = [0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 3, 4, 5];
        let red = Red::parse(&payload).unwrap();
        assert_eq!(red.redundant(), [block(&[1, 2], 960)]);
        assert_eq!(red.primary(), block(&[3, 4, 5], 0));

        let mut written = Vec::new();
        write(red.redundant(), red.primary(), &mut written);
        assert_eq!(written, payload);
    }

    #[test]
    fn browsers_video_is_one_block() {
        // BROWSER-MEDIA, fact 5.
        let red = Red::parse(&[96, 0x10, 0, 0]).unwrap();
        assert!(red.redundant().is_empty());
        assert_eq!(red.primary().payload_type.get(), 96);
        assert_eq!(red.primary().data, [0x10, 0, 0]);
        // A format alone is an empty payload.
        assert_eq!(Red::parse(&[96]).unwrap().primary().data, []);
    }

    #[test]
    fn blocks_that_do_not_fit_are_no_red() {
        assert!(Red::parse(&[]).is_none());
        assert!(Red::parse(&[0xef, 0x0f, 0x00]).is_none());
        assert!(Red::parse(&[0xef, 0x0f, 0x00, 0x02]).is_none());
        assert!(Red::parse(&[0xef, 0x0f, 0x00, 0x02, 0x6f, 1]).is_none());
        let mut deep = [0xef, 0, 0, 0].repeat(9);
        deep.push(0x6f);
        assert_eq!(Red::parse(&deep).unwrap().redundant().len(), 9);
    }

    #[test]
    fn of_more_blocks_than_are_kept_the_newest_are() {
        let mut payload = Vec::new();
        for n in 0..12 {
            payload.extend([0xef, 0, 4 * (11 - n), 1 + n % 2]);
        }
        payload.push(0x6f);
        let older: Vec<Vec<u8>> = (0..12).map(|n| vec![n; 1 + usize::from(n % 2)]).collect();
        payload.extend(older.concat());
        payload.extend(b"now");

        let red = Red::parse(&payload).unwrap();
        let kept: Vec<_> = (3..12).map(|n| block(&older[n], 11 - n as u16)).collect();
        assert_eq!(red.redundant(), kept);
        assert_eq!(red.primary(), block(b"now", 0));

        // The data of those that are left out are not there.
        assert!(Red::parse(&[&[0xef, 0, 3, 0xff].repeat(10)[..], &[0x6f]].concat()).is_none());
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = [0; 1_024];
        let mut blocks = vec![block(b"oldest", 1); 2];
        blocks.extend([block(b"kept", 1); 7]);
        blocks.extend([block(&long, 1), block(b"old", 1 << 14)]);
        let mut payload = Vec::new();
        write(&blocks, block(b"now", 0), &mut payload);
        let red = Red::parse(&payload).unwrap();
        assert_eq!(red.redundant(), [block(b"kept", 1); 7]);
        assert_eq!(red.primary().data, b"now");
    }

    proptest! {
        #[test]
        fn blocks_survive(
            older in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..1_024), 0u16..1 << 14),
                0..=9,
            ),
            now in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let older: Vec<_> = older.iter().map(|(data, offset)| block(data, *offset)).collect();
            let mut payload = Vec::new();
            write(&older, block(&now, 0), &mut payload);
            let red = Red::parse(&payload).unwrap();
            prop_assert_eq!(red.redundant(), &older);
            prop_assert_eq!(red.primary(), block(&now, 0));
        }

        #[test]
        fn junk_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(red) = Red::parse(&junk) {
                let blocks = red.redundant().iter().map(|b| b.data.len());
                prop_assert!(blocks.sum::<usize>() + red.primary().data.len() < junk.len());
            }
        }
    }
}
