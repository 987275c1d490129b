//! Certificates: made on Node's thread pool, since an RSA key takes long.

use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_peer::PeerConnection;
use napi::bindgen_prelude::{AsyncTask, Either, Result};
use napi::{Env, Error, Task};
use napi_derive::napi;

use crate::environment;

/// `NativeCertificate`
#[napi(js_name = "Certificate")]
#[derive(Clone, Debug)]
pub struct NativeCertificate {
    pub(crate) certificate: Certificate,
}

/// A fingerprint as `RTCDtlsFingerprint`.
#[napi(object)]
#[derive(Debug)]
pub struct DtlsFingerprint {
    /// The hash function's name.
    pub algorithm: String,
    /// Hexadecimal, with colons.
    pub value: String,
}

#[napi]
impl NativeCertificate {
    /// `expires`
    #[napi(getter)]
    pub fn expires(&self) -> f64 {
        self.certificate.expires().unix_millis() as f64
    }

    /// `getFingerprints()`: in lower case hexadecimal, as webrtc-pc §4.10.2 says.
    #[napi]
    pub fn fingerprints(&self) -> Vec<DtlsFingerprint> {
        let fingerprints = self.certificate.fingerprints().iter();
        fingerprints
            .map(|fingerprint| DtlsFingerprint {
                algorithm: fingerprint.algorithm().to_string(),
                value: fingerprint.value_text().to_lowercase(),
            })
            .collect()
    }

    /// With its private key, as PEM.
    #[napi]
    pub fn to_pem(&self) -> String {
        self.certificate.to_pem()
    }
}

/// Reads what `toPem()` wrote, and what OpenSSL does; a text is why it cannot.
#[napi]
pub fn read_certificate(pem: String) -> Either<NativeCertificate, String> {
    match Certificate::from_pem(&pem) {
        Ok(certificate) => Either::A(NativeCertificate { certificate }),
        Err(error) => Either::B(error.to_string()),
    }
}

/// `NativeKeygenAlgorithm`
#[napi(object)]
#[derive(Debug)]
pub struct NativeKeygenAlgorithm {
    /// `ECDSA` or `RSASSA-PKCS1-v1_5`.
    pub name: String,
    /// Bits of an RSA key.
    pub modulus_length: Option<u32>,
}

/// Makes a certificate on the thread pool.
#[derive(Debug)]
pub struct Generate {
    algorithm: KeygenAlgorithm,
    expires: Option<u64>,
}

impl Task for Generate {
    type Output = Certificate;
    type JsValue = NativeCertificate;

    fn compute(&mut self) -> Result<Certificate> {
        let mut rng = environment::rng().map_err(|error| Error::from_reason(error.to_string()))?;
        let now = environment::wall_clock();
        PeerConnection::generate_certificate(self.algorithm, self.expires, now, &mut rng)
            .map_err(|error| Error::from_reason(error.to_string()))
    }

    fn resolve(&mut self, _: Env, certificate: Certificate) -> Result<NativeCertificate> {
        Ok(NativeCertificate { certificate })
    }
}

/// `generateCertificate()`, whose `expires` is in milliseconds from now.
#[napi]
pub fn generate_certificate(
    algorithm: NativeKeygenAlgorithm,
    expires: Option<f64>,
) -> AsyncTask<Generate> {
    let algorithm = match algorithm.modulus_length {
        Some(modulus_length) => KeygenAlgorithm::RsaPkcs1 { modulus_length },
        None => KeygenAlgorithm::EcdsaP256,
    };
    AsyncTask::new(Generate {
        algorithm,
        expires: expires.map(|ms| ms as u64),
    })
}
