//! What signalling agrees on for a transport: roles and credentials.

use std::fmt;

use crate::{Redacted, Rng};

/// Which agent nominates the pair (RFC 8445 §6.1.1).
#[doc(alias = "RTCIceRole")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum IceRole {
    /// The controlling agent, which nominates.
    Controlling,
    /// The other agent nominates.
    Controlled,
}

impl IceRole {
    /// The W3C's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            IceRole::Controlling => "controlling",
            IceRole::Controlled => "controlled",
        }
    }

    /// The other one.
    pub const fn switched(self) -> Self {
        match self {
            IceRole::Controlling => IceRole::Controlled,
            IceRole::Controlled => IceRole::Controlling,
        }
    }
}

/// Which end of the handshake this one is: decided by `a=setup` (RFC 8842 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "RTCDtlsRole")]
pub enum DtlsRole {
    /// Sends the ClientHello: `a=setup:active`.
    Client,
    /// Waits for the ClientHello: `a=setup:passive`.
    Server,
}

/// A username fragment and its password (RFC 8445 §5.3): what proves that a check comes from the
/// agent that signalling connected us with.
#[doc(alias = "RTCIceParameters")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceCredentials {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub pwd: Redacted<String>,
}

/// A username fragment or password is not 4 (22) to 256 `ice-char`s (RFC 8839 §5.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IceCredentialsError;

impl fmt::Display for IceCredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ICE ufrag has 4 to 256 ice-chars, a password 22 to 256")
    }
}

impl std::error::Error for IceCredentialsError {}

impl IceCredentials {
    /// Checks the grammar of RFC 8839 §5.4.
    ///
    /// # Errors
    /// A length or character that the grammar does not have.
    pub fn new(ufrag: &str, pwd: &str) -> Result<Self, IceCredentialsError> {
        let ice_char = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        let legal = |text: &str, least: usize| {
            (least..=256).contains(&text.len()) && text.bytes().all(ice_char)
        };
        if !legal(ufrag, 4) || !legal(pwd, 22) {
            return Err(IceCredentialsError);
        }
        Ok(IceCredentials {
            ufrag: ufrag.to_owned(),
            pwd: Redacted(pwd.to_owned()),
        })
    }

    /// 48 bits of username fragment and 144 bits of password; RFC 8445 §5.3 asks for 24 and 128.
    pub fn generate(rng: &mut Rng) -> Self {
        IceCredentials {
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
        assert!(IceCredentials::new("aB+/", pwd).is_ok());
        assert_eq!(IceCredentials::new("abc", pwd), Err(IceCredentialsError));
        assert_eq!(IceCredentials::new("ab c", pwd), Err(IceCredentialsError));
        assert_eq!(
            IceCredentials::new("abcd", &pwd[1..]),
            Err(IceCredentialsError)
        );
        let made = IceCredentials::generate(&mut Rng::from_u64(1));
        assert_eq!(IceCredentials::new(&made.ufrag, &made.pwd), Ok(made));
    }
}
