//! When sound and pictures that arrive are heard and shown. No clock, no thread, no socket: time is
//! an input, samples and frames are the output.
//!
//! [`AudioPlayout`] is a jitter buffer that plays sound: it holds packets back for as long as the
//! network needs, plays faster or slower to get there, and makes something up for what does not come.
//! Decoders are the host's ([`AudioDecoder`]).
#![forbid(unsafe_code)]

mod audio;
mod decoder;
mod limits;

pub use audio::{
    AudioBlock, AudioCodec, AudioPacket, AudioPlayout, AudioStatistics, CodecError, Operation,
};
pub use decoder::{AudioDecoder, Damaged};
