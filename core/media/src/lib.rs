//! The media plane without input or output: streams of RTP packets, their repair, and how fast they
//! may be sent. It knows no socket, no thread and no SDP.
#![forbid(unsafe_code)]

pub mod cc;
mod limits;
