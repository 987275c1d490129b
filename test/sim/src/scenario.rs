use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs a scenario for seeds 0 to `count`, or only for the one in `DUOLOGUE_SEED`. The seed of a
/// failure is printed.
#[expect(
    clippy::print_stderr,
    reason = "the seed must reach whoever reads the failure"
)]
pub fn for_seeds(count: u64, scenario: impl Fn(u64)) {
    let only = std::env::var("DUOLOGUE_SEED").ok();
    let only = only.and_then(|text| text.parse::<u64>().ok());
    let seeds = only.map_or(0..count, |seed| seed..seed + 1);
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scenario(seed))) {
            eprintln!("failed with seed {seed}: run it alone with DUOLOGUE_SEED={seed}");
            resume_unwind(panic);
        }
    }
}
