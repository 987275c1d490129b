//! The bounds of this crate.

/// How many keys a [`Decrypter`](crate::Decrypter) keeps: the participants of a large conference, each with an old and a new one.
pub const KEYS: usize = 4096;

/// The longest base key that is taken; those of MLS and of WebCrypto have 16 to 64 bytes.
pub const BASE_KEY_BYTES: usize = 1024;

/// The bytes by which a frame grows at most: the longest header (RFC 9605 §4.3) and the longest tag.
pub const OVERHEAD_MAX: usize = 1 + 8 + 8 + 16;
