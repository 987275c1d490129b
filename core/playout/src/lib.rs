//! When sound and pictures that arrive are heard and shown. No clock, no thread, no socket: time is
//! an input, samples and frames are the output.
//!
//! [`AudioPlayout`] is a jitter buffer that plays sound: it holds packets back for as long as the
//! network needs, plays faster or slower to get there, and makes something up for what does not come.
//! Decoders are the host's ([`AudioDecoder`]). [`VideoPlayout`] says when frames are decoded and shown.
//! [`LipSync`] brings the two together by what sender reports tell ([`SenderClock`]).
#![forbid(unsafe_code)]

mod audio;
mod decoder;
mod limits;
mod sync;
mod video;

pub use audio::{
    AudioBlock, AudioCodec, AudioPacket, AudioPlayout, AudioStatistics, CodecError, Operation,
};
pub use decoder::{AudioDecoder, Damaged};
pub use sync::{LipSync, SenderClock, SyncDelays};
pub use video::{DueFrame, FrameInfo, VideoPlayout, VideoStatistics};
