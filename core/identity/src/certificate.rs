use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use duologue_base::{Redacted, Rng, WallClock};
use rcgen::{CertificateParams, DistinguishedName, DnType, SerialNumber};
use x509_cert::der::Decode;

use crate::key::PrivateKey;
use crate::limits::{CLOCK_SKEW, PEM_BYTES_MAX};
use crate::{Fingerprint, HashFunction};

/// A self-signed X.509 certificate with its private key. Cloning shares them.
#[derive(Clone)]
#[doc(alias = "RTCCertificate")]
pub struct Certificate(Arc<Parts>);

struct Parts {
    der: Vec<u8>,
    key: PrivateKey,
    expires: WallClock,
    fingerprints: Vec<Fingerprint>,
}

impl Certificate {
    /// Makes a key and a certificate for it, valid for `validity` from `now` on: W3C
    /// `RTCPeerConnection.generateCertificate()` (webrtc-pc §4.9).
    ///
    /// ECDSA costs 40 µs, RSA 20 to 100 ms: hosts make RSA keys off their event loop.
    ///
    /// # Errors
    /// An RSA modulus that is not made here; a cryptographic library that fails.
    pub fn generate(
        algorithm: KeygenAlgorithm,
        now: WallClock,
        validity: Duration,
        rng: &mut Rng,
    ) -> Result<Self, GenerateError> {
        let key = PrivateKey::generate(algorithm)?;
        // RFC 5280 §4.1.2.5: a certificate says it in seconds.
        let expires = WallClock::from_unix_millis((now + validity).unix_millis() / 1000 * 1000);
        let der = self_sign(&key, now, expires, rng)?;
        Ok(Self::from_parts(der, key, expires))
    }

    /// Reads what [`Certificate::to_pem`] wrote, or the PEM of any X.509 certificate followed or
    /// preceded by its private key, as OpenSSL writes them (RFC 7468 §10, RFC 5915 §4, RFC 8017
    /// appendix A.1.2). Of several certificates the first is taken.
    ///
    /// # Errors
    /// A block that is missing or malformed; a key that is not the certificate's, or is encrypted.
    pub fn from_pem(text: &str) -> Result<Self, ImportError> {
        if text.len() > PEM_BYTES_MAX {
            return Err(ImportError::TooLong);
        }
        let blocks = pem::parse_many(text).map_err(|_| ImportError::NotPem)?;
        let certificate = blocks.iter().find(|block| block.tag() == "CERTIFICATE");
        let certificate = certificate.ok_or(ImportError::NoCertificate)?;

        let key = blocks.iter().find(|it| it.tag().ends_with("PRIVATE KEY"));
        let key = key.ok_or(ImportError::NoPrivateKey)?;
        if key.tag() == "ENCRYPTED PRIVATE KEY" || key.headers().get("DEK-Info").is_some() {
            return Err(ImportError::EncryptedKey);
        }
        Self::from_der(certificate.contents(), key.contents())
    }

    /// A certificate from an X.509 certificate and its private key, both in DER form: PKCS #8 (RFC 5958), or one
    /// of the older forms, which know one kind of key each (RFC 5915, RFC 8017 appendix A.1.2).
    ///
    /// # Errors
    /// As [`Certificate::from_pem`].
    pub fn from_der(certificate: &[u8], key: &[u8]) -> Result<Self, ImportError> {
        let x509 = x509_cert::Certificate::from_der(certificate)
            .map_err(|_| ImportError::MalformedCertificate)?;
        let tbs = x509.tbs_certificate();
        let key = PrivateKey::from_der(key)?;
        if tbs.subject_public_key_info().subject_public_key.raw_bytes() != key.public() {
            return Err(ImportError::KeyMismatch);
        }
        let not_after = tbs.validity().not_after.to_unix_duration();
        let expires = WallClock::default() + not_after;
        Ok(Self::from_parts(certificate.to_vec(), key, expires))
    }

