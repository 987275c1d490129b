//! SHA-256 of files.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use aws_lc_rs::digest::{self, Context, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::limits::CHUNK;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::call) struct Sha256([u8; 32]);

/// Of bytes that come one after the other.
#[derive(Clone)]
pub(super) struct Hasher(Context);

impl Hasher {
    pub(super) fn new() -> Self {
        Hasher(Context::new(&SHA256))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Everything that there is to read, told on the way to who says whether to go on. Its length, too.
    pub(super) fn read(
        &mut self,
        from: &mut impl Read,
        tell: impl Fn(u64) -> bool,
    ) -> io::Result<u64> {
        let mut chunk = vec![0; CHUNK * 4];
        let mut bytes = 0;
        loop {
            let read = match from.read(&mut chunk) {
                Ok(0) => return Ok(bytes),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.update(&chunk[..read]);
            bytes += read as u64;
            if !tell(bytes) {
                return Err(io::Error::other("nobody waits for it any more"));
            }
        }
    }

    pub(super) fn finish(self) -> Sha256 {
        Sha256::from(self.0.finish())
    }
}

impl From<digest::Digest> for Sha256 {
    fn from(digest: digest::Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Sha256(bytes)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Sha256 {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a SHA-256 is 64 hexadecimal digits";
        let digit = |byte: u8| {
            let digit = char::from(byte).to_digit(16);
            digit
                .and_then(|digit| u8::try_from(digit).ok())
                .ok_or(WRONG)
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return Err(WRONG);
        };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| WRONG)?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Sha256(bytes))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_wait_any_more_ends_the_reading() {
        let read = Hasher::new().read(&mut io::repeat(0), |bytes| bytes < 1 << 20);
        assert!(read.is_err());
    }

    #[test]
    fn a_hash_is_written_and_read_in_hexadecimal_and_nothing_else_is_one() {
        let mut hasher = Hasher::new();
        assert_eq!(hasher.read(&mut &b"abc"[..], |_| true).unwrap(), 3);
        let hash = hasher.finish();
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        for wrong in [
            "",
            "ba78",
            &text[1..],
            &text.replace('b', "x"),
            &format!("{text}00"),
        ] {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
    }
}
