//! A self-signed certificate as WebRTC wants it, in DER (RFC 5280 §4.1, X.690): nothing but a name by chance, a time and
//! the key.

use duologue_base::WallClock;

use crate::SignError;
use crate::key::PrivateKey;

/// What a certificate says beside its key.
pub(crate) struct Contents<'a> {
    /// RFC 5280 §4.1.2.2: a positive number, without zeros before it.
    pub(crate) serial: &'a [u8],
    pub(crate) common_name: &'a str,
    pub(crate) not_before: WallClock,
    pub(crate) not_after: WallClock,
}

/// Tags of ASN.1 (X.690 §8).
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const BIT_STRING: u8 = 0x03;
    pub(super) const NULL: u8 = 0x05;
    pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(super) const UTF8_STRING: u8 = 0x0c;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
}

/// The contents of object identifiers: id-at-commonName (RFC 5280 appendix A.1); id-ecPublicKey and secp256r1 (RFC 5480
/// §2.1.1); ecdsa-with-SHA256 (RFC 5758 §3.2); rsaEncryption and sha256WithRSAEncryption (RFC 8017 appendix C).
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const CURVE_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];

/// What is signed and how, signed by the key that is in it.
pub(crate) fn self_sign(key: &PrivateKey, contents: &Contents<'_>) -> Result<Vec<u8>, SignError> {
    let mut signed = Vec::with_capacity(512);
    put(&mut signed, tag::SEQUENCE, |out| write(out, key, contents));
    let signature = key.sign_certificate(&signed)?;

    let mut certificate = Vec::with_capacity(signed.len() + signature.len() + 32);
    put(&mut certificate, tag::SEQUENCE, |out| {
        out.extend_from_slice(&signed);
        put_signature_algorithm(out, key);
        put_bits(out, &signature);
    });
    Ok(certificate)
}

/// RFC 5280 §4.1.2
fn write(out: &mut Vec<u8>, key: &PrivateKey, contents: &Contents<'_>) {
    // The third version, as everybody says it.
    put(out, tag::VERSION, |out| put_bytes(out, tag::INTEGER, &[2]));
    put_bytes(out, tag::INTEGER, contents.serial);
    put_signature_algorithm(out, key);
    put_name(out, contents.common_name);
    put(out, tag::SEQUENCE, |out| {
        put_time(out, contents.not_before);
        put_time(out, contents.not_after);
    });
    put_name(out, contents.common_name);
    put(out, tag::SEQUENCE, |out| {
        put(out, tag::SEQUENCE, |out| match key {
            PrivateKey::Ecdsa(_) => {
                put_bytes(out, tag::OBJECT_IDENTIFIER, EC);
                put_bytes(out, tag::OBJECT_IDENTIFIER, CURVE_P256);
            }
            PrivateKey::Rsa(_) => {
                put_bytes(out, tag::OBJECT_IDENTIFIER, RSA);
                put_bytes(out, tag::NULL, &[]);
            }
        });
        put_bits(out, key.public());
    });
}

fn put_signature_algorithm(out: &mut Vec<u8>, key: &PrivateKey) {
    put(out, tag::SEQUENCE, |out| match key {
        // RFC 5758 §3.2: without parameters.
        PrivateKey::Ecdsa(_) => put_bytes(out, tag::OBJECT_IDENTIFIER, ECDSA_SHA256),
        PrivateKey::Rsa(_) => {
            put_bytes(out, tag::OBJECT_IDENTIFIER, RSA_SHA256);
            put_bytes(out, tag::NULL, &[]);
        }
    });
}

/// RFC 5280 §4.1.2.4: one name of one part.
fn put_name(out: &mut Vec<u8>, common_name: &str) {
    put(out, tag::SEQUENCE, |out| {
        put(out, tag::SET, |out| {
            put(out, tag::SEQUENCE, |out| {
                put_bytes(out, tag::OBJECT_IDENTIFIER, COMMON_NAME);
                put_bytes(out, tag::UTF8_STRING, common_name.as_bytes());
            });
        });
    });
}

/// RFC 5280 §4.1.2.5: with two digits of the year until 2049.
fn put_time(out: &mut Vec<u8>, at: WallClock) {
    let seconds = (at.unix_millis() / 1000).min(LAST_SECOND);
    let (year, month, day) = date(seconds / DAY);
    let (minutes, second) = (seconds % DAY / 60, seconds % 60);
    let (hour, minute) = (minutes / 60, minutes % 60);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    let (tag, year) = match year {
        ..2050 => (tag::UTC_TIME, format!("{:02}", year % 100)),
        _ => (tag::GENERALIZED_TIME, format!("{year:04}")),
    };
    put(out, tag, |out| {
        out.extend_from_slice(year.as_bytes());
        out.extend_from_slice(rest.as_bytes());
    });
}

