//! `cargo xtask test [PART] [--repeat N] [--load N] [--standing]`

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::ahead::Ahead;
use crate::beside::Beside;
use crate::ledger::{Ledger, Run};
use crate::load::Load;
use crate::run::{self, Outcome, cargo, command, root, target_dir};
use crate::{fuzz, guide, lint, micro, peers, setup, sim, tally};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this part; all of them, in this order, when left out
    part: Option<Part>,
    /// Runs it again and again, this many times
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Busy loops that run beside it
    #[arg(long, default_value_t = 0)]
    load: usize,
    /// Runs nothing, and tells how often each part was green in a row beside four busy loops
    #[arg(long, conflicts_with_all = ["part", "repeat", "load"])]
    standing: bool,
    /// Prints no table: whoever started it has one
    #[arg(long, hide = true)]
    beside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Part {
    /// Unit and scenario tests of the crates, their doctests and examples, and the program against itself, coturn and NATS
    Unit,
    /// Whole connections over the simulated network, in virtual time: scenarios, and the first 2,000 seeds of the swarm
    Sim,
    /// Our SCTP, ICE, RTP and SRTP against other implementations, in memory, and against coturn on
    /// loopback; our files against ffmpeg
    Interop,
    /// Two peers behind each pair of NATs, on broken links, with changing addresses: in network
    /// namespaces, which take root
    Ice,
    /// The documentation and the guide build without a warning, and the guide's links lead somewhere
    Docs,
    /// Instructions of the packet path against their baseline, under callgrind
    Micro,
    /// The npm package: build, own tests, types, clients of npm against Chromium, identities with Firefox
    Node,
    /// Chromium and Firefox against us; on a path that loses packets in a network namespace, which takes root
    Browsers,
    /// Other WebRTC stacks against us: wrtc, node-datachannel, werift, aiortc (which decodes media), GStreamer, Pion,
    /// Janus
    Peers,
    /// Each fuzz target for some seconds
    Fuzz,
    /// Formatting, clippy with warnings as errors, licences and sources of dependencies, the
    /// architecture's invariants, and what is in the crates' packages
    Lint,
}

impl Part {
    /// Its part of the 45 minutes that the whole may take, in minutes; three are for what the set-up
    /// installs. Who needs more makes something else shorter.
    pub(crate) fn share(self) -> Duration {
        let minutes = match self {
            Part::Lint | Part::Docs => 2,
            // The seeds, and the tables of repair and congestion control.
            Part::Sim => 6,
            // Codecs, files, the guide and its examples are tests of crates, too.
            Part::Unit => 6,
            Part::Interop | Part::Micro | Part::Fuzz => 3,
            Part::Ice | Part::Node | Part::Peers => 4,
            Part::Browsers => 5,
        };
        Duration::from_secs(60 * minutes)
    }
}

/// Packages with a part of their own, left out of `unit`.
const APART: &[&str] = &[
    "duologue-sim",
    "duologue-interop",
    "duologue-browsers",
    "duologue-nat",
    "duologue-peers",
];

pub(crate) fn run(args: &Args) -> Outcome {
    let all = Part::value_variants();
    let parts = args.part.as_ref().map_or(all, std::slice::from_ref);
    if args.standing {
        print!("{}", tally::standing());
        return Ok(());
    }
    let _load = Load::start(args.load);
    let mut ledger = Ledger::default();
    let mut ahead = None;
    for round in 1..=args.repeat {
        let mut beside: Vec<Beside> = Vec::new();
        for part in parts {
            let (begun, cpu) = (Instant::now(), run::cpu_of_children());
            // The first build takes all cores; tests leave some of them idle.
            if args.part.is_none() && ahead.is_none() {
                let mut build = unit_tests("--tests");
                build.arg("--no-run");
                // What does not build says so where it is to run, too.
                let _ = run::run(build);
                ahead = Some(Ahead::start(builds()));
            }
            if args.part.is_none() && part.ends_with().is_some() {
                beside.push(Beside::start(round, *part)?);
                continue;
            }
            let outcome = run_part(*part);
            let run = Run {
                round,
                part: *part,
                outcome,
                took: begun.elapsed(),
            };
            keep(&mut ledger, run, (args.load, cpu))?;
            for ended in beside.extract_if(.., |beside| beside.ends_with(*part)) {
                let cpu = run::cpu_of_children();
                keep(&mut ledger, ended.end(), (args.load, cpu))?;
            }
        }
    }
    if !args.beside {
        print!("{}", ledger.table());
    }
    if args.repeat > 1 {
        print!("{}", tally::standing());
    }
    ledger.verdict()
}

/// Tells of a run, with the busy loops beside it and the processor time of programs before it.
fn keep(ledger: &mut Ledger, run: Run, (load, cpu): (usize, u64)) -> Outcome {
    eprintln!("{}", run.line());
    tally::add(&run, load, run::cpu_of_children() - cpu)?;
    ledger.add(run);
    Ok(())
}

