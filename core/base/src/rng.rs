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
///
/// It keeps its place in the stream and none of the stream, since a connection has five of them and
/// draws seldom.
#[derive(Clone)]
pub struct Rng {
    seed: [u8; 32],
    /// 32-bit words drawn.
    drawn: u64,
}

impl Rng {
    /// A generator seeded with 32 bytes of the operating system's randomness.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Rng { seed, drawn: 0 }
    }

    /// A generator seeded with a number: for tests and simulations only.
    pub fn from_u64(seed: u64) -> Self {
        Rng::from_seed(ChaCha12Rng::seed_from_u64(seed).get_seed())
    }

    /// Draws where the last draw ended.
    fn draw<T>(&mut self, draw: impl FnOnce(&mut ChaCha12Rng) -> T) -> T {
        let mut stream = ChaCha12Rng::from_seed(self.seed);
        stream.set_word_pos(self.drawn.into());
        let drawn = draw(&mut stream);
        self.drawn = stream.get_word_pos() as u64;
        drawn
    }

    /// An independent generator, so that one component's draws do not shift another's.
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Rng::from_seed(seed)
    }

    /// Uniform 32 bits.
    pub fn u32(&mut self) -> u32 {
        self.draw(ChaCha12Rng::next_u32)
    }

    /// Uniform 64 bits.
    pub fn u64(&mut self) -> u64 {
        self.draw(ChaCha12Rng::next_u64)
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0. The bias is below 2⁻³².
    pub fn below(&mut self, bound: u32) -> u32 {
        scale(self.u64(), bound)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.draw(|stream| stream.fill_bytes(out));
    }

    /// `len` characters of `A–Z a–z 0–9 + /`: the `ice-char` of RFC 8839 §5.4, 6 bits each.
    pub fn ice_chars(&mut self, len: usize) -> String {
        const CHARS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let char = |stream: &mut ChaCha12Rng| char::from(CHARS[(stream.next_u32() & 63) as usize]);
        self.draw(|stream| (0..len).map(|_| char(stream)).collect())
    }

    /// `len` characters of `A–Z a–z 0–9`.
    pub fn alphanumeric(&mut self, len: usize) -> String {
        const CHARS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let char =
            |stream: &mut ChaCha12Rng| char::from(CHARS[scale(stream.next_u64(), 62) as usize]);
        self.draw(|stream| (0..len).map(|_| char(stream)).collect())
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

/// Brings 64 uniform bits into `0..bound`.
fn scale(bits: u64, bound: u32) -> u32 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u32
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
    fn draws_of_any_size_continue_one_stream() {
        let mut whole = [0; 4 * 100];
        ChaCha12Rng::seed_from_u64(4).fill_bytes(&mut whole);
        let mut rng = Rng::from_u64(4);
        let mut parts = Vec::new();
        while parts.len() < whole.len() {
            parts.extend(rng.u32().to_le_bytes());
            parts.extend(rng.u64().to_le_bytes());
            let mut bytes = [0; 8];
            rng.fill(&mut bytes);
            parts.extend(bytes);
        }
        assert_eq!(parts, whole);
    }

    #[test]
    fn below_stays_below_its_bound_and_reaches_both_ends() {
        let mut rng = Rng::from_u64(3);
        let drawn: Vec<u32> = (0..200).map(|_| rng.below(5)).collect();
        assert!(drawn.iter().all(|&n| n < 5));
        assert!(drawn.contains(&0) && drawn.contains(&4));
    }
}
