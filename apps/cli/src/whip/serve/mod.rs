//! `duologue whip serve` and `duologue whep serve`: publishers by WHIP, viewers by WHEP, one UDP port for all.

mod cluster;
mod gate;
mod happening;
mod http;
mod overview;
mod refusal;
pub(crate) mod relay;
mod session;
mod sessions;
mod stage;
mod watching;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use duologue::{Bitrate, BitrateBounds, BundlePolicy, Configuration, Endpoint, IceServer};

use super::limits::{Limits, WEB_CONNECTIONS};
use super::playback;
use crate::control::ControlArgs;
use crate::demo::server::Server;
use crate::demo::{self, Encryption, SiteArgs};
use crate::ice_server::{IceArgs, IceServerArg};
use crate::{Failure, interrupted};
use cluster::Cluster;
pub use cluster::ClusterOptions;
use gate::Gate;
pub use gate::{Origin, Tokens, Viewers};
pub use happening::Happening;
use sessions::{Places, Sessions};
pub use stage::Source;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WhipArgs {
    /// Record each stream into a file of this folder
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct WhepArgs {
    /// WebM, MP4, IVF, Ogg, H.264 or H.265: at most one track of pictures and one of sound
    file: PathBuf,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Clone, Debug, clap::Args)]
struct ServeArgs {
    #[command(flatten)]
    site: SiteArgs,
    /// The bearer token that every client has to have; better in the environment than on the command line
    #[arg(
        long,
        value_name = "TOKEN",
        env = "DUOLOGUE_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Pages of this origin may use the server, besides its own: https://HOST[:PORT], or * for all (repeatable)
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    origins: Vec<Origin>,
    /// The UDP port of all media; any free one, when left out
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    udp_port: u16,
    /// The address of this host as clients see it, where that is another one. Media then comes to all addresses, also
    /// when the web server listens on this machine alone, behind a proxy
    #[arg(long, value_name = "IP")]
    external_address: Option<IpAddr>,
    /// An ICE server that clients are told to use (repeatable): stun:HOST[:PORT], turn:USER:PASSWORD@HOST…
    #[arg(long = "client-ice-server", value_name = "SERVER")]
    client_ice: Vec<IceServerArg>,
    #[command(flatten)]
    ice: IceArgs,
    #[command(flatten)]
    control: ControlArgs,
    /// Print what happens as lines of JSON
    #[arg(long)]
    json: bool,
}

/// How a server is.
#[derive(Clone, Debug)]
pub struct Options {
    /// What viewers see.
    pub source: Source,
    /// Names of this host that clients may ask for, besides its addresses.
    pub names: Vec<String>,
    /// https, or http.
    pub encryption: Encryption,
    /// What clients have to know, if anything.
    pub tokens: Tokens,
    /// Pages that may use it, besides its own.
    pub origins: Vec<Origin>,
    /// The UDP port of all media; 0 for any.
    pub udp_port: u16,
    /// This host as clients see it.
    pub external_address: Option<IpAddr>,
    /// What clients are told to use.
    pub client_ice: Vec<IceServer>,
    /// What its own ends of connections use.
    pub configuration: Configuration,
    /// What clients may take.
    pub limits: Limits,
    /// Whether there is a page with all streams and a player, and `/metrics`.
    pub overview: bool,
    /// Other relays that it is one with.
    pub cluster: Option<ClusterOptions>,
}

impl Options {
    /// One for this machine, without a token.
    pub fn new(source: Source) -> Self {
        Options {
            source,
            names: Vec::new(),
            encryption: Encryption::default(),
            tokens: Tokens::default(),
            origins: Vec::new(),
            udp_port: 0,
            external_address: None,
            client_ice: Vec::new(),
            configuration: Configuration::default(),
            limits: Limits::default(),
            overview: false,
            cluster: None,
        }
    }
}

/// Who is told.
pub type Tell = Arc<dyn Fn(Happening) + Send + Sync>;

