//! SFrame: what `SFrameTransform` and the streams encrypt and decrypt by. WebCrypto derives the keys, whose secret is not to
//! be read.

use duologue_sframe::{CipherSuite, DecryptError, Decrypter, Encrypter, Key, clear_bytes};
use napi::bindgen_prelude::{BigInt, Either, Error, Result, Uint8Array};
use napi_derive::napi;

/// `NativeSframe`
#[napi(js_name = "Sframe")]
#[derive(Debug)]
pub struct NativeSframe {
    suite: CipherSuite,
    encrypter: Option<Encrypter>,
    decrypter: Decrypter,
}

/// Why a frame was not decrypted: `NativeSframeError`.
#[napi(object)]
#[derive(Debug)]
pub struct SframeError {
    /// `SFrameTransformErrorEventType`
    pub error_type: String,
    /// Of the key, if the frame says so.
    pub key_id: Option<BigInt>,
}

/// One of this cipher suite.
///
/// # Errors
/// A name that is none.
#[napi]
pub fn create_sframe(cipher_suite: String) -> Result<NativeSframe> {
    let suite = CipherSuite::of_name(&cipher_suite);
    Ok(NativeSframe {
        suite: suite.ok_or_else(|| Error::from_reason("no cipher suite"))?,
        encrypter: None,
        decrypter: Decrypter::default(),
    })
}

/// How many bytes of a frame stay in the clear.
#[napi]
pub fn sframe_clear_bytes(mime_type: String, is_key: bool) -> Option<u32> {
    let clear = clear_bytes(&mime_type, is_key)?;
    u32::try_from(clear).ok()
}

#[napi]
impl NativeSframe {
    /// Bytes of a derived key.
    #[napi(getter)]
    pub fn key_bytes(&self) -> u32 {
        self.suite.key_bytes() as u32
    }

    /// Bytes of a derived salt.
    #[napi(getter)]
    pub fn salt_bytes(&self) -> u32 {
        self.suite.salt_bytes() as u32
    }

    /// WebCrypto's name of the hash function.
    #[napi(getter)]
    pub fn hash(&self) -> &'static str {
        match self.suite {
            CipherSuite::Aes256GcmSha512_128 => "SHA-512",
            _ => "SHA-256",
        }
    }

    /// What HKDF expands with.
    #[napi]
    pub fn label(&self, id: BigInt, name: String) -> Uint8Array {
        Key::label(self.suite, id.get_u64().1, &name).into()
    }

    /// Both ends of the key: what is encrypted from now on is by it, and what is encrypted by it is decrypted.
    #[napi]
    pub fn set_key(&mut self, id: BigInt, key: Uint8Array, salt: Uint8Array) -> Option<String> {
        let make = || Key::from_derived(self.suite, id.get_u64().1, &key, &salt);
        let made = make().and_then(|one| Ok((one, make()?)));
        let set = made.and_then(|(one, other)| {
            self.decrypter.insert(one)?;
            match &mut self.encrypter {
                Some(encrypter) => encrypter.set_key(other),
                none => *none = Some(Encrypter::new(other)),
            }
            Ok(())
        });
        set.err().map(|error| error.to_string())
    }

    /// None without a key.
    #[napi]
    pub fn encrypt(&mut self, frame: Uint8Array, metadata: Uint8Array) -> Option<Uint8Array> {
        let encrypter = self.encrypter.as_mut()?;
        let sealed = encrypter.encrypt(&frame, &metadata).ok()?;
        Some(sealed.into())
    }

    /// What was encrypted, or why it is not to be had.
    #[napi]
    pub fn decrypt(
        &self,
        frame: Uint8Array,
        metadata: Uint8Array,
    ) -> Either<Uint8Array, SframeError> {
        let (error_type, key) = match self.decrypter.decrypt(&frame, &metadata) {
            Ok(opened) => return Either::A(opened.into()),
            Err(DecryptError::Malformed) => ("syntax", None),
            Err(DecryptError::UnknownKey { key }) => ("keyID", Some(key)),
            Err(DecryptError::NotAuthentic { key }) => ("authentication", Some(key)),
        };
        Either::B(SframeError {
            error_type: error_type.to_owned(),
            key_id: key.map(BigInt::from),
        })
    }
}
