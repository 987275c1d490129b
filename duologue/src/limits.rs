//! Every bound of this crate.

/// Bytes of received messages that wait for their readers, over all channels of a connection.
/// Beyond it the receive window closes and the peer stops sending.
pub const RECEIVE_BACKLOG: usize = 1 << 20;

/// What a waiting message counts besides its bytes, so that empty ones are bounded too.
pub(crate) const MESSAGE_OVERHEAD: usize = 64;

/// Events that may wait before no more channels are accepted and no more messages taken.
pub const EVENT_BACKLOG: usize = 1024;

pub use duologue_peer::limits::SEND_OVERHEAD;

/// Bytes of a channel's `bufferedAmount` above which [`DataChannel::send`](crate::DataChannel::send)
/// waits, unless the channel says otherwise.
pub const DEFAULT_SEND_HIGH_WATER_MARK: u64 = 1 << 20;
