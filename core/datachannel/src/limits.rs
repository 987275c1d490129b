//! The bounds of this crate.

/// Bytes of labels and protocol names of all channels that the peer has open. One channel may carry
/// 128 KiB of them (RFC 8832 §5.1).
pub(crate) const ANNOUNCED_NAME_BYTES: usize = 2 << 20;

/// Messages kept for negotiated channels that are not made here yet.
pub(crate) const EARLY_MESSAGES: usize = 64;

/// Bytes of these messages.
pub(crate) const EARLY_BYTES: usize = 256 << 10;

/// Memory of messages that are not whole in the deprecated form of pieces, on all channels together.
pub(crate) const PIECE_BYTES: usize = 2 << 20;

/// Empty messages and DCEP messages of one channel that wait to be sent.
pub(crate) const UNCOUNTED_MESSAGES: usize = 1 << 20;
