//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): each requirement by a client of raw HTTP, and media from one
//! program to another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod cluster;
mod endpoints;
mod media;
mod raw;
mod relay;
mod sessions;
