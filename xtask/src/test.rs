//! `cargo xtask test [PART]`

use std::time::Instant;

use clap::ValueEnum;

use crate::run::{self, Outcome, cargo, command, root};
use crate::{fuzz, layers, micro, setup};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this part; all of them, in this order, when left out
    part: Option<Part>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// Formatting, clippy with warnings as errors, and the architecture's invariants
    Lint,
    /// Unit and scenario tests of the crates, their doctests and examples, and the program against itself and coturn
    Unit,
    /// Whole connections over the simulated network, in virtual time
    Sim,
    /// Our SCTP and ICE against other implementations, in memory, and against coturn on loopback
    Interop,
    /// Two peers behind each pair of NATs, on broken links, with changing addresses: in network
    /// namespaces, which take root
    Ice,
    /// The documentation builds without a warning
    Docs,
    /// Instructions of the packet path against their baseline, under callgrind
    Micro,
    /// The npm package: build, own tests, types, clients of npm against Chromium
    Node,
    /// Chromium and Firefox against us
    Browsers,
    /// Each fuzz target for some seconds
    Fuzz,
}

/// Packages with a part of their own, left out of `unit`.
const APART: &[&str] = &[
    "duologue-sim",
    "duologue-interop",
    "duologue-browsers",
    "duologue-nat",
];

pub(crate) fn run(args: &Args) -> Outcome {
    let all = [
        Part::Lint,
        Part::Unit,
        Part::Sim,
        Part::Interop,
        Part::Ice,
        Part::Docs,
        Part::Micro,
        Part::Node,
        Part::Browsers,
        Part::Fuzz,
    ];
    let parts = args.part.as_ref().map_or(&all[..], std::slice::from_ref);
    for part in parts {
        let start = Instant::now();
        run_part(*part)?;
        println!(
            "{} in {:.0} s",
            run::styled("32", &format!("{part:?} passed"), &std::io::stdout()),
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn run_part(part: Part) -> Outcome {
    match part {
        Part::Lint => lint(),
        Part::Unit => {
            setup::provide(setup::COTURN)?;
            let mut unit = cargo(["test", "--workspace"]);
            unit.args(APART.iter().flat_map(|name| ["--exclude", name]));
            run::run(unit)?;
            // Built by now; what they show has to be true.
            for example in ["data_channel", "sans_io"] {
                run::run(cargo(["run", "-p", "duologue", "--example", example]))?;
            }
            Ok(())
        }
        Part::Sim => run::run(cargo(["test", "-p", "duologue-sim"])),
        Part::Interop => {
            setup::provide(setup::COTURN)?;
            run::run(cargo(["test", "-p", "duologue-interop"]))
        }
        Part::Ice => {
            setup::provide(setup::NETWORKS)?;
            let mut ice = cargo(["test", "-p", "duologue-nat"]);
            // One test after another: they measure time. Their tables are to be seen.
            ice.args(["--", "--nocapture", "--test-threads=1"]);
            run::run(ice)
        }
        Part::Docs => {
            let mut docs = cargo(["doc", "--workspace", "--no-deps"]);
            docs.env("RUSTDOCFLAGS", "-D warnings");
            run::run(docs)
        }
        Part::Micro => micro::run(false),
        Part::Node => node(),
        Part::Browsers => {
            setup::provide(setup::BROWSERS)?;
            setup::provide(setup::COTURN)?;
            run::run(cargo(["test", "-p", "duologue-browsers"]))
        }
        Part::Fuzz => fuzz::smoke(),
    }
}

fn lint() -> Outcome {
    run::run(cargo(["fmt", "--all", "--", "--check"]))?;
    let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--", "--check"];
    run::run(cargo(fuzz))?;
    layers::check()?;
    run::run(cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn node() -> Outcome {
    setup::provide(setup::NODE)?;
    for step in [&["ci"][..], &["run", "build"], &["test"]] {
        let mut npm = command("npm", step);
        npm.current_dir(root().join("node"));
        run::run(npm)?;
    }
    Ok(())
}
