//! Encoded frames and RTP packets of transceivers, to and from JavaScript.
//!
//! ```text
//! session task ──► Routes ──► Queue ──► reader ──take()──► JavaScript: a batch at a time
//!                    │  ▲
//!                    ▼  │ written back
//!                 Transform ◄──► a worker's thread
//! session task ◄── Routes ◄──────────── writer ◄──send()── JavaScript
//! ```
//!
//! Raw pictures and sound go by the tasks of `duologue-raw`, which read and write frames as JavaScript does:
//!
//! ```text
//! Routes ──► Queue ──► decoder ──take()──► JavaScript ──write()──► encoder ──► Routes
//! ```
//!
//! Queues are bounded. What is received and not read in time makes room for what is newer, and is
//! counted; a writer is told how much there was room for. Each JavaScript thread has one wake-up for
//! all its ends, so that a batch costs one, however many frames and tracks it is of.

mod batch;
pub(crate) mod columns;
pub(crate) mod details;
pub mod hub;
mod item;
mod queue;
pub mod raw;
pub mod readers;
mod routes;
pub mod transform;
pub mod transformer;
pub mod writers;

pub(crate) use routes::{MediaBatches, MediaRoutes, Routes};
