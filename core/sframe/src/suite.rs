use aws_lc_rs::hkdf;

/// A cipher suite (RFC 9605 §4.5): W3C `SFrameCipherSuite`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "SFrameCipherSuite")]
pub enum CipherSuite {
    /// `AES_128_CTR_HMAC_SHA256_80`: a tag of ten bytes.
    Aes128CtrHmacSha256_80,
    /// `AES_128_CTR_HMAC_SHA256_64`: a tag of eight bytes.
    Aes128CtrHmacSha256_64,
    /// `AES_128_CTR_HMAC_SHA256_32`: a tag of four bytes, for sound that has nothing to spare; one forged frame in 2³² passes.
    Aes128CtrHmacSha256_32,
    /// `AES_128_GCM_SHA256_128`
    Aes128GcmSha256_128,
    /// `AES_256_GCM_SHA512_128`
    Aes256GcmSha512_128,
}

/// Bytes of a nonce and of a salt, in every suite.
pub(crate) const NONCE: usize = 12;

/// Bytes of the part of a key that encrypts, where the other part authenticates.
pub(crate) const AES_128_KEY: usize = 16;

impl CipherSuite {
    /// All, in the order of their numbers.
    pub const ALL: [CipherSuite; 5] = [
        CipherSuite::Aes128CtrHmacSha256_80,
        CipherSuite::Aes128CtrHmacSha256_64,
        CipherSuite::Aes128CtrHmacSha256_32,
        CipherSuite::Aes128GcmSha256_128,
        CipherSuite::Aes256GcmSha512_128,
    ];

    /// The suite's number in IANA's registry "SFrame Cipher Suites" (RFC 9605 §8.1).
    pub fn number(self) -> u16 {
        match self {
            CipherSuite::Aes128CtrHmacSha256_80 => 1,
            CipherSuite::Aes128CtrHmacSha256_64 => 2,
            CipherSuite::Aes128CtrHmacSha256_32 => 3,
            CipherSuite::Aes128GcmSha256_128 => 4,
            CipherSuite::Aes256GcmSha512_128 => 5,
        }
    }

    /// The suite's name in IANA's registry, which is the W3C's.
    pub fn name(self) -> &'static str {
        match self {
            CipherSuite::Aes128CtrHmacSha256_80 => "AES_128_CTR_HMAC_SHA256_80",
            CipherSuite::Aes128CtrHmacSha256_64 => "AES_128_CTR_HMAC_SHA256_64",
            CipherSuite::Aes128CtrHmacSha256_32 => "AES_128_CTR_HMAC_SHA256_32",
            CipherSuite::Aes128GcmSha256_128 => "AES_128_GCM_SHA256_128",
            CipherSuite::Aes256GcmSha512_128 => "AES_256_GCM_SHA512_128",
        }
    }

    /// The suite of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Bytes of a derived key: `Nk`, of a suite with HMAC `Nka` and `Nh` together (RFC 9605 §4.5.1).
    pub fn key_bytes(self) -> usize {
        match self {
            CipherSuite::Aes128GcmSha256_128 => 16,
            CipherSuite::Aes256GcmSha512_128 => 32,
            _ => AES_128_KEY + 32,
        }
    }

    /// Bytes of a derived salt: `Nn`.
    pub fn salt_bytes(self) -> usize {
        NONCE
    }

    /// Bytes of a tag: `Nt`.
    pub fn tag_bytes(self) -> usize {
        match self {
            CipherSuite::Aes128CtrHmacSha256_80 => 10,
            CipherSuite::Aes128CtrHmacSha256_64 => 8,
            CipherSuite::Aes128CtrHmacSha256_32 => 4,
            CipherSuite::Aes128GcmSha256_128 | CipherSuite::Aes256GcmSha512_128 => 16,
        }
    }

    pub(crate) fn hkdf(self) -> hkdf::Algorithm {
        match self {
            CipherSuite::Aes256GcmSha512_128 => hkdf::HKDF_SHA512,
            _ => hkdf::HKDF_SHA256,
        }
    }
}
