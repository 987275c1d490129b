use bytes::Bytes;
use duologue_base::{ChannelKey, StreamId};

use crate::{ChannelError, ChannelInit};

/// What happened on the data channels, in order. The host stops polling these when its reader is
/// slow: the receive window closes then, and the peer stops sending.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChannelReport {
    /// The peer opened a channel: W3C `datachannel` event. It is open.
    Announced {
        /// The key the session gave it: odd.
        channel: ChannelKey,
        /// The stream of the channel: W3C `id`.
        stream: StreamId,
        /// What the peer made it with.
        init: ChannelInit,
    },
    /// A channel of ours is open: W3C `open` event.
    Opened {
        /// The channel.
        channel: ChannelKey,
    },
    /// A message came.
    Message {
        /// The channel.
        channel: ChannelKey,
        /// The message.
        data: Bytes,
        /// Bytes, not text. Text is valid UTF-8.
        binary: bool,
    },
    /// The peer began to close a channel: W3C `closing` event.
    Closing {
        /// The channel.
        channel: ChannelKey,
    },
    /// A channel is closed in both directions: W3C `close` event. Its stream may be used again.
    Closed {
        /// The channel.
        channel: ChannelKey,
        /// Why, unless it was closed on purpose.
        error: Option<ChannelError>,
    },
}
