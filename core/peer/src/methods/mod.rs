//! The W3C's methods and attributes, one file per group of them.

mod attributes;
mod candidate;
mod candidate_pair;
mod certificate;
mod close;
mod configuration;
mod data_channel;
mod dtmf;
mod identity;
mod isolation;
mod media;
mod negotiation;
mod parameters;
mod preferences;
mod sender;
mod stats;
mod tracks;
mod transceiver;

pub(crate) use tracks::{Creating, MadeBy};
pub use transceiver::TransceiverView;
