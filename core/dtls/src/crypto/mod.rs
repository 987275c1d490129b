//! What handshakes compute, on the primitives of aws-lc-rs.

pub(crate) mod certificate;
pub(crate) mod group;
pub(crate) mod prf;
pub(crate) mod random;
pub(crate) mod schedule;
pub(crate) mod signature;
pub(crate) mod transcript;

#[cfg(test)]
pub(crate) mod hex;
#[cfg(test)]
mod wycheproof;
