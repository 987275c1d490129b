//! The load of `cargo xtask bench relay`: one publisher by WHIP and many viewers by WHEP, each a connection of its own
//! that decrypts what comes and counts it by sequence number; some of them assemble frames.
//!
//! `relay-load URL --pid PID` measures the server with that process id, and prints one line of JSON.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program of the terminal")]

mod publisher;
mod server;
mod signalling;
mod viewer;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use cpu_time::ProcessTime;
use duologue::Endpoint;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use publisher::Publisher;
use viewer::{Counted, Viewer};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Debug, Parser)]
struct Args {
    /// Where the server is: http://127.0.0.1:8080
    url: String,
    /// The process whose CPU time and memory are measured
    #[arg(long)]
    pid: u32,
    #[arg(long, default_value_t = 100)]
    viewers: usize,
    /// Kilobits per second of the publisher's pictures
    #[arg(long, default_value_t = 2_000)]
    kbps: u64,
    /// Seconds that are counted, after `--warm` more
    #[arg(long, default_value_t = 10.0)]
    secs: f64,
    #[arg(long, default_value_t = 3.0)]
    warm: f64,
}

/// What is counted of the seconds.
#[derive(Serialize)]
struct Report {
    viewers: usize,
    secs: f64,
    /// Packets that viewers lack, of all that were for them.
    lost_pct: f64,
    packets_s: f64,
    /// Of the viewers that assemble them: frames of those that were published, in percent.
    frames_pct: f64,
    /// From when a frame was handed to the publisher's connection to when a viewer has its first packet.
    latency_ms_p50: f64,
    latency_ms_p99: f64,
    server_cpu_s: f64,
    /// CPU milliseconds of the server for a viewer's second.
    cpu_ms_viewer_s: f64,
    /// The part that the load takes of the CPU time of both.
    load_share: f64,
    server_mib: f64,
    /// The slowest viewer, from its offer to its first packet.
    joined_ms_max: f64,
}

/// Every so many viewers one assembles frames.
const ASSEMBLING: usize = 50;
/// Viewers that join at once.
const JOINING: usize = 16;

#[tokio::main]
async fn main() -> Outcome {
    let args = Args::parse();
    let start = Instant::now();
    // Ports of their own, as the viewers of a server have them.
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let publisher = Publisher::start(&args.url, args.kbps, start).await?;
    let viewers = join(&endpoint, &args, start).await?;
    sleep(Duration::from_secs_f64(args.warm)).await;

    viewers.iter().for_each(Viewer::begin);
    let frames_before = publisher.frames();
    let (server, own, begun) = (server::cpu(args.pid)?, ProcessTime::now(), Instant::now());
    sleep(Duration::from_secs_f64(args.secs)).await;
    let (server, own) = (server::cpu(args.pid)? - server, own.elapsed());
    let secs = begun.elapsed().as_secs_f64();
    let frames = publisher.frames() - frames_before;
    let mut sum = Counted::default();
    for viewer in &viewers {
        sum.add(viewer.counted());
    }

    let assembling = viewers.iter().filter(|viewer| viewer.assembles()).count() as u64;
    let expected_frames = (frames * assembling).max(1);
    let joined = viewers.iter().map(|viewer| viewer.joined).max();
    let report = Report {
        viewers: viewers.len(),
        secs,
        lost_pct: 100.0 * sum.lost() as f64 / sum.expected.max(1) as f64,
        packets_s: sum.received as f64 / secs,
        frames_pct: 100.0 * sum.frames as f64 / expected_frames as f64,
        latency_ms_p50: sum.latency(0.5),
        latency_ms_p99: sum.latency(0.99),
        server_cpu_s: server.as_secs_f64(),
        cpu_ms_viewer_s: 1e3 * server.as_secs_f64() / secs / viewers.len().max(1) as f64,
        load_share: own.as_secs_f64() / (own + server).as_secs_f64().max(1e-9),
        server_mib: server::resident_mib(args.pid)?,
        joined_ms_max: joined.unwrap_or_default().as_secs_f64() * 1e3,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn join(endpoint: &Endpoint, args: &Args, start: Instant) -> Outcome<Vec<Viewer>> {
    let places = Arc::new(Semaphore::new(JOINING));
    let mut joining = Vec::new();
    for number in 0..args.viewers {
        let (endpoint, url, places) = (endpoint.clone(), args.url.clone(), places.clone());
        joining.push(tokio::spawn(async move {
            let _place = places.acquire().await?;
            Viewer::join(&endpoint, &url, number % ASSEMBLING == 0, start).await
        }));
    }
    let mut viewers = Vec::new();
    for viewer in joining {
        viewers.push(viewer.await??);
    }
    Ok(viewers)
}
