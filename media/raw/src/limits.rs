//! Every bound of this crate.

/// Raw pictures that wait to be encoded, beside the one that is: the newest wins.
pub(crate) const RAW_PICTURES_TO_SEND: usize = 1;

/// Encoded pictures of one sender that have not left, beyond which further ones are not encoded.
pub(crate) const ENCODED_PICTURES: usize = 8;

/// Decoded pictures of one receiver that wait for their reader; older ones are dropped and counted.
pub const RAW_PICTURES: usize = 3;

/// Pieces of raw sound that wait to be encoded, or for their reader: a second of 10 ms each.
pub const RAW_SOUNDS: usize = 100;

/// Samples of one stream that are to be compared with pictures which the decoder has not returned.
pub(crate) const AWAITED_SAMPLES: usize = 16;

/// Pictures of the last second that are counted.
pub(crate) const COUNTED_PICTURES: usize = 256;

/// Streams of one connection of which players, and encodings of which encoders, are in the statistics.
pub(crate) const TOLD_STREAMS: usize = 256;
