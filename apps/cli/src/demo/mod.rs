//! The demo: a web server on loopback whose page talks to Rust peers of this process.

mod call;
mod chat;
mod file;
mod http;
mod meter;
mod note;

use std::net::SocketAddr;
use std::sync::Arc;

use duologue::Endpoint;
use tokio::net::TcpListener;

use crate::Failure;
use call::Calls;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the web server listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

/// Serves until Ctrl-C, then closes every call.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let listener = listen(args.listen).await?;
    let address = listener.local_addr()?;
    if args.json {
        let line = serde_json::json!({ "event": "listening", "url": format!("http://{address}/") });
        println!("{line}");
    } else {
        println!("duologue demo\n\n  open  http://{address}/  in a browser; Ctrl-C ends it\n");
    }
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let calls = Arc::new(Calls::new(endpoint, args.json));
    let ending = calls.clone();
    axum::serve(listener, http::router(calls))
        .with_graceful_shutdown(async move {
            // An error means that there is no such signal here; the server then runs on.
            if tokio::signal::ctrl_c().await.is_ok() {
                ending.close_all();
            }
        })
        .await?;
    if !args.json {
        println!("\nclosed");
    }
    Ok(())
}

/// The address asked for; when its port is taken, any free one of the same host.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        other => other,
    }
}
