//! The load of `cargo xtask bench relay`: one publisher by WHIP and many viewers by WHEP, each a connection of its own
//! that decrypts what comes and counts it by sequence number; some of them assemble frames.
//!
//! `relay-load URL --pid PID` measures the server with that process id, and prints one line of JSON; with
//! `--soak MINUTES` a line for each ten seconds, while viewers come and go.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program of the terminal")]

mod audience;
mod counted;
mod pictures;
mod publisher;
mod server;
mod signalling;
mod viewer;
mod watcher;

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use clap::Parser;
use cpu_time::ProcessTime;
use duologue::Endpoint;
use serde::Serialize;
use tokio::time::{interval, sleep};

use audience::Audience;
use publisher::Publisher;
use watcher::Watcher;

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
    /// Minutes of counting, line by line
    #[arg(long)]
    soak: Option<f64>,
    /// Viewers that come, and as many that go, in each second of `--soak`
    #[arg(long, default_value_t = 1)]
    churn: usize,
    /// Chromium is one more viewer, by the page of `duologue relay`
    #[arg(long)]
    chromium: bool,
}

/// What is counted of some time.
#[derive(Serialize)]
struct Report {
    /// Since the first viewers were there.
    at_s: f64,
    viewers: usize,
    secs: f64,
    /// Packets that viewers lack, of all that were for them.
    lost_pct: f64,
    packets_s: f64,
    /// Of the viewers that assemble them: frames of those that were published, in percent.
    frames_pct: f64,
    /// Frames that Chromium decoded and showed, of those that were published, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    chromium_pct: Option<f64>,
    /// From when a frame was handed to the publisher's connection to when a viewer took its last packet from its socket.
    latency_ms_p50: f64,
    latency_ms_p99: f64,
    server_cpu_s: f64,
    /// CPU milliseconds of the server for a viewer's second, and of the load.
    cpu_ms_viewer_s: f64,
    load_ms_viewer_s: f64,
    /// The part that the load takes of the CPU time of both.
    load_share: f64,
    /// Cores that both together got.
    cores: f64,
    server_mib: f64,
    server_descriptors: usize,
    server_threads: usize,
    /// The slowest viewer of those that came, from its offer to its first packet.
    joined_ms_max: f64,
}

/// Of one line of `--soak`.
const LINE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Outcome {
    let args = Args::parse();
    // A port of its own for each, as the viewers of a server have them, and one address.
    let endpoint = Endpoint::builder()
        .loopback(true)
        .only_addresses([Ipv4Addr::LOCALHOST.into()])
        .build()?;
    let publisher = Publisher::start(&args.url, args.kbps, &endpoint).await?;
    let audience = Audience::new();
    let mut watcher = match args.chromium {
        true => Some(Watcher::start(&args.url).await?),
        false => None,
    };
    audience.join(&endpoint, &args.url, args.viewers).await?;
    sleep(Duration::from_secs_f64(args.warm)).await;

    audience.forget();
    if let Some(watcher) = &mut watcher {
        watcher.take().await?;
    }
    let mut measuring = Measuring::begin(args.pid, &publisher)?;
    let Some(minutes) = args.soak else {
        sleep(Duration::from_secs_f64(args.secs)).await;
        return measuring.tell(&publisher, &audience, &mut watcher).await;
    };
    let begun = Instant::now();
    let mut second = interval(Duration::from_secs(1));
    while begun.elapsed().as_secs_f64() < 60.0 * minutes {
        second.tick().await;
        audience.leave(args.churn);
        audience.join(&endpoint, &args.url, args.churn).await?;
        if measuring.since.elapsed() >= LINE {
            measuring.tell(&publisher, &audience, &mut watcher).await?;
        }
    }
    Ok(())
}

/// What there was when the last report was made.
struct Measuring {
    pid: u32,
    begun: Instant,
    since: Instant,
    frames: u64,
    server: Duration,
    own: ProcessTime,
}

impl Measuring {
    fn begin(pid: u32, publisher: &Publisher) -> Outcome<Self> {
        Ok(Measuring {
            pid,
            begun: Instant::now(),
            since: Instant::now(),
            frames: publisher.frames(),
            server: server::cpu(pid)?,
            own: ProcessTime::now(),
        })
    }

    /// Prints what was counted since the last time.
    async fn tell(
        &mut self,
        publisher: &Publisher,
        audience: &Audience,
        watcher: &mut Option<Watcher>,
    ) -> Outcome {
        let (server, own) = (server::cpu(self.pid)? - self.server, self.own.elapsed());
        let secs = self.since.elapsed().as_secs_f64();
        let frames = publisher.frames() - self.frames;
        let mut taken = audience.take();
        let chromium_pct = match watcher {
            Some(watcher) => Some(100.0 * watcher.take().await? as f64 / frames.max(1) as f64),
            None => None,
        };

        let (server, own) = (server.as_secs_f64(), own.as_secs_f64());
        let viewer_seconds = secs * taken.viewers.max(1) as f64;
        let expected_frames = (frames * taken.assembling as u64).max(1);
        let report = Report {
            at_s: self.begun.elapsed().as_secs_f64(),
            viewers: taken.viewers,
            secs,
            lost_pct: taken.counted.lost_pct(),
            packets_s: taken.counted.received as f64 / secs,
            frames_pct: 100.0 * taken.counted.frames as f64 / expected_frames as f64,
            chromium_pct,
            latency_ms_p50: taken.counted.latency(0.5),
            latency_ms_p99: taken.counted.latency(0.99),
            server_cpu_s: server,
            cpu_ms_viewer_s: 1e3 * server / viewer_seconds,
            load_ms_viewer_s: 1e3 * own / viewer_seconds,
            load_share: own / (own + server).max(1e-9),
            cores: (own + server) / secs,
            server_mib: server::resident_mib(self.pid)?,
            server_descriptors: server::entries(self.pid, "fd")?,
            server_threads: server::entries(self.pid, "task")?,
            joined_ms_max: taken.joined.as_secs_f64() * 1e3,
        };
        println!("{}", serde_json::to_string(&report)?);

        let begun = self.begun;
        *self = Measuring {
            begun,
            ..Measuring::begin(self.pid, publisher)?
        };
        Ok(())
    }
}
