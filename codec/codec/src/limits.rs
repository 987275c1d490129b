//! Every bound of this crate.

use std::ops::RangeInclusive;

/// Pixels of a picture that a decoder takes and an encoder is made for, unless a configuration says
/// less: 4096 times 2304, as much as H.264 has at level 5.1. A decoder keeps about ten of them.
pub const MAX_PIXELS: u64 = 4096 * 2304;

/// Pixels of one side.
pub const MAX_SIDE: u32 = 16_383;

/// Samples a second of sound.
pub const SAMPLE_RATES: RangeInclusive<u32> = 8_000..=192_000;

/// Channels of sound.
pub const MAX_CHANNELS: u8 = 2;

/// Bytes of one encoded picture that a decoder takes.
pub const MAX_CHUNK: usize = 4 << 20;

/// Implementations of one set, of each kind.
pub const MAX_IMPLEMENTATIONS: usize = 64;
