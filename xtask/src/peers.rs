//! `cargo xtask peers` and `cargo xtask test peers`: installs other WebRTC stacks and connects to each.
//!
//! What is installed from npm and PyPI, and what is built, lies in `target/peers`; Debian's packages
//! are the system's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::reliability::{self, Entry};
use crate::run::{self, Outcome, cargo, command, output, read, root, target_dir, today, write};
use crate::setup::{self, Need, need};

const NEEDS: &[Need] = &[
    need("node", "nodejs"),
    need("npm", "npm"),
    need("/usr/share/doc/python3-venv", "python3-venv"),
    need("/usr/bin/janus", "janus"),
    need("go", "golang-go"),
    PION_NEED,
    need("/usr/share/doc/python3-gi", "python3-gi"),
    need(
        "/usr/share/doc/gir1.2-gst-plugins-bad-1.0",
        "gir1.2-gst-plugins-bad-1.0",
    ),
    need(
        "/usr/share/doc/gstreamer1.0-plugins-good",
        "gstreamer1.0-plugins-good",
    ),
    need(
        "/usr/share/doc/gstreamer1.0-plugins-bad",
        "gstreamer1.0-plugins-bad",
    ),
    need("/usr/share/doc/gstreamer1.0-nice", "gstreamer1.0-nice"),
];

const PION: &str = "golang-github-pion-webrtc.v3-dev";
const PION_NEED: Need = need("/usr/share/doc/golang-github-pion-webrtc.v3-dev", PION);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Browsers and the Rust registry's, too, and writes the table to `test/peers/RESULTS.md`
    #[arg(long)]
    all: bool,
    /// Only these, by parts of their names; nothing is written then
    #[arg(long, value_name = "NAME[/CELL]")]
    only: Option<String>,
}

/// `cargo xtask peers`
pub(crate) fn run(args: &Args) -> Outcome {
    if !args.all && args.only.is_none() {
        return quick();
    }
    install()?;
    setup::provide(setup::BROWSERS)?;
    rust(
        &root().join("test/peers/counterparts/rust"),
        &target_dir().join("peers/rust"),
        "dev",
    )?;
    run::run(cargo([
        "build",
        "--quiet",
        "-p",
        "duologue-peers",
        "--bins",
    ]))?;
    let program = target_dir().join("debug/peers");
    let mut peers = command(&program.display().to_string(), args.only.iter());
    peers.env(INSTALLED, target_dir().join("peers"));
    peers.stderr(Stdio::inherit());
    let out = peers.output().map_err(|e| format!("the table: {e}"))?;
    let table = String::from_utf8_lossy(&out.stdout);
    print!("{table}");
    if args.only.is_none() {
        write(&root().join(RESULTS), &format!("{}{table}", heading()?))?;
        reliability::record(&cells(&table))?;
    }
    let done = out.status.success().then_some(());
    done.ok_or_else(|| "some cells failed".to_owned())
}

/// Its line of the ledger: how many cells work, and how many do not.
fn cells(table: &str) -> Entry {
    let count = |word: &str| table.matches(word).count() as u64;
    let failed = count("| **FAILED**");
    Entry {
        command: "peers".to_owned(),
        what: "cells".to_owned(),
        count: count("| **ok**") + failed,
        cpu_seconds: 0,
        failed,
    }
}

/// What the table is, of which commit and when.
fn heading() -> Outcome<String> {
    let commit = output(command("git", ["describe", "--always", "--dirty"]))?;
    Ok(format!(
        "# Other stacks and the Rust peer\n\n\
        Written by `cargo xtask peers --all`, commit {}, {}. Each cell is a connection of its own, on loopback; **ok** says what was \
        counted: *there* by the counterpart, *here* by the Rust peer, which sends media back by frames. What a counterpart lacks, it \
        shows itself. What the columns mean: `test/peers/src/outcome.rs`.\n\n",
        commit.trim(),
        today()?,
    ))
}

const RESULTS: &str = "test/peers/RESULTS.md";

/// The variable by which tests find what is installed.
const INSTALLED: &str = "DUOLOGUE_PEERS";

/// The part of it that every run of the tests has.
pub(crate) fn quick() -> Outcome {
    install()?;
    let mut test = cargo(["test", "--no-fail-fast", "-p", "duologue-peers"]);
    // The table is to be seen.
    test.args(["--", "--nocapture"]);
    test.env(INSTALLED, target_dir().join("peers"));
    run::run(test)
}