/// Year, month and day of the Gregorian calendar, so many days after 1970 began. Years are counted from March on, so that
/// a leap day is the last of its year, from that of the year 0, which 400 years divide.
fn date(days: u64) -> (u64, u64, u64) {
    const TO_1970: u64 = 719_468;
    const DAYS_400: u64 = 146_097;
    let day = days + TO_1970;
    let (cycle, day) = (day / DAYS_400, day % DAYS_400);
    // Leap days: every four years, not every hundred, but the last one of 400.
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months have 153 days, beginning with March.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = 400 * cycle + year;
    match month {
        0..10 => (year, month + 3, day),
        _ => (year + 1, month - 9, day),
    }
}

fn put_bits(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, tag::BIT_STRING, |out| {
        // X.690 §8.6.2.2: all bits of the last byte are used.
        out.push(0);
        out.extend_from_slice(bytes);
    });
}

fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    put(out, tag, |out| out.extend_from_slice(bytes));
}

/// An element with what `fill` writes. Its length takes as few bytes as it can (X.690 §10.1).
fn put(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let begin = out.len();
    fill(out);
    let length = out.len() - begin;
    let [.., high, low] = length.to_be_bytes();
    let bytes: &[u8] = match length {
        ..=0x7f => &[low],
        0x80..=0xff => &[0x81, low],
        _ => &[0x82, high, low],
    };
    out.splice(begin..begin, bytes.iter().copied());
}

const DAY: u64 = 86_400;

/// The end of the year 9999, beyond which there is no form (RFC 5280 §4.1.2.5).
const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::signature::{self, UnparsedPublicKey};
    use x509_cert::Certificate;
    use x509_cert::der::{Decode, Encode};

    use super::*;
    use crate::KeygenAlgorithm;

    const NAME: &str = "a name by chance";

    fn keys() -> [PrivateKey; 2] {
        let rsa = KeygenAlgorithm::RsaPkcs1 {
            modulus_length: 2048,
        };
        [KeygenAlgorithm::EcdsaP256, rsa].map(|algorithm| PrivateKey::generate(algorithm).unwrap())
    }

    fn made(key: &PrivateKey, not_before: u64, not_after: u64) -> Vec<u8> {
        let at = |seconds: u64| WallClock::default() + Duration::from_secs(seconds);
        let contents = Contents {
            serial: &[0x40; 16],
            common_name: NAME,
            not_before: at(not_before),
            not_after: at(not_after),
        };
        self_sign(key, &contents).unwrap()
    }

    #[test]
    fn a_strict_reader_finds_what_was_written_and_the_signature_holds() {
        for key in keys() {
            let der = made(&key, 1_795_000_000, 1_797_592_000);
            let read = Certificate::from_der(&der).unwrap();
            assert_eq!(read.to_der().unwrap(), der, "there is one way to write it");
            let tbs = read.tbs_certificate();
            assert_eq!(tbs.serial_number().as_bytes(), [0x40; 16]);
            let names = [tbs.issuer(), tbs.subject()].map(|name| name.to_string());
            assert_eq!(names, [format!("CN={NAME}"), format!("CN={NAME}")]);
            let info = tbs.subject_public_key_info();
            assert_eq!(info.subject_public_key.raw_bytes(), key.public());
            assert_eq!(tbs.signature(), read.signature_algorithm());

            let algorithm: &dyn signature::VerificationAlgorithm = match key {
                PrivateKey::Ecdsa(_) => &signature::ECDSA_P256_SHA256_ASN1,
                PrivateKey::Rsa(_) => &signature::RSA_PKCS1_2048_8192_SHA256,
            };
            let signed = tbs.to_der().unwrap();
            let verified = UnparsedPublicKey::new(algorithm, key.public())
                .verify(&signed, read.signature().raw_bytes());
            assert_eq!(verified, Ok(()));
        }
    }

    #[test]
    fn times_are_those_that_a_reader_computes() {
        let [key, _] = keys();
        const YEAR_2049: u64 = 2_493_072_000;
        const YEAR_2050: u64 = 2_524_608_000;
        let mut times = vec![0, 1, DAY - 1, DAY, 951_782_399, 951_782_400, 951_868_800];
        times.extend([
            YEAR_2049,
            YEAR_2050 - 1,
            YEAR_2050,
            4_107_542_400,
            LAST_SECOND,
        ]);
        // Every day of a cycle of leap years, and odd times of day.
        times.extend((0..4 * 366).map(|day| 1_700_000_000 + day * (DAY + 61)));
        for seconds in times {
            let der = made(&key, seconds, seconds);
            let read = Certificate::from_der(&der).unwrap();
            let validity = read.tbs_certificate().validity();
            let read = [validity.not_before, validity.not_after];
            let read = read.map(|time| time.to_unix_duration().as_secs());
            assert_eq!(read, [seconds, seconds]);
        }
    }

    #[test]
    fn what_comes_after_the_last_year_ends_with_it() {
        let [key, _] = keys();
        let der = made(&key, 0, LAST_SECOND + 1);
        let read = Certificate::from_der(&der).unwrap();
        let not_after = read.tbs_certificate().validity().not_after;
        assert_eq!(not_after.to_unix_duration().as_secs(), LAST_SECOND);
    }
}
