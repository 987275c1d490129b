//! Whom a handshake may be with.

use std::fmt;

use duologue_identity::Fingerprint;

use crate::DtlsError;
use crate::limits::{CHAIN_BYTES, CHAIN_FRAGMENTS};
use crate::record::{CONTENT_HANDSHAKE, RECORD_HEADER};

/// Decides about a server: its certificate and the others that it sent, which lead to a root, all
/// in DER form. Only the first is proved to be the server's; the others are hints, as in TLS.
pub type Judge = Box<dyn FnOnce(&[u8], &[Vec<u8>]) -> bool + Send>;

/// What makes a peer's certificate the right one.
pub(crate) enum Trust {
    /// One of these is its fingerprint (RFC 8122 §6.2).
    Fingerprints(Vec<Fingerprint>),
    /// The owner says so, once.
    Judge { judge: Option<Judge>, chain: Chain },
}

impl Trust {
    pub(crate) fn judged(judge: Judge) -> Self {
        Trust::Judge {
            judge: Some(judge),
            chain: Chain::default(),
        }
    }

    /// A datagram of the peer's handshake.
    pub(crate) fn observe(&mut self, datagram: &[u8]) {
        if let Trust::Judge { chain, .. } = self {
            chain.observe(datagram);
        }
    }

    /// The peer shows this certificate.
    pub(crate) fn check(&mut self, der: &[u8]) -> Result<(), DtlsError> {
        match self {
            Trust::Fingerprints(known) => match Fingerprint::any_matches(known, der) {
                true => Ok(()),
                false => Err(DtlsError::FingerprintMismatch { sent: None }),
            },
            Trust::Judge { judge, chain } => {
                let mut others = chain.certificates().unwrap_or_default();
                others.retain(|other| other != der);
                match judge.take().is_some_and(|judge| judge(der, &others)) {
                    true => Ok(()),
                    false => Err(DtlsError::UntrustedCertificate),
                }
            }
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trust::Fingerprints(_) => "Fingerprints",
            Trust::Judge { .. } => "Judge",
        })
    }
}

/// The pieces of a Certificate message, as they come in plaintext.
///
/// Nobody vouches for them, and nobody needs to: a certificate that is forged here leads from the
/// server's own one to no root.
#[derive(Default)]
pub(crate) struct Chain {
    length: usize,
    /// Where each begins in the message.
    fragments: Vec<(usize, Vec<u8>)>,
    bytes: usize,
}

impl Chain {
    fn observe(&mut self, mut datagram: &[u8]) {
        // RFC 6347 §4.1: type, version, epoch, sequence number, length.
        while let Some((header, rest)) = datagram.split_at_checked(RECORD_HEADER) {
            let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
            let Some((record, rest)) = rest.split_at_checked(length) else {
                return;
            };
            if header[0] == CONTENT_HANDSHAKE && header[3..5] == [0, 0] {
                self.observe_messages(record);
            }
            datagram = rest;
        }
    }

    fn observe_messages(&mut self, mut record: &[u8]) {
        const CERTIFICATE: u8 = 11;
        // RFC 6347 §4.2.2: type, length, message number, the fragment's offset and length.
        while let Some((header, rest)) = record.split_at_checked(12) {
            let (length, offset) = (be24(&header[1..]), be24(&header[6..]));
            let Some((fragment, rest)) = rest.split_at_checked(be24(&header[9..])) else {
                return;
            };
            if header[0] == CERTIFICATE {
                self.keep(length, offset, fragment);
            }
            record = rest;
        }
    }

    fn keep(&mut self, length: usize, offset: usize, fragment: &[u8]) {
        let known = (self.fragments.iter()).any(|(at, bytes)| *at == offset && bytes == fragment);
        let full = self.fragments.len() >= CHAIN_FRAGMENTS
            || self.bytes + fragment.len() > CHAIN_BYTES
            || length > CHAIN_BYTES;
        let other = !self.fragments.is_empty() && self.length != length;
        if known || full || other {
            return;
        }
        self.length = length;
        self.bytes += fragment.len();
        self.fragments.push((offset, fragment.to_vec()));
    }

    /// None: something is missing or malformed.
    fn certificates(&mut self) -> Option<Vec<Vec<u8>>> {
        self.fragments.sort_by_key(|(at, _)| *at);
        let mut message = Vec::new();
        for (at, fragment) in &self.fragments {
            // Fragments may overlap when they were sent again.
            let new = message.len().checked_sub(*at)?;
            message.extend_from_slice(fragment.get(new..).unwrap_or_default());
        }
        // RFC 5246 §7.4.2: a list of certificates; it and each of them after its length.
        let (length, mut list) = message.get(..self.length)?.split_at_checked(3)?;
        let mut certificates = Vec::new();
        (be24(length) == list.len()).then_some(())?;
        while !list.is_empty() {
            let (length, rest) = list.split_at_checked(3)?;
            let (certificate, rest) = rest.split_at_checked(be24(length))?;
            certificates.push(certificate.to_vec());
            list = rest;
        }
        Some(certificates)
    }
}

fn be24(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn be24_of(number: usize) -> [u8; 3] {
        [(number >> 16) as u8, (number >> 8) as u8, number as u8]
    }

    /// The Certificate message of these certificates.
    fn message(certificates: &[&[u8]]) -> Vec<u8> {
        let mut list = Vec::new();
        for certificate in certificates {
            list.extend(be24_of(certificate.len()));
            list.extend_from_slice(certificate);
        }
        [be24_of(list.len()).to_vec(), list].concat()
    }

    /// A record with one fragment of a message, after a ServerHelloDone.
    fn record(message: &[u8], offset: usize, fragment: &[u8]) -> Vec<u8> {
        let mut body = vec![14, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 11];
        body.extend(be24_of(message.len()));
        body.extend([0, 2]);
        body.extend(be24_of(offset));
        body.extend(be24_of(fragment.len()));
        body.extend_from_slice(fragment);
        let mut record = vec![CONTENT_HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend((body.len() as u16).to_be_bytes());
        [record, body].concat()
    }

    #[test]
    fn a_chain_comes_out_of_its_fragments_in_any_order_and_with_overlaps() {
        let (leaf, issuer) = ([7; 300], [8; 500]);
        let message = message(&[&leaf, &issuer]);
        let mut chain = Chain::default();
        for range in [600..message.len(), 100..400, 0..200, 0..200, 350..700] {
            assert!(chain.certificates().is_none());
            let fragment = &message[range.clone()];
            let other = vec![23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9];
            chain.observe(&[other, record(&message, range.start, fragment)].concat());
        }
        let found = chain.certificates().expect("all is there");
        assert_eq!(found, [leaf.to_vec(), issuer.to_vec()]);
    }

    #[test]
    fn what_is_no_chain_is_none_and_is_kept_within_bounds() {
        let message = message(&[&[7; 300]]);
        for length in 0..message.len() {
            let mut chain = Chain::default();
            chain.observe(&record(&message[..length], 0, &message[..length]));
            assert!(chain.certificates().is_none(), "{length}");
        }
        let whole = record(&message, 0, &message);
        for length in 0..whole.len() {
            Chain::default().observe(&whole[..length]);
        }
        let mut chain = Chain::default();
        for offset in 0..1000 {
            let huge = vec![1; 2000 + offset];
            chain.observe(&record(&huge, offset, &huge));
        }
        assert!(chain.fragments.len() <= CHAIN_FRAGMENTS && chain.bytes <= CHAIN_BYTES);
    }
}
