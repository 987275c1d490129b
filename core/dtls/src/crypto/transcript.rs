use std::fmt;

use aws_lc_rs::digest::{Context, Digest, digest};

use crate::Version;
use crate::suite::Hash;
use crate::wire::be24;

/// The messages of a handshake so far, as both ends sign and hash them.
///
/// They are kept until their hash is known: in DTLS 1.3 by the suite, with the first answer to the hello. DTLS 1.2 signs
/// them by one that is known late. Reassembly bounds them.
#[derive(Clone)]
pub(crate) struct Transcript {
    version: Version,
    bytes: Vec<u8>,
    /// The hash in the place of the bytes.
    running: Option<Context>,
}

impl Transcript {
    pub(crate) fn new(version: Version) -> Self {
        Transcript {
            version,
            bytes: Vec::new(),
            running: None,
        }
    }

    /// RFC 6347 §4.2.6: as if it had come in one piece. RFC 9147 §5.2: without what DTLS adds.
    pub(crate) fn add(&mut self, kind: u8, number: u16, body: &[u8]) {
        let [a, b, c] = be24(body.len());
        let begin = [kind, a, b, c];
        if let Some(running) = &mut self.running {
            running.update(&begin);
            running.update(body);
            return;
        }
        self.bytes.extend_from_slice(&begin);
        if self.version == Version::V12 {
            self.bytes.extend_from_slice(&number.to_be_bytes());
            self.bytes.extend_from_slice(&[0, 0, 0, a, b, c]);
        }
        self.bytes.extend_from_slice(body);
    }

    /// DTLS 1.3 has chosen its hash: messages are hashed as they come from now on, and not kept.
    pub(crate) fn run(&mut self, hash: Hash) {
        if self.running.is_none() {
            let mut running = Context::new(hash.digest());
            running.update(&std::mem::take(&mut self.bytes));
            self.running = Some(running);
        }
    }

    /// RFC 8446 §4.4.1: after a HelloRetryRequest the first hello counts by its hash.
    pub(crate) fn begin_again(&mut self, hash: Hash) {
        const MESSAGE_HASH: u8 = 254;
        let first = self.hash(hash);
        *self = Transcript::new(self.version);
        self.add(MESSAGE_HASH, 0, first.as_ref());
    }

    pub(crate) fn hash(&self, hash: Hash) -> Digest {
        match &self.running {
            Some(running) => running.clone().finish(),
            None => digest(hash.digest(), &self.bytes),
        }
    }

    /// Forgets what was added after it was this long.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hashed_as_it_comes_has_the_hash_of_what_is_kept() {
        for hash in [Hash::Sha256, Hash::Sha384] {
            let mut kept = Transcript::new(Version::V13);
            let mut running = kept.clone();
            for (number, len) in [200, 90, 0, 3000].into_iter().enumerate() {
                for transcript in [&mut kept, &mut running] {
                    transcript.add(number as u8, number as u16, &vec![7; len]);
                }
                running.run(hash);
                assert_eq!(running.hash(hash).as_ref(), kept.hash(hash).as_ref());
            }
            assert!(running.bytes().is_empty());
            kept.begin_again(hash);
            running.begin_again(hash);
            assert_eq!(running.hash(hash).as_ref(), kept.hash(hash).as_ref());
        }
    }
}
