//! `cargo xtask bench compare`: the same measurements of duologue and of other stacks, in turns on one machine.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::bench::{self, DATA, MEDIA, Scenario};
use crate::peers;
use crate::run::{self, Outcome, cargo, output, root, target_dir};

/// Who is measured.
struct Peer {
    name: &'static str,
    program: PathBuf,
    /// Before the scenario.
    args: Vec<String>,
    /// After it: with what it is at its best.
    more: &'static [&'static str],
    /// What it is measured at.
    media: bool,
}

/// What a measurement came to: which peer's, of which scenario.
type Results = Vec<(usize, usize, Value)>;

pub(crate) fn run(rounds: usize, secs: u32, beside: &[String]) -> Outcome {
    if let Some(unknown) = beside.iter().find(|it| !OTHERS.contains(&it.as_str())) {
        return Err(format!("{unknown} is none of {}", OTHERS.join(", ")));
    }
    let peers = peers(|name| beside.is_empty() || beside.iter().any(|it| it == name))?;
    let scenarios: Vec<&Scenario> = DATA.iter().chain(MEDIA).collect();
    let scenarios: Vec<&Scenario> = scenarios
        .into_iter()
        .filter(|it| it.name != "mem")
        .collect();
    let mut results = Results::new();
    for round in 1..=rounds {
        for (at, scenario) in scenarios.iter().enumerate() {
            let is_media = scenario.args.first() == Some(&"rtp");
            for (who, peer) in peers.iter().enumerate() {
                if is_media && !peer.media {
                    continue;
                }
                eprintln!(
                    "round {round} of {rounds}: {}, {}",
                    scenario.name, peer.name
                );
                match peer.measure(scenario, secs) {
                    Ok(value) => results.push((who, at, value)),
                    // Its row stays empty; what it said is to be seen.
                    Err(failure) => eprintln!("{}: {failure}", peer.name),
                }
            }
        }
    }
    print(&peers, &scenarios, &results);
    match results.iter().any(|(who, _, _)| *who == 0) {
        true => Ok(()),
        false => Err("nothing of duologue was measured".to_owned()),
    }
}

/// duologue, and those of what the registries offer that are wanted.
fn peers(wanted: impl Fn(&str) -> bool) -> Outcome<Vec<Peer>> {
    run::run(cargo(["build", "--release", "-p", "duologue-bench-peer"]))?;
    let folder = target_dir().join("peers");
    let sources = root().join("bench/compare");
    let native = |name, program, media, more| Peer {
        name,
        program,
        args: Vec::new(),
        more,
        media,
    };
    let own = target_dir().join("release/bench-peer");
    let mut peers = vec![native("duologue", own, true, &[])];
    if wanted(PION) {
        let pion = peers::pion(&sources.join("pion/main.go"), &folder, "compare")?;
        peers.push(native(PION, pion, true, &[]));
    }
    if RUST.iter().any(|(name, _)| wanted(name)) {
        let rust = folder.join("rust-measured");
        match peers::rust(&sources.join("rust"), &rust, "release") {
            Ok(()) => peers.extend(RUST.iter().filter(|it| wanted(it.0)).map(|(name, more)| {
                let program = rust.join("release").join(name);
                native(*name, program, true, *more)
            })),
            Err(failure) => eprintln!("str0m and webrtc-rs are left out: {failure}"),
        }
    }
    if NODE.iter().any(|name| wanted(name)) {
        peers::npm(&root().join("test/peers/counterparts"), &folder.join("npm"))?;
        peers.extend(NODE.iter().filter(|name| wanted(name)).map(|name| Peer {
            name,
            program: PathBuf::from("node"),
            args: vec![
                sources.join("web.mjs").display().to_string(),
                (*name).to_owned(),
            ],
            more: &[],
            media: false,
        }));
    }
    Ok(peers)
}

/// All but duologue, by the names of the table.
const OTHERS: [&str; 6] = [PION, RUST[0].0, RUST[1].0, NODE[0], NODE[1], NODE[2]];
const PION: &str = "Pion";
const NODE: [&str; 3] = ["node-datachannel", "wrtc", "werift"];

/// Stacks of Rust. A sender's own limit of what waits, at which each was best on loopback: a larger one overruns the
/// default buffers of sockets.
const RUST: [(&str, &[&str]); 2] = [
    ("str0m", &["--buffer", "65536"]),
    ("webrtc-rs", &["--buffer", "65536"]),
];

impl Peer {
    fn measure(&self, scenario: &Scenario, secs: u32) -> Outcome<Value> {
        // A stack that hangs does not hold up the others.
        let mut peer = Command::new("timeout");
        peer.arg((60 + 4 * secs).to_string())
            .arg(&self.program)
            .args(&self.args)
            .args(scenario.args)
            .args(["--secs", &secs.to_string()])
            .args(self.more)
            .env("DUOLOGUE_PEERS", target_dir().join("peers"));
        let line = output(peer)?;
        serde_json::from_str(&line).map_err(|error| error.to_string())
    }
}

/// A row for each measure: medians, and how many times as good duologue is as the best of the others. Where it is
/// not ahead comes first.
fn print(peers: &[Peer], scenarios: &[&Scenario], results: &Results) {
    let mut rows = Vec::new();
    for (at, scenario) in scenarios.iter().enumerate() {
        for field in scenario.fields {
            let of = |who| median(results, who, at, field);
            let values: Vec<Option<f64>> = (0..peers.len()).map(of).collect();
            let ratio = ratio(field, &values);
            let shown: Vec<String> = values.iter().map(|it| shown(*it)).collect();
            let head = format!("| {} | {field} | {} |", scenario.name, shown.join(" | "));
            let tail = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
            rows.push((ratio.unwrap_or(f64::INFINITY), format!("{head} {tail} |")));
        }
    }
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    println!(
        "| scenario | measure | {} | times as good as the best other |",
        names.join(" | ")
    );
    println!("|---|---|{}---:|", "---:|".repeat(names.len()));
    let (behind, ahead): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(ratio, _)| *ratio < 1.0);
    for (_, row) in behind.iter().chain(&ahead) {
        println!("{row}");
    }
}

/// Above 1 is better.
fn ratio(field: &str, values: &[Option<f64>]) -> Option<f64> {
    let own = values.first().copied().flatten()?;
    let others = values.iter().skip(1).flatten().copied();
    // What is counted a second grows, what something costs falls.
    let grows = ["mb_s", "msgs_s", "recv_pps"].contains(&field);
    let (best, ratio) = match grows {
        true => {
            let best = others.reduce(f64::max)?;
            (best, own / best)
        }
        false => {
            let best = others.reduce(f64::min)?;
            (best, best / own)
        }
    };
    (own > 0.0 && best > 0.0).then_some(ratio)
}

fn median(results: &Results, who: usize, at: usize, field: &str) -> Option<f64> {
    let of = results.iter().filter(|it| (it.0, it.1) == (who, at));
    bench::median(&bench::sorted(of.map(|(_, _, it)| it), field))
}

fn shown(value: Option<f64>) -> String {
    match value {
        Some(value) if value >= 1000.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_to_the_best_other_and_above_one_is_better() {
        let values = [Some(100.0), Some(50.0), None, Some(80.0)];
        assert_eq!(ratio("mb_s", &values), Some(1.25));
        assert_eq!(ratio("p50_us", &values), Some(0.5));
        assert_eq!(ratio("mb_s", &[Some(1.0), None]), None);
        assert_eq!(ratio("mb_s", &[None, Some(1.0)]), None);
    }
}
