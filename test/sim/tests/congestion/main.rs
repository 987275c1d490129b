//! The congestion controllers on the paths of RFC 8867, of libwebrtc's own tests and of L4S, ten seeds
//! each. Each test prints its rows of the table in `bench/README.md`; it fails when a value is worse
//! than what was reached, whether or not that was the goal.
//!
//! `cargo test -p duologue-sim --test congestion -- --nocapture --test-threads 1`

mod changes;
mod fairness;
mod l4s;
mod losses;
mod replay;
mod table;
