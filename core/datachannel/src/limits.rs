//! The bounds of this crate.

/// Bytes of labels and protocol names of all channels that the peer has open. One channel may carry
/// 128 KiB of them (RFC 8832 §5.1), and there may be 65535 channels.
pub(crate) const ANNOUNCED_NAME_BYTES: usize = 16 << 20;

/// Messages kept for negotiated channels that are not made here yet.
pub(crate) const EARLY_MESSAGES: usize = 64;

/// Bytes of these messages.
pub(crate) const EARLY_BYTES: usize = 256 << 10;

/// Bytes of messages taken out of the association's window because the end of a channel waits
/// behind them. With more, later ends wait until these are read.
pub(crate) const TAKEN_BYTES: usize = 1 << 20;

/// Streams whose end waits to be reported.
pub(crate) const ENDED_STREAMS: usize = 65_536;

/// Empty messages and DCEP messages of one channel that wait to be sent.
pub(crate) const UNCOUNTED_MESSAGES: usize = 1 << 20;
