//! WebM: Opus, VP8, VP9 and AV1 in the part of Matroska that browsers play (RFC 9559, RFC 8794, the
//! WebM Container Guidelines). H.264 and H.265, which only Matroska has, are read, too: recorders of browsers
//! write them.
//!
//! Own code, because the Rust crates for it either wrap a library of C++, or take as much memory as a
//! file says that it needs.

mod ebml;
mod lacing;
mod read;
mod write;

pub(crate) use read::Reader;
pub(crate) use write::Writer;

use crate::track::Format;

pub(crate) const MAGIC: &[u8] = &[0x1a, 0x45, 0xdf, 0xa3];

const CODECS: [(Format, &[u8]); 4] = [
    (Format::Opus, b"A_OPUS"),
    (Format::Vp8, b"V_VP8"),
    (Format::Vp9, b"V_VP9"),
    (Format::Av1, b"V_AV1"),
];

/// Of Matroska alone (RFC 9559 §27.3, the codec registry).
const MATROSKA_CODECS: [(Format, &[u8]); 2] = [
    (Format::H264, b"V_MPEG4/ISO/AVC"),
    (Format::H265, b"V_MPEGH/ISO/HEVC"),
];

/// Identifiers of elements (RFC 9559 §5.1, RFC 8794 §11.2).
mod id {
    pub(super) const EBML: u32 = 0x1a45_dfa3;
    pub(super) const EBML_VERSION: u32 = 0x4286;
    pub(super) const EBML_READ_VERSION: u32 = 0x42f7;
    pub(super) const EBML_MAX_ID_LENGTH: u32 = 0x42f2;
    pub(super) const EBML_MAX_SIZE_LENGTH: u32 = 0x42f3;
    pub(super) const DOC_TYPE: u32 = 0x4282;
    pub(super) const DOC_TYPE_VERSION: u32 = 0x4287;
    pub(super) const DOC_TYPE_READ_VERSION: u32 = 0x4285;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const INFO: u32 = 0x1549_a966;
    pub(super) const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
    pub(super) const MUXING_APP: u32 = 0x4d80;
    pub(super) const WRITING_APP: u32 = 0x5741;
    pub(super) const TRACKS: u32 = 0x1654_ae6b;
    pub(super) const TRACK_ENTRY: u32 = 0xae;
    pub(super) const TRACK_NUMBER: u32 = 0xd7;
    pub(super) const TRACK_UID: u32 = 0x73c5;
    pub(super) const TRACK_TYPE: u32 = 0x83;
    pub(super) const DEFAULT_DURATION: u32 = 0x0023_e383;
    pub(super) const FLAG_LACING: u32 = 0x9c;
    pub(super) const CODEC_ID: u32 = 0x86;
    pub(super) const CODEC_PRIVATE: u32 = 0x63a2;
    pub(super) const SEEK_PRE_ROLL: u32 = 0x56bb;
    pub(super) const CONTENT_ENCODINGS: u32 = 0x6d80;
    pub(super) const VIDEO: u32 = 0xe0;
    pub(super) const PIXEL_WIDTH: u32 = 0xb0;
    pub(super) const PIXEL_HEIGHT: u32 = 0xba;
    pub(super) const AUDIO: u32 = 0xe1;
    pub(super) const SAMPLING_FREQUENCY: u32 = 0xb5;
    pub(super) const CHANNELS: u32 = 0x9f;
    pub(super) const CLUSTER: u32 = 0x1f43_b675;
    pub(super) const TIMESTAMP: u32 = 0xe7;
    pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
    pub(super) const BLOCK_GROUP: u32 = 0xa0;
    pub(super) const BLOCK: u32 = 0xa1;
    pub(super) const REFERENCE_BLOCK: u32 = 0xfb;
}
