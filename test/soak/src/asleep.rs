//! A machine that sleeps for an hour, in virtual time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use duologue_sim::sleep_for_an_hour;

use crate::Outcome;

/// Datagrams of the first second awake.
const STORM: u64 = 100;

/// The other end's machine, or both.
pub(crate) fn for_an_hour(both: bool) -> Outcome<String> {
    let lived = catch_unwind(AssertUnwindSafe(|| sleep_for_an_hour(1, both)));
    let burst = lived.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.unwrap_or_else(|| "a check of the simulation does not hold".to_owned())
    })?;
    match burst <= STORM {
        true => Ok(format!(
            "{burst} datagrams in the first second awake; an ICE restart brought everything back"
        )),
        false => Err(format!("{burst} datagrams in the first second awake")),
    }
}
