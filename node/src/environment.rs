//! What all connections of the process share: the runtime, the endpoint, randomness, time.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use duologue_base::{Rng, WallClock};
use duologue_dtls as dtls;
use duologue_jsep::Capabilities;
use duologue_tokio::{Endpoint, EndpointOptions};
use tokio::runtime::{Builder, Runtime};

use crate::limits::MAX_THREADS;

/// Made with the first connection. Its threads end with the process.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) endpoint: Endpoint,
    pub(crate) dtls: dtls::Context,
    _runtime: Runtime,
}

impl Environment {
    pub(crate) fn get() -> Result<&'static Self, Box<dyn Error>> {
        static SHARED: OnceLock<Environment> = OnceLock::new();
        if let Some(shared) = SHARED.get() {
            return Ok(shared);
        }
        let made = Environment::new()?;
        // Two JavaScript threads may come here at once; the first one's is kept.
        Ok(SHARED.get_or_init(|| made))
    }

    fn new() -> Result<Self, Box<dyn Error>> {
        let threads = available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("duologue")
            .enable_all()
            .build()?;
        let endpoint = {
            let _entered = runtime.enter();
            Endpoint::new(EndpointOptions::default())?
        };
        Ok(Environment {
            endpoint,
            dtls: dtls::Context::new()?,
            _runtime: runtime,
        })
    }
}

/// What this end can do.
pub(crate) fn capabilities() -> &'static Arc<Capabilities> {
    static CAPABILITIES: OnceLock<Arc<Capabilities>> = OnceLock::new();
    CAPABILITIES.get_or_init(Arc::default)
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
