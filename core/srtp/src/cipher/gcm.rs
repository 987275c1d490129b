//! AES-GCM (RFC 7714).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use duologue_base::Redacted;

use super::{Number, RTCP_INDEX};
use crate::header::RTCP_CLEAR;
use crate::keying::SessionKeys;
use crate::{KeyingError, OpenError};

/// The keys of AEAD_AES_128_GCM or AEAD_AES_256_GCM.
#[derive(Debug)]
pub(crate) struct Gcm {
    key: LessSafeKey,
    salt: Redacted<u128>,
}

impl Gcm {
    pub(super) fn new(keys: &SessionKeys) -> Result<Self, KeyingError> {
        let algorithm = if keys.encryption.len() == AES_256_GCM.key_len() {
            &AES_256_GCM
        } else {
            &AES_128_GCM
        };
        let key = UnboundKey::new(algorithm, &keys.encryption).map_err(|_| KeyingError::Library)?;
        Ok(Gcm {
            key: LessSafeKey::new(key),
            salt: keys.salt.clone(),
        })
    }

    /// Encrypts `rest`; the tag is over both.
    pub(super) fn seal(&self, number: Number, clear: &[u8], rest: &mut [u8]) -> Tag {
        self.key
            .seal_in_place_separate_tag(self.nonce(number), Aad::from(clear), rest)
            .expect("a packet is far shorter than what AES-GCM can seal")
    }

    /// Decrypts `rest`, which ends with the tag.
    pub(super) fn open(
        &self,
        number: Number,
        clear: &[u8],
        rest: &mut [u8],
    ) -> Result<(), OpenError> {
        self.key
            .open_in_place(self.nonce(number), Aad::from(clear), rest)
            .map_err(|_| OpenError::NotAuthentic)?;
        Ok(())
    }

    /// Opens a compound packet with its tag and index.
    pub(super) fn open_rtcp(
        &self,
        number: Number,
        packet: &mut [u8],
        encrypted: bool,
    ) -> Result<(), OpenError> {
        let at = packet.len() - RTCP_INDEX;
        if encrypted {
            let (bytes, index) = packet.split_at_mut(at);
            let (clear, rest) = bytes.split_at_mut(RTCP_CLEAR);
            let word = [index[0], index[1], index[2], index[3]];
            return self.open(number, &rtcp_clear(clear, word), rest);
        }
        // RFC 7714 §9.3: all is in plain, the index behind it, and nothing is left for the cipher
        // but the tag, which lies between them.
        packet[at - TAG..].rotate_left(TAG);
        let (clear, tag) = packet.split_at_mut(packet.len() - TAG);
        self.open(number, clear, tag)
    }

    fn nonce(&self, number: Number) -> Nonce {
        let bits = number.salted(*self.salt).to_be_bytes();
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&bits[4..]);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What is authenticated of an encrypted RTCP packet beside what is encrypted (RFC 7714 §9.2).
pub(super) fn rtcp_clear(header: &[u8], index: [u8; RTCP_INDEX]) -> [u8; RTCP_CLEAR + RTCP_INDEX] {
    let mut clear = [0; RTCP_CLEAR + RTCP_INDEX];
    clear[..RTCP_CLEAR].copy_from_slice(header);
    clear[RTCP_CLEAR..].copy_from_slice(&index);
    clear
}

/// Bytes of a tag (RFC 7714 §13.1).
pub(super) const TAG: usize = 16;
