//! What a peer's certificate says here: its public key. Who it belongs to is the owner's to judge.

use crate::wire::Reader;

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

/// The contents of object identifiers: id-ecPublicKey, secp256r1 and secp384r1 (RFC 5480 §2.1.1, §2.1.1.1), id-Ed25519
/// (RFC 8410 §3), rsaEncryption (RFC 3279 §2.3.1).
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const CURVE_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const CURVE_P384: &[u8] = &[0x2b, 0x81, 4, 0, 34];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// The tags of ASN.1 that are on the way to the key (X.690 §8).
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const VERSION: u8 = 0xa0;
}

impl PublicKey {
    /// `None` for what is not laid out as a certificate of X.509, or has a key of another kind. What else a certificate
    /// says is of no use here (RFC 8122 §5: the fingerprint counts), and is not read.
    pub(crate) fn of_certificate(der: &[u8]) -> Option<PublicKey> {
        let mut outer = Reader::new(der);
        let mut certificate = Reader::new(element(&mut outer, tag::SEQUENCE)?);
        outer.end()?;
        let mut signed = Reader::new(element(&mut certificate, tag::SEQUENCE)?);
        element(&mut certificate, tag::SEQUENCE)?;
        element(&mut certificate, tag::BIT_STRING)?;
        certificate.end()?;

        // RFC 5280 §4.1: version, serial number, signature algorithm, issuer, validity, subject; then the key.
        let mut after = signed;
        if element(&mut after, tag::VERSION).is_some() {
            signed = after;
        }
        element(&mut signed, tag::INTEGER)?;
        for _ in 0..4 {
            element(&mut signed, tag::SEQUENCE)?;
        }
        let mut info = Reader::new(element(&mut signed, tag::SEQUENCE)?);
        let kind = kind(Reader::new(element(&mut info, tag::SEQUENCE)?))?;
        // X.690 §8.6.2.2: the first byte counts bits that are not used.
        match element(&mut info, tag::BIT_STRING)? {
            [0, bytes @ ..] => {
                let bytes = bytes.to_vec();
                info.end().map(|()| PublicKey { kind, bytes })
            }
            _ => None,
        }
    }
}

/// What an `AlgorithmIdentifier` (RFC 5280 §4.1.1.2) names.
fn kind(mut algorithm: Reader<'_>) -> Option<KeyKind> {
    match element(&mut algorithm, tag::OBJECT_IDENTIFIER)? {
        EC => match element(&mut algorithm, tag::OBJECT_IDENTIFIER)? {
            CURVE_P256 => Some(KeyKind::P256),
            CURVE_P384 => Some(KeyKind::P384),
            _ => None,
        },
        ED25519 => Some(KeyKind::Ed25519),
        RSA => Some(KeyKind::Rsa),
        _ => None,
    }
}

/// The content of the next element of DER, if it has this tag (X.690 §8.1, §10.1). None is longer than a message.
fn element<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    if reader.u8()? != tag {
        return None;
    }
    let (length, least) = match reader.u8()? {
        short @ 0..=0x7f => (usize::from(short), 0),
        0x81 => (reader.u8()?.into(), 0x80),
        0x82 => (reader.u16()?.into(), 0x100),
        0x83 => (reader.u24()?, 0x1_0000),
        _ => return None,
    };
    match length >= least {
        true => reader.bytes(length),
        false => None,
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

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = match content.len() {
            short @ 0..=0x7f => vec![short as u8],
            long @ 0x80..=0xff => vec![0x81, long as u8],
            longer => vec![0x82, (longer >> 8) as u8, longer as u8],
        };
        [&[tag], &length[..], &content].concat()
    }

    /// A certificate with nothing but this key in it, with a version or of the first one.
    fn certificate(algorithm: &[&[u8]], key: &[u8], version: bool) -> Vec<u8> {
        let identifiers: Vec<Vec<u8>> = algorithm.iter().map(|oid| der(6, &[oid])).collect();
        let identifiers: Vec<&[u8]> = identifiers.iter().map(|oid| &oid[..]).collect();
        let (empty, number) = (der(0x30, &[]), der(2, &[&[5]]));
        let info = der(0x30, &[&der(0x30, &identifiers), &der(3, &[&[0], key])]);
        let version = match version {
            true => der(0xa0, &[&der(2, &[&[2]])]),
            false => Vec::new(),
        };
        let signed = der(
            0x30,
            &[
                &version,
                &number,
                &empty,
                &empty,
                &empty,
                &empty,
                &info,
                &der(0xa3, &[]),
            ],
        );
        der(0x30, &[&signed, &empty, &der(3, &[&[0; 70]])])
    }

    #[test]
    fn the_key_of_every_kind_is_found() {
        let kinds: [(KeyKind, &[&[u8]], usize); 4] = [
            (KeyKind::P256, &[EC, CURVE_P256], 65),
            (KeyKind::P384, &[EC, CURVE_P384], 97),
            (KeyKind::Ed25519, &[ED25519], 32),
            (KeyKind::Rsa, &[RSA], 270),
        ];
        for (kind, algorithm, length) in kinds {
            for version in [true, false] {
                let bytes = vec![7; length];
                let made = certificate(algorithm, &bytes, version);
                let found = PublicKey::of_certificate(&made);
                assert_eq!(found, Some(PublicKey { kind, bytes }));
            }
        }
        for other in [&[EC, ED25519][..], &[EC], &[CURVE_P256], &[]] {
            assert_eq!(
                PublicKey::of_certificate(&certificate(other, &[7; 65], true)),
                None
            );
        }
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
        assert_eq!(
            PublicKey::of_certificate(&[&whole[..], &[0]].concat()),
            None
        );
        // X.690 §10.1: a length takes as few bytes as it can, and is never left open (§8.1.3.6).
        for length in [
            &[0x81, 5][..],
            &[0x82, 0, 200],
            &[0x80],
            &[0x84, 0, 0, 0, 9],
            &[0xff],
        ] {
            let bytes = [&[0x30], length, &[0; 300]].concat();
            assert_eq!(element(&mut Reader::new(&bytes), tag::SEQUENCE), None);
        }
    }
}
