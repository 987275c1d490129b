//! The ciphers of RFC 9605 §4.5, over bytes where they lie.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::{constant_time, hmac};

use crate::suite::{AES_128_KEY, NONCE};
use crate::{CipherSuite, KeyError};

pub(crate) enum Cipher {
    Gcm(LessSafeKey),
    Counter(Box<Counter>),
}

/// §4.5.1: AES in counter mode, then HMAC cut to the tag.
pub(crate) struct Counter {
    key: EncryptingKey,
    authentication: hmac::Key,
    tag: usize,
}

impl Cipher {
    /// The key has the suite's length.
    pub(crate) fn new(suite: CipherSuite, key: &[u8]) -> Result<Self, KeyError> {
        let gcm = |algorithm| {
            let key = UnboundKey::new(algorithm, key).map_err(|_| KeyError::Length)?;
            Ok(Cipher::Gcm(LessSafeKey::new(key)))
        };
        match suite {
            CipherSuite::Aes128GcmSha256_128 => gcm(&AES_128_GCM),
            CipherSuite::Aes256GcmSha512_128 => gcm(&AES_256_GCM),
            _ => {
                let (encryption, authentication) =
                    key.split_at_checked(AES_128_KEY).ok_or(KeyError::Length)?;
                let key = UnboundCipherKey::new(&AES_128, encryption);
                let key = key.and_then(EncryptingKey::ctr);
                Ok(Cipher::Counter(Box::new(Counter {
                    key: key.map_err(|_| KeyError::Failed)?,
                    authentication: hmac::Key::new(hmac::HMAC_SHA256, authentication),
                    tag: suite.tag_bytes(),
                })))
            }
        }
    }

    /// Encrypts the end of these bytes, and appends the tag; `false` for more than the cipher takes.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE],
        associated: &[u8],
        bytes: &mut Vec<u8>,
        from: usize,
    ) -> bool {
        match self {
            Cipher::Gcm(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let plain = &mut bytes[from..];
                let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(associated), plain);
                match sealed {
                    Ok(tag) => bytes.extend_from_slice(tag.as_ref()),
                    Err(_) => return false,
                }
            }
            Cipher::Counter(counter) => {
                if !counter.apply(nonce, &mut bytes[from..]) {
                    return false;
                }
                let ours = counter.sign(nonce, associated, &bytes[from..]);
                bytes.extend_from_slice(&ours.as_ref()[..counter.tag]);
            }
        }
        true
    }

    /// Decrypts what ends with its tag, and cuts that off; `false`: it is not authentic.
    pub(crate) fn open(&self, nonce: [u8; NONCE], associated: &[u8], bytes: &mut Vec<u8>) -> bool {
        let length = match self {
            Cipher::Gcm(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let opened = key.open_in_place(nonce, Aad::from(associated), bytes);
                opened.map(|plain| plain.len()).ok()
            }
            Cipher::Counter(counter) => {
                let length = bytes.len().checked_sub(counter.tag);
                length.filter(|length| {
                    let (sealed, theirs) = bytes.split_at_mut(*length);
                    let ours = counter.sign(nonce, associated, sealed);
                    let ours = &ours.as_ref()[..counter.tag];
                    let authentic = constant_time::verify_slices_are_equal(ours, theirs).is_ok();
                    authentic && counter.apply(nonce, sealed)
                })
            }
        };
        if let Some(length) = length {
            bytes.truncate(length);
        }
        length.is_some()
    }
}

impl Counter {
    /// Encrypts; the same again decrypts. The nonce is followed by the number of the block.
    fn apply(&self, nonce: [u8; NONCE], bytes: &mut [u8]) -> bool {
        let mut start = [0; 16];
        start[..NONCE].copy_from_slice(&nonce);
        let context = EncryptionContext::Iv128(start.into());
        self.key.less_safe_encrypt(bytes, context).is_ok()
    }

    /// The tag, uncut: over the lengths of all that is known, then over that.
    fn sign(&self, nonce: [u8; NONCE], associated: &[u8], sealed: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        for length in [associated.len(), sealed.len(), self.tag] {
            context.update(&(length as u64).to_be_bytes());
        }
        context.update(&nonce);
        context.update(associated);
        context.update(sealed);
        context.sign()
    }
}
