//! Where codecs run: threads of the runtime for work that takes long, never those of sessions.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use duologue_codec::CodecSet;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::Host;

/// As many pictures are encoded and decoded at once as there are processors.
static PICTURES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from)));

/// Runs what takes milliseconds. `None` if it panicked, or the runtime ends.
pub(super) async fn with_picture<T: Send + 'static>(
    runtime: &Handle,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let _turn = PICTURES.acquire().await.ok()?;
    runtime.spawn_blocking(work).await.ok()
}

/// Runs what takes a fraction of a millisecond, and never waits behind pictures.
pub(super) async fn with_sound<T: Send + 'static>(
    runtime: &Handle,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    runtime.spawn_blocking(work).await.ok()
}

/// The codecs of a connection, which are looked for when they are asked for first.
pub(super) async fn codecs(host: &dyn Host) -> CodecSet {
    let find = host.codecs();
    let found = host.runtime().spawn_blocking(find);
    found.await.unwrap_or_default()
}
