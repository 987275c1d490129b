//! What connections share: the runtime, endpoints, randomness, time.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use duologue_base::{Rng, WallClock};
use duologue_codec::CodecSet;
use duologue_dtls as dtls;
use duologue_jsep::Capabilities;
use duologue_session::SessionConfig;
use duologue_tokio::{Endpoint, EndpointOptions};
use tokio::runtime::{Builder, Runtime};

use crate::limits::MAX_THREADS;
use crate::log;

/// Files that say what happened: `docs/event-log.md`.
const EVENT_LOG: &str = "DUOLOGUE_EVENT_LOG";
const PACKET_CAPTURE: &str = "DUOLOGUE_PACKET_CAPTURE";

/// An endpoint, and what its connections are made with.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) endpoint: Endpoint,
    pub(crate) session: SessionConfig,
    pub(crate) capabilities: Arc<Capabilities>,
    epoch: OnceLock<Duration>,
}

impl Environment {
    /// That of the connections which name no endpoint; made with the first of them.
    pub(crate) fn shared() -> Result<Arc<Self>, Box<dyn Error>> {
        static SHARED: OnceLock<Arc<Environment>> = OnceLock::new();
        if let Some(shared) = SHARED.get() {
            return Ok(shared.clone());
        }
        let file = |variable| std::env::var_os(variable).filter(|path| !path.is_empty());
        let options = EndpointOptions {
            event_log: file(EVENT_LOG).map(Into::into),
            packet_capture: file(PACKET_CAPTURE).map(Into::into),
            ..EndpointOptions::default()
        };
        let made = Arc::new(Environment::new(options, Capabilities::default(), |_| {})?);
        // Two JavaScript threads may come here at once; the first one's is kept.
        Ok(SHARED.get_or_init(|| made).clone())
    }

    pub(crate) fn new(
        driver: EndpointOptions,
        capabilities: Capabilities,
        configure: impl FnOnce(&mut SessionConfig),
    ) -> Result<Self, Box<dyn Error>> {
        log::start();
        let mut session = SessionConfig::new(dtls::Context::new()?);
        // JavaScript takes the memory itself.
        session.sctp.keep_message_memory = 0;
        session.ice.loopback = driver.interfaces.loopback;
        configure(&mut session);
        let endpoint = {
            let _entered = runtime()?.enter();
            Endpoint::new(driver)?
        };
        session.wall_clock = endpoint.origin();
        session.may_fragment = endpoint.may_fragment();
        Ok(Environment {
            endpoint,
            session,
            capabilities: Arc::new(capabilities),
            epoch: OnceLock::new(),
        })
    }

    /// The time since 1970 at the origin of the endpoint's clock, as JavaScript's clock has it, whose time is `now`: found out
    /// once, so that one moment is always told as one time.
    pub(crate) fn epoch(&self, now: Duration) -> Duration {
        let begun = || now.saturating_sub(self.endpoint.now().since_origin());
        *self.epoch.get_or_init(begun)
    }
}

/// Those of this machine, and what is built in. The first call takes about a tenth of a second.
pub(crate) fn codecs() -> CodecSet {
    static CODECS: OnceLock<CodecSet> = OnceLock::new();
    CODECS.get_or_init(duologue_raw::found_codecs).clone()
}

/// The one of the process. Its threads end with it.
pub(crate) fn runtime() -> Result<&'static Runtime, Box<dyn Error>> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let threads = available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS));
    let made = Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("duologue")
        .enable_all()
        .build()?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// What this end can do, whatever the endpoint.
pub(crate) fn capabilities() -> &'static Capabilities {
    static CAPABILITIES: OnceLock<Capabilities> = OnceLock::new();
    CAPABILITIES.get_or_init(Capabilities::default)
}

/// A generator seeded by the operating system.
pub(crate) fn rng() -> Result<Rng, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(Rng::from_seed(seed))
}

pub(crate) fn wall_clock() -> WallClock {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallClock::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
