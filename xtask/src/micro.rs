//! `cargo xtask bench micro`, `cargo xtask test micro`: instructions of the packet path, counted by
//! callgrind and compared with `bench/micro/baseline.json`.
//!
//! Callgrind counts the same instructions however busy the machine is. What they are depends on the
//! processor where a library chooses its code by it: the cipher and libc (which also counts every
//! byte of a long copy as an instruction). These are shown; the rest is compared.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::run::{self, Outcome, cargo, command, output, root, target_dir};
use crate::setup;

/// More than this beyond the baseline is a regression.
const TOLERANCE: f64 = 0.03;

/// The same between two compilers: what they inline differs.
const TOLERANCE_OTHER_COMPILER: f64 = 0.30;

/// What logging may cost that is compiled in and off.
const LOGGING: f64 = 0.01;

/// Instructions that no bench is failed for: a few are a large share of the smallest.
const SLACK: f64 = 15.0;

/// Instructions of one piece of work (a packet, a record, a message), by who executes them.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Count {
    ours: f64,
    cipher: f64,
    libc: f64,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Baseline {
    compiler: String,
    /// By bench, with the unit in its name.
    instructions: BTreeMap<String, Count>,
}

/// Counts, prints, and compares; with `update`, the baseline takes what is less than it had, and what it
/// did not have.
pub(crate) fn run(update: bool) -> Outcome {
    setup::provide(setup::VALGRIND)?;
    let found = Baseline {
        compiler: output(command("rustc", ["--version"]))?.trim().to_owned(),
        instructions: count_all(&[])?,
    };
    let known = read_baseline()?;
    let failures = compare(&known, &found);
    if update {
        let text = serde_json::to_string_pretty(&known.lowered(found));
        let text = text.map_err(|e| e.to_string())? + "\n";
        std::fs::write(baseline_path(), text).map_err(|e| e.to_string())?;
    }
    // Of what was not there before `update` has just taken the count.
    let worse = failures.iter().filter(|failure| match failure {
        Failure::New(_) => !update,
        Failure::More { .. } => true,
    });
    let worse: Vec<String> = worse.map(ToString::to_string).collect();
    match worse.is_empty() {
        true => Ok(()),
        false => Err(worse.join("\n")),
    }
}

/// Counts twice, with logging compiled in and without, and fails where the lines cost too much while
/// nobody listens.
pub(crate) fn cost_of_logging() -> Outcome {
    setup::provide(setup::VALGRIND)?;
    let without = count_all(&["--features", "without-log"])?;
    let with = count_all(&[])?;
    println!("| instructions | without logging | with, off | more |");
    println!("|---|---:|---:|---:|");
    let mut failures = Vec::new();
    for (name, with) in with {
        let without = without.get(&name).copied().unwrap_or_default();
        let [before, now] = [without, with].map(Count::all);
        let more = (now / before.max(1.0) - 1.0) * 100.0;
        println!("| {name} | {before:.0} | {now:.0} | {more:.2} % |");
        if now > before * (1.0 + LOGGING) + SLACK {
            failures.push(format!("{name}: logging costs {more:.2} %"));
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join("\n")),
    }
}

impl Baseline {
    /// The least of both, piece by piece, so that small steps do not add up: what has to take more is
    /// put into the file by hand, with its reason in the commit. Between two compilers nothing can be
    /// compared, and the newer's counts it is.
    fn lowered(mut self, found: Baseline) -> Baseline {
        if self.compiler != found.compiler {
            return found;
        }
        self.instructions
            .retain(|name, _| found.instructions.contains_key(name));
        for (name, count) in found.instructions {
            let least = self.instructions.entry(name).or_insert(count);
            if count.ours < least.ours {
                *least = count;
            }
        }
        self
    }
}

/// Why a piece is not as it was.
#[derive(Debug, PartialEq)]
enum Failure {
    New(String),
    More { name: String, percent: f64 },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::New(name) => write!(
                f,
                "{name} is not in baseline.json: cargo xtask bench micro --update"
            ),
            Failure::More { name, percent } => {
                write!(f, "{name}: {percent:.0} % more instructions")
            }
        }
    }
}

