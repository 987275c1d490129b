/// Why a data channel ended, other than that an application closed it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The association ended: an ABORT, too many losses, or the transport below it. W3C
    /// `sctp-failure`, with the SCTP cause code (RFC 9260 §3.3.10) if the peer sent one.
    #[error("the SCTP association ended")]
    AssociationEnded {
        /// The cause code of the peer's ABORT.
        cause: Option<u16>,
    },
    /// The association has no stream of that number. W3C `data-channel-failure`
    /// (webrtc-pc §6.1.1.3).
    #[error("the association has no stream of that id")]
    NoSuchStream,
    /// Another channel of this end has that id, or one was refused to the peer and its stream is not reset yet. W3C
    /// `data-channel-failure`.
    #[error("another channel has that id")]
    StreamInUse,
    /// More was sent on the association than it may buffer. W3C `data-channel-failure`.
    #[error("the send buffer of the association is full")]
    SendBufferFull,
    /// The peer broke DCEP or sent a message larger than was negotiated. W3C
    /// `data-channel-failure`.
    #[error("the peer broke the data channel protocol")]
    PeerMisbehaved,
}

impl ChannelError {
    /// W3C `RTCError.errorDetail` is `sctp-failure`; else it is `data-channel-failure`.
    pub fn is_sctp_failure(&self) -> bool {
        matches!(self, ChannelError::AssociationEnded { .. })
    }

    /// W3C `RTCError.sctpCauseCode`.
    pub fn sctp_cause_code(&self) -> Option<u16> {
        match self {
            ChannelError::AssociationEnded { cause } => *cause,
            _ => None,
        }
    }
}
