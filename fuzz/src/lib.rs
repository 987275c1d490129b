//! What the fuzz targets do with their input, and what must hold whatever it is.
//!
//! A target in `targets/` is one line. A parser gets the input as it is; a state machine gets a
//! list of operations made from it. A crash is a panic, an assertion here, a run over ten seconds
//! or over a gigabyte: a bug, whatever the input.
//!
//! `cargo xtask fuzz` runs all of them, `cargo xtask fuzz sdp --seconds 600` one. `seeds/` is where
//! a run starts; what it finds is kept in `corpus/`, which is not under version control.

mod parsers;

pub use parsers::{candidate, dcep, fingerprint, sdp, stun};
