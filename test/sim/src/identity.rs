use std::time::Duration;

use duologue_base::{Rng, WallClock};
use duologue_identity::{Certificate, KeygenAlgorithm};

/// A certificate that is valid throughout.
pub(crate) fn certificate(rng: &mut Rng) -> Certificate {
    let now = WallClock::from_unix_millis(1_795_000_000_000);
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    Certificate::generate(KeygenAlgorithm::EcdsaP256, now, month, rng)
        .expect("the library makes P-256 keys")
}
