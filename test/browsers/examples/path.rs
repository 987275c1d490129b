//! `cargo xtask bench path`: how the estimates of the Rust peer and of Chromium follow a path that falls from 20
//! Mbit/s to 500 kbit/s and is 20 Mbit/s again, with Chromium as the receiver of both, in turns. Linux, as root; an
//! argument says how many rounds.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::process::{Command, ExitCode};

use duologue_browsers::{Browser, CHANGING_PATH, Suite, run};
use serde_json::Value;

/// Set inside of the namespace.
const INSIDE: &str = "DUOLOGUE_CHANGING_PATH";

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1);
    let rounds = rounds.and_then(|it| it.parse().ok()).unwrap_or(3);
    let done = match std::env::var_os(INSIDE) {
        Some(_) => measure(rounds),
        None => enter(rounds),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this program once more, in a namespace.
fn enter(rounds: usize) -> Result<(), String> {
    let itself = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut inside = Command::new("unshare");
    inside
        .args(["--net", "sh", "-e", "-c", CHANGING_PATH, "sh"])
        .arg(itself)
        .arg(rounds.to_string())
        .env(INSIDE, "1");
    let done = inside.status().map_err(|error| error.to_string())?;
    match done.success() {
        true => Ok(()),
        false => Err(format!("in the namespace: {done}")),
    }
}

fn measure(rounds: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut all: Vec<(String, Value)> = Vec::new();
    for round in 1..=rounds {
        for outcome in runtime.block_on(run(Browser::Chromium, Suite::Path, ""))? {
            if let Some(error) = outcome.error {
                return Err(format!("{}: {error}", outcome.name));
            }
            let counted: Value = serde_json::from_str(&outcome.counted.unwrap_or_default())
                .map_err(|error| error.to_string())?;
            println!("round {round}, {}: {counted}", outcome.name);
            all.push((outcome.name, counted));
        }
    }
    table(&all);
    Ok(())
}

/// Medians, and the least and the most.
fn table(all: &[(String, Value)]) {
    let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    println!(
        "\n| | {} |\n|---|{}",
        names.join(" | "),
        "---:|".repeat(names.len())
    );
    let fields = all.first().and_then(|(_, counted)| counted.as_object());
    for field in fields.into_iter().flat_map(|it| it.keys()) {
        let of = |name: &str| {
            let rows = all.iter().filter(|(of, _)| of == name);
            // What did not happen was later than all that was waited for.
            let values = rows.map(|(_, counted)| counted[field].as_f64().unwrap_or(f64::INFINITY));
            let mut values: Vec<f64> = values.collect();
            values.sort_by(f64::total_cmp);
            let shown = |value: f64| match value.is_finite() {
                true => format!("{value:.2}"),
                false => "later".to_owned(),
            };
            let all = [values.len() / 2, 0, values.len() - 1];
            let [median, least, most] = all.map(|at| shown(values[at]));
            format!("{median} ({least}–{most})")
        };
        let cells: Vec<String> = names.iter().map(|name| of(name)).collect();
        println!("| {field} | {} |", cells.join(" | "));
    }
}
