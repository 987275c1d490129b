//! The certificate that the demo serves https with.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use duologue::{KeygenAlgorithm, PeerConnection};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::limits::CERTIFICATE_LIFE;
use crate::Failure;

/// A certificate, ready to be shown, and its hash as browsers print it.
pub(super) struct Shown {
    pub(super) acceptor: TlsAcceptor,
    pub(super) hash: String,
}

impl Shown {
    /// One that was made just now: nobody knows it but by its hash.
    pub(super) async fn new() -> Result<Self, Failure> {
        let life = Some(CERTIFICATE_LIFE);
        let made = PeerConnection::generate_certificate(KeygenAlgorithm::EcdsaP256, life).await?;
        let key = PrivatePkcs8KeyDer::from(made.private_key_pkcs8().0.clone());
        let chain = vec![CertificateDer::from(made.der().to_vec())];
        Self::of(chain, key.into())
    }

    /// The one, with its chain, of these files in PEM form.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, Failure> {
        let wrong = |file: &Path, error: rustls::pki_types::pem::Error| {
            format!("{}: {error}", file.display())
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
            .map_err(|error| wrong(certificate, error))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error))?;
        Self::of(chain, key)
    }

    fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Failure> {
        let first = chain.first().ok_or("there is no certificate in the file")?;
        let hash = hash(first);
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Shown {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            hash,
        })
    }
}

/// SHA-256 of a certificate, as browsers show it.
pub(crate) fn hash(certificate: &CertificateDer<'_>) -> String {
    let hash = digest(&SHA256, certificate);
    let bytes: Vec<String> = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    bytes.join(":")
}
