//! Other WebRTC stacks, as npm, PyPI, Debian and the Rust registry have them, against the Rust peer.
//!
//! Each counterpart is a small program in `counterparts/` that obeys JSON lines (see `process.rs`)
//! and reports, by its own count and checksum, what reached it; browsers have the page of
//! `test/browsers`. `cargo xtask peers --all` installs them all and writes `RESULTS.md`; `cargo xtask test
//! peers` runs `tests/table.rs`, the part of it that is quick.
#![forbid(unsafe_code)]

mod browsers;
mod cells;
mod changes;
mod counterpart;
mod data;
mod janus;
mod media;
mod outcome;
mod pair;
mod pattern;
mod process;
mod table;

pub use outcome::{Found, Offerer, Outcome, What};
pub use table::{Row, Selection, print};
