//! Private keys: read once, since checking one costs more than a signature.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use duologue_base::Redacted;

use crate::limits::{MODULUS_BITS_MAX, MODULUS_BITS_MIN};
use crate::{GenerateError, ImportError, KeygenAlgorithm, SignError};

/// A private key. The library wipes it.
pub(crate) enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl PrivateKey {
    pub(crate) fn generate(algorithm: KeygenAlgorithm) -> Result<Self, GenerateError> {
        let failed = |_| GenerateError::KeyGeneration;
        let size = match algorithm {
            KeygenAlgorithm::EcdsaP256 => {
                let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
                return key.map(PrivateKey::Ecdsa).map_err(failed);
            }
            KeygenAlgorithm::RsaPkcs1 { modulus_length } => match modulus_length {
                MODULUS_BITS_MIN => rsa::KeySize::Rsa2048,
                3072 => rsa::KeySize::Rsa3072,
                MODULUS_BITS_MAX => rsa::KeySize::Rsa4096,
                _ => return Err(GenerateError::UnsupportedModulusLength),
            },
        };
        let key = rsa::KeyPair::generate(size);
        key.map(PrivateKey::Rsa).map_err(failed)
    }

    /// PKCS #8, or the form of one kind of key.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, ImportError> {
        let curve = &ECDSA_P256_SHA256_ASN1_SIGNING;
        if let Ok(key) = EcdsaKeyPair::from_private_key_der(curve, der) {
            return Ok(PrivateKey::Ecdsa(key));
        }
        let key = rsa::KeyPair::from_pkcs8(der).or_else(|_| rsa::KeyPair::from_der(der));
        let key = key.map_err(|_| ImportError::MalformedPrivateKey)?;
        match key.public_modulus_len() * 8 < MODULUS_BITS_MIN as usize {
            true => Err(ImportError::WeakKey),
            false => Ok(PrivateKey::Rsa(key)),
        }
    }

    /// RFC 5958, which PEM files have.
    pub(crate) fn to_pkcs8(&self) -> Result<Redacted<Vec<u8>>, GenerateError> {
        let failed = |_| GenerateError::KeyGeneration;
        let bytes = match self {
            PrivateKey::Ecdsa(key) => key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec(),
            PrivateKey::Rsa(key) => {
                let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
                der.as_ref().to_vec()
            }
        };
        Ok(Redacted(bytes))
    }

    pub(crate) fn algorithm(&self) -> KeygenAlgorithm {
        match self {
            PrivateKey::Ecdsa(_) => KeygenAlgorithm::EcdsaP256,
            PrivateKey::Rsa(key) => {
                let bits = u32::try_from(key.public_modulus_len() * 8);
                KeygenAlgorithm::RsaPkcs1 {
                    modulus_length: bits.unwrap_or(u32::MAX),
                }
            }
        }
    }

    /// As a certificate's subjectPublicKey has it.
    pub(crate) fn public(&self) -> &[u8] {
        match self {
            PrivateKey::Ecdsa(key) => key.public_key().as_ref(),
            PrivateKey::Rsa(key) => key.public_key().as_ref(),
        }
    }

    /// By a signature scheme of TLS (RFC 8446 §4.2.3).
    pub(crate) fn sign(&self, scheme: u16, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        let failed = |_| SignError::Failed;
        match (self, scheme) {
            (PrivateKey::Ecdsa(key), ECDSA_SHA256) => {
                let signature = key.sign(&random, message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            (PrivateKey::Rsa(key), _) => {
                let encoding = rsa_encoding(scheme).ok_or(SignError::Scheme)?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            _ => Err(SignError::Scheme),
        }
    }
}

const ECDSA_SHA256: u16 = 0x0403;
const PKCS1_SHA256: u16 = 0x0401;

fn rsa_encoding(scheme: u16) -> Option<&'static dyn signature::RsaEncoding> {
    Some(match scheme {
        PKCS1_SHA256 => &signature::RSA_PKCS1_SHA256,
        0x0501 => &signature::RSA_PKCS1_SHA384,
        0x0601 => &signature::RSA_PKCS1_SHA512,
        0x0804 => &signature::RSA_PSS_SHA256,
        0x0805 => &signature::RSA_PSS_SHA384,
        0x0806 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

impl rcgen::PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        self.public()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            PrivateKey::Ecdsa(_) => &rcgen::PKCS_ECDSA_P256_SHA256,
            PrivateKey::Rsa(_) => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl rcgen::SigningKey for PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let scheme = match self {
            PrivateKey::Ecdsa(_) => ECDSA_SHA256,
            PrivateKey::Rsa(_) => PKCS1_SHA256,
        };
        self.sign(scheme, message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
