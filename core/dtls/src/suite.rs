//! The cipher suites of DTLS 1.3: the library's, but for the mask that hides record numbers
//! (RFC 9147 §4.2.3). The library makes a key object for every record to compute that one block,
//! which costs as much as all of AES-GCM over the record.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128Enc, Aes256Enc};
use dimpl::crypto::aws_lc_rs;
use dimpl::crypto::{
    Cipher, CryptoProvider, Dtls13CipherSuite, HashAlgorithm, SupportedDtls13CipherSuite,
};
use dimpl::{CryptoError, CryptoOperation};

/// The library's cryptography with these suites.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        dtls13_cipher_suites: SUITES,
        ..aws_lc_rs::default_provider()
    }
}

static SUITES: &[&dyn SupportedDtls13CipherSuite] =
    &[&Suite::Aes128Gcm, &Suite::Aes256Gcm, &Suite::ChaCha20];

/// RFC 8446 §B.4.
#[derive(Debug)]
enum Suite {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20,
}

impl Suite {
    fn of_library(&self) -> Option<&'static dyn SupportedDtls13CipherSuite> {
        let all = aws_lc_rs::default_provider().dtls13_cipher_suites;
        all.iter()
            .copied()
            .find(|known| known.suite() == self.suite())
    }
}

impl SupportedDtls13CipherSuite for Suite {
    fn suite(&self) -> Dtls13CipherSuite {
        match self {
            Suite::Aes128Gcm => Dtls13CipherSuite::AES_128_GCM_SHA256,
            Suite::Aes256Gcm => Dtls13CipherSuite::AES_256_GCM_SHA384,
            Suite::ChaCha20 => Dtls13CipherSuite::CHACHA20_POLY1305_SHA256,
        }
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        match self {
            Suite::Aes256Gcm => HashAlgorithm::SHA384,
            Suite::Aes128Gcm | Suite::ChaCha20 => HashAlgorithm::SHA256,
        }
    }

    fn key_len(&self) -> usize {
        match self {
            Suite::Aes128Gcm => 16,
            Suite::Aes256Gcm | Suite::ChaCha20 => 32,
        }
    }

    fn iv_len(&self) -> usize {
        12
    }

    fn tag_len(&self) -> usize {
        16
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        let missing = CryptoError::OperationFailed(CryptoOperation::CreateCipher);
        self.of_library().ok_or(missing)?.create_cipher(key)
    }

    fn encrypt_sn(&self, sn_key: &[u8], sample: &[u8; 16]) -> [u8; 16] {
        let mut block = (*sample).into();
        match self {
            Suite::Aes128Gcm => {
                if let Ok(cipher) = Aes128Enc::new_from_slice(sn_key) {
                    cipher.encrypt_block(&mut block);
                }
            }
            Suite::Aes256Gcm => {
                if let Ok(cipher) = Aes256Enc::new_from_slice(sn_key) {
                    cipher.encrypt_block(&mut block);
                }
            }
            Suite::ChaCha20 => {
                return self
                    .of_library()
                    .map_or([0; 16], |suite| suite.encrypt_sn(sn_key, sample));
            }
        }
        block.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masks_are_those_of_the_library() {
        for suite in [Suite::Aes128Gcm, Suite::Aes256Gcm, Suite::ChaCha20] {
            let library = suite.of_library().unwrap();
            assert_eq!(suite.hash_algorithm(), library.hash_algorithm());
            assert_eq!(suite.key_len(), library.key_len());
            assert_eq!(suite.iv_len(), library.iv_len());
            assert_eq!(suite.tag_len(), library.tag_len());
            let key: Vec<u8> = (0..suite.key_len() as u8).collect();
            for first in 0..=255 {
                let sample = [first; 16];
                assert_eq!(
                    suite.encrypt_sn(&key, &sample),
                    library.encrypt_sn(&key, &sample)
                );
            }
        }
    }
}
