use duologue_base::Redacted;

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
    /// 1.3 if the peer has it, else 1.2.
    #[default]
    Both,
    /// Only this one.
    Only(Version),
}

/// An SRTP protection profile (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SrtpProfile {
    /// `SRTP_AES128_CM_SHA1_80`
    Aes128CmSha1_80,
    /// `SRTP_AEAD_AES_128_GCM`
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM`
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// Its name in IANA's registry: webrtc-stats `srtpCipher`.
    pub const fn name(self) -> &'static str {
        match self {
            SrtpProfile::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            SrtpProfile::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            SrtpProfile::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        }
    }
}

/// The SRTP keys that a handshake made (RFC 5764 §4.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SrtpKeying {
    /// The profile that was negotiated (`use_srtp`).
    pub profile: SrtpProfile,
    /// `client_write_key ‖ server_write_key ‖ client_write_salt ‖ server_write_salt`.
    pub material: Redacted<Vec<u8>>,
}
