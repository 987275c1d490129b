//! What a DTLS handshake agrees on for SRTP, and what SRTP makes its keys of.

use crate::Redacted;

/// An SRTP protection profile (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SrtpProfile {
    /// `SRTP_AES128_CM_SHA1_80`
    Aes128CmSha1_80,
    /// `SRTP_AES128_CM_SHA1_32`: the same with short tags; those of SRTCP have 80 bits all the same.
    Aes128CmSha1_32,
    /// `SRTP_AEAD_AES_128_GCM`
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM`
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// The profile's name in IANA's registry: webrtc-stats `srtpCipher`.
    pub const fn name(self) -> &'static str {
        match self {
            SrtpProfile::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            SrtpProfile::Aes128CmSha1_32 => "SRTP_AES128_CM_HMAC_SHA1_32",
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
