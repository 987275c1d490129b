//! Negotiations between two ends through text, and between one end and a browser's text.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browsers;
mod bundle;
mod changed;
mod codecs;
mod end;
mod exchange;
mod extensions;
mod media;
mod properties;
mod refusals;
mod simulcast;
mod transports;
mod world;
