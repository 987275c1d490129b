//! Where a web server of this program is found: the address that it listens at, its certificate, its URLs.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::guard::Names;
use super::limits::Limits;
use super::server::Server;
use super::{Encryption, address, http};
use crate::Failure;

/// What is asked of a web server on the command line.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SiteArgs {
    /// Where the web server listens: an address and a port, or a port of this machine alone. Beyond this machine
    /// (0.0.0.0:8080) it serves https, with a certificate made at the start
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// A name of this host that clients may ask for, besides its addresses (repeatable)
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Serve https with this certificate, with its chain, in PEM form
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of --cert, in PEM form
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Serve plain http beyond this machine, too, such as behind a proxy: browsers then give its pages no camera
    #[arg(long, conflicts_with = "cert")]
    http: bool,
}

impl SiteArgs {
    pub(crate) fn encryption(&self) -> Encryption {
        match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => Encryption::Own {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            _ if self.http => Encryption::Never,
            _ => Encryption::BeyondThisMachine,
        }
    }
}

/// A web server that has an address and nothing to say yet.
pub(crate) struct Site {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    pub(crate) address: SocketAddr,
    /// The likeliest first.
    pub(crate) urls: Vec<String>,
    /// The hash of a certificate, as browsers show it.
    pub(crate) certificate: Option<String>,
}

impl Site {
    /// Listens at an address; when its port is taken, at any free one of the same host.
    pub(crate) async fn bind_near(
        listen: SocketAddr,
        encryption: &Encryption,
        names: &[String],
    ) -> Result<Self, Failure> {
        let bound = TcpListener::bind(listen).await;
        let bound = match bound {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                TcpListener::bind(SocketAddr::new(listen.ip(), 0)).await
            }
            other => other,
        };
        Site::at(listen, bound, encryption, names).await
    }

    /// Listens at an address.
    ///
    /// # Errors
    /// Its port is taken, for example: clients know it, and would ask somebody else.
    pub(crate) async fn bind(
        listen: SocketAddr,
        encryption: &Encryption,
        names: &[String],
    ) -> Result<Self, Failure> {
        let bound = TcpListener::bind(listen).await;
        Site::at(listen, bound, encryption, names).await
    }

    async fn at(
        listen: SocketAddr,
        bound: io::Result<TcpListener>,
        encryption: &Encryption,
        names: &[String],
    ) -> Result<Self, Failure> {
        let hint = |error: &io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => " (--listen takes another port)",
            _ => "",
        };
        let listener = bound.map_err(|error| {
            let hint = hint(&error);
            format!("cannot listen at {listen}: {error}{hint}")
        })?;
        let shown = encryption.certificate(listen.ip()).await?;
        let address = listener.local_addr()?;
        let port = address.port();
        let scheme = match shown {
            Some(_) => "https",
            None => "http",
        };
        let named = names.iter().map(|name| format!("{name}:{port}"));
        let addresses = address::addresses(listen.ip()).into_iter();
        let addresses = addresses.map(|ip| SocketAddr::new(ip, port).to_string());
        let urls = named
            .chain(addresses)
            .map(|authority| format!("{scheme}://{authority}/"))
            .collect();
        let (certificate, tls) = shown.map(|shown| (shown.hash, shown.acceptor)).unzip();
        Ok(Site {
            listener,
            tls,
            address,
            urls,
            certificate,
        })
    }

    /// The server, with something to say.
    pub(crate) fn server(self, page: Router, names: Names, limits: Limits) -> Server {
        Server {
            listener: self.listener,
            page,
            tls: self.tls,
            elsewhere: http::elsewhere(names),
            limits,
        }
    }
}
