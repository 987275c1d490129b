use std::fmt;

use duologue_base::{Redacted, Rng};

/// A username fragment and its password (RFC 8445 §5.3): what proves that a check comes from the
/// agent that signalling connected us with.
#[doc(alias = "RTCIceParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub pwd: Redacted<String>,
}

/// A username fragment or password is not 4 (22) to 256 `ice-char`s (RFC 8839 §5.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CredentialsError;

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ICE ufrag has 4 to 256 ice-chars, a password 22 to 256")
    }
}

impl std::error::Error for CredentialsError {}

impl Credentials {
    /// Checks the grammar of RFC 8839 §5.4.
    ///
    /// # Errors
    /// A length or character that the grammar does not have.
    pub fn new(ufrag: &str, pwd: &str) -> Result<Self, CredentialsError> {
        let ice_char = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        let legal = |text: &str, least: usize| {
            (least..=256).contains(&text.len()) && text.bytes().all(ice_char)
        };
        if !legal(ufrag, 4) || !legal(pwd, 22) {
            return Err(CredentialsError);
        }
        Ok(Credentials {
            ufrag: ufrag.to_owned(),
            pwd: Redacted(pwd.to_owned()),
        })
    }

    /// 48 bits of username fragment and 144 bits of password; RFC 8445 §5.3 asks for 24 and 128.
    pub fn generate(rng: &mut Rng) -> Self {
        Credentials {
            ufrag: rng.ice_chars(8),
            pwd: Redacted(rng.ice_chars(24)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_obey_their_grammar() {
        let pwd = "0123456789abcdefghij+/";
        assert!(Credentials::new("aB+/", pwd).is_ok());
        assert_eq!(Credentials::new("abc", pwd), Err(CredentialsError));
        assert_eq!(Credentials::new("ab c", pwd), Err(CredentialsError));
        assert_eq!(Credentials::new("abcd", &pwd[1..]), Err(CredentialsError));
        let made = Credentials::generate(&mut Rng::from_u64(1));
        assert_eq!(Credentials::new(&made.ufrag, &made.pwd), Ok(made));
    }
}
