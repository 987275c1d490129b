use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;

/// The hash of a certificate, as `a=fingerprint` carries it (RFC 8122 §5).
///
/// ```
/// use duologue_identity::Fingerprint;
///
/// let text = "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB";
/// let fingerprint: Fingerprint = text.parse()?;
/// assert_eq!(fingerprint.to_string(), text);
/// # Ok::<(), duologue_identity::FingerprintError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "RTCDtlsFingerprint")]
pub struct Fingerprint {
    algorithm: HashFunction,
    value: Box<[u8]>,
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(algorithm: HashFunction, certificate_der: &[u8]) -> Self {
        Fingerprint {
            algorithm,
            value: algorithm.digest(certificate_der).as_ref().into(),
        }
    }

    /// A fingerprint from the two parts of the attribute: the hash's name and the colon-separated hexadecimal
    /// bytes. Both are compared without case (RFC 8122 §5 wants upper case; peers send either).
    ///
    /// # Errors
    /// A hash function that is unknown or forbidden; bytes that are malformed, or too many or few for it.
    pub fn from_parts(algorithm: &str, value: &str) -> Result<Self, FingerprintError> {
        let algorithm: HashFunction = algorithm.parse()?;
        let value: Box<[u8]> = value
            .split(':')
            .map(hex_byte)
            .collect::<Option<_>>()
            .ok_or(FingerprintError::Syntax)?;
        if value.len() != algorithm.len() {
            return Err(FingerprintError::Length);
        }
        Ok(Fingerprint { algorithm, value })
    }

    /// The hash function.
    pub fn algorithm(&self) -> HashFunction {
        self.algorithm
    }

    /// The hash, [`HashFunction::len`] bytes.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The hash as W3C's `RTCDtlsFingerprint.value` and the attribute write it: bytes in
    /// hexadecimal between colons.
    pub fn value_text(&self) -> String {
        let bytes: Vec<String> = self.value.iter().map(|b| format!("{b:02X}")).collect();
        bytes.join(":")
    }

    /// Whether this is the fingerprint of the certificate. Takes the same time whatever differs.
    pub fn matches(&self, certificate_der: &[u8]) -> bool {
        let digest = self.algorithm.digest(certificate_der);
        verify_slices_are_equal(digest.as_ref(), &self.value).is_ok()
    }

    /// Whether a certificate fits what a description promised: one of the fingerprints matches.
    ///
    /// RFC 8122 §5: "the endpoint MUST … select a set of fingerprints": those of the strongest
    /// hash function that is there, so that a forger gains nothing from a weak one beside it.
    pub fn any_matches(fingerprints: &[Fingerprint], certificate_der: &[u8]) -> bool {
        let Some(strongest) = fingerprints.iter().map(|f| f.algorithm).max() else {
            return false;
        };
        fingerprints
            .iter()
            .filter(|f| f.algorithm == strongest)
            .any(|f| f.matches(certificate_der))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.value_text())
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (algorithm, value) = text.split_once(' ').ok_or(FingerprintError::Syntax)?;
        Fingerprint::from_parts(algorithm, value)
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

/// A hash function of fingerprints, weakest first. RFC 8122 §5 forbids md5 and md2, so they are
/// not here.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HashFunction {
    /// `sha-1`
    Sha1,
    /// `sha-224`
    Sha224,
    /// `sha-256`, what every browser sends
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
}

impl HashFunction {
    /// The hash function's name in the IANA registry "Hash Function Textual Names".
    pub fn name(self) -> &'static str {
        match self {
            HashFunction::Sha1 => "sha-1",
            HashFunction::Sha224 => "sha-224",
            HashFunction::Sha256 => "sha-256",
            HashFunction::Sha384 => "sha-384",
            HashFunction::Sha512 => "sha-512",
        }
    }

    /// Bytes of a hash.
    #[allow(
        clippy::len_without_is_empty,
        reason = "the length of its output, never zero"
    )]
    pub fn len(self) -> usize {
        self.implementation().output_len()
    }

    fn digest(self, data: &[u8]) -> digest::Digest {
        digest::digest(self.implementation(), data)
    }

    fn implementation(self) -> &'static digest::Algorithm {
        match self {
            HashFunction::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashFunction::Sha224 => &digest::SHA224,
            HashFunction::Sha256 => &digest::SHA256,
            HashFunction::Sha384 => &digest::SHA384,
            HashFunction::Sha512 => &digest::SHA512,
        }
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HashFunction {
    type Err = FingerprintError;

    fn from_str(name: &str) -> Result<Self, FingerprintError> {
        use HashFunction::{Sha1, Sha224, Sha256, Sha384, Sha512};
        [Sha1, Sha224, Sha256, Sha384, Sha512]
            .into_iter()
            .find(|hash| hash.name().eq_ignore_ascii_case(name))
            .ok_or(FingerprintError::UnsupportedHash)
    }
}

/// Why a text is not a usable fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// The hash function is unknown, or forbidden as md5 is. RFC 8122 §5: other fingerprints of
    /// the same description may still be used.
    #[error("unknown or forbidden hash function")]
    UnsupportedHash,
    /// The text is not hexadecimal bytes between colons.
    #[error("not hexadecimal bytes between colons")]
    Syntax,
    /// The text has not as many bytes as the hash function makes.
    #[error("not as many bytes as the hash function makes")]
    Length,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_function_matches_its_own_certificate_and_no_other() {
        for name in ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"] {
            let fingerprint = Fingerprint::of(name.parse().unwrap(), b"certificate");
            assert!(fingerprint.matches(b"certificate"), "{name}");
            assert!(!fingerprint.matches(b"Certificate"), "{name}");
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
    }

    #[test]
    fn case_does_not_matter_but_length_and_hash_do() {
        let upper = Fingerprint::of(HashFunction::Sha1, b"x").to_string();
        let lower = upper.to_lowercase();
        assert_eq!(upper.parse::<Fingerprint>(), lower.parse());
        let bad = |text: &str| text.parse::<Fingerprint>().unwrap_err();
        assert_eq!(bad("md5 00:11"), FingerprintError::UnsupportedHash);
        assert_eq!(bad("sha-1 00:11"), FingerprintError::Length);
        assert_eq!(bad("sha-1 00:+1"), FingerprintError::Syntax);
        assert_eq!(bad("sha-1"), FingerprintError::Syntax);
        assert_eq!(bad("sha-1 "), FingerprintError::Syntax);
    }

    #[test]
    fn a_weak_fingerprint_does_not_help_beside_a_strong_one_that_fails() {
        let weak = Fingerprint::of(HashFunction::Sha1, b"forged");
        let strong = Fingerprint::of(HashFunction::Sha256, b"true");
        assert!(!Fingerprint::any_matches(
            &[weak.clone(), strong.clone()],
            b"forged"
        ));
        assert!(Fingerprint::any_matches(&[weak, strong], b"true"));
        assert!(!Fingerprint::any_matches(&[], b"true"));
    }
}
