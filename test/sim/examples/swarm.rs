//! Lives of the swarm: `cargo run --example swarm -- --from S --seeds N [--step K]`, or `-- FILE` for one
//! that was kept. `cargo xtask sim` runs it, optimised and on all cores.
//!
//! A seed that fails is shrunk, and what is left of it is printed and written to a file; `--as-they-are` only
//! names it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of the terminal"
)]

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::process::ExitCode;

use duologue_allocations::Counting;
use duologue_sim::swarm::{Scenario, Summary, run, shrink};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

fn memory() -> usize {
    ALLOCATOR.live_bytes()
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [file] = args.as_slice() {
        let text = std::fs::read_to_string(file).expect("the file of a scenario");
        let scenario: Scenario = text.parse().expect("a scenario");
        println!("{:?}", run(&scenario, memory));
        return ExitCode::SUCCESS;
    }
    let number = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1)?.parse::<u64>().ok()
    };
    let (from, count) = (
        number("--from").unwrap_or(0),
        number("--seeds").unwrap_or(100),
    );
    let step = number("--step").unwrap_or(1).max(1);
    let shrinks = !args.iter().any(|arg| arg == "--as-they-are");
    match live(from, count, step, shrinks) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Every `step`th seed. Returns how many failed.
fn live(from: u64, count: u64, step: u64, shrinks: bool) -> usize {
    let begun = cpu_time::ProcessTime::now();
    let (mut lives, mut failed, mut sum) = (0, 0, Summary::default());
    for seed in (from..from + count).step_by(step as usize) {
        let scenario = Scenario::random(seed);
        lives += 1;
        match attempt(&scenario) {
            Ok(summary) => {
                sum.members += summary.members;
                sum.connected += summary.connected;
                sum.messages += summary.messages;
                sum.media += summary.media;
                sum.datagrams += summary.datagrams;
            }
            Err(why) => {
                failed += 1;
                eprintln!("swarm: seed {seed} fails: {why}");
                if shrinks {
                    report(&scenario, &why);
                }
            }
        }
    }
    println!(
        "swarm: lives={lives} failed={failed} cpu={:.1} ends={} connected={} messages={} media={} datagrams={}",
        begun.elapsed().as_secs_f64(),
        sum.members,
        sum.connected,
        sum.messages,
        sum.media,
        sum.datagrams
    );
    failed
}

/// Why it fails, in the words of the check that does not hold.
fn attempt(scenario: &Scenario) -> Result<Summary, String> {
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(|| run(scenario, memory)));
    set_hook(hook);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "a panic without words".to_owned())
    })
}

/// The kind of a failure: its text without what differs from one time to another.
fn kind(why: &str) -> String {
    let digits = |c: char| if c.is_ascii_digit() { '#' } else { c };
    let text: String = why.chars().take(60).map(digits).collect();
    let mut kind = text;
    while kind.contains("##") {
        kind = kind.replace("##", "#");
    }
    kind
}

fn report(scenario: &Scenario, why: &str) {
    eprintln!(
        "swarm: once more: cargo xtask sim --from {} --seeds 1",
        scenario.seed
    );
    let wanted = kind(why);
    let small = shrink(scenario, |tried| {
        attempt(tried).is_err_and(|why| kind(&why) == wanted)
    });
    let path = std::env::temp_dir().join(format!("swarm-{}.txt", scenario.seed));
    let text = format!("# {}\n{small}", why.replace('\n', "\n# "));
    eprintln!(
        "swarm: shrunk to {} steps, in {}:\n{text}",
        small.steps.len(),
        path.display()
    );
    if let Err(error) = std::fs::write(&path, text) {
        eprintln!("swarm: {}: {error}", path.display());
    }
}
