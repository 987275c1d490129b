//! One bottleneck, the flows that share it, and what became of them: how a congestion controller is
//! judged.
//!
//! Flows are whole but for encoders and decoders: a synthetic encoder after RFC 8593, the real pacer,
//! history and controller, a receiver that sends transport-cc feedback or reports of RFC 8888, and
//! SCTP with CUBIC as the other traffic. Everything is in virtual time and from one seed.
//!
//! ```
//! use duologue_media::cc::Bitrate;
//! use duologue_sim::congestion::{Arena, Bottleneck, MediaConfig, seconds};
//!
//! let link = Bottleneck::new(Bitrate::from_kbps(1_000));
//! let mut arena = Arena::new(7, link);
//! let camera = arena.add_media(MediaConfig::default());
//! arena.run_until(seconds(10.0));
//! let rate = arena.media(camera).record().rate(seconds(5.0), seconds(10.0));
//! assert!(rate > Bitrate::from_kbps(700));
//! ```

mod aqm;
mod arena;
mod bottleneck;
mod cross;
mod encoder;
mod media;
mod record;

pub use aqm::{CoDel, DualPi2, Queue};
pub use arena::{Arena, FlowId};
pub use bottleneck::{Bottleneck, Impairments};
pub use cross::{Cross, Pattern};
pub use encoder::{Encoder, EncoderConfig};
pub use media::{ControllerKind, MediaConfig, MediaFlow};
pub use record::{Record, jain};

use duologue_base::Instant;

/// A point so many seconds after the beginning.
pub fn seconds(seconds: f64) -> Instant {
    Instant::ZERO + std::time::Duration::from_secs_f64(seconds)
}
