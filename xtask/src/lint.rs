//! `cargo xtask test lint`: what can be seen without running anything. Every check runs, also after
//! one that fails.

use std::process::Command;

use crate::run::{self, Outcome, all, cargo, command, root, target_dir};
use crate::tools::Tool;
use crate::{coverage, guide, layers, names, package, pages, shape};

pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    with: &[],
};

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
        names::check(),
        coverage::check(),
        all(clippy().map(run::run)),
        dependencies(),
        package::crates(true),
    ])
}

/// What clippy is to look at, each with warnings as errors.
pub(crate) fn clippy() -> impl Iterator<Item = Command> {
    let workspace: &[&str] = &["--workspace", "--all-targets"];
    // Alone: beside others, its features would be theirs.
    let bare: &[&str] = &["-p", "duologue", "--no-default-features"];
    // Nothing else has this code. `sound` wants the headers of a library.
    let cameras: &[&str] = &[
        "-p",
        "duologue-devices",
        "--features",
        "cameras",
        "--all-targets",
    ];
    let fuzz: &[&str] = &[
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--lib",
        "--tests",
        "--examples",
    ];
    [workspace, bare, cameras, fuzz].into_iter().map(|what| {
        let mut clippy = cargo(["clippy"]);
        clippy.args(what).args(["--", "-D", "warnings"]);
        // The fuzz targets are a workspace of their own: most third-party crates are built here already.
        clippy.env("CARGO_TARGET_DIR", target_dir());
        clippy
    })
}

/// Licences, sources and bans of `deny.toml`.
fn dependencies() -> Outcome {
    let program = CARGO_DENY.provide()?.display().to_string();
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
