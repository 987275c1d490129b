//! `cargo xtask bench data`: data channels between two of our peers over loopback.
//! `cargo xtask bench media`: packets of RTP between two of them.
//! `cargo xtask bench scale`: what a connection costs among many.
//! `cargo xtask bench server`: many connections to one port at full speed.
//! `cargo xtask bench compare`: the first two beside other stacks.
//! `cargo xtask bench relay`: many viewers of one publisher, beside Pion.
//! `cargo xtask bench quality`: pictures after our encoders and after those of the libraries' own programs.
//! `cargo xtask bench call`: a video call: what it costs beside its codecs, how late it is seen and heard beside Chromium.
//! `cargo xtask bench path`: our estimate and Chromium's of a path whose rate falls and comes back.
//! `cargo xtask bench micro`: instructions of the packet path.

use std::process::Command;

use clap::ValueEnum;
use serde_json::Value;

use crate::relay::RelayArgs;
use crate::run::{self, Outcome, cargo, output, target_dir};
use crate::{compare, micro, relay, setup};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which bench
    bench: Bench,
    /// Rounds; the table has medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each throughput measurement
    #[arg(long, default_value_t = 5)]
    secs: u32,
    /// The baseline of `micro` takes what is less than it had, and new pieces
    #[arg(long)]
    update: bool,
    /// `micro` beside itself without any logging compiled in
    #[arg(long, conflicts_with = "update")]
    log: bool,
    /// `compare` with this one alone, besides duologue (may repeat): those on Node take longest
    #[arg(long, value_name = "NAME")]
    beside: Vec<String>,
    #[command(flatten)]
    relay: RelayArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bench {
    /// Throughput by message size, round trip, set-up and memory of data channels
    Data,
    /// Packets of RTP, as fast as they are taken and 5,000 a second
    Media,
    /// Cost per connection with 2, 100, 1,000 and 10,000 of them in one process
    Scale,
    /// Throughput of 1, 100 and 1,000 connections to one port, and to a port of each
    Server,
    /// One publisher of 2 Mbit/s and many viewers, by our relay and by Debian's Pion
    Relay,
    /// Data channels and packets of RTP, beside other stacks, in turns
    Compare,
    /// PSNR at 1 and 2 Mbit/s, beside `vpxenc` and `aomenc`
    Quality,
    /// CPU of a call beside its codecs; from glass to glass, and sound on bad networks, beside Chromium
    Call,
    /// The estimates of the Rust peer and of Chromium on a path of 20 Mbit/s, 500 kbit/s and 20 Mbit/s again
    Path,
    /// Instructions of the packet path, piece by piece, against their baseline
    Micro,
}

/// A row of the table: its name, the arguments of `bench-peer`, and the fields to show.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) args: &'static [&'static str],
    pub(crate) fields: &'static [&'static str],
}

pub(crate) const DATA: &[Scenario] = &[
    Scenario {
        name: "setup",
        args: &["setup", "--n", "50"],
        fields: &["ms", "cpu_ms_pair"],
    },
    Scenario {
        name: "dc-64b",
        args: &["dc", "--size", "64"],
        fields: &["msgs_s", "cpu_us_msg"],
    },
    Scenario {
        name: "dc-1k",
        args: &["dc", "--size", "1024"],
        fields: &["mb_s", "cpu_s_gb"],
    },
    Scenario {
        name: "dc-16k",
        args: &["dc", "--size", "16384"],
        fields: &["mb_s", "cpu_s_gb"],
    },
    Scenario {
        name: "dc-64k",
        args: &["dc", "--size", "65536"],
        fields: &["mb_s", "cpu_s_gb"],
    },
    Scenario {
        name: "ping",
        args: &["ping", "--n", "5000"],
        fields: &["p50_us", "p99_us"],
    },
    Scenario {
        name: "mem",
        args: &["mem", "--pairs", "200"],
        fields: &["kib_conn"],
    },
];

const MEDIA_FIELDS: &[&str] = &["recv_pps", "loss_pct", "cpu_s_mpkt"];

pub(crate) const MEDIA: &[Scenario] = &[
    Scenario {
        name: "rtp-max",
        args: &["rtp"],
        fields: MEDIA_FIELDS,
    },
    Scenario {
        name: "rtp-5k",
        args: &["rtp", "--pps", "5000"],
        fields: MEDIA_FIELDS,
    },
];

const SCALE_FIELDS: &[&str] = &[
    "kib_conn",
    "setup_ms",
    "idle_us_s",
    "busy_us_s",
    "us_msg",
    "msgs_s",
    "delay_ms",
    "teardown_us",
];

const SCALE: &[Scenario] = &[
    Scenario {
        name: "2 connections",
        args: &["scale", "--connections", "2"],
        fields: SCALE_FIELDS,
    },
    Scenario {
        name: "100 connections",
        args: &["scale", "--connections", "100"],
        fields: SCALE_FIELDS,
    },
    Scenario {
        name: "1,000 connections",
        args: &["scale", "--connections", "1000"],
        fields: SCALE_FIELDS,
    },
    Scenario {
        name: "10,000 connections",
        args: &["scale", "--connections", "10000"],
        fields: SCALE_FIELDS,
    },
];

const SERVER_FIELDS: &[&str] = &["mb_s", "cpu_s_gb", "lost_s"];

const SERVER: &[Scenario] = &[
    Scenario {
        name: "1 connection",
        args: &["server", "--connections", "1"],
        fields: SERVER_FIELDS,
    },
    Scenario {
        name: "100 connections",
        args: &["server", "--connections", "100"],
        fields: SERVER_FIELDS,
    },
    Scenario {
        name: "1,000 connections",
        args: &["server", "--connections", "1000"],
        fields: SERVER_FIELDS,
    },
    Scenario {
        name: "1,000 connections, own ports",
        args: &["server", "--connections", "1000", "--own", "1"],
        fields: SERVER_FIELDS,
    },
];