pub(super) async fn run_whip(args: WhipArgs) -> Result<(), Failure> {
    if let Some(folder) = &args.record {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let options = args.serve.options(Source::Publishers {
        record: args.record,
    });
    serve(&args.serve, options).await
}

pub(super) async fn run_whep(args: WhepArgs) -> Result<(), Failure> {
    playback::tracks(&args.file)?;
    let options = args.serve.options(Source::File(args.file));
    serve(&args.serve, options).await
}

impl ServeArgs {
    fn options(&self, source: Source) -> Options {
        let servers = self.client_ice.iter().cloned();
        Options {
            names: self.site.names.clone(),
            encryption: self.site.encryption(),
            tokens: Tokens {
                all: self.token.clone(),
                ..Tokens::default()
            },
            origins: self.origins.clone(),
            udp_port: self.udp_port,
            external_address: self.external_address,
            client_ice: servers.map(IceServer::from).collect(),
            configuration: self.ice.configuration(),
            ..Options::new(source)
        }
    }
}

/// Serves until Ctrl-C or `SIGTERM`, then ends every session.
async fn serve(args: &ServeArgs, options: Options) -> Result<(), Failure> {
    let tell: Tell = match args.json {
        true => Arc::new(|happening| {
            println!("{}", serde_json::to_string(&happening).unwrap_or_default());
        }),
        false => Arc::new(|happening| println!("{happening}")),
    };
    let serving = Serving::bind(args.site.listen, options, tell).await?;
    let _control = args.control.open(&serving.sessions.endpoint)?;
    serving.serve(interrupted()).await;
    Ok(())
}

/// A server, before it serves.
pub struct Serving {
    server: Server,
    sessions: Arc<Sessions>,
    authority: String,
    listening: Happening,
}

impl Serving {
    /// Listens at an address.
    ///
    /// # Errors
    /// The address or the UDP port cannot be listened at; a certificate cannot be read.
    pub async fn bind(
        listen: SocketAddr,
        options: Options,
        tell: Tell,
    ) -> Result<Serving, Failure> {
        let site = demo::Site::bind(listen, &options.encryption, &options.names).await?;
        let endpoint = endpoint(listen.ip(), &options)?;
        let listening = Happening::Listening {
            urls: urls(&site.urls, &options),
            certificate: site.certificate.clone(),
        };

        let limits = options.limits;
        let names = demo::guard::Names::from(options.names);
        let cluster = match &options.cluster {
            Some(cluster) => {
                let own = site.urls.first().map(String::as_str).unwrap_or_default();
                let (hash, token) = (site.certificate.clone(), options.tokens.all.clone());
                Some(Cluster::join(cluster, own, hash, token).await?)
            }
            None => None,
        };
        let page: &'static [&'static str] = match options.overview {
            true => &overview::PATHS,
            false => &[],
        };
        let gate = Gate::new(
            names.clone(),
            options.origins,
            &options.tokens,
            (page, cluster.clone()),
            limits.requests,
        );
        let sessions = Arc::new(Sessions {
            endpoint,
            configuration: Configuration {
                bundle_policy: BundlePolicy::MaxBundle,
                ..options.configuration
            },
            ice_servers: options.client_ice,
            source: options.source,
            limits,
            places: Places::new(&limits),
            tell,
            stage: Arc::default(),
            cluster,
            open: Mutex::new(HashMap::new()),
            recorded: AtomicU64::new(1),
        });
        let authority = site.address.to_string();
        let web = demo::Limits {
            connections: WEB_CONNECTIONS,
            ..demo::Limits::default()
        };
        let router = http::router(sessions.clone(), gate, options.overview, web.body);
        let server = site.server(router, names, web);
        Ok(Serving {
            server,
            sessions,
            authority,
            listening,
        })
    }

    /// The address and the port that it listens at.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Serves until `end` is there, then ends every session and completes what it records. Who is told that it
    /// listens finds all there is of it.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let sessions = self.sessions;
        (sessions.tell)(self.listening);
        let cluster = sessions.cluster.clone();
        let end = async {
            let end = pin!(end);
            match &cluster {
                Some(cluster) => {
                    tokio::select! {
                        () = end => {}
                        () = cluster.run(&sessions.stage) => {}
                    }
                    cluster.leave().await;
                }
                None => end.await,
            }
            sessions.end_all().await;
        };
        self.server.serve(end).await;
    }
}

/// What all sessions share; who serves this machine alone has no port that others reach, unless it says where.
fn endpoint(listen: IpAddr, options: &Options) -> Result<Endpoint, Failure> {
    let here = listen.is_loopback() && options.external_address.is_none();
    let mut endpoint = Endpoint::builder()
        .shared_port(options.udp_port)
        .loopback(here)
        .bitrate_bounds(BitrateBounds {
            start: FIRST_BITRATE,
            ..BitrateBounds::default()
        })
        .pacing_slot(PICTURE_AT_ONCE);
    if here {
        endpoint =
            endpoint.only_addresses([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    if let Some(address) = options.external_address {
        endpoint = endpoint.external_address(None, address);
    }
    let built = endpoint.build();
    Ok(built.map_err(|error| format!("UDP port {}: {error}", options.udp_port))?)
}

/// Where publishers and viewers of the stream `live` go.
fn urls(site: &[String], options: &Options) -> Vec<String> {
    let paths: &[&str] = match options.source {
        Source::Publishers { .. } => &["whip/live", "whep/live"],
        Source::File(_) => &["whep/live"],
    };
    let urls = site
        .iter()
        .flat_map(|url| paths.iter().map(move |path| format!("{url}{path}")));
    urls.collect()
}

/// What a viewer starts with: enough for a picture, until its path was measured.
const FIRST_BITRATE: Bitrate = Bitrate::from_kbps(1_000);

/// A picture leaves with one system call, as Chromium's does: what a viewer costs is mostly how often it is thought of.
const PICTURE_AT_ONCE: Duration = Duration::from_millis(40);

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").finish_non_exhaustive()
    }
}
