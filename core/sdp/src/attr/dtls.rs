use std::fmt;
use std::str::FromStr;

use crate::error::SyntaxError;
use crate::scan::Words;
use crate::text::{Text, Token, all_bytes, plain_text};

/// `a=fingerprint:<hash-func> <fingerprint>` (RFC 8122 §5): the hash of a certificate.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Fingerprint {
    hash: HashFunction,
    digest: Vec<u8>,
}

impl Fingerprint {
    /// A fingerprint; `None` if the digest does not have the length its hash function gives.
    pub fn new(hash: HashFunction, digest: Vec<u8>) -> Option<Self> {
        let fits = match hash.digest_len() {
            Some(len) => digest.len() == len,
            None => (1..=MAX_DIGEST_BYTES).contains(&digest.len()),
        };
        fits.then_some(Fingerprint { hash, digest })
    }

    /// Which hash function.
    pub fn hash(&self) -> &HashFunction {
        &self.hash
    }

    /// The hash.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// Longest digest of a hash function that is not known here.
const MAX_DIGEST_BYTES: usize = 128;

impl FromStr for Fingerprint {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=fingerprint", value);
        let hash: HashFunction = words.parse("a hash function")?;
        let text = words.word("a fingerprint")?;
        words.end()?;
        const PAIRS: &str = "pairs of hexadecimal digits joined by colons";
        if text.len() > 3 * MAX_DIGEST_BYTES {
            return Err(words.error("a digest as long as the hash function gives"));
        }
        // RFC 8122 §5 asks for capitals; small letters are read too, as browsers do.
        let digest: Option<Vec<u8>> = text.split(':').map(hex_pair).collect();
        let digest = digest.ok_or_else(|| words.error(PAIRS))?;
        Fingerprint::new(hash, digest)
            .ok_or_else(|| words.error("a digest as long as the hash function gives"))
    }
}

fn hex_pair(text: &str) -> Option<u8> {
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    match text.as_bytes() {
        &[high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hash)?;
        for (i, byte) in self.digest.iter().enumerate() {
            write!(f, "{}{byte:02X}", if i == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

/// `<hash-func>` of a [`Fingerprint`]. Read in any case, written in small letters.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum HashFunction {
    /// `sha-1`
    Sha1,
    /// `sha-224`
    Sha224,
    /// `sha-256`: what every implementation has (RFC 8122 §5).
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
    /// `md5`: must not be used, but is grammar.
    Md5,
    /// `md2`: must not be used, but is grammar.
    Md2,
    /// Another hash function, in small letters.
    Other(Token),
}

impl HashFunction {
    /// The name in the registry.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
            Self::Md5 => "md5",
            Self::Md2 => "md2",
            Self::Other(token) => token.as_str(),
        }
    }

    /// How many bytes its digest has; `None` if the function is not known.
    pub fn digest_len(&self) -> Option<usize> {
        match self {
            Self::Sha1 => Some(20),
            Self::Sha224 => Some(28),
            Self::Sha256 => Some(32),
            Self::Sha384 => Some(48),
            Self::Sha512 => Some(64),
            Self::Md5 | Self::Md2 => Some(16),
            Self::Other(_) => None,
        }
    }
}

impl FromStr for HashFunction {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let known = [
            Self::Sha1,
            Self::Sha224,
            Self::Sha256,
            Self::Sha384,
            Self::Sha512,
            Self::Md5,
            Self::Md2,
        ];
        match known
            .into_iter()
            .find(|hash| hash.as_str().eq_ignore_ascii_case(text))
        {
            Some(hash) => Ok(hash),
            None => text.to_ascii_lowercase().parse().map(Self::Other),
        }
    }
}

impl fmt::Display for HashFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `a=setup` (RFC 4145 §4, RFC 5763 §5): who is the DTLS client.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Setup {
    /// `active`: the DTLS client.
    Active,
    /// `passive`: the DTLS server.
    Passive,
    /// `actpass`: either; what an offer says.
    ActPass,
    /// `holdconn`: no connection for now; WebRTC does not use it.
    HoldConn,
}

impl FromStr for Setup {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        // RFC 5234 §2.3: a string of ABNF matches in any case.
        match value.to_ascii_lowercase().as_str() {
            "active" => Ok(Self::Active),
            "passive" => Ok(Self::Passive),
            "actpass" => Ok(Self::ActPass),
            "holdconn" => Ok(Self::HoldConn),
            _ => Err(SyntaxError::new(
                "a=setup",
                "active, passive, actpass or holdconn",
            )),
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        })
    }
}

plain_text!(
    /// `a=tls-id` (RFC 8842 §4): names a DTLS association, so that a new one is seen as new.
    TlsId,
    "a=tls-id",
    "20 to 255 letters, digits, +, /, - or _",
    is_tls_id
);
all_bytes!(is_tls_id, 20..=255,
    b => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'));

/// `a=identity:<assertion> [extensions]` (RFC 8827 §5): who the user is, signed by a third party.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Identity {
    /// The assertion, in base64.
    pub assertion: IdentityAssertion,
    /// `;name=value` extensions as they are written; usually empty.
    pub extensions: Text,
}

plain_text!(
    /// The assertion of an [`Identity`]: base64 text.
    IdentityAssertion,
    "a=identity",
    "an assertion in base64",
    is_base64
);
all_bytes!(is_base64, 1..,
    b => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));

impl FromStr for Identity {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let (assertion, extensions) = match value.find([' ', ';']) {
            Some(at) => value.split_at(at),
            None => (value, ""),
        };
        Ok(Identity {
            assertion: assertion.parse()?,
            extensions: extensions.parse()?,
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.assertion, self.extensions)
    }
}