pub(crate) fn run(args: &Args) -> Outcome {
    match args.bench {
        Bench::Data => table(DATA, args),
        Bench::Media => table(MEDIA, args),
        Bench::Scale => table(SCALE, args),
        Bench::Server => table(SERVER, args),
        Bench::Compare => compare::run(args.rounds, args.secs, &args.beside),
        Bench::Relay => relay::run(args.relay, args.rounds, args.secs),
        Bench::Quality => quality(),
        Bench::Call => call(args),
        Bench::Path => path(args.rounds),
        Bench::Micro if args.log => micro::cost_of_logging(),
        Bench::Micro => micro::run(args.update),
    }
}

const CALL_FIELDS: &[&str] = &[
    "cpu_ratio",
    "codec_ms_picture",
    "cpu_ms_picture",
    "shown",
    "copied_to_encoder",
    "copied_to_reader",
];

const CALL: &[Scenario] = &[
    Scenario {
        name: "call, VP8",
        args: &["video", "--codec", "VP8"],
        fields: CALL_FIELDS,
    },
    Scenario {
        name: "call, VP9",
        args: &["video", "--codec", "VP9"],
        fields: CALL_FIELDS,
    },
    Scenario {
        name: "call, H264",
        args: &["video", "--codec", "H264"],
        fields: CALL_FIELDS,
    },
];

/// What a call costs, and then the tables that the second program makes itself.
fn call(args: &Args) -> Outcome {
    setup::provide(setup::CODECS)?;
    setup::provide(setup::BROWSERS)?;
    table(CALL, args)?;
    run::run(cargo([
        "build",
        "--release",
        "-p",
        "duologue-browsers",
        "--example",
        "call",
    ]))?;
    let mut measured = Command::new(target_dir().join("release/examples/call"));
    measured.arg(args.rounds.to_string());
    run::run(measured)
}

/// The bench makes its table itself. It is the path that bounds it: as tests are built is fast enough.
fn path(rounds: usize) -> Outcome {
    setup::provide(setup::BROWSERS)?;
    setup::provide(setup::NETWORKS)?;
    run::run(cargo([
        "build",
        "-p",
        "duologue-browsers",
        "--example",
        "path",
    ]))?;
    let mut measured = Command::new(target_dir().join("debug/examples/path"));
    measured.arg(rounds.to_string());
    run::run(measured)
}

fn table(scenarios: &[Scenario], args: &Args) -> Outcome {
    run::run(cargo(["build", "--release", "-p", "duologue-bench-peer"]))?;
    let program = target_dir().join("release/bench-peer");
    let mut rows: Vec<Vec<Value>> = vec![Vec::new(); scenarios.len()];
    for round in 1..=args.rounds {
        for (scenario, results) in scenarios.iter().zip(&mut rows) {
            eprintln!("round {round} of {}: {}", args.rounds, scenario.name);
            let mut peer = Command::new(&program);
            peer.args(scenario.args)
                .args(["--secs", &args.secs.to_string()]);
            let line = output(peer)?;
            results.push(serde_json::from_str(&line).map_err(|e| format!("bench-peer: {e}"))?);
        }
    }
    println!("| scenario | measure | median | min | max |\n|---|---|---:|---:|---:|");
    for (scenario, results) in scenarios.iter().zip(&rows) {
        for field in scenario.fields {
            print_row(scenario.name, field, results);
        }
    }
    Ok(())
}

/// What comes of it is the same in each round, but for the time that it takes.
fn quality() -> Outcome {
    setup::provide(setup::CODECS)?;
    setup::provide(setup::ENCODERS)?;
    run::run(cargo([
        "build",
        "--release",
        "-p",
        "duologue-bench-quality",
    ]))?;
    let folder = target_dir().join("quality");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut bench = Command::new(target_dir().join("release/bench-quality"));
    bench.arg(&folder);
    let lines = output(bench)?;
    println!(
        "| codec | asked for, kbit/s | ours, dB | kbit/s | ms a picture | program | dB | kbit/s | ms a picture | dB more |"
    );
    println!("|---|---:|---:|---:|---:|---|---:|---:|---:|---:|");
    for line in lines.lines() {
        let row: Value = serde_json::from_str(line).map_err(|e| format!("bench-quality: {e}"))?;
        let number = |field: &str| row[field].as_f64().unwrap_or(f64::NAN);
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        println!(
            "| {} | {:.0} | {:.2} | {:.0} | {:.1} | {} | {:.2} | {:.0} | {:.1} | {:+.2} |",
            text("codec"),
            number("kilobits"),
            number("psnr"),
            number("rate"),
            number("ms"),
            text("program"),
            number("program_psnr"),
            number("program_rate"),
            number("program_ms"),
            number("psnr") - number("program_psnr"),
        );
    }
    Ok(())
}

/// What was measured of this, the least first.
pub(crate) fn sorted<'r>(results: impl IntoIterator<Item = &'r Value>, field: &str) -> Vec<f64> {
    let values = results.into_iter().filter_map(|it| it[field].as_f64());
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

pub(crate) fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn print_row(name: &str, field: &str, results: &[Value]) {
    let values = sorted(results, field);
    if let (Some(min), Some(max), Some(median)) = (values.first(), values.last(), median(&values)) {
        println!("| {name} | {field} | {median:.2} | {min:.2} | {max:.2} |");
    }
}
