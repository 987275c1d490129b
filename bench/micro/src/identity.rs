use std::time::Duration;

use duologue_base::{Rng, WallClock};
use duologue_identity::{Certificate, KeygenAlgorithm};

/// A certificate that is valid throughout.
///
/// # Panics
/// The cryptographic library makes no P-256 keys.
pub fn certificate(seed: u64) -> Certificate {
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let mut rng = Rng::from_u64(seed);
    Certificate::generate(KeygenAlgorithm::EcdsaP256, now, month, &mut rng)
        .expect("the library makes P-256 keys")
}