    fn from_parts(der: Vec<u8>, key: PrivateKey, expires: WallClock) -> Self {
        // RFC 8122 §5.1: an offer lists fingerprints of hash functions the peer is sure to know;
        // SHA-256 is mandatory (RFC 8827 §6.5).
        let fingerprints = vec![Fingerprint::of(HashFunction::Sha256, &der)];
        Certificate(Arc::new(Parts {
            der,
            key,
            expires,
            fingerprints,
        }))
    }

    /// The certificate and its private key as PEM, to be kept for later connections. Whoever
    /// reads it can pass for this end.
    pub fn to_pem(&self) -> String {
        pem::encode_many(&[
            pem::Pem::new("CERTIFICATE", self.0.der.clone()),
            pem::Pem::new("PRIVATE KEY", self.private_key_pkcs8().0.clone()),
        ])
    }

    /// The certificate in DER form.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The private key in PKCS #8 DER form (RFC 5958), written anew each time: few connections need it.
    pub fn private_key_pkcs8(&self) -> Redacted<Vec<u8>> {
        let written = self.0.key.to_pkcs8();
        written.expect("a key that signs has all that its form wants, and memory is all it takes")
    }

    /// Signs by a scheme of TLS: its number in IANA's registry "TLS SignatureScheme"
    /// (RFC 8446 §4.2.3).
    ///
    /// # Errors
    /// A scheme that is not one for the key; a cryptographic library that fails.
    pub fn sign(&self, scheme: u16, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.key.sign(scheme, message)
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> KeygenAlgorithm {
        self.0.key.algorithm()
    }

    /// When the certificate ceases to be valid: W3C `RTCCertificate.expires`.
    pub fn expires(&self) -> WallClock {
        self.0.expires
    }

    /// Whether it has expired: such a one may not be used (W3C, `InvalidAccessError`).
    pub fn is_expired(&self, now: WallClock) -> bool {
        self.0.expires <= now
    }

    /// The certificate's fingerprints, for descriptions: W3C `RTCCertificate.getFingerprints()`.
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.0.fingerprints
    }
}

/// Certificates of one end, the most wanted first: a handshake shows the first whose signatures the other
/// end verifies. Cloning shares them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificates(Arc<[Certificate]>);

impl Certificates {
    /// `None` of none.
    pub fn new(all: impl IntoIterator<Item = Certificate>) -> Option<Self> {
        let all: Arc<[Certificate]> = all.into_iter().collect();
        (!all.is_empty()).then_some(Certificates(all))
    }

    /// The most wanted one.
    pub fn first(&self) -> &Certificate {
        &self.0[0]
    }

    /// All certificates, the most wanted first.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter()
    }
}

impl From<Certificate> for Certificates {
    fn from(one: Certificate) -> Self {
        Certificates(Arc::new([one]))
    }
}

/// The same certificate, bit for bit.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("algorithm", &self.algorithm())
            .field("expires", &self.0.expires)
            .finish_non_exhaustive()
    }
}

/// The keys that can be made: webrtc-pc §4.9 requires both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeygenAlgorithm {
    /// ECDSA on the curve P-256, signed with SHA-256: `{name: "ECDSA", namedCurve: "P-256"}`. The
    /// default of every browser.
    EcdsaP256,
    /// RSASSA-PKCS1-v1_5 with the public exponent 65537, signed with SHA-256.
    RsaPkcs1 {
        /// Bits of the modulus: 2048, 3072 or 4096.
        modulus_length: u32,
    },
}

/// RFC 8827 gives no names to certificates, and W3C §4.9 asks that their content reveal nothing
/// about the user: serial number and common name are random.
fn self_sign(
    key: &PrivateKey,
    now: WallClock,
    expires: WallClock,
    rng: &mut Rng,
) -> Result<Vec<u8>, GenerateError> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |wall: WallClock| epoch + Duration::from_millis(wall.unix_millis());
    let mut params = CertificateParams::default();
    params.not_before = at(WallClock::from_unix_millis(
        (now - WallClock::default())
            .saturating_sub(CLOCK_SKEW)
            .as_millis() as u64,
    ));
    params.not_after = at(expires);
    let mut serial = [0; 16];
    rng.fill(&mut serial);
    // RFC 5280 §4.1.2.2: a serial number is positive.
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, rng.alphanumeric(16));
    let certificate = params.self_signed(key).map_err(|_| GenerateError::Sign)?;
    Ok(certificate.der().to_vec())
}

