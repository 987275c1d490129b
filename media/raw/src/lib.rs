//! Raw pictures and sound of senders and receivers: encoded and decoded on worker threads.
//!
//! ```text
//! application ──► VideoTrackGenerator ──► queue ──► task ──► Sender: encoded frames
//! application ◄── VideoTrackProcessor ◄── queue ◄── task ◄── Receiver: encoded frames
//! ```
//!
//! Whoever has a connection gives its senders and receivers as [`Sender`] and [`Receiver`]: the crate
//! `duologue` those of its connections, the npm package those of JavaScript's.
#![forbid(unsafe_code)]

mod audio_generator;
mod audio_processor;
mod choice;
mod corruption;
mod layers;
mod limiter;
pub mod limits;
mod pace;
mod pictures;
mod port;
mod queue;
mod shared;
mod sound;
mod together;
mod video_generator;
mod video_processor;
mod workers;

use duologue_codec::CodecSet;

pub use audio_generator::AudioTrackGenerator;
pub use audio_processor::AudioTrackProcessor;
pub use choice::narrow;
pub use port::{Ended, Find, FractionLost, Host, Receiver, Sender};
pub use shared::Shared;
pub use video_generator::VideoTrackGenerator;
pub use video_processor::VideoTrackProcessor;

/// What is built in: G.711 and G.722, and with the feature `safe-codecs` Opus and a decoder of VP8.
pub fn built_in_codecs() -> CodecSet {
    let mut codecs = CodecSet::new();
    duologue_g7xx::add_to(&mut codecs);
    #[cfg(feature = "safe-codecs")]
    duologue_safe::add_to(&mut codecs);
    codecs
}

/// What connections use that are not told otherwise: the libraries of this machine that were found,
/// and behind them what is built in. The first call looks for them and tests each, which takes about
/// a tenth of a second.
pub fn found_codecs() -> CodecSet {
    let mut codecs = duologue_system::codecs();
    codecs.extend(built_in_codecs());
    codecs
}
