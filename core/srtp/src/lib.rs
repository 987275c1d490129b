//! SRTP and SRTCP (RFC 3711, RFC 7714): packets protected and opened where they lie.
#![forbid(unsafe_code)]
