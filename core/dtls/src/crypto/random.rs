use aws_lc_rs::rand;
use duologue_base::Rng;

use crate::DtlsError;

/// Where the randoms of hellos come from. Keys come from the cryptographic library always.
#[derive(Clone, Debug)]
pub(crate) enum Random {
    System,
    /// Of a simulation.
    Seeded(Rng),
}

impl Random {
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DtlsError> {
        let mut bytes = [0; N];
        match self {
            Random::System => rand::fill(&mut bytes).map_err(|_| DtlsError::library())?,
            Random::Seeded(rng) => rng.fill(&mut bytes),
        }
        Ok(bytes)
    }
}
