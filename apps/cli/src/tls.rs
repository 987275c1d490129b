//! Whom to trust when a server is asked over https.

use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::Failure;

/// SHA-256 of a certificate, as the demo prints it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CertHash([u8; 32]);

impl FromStr for CertHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "write it as the demo prints it: 32 bytes in hexadecimal";
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or(WRONG)?;
        if digits.len() != 64 {
            return Err(WRONG);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(CertHash(hash))
    }
}

/// Trusts the one certificate with this hash; without, those that the platform does.
pub(crate) fn client_config(hash: Option<CertHash>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match hash {
        Some(hash) => Arc::new(ByHash {
            hash,
            provider: provider.clone(),
        }),
        None => Arc::new(Verifier::new(provider.clone())?),
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// One certificate, whatever names it has and whoever issued it.
#[derive(Debug)]
struct ByHash {
    hash: CertHash,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ByHash {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match digest(&SHA256, certificate).as_ref() == self.hash.0 {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_with_colons_and_without() {
        let hash = |text: &str| text.parse::<CertHash>();
        let (plain, colons) = ("0aF1".repeat(16), ["0A", "f1"].repeat(16).join(":"));
        assert!(hash(&plain).is_ok_and(|hash| hash.0[..2] == [0x0a, 0xf1]));
        assert_eq!(hash(&plain), hash(&colons));
        for wrong in ["", "0af1", &plain[1..], &"zz".repeat(32)] {
            assert!(hash(wrong).is_err(), "{wrong}");
        }
    }
}
