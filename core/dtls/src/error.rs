use std::fmt;

/// Why a DTLS transport failed. It is final.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DtlsError {
    /// The certificate the peer showed matches no fingerprint of its description (RFC 8122 §6.2).
    /// No application data has passed.
    #[error("the peer's certificate does not match the fingerprints of its description")]
    FingerprintMismatch,
    /// The peer ended the handshake or the connection with a fatal alert.
    #[error("the peer sent a fatal alert: {0}")]
    AlertReceived(Alert),
    /// The handshake did not end in time: the peer is silent, or too much was lost.
    #[error("the handshake took too long")]
    HandshakeTimeout,
    /// The two ends have no protocol version, cipher suite or group in common.
    #[error("the peer has no version, cipher suite or group in common with us")]
    PeerIncompatible,
    /// The peer broke the protocol: a wrong signature, a wrong Finished, an impossible message.
    #[error("the peer broke the protocol")]
    PeerMisbehaved,
    /// The peer showed no certificate, or one of a kind that cannot be verified here (RSA).
    #[error("the peer's certificate is missing or of an unsupported kind")]
    UnsupportedPeerCertificate,
    /// Our own certificate cannot be used for DTLS here: its key is RSA.
    #[error("our certificate has a key that DTLS cannot use here: only ECDSA P-256 is supported")]
    UnsupportedCertificate,
    /// The cryptographic library failed, or a bound of the DTLS library was met.
    #[error("the DTLS library failed")]
    Library,
}

impl DtlsError {
    /// W3C `RTCError.errorDetail`.
    pub fn detail(&self) -> ErrorDetail {
        match self {
            DtlsError::FingerprintMismatch => ErrorDetail::FingerprintFailure,
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

    /// W3C `RTCError.sentAlert`: the fatal alert that we sent. The DTLS library sends none, so this
    /// is always `None` for now.
    pub fn sent_alert(&self) -> Option<Alert> {
        None
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
