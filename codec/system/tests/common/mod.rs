//! Streams that browsers sent: `data/` says by names which browser of which version.

use std::path::Path;

use duologue_codec::VideoCodec;

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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    std::fs::read(folder.join(name)).expect("the file is there")
}
