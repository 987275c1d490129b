use std::fmt;

/// Why a DTLS transport failed. It is final.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DtlsError {
    /// The certificate the peer showed matches no fingerprint of its description (RFC 8122 §6.2).
    /// No application data has passed.
    #[error("the peer's certificate does not match the fingerprints of its description")]
    FingerprintMismatch {
        /// The alert that told the peer.
        sent: Option<Alert>,
    },
    /// The server's certificate is not trusted, or is another server's. Nothing has passed.
    #[error("the server's certificate is not trusted")]
    UntrustedCertificate,
    /// The peer ended the handshake or the connection with a fatal alert.
    #[error("the peer sent a fatal alert: {0}")]
    AlertReceived(Alert),
    /// The handshake did not end in time: the peer is silent, or too much was lost.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// The two ends have no protocol version, cipher suite or group in common.
    #[error("the peer has no version, cipher suite or group in common with us")]
    PeerIncompatible {
        /// The alert that told the peer.
        sent: Option<Alert>,
    },
    /// The peer broke the protocol: a wrong signature, a wrong Finished, an impossible message.
    #[error("the peer broke the protocol")]
    PeerMisbehaved {
        /// The alert that told the peer.
        sent: Option<Alert>,
    },
    /// The peer showed no certificate, or one of a kind that cannot be verified here.
    #[error("the peer's certificate is missing or of an unsupported kind")]
    UnsupportedPeerCertificate {
        /// The alert that told the peer.
        sent: Option<Alert>,
    },
    /// Our own certificate's private key cannot be used.
    #[error("our certificate has a key that cannot be used")]
    UnsupportedCertificate,
    /// The cryptographic library failed, or a bound of the protocol was met.
    #[error("the cryptographic library failed")]
    Library {
        /// The alert that told the peer.
        sent: Option<Alert>,
    },
}

impl DtlsError {
    /// W3C `RTCError.errorDetail`.
    pub fn detail(&self) -> ErrorDetail {
        match self {
            DtlsError::FingerprintMismatch { .. } => ErrorDetail::FingerprintFailure,
            _ => ErrorDetail::DtlsFailure,
        }
    }

    /// W3C `RTCError.receivedAlert`: the fatal alert that the peer sent.
    pub fn received_alert(&self) -> Option<Alert> {
        match self {
            DtlsError::AlertReceived(alert) => Some(*alert),
            _ => None,
        }
    }

    /// W3C `RTCError.sentAlert`: the fatal alert that we sent.
    pub fn sent_alert(&self) -> Option<Alert> {
        match self {
            DtlsError::FingerprintMismatch { sent }
            | DtlsError::PeerIncompatible { sent }
            | DtlsError::PeerMisbehaved { sent }
            | DtlsError::UnsupportedPeerCertificate { sent }
            | DtlsError::Library { sent } => *sent,
            DtlsError::UnsupportedCertificate => Some(Alert::INTERNAL_ERROR),
            DtlsError::UntrustedCertificate
            | DtlsError::AlertReceived(_)
            | DtlsError::HandshakeTimeout => None,
        }
    }

    /// What the peer should be told during the handshake, if it is still there.
    pub(crate) fn alert(&self) -> Option<Alert> {
        if let Some(intended) = self.sent_alert() {
            return Some(intended);
        }
        Some(match self {
            DtlsError::FingerprintMismatch { .. } | DtlsError::UntrustedCertificate => {
                Alert::BAD_CERTIFICATE
            }
            DtlsError::UnsupportedPeerCertificate { .. } => Alert::UNSUPPORTED_CERTIFICATE,
            DtlsError::PeerIncompatible { .. } | DtlsError::PeerMisbehaved { .. } => {
                Alert::HANDSHAKE_FAILURE
            }
            DtlsError::UnsupportedCertificate | DtlsError::Library { .. } => Alert::INTERNAL_ERROR,
            DtlsError::AlertReceived(_) | DtlsError::HandshakeTimeout => return None,
        })
    }

    /// The same after the peer was told so.
    pub(crate) fn with_alert(mut self, alert: Alert) -> Self {
        match &mut self {
            DtlsError::FingerprintMismatch { sent }
            | DtlsError::PeerIncompatible { sent }
            | DtlsError::PeerMisbehaved { sent }
            | DtlsError::UnsupportedPeerCertificate { sent }
            | DtlsError::Library { sent } => *sent = Some(alert),
            _ => {}
        }
        self
    }

    /// The peer broke the protocol, and is told how.
    pub(crate) fn misbehaved(alert: Alert) -> Self {
        DtlsError::PeerMisbehaved { sent: Some(alert) }
    }

    /// Nothing in common, and the peer is told in what.
    pub(crate) fn incompatible(alert: Alert) -> Self {
        DtlsError::PeerIncompatible { sent: Some(alert) }
    }

    /// The peer's certificate cannot be used, and the peer is told why.
    pub(crate) fn unsupported_certificate(alert: Alert) -> Self {
        DtlsError::UnsupportedPeerCertificate { sent: Some(alert) }
    }

    pub(crate) fn library() -> Self {
        DtlsError::Library {
            sent: Some(Alert::INTERNAL_ERROR),
        }
    }
}

/// The values of W3C `RTCErrorDetailType` that a DTLS transport has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "RTCErrorDetailType")]
pub enum ErrorDetail {
    /// `dtls-failure`
    DtlsFailure,
    /// `fingerprint-failure`
    FingerprintFailure,
}

/// A TLS alert by its number in the IANA registry "TLS Alerts" (RFC 8446 §6).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Alert(pub u8);

impl Alert {
    /// The end of an association that nothing is wrong with.
    pub(crate) const CLOSE_NOTIFY: Alert = Alert(0);
    /// What a wrong fingerprint is answered with (RFC 8122 §6.2).
    pub const BAD_CERTIFICATE: Alert = Alert(42);
    /// `handshake_failure`: nothing that both ends can agree on; in DTLS 1.2 also a certificate that is missing
    /// (RFC 5246 §7.4.6).
    pub const HANDSHAKE_FAILURE: Alert = Alert(40);
    /// A certificate of a kind that cannot be verified here.
    pub const UNSUPPORTED_CERTIFICATE: Alert = Alert(43);
    /// A message that may not come now.
    pub const UNEXPECTED_MESSAGE: Alert = Alert(10);
    /// A field that makes no sense where it is.
    pub const ILLEGAL_PARAMETER: Alert = Alert(47);
    /// A message that cannot be read.
    pub const DECODE_ERROR: Alert = Alert(50);
    /// A wrong signature, or a wrong Finished.
    pub const DECRYPT_ERROR: Alert = Alert(51);
    /// `protocol_version`: no version in common.
    pub const PROTOCOL_VERSION: Alert = Alert(70);
    /// An extension that has to be there.
    pub const MISSING_EXTENSION: Alert = Alert(109);
    /// An extension that was not offered.
    pub const UNSUPPORTED_EXTENSION: Alert = Alert(110);
    /// `internal_error`: the fault is this end's own.
    pub const INTERNAL_ERROR: Alert = Alert(80);
    /// A certificate that is missing, in DTLS 1.3.
    pub const CERTIFICATE_REQUIRED: Alert = Alert(116);
    /// `no_application_protocol`: none of the labels of ALPN will do (RFC 7301 §3.2).
    pub const NO_APPLICATION_PROTOCOL: Alert = Alert(120);

    /// The alert's name in the registry, if it is one of RFC 8446.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            22 => "record_overflow",
            40 => "handshake_failure",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            109 => "missing_extension",
            110 => "unsupported_extension",
            112 => "unrecognized_name",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}