fn baseline_path() -> PathBuf {
    root().join("bench/micro/baseline.json")
}

fn read_baseline() -> Outcome<Baseline> {
    match std::fs::read_to_string(baseline_path()) {
        Ok(text) => serde_json::from_str(&text).map_err(|e| format!("baseline.json: {e}")),
        Err(_) => Ok(Baseline::default()),
    }
}

/// Builds what is counted as it is shipped, but with names: they say whose an instruction is.
pub(crate) fn build(features: &[&str]) -> Command {
    let package = ["rustc", "--release", "-p", "duologue-bench-micro"];
    let rustc = ["--bin", "bench-micro", "--", "-C", "strip=none"];
    let features = features.iter().copied();
    cargo(package.into_iter().chain(features).chain(rustc))
}

fn count_all(features: &[&str]) -> Outcome<BTreeMap<String, Count>> {
    run::run(build(features))?;
    let program = target_dir().join("release/bench-micro");
    let folder = target_dir().join("micro");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut all = BTreeMap::new();
    for bench in output(command(&program.to_string_lossy(), ["list"]))?.lines() {
        let profile = folder.join(format!("{bench}.callgrind"));
        let mut valgrind = command("valgrind", ["--tool=callgrind", "--quiet"]);
        valgrind
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg("--toggle-collect=*measured_here*")
            .arg(&program)
            .arg(bench);
        let done = output(valgrind)?;
        let (pieces, unit) = done
            .trim()
            .split_once(' ')
            .ok_or("bench-micro said nothing")?;
        let pieces: f64 = pieces.parse().map_err(|_| "bench-micro gave no number")?;
        let text = std::fs::read_to_string(&profile).map_err(|e| e.to_string())?;
        all.insert(
            format!("{bench}, per {unit}"),
            sum(&text, &program).per(pieces),
        );
    }
    Ok(all)
}

impl Count {
    fn all(self) -> f64 {
        self.ours + self.cipher + self.libc
    }

    fn per(self, pieces: f64) -> Self {
        let per = |count: f64| (count / pieces * 10.0).round() / 10.0;
        Count {
            ours: per(self.ours),
            cipher: per(self.cipher),
            libc: per(self.libc),
        }
    }
}

/// Adds up what a profile says, by who executed it. The format is that of
/// <https://valgrind.org/docs/manual/cl-format.html>.
fn sum(profile: &str, program: &Path) -> Count {
    let program = program.to_string_lossy();
    let mut names: HashMap<(&str, &str), &str> = HashMap::new();
    let (mut object, mut file, mut function) = ("", "", "");
    let mut count = Count::default();
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("calls=") {
            // The next line is what was called, not what is executed here.
            lines.next();
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            let name = resolve(&mut names, key, value);
            match key {
                "ob" => object = name,
                "fl" | "fi" | "fe" => file = name,
                "fn" => function = name,
                _ => {}
            }
            continue;
        }
        let mut words = line.split(' ');
        let is_position =
            |word: &str| word.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c));
        if !words.next().is_some_and(is_position) {
            continue;
        }
        let executed = words
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(0.0);
        *count.of(object == program, file, function) += executed;
    }
    count
}

/// A name is written once, as `(number) name`, and is only `(number)` later.
fn resolve<'a>(
    names: &mut HashMap<(&'a str, &'a str), &'a str>,
    key: &'a str,
    value: &'a str,
) -> &'a str {
    let kind = match key {
        "ob" | "cob" => "object",
        "fn" | "cfn" => "function",
        _ => "file",
    };
    match value.split_once(' ') {
        Some((number, name)) => {
            names.insert((kind, number), name);
            name
        }
        None => names.get(&(kind, value)).copied().unwrap_or(""),
    }
}

impl Count {
    fn of(&mut self, in_program: bool, file: &str, function: &str) -> &mut f64 {
        if !in_program {
            &mut self.libc
        } else if file.contains("/aws-lc/") || function.contains("aws_lc") {
            &mut self.cipher
        } else {
            &mut self.ours
        }
    }
}

