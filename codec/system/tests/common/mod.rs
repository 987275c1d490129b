//! Streams that browsers sent: `data/` says by names which browser of which version. And what damages
//! them.
#![allow(dead_code, reason = "no test needs all of it")]

use std::env;
use std::path::Path;
use std::time::Duration;

use cpu_time::ProcessTime;
use duologue_codec::{VideoCodec, VideoFrame};

/// Streams of pictures, each with its codec.
pub(crate) const PICTURES: [(&str, VideoCodec); 4] = [
    ("chromium-148-vp8.ivf", VideoCodec::Vp8),
    ("chromium-148-vp9.ivf", VideoCodec::Vp9),
    ("chromium-148-av1.ivf", VideoCodec::Av1),
    ("firefox-153-vp8.ivf", VideoCodec::Vp8),
];

/// Its frames: a head of 32 bytes, and before each frame its length and a time stamp.
pub(crate) fn frames(name: &str) -> Vec<Vec<u8>> {
    let file = read(name);
    let mut rest = &file[32..];
    let mut frames = Vec::new();
    while let Some((head, behind)) = rest.split_at_checked(12) {
        let len = u32::from_le_bytes(head[..4].try_into().expect("four bytes"));
        let (frame, behind) = behind.split_at(len as usize);
        frames.push(frame.to_vec());
        rest = behind;
    }
    frames
}

/// Packets of sound, each behind its length.
pub(crate) fn packets(name: &str) -> Vec<Vec<u8>> {
    let file = read(name);
    let mut rest = &file[..];
    let mut packets = Vec::new();
    while let Some((head, behind)) = rest.split_at_checked(4) {
        let len = u32::from_le_bytes(head.try_into().expect("four bytes"));
        let (packet, behind) = behind.split_at(len as usize);
        packets.push(packet.to_vec());
        rest = behind;
    }
    packets
}

fn read(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../system/tests/data");
    std::fs::read(folder.join(name)).expect("the file is there")
}

/// Fowler, Noll and Vo's hash of all planes, of 64 bits.
pub(crate) fn hash(pictures: &[VideoFrame]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for picture in pictures {
        for plane in 0..3 {
            let format = picture.format();
            let (_, rows) = format.plane_size(plane, picture.width(), picture.height());
            let bytes = (0..rows).flat_map(|row| picture.row(plane, row));
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
    }
    hash
}

/// What is asked for by `cargo xtask damage`: one codec at length, from another seed. Else all of them, shortly.
#[derive(Debug)]
pub(crate) struct Asked {
    only: Option<String>,
    pub(crate) seed: u64,
    /// Of the processor.
    time: Duration,
}

impl Asked {
    pub(crate) fn read() -> Self {
        let number = |name: &str| env::var(name).ok()?.parse().ok();
        Asked {
            only: env::var("DUOLOGUE_DAMAGED_CODEC").ok(),
            seed: number("DUOLOGUE_DAMAGED_SEED").unwrap_or(1),
            time: Duration::from_secs(number("DUOLOGUE_DAMAGED_SECONDS").unwrap_or(1)),
        }
    }

    pub(crate) fn wants(&self, codec: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == codec)
    }

    /// Does it again and again while there is time.
    pub(crate) fn meanwhile(&self, mut does: impl FnMut()) {
        let began = ProcessTime::now();
        while began.elapsed() < self.time {
            does();
        }
    }
}

/// A sequence that is the same for the same seed (splitmix).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// The same with bits turned, bytes set, a piece missing, moved or too much; or as it is.
    pub(crate) fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..self.below(4) {
            let (at, len) = (self.below(bytes.len()), self.below(32));
            match self.below(6) {
                // Headers are at the beginning, and say most.
                0 => {
                    let at = self.below(bytes.len().min(24));
                    self.flip(&mut bytes, at);
                }
                1 => self.flip(&mut bytes, at),
                2 => bytes.truncate(at),
                3 => {
                    let end = bytes.len().min(at + len);
                    bytes.drain(at..end);
                }
                4 => {
                    let piece: Vec<u8> = bytes[at..].iter().take(len).copied().collect();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => {
                    let value = [0, 0xff, 0x80, 0x7f][self.below(4)];
                    bytes
                        .iter_mut()
                        .skip(at)
                        .take(len)
                        .for_each(|byte| *byte = value);
                }
            }
        }
        bytes
    }

    fn flip(&mut self, bytes: &mut [u8], at: usize) {
        let bit = 1 << self.below(8);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= bit;
        }
    }
}
