//! `cargo xtask test lint`: what can be seen without running anything. Every check runs, also after
//! one that fails.

use crate::run::{self, Outcome, all, cargo, command, output, root, target_dir};
use crate::{guide, layers, package, pages, shape};

/// The version whose findings CI follows.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run() -> Outcome {
    all([
        run::run(cargo(["fmt", "--all", "--", "--check"])),
        run::run(cargo([
            "fmt",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--",
            "--check",
        ])),
        layers::check(),
        shape::check(),
        pages::check(),
        guide::check(),
        clippy(&["--workspace", "--all-targets"]),
        // Alone: beside others, its features would be theirs.
        clippy(&["-p", "duologue", "--no-default-features"]),
        clippy(&[
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--lib",
            "--tests",
            "--examples",
        ]),
        dependencies(),
        package::crates(true),
    ])
}

fn clippy(what: &[&str]) -> Outcome {
    let mut clippy = cargo(["clippy"]);
    clippy.args(what).args(["--", "-D", "warnings"]);
    // The fuzz targets are a workspace of their own: most third-party crates are built here already.
    clippy.env("CARGO_TARGET_DIR", target_dir());
    run::run(clippy)
}

/// Licences, sources and bans of `deny.toml`, by cargo-deny, which is built once.
fn dependencies() -> Outcome {
    let tools = target_dir().join("tools");
    let program = tools.join("bin/cargo-deny").display().to_string();
    let version = output(command(&program, ["--version"]));
    if !version.is_ok_and(|said| said.contains(CARGO_DENY)) {
        let mut install = cargo(["install", "cargo-deny", "--version", CARGO_DENY]);
        // It runs for two seconds: an optimised one would take minutes to build.
        install.args(["--locked", "--debug", "--root"]).arg(&tools);
        // Not into the workspace's own folder, where its crates would only take room.
        install.env_remove("CARGO_TARGET_DIR");
        run::run(install)?;
    }
    let manifest = root().join("Cargo.toml").display().to_string();
    run::run(command(
        &program,
        [
            "--manifest-path",
            &manifest,
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
    ))
}