/// Why a certificate could not be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The modulus has neither 2048, 3072 nor 4096 bits: W3C `NotSupportedError`.
    #[error("an RSA modulus has 2048, 3072 or 4096 bits here")]
    UnsupportedModulusLength,
    /// The cryptographic library could not make the key.
    #[error("the key could not be made")]
    KeyGeneration,
    /// The cryptographic library could not sign the certificate.
    #[error("the certificate could not be signed")]
    Sign,
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The scheme is not one for the key.
    #[error("the signature scheme is not one for the key")]
    Scheme,
    /// The cryptographic library failed.
    #[error("the message could not be signed")]
    Failed,
}

/// Why a stored certificate could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The text is longer than a certificate and a key can need.
    #[error("the text is too long for a certificate and a key")]
    TooLong,
    /// The text is not PEM (RFC 7468).
    #[error("the text is not PEM")]
    NotPem,
    /// The text has no `CERTIFICATE` block.
    #[error("there is no CERTIFICATE block")]
    NoCertificate,
    /// The text has no `PRIVATE KEY` block (PKCS #8), nor one of the older forms.
    #[error("there is no PRIVATE KEY block")]
    NoPrivateKey,
    /// The private key is encrypted, and nothing here asks for a password.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// The certificate is not X.509.
    #[error("the certificate is malformed")]
    MalformedCertificate,
    /// The key is neither ECDSA P-256 nor RSA.
    #[error("the private key is malformed or of another kind")]
    MalformedPrivateKey,
    /// RSA of less than 2048 bits (RFC 8827 §6.5).
    #[error("the RSA key has less than 2048 bits")]
    WeakKey,
    /// The key is not the certificate's.
    #[error("the private key is not the certificate's")]
    KeyMismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallClock = WallClock::from_unix_millis(1_795_000_000_000);
    const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    fn certificate(algorithm: KeygenAlgorithm) -> Certificate {
        Certificate::generate(algorithm, NOW, MONTH, &mut Rng::from_u64(1)).unwrap()
    }

    #[test]
    fn a_certificate_expires_when_asked_and_matches_its_fingerprint() {
        let made = certificate(KeygenAlgorithm::EcdsaP256);
        assert_eq!(made.expires(), NOW + MONTH);
        assert!(!made.is_expired(NOW));
        assert!(made.is_expired(NOW + MONTH));
        assert!(Fingerprint::any_matches(made.fingerprints(), made.der()));
        assert_ne!(made, certificate(KeygenAlgorithm::EcdsaP256));
    }

    #[test]
    fn both_kinds_of_certificate_survive_pem() {
        let rsa = KeygenAlgorithm::RsaPkcs1 {
            modulus_length: 2048,
        };
        for algorithm in [KeygenAlgorithm::EcdsaP256, rsa] {
            let now = NOW + Duration::from_millis(1);
            let made = Certificate::generate(algorithm, now, MONTH, &mut Rng::from_u64(1)).unwrap();
            let read = Certificate::from_pem(&made.to_pem()).unwrap();
            assert_eq!(read, made);
            assert_eq!(read.algorithm(), algorithm);
            assert_eq!(read.expires(), made.expires());
            assert_eq!(read.private_key_pkcs8(), made.private_key_pkcs8());
        }
    }

    #[test]
    fn a_foreign_key_and_broken_text_are_refused() {
        let (one, two) = (
            certificate(KeygenAlgorithm::EcdsaP256),
            certificate(KeygenAlgorithm::EcdsaP256),
        );
        let mixed = Certificate::from_der(one.der(), &two.private_key_pkcs8());
        assert_eq!(mixed.unwrap_err(), ImportError::KeyMismatch);
        let read = |text: &str| Certificate::from_pem(text).unwrap_err();
        assert_eq!(read("hello"), ImportError::NoCertificate);
        let pem = one.to_pem();
        assert_eq!(
            read(&pem[..pem.find("-----BEGIN PRIVATE").unwrap()]),
            ImportError::NoPrivateKey
        );
        assert_eq!(read(&"x".repeat(PEM_BYTES_MAX + 1)), ImportError::TooLong);
    }

    #[test]
    fn what_openssl_writes_is_read_in_each_of_its_forms() {
        let block = |tag: &str, der: &[u8]| pem::encode(&pem::Pem::new(tag, der));
        let made = certificate(KeygenAlgorithm::EcdsaP256);
        let shown = block("CERTIFICATE", made.der());
        // RFC 5958 §2: version and algorithm take so many bytes, then comes the key.
        let sec1 = block("EC PRIVATE KEY", &made.private_key_pkcs8().0[29..]);
        // The object identifier of P-256 (RFC 5480 §2.1.1.1), as `openssl ecparam -genkey` has it.
        let curve = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let parameters = block("EC PARAMETERS", &curve);
        for text in [
            format!("{parameters}{sec1}{shown}"),
            format!("subject=CN = x\n{shown}{shown}Bag Attributes\n{sec1}"),
            made.to_pem().replace('\n', "\r\n"),
        ] {
            let read = Certificate::from_pem(&text).unwrap();
            assert_eq!(read, made);
            assert_eq!(read.private_key_pkcs8(), made.private_key_pkcs8());
        }

        let rsa = certificate(KeygenAlgorithm::RsaPkcs1 {
            modulus_length: 2048,
        });
        let pkcs1 = block("RSA PRIVATE KEY", &rsa.private_key_pkcs8().0[26..]);
        let text = format!("{}{pkcs1}", block("CERTIFICATE", rsa.der()));
        let read = Certificate::from_pem(&text).unwrap();
        assert_eq!(read.private_key_pkcs8(), rsa.private_key_pkcs8());
    }

    #[test]
    fn a_key_that_wants_a_password_is_named_so() {
        let shown = pem::encode(&pem::Pem::new(
            "CERTIFICATE",
            certificate(KeygenAlgorithm::EcdsaP256).der(),
        ));
        let pkcs8 = pem::encode(&pem::Pem::new("ENCRYPTED PRIVATE KEY", [1, 2, 3]));
        let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                   DEK-Info: AES-128-CBC,00\n\nAQID\n-----END EC PRIVATE KEY-----\n";
        for key in [pkcs8.as_str(), old] {
            let read = Certificate::from_pem(&format!("{shown}{key}"));
            assert_eq!(read.unwrap_err(), ImportError::EncryptedKey);
        }
    }

    #[test]
    fn a_key_signs_by_the_schemes_that_are_its_own() {
        let rsa = KeygenAlgorithm::RsaPkcs1 {
            modulus_length: 2048,
        };
        let pkcs1_and_pss = [0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806];
        for (algorithm, own) in [
            (KeygenAlgorithm::EcdsaP256, &[0x0403][..]),
            (rsa, &pkcs1_and_pss),
        ] {
            let made = certificate(algorithm);
            for scheme in [0x0203, 0x0403, 0x0503, 0x0807, 0xffff]
                .iter()
                .chain(&pkcs1_and_pss)
            {
                let signed = made.sign(*scheme, b"message");
                match own.contains(scheme) {
                    true => assert!(!signed.unwrap().is_empty()),
                    false => assert_eq!(signed.unwrap_err(), SignError::Scheme),
                }
            }
        }
    }

    #[test]
    fn odd_rsa_sizes_are_refused() {
        for modulus_length in [0, 1024, 2049, 16_384] {
            let algorithm = KeygenAlgorithm::RsaPkcs1 { modulus_length };
            let made = Certificate::generate(algorithm, NOW, MONTH, &mut Rng::from_u64(1));
            assert_eq!(made.unwrap_err(), GenerateError::UnsupportedModulusLength);
        }
    }

    #[test]
    fn the_private_key_does_not_reach_a_log() {
        let text = format!("{:?}", certificate(KeygenAlgorithm::EcdsaP256));
        assert!(!text.contains("key"), "{text}");
    }
}
