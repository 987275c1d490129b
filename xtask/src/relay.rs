//! `cargo xtask bench relay`: one publisher and many viewers of `duologue relay`, and of Debian's Pion that forwards
//! the same, in turns.

mod soak;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::run::{self, Outcome, cargo, output, root, target_dir};
use crate::{bench, peers};

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct RelayArgs {
    /// Viewers of `relay`
    #[arg(long, default_value_t = 100)]
    viewers: usize,
    /// `relay` without Pion beside it
    #[arg(long)]
    alone: bool,
    /// `relay`, ours alone, for so many minutes, while viewers come and go: what grows fails
    #[arg(long, value_name = "MINUTES")]
    soak: Option<f64>,
    /// Viewers that come, and as many that go, in each second of `--soak`
    #[arg(long, value_name = "N", default_value_t = 1)]
    churn: usize,
    /// Chromium is one more viewer of `relay`, by our relay's page: what it decodes and shows
    #[arg(long)]
    chromium: bool,
}

/// What is forwarding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Server {
    Duologue,
    Pion,
}

/// A running server; dropping it ends it.
struct Running {
    child: Child,
    url: String,
}

pub(crate) fn run(args: RelayArgs, rounds: usize, secs: u32) -> Outcome {
    let packages = ["-p", "duologue-cli", "-p", "duologue-bench-relay"];
    let mut build = cargo(["build", "--release"]);
    build.args(packages);
    run::run(build)?;
    if let Some(minutes) = args.soak {
        return soak::run(
            &Running::start(Server::Duologue, Path::new(""))?,
            &args,
            minutes,
        );
    }
    let servers: &[Server] = match args.alone {
        true => &[Server::Duologue],
        false => &[Server::Duologue, Server::Pion],
    };
    let pion = match args.alone {
        true => PathBuf::new(),
        false => peers::pion(
            &root().join("bench/relay/pion/main.go"),
            &target_dir().join("peers"),
            "relay",
        )?,
    };

    let mut results: Vec<(Server, Value)> = Vec::new();
    for round in 1..=rounds {
        for server in servers {
            eprintln!("round {round} of {rounds}: {server:?}");
            results.push((*server, measure(*server, &pion, &args, secs)?));
        }
    }
    println!("| measure | duologue | Pion | ratio |\n|---|---:|---:|---:|");
    for field in FIELDS {
        let of = |server| median(&results, server, field);
        let (own, pion) = (of(Server::Duologue), of(Server::Pion));
        let shown = |value: Option<f64>| value.map_or("–".to_owned(), |it| format!("{it:.3}"));
        let ratio = own.zip(pion).filter(|(_, pion)| *pion > 0.0);
        let ratio = shown(ratio.map(|(own, pion)| own / pion));
        println!("| {field} | {} | {} | {ratio} |", shown(own), shown(pion));
    }
    Ok(())
}

const FIELDS: [&str; 13] = [
    "viewers",
    "lost_pct",
    "frames_pct",
    "chromium_pct",
    "packets_s",
    "cpu_ms_viewer_s",
    "load_ms_viewer_s",
    "load_share",
    "cores",
    "server_mib",
    "latency_ms_p50",
    "latency_ms_p99",
    "joined_ms_max",
];

fn measure(server: Server, pion: &Path, args: &RelayArgs, secs: u32) -> Outcome<Value> {
    let running = Running::start(server, pion)?;
    let mut load = running.load(args.viewers);
    load.args(["--secs", &secs.to_string()]);
    // Pion's program has no page.
    if args.chromium && server == Server::Duologue {
        load.arg("--chromium");
    }
    let line = output(load)?;
    serde_json::from_str(&line).map_err(|error| format!("relay-load: {error}"))
}

impl Running {
    fn start(server: Server, pion: &Path) -> Outcome<Self> {
        let mut command = match server {
            Server::Duologue => {
                let mut relay = Command::new(target_dir().join("release/duologue"));
                relay.args([
                    "relay",
                    "--listen",
                    "127.0.0.1:0",
                    "--max-viewers",
                    "100000",
                ]);
                relay
            }
            Server::Pion => Command::new(pion),
        };
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{server:?}: {error}"))?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        let mut lines = BufReader::new(stdout);
        let read = lines.read_line(&mut line);
        // Read on: a server whose output nobody takes stops.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
        let url = line.trim().trim_end_matches("/whip/live").to_owned();
        let running = Running { child, url };
        match read {
            Ok(_) if running.url.starts_with("http://") => Ok(running),
            _ => Err(format!("{server:?} does not say where it is: {line}")),
        }
    }
}

impl Running {
    /// What makes its viewers, and measures it.
    fn load(&self, viewers: usize) -> Command {
        let mut load = Command::new(target_dir().join("release/relay-load"));
        load.arg(&self.url)
            .args(["--pid", &self.child.id().to_string()])
            .args(["--viewers", &viewers.to_string()]);
        load
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(results: &[(Server, Value)], server: Server, field: &str) -> Option<f64> {
    let of = results.iter().filter(|(it, _)| *it == server);
    bench::median(&bench::sorted(of.map(|(_, it)| it), field))
}
