//! Other WebRTC stacks, as npm, PyPI and Debian have them, against the Rust peer.
//!
//! Each counterpart is a small program in `counterparts/` that obeys JSON lines (see `process.rs`)
//! and reports, by its own count and checksum, what reached it. `cargo xtask test peers` installs
//! them all and runs `tests/table.rs`, and `tests/media.rs`, in which one of them decodes what it is sent.
#![forbid(unsafe_code)]

mod cells;
mod counterpart;
mod janus;
mod media;
mod pair;
mod pattern;
mod process;
mod table;

pub use cells::{Way, run};
pub use counterpart::{ALL, Counterpart};
pub use media::media;
pub use table::{Cell, Row, print};
