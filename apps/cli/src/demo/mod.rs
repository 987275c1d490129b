//! The demo: a web server on loopback whose page talks to Rust peers of this process.

mod call;
mod chat;
mod file;
mod happening;
mod http;
mod note;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use duologue::{Configuration, Endpoint};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Failure;
use crate::ice_server::IceArgs;
use call::Calls;
pub use happening::{Happening, Tell};

/// How long pages may keep their connections to the web server once it ends.
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the web server listens: an address and a port, or a port of this machine alone
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    #[command(flatten)]
    ice: IceArgs,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

/// Serves until Ctrl-C, then closes every call.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let tell: Tell = match args.json {
        true => Arc::new(|happening| {
            println!("{}", serde_json::to_string(&happening).unwrap_or_default());
        }),
        false => Arc::new(|happening| println!("{happening}")),
    };
    let demo = Demo::bind(args.listen, args.ice.configuration(), tell).await;
    let demo = demo.map_err(|error| format!("cannot listen at {}: {error}", args.listen))?;
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // There is no such signal here; the server then runs on.
            std::future::pending::<()>().await;
        }
    };
    demo.serve(interrupted).await?;
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

/// The demo, before it serves.
pub struct Demo {
    listener: TcpListener,
    url: String,
    calls: Arc<Calls>,
}

impl Demo {
    /// Listens at an address; when its port is taken, at any free one of the same host. Both ends
    /// of every call have this configuration.
    ///
    /// # Errors
    /// The address cannot be listened at; the endpoint cannot be made.
    pub async fn bind(
        listen: SocketAddr,
        configuration: Configuration,
        tell: Tell,
    ) -> io::Result<Demo> {
        let listener = match TcpListener::bind(listen).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                TcpListener::bind(SocketAddr::new(listen.ip(), 0)).await?
            }
            other => other?,
        };
        let mut address = listener.local_addr()?;
        if address.ip().is_unspecified() {
            // It stands for every address of this host; browsers go to none of that name.
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let url = format!("http://{address}/");
        let endpoint = Endpoint::builder().loopback(true).build()?;
        tell(Happening::Listening { url: url.clone() });
        Ok(Demo {
            listener,
            url,
            calls: Arc::new(Calls::new(endpoint, configuration, tell)),
        })
    }

    /// Where to open it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until `end` is there, then closes every call.
    ///
    /// # Errors
    /// The web server's.
    pub async fn serve(self, end: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let ending = self.calls.clone();
        let (closed, all_closed) = oneshot::channel::<()>();
        let serving = axum::serve(self.listener, http::router(self.calls)).with_graceful_shutdown(
            async move {
                end.await;
                ending.close_all();
                drop(closed);
            },
        );
        let too_long = async {
            // An error: its sender was dropped.
            let _ = all_closed.await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            served = serving.into_future() => served,
            () = too_long => Ok(()),
        }
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

    #[tokio::test]
    async fn a_demo_at_every_address_prints_one_that_a_browser_goes_to() {
        let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let demo = Demo::bind(listen, Configuration::default(), Arc::new(drop)).await;
        let url = demo.unwrap().url().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    }
}
