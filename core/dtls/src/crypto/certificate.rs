//! What a peer's certificate says here: its public key. Who it belongs to is the owner's to judge.

use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;

/// The public key of a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PublicKey {
    pub(crate) kind: KeyKind,
    /// As the library wants it: a point, an `RSAPublicKey`, or 32 bytes.
    pub(crate) bytes: Vec<u8>,
}

/// What it is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyKind {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// RFC 5480 §2.1.1, §2.1.1.1; RFC 8410 §3; RFC 3279 §2.3.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const CURVE_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const CURVE_P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

impl PublicKey {
    /// `None` for what is no X.509 certificate, or has a key of another kind.
    pub(crate) fn of_certificate(der: &[u8]) -> Option<PublicKey> {
        let certificate = x509_cert::Certificate::from_der(der).ok()?;
        let info = certificate.tbs_certificate().subject_public_key_info();
        let kind = match info.algorithm.oid {
            EC => {
                let parameters = info.algorithm.parameters.as_ref()?;
                match parameters.decode_as::<ObjectIdentifier>().ok()? {
                    CURVE_P256 => KeyKind::P256,
                    CURVE_P384 => KeyKind::P384,
                    _ => return None,
                }
            }
            ED25519 => KeyKind::Ed25519,
            RSA => KeyKind::Rsa,
            _ => return None,
        };
        let bytes = info.subject_public_key.as_bytes()?.to_vec();
        Some(PublicKey { kind, bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use duologue_base::{Rng, WallClock};
    use duologue_identity::{Certificate, KeygenAlgorithm};

    use super::*;

    fn generate(algorithm: KeygenAlgorithm) -> Certificate {
        let now = WallClock::from_unix_millis(1_795_000_000_000);
        let day = Duration::from_secs(86_400);
        Certificate::generate(algorithm, now, day, &mut Rng::from_u64(1)).expect("generated")
    }

    #[test]
    fn a_key_that_is_found_verifies_what_its_certificate_signs() {
        let rsa = KeygenAlgorithm::RsaPkcs1 {
            modulus_length: 2048,
        };
        for (algorithm, scheme) in [(KeygenAlgorithm::EcdsaP256, 0x0403), (rsa, 0x0401)] {
            let made = generate(algorithm);
            let key = PublicKey::of_certificate(made.der()).expect("a key");
            let signature = made.sign(scheme, b"message").expect("signed");
            let scheme = crate::crypto::signature::Scheme(scheme);
            let verified = key.verify(crate::Version::V12, scheme, b"message", &signature);
            assert_eq!(verified, Ok(()));
        }
    }

    #[test]
    fn what_is_cut_or_has_something_behind_it_is_no_certificate() {
        let whole = generate(KeygenAlgorithm::EcdsaP256).der().to_vec();
        for length in 0..whole.len() {
            assert_eq!(PublicKey::of_certificate(&whole[..length]), None);
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(PublicKey::of_certificate(&longer), None);
    }
}