/// Prints the table, and says what is worse than it was.
fn compare(known: &Baseline, found: &Baseline) -> Vec<Failure> {
    let tolerance = if known.compiler == found.compiler {
        TOLERANCE
    } else {
        println!(
            "another compiler than the baseline's ({}): the tolerance is wider",
            known.compiler
        );
        TOLERANCE_OTHER_COMPILER
    };
    println!("| instructions | ours | baseline | cipher | libc |");
    println!("|---|---:|---:|---:|---:|");
    let mut failures = Vec::new();
    for (name, now) in &found.instructions {
        let before = known.instructions.get(name).copied();
        let shown = before.unwrap_or_default();
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.0} |",
            now.ours, shown.ours, now.cipher, now.libc
        );
        let Some(before) = before else {
            failures.push(Failure::New(name.clone()));
            continue;
        };
        if now.ours > before.ours * (1.0 + tolerance) + SLACK {
            failures.push(Failure::More {
                name: name.clone(),
                percent: (now.ours / before.ours.max(1.0) - 1.0) * 100.0,
            });
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
events: Ir
summary: 660

ob=(1) /t/bench-micro
fl=(1) core/sctp/src/lib.rs
fn=(1) duologue_sctp::poll
0 100
fi=(2) /rustc/vec.rs
0 20
cob=(2) /lib/libc.so.6
cfi=(3) ./string/memmove.S
cfn=(2) memcpy
calls=3 0
0 40
fn=(3) duologue_dtls::seal
0 200

ob=(2)
fl=(3)
fn=(2)
0 40

ob=(1)
fl=(4) /aws-lc/aes.S
fn=(4) _aesni_ctr32
0 300
";

    #[test]
    fn a_profile_is_added_up_by_who_executes_it() {
        let count = sum(PROFILE, Path::new("/t/bench-micro"));
        let expected = Count {
            ours: 320.0,
            cipher: 300.0,
            libc: 40.0,
        };
        assert_eq!(count, expected);
        assert_eq!(count.per(4.0).ours, 80.0);
    }

    fn baseline<const N: usize>(compiler: &str, pieces: [(&str, f64); N]) -> Baseline {
        let piece = |(name, ours): (&str, f64)| {
            let count = Count {
                ours,
                ..Count::default()
            };
            (name.to_owned(), count)
        };
        Baseline {
            compiler: compiler.to_owned(),
            instructions: pieces.map(piece).into(),
        }
    }

    #[test]
    fn more_than_the_tolerance_is_a_regression() {
        let with = |ours| baseline("rustc", [("sctp, per packet", ours)]);
        // 3 % and the slack.
        assert!(compare(&with(1000.0), &with(1045.0)).is_empty());
        assert_eq!(
            compare(&with(1000.0), &with(1500.0)),
            [Failure::More {
                name: "sctp, per packet".to_owned(),
                percent: 50.0
            }]
        );
        assert_eq!(compare(&with(1000.0), &with(1046.0)).len(), 1);
        assert!(compare(&with(1000.0), &with(500.0)).is_empty());
        assert_eq!(
            compare(&Baseline::default(), &with(1.0)),
            [Failure::New("sctp, per packet".to_owned())]
        );
    }

    #[test]
    fn an_update_lowers_what_is_there_and_adds_what_is_new() {
        let before = [("fewer", 100.0), ("gone", 100.0), ("more", 100.0)];
        let found = [("fewer", 90.0), ("more", 101.0), ("new", 5.0)];
        let after = [("fewer", 90.0), ("more", 100.0), ("new", 5.0)];
        let [before, found, after] = [
            baseline("rustc", before),
            baseline("rustc", found),
            baseline("rustc", after),
        ];
        let updated = before.lowered(found);
        assert_eq!(updated.instructions, after.instructions);
    }

    #[test]
    fn another_compiler_begins_another_baseline() {
        let found = baseline("rustc 2", [("piece", 200.0)]);
        let updated = baseline("rustc 1", [("piece", 100.0)]).lowered(found);
        assert_eq!(updated.compiler, "rustc 2");
        assert_eq!(
            updated.instructions,
            baseline("", [("piece", 200.0)]).instructions
        );
    }
}
