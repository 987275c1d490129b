//! The signatures of both versions (RFC 8446 §4.2.3).

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use duologue_identity::{Certificate, Certificates, KeygenAlgorithm, SignError};

use super::certificate::{KeyKind, PublicKey};
use crate::{DtlsError, Version};

/// A signature scheme by its number in IANA's registry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scheme(pub(crate) u16);

const ECDSA_SHA256: Scheme = Scheme(0x0403);
const ECDSA_SHA384: Scheme = Scheme(0x0503);
const ED25519: Scheme = Scheme(0x0807);
const PSS_SHA256: Scheme = Scheme(0x0804);
const PSS_SHA384: Scheme = Scheme(0x0805);
const PSS_SHA512: Scheme = Scheme(0x0806);
const PKCS1_SHA256: Scheme = Scheme(0x0401);
const PKCS1_SHA384: Scheme = Scheme(0x0501);
const PKCS1_SHA512: Scheme = Scheme(0x0601);

/// Those that can be verified. PKCS #1 is for DTLS 1.2, and for the signatures inside of
/// certificates, which nobody looks at here.
pub(crate) const SCHEMES: [Scheme; 9] = [
    ECDSA_SHA256,
    ED25519,
    PSS_SHA256,
    PKCS1_SHA256,
    ECDSA_SHA384,
    PSS_SHA384,
    PKCS1_SHA384,
    PSS_SHA512,
    PKCS1_SHA512,
];

/// RSA of 2048 to 8192 bits; the library refuses others.
fn algorithm(
    kind: KeyKind,
    scheme: Scheme,
    version: Version,
) -> Option<&'static dyn VerificationAlgorithm> {
    let old = version == Version::V12;
    Some(match (kind, scheme) {
        (KeyKind::P256, ECDSA_SHA256) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeyKind::P384, ECDSA_SHA384) => &signature::ECDSA_P384_SHA384_ASN1,
        // RFC 8446 §4.2.3: only DTLS 1.3 ties the hash to the curve.
        (KeyKind::P256, ECDSA_SHA384) if old => &signature::ECDSA_P256_SHA384_ASN1,
        (KeyKind::P384, ECDSA_SHA256) if old => &signature::ECDSA_P384_SHA256_ASN1,
        (KeyKind::Ed25519, ED25519) => &signature::ED25519,
        (KeyKind::Rsa, PSS_SHA256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa, PSS_SHA384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa, PSS_SHA512) => &signature::RSA_PSS_2048_8192_SHA512,
        (KeyKind::Rsa, PKCS1_SHA256) if old => &signature::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa, PKCS1_SHA384) if old => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa, PKCS1_SHA512) if old => &signature::RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    })
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BadSignature {
    /// The scheme is not one for the key.
    Scheme,
    Wrong,
}

impl PublicKey {
    pub(crate) fn verify(
        &self,
        version: Version,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let algorithm = algorithm(self.kind, scheme, version).ok_or(BadSignature::Scheme)?;
        let key = UnparsedPublicKey::new(algorithm, &self.bytes);
        key.verify(message, signature)
            .map_err(|_| BadSignature::Wrong)
    }
}

/// Our certificate as the key that signs.
#[derive(Clone, Debug)]
pub(crate) struct SigningKey(Certificate);

impl SigningKey {
    /// The first of our certificates that the other end can verify, and the scheme to sign by.
    pub(crate) fn of(
        certificates: &Certificates,
        version: Version,
        offered: impl Iterator<Item = u16> + Clone,
    ) -> Option<(Self, Scheme)> {
        certificates.iter().find_map(|certificate| {
            let key = SigningKey(certificate.clone());
            let scheme = key.choose(version, offered.clone())?;
            Some((key, scheme))
        })
    }

    /// All of them, without regard to what the other end can.
    pub(crate) fn all(certificates: &Certificates) -> impl Iterator<Item = Self> {
        certificates.iter().cloned().map(SigningKey)
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.0
    }

    pub(crate) fn is_rsa(&self) -> bool {
        matches!(self.0.algorithm(), KeygenAlgorithm::RsaPkcs1 { .. })
    }

    /// The scheme to sign by, of those that the other end verifies.
    pub(crate) fn choose(
        &self,
        version: Version,
        offered: impl Iterator<Item = u16> + Clone,
    ) -> Option<Scheme> {
        let wanted: &[Scheme] = match (self.is_rsa(), version) {
            (false, _) => &[ECDSA_SHA256],
            (true, Version::V13) => &[PSS_SHA256, PSS_SHA384, PSS_SHA512],
            // What every implementation of DTLS 1.2 has comes first.
            (true, Version::V12) => &[PKCS1_SHA256, PSS_SHA256, PKCS1_SHA384],
        };
        let is_offered = |scheme: &&Scheme| offered.clone().any(|number| number == scheme.0);
        wanted.iter().find(is_offered).copied()
    }

    pub(crate) fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, DtlsError> {
        let signed = self.0.sign(scheme.0, message);
        signed.map_err(|error| match error {
            SignError::Failed => DtlsError::library(),
            _ => DtlsError::UnsupportedCertificate,
        })
    }
}
