//! The README's first example does what it says, every time.

use std::error::Error;

/// `readme/first.rs` is the example word for word.
#[allow(clippy::print_stdout, reason = "the example shows what it heard")]
mod first {
    include!("readme/first.rs");

    pub(crate) fn whole() -> Outcome<()> {
        main()
    }
}

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_program_that_is_run_here() {
    let (_, rest) = README.split_once("```rust\n").expect("an example");
    let (shown, _) = rest.split_once("```").expect("its end");
    assert_eq!(shown, include_str!("readme/first.rs"));
}

#[test]
fn a_thousand_runs_of_the_readmes_example_all_hear_hello() -> Result<(), Box<dyn Error>> {
    for run in 1..=1000 {
        first::whole().map_err(|error| format!("run {run}: {error}"))?;
    }
    Ok(())
}
