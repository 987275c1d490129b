/// What happened to the association of the data channels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SctpReport {
    /// The association is up.
    Connected {
        /// W3C `RTCSctpTransport.maxChannels`.
        max_channels: u16,
    },
    /// The association ended with its DTLS association, whose successor it will have one on.
    Connecting,
    /// What [`SctpCommand::Stop`](crate::SctpCommand::Stop) asked for is done: no report of the
    /// association that ended follows.
    Stopped,
    /// The association ended; each channel's end is reported by itself.
    Closed {
        /// Why, unless its transport was closed on purpose.
        error: Option<SctpError>,
    },
}

/// Why the association of the data channels ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SctpError {
    /// The peer sent an ABORT.
    #[error("the peer aborted the association")]
    Aborted {
        /// The first error cause of the ABORT (RFC 9260 §3.3.10), W3C `sctpCauseCode`.
        cause: Option<u16>,
    },
    /// The peer shut the association down.
    #[error("the peer shut the association down")]
    Shutdown,
    /// Too many retransmissions without an answer.
    #[error("the peer does not answer")]
    TimedOut,
    /// The transport below failed or closed.
    #[error("the transport below the association ended")]
    TransportEnded,
    /// The peer broke the protocol.
    #[error("the peer broke the protocol")]
    PeerMisbehaved,
}
