//! Every bound of this crate.

use std::time::Duration;

/// Bytes of received messages that wait for their readers, over all channels of a connection.
/// Beyond it the receive window closes and the peer stops sending.
pub const RECEIVE_BACKLOG: usize = 1 << 20;

/// What a waiting message counts besides its bytes, so that empty ones are bounded too.
pub(crate) const MESSAGE_OVERHEAD: usize = 64;

/// Events that may wait before no more channels are accepted and no more messages taken.
pub const EVENT_BACKLOG: usize = 1024;

/// Packets of one receiver that wait for its reader; older ones are dropped and counted. At 600,000 a
/// second they are there in 7 ms, for which a busy machine keeps any reader waiting.
pub const PACKET_BACKLOG: usize = 4_096;

/// Bytes of payloads of packets that wait for their reader.
pub const PACKET_BACKLOG_BYTES: usize = 4 << 20;

/// Frames of one receiver that wait for its reader; older ones are dropped and counted. At 20,000 a second,
/// which is what JavaScript takes, they are there in 51 ms: longer than a collection of garbage, or the turns
/// of other threads on a busy machine, keep it waiting.
pub const FRAME_BACKLOG: usize = 1_024;

/// Bytes of frames that wait for their reader; a larger frame waits alone.
pub const FRAME_BACKLOG_BYTES: usize = 4 << 20;

/// Of packets or frames that wait, those that share pieces of memory with others, as they come from the
/// session: a piece of 64 KiB lives as long as any packet in it. Further ones are copied.
pub(crate) const ITEMS_IN_SHARED_MEMORY: usize = 64;

/// Packets and frames that one sender was given and that have not left. The session would drop the
/// oldest packets beyond four times as many.
pub const SEND_ITEMS: usize = 1024;

/// Bytes of packets and frames that one sender was given and that have not left.
pub const SEND_ITEMS_BYTES: usize = 2 << 20;

pub use duologue_peer::limits::SEND_OVERHEAD;

/// Bytes of a channel's `bufferedAmount` above which [`DataChannel::send`](crate::DataChannel::send)
/// waits, unless the channel says otherwise.
pub const DEFAULT_SEND_HIGH_WATER_MARK: u64 = 1 << 20;

/// Failures that a [`SFrameTransform`](crate::SFrameTransform) keeps for who asks.
pub const SFRAME_FAILURES: usize = 16;

#[cfg(feature = "codecs")]
pub use duologue_raw::limits::{RAW_PICTURES, RAW_SOUNDS};

/// Bytes of one message of a [`ByteStream`](crate::ByteStream): every peer takes as many, and messages of
/// other channels get their turn between.
pub const STREAM_MESSAGE: usize = 64 << 10;

/// What [`EndpointBuilder::pacing_slot`](crate::EndpointBuilder::pacing_slot) may be at least, and at most.
pub const PACING_SLOT_LEAST: Duration = Duration::from_millis(1);

/// See [`PACING_SLOT_LEAST`].
pub const PACING_SLOT_MOST: Duration = Duration::from_millis(40);
