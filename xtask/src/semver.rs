//! What programs that use the library would notice of its changes: its interface beside that of an earlier commit.

use crate::run::{self, Outcome, command, output};
use crate::tools::Tool;

const CARGO_SEMVER_CHECKS: Tool = Tool {
    name: "cargo-semver-checks",
    version: "0.51.0",
    with: &[],
};

/// All features of the library that this machine can have without hardware's headers.
const FEATURES: &str = "tokio,codecs,safe-codecs,legacy,files";

/// Compares with the last release, a tag `v…`. Nothing breaks that its version does not say. Before the first release
/// everything may change: then it is told what broke since `baseline`, if one is given.
pub(crate) fn check(baseline: Option<&str>) -> Outcome {
    let released = released()?;
    let Some(before) = baseline.or(released.as_deref()) else {
        println!("semver: nothing was released; --baseline COMMIT tells what broke since then");
        return Ok(());
    };
    // A commit that is not there is no comparison.
    let commit = format!("{before}^{{commit}}");
    output(command(
        "git",
        ["rev-parse", "--verify", "--quiet", &commit],
    ))
    .map_err(|_| format!("{before} names no commit"))?;

    let mut check = command(
        &CARGO_SEMVER_CHECKS.provide()?.display().to_string(),
        [
            "semver-checks",
            "-p",
            "duologue",
            "--only-explicit-features",
        ],
    );
    check.args(["--features", FEATURES, "--baseline-rev", before]);
    let status = run::status(check)?;
    match (status.code(), released) {
        (Some(0), _) => Ok(()),
        (Some(BROKE), None) => {
            println!("semver: nothing was released, so that it may");
            Ok(())
        }
        _ => Err(format!("{}: {status}", CARGO_SEMVER_CHECKS.name)),
    }
}

/// What the tool ends with when something broke; it ends otherwise when it fails itself (0.51, `src/main.rs`).
const BROKE: i32 = 100;

/// The tag of the last release before this commit; none of the first commit, or of a clone that has no other.
fn released() -> Outcome<Option<String>> {
    let parent = command("git", ["rev-parse", "--verify", "--quiet", "HEAD^"]);
    if output(parent).is_err() {
        return Ok(None);
    }
    let tags = ["tag", "--merged", "HEAD^", "--sort=-version:refname", "v*"];
    let tags = output(command("git", tags))?;
    Ok(tags.lines().next().map(str::to_owned))
}
