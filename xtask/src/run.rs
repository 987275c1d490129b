//! Running programs: echoed, in the workspace's root, a failure is an error.

use std::ffi::OsStr;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Where cargo puts what it builds for this workspace.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A command in the workspace's root.
pub(crate) fn command<S: AsRef<OsStr>>(
    program: &str,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).args(args);
    command
}

/// `cargo …` with the toolchain that runs this.
pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    command(
        &std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()),
        args,
    )
}

/// Echoes the command, runs it, and asks for success.
pub(crate) fn run(command: Command) -> Outcome {
    let line = describe(&command);
    let status = status(command)?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| format!("`{line}` failed: {status}"))
}

/// Echoes the command, runs it, and tells how it ended.
pub(crate) fn status(mut command: Command) -> Outcome<ExitStatus> {
    let line = describe(&command);
    eprintln!("{}", styled("1", &format!("$ {line}"), &std::io::stderr()));
    command
        .status()
        .map_err(|e| format!("cannot start `{line}`: {e}"))
}

/// What failed among several outcomes, each of which was waited for.
pub(crate) fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let failures: Vec<String> = outcomes.into_iter().filter_map(Outcome::err).collect();
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join("\n")),
    }
}

/// Text with a style of ANSI's, where that goes to a terminal that wants it (<https://no-color.org>).
pub(crate) fn styled(style: &str, text: &str, to: &impl IsTerminal) -> String {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match to.is_terminal() && !plain {
        true => format!("\x1b[{style}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

/// Runs the command without echo and gives its standard output.
pub(crate) fn output(mut command: Command) -> Outcome<String> {
    let line = describe(&command);
    let out = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot start `{line}`: {e}"))?;
    if !out.status.success() {
        return Err(format!("`{line}` failed: {}", out.status));
    }
    String::from_utf8(out.stdout).map_err(|e| format!("`{line}` did not print UTF-8: {e}"))
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file, and its folder where that is not there. One that says this already is left alone, so that what was
/// built of it stays built.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = made.and_then(|()| fs::write(path, text));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// The commit that is checked out.
pub(crate) fn commit() -> Outcome<String> {
    let commit = output(command("git", ["rev-parse", "--short", "HEAD"]))?;
    Ok(commit.trim().to_owned())
}

/// The day, by UTC.
pub(crate) fn today() -> Outcome<String> {
    let date = output(command("date", ["-u", "+%F"]))?;
    Ok(date.trim().to_owned())
}

/// Seconds of processor time that programs took which this one has started and waited for; 0 where
/// the system does not say it as Linux does (proc(5), `/proc/pid/stat`).
pub(crate) fn cpu_of_children() -> u64 {
    /// `sysconf(_SC_CLK_TCK)`, on every Linux that Rust runs on.
    const TICKS: u64 = 100;

    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    // cutime and cstime, the 16th and 17th; the 3rd is the first behind the name.
    let times = fields.split_whitespace().skip(13).take(2);
    times
        .filter_map(|time| time.parse::<u64>().ok())
        .sum::<u64>()
        / TICKS
}

/// Whether a program of this name is on the path.
pub(crate) fn has(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|w| w.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
