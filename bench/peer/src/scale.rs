//! Many connections in one process: what one of them costs. Half of them share one port, as on a
//! server; the others, their peers, have a socket each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use duologue::{Bytes, DataChannel};

use crate::args::Args;
use crate::pair::{Pair, Pairs};
use crate::{Outcome, report, seconds};

/// How often messages are given to some of the connections, at most.
const TICK: Duration = Duration::from_millis(1);

/// Handshakes release their memory, and timers of the beginning fire, within this time.
const SETTLE: Duration = Duration::from_secs(3);

/// Descriptors besides one for each pair.
pub(crate) const DESCRIPTORS: u64 = 200;

pub(crate) async fn run(args: &Args) -> Outcome<String> {
    let pairs = args.get("connections", 100_usize).div_ceil(2);
    allow_descriptors(pairs as u64 + DESCRIPTORS)?;
    let source = Pairs::with_server(args)?;
    let warm = source.connect().await?;
    let (memory, cpu) = (report::resident_bytes(), report::cpu());
    let mut all = Vec::with_capacity(pairs);
    for _ in 0..pairs {
        all.push(source.connect().await?);
    }
    let set_up = report::cpu() - cpu;
    tokio::time::sleep(SETTLE).await;
    let memory = report::resident_bytes() - memory;
    let window = seconds(args.get("secs", 10.0));
    let cpu = report::cpu();
    tokio::time::sleep(window).await;
    let idle = report::cpu() - cpu;
    let busy = talk(&all, args.get("rate", 10.0_f64).max(0.1), window).await;
    // What was sent last arrives before the end is measured.
    tokio::time::sleep(SETTLE).await;
    let begin = report::cpu();
    drop(all);
    tokio::time::sleep(SETTLE).await;
    let tear_down = report::cpu() - begin;
    drop(warm);
    let connections = pairs as f64 * 2.0;
    let per_second = |cpu: Duration| cpu.as_secs_f64() * 1e6 / connections / window.as_secs_f64();
    Ok(report::line(&[
        ("connections", connections),
        ("kib_conn", memory / 1024.0 / connections),
        ("setup_ms", set_up.as_secs_f64() * 1e3 / connections),
        ("idle_us_s", per_second(idle)),
        ("busy_us_s", per_second(busy.cpu)),
        (
            "us_msg",
            busy.cpu.as_secs_f64() * 1e6 / busy.messages.max(1.0),
        ),
        ("msgs_s", busy.messages / window.as_secs_f64()),
        (
            "delay_ms",
            busy.delay.as_secs_f64() * 1e3 / busy.messages.max(1.0),
        ),
        ("teardown_us", tear_down.as_secs_f64() * 1e6 / connections),
    ]))
}

struct Busy {
    cpu: Duration,
    messages: f64,
    /// From sending to reading, over all messages.
    delay: Duration,
}

/// What has arrived.
#[derive(Default)]
struct Received {
    messages: AtomicU64,
    /// Microseconds.
    delays: AtomicU64,
}

/// Every connection sends `rate` messages a second for a time; they are counted where they arrive.
async fn talk(all: &[Pair], rate: f64, window: Duration) -> Busy {
    let channels: Vec<DataChannel> = all
        .iter()
        .flat_map(|pair| [pair.a.clone(), pair.b.clone()])
        .collect();
    let begin = Instant::now();
    let received = Arc::new(Received::default());
    let readers: Vec<_> = channels
        .iter()
        .map(|channel| tokio::spawn(count(channel.clone(), begin, received.clone())))
        .collect();
    let cpu = report::cpu();
    let (mut sent, per_second) = (0, rate * channels.len() as f64);
    // Few connections are not to pay for ticks without a message.
    let mut ticks = tokio::time::interval(TICK.max(seconds(1.0 / per_second)));
    while begin.elapsed() < window {
        ticks.tick().await;
        let due = (begin.elapsed().as_secs_f64() * per_second) as usize;
        let payload = stamped(begin.elapsed());
        for at in sent..due {
            // A full queue is no failure of the bench: what arrives is counted.
            let _ = channels[at % channels.len()].try_send(payload.clone());
        }
        sent = due;
    }
    let busy = Busy {
        cpu: report::cpu() - cpu,
        messages: received.messages.load(Ordering::Relaxed) as f64,
        delay: Duration::from_micros(received.delays.load(Ordering::Relaxed)),
    };
    for reader in readers {
        reader.abort();
    }
    busy
}

async fn count(channel: DataChannel, begin: Instant, received: Arc<Received>) {
    while let Some(message) = channel.recv().await {
        let delay = begin
            .elapsed()
            .saturating_sub(sent_at(&message.into_bytes()));
        received.messages.fetch_add(1, Ordering::Relaxed);
        received
            .delays
            .fetch_add(delay.as_micros() as u64, Ordering::Relaxed);
    }
}

/// A message that says when it was sent.
fn stamped(sent_at: Duration) -> Bytes {
    let mut payload = vec![7; 100];
    payload[..8].copy_from_slice(&(sent_at.as_nanos() as u64).to_be_bytes());
    payload.into()
}

fn sent_at(message: &[u8]) -> Duration {
    let stamp = message.first_chunk().copied().unwrap_or_default();
    Duration::from_nanos(u64::from_be_bytes(stamp))
}

/// Raises the limit of open files where it is lower.
pub(crate) fn allow_descriptors(count: u64) -> Outcome<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        let maximum = limit.maximum.map(|maximum| maximum.max(count));
        let wanted = Rlimit {
            current: Some(count),
            maximum,
        };
        setrlimit(Resource::Nofile, wanted)?;
    }
    Ok(())
}
