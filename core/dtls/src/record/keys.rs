//! One direction of one epoch: how a record is sealed and opened.

use std::fmt;

use aws_lc_rs::aead::quic::HeaderProtectionKey;
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use duologue_base::Redacted;

use crate::DtlsError;
use crate::suite::Aead;

/// Bytes of a tag, the same for every suite.
pub(crate) const TAG: usize = 16;

/// RFC 5288 §3: the part of the nonce that each record of DTLS 1.2 with GCM shows.
pub(crate) const EXPLICIT_NONCE: usize = 8;

/// The keys of one direction of one epoch.
pub(crate) struct Keys {
    key: LessSafeKey,
    /// Of 96 bits.
    iv: Redacted<u128>,
    form: Form,
}

/// What differs between the versions.
pub(crate) enum Form {
    /// DTLS 1.2 with GCM.
    ExplicitNonce,
    /// DTLS 1.2 with ChaCha20-Poly1305.
    ImplicitNonce,
    /// DTLS 1.3: record numbers are hidden.
    Masked(Box<HeaderProtectionKey>),
}

impl Keys {
    /// RFC 6347 §4.1.2.1 with RFC 5288 or RFC 7905.
    pub(crate) fn v12(aead: Aead, key: &[u8], iv: &[u8]) -> Result<Self, DtlsError> {
        let form = match aead {
            Aead::ChaCha20Poly1305 => Form::ImplicitNonce,
            Aead::Aes128Gcm | Aead::Aes256Gcm => Form::ExplicitNonce,
        };
        Keys::new(aead, key, iv, form)
    }

    /// RFC 9147 §4.
    pub(crate) fn v13(
        aead: Aead,
        key: &[u8],
        iv: &[u8],
        number_key: &[u8],
    ) -> Result<Self, DtlsError> {
        let mask = HeaderProtectionKey::new(aead.mask(), number_key);
        let mask = mask.map_err(|_| DtlsError::library())?;
        Keys::new(aead, key, iv, Form::Masked(Box::new(mask)))
    }

    fn new(aead: Aead, key: &[u8], iv: &[u8], form: Form) -> Result<Self, DtlsError> {
        let key = UnboundKey::new(aead.algorithm(), key).map_err(|_| DtlsError::library())?;
        let mut bits = [0; 16];
        // GCM's fixed part comes first of the twelve bytes.
        bits[4..4 + iv.len()].copy_from_slice(iv);
        Ok(Keys {
            key: LessSafeKey::new(key),
            iv: Redacted(u128::from_be_bytes(bits)),
            form,
        })
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    /// What hides a record's number (RFC 9147 §4.2.3), from the beginning of its ciphertext.
    #[inline]
    pub(crate) fn mask(&self, ciphertext: &[u8]) -> [u8; 2] {
        let Form::Masked(mask) = &self.form else {
            return [0; 2];
        };
        match mask.new_mask(ciphertext.get(..TAG).unwrap_or_default()) {
            Ok([a, b, ..]) => [a, b],
            // Too short; opening it fails.
            Err(_) => [0; 2],
        }
    }

    /// Encrypts `body` and appends the tag; `number` has the epoch above it in DTLS 1.2.
    pub(crate) fn seal(
        &self,
        number: u64,
        clear: &[u8],
        body: &mut [u8],
    ) -> Result<[u8; TAG], DtlsError> {
        let sealed =
            (self.key).seal_in_place_separate_tag(self.nonce(number), Aad::from(clear), body);
        let tag = sealed.map_err(|_| DtlsError::library())?;
        tag.as_ref().try_into().map_err(|_| DtlsError::library())
    }

    /// Decrypts `body`, which ends with the tag. `None`: it is not authentic.
    pub(crate) fn open<'a>(
        &self,
        number: u64,
        clear: &[u8],
        body: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let nonce = self.nonce(number);
        self.key.open_in_place(nonce, Aad::from(clear), body).ok()
    }

    /// RFC 8446 §5.3 and RFC 7905 §2. With GCM of DTLS 1.2 the number is the explicit part, and
    /// lies over zeros.
    fn nonce(&self, number: u64) -> Nonce {
        let bits = (*self.iv ^ u128::from(number)).to_be_bytes();
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&bits[4..]);
        Nonce::assume_unique_for_key(nonce)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(..)")
    }
}
