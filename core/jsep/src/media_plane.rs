/// What the media plane does. The tables of [`Capabilities`](crate::Capabilities) name all that
/// descriptions can say about it; what is not done is not offered unasked. The application may
/// still ask for it, and the other end may offer it.
#[derive(Clone, Copy, Debug)]
pub struct MediaPlane {
    /// Lost packets are sent again in a stream of their own (RFC 4588).
    pub retransmission: bool,
    /// Redundant audio (RFC 2198) and forward error correction (RFC 5109, RFC 8627).
    pub redundancy: bool,
    /// The other end's congestion control is told when packets arrived
    /// (draft-holmer-rmcat-transport-wide-cc-extensions).
    pub transport_cc: bool,
    /// RTCP feedback that is sent and followed (`a=rtcp-fb`).
    pub feedback: &'static [&'static str],
}

/// The one place to change when the media plane learns something.
pub const MEDIA_PLANE: MediaPlane = MediaPlane {
    retransmission: true,
    redundancy: true,
    transport_cc: true,
    feedback: &["transport-cc", "ccm fir", "nack", "nack pli"],
};