fn run_part(part: Part) -> Outcome {
    match part {
        Part::Lint => lint::run(),
        Part::Unit => {
            setup::provide(setup::COTURN)?;
            setup::provide(setup::NATS)?;
            setup::provide(setup::CODECS)?;
            // `duologue check` looks at real NATs.
            setup::provide(setup::NETWORKS)?;
            run::all([
                run::run(unit_tests("--tests")),
                run::run(unit_tests("--doc")),
            ])
        }
        Part::Sim => run::all([run::run(tests_of("duologue-sim")), sim::smoke()]),
        Part::Interop => {
            setup::provide(setup::COTURN)?;
            setup::provide(setup::FFMPEG)?;
            setup::provide(setup::DTLS)?;
            run::run(tests_of("duologue-interop"))
        }
        Part::Ice => {
            setup::provide(setup::NETWORKS)?;
            let mut ice = tests_of("duologue-nat");
            // One test after another: they measure time. Their tables are to be seen.
            ice.args(["--", "--nocapture", "--test-threads=1"]);
            run::run(ice)
        }
        Part::Docs => run::all([run::run(docs()), guide::build()]),
        Part::Micro => micro::run(false),
        Part::Node => node(),
        Part::Browsers => {
            setup::provide(setup::BROWSERS)?;
            setup::provide(setup::NODE)?;
            setup::provide(setup::NETWORKS)?;
            setup::provide(setup::CODECS)?;
            let mut browsers = tests_of("duologue-browsers");
            browsers.env("DUOLOGUE_WEB_CLIENTS", web_clients()?);
            // A browser with its encoders is several processes: eight at once were too many for two cores.
            browsers.args(["--", "--test-threads=2"]);
            run::run(browsers)
        }
        Part::Peers => peers::quick(),
        Part::Fuzz => fuzz::smoke(),
    }
}

/// Clients of WHIP and WHEP for pages, as npm has them, in one file.
fn web_clients() -> Outcome<PathBuf> {
    let sources = root().join("test/browsers/clients");
    let folder = target_dir().join("browsers");
    peers::npm(&sources, &folder)?;
    let bundle = folder.join("clients.js");
    // By its link, which is a script of node or, once its install script has run, a program of the machine.
    let esbuild = folder.join("node_modules/.bin/esbuild");
    let esbuild = esbuild.display().to_string();
    let mut esbuild = command(&esbuild, ["--bundle", "--format=esm"]);
    esbuild.arg(format!("--outfile={}", bundle.display()));
    esbuild.arg(sources.join("clients.js"));
    esbuild.env("NODE_PATH", folder.join("node_modules"));
    esbuild.current_dir(&folder);
    run::run(esbuild)?;
    Ok(bundle)
}

/// What builds for later parts what each of them builds itself, word for word. First what is released: cargo locks those
/// folders apart from those of tests, which the next parts build and run meanwhile.
fn builds() -> Vec<Command> {
    let tests = |package| {
        let mut tests = tests_of(package);
        tests.arg("--no-run");
        tests
    };
    let mut builds = vec![
        sim::build(),
        micro::build(&[]),
        native(),
        tests("duologue-nat"),
        guide::MDBOOK.install(),
        docs(),
        tests("duologue-browsers"),
        tests("duologue-peers"),
        lint::CARGO_DENY.install(),
        fuzz::build(),
    ];
    builds.extend(lint::clippy());
    builds
}

/// Examples are tests, too, where they check their own outcome (`duologue/tests/examples.rs`): as programs of their own they
/// would be built once more.
fn unit_tests(kind: &str) -> Command {
    let mut unit = cargo(["test", "--workspace", "--no-fail-fast", kind]);
    unit.args(APART.iter().flat_map(|name| ["--exclude", name]));
    unit
}

fn docs() -> Command {
    let mut docs = cargo(["doc", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    docs
}

/// All tests of a package, also after one that fails.
fn tests_of(package: &str) -> Command {
    cargo(["test", "--no-fail-fast", "-p", package])
}

/// The core of the npm package as `npm run build` makes it, but in half the time, and with checks: it shares what it is made
/// of with the swarm.
fn native() -> Command {
    command("node", ["node/scripts/build-native.mjs", "--checked"])
}

fn node() -> Outcome {
    setup::provide(setup::NODE)?;
    let npm = |step: &[&str]| {
        let mut npm = command("npm", step);
        npm.current_dir(root().join("node"));
        run::run(npm)
    };
    npm(&["ci"])?;
    npm(&["run", "build:ts"])?;
    run::run(native())?;
    npm(&["test"])?;
    // Whether lib/native.ts is what the core's types say.
    let mut types = tests_of("duologue-node");
    types.args(["--lib", "--features", "typescript"]);
    run::run(types)
}
