//! Programs that checks run and no machine has: built once, into the target folder.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{self, Outcome, cargo, command, output, target_dir};

/// A program of the Rust registry.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// The version whose findings CI follows.
    pub(crate) version: &'static str,
    /// Arguments of its `cargo install`.
    pub(crate) with: &'static [&'static str],
}

impl Tool {
    /// Its path, built when it is not there in this version.
    pub(crate) fn provide(&self) -> Outcome<PathBuf> {
        let program = tools().join("bin").join(self.name);
        if !self.is_at(&program) {
            run::run(self.install())?;
        }
        Ok(program)
    }

    /// What builds it; nothing to do when it is there in this version.
    pub(crate) fn install(&self) -> Command {
        let mut install = cargo(["install", self.name, "--version", self.version]);
        // They run for seconds: optimised ones would take minutes to build.
        install
            .args(["--locked", "--debug", "--root"])
            .arg(tools())
            .args(self.with);
        install.env("CARGO_PROFILE_DEV_DEBUG", "false");
        // Not into the workspace's own folder, where their crates would only take room.
        install.env_remove("CARGO_TARGET_DIR");
        install
    }

    fn is_at(&self, program: &std::path::Path) -> bool {
        let version = output(command(&program.display().to_string(), ["--version"]));
        version.is_ok_and(|said| said.contains(self.version))
    }
}

fn tools() -> PathBuf {
    target_dir().join("tools")
}
