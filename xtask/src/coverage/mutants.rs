//! In Node: `node/scripts/mutant.cjs` lets something throw, and a test has to fail.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Row, Test};
use crate::run::{Outcome, root};

pub(super) fn run(rows: &[&Row]) -> Outcome {
    let mut sound: BTreeMap<&Test, bool> = BTreeMap::new();
    let mut survivors = Vec::new();
    for row in rows {
        let test = &row.node_test;
        let is_sound = *sound
            .entry(test)
            .or_insert_with(|| ends_well(test, None) == Some(true));
        let failed = is_sound && ends_well(test, Some(row)) == Some(false);
        println!(
            "{} {}",
            if failed { "killed  " } else { "SURVIVED" },
            row.node
        );
        if !failed {
            let why = if is_sound {
                "passes without it"
            } else {
                "fails as it is"
            };
            survivors.push(format!(
                "{}: node/{}: {} {why}",
                row.node, test.file, test.name
            ));
        }
    }
    match survivors.is_empty() {
        true => Ok(()),
        false => Err(survivors.join("\n")),
    }
}

/// Whether the test passes; none: it was not run. One that hangs does not.
fn ends_well(test: &Test, mutant: Option<&Row>) -> Option<bool> {
    let mut node = Command::new("node");
    node.current_dir(root().join("node"));
    if let Some(row) = mutant {
        node.args(["--require", "./scripts/mutant.cjs"])
            .env("DUOLOGUE_MUTANT", &row.node)
            .env("DUOLOGUE_MUTANT_IN", &row.entry);
    }
    let pattern = format!("^{}$", escaped(&test.name));
    node.args([
        "--test-force-exit",
        "--test-reporter=tap",
        "--test-name-pattern",
        &pattern,
        &test.file,
    ]);
    node.stdout(Stdio::piped()).stderr(Stdio::null());

    let mut child = node.spawn().ok()?;
    let until = Instant::now() + LIMIT;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().ok()? {
            let out = child.wait_with_output().ok()?;
            let ran = String::from_utf8_lossy(&out.stdout).contains("# pass 1");
            return match status.success() {
                true => ran.then_some(true),
                false => Some(false),
            };
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().ok()?;
    child.wait().ok()?;
    Some(false)
}

/// As a regular expression that is this text.
fn escaped(text: &str) -> String {
    let special = |c: char| "\\^$.|?*+()[]{}/".contains(c);
    let escape = |c: char| [special(c).then_some('\\'), Some(c)];
    text.chars().flat_map(escape).flatten().collect()
}

/// A promise that never settles is a failure, too.
const LIMIT: Duration = Duration::from_secs(30);
