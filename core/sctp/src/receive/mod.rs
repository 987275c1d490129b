//! From chunks to messages: which TSNs came (`tracker`), fragments of messages (`runs`), order
//! within streams (`streams`), when to acknowledge (`acknowledge`).

mod acknowledge;
mod inbox;
mod runs;
mod spare;
mod streams;
mod tracker;

pub(crate) use acknowledge::Acknowledge;
pub(crate) use inbox::Inbox;
pub(crate) use streams::InStreams;
pub(crate) use tracker::{Arrival, Tracker};
