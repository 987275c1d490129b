//! TLS to TURN servers: whom to trust, and the handshake.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use duologue_session::ConnectError;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whose certificates TURN and STUN servers reached over TLS have to show.
#[derive(Clone, Default, Eq, PartialEq)]
pub enum TlsRoots {
    /// Those that the platform trusts.
    #[default]
    Platform,
    /// Those that these certificates, in PEM form, have issued, and no others.
    Pem(Vec<u8>),
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsRoots::Platform => "Platform",
            TlsRoots::Pem(_) => "Pem",
        })
    }
}

/// What an endpoint needs for TLS. The platform's roots are read with the first connection: most
/// endpoints make none.
#[derive(Debug)]
pub(crate) struct Tls {
    own: Option<RootCertStore>,
    config: OnceLock<Option<Arc<ClientConfig>>>,
}

impl Tls {
    pub(crate) fn new(roots: &TlsRoots) -> io::Result<Self> {
        let own = match roots {
            TlsRoots::Platform => None,
            TlsRoots::Pem(pem) => Some(read(pem)?),
        };
        Ok(Tls {
            own,
            config: OnceLock::new(),
        })
    }

    /// The handshake. It may read files first.
    pub(crate) async fn connect(
        &self,
        server_name: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let config = self.config.get_or_init(|| self.make_config());
        let config = config.clone().ok_or(ConnectError::NotPossible)?;
        let name = ServerName::try_from(server_name.to_owned());
        let name = name.map_err(|_| ConnectError::Certificate)?;
        let handshake = TlsConnector::from(config).connect(name, stream);
        handshake.await.map_err(|error| tls_error(&error))
    }

    fn make_config(&self) -> Option<Arc<ClientConfig>> {
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().ok()?;
        let builder = match &self.own {
            Some(roots) => builder.with_root_certificates(roots.clone()),
            None => builder.with_platform_verifier().ok()?,
        };
        Some(Arc::new(builder.with_no_client_auth()))
    }
}

fn read(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    match roots.is_empty() {
        true => Err(io::Error::other("no certificate among the TLS roots")),
        false => Ok(roots),
    }
}

fn tls_error(error: &io::Error) -> ConnectError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => ConnectError::Certificate,
        Some(_) => ConnectError::Tls,
        None => ConnectError::Closed,
    }
}
