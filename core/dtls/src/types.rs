/// W3C `RTCDtlsTransportState` (webrtc-pc §5.5.1).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[doc(alias = "RTCDtlsTransportState")]
pub enum State {
    /// The handshake has not begun.
    #[default]
    New,
    /// The handshake runs.
    Connecting,
    /// The keys are made and the peer's certificate matches its description.
    Connected,
    /// Ended on purpose, by either end.
    Closed,
    /// Ended by an error: a wrong fingerprint, an alert, a timeout.
    Failed,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Version {
    /// DTLS 1.2 (RFC 6347), which RFC 8827 §6.5 requires.
    V12,
    /// DTLS 1.3 (RFC 9147).
    V13,
}

/// The versions to offer or accept.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Versions {
    /// DTLS 1.3 if the peer has it, else 1.2.
    #[default]
    Both,
    /// The given version alone.
    Only(Version),
}

/// Whether both ends promise to keep the media from applications (RFC 8833), which they agree on by the
/// label `c-webrtc` of ALPN.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Confidentiality {
    /// If the peer asks for it: `webrtc` and `c-webrtc` are offered and taken.
    #[default]
    Accepted,
    /// The peer has to promise it: `c-webrtc` alone is offered and taken. A peer without ALPN promises
    /// nothing; the association comes about with it, and says so.
    Required,
}
