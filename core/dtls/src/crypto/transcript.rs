use aws_lc_rs::digest::{Digest, digest};

use crate::Version;
use crate::suite::Hash;
use crate::wire::be24;

/// The messages of a handshake so far, as both ends sign and hash them.
///
/// They are kept rather than hashed as they come, since DTLS 1.2 signs them by a hash that is known
/// late. Reassembly bounds them.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    version: Version,
    bytes: Vec<u8>,
}

impl Transcript {
    pub(crate) fn new(version: Version) -> Self {
        Transcript {
            version,
            bytes: Vec::new(),
        }
    }

    /// RFC 6347 §4.2.6: as if it had come in one piece. RFC 9147 §5.2: without what DTLS adds.
    pub(crate) fn add(&mut self, kind: u8, number: u16, body: &[u8]) {
        let length = be24(body.len());
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&length);
        if self.version == Version::V12 {
            self.bytes.extend_from_slice(&number.to_be_bytes());
            self.bytes.extend_from_slice(&[0; 3]);
            self.bytes.extend_from_slice(&length);
        }
        self.bytes.extend_from_slice(body);
    }

    /// RFC 8446 §4.4.1: after a HelloRetryRequest the first hello counts by its hash.
    pub(crate) fn begin_again(&mut self, hash: Hash) {
        const MESSAGE_HASH: u8 = 254;
        let first = self.hash(hash);
        self.bytes.clear();
        self.add(MESSAGE_HASH, 0, first.as_ref());
    }

    pub(crate) fn hash(&self, hash: Hash) -> Digest {
        digest(hash.digest(), &self.bytes)
    }

    /// Forgets what was added after it was this long.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
