//! The bytes that both ends send, and their checksum.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;

/// What is sent as one message.
pub(crate) const MESSAGE: usize = 16_384;

/// Byte i is (31 i + seed) mod 251; `counterparts/` makes the same.
pub(crate) fn pattern(count: usize, seed: usize) -> Bytes {
    (0..count).map(|i| ((i * 31 + seed) % 251) as u8).collect()
}

/// Bytes and their checksum, as they come.
#[derive(Clone)]
pub(crate) struct Tally {
    pub(crate) bytes: usize,
    hash: Context,
}

impl Tally {
    pub(crate) fn of(data: &[u8]) -> Self {
        let mut tally = Tally::default();
        tally.take(data);
        tally
    }

    pub(crate) fn take(&mut self, data: &[u8]) {
        self.bytes += data.len();
        self.hash.update(data);
    }

    pub(crate) fn sha256(&self) -> String {
        let digest = self.hash.clone().finish();
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            bytes: 0,
            hash: Context::new(&SHA256),
        }
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes)
    }
}
