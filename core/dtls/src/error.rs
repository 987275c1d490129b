use std::fmt;

/// Why a DTLS transport failed. It is final.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DtlsError {
    /// The certificate the peer showed matches no fingerprint of its description (RFC 8122 §6.2).
    /// No application data has passed.
    #[error("the peer's certificate does not match the fingerprints of its description")]
    FingerprintMismatch {
        /// The alert that told the peer. DTLS 1.3 hides the certificate until the keys are made;
        /// the library can then only close.
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
    /// The peer showed no certificate, or one of a kind that cannot be verified here (RSA).
    #[error("the peer's certificate is missing or of an unsupported kind")]
    UnsupportedPeerCertificate {
        /// The alert that told the peer.
        sent: Option<Alert>,
    },
    /// Our own certificate cannot be used for DTLS here: its key is RSA.
    #[error("our certificate has a key that DTLS cannot use here: only ECDSA P-256 is supported")]
    UnsupportedCertificate,
    /// The cryptographic library failed, or a bound of the DTLS library was met.
    #[error("the DTLS library failed")]
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
            DtlsError::UnsupportedCertificate => Some(Alert::HANDSHAKE_FAILURE),
            DtlsError::UntrustedCertificate
            | DtlsError::AlertReceived(_)
            | DtlsError::HandshakeTimeout => None,
        }
    }

    /// What the peer should be told during the handshake, if it is still there.
    pub(crate) fn alert(&self) -> Option<Alert> {
        Some(match self {
            DtlsError::FingerprintMismatch { .. } | DtlsError::UntrustedCertificate => {
                Alert::BAD_CERTIFICATE
            }
            DtlsError::UnsupportedPeerCertificate { .. } => Alert::UNSUPPORTED_CERTIFICATE,
            DtlsError::PeerIncompatible { .. }
            | DtlsError::PeerMisbehaved { .. }
            | DtlsError::UnsupportedCertificate => Alert::HANDSHAKE_FAILURE,
            DtlsError::Library { .. } => Alert::INTERNAL_ERROR,
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

    /// The same after the library told the peer by itself: that it showed no certificate, or only
    /// that this is the end.
    pub(crate) fn with_alert_of_library(self, is_old: bool) -> Self {
        match (&self, is_old) {
            (DtlsError::UnsupportedPeerCertificate { .. }, true) => {
                self.with_alert(Alert::HANDSHAKE_FAILURE)
            }
            (DtlsError::UnsupportedPeerCertificate { .. }, false) => {
                self.with_alert(Alert::CERTIFICATE_REQUIRED)
            }
            _ => self,
        }
    }

    pub(crate) fn from_library(error: &dimpl::Error) -> Self {
        use dimpl::Error;
        match error {
            Error::SecurityError(error) => Self::from_security_error(error),
            Error::CertificateError(_) => DtlsError::UnsupportedPeerCertificate { sent: None },
            Error::CryptoError(error) => Self::from_crypto_error(error),
            Error::Timeout(_) => DtlsError::HandshakeTimeout,
            Error::UnexpectedMessage(_)
            | Error::IncompleteServerHello
            | Error::RenegotiationAttempt
            | Error::TooManyClientHelloFragments => DtlsError::PeerMisbehaved { sent: None },
            _ => DtlsError::Library { sent: None },
        }
    }

    fn from_security_error(error: &dimpl::SecurityError) -> Self {
        use dimpl::SecurityError as S;
        match error {
            S::FatalAlert { description } => DtlsError::AlertReceived(Alert(*description)),
            S::UnsupportedHelloVerifyRequestVersion(_)
            | S::UnsupportedServerVersion(_)
            | S::UnsupportedClientVersion(_)
            | S::UnsupportedKeyExchangeAlgorithm
            | S::ExtendedMasterSecretNotNegotiated
            | S::NoMutuallyAcceptableCipherSuite
            | S::NoCommonCipherSuite
            | S::NoCommonKeyExchangeGroup
            | S::ServerDidNotNegotiateDtls13 => DtlsError::PeerIncompatible { sent: None },
            _ => DtlsError::PeerMisbehaved { sent: None },
        }
    }

    fn from_crypto_error(error: &dimpl::CryptoError) -> Self {
        use dimpl::CryptoError as C;
        match error {
            C::SignatureVerificationFailed { .. } => DtlsError::PeerMisbehaved { sent: None },
            C::CertificateParseFailed
            | C::UnsupportedPublicKeyAlgorithm
            | C::UnsupportedSignatureAlgorithm(_)
            | C::UnsupportedEcCurve
            | C::MissingEcCurveParameter
            | C::InvalidEcCurveParameter
            | C::InvalidSubjectPublicKey => DtlsError::UnsupportedPeerCertificate { sent: None },
            _ => DtlsError::Library { sent: None },
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
    /// What a wrong fingerprint is answered with (RFC 8122 §6.2).
    pub const BAD_CERTIFICATE: Alert = Alert(42);
    /// Nothing that both ends can agree on; in DTLS 1.2 also a certificate that is missing
    /// (RFC 5246 §7.4.6).
    pub const HANDSHAKE_FAILURE: Alert = Alert(40);
    /// A certificate of a kind that cannot be verified here.
    pub const UNSUPPORTED_CERTIFICATE: Alert = Alert(43);
    /// It is our fault.
    pub const INTERNAL_ERROR: Alert = Alert(80);
    /// A certificate that is missing, in DTLS 1.3.
    pub const CERTIFICATE_REQUIRED: Alert = Alert(116);

    /// Its name in the registry, if it is one of RFC 8446.
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
