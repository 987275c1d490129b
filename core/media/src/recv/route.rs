use duologue_base::TransceiverId;

/// What a stream is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Route {
    pub(crate) receiver: TransceiverId,
    /// Which of the simulcast layers; 0 when there are none.
    pub(crate) encoding: usize,
    pub(crate) purpose: Purpose,
}

/// What the packets of a stream are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Media,
    /// They repeat packets of the media (RFC 4588).
    Retransmission,
    /// They protect packets of the media (FlexFEC).
    ErrorCorrection,
}
