//! The bounds of this crate.

use std::time::Duration;

/// The smallest RSA modulus that is made or accepted (RFC 8827 §6.5 asks for 2048 bits).
pub(crate) const MODULUS_BITS_MIN: u32 = 2048;

/// The largest RSA modulus that is made: above it one key costs seconds.
pub(crate) const MODULUS_BITS_MAX: u32 = 4096;

/// How far before the time of making a certificate becomes valid: clocks of peers differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest PEM text that is read: a certificate and an RSA-4096 key need 6 KiB.
pub(crate) const PEM_BYTES_MAX: usize = 64 * 1024;
