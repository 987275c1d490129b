//! Chromium and Firefox against the Rust peer.
//!
//! The scenarios are JavaScript (`page/scenarios.js`), because the browser is the one to be asked.
//! They drive the Rust peer through its own W3C methods, by HTTP, and see its events. This crate is
//! that server, and starts the browsers. The page of the demo is used as a visitor does, by
//! WebDriver ([`Page`]).
#![forbid(unsafe_code)]

mod forwards;
mod glass;
mod hearing;
mod launch;
mod path;
mod peer;
mod raw;
mod server;
mod watch;
mod webdriver;
mod wire;

pub use launch::{Browser, Running};
pub use path::NAMESPACE as CHANGING_PATH;
pub use server::{Outcome, Suite, run};
pub use webdriver::Page;
