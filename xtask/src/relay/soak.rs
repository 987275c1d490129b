//! `cargo xtask bench relay --soak MINUTES`: whether a relay is after many minutes what it was after the first.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::{RelayArgs, Running};
use crate::bench;
use crate::run::Outcome;

/// What is shown of each line of the load: its field, and how many digits.
const FIELDS: [(&str, usize); 10] = [
    ("at_s", 0),
    ("viewers", 0),
    ("lost_pct", 3),
    ("latency_ms_p50", 2),
    ("latency_ms_p99", 2),
    ("joined_ms_max", 0),
    ("cpu_ms_viewer_s", 2),
    ("server_mib", 1),
    ("server_descriptors", 0),
    ("server_threads", 0),
];

/// What must not grow, and by how much it may: as a part of what it was, and besides that. Latency is that of a
/// machine that may have become busier, so it is only to stay the same kind of number.
const FLAT: [(&str, f64, f64); 4] = [
    ("server_mib", 0.10, 4.0),
    ("server_descriptors", 0.0, 4.0),
    ("server_threads", 0.0, 0.0),
    ("latency_ms_p50", 1.0, 5.0),
];

/// Lines at the beginning in which memory finds its size.
const SETTLING: usize = 2;

pub(super) fn run(running: &Running, args: &RelayArgs, minutes: f64) -> Outcome {
    let mut load = running.load(args.viewers);
    load.args(["--soak", &minutes.to_string()])
        .args(["--churn", &args.churn.to_string()])
        .args(args.chromium.then_some("--chromium"))
        .stdout(Stdio::piped());
    let mut load = load
        .spawn()
        .map_err(|error| format!("relay-load: {error}"))?;
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    println!(
        "| {} |\n|{}",
        names.join(" | "),
        "---:|".repeat(FIELDS.len())
    );

    let mut lines: Vec<Value> = Vec::new();
    let stdout = load.stdout.take().ok_or("no output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| format!("relay-load: {error}"))?;
        let line = serde_json::from_str(&line).map_err(|error| format!("relay-load: {error}"))?;
        let shown = FIELDS.map(|(name, digits)| format!("{:.digits$}", number(&line, name)));
        println!("| {} |", shown.join(" | "));
        lines.push(line);
    }
    let status = load
        .wait()
        .map_err(|error| format!("relay-load: {error}"))?;
    match status.success() {
        true => flat(&lines),
        false => Err(format!("relay-load: {status}")),
    }
}

/// Compares the first third of what settled with the last.
fn flat(lines: &[Value]) -> Outcome {
    let settled = lines.get(SETTLING..).unwrap_or_default();
    let third = settled.len() / 3;
    if third == 0 {
        return Err("too short to see whether something grows: a line is ten seconds".to_owned());
    }
    let (first, last) = (&settled[..third], &settled[settled.len() - third..]);
    let mut grown = Vec::new();
    for (field, part, more) in FLAT {
        let (before, after) = (median(first, field), median(last, field));
        println!("{field}: {before:.2} at first, {after:.2} at last");
        if after > before * (1.0 + part) + more {
            grown.push(field);
        }
    }
    match grown.is_empty() {
        true => Ok(()),
        false => Err(format!("grows: {}", grown.join(", "))),
    }
}

fn median(lines: &[Value], field: &str) -> f64 {
    bench::median(&bench::sorted(lines, field)).unwrap_or_default()
}

fn number(line: &Value, field: &str) -> f64 {
    line[field].as_f64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mib: impl Fn(usize) -> f64) -> Vec<Value> {
        let line = |at| {
            serde_json::json!({
                "server_mib": mib(at), "server_descriptors": 20, "server_threads": 3, "latency_ms_p50": 1.0,
            })
        };
        (0..30).map(line).collect()
    }

    #[test]
    fn what_finds_its_size_is_flat_and_what_grows_on_is_not() {
        let settles = lines(|at| if at < SETTLING { 50.0 } else { 80.0 });
        assert_eq!(flat(&settles), Ok(()));
        let leaks = lines(|at| 80.0 + at as f64);
        assert_eq!(flat(&leaks), Err("grows: server_mib".to_owned()));
        assert!(flat(&leaks[..4]).is_err());
    }
}
