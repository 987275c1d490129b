//! Two duologue peers in one process over loopback, measured as `compare.py` measures every peer
//! of the side-by-side comparison: through the public API on tokio, as users get it.
//!
//! `bench-peer setup|dc|ping|mem|rtp|scale|server|video --key value …` prints one line of JSON.

mod args;
mod pair;
mod report;
mod rtp;
mod scale;
mod server;
mod video;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use duologue::{Bytes, DataChannel};

use crate::args::Args;
use crate::pair::Pairs;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args = Args::parse(std::env::args().skip(1));
    // On a worker thread, where tokio programs do their work: the main thread is none.
    let line = tokio::spawn(run(args)).await??;
    #[allow(clippy::print_stdout, reason = "the line is the program's output")]
    {
        println!("{line}");
    }
    Ok(())
}

async fn run(args: Args) -> Outcome<String> {
    let pairs = Pairs::new(&args)?;
    match args.scenario.as_str() {
        "setup" => setup(&args, &pairs).await,
        "dc" => throughput(&args, &pairs).await,
        "ping" => ping(&args, &pairs).await,
        "mem" => memory(&args, &pairs).await,
        "rtp" => rtp::run(&args).await,
        "scale" => scale::run(&args).await,
        "server" => server::run(&args).await,
        "video" => video::run(&args).await,
        other => Err(format!(
            "unknown scenario {other:?}: setup, dc, ping, mem, rtp, scale, server or video"
        )
        .into()),
    }
}

async fn setup(args: &Args, pairs: &Pairs) -> Outcome<String> {
    pairs.connect().await?;
    let cpu = report::cpu();
    let mut times = Vec::new();
    for _ in 0..args.get("n", 50) {
        let begin = Instant::now();
        let pair = pairs.connect().await?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        drop(pair);
    }
    Ok(report::setup(times, report::cpu() - cpu))
}

async fn throughput(args: &Args, pairs: &Pairs) -> Outcome<String> {
    let pair = pairs.connect().await?;
    let message = Bytes::from(vec![0x5a; args.get("size", 16_384)]);
    tokio::spawn(async move { while pair.a.send(message.clone()).await.is_ok() {} });
    let received = Arc::new(Received::default());
    tokio::spawn(count(pair.b, received.clone()));
    tokio::time::sleep(seconds(args.get("warm", 1.0))).await;
    let (cpu, begin) = (report::cpu(), Instant::now());
    let (bytes, messages) = received.read();
    tokio::time::sleep(seconds(args.get("secs", 10.0))).await;
    let (all_bytes, all_messages) = received.read();
    Ok(report::throughput(
        all_bytes - bytes,
        all_messages - messages,
        begin.elapsed(),
        report::cpu() - cpu,
    ))
}

/// What has arrived at the receiver.
#[derive(Default)]
struct Received {
    bytes: AtomicU64,
    messages: AtomicU64,
}

impl Received {
    fn add(&self, bytes: u64, messages: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.messages.fetch_add(messages, Ordering::Relaxed);
    }

    fn read(&self) -> (f64, f64) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        (bytes as f64, self.messages.load(Ordering::Relaxed) as f64)
    }
}

async fn count(channel: DataChannel, received: Arc<Received>) {
    while let Some(message) = channel.recv().await {
        received.add(message.len() as u64, 1);
    }
}

async fn ping(args: &Args, pairs: &Pairs) -> Outcome<String> {
    let pair = pairs.connect().await?;
    tokio::spawn(async move {
        while let Some(message) = pair.b.recv().await {
            if pair.b.send(message).await.is_err() {
                break;
            }
        }
    });
    let n: usize = args.get("n", 5000);
    let payload = Bytes::from_static(&[7; 64]);
    let (mut times, mut cpu) = (Vec::with_capacity(n), Duration::ZERO);
    let warm = n / 10;
    for i in 0..n + warm {
        if i == warm {
            cpu = report::cpu();
        }
        let begin = Instant::now();
        pair.a.send(payload.clone()).await?;
        pair.a.recv().await.ok_or("the channel closed")?;
        if i >= warm {
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    Ok(report::ping(times, report::cpu() - cpu))
}

async fn memory(args: &Args, pairs: &Pairs) -> Outcome<String> {
    let warm = pairs.connect().await?;
    let before = report::resident_bytes();
    let mut all = Vec::new();
    for _ in 0..args.get("pairs", 200) {
        all.push(pairs.connect().await?);
    }
    let line = report::memory(before, report::resident_bytes(), all.len());
    drop((warm, all));
    Ok(line)
}

fn seconds(secs: f64) -> Duration {
    Duration::from_secs_f64(secs.max(0.0))
}
