use duologue_base::StreamId;

use crate::CloseReason;

/// What happened to an association, in order, from [`Association::poll_event`].
///
/// [`Association::poll_event`]: crate::Association::poll_event
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Set up.
    Connected {
        /// Streams we may send on: ids below this.
        outbound_streams: u16,
        /// Streams the peer may send on: ids below this.
        inbound_streams: u16,
    },
    /// The peer started over (RFC 9260 §5.2.4.1): all streams begin anew, and messages under way
    /// are lost. Those of which nothing was sent yet go to the peer as it is now, unless
    /// [`Association::drop_unsent`] is called.
    ///
    /// [`Association::drop_unsent`]: crate::Association::drop_unsent
    Restarted,
    /// A stream that [`Association::reset_streams`] named is reset: the peer knows, and everything
    /// sent on it before was delivered or given up. It can be used again.
    ///
    /// [`Association::reset_streams`]: crate::Association::reset_streams
    StreamReset {
        /// The stream.
        stream: StreamId,
    },
    /// The peer refused to reset a stream (RFC 6525 §4.4), or resets none and has what was sent on it.
    StreamResetRefused {
        /// The stream.
        stream: StreamId,
    },
    /// The association is over. Nothing follows.
    Closed(CloseReason),
}

/// Where an association is in its life (RFC 9260 §4, as far as the outside can tell).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AssociationState {
    /// `connect` was not called yet. An INIT from the peer is answered all the same.
    #[default]
    Idle,
    /// Being set up.
    Connecting,
    /// Set up.
    Connected,
    /// Ending gracefully.
    ShuttingDown,
    /// Over.
    Closed,
}

/// What left the send queue: it was sent for the first time, or given up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Departed {
    /// The stream they were queued on.
    pub stream: StreamId,
    /// Bytes of messages, since the last report about this stream.
    pub bytes: usize,
    /// Messages of which the last byte left.
    pub messages: usize,
}
