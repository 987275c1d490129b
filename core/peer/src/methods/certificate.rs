//! `RTCPeerConnection.generateCertificate` (webrtc-pc §4.10).

use std::time::Duration;

use duologue_base::{Rng, WallClock};
use duologue_identity::{Certificate, GenerateError, KeygenAlgorithm};

use crate::limits::{DEFAULT_CERTIFICATE_LIFETIME_MS, MAX_CERTIFICATE_LIFETIME_MS};
use crate::{Exception, PeerConnection};

impl PeerConnection {
    /// `RTCPeerConnection.generateCertificate(keygenAlgorithm)`, whose WebCrypto normalisation the
    /// host has done. `expires` is the algorithm's member of that name: milliseconds from `now`,
    /// 30 days unless given, at most 365 days.
    ///
    /// It takes 40 µs for ECDSA and up to 100 ms for RSA; a host with a promise to return makes
    /// RSA keys elsewhere.
    ///
    /// # Errors
    /// `NotSupportedError` for a modulus that is not made here, `OperationError` when the
    /// cryptographic library fails.
    pub fn generate_certificate(
        algorithm: KeygenAlgorithm,
        expires: Option<u64>,
        now: WallClock,
        rng: &mut Rng,
    ) -> Result<Certificate, Exception> {
        let lifetime = expires
            .unwrap_or(DEFAULT_CERTIFICATE_LIFETIME_MS)
            .min(MAX_CERTIFICATE_LIFETIME_MS);
        Certificate::generate(algorithm, now, Duration::from_millis(lifetime), rng).map_err(
            |error| match error {
                GenerateError::UnsupportedModulusLength => {
                    Exception::not_supported(error.to_string())
                }
                _ => Exception::operation(error.to_string()),
            },
        )
    }
}
