//! RTP and RTCP as bytes against rtc-rtp and rtc-rtcp: each side reads what the other writes.

mod header;
mod rtcp;
