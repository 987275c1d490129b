//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::{constant_time, hmac};
use duologue_base::Redacted;

use super::Number;
use crate::keying::SessionKeys;
use crate::{KeyingError, OpenError};

/// The keys of AES_CM_128_HMAC_SHA1_80 or AES_CM_128_HMAC_SHA1_32.
#[derive(Debug)]
pub(crate) struct CounterMode {
    key: EncryptingKey,
    salt: Redacted<u128>,
    /// With the pads of HMAC hashed already: each packet begins with a copy.
    authentication: hmac::Key,
    tag: usize,
}

impl CounterMode {
    pub(super) fn new(keys: &SessionKeys, tag: usize) -> Result<Self, KeyingError> {
        let key = UnboundCipherKey::new(&AES_128, &keys.encryption)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| KeyingError::Library)?;
        let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
        Ok(CounterMode {
            key,
            salt: keys.salt.clone(),
            authentication: hmac::Key::new(algorithm, &keys.authentication),
            tag,
        })
    }

    pub(super) fn tag(&self) -> usize {
        self.tag
    }

    /// Encrypts; the same again decrypts.
    pub(super) fn encrypt(&self, number: Number, bytes: &mut [u8]) {
        let start = number.salted(*self.salt) << 16;
        let context = EncryptionContext::Iv128(start.to_be_bytes().into());
        self.key
            .less_safe_encrypt(bytes, context)
            .expect("counter mode takes bytes of any length with 128 bits to start with");
    }

    /// The tag over both, uncut.
    pub(super) fn sign(&self, packet: &[u8], more: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(packet);
        context.update(more);
        context.sign()
    }

    /// Whether this is the tag over both.
    pub(super) fn verify(&self, packet: &[u8], more: &[u8], tag: &[u8]) -> Result<(), OpenError> {
        let ours = self.sign(packet, more);
        constant_time::verify_slices_are_equal(&ours.as_ref()[..self.tag], tag)
            .map_err(|_| OpenError::NotAuthentic)
    }
}

/// Bytes of the tags of RFC 5764 §4.1.2.
pub(super) const TAG_80: usize = 10;
pub(super) const TAG_32: usize = 4;
