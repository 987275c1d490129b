use std::fmt;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// Seeded randomness (ChaCha12). Hosts seed it from the operating system, tests from a number.
///
/// ```
/// use duologue_base::Rng;
///
/// let (mut a, mut b) = (Rng::from_u64(7), Rng::from_u64(7));
/// assert_eq!(a.alphanumeric(8), b.alphanumeric(8));
/// ```
#[derive(Clone)]
pub struct Rng(ChaCha12Rng);

impl Rng {
    /// From 32 bytes of the operating system's randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Rng(ChaCha12Rng::from_seed(seed))
    }

    /// From a number: for tests and simulations only.
    pub fn from_u64(seed: u64) -> Self {
        Rng(ChaCha12Rng::seed_from_u64(seed))
    }

    /// An independent generator, so that one component's draws do not shift another's.
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Rng::from_seed(seed)
    }

    /// Uniform 32 bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform 64 bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0. The bias is below 2⁻³².
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u32
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// `len` characters of `A–Z a–z 0–9 + /`: the `ice-char` of RFC 8839 §5.4, 6 bits each.
    pub fn ice_chars(&mut self, len: usize) -> String {
        const CHARS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        (0..len)
            .map(|_| char::from(CHARS[(self.u32() & 63) as usize]))
            .collect()
    }

    /// `len` characters of `A–Z a–z 0–9`.
    pub fn alphanumeric(&mut self, len: usize) -> String {
        const CHARS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..len)
            .map(|_| char::from(CHARS[self.below(62) as usize]))
            .collect()
    }

    /// A random UUID (RFC 9562 §5.4, version 4), as tracks' and streams' ids are.
    pub fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-")
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rng(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_carry_their_version_and_variant() {
        let id = Rng::from_u64(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn below_stays_below_its_bound_and_reaches_both_ends() {
        let mut rng = Rng::from_u64(3);
        let drawn: Vec<u32> = (0..200).map(|_| rng.below(5)).collect();
        assert!(drawn.iter().all(|&n| n < 5));
        assert!(drawn.contains(&0) && drawn.contains(&4));
    }
}
