use duologue_base::StreamId;

/// Why [`Association::send`] did not accept a message. Nothing has changed.
///
/// [`Association::send`]: crate::Association::send
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// A user message has at least one byte (RFC 9260 §6.5); RFC 8831 §6.6 says how data channels
    /// carry empty ones.
    #[error("a message must have at least one byte")]
    Empty,
    /// The stream is not one of those agreed with the peer.
    #[error("stream {} does not exist", .0.0)]
    UnknownStream(StreamId),
    /// The stream is being reset; [`Event::StreamReset`](crate::Event::StreamReset) will say when
    /// it can be used again.
    #[error("stream {} is being reset", .0.0)]
    Resetting(StreamId),
    /// [`Config::send_buffer`](crate::Config::send_buffer) bytes wait already.
    #[error("the send buffer is full")]
    BufferFull,
    /// The association is closed or shutting down.
    #[error("the association is closed")]
    Closed,
}

/// Why an association ended.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The association was shut down: both sides agreed to end it (SHUTDOWN, RFC 9260 §9.2).
    #[error("shut down")]
    Shutdown,
    /// [`Association::abort`](crate::Association::abort) was called.
    #[error("aborted locally")]
    Aborted,
    /// The peer sent ABORT (RFC 9260 §9.1). The cause code becomes `sctpCauseCode` of the W3C's
    /// `RTCError`.
    #[error("aborted by the peer (cause {cause_code:?})")]
    AbortedByPeer {
        /// Code of the first error cause in the chunk (RFC 9260 §3.3.10), if it had one.
        cause_code: Option<u16>,
    },
    /// The peer did not answer as often as the configuration allows.
    #[error("the peer does not answer")]
    Unanswered,
    /// The peer sent what no correct peer sends.
    #[error("the peer misbehaved: {0}")]
    PeerMisbehaved(PeerMisbehaved),
}

/// Violations of the protocol that end an association. Packets which could be a stranger's or a
/// late duplicate are dropped and counted instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// A message above [`Config::max_receive_message_size`](crate::Config).
    #[error("a message is larger than announced")]
    MessageTooLarge,
    /// An INIT or INIT ACK with no streams (RFC 9260 §3.3.2) or a zero tag.
    #[error("an INIT or INIT ACK is invalid")]
    InvalidInit,
    /// A DATA or I-DATA chunk without data (RFC 9260 §6.2).
    #[error("a data chunk is empty")]
    NoUserData,
    /// Twice what [`Config::receive_window`](crate::Config::receive_window) has room for, none of which can be delivered,
    /// and what comes next neither fills a gap nor ends a message, or is beyond the largest message that there is room for
    /// besides.
    #[error("more messages are begun than there is room for")]
    TooManyFragments,
    /// DATA where I-DATA was agreed or the reverse (RFC 8260 §2.2.1).
    #[error("the wrong kind of data chunk")]
    WrongDataChunk,
}
