//! Raw pictures and sound of transceivers.

pub mod ends;
pub mod picture;
mod port;

pub(super) use port::RawState;
