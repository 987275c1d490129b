//! The demo: a web server whose page talks to Rust peers of this process.

mod address;
mod budget;
mod call;
pub(crate) mod certificate;
mod chat;
mod file;
pub(crate) mod guard;
mod happening;
mod http;
mod limits;
mod mirror;
mod note;
mod recording;
mod seen;
pub(crate) mod server;
mod site;
mod test_picture;

use std::fmt;
use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use duologue::{Configuration, Endpoint};

use crate::ice_server::IceArgs;
use crate::{Failure, interrupted};
use call::Calls;
use certificate::Shown;
use guard::Names;
pub use happening::{Happening, Tell};
pub use limits::Limits;
use server::Server;
pub(crate) use site::{Site, SiteArgs};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    ice: IceArgs,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    fn options(&self) -> Options {
        Options {
            configuration: self.ice.configuration(),
            names: self.site.names.clone(),
            encryption: self.site.encryption(),
            limits: Limits::default(),
        }
    }
}

/// Serves until Ctrl-C or `SIGTERM`, then closes every call.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let tell: Tell = match args.json {
        true => Arc::new(|happening| {
            println!("{}", serde_json::to_string(&happening).unwrap_or_default());
        }),
        false => Arc::new(|happening| {
            println!("{happening}");
            if let Happening::Listening { url, urls, .. } = &happening
                && urls.len() > 1
                && io::stdout().is_terminal()
                && let Some(code) = address::qr_code(url)
            {
                println!("{code}");
            }
        }),
    };
    let demo = Demo::bind(args.site.listen, args.options(), tell).await?;
    demo.serve(interrupted()).await;
    if !args.json {
        println!("\nclosed");
    }
    Ok(())
}

/// `--listen`
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    match text.parse() {
        Ok(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Err(_) => text
            .parse()
            .map_err(|_| "write it as 127.0.0.1:8080, [::1]:8080 or 8080"),
    }
}

/// How the demo is served.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What both ends of every call are made with.
    pub configuration: Configuration,
    /// Names of this host that browsers may ask for, besides its addresses.
    pub names: Vec<String>,
    /// https, or http.
    pub encryption: Encryption,
    /// What strangers may take.
    pub limits: Limits,
}

/// When the demo is served over https, and with which certificate.
#[derive(Clone, Debug, Default)]
pub enum Encryption {
    /// If others than this machine can visit it, with a certificate that is made at the start.
    #[default]
    BeyondThisMachine,
    /// In any case, with the certificate and the key of these files.
    Own {
        /// In PEM form, with its chain.
        certificate: PathBuf,
        /// In PEM form.
        key: PathBuf,
    },
    /// Not at all.
    Never,
}

impl Encryption {
    async fn certificate(&self, listen: IpAddr) -> Result<Option<Shown>, Failure> {
        Ok(match self {
            Encryption::BeyondThisMachine if listen.is_loopback() => None,
            Encryption::BeyondThisMachine => Some(Shown::new().await?),
            Encryption::Own { certificate, key } => Some(Shown::read(certificate, key)?),
            Encryption::Never => None,
        })
    }
}

/// The demo, before it serves.
pub struct Demo {
    server: Server,
    url: String,
    calls: Arc<Calls>,
}

impl Demo {
    /// Listens at an address; when its port is taken, at any free one of the same host.
    ///
    /// # Errors
    /// The address cannot be listened at; a certificate cannot be read; the endpoint cannot be made.
    pub async fn bind(listen: SocketAddr, options: Options, tell: Tell) -> Result<Demo, Failure> {
        let site = Site::bind_near(listen, &options.encryption, &options.names).await?;
        let url = site.urls.first().cloned().unwrap_or_default();
        let endpoint = Endpoint::builder().loopback(true).build()?;
        tell(Happening::Listening {
            url: url.clone(),
            urls: site.urls.clone(),
            certificate: site.certificate.clone(),
        });
        let Options {
            configuration,
            limits,
            ..
        } = options;
        let calls = Calls::new(endpoint, configuration, limits.connect, tell);
        let (calls, names) = (Arc::new(calls), Names::from(options.names));
        let page = http::router(calls.clone(), names.clone(), limits.body);
        let server = site.server(page, names, limits);
        Ok(Demo { server, url, calls })
    }

    /// Where to open it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until `end` is there, then closes every call.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let calls = self.calls;
        let end = async {
            end.await;
            calls.close_all().await;
        };
        self.server.serve(end).await;
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        assert_eq!(address("80"), Ok(([127, 0, 0, 1], 80).into()));
        assert_eq!(address("0.0.0.0:80"), Ok(([0, 0, 0, 0], 80).into()));
        for wrong in ["", "localhost", "127.0.0.1", "65536"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    async fn url_of(listen: IpAddr, encryption: Encryption) -> String {
        let options = Options {
            encryption,
            ..Options::default()
        };
        let listen = SocketAddr::new(listen, 0);
        let demo = Demo::bind(listen, options, Arc::new(drop)).await.unwrap();
        demo.url().to_owned()
    }

    #[tokio::test]
    async fn beyond_this_machine_it_is_https_at_an_address_that_a_browser_goes_to() {
        let (here, everywhere) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::UNSPECIFIED.into());
        let url = url_of(here, Encryption::default()).await;
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let url = url_of(everywhere, Encryption::default()).await;
        assert!(url.starts_with("https://"), "{url}");
        assert!(!url.contains("//0.0.0.0"), "{url}");
        let url = url_of(everywhere, Encryption::Never).await;
        assert!(url.starts_with("http://"), "{url}");
    }
}
