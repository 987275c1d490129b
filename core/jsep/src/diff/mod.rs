//! What a step from one signaling state to another changes in the data plane.

mod media;
mod transport;

pub use media::{MediaChange, MediaPlans, media_diff};
pub use transport::{SctpChange, TransportChange, diff};
