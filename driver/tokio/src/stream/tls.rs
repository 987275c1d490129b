//! TLS and DTLS to TURN servers: whom to trust, and the handshake of the first.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use duologue_base::Rng;
use duologue_dtls as dtls;
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_session::ConnectError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::endpoint::system_time;
use crate::limits::DTLS_CERTIFICATE_LIFE;

/// Whose certificates TURN and STUN servers reached over TLS or DTLS have to show.
#[derive(Clone, Default, Eq, PartialEq)]
pub enum TlsRoots {
    /// The certificates that the platform trusts.
    #[default]
    Platform,
    /// The certificates that these ones, in PEM form, have issued, and no others.
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

/// What an endpoint needs for TLS. All of it is made with the first connection, since it reads the
/// platform's roots: most endpoints make none.
#[derive(Debug)]
pub(crate) struct Tls {
    own: Option<RootCertStore>,
    verifier: OnceLock<Option<Arc<dyn ServerCertVerifier>>>,
    config: OnceLock<Option<Arc<ClientConfig>>>,
    dtls: OnceLock<Option<(dtls::Context, Certificate)>>,
}

impl Tls {
    pub(crate) fn new(roots: &TlsRoots) -> io::Result<Self> {
        let own = match roots {
            TlsRoots::Platform => None,
            TlsRoots::Pem(pem) => Some(read(pem)?),
        };
        Ok(Tls {
            own,
            verifier: OnceLock::new(),
            config: OnceLock::new(),
            dtls: OnceLock::new(),
        })
    }

    /// The handshake of TLS. It may read files first.
    pub(crate) async fn connect(
        &self,
        server_name: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let config = self.config.get_or_init(|| self.make_config());
        let config = config.clone().ok_or(ConnectError::NotPossible)?;
        let handshake = TlsConnector::from(config).connect(parse(server_name)?, stream);
        handshake.await.map_err(|error| tls_error(&error))
    }

    /// What a DTLS connection is made with, and who decides about the server's certificate.
    pub(crate) fn dtls(
        &self,
        server_name: &str,
    ) -> Result<(dtls::Transport, dtls::Judge), ConnectError> {
        let made = self.dtls.get_or_init(make_dtls).clone();
        let (context, certificate) = made.ok_or(ConnectError::NotPossible)?;
        let verifier = self.verifier().ok_or(ConnectError::NotPossible)?;
        let name = parse(server_name)?;
        let judge = move |leaf: &[u8], others: &[Vec<u8>]| {
            let others: Vec<_> = others.iter().map(|der| as_certificate(der)).collect();
            let (leaf, now) = (as_certificate(leaf), UnixTime::now());
            let verified = verifier.verify_server_cert(&leaf, &others, &name, &[], now);
            verified.is_ok()
        };
        let transport = dtls::Transport::new(context, certificate);
        Ok((transport, Box::new(judge)))
    }

    fn make_config(&self) -> Option<Arc<ClientConfig>> {
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().ok()?;
        // "Dangerous" are verifiers that trust whom they should not: this is one of rustls's own.
        let builder = builder.dangerous();
        let builder = builder.with_custom_certificate_verifier(self.verifier()?);
        Some(Arc::new(builder.with_no_client_auth()))
    }

    /// Of TLS and DTLS alike.
    fn verifier(&self) -> Option<Arc<dyn ServerCertVerifier>> {
        let verifier = self.verifier.get_or_init(|| match &self.own {
            Some(roots) => {
                let roots = Arc::new(roots.clone());
                let builder = WebPkiServerVerifier::builder_with_provider(roots, provider());
                Some(builder.build().ok()?)
            }
            None => Some(Arc::new(Verifier::new(provider()).ok()?)),
        });
        verifier.clone()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn parse(server_name: &str) -> Result<ServerName<'static>, ConnectError> {
    let name = ServerName::try_from(server_name.to_owned());
    name.map_err(|_| ConnectError::Certificate)
}

fn as_certificate(der: &[u8]) -> CertificateDer<'_> {
    CertificateDer::from_slice(der)
}

/// The certificate is for servers that ask for one, which few do.
fn make_dtls() -> Option<(dtls::Context, Certificate)> {
    let (algorithm, now) = (KeygenAlgorithm::EcdsaP256, system_time());
    // Its key comes from the system; this is its serial number.
    let mut rng = Rng::from_u64(now.unix_millis());
    let made = Certificate::generate(algorithm, now, DTLS_CERTIFICATE_LIFE, &mut rng);
    Some((dtls::Context::for_servers().ok()?, made.ok()?))
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