/// All counterparts; one that is not to be had is an error.
fn install() -> Outcome {
    setup::provide(NEEDS)?;
    let sources = root().join("test/peers/counterparts");
    let folder = target_dir().join("peers");
    npm(&sources, &folder.join("npm"))?;
    python(&sources.join("requirements.txt"), &folder.join("venv"))?;
    pion(&sources.join("pion/main.go"), &folder, "counterpart").map(drop)
}

pub(crate) fn npm(sources: &Path, folder: &Path) -> Outcome {
    let inputs = ["package.json", "package-lock.json", ".npmrc"];
    let texts: Result<Vec<String>, String> =
        inputs.iter().map(|i| read(&sources.join(i))).collect();
    let texts = texts?;
    once(folder, &texts.concat(), || {
        for (name, text) in inputs.iter().zip(&texts) {
            write(&folder.join(name), text)?;
        }
        let mut npm = command("npm", ["ci"]);
        npm.current_dir(folder);
        run::run(npm)
    })
}

fn python(requirements: &Path, folder: &Path) -> Outcome {
    once(folder, &read(requirements)?, || {
        let mut venv = command("/usr/bin/python3", ["-m", "venv"]);
        venv.arg(folder);
        run::run(venv)?;
        let mut pip = command(
            &folder.join("bin/pip").display().to_string(),
            ["install", "--quiet", "--disable-pip-version-check", "-r"],
        );
        pip.arg(requirements);
        run::run(pip)
    })
}

/// In a workspace of its own, which is here without its manifest, so that nothing takes it for a part of this one: its
/// programs are in `target` afterwards. Minutes, the first time, and therefore no part of every run of the tests.
pub(crate) fn rust(sources: &Path, target: &Path, profile: &str) -> Outcome {
    let package = target.with_extension("source");
    for (from, to) in [
        ("manifest.toml", "Cargo.toml"),
        ("Cargo.lock", "Cargo.lock"),
        ("src/lib.rs", "src/lib.rs"),
        ("src/bin/str0m.rs", "src/bin/str0m.rs"),
        ("src/bin/webrtc-rs.rs", "src/bin/webrtc-rs.rs"),
    ] {
        write(&package.join(to), &read(&sources.join(from))?)?;
    }
    let mut build = cargo(["build", "--quiet", "--locked", "--profile", profile]);
    build.current_dir(package);
    build.env("CARGO_TARGET_DIR", target);
    run::run(build)
}

/// A program of this name on Pion. Built offline, from what Debian has in its own GOPATH: there, a module's version is no part of
/// its folder's name, and only a package with a `go.mod` may nevertheless write it.
pub(crate) fn pion(source: &Path, folder: &Path, name: &str) -> Outcome<PathBuf> {
    setup::provide(&[need("go", "golang-go"), PION_NEED])?;
    let gopath = folder.join("go");
    let package = gopath.join("src").join(name);
    write(&package.join("main.go"), &read(source)?)?;
    write(&package.join("go.mod"), &format!("module {name}\n"))?;
    let version = output(command(
        "dpkg-query",
        ["--show", "--showformat=${Version}", PION],
    ))?;
    let mut build = command("go", ["build", "-ldflags"]);
    build.arg(format!("-X main.version={version}"));
    let program = folder.join(match name {
        "counterpart" => "pion".to_owned(),
        name => format!("pion-{name}"),
    });
    build.arg("-o").arg(&program).arg(".");
    build.current_dir(&package);
    build.env("GO111MODULE", "off").env("GOFLAGS", "");
    build.env("GOPATH", format!("{}:/usr/share/gocode", gopath.display()));
    run::run(build)?;
    Ok(program)
}

/// Installs into `folder` unless that was done already from the same `inputs`.
fn once(folder: &Path, inputs: &str, install: impl FnOnce() -> Outcome) -> Outcome {
    let stamp = folder.join("installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|known| known == inputs) {
        return Ok(());
    }
    install()?;
    write(&stamp, inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_of_the_table_are_counted() {
        let table =
            "| a | we offer | **ok**: 1 | lacks it (1) | **FAILED** (2) |\n\n2. not **ok**\n";
        let entry = cells(table);
        assert_eq!((entry.count, entry.failed), (2, 1));
    }
}
