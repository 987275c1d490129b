use std::fmt;

use duologue_stun::{AttributeType, Key, Message, PasswordAlgorithm, Writer, userhash};

use crate::gather::Login;
use crate::limits;
use crate::turn::raw_algorithms;

/// RFC 8489 §9.2: a nonce that begins so tells in four more characters what the server can do.
const NONCE_COOKIE: &str = "obMatJos2";

/// Long-term credentials as a server asked for them.
pub(super) struct Auth {
    pub(super) key: Key,
    realm: String,
    nonce: String,
    /// The server named password algorithms: they are sent back with the one chosen, so that
    /// nobody between us can take the better ones away.
    algorithms: Option<(Vec<u8>, PasswordAlgorithm)>,
    /// USERHASH takes the place of USERNAME.
    anonymous: bool,
    /// The key of a token is cut: see [`CUT_KEY`].
    pub(super) is_cut: bool,
}

/// Bytes that coturn 4.6 takes of a token's key of 20, the length of MD5's digests. RFC 7635 §4.1.1 has
/// them all, which is tried first.
const CUT_KEY: usize = 16;

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth(<redacted>)")
    }
}

impl Auth {
    /// From the realm and nonce of a 401 or 438. None: the challenge is malformed.
    pub(super) fn challenged(login: &Login, is_cut: bool, message: &Message<'_>) -> Option<Self> {
        let short = |text: &&str| text.len() <= limits::CHALLENGE_LEN;
        let realm = message.realm().filter(short)?;
        let nonce = message.nonce().filter(short)?;

        let (username, password) = match login {
            Login::Password { username, password } => (username, password),
            // RFC 7635 §4.2: neither the realm nor a choice of algorithms is in the key.
            Login::Token(token) => {
                let whole = token.mac_key.len();
                let taken = if is_cut { CUT_KEY.min(whole) } else { whole };
                return Some(Auth {
                    key: Key::of_token(&token.mac_key[..taken]),
                    realm: realm.to_owned(),
                    nonce: nonce.to_owned(),
                    algorithms: None,
                    anonymous: false,
                    is_cut,
                });
            }
        };
        let features = security_features(nonce);
        // RFC 8489 §9.2.5: SHA-256 when it is offered, MD5 when nothing else is known.
        let best = |chosen: PasswordAlgorithm, offered| match offered {
            PasswordAlgorithm::Sha256 => offered,
            PasswordAlgorithm::Md5 => chosen,
        };
        let offered = raw_algorithms(message);
        let algorithm = message
            .password_algorithms()
            .reduce(best)
            .filter(|_| offered.is_some());
        // A feature bit without the attribute: it was removed on the way.
        if features.password_algorithms && algorithm.is_none() {
            return None;
        }

        let key_algorithm = algorithm.unwrap_or(PasswordAlgorithm::Md5);
        Some(Auth {
            key: Key::long_term(username, realm, password, key_algorithm),
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            algorithms: offered.zip(algorithm),
            anonymous: features.username_anonymity,
            is_cut,
        })
    }

    /// Whether the key may be tried in a shorter form.
    pub(super) fn may_cut(&self, login: &Login) -> bool {
        matches!(login, Login::Token(token) if !self.is_cut && token.mac_key.len() > CUT_KEY)
    }

    /// The same realm and algorithm: the same key.
    pub(super) fn is_like(&self, other: &Auth) -> bool {
        self.realm == other.realm && self.algorithms == other.algorithms
    }

    pub(super) fn has_nonce_of(&self, other: &Auth) -> bool {
        self.nonce == other.nonce
    }

    /// Adds the credentials to a request.
    pub(super) fn sign(&self, login: &Login, writer: &mut Writer<'_>) {
        match login {
            Login::Password { username, .. } if self.anonymous => {
                writer.userhash(&userhash(username, &self.realm))
            }
            Login::Password { username, .. } => writer.username(username),
            // RFC 7635 §4.2: the key's name is the user's.
            Login::Token(token) => writer
                .username(&token.kid)
                .access_token(&token.access_token),
        };
        writer.realm(&self.realm).nonce(&self.nonce);
        match &self.algorithms {
            // RFC 8489 §9.2.5: "all the subsequent requests MUST be authenticated using
            // MESSAGE-INTEGRITY-SHA256 only."
            Some((offered, chosen)) => writer
                .attribute(AttributeType::PASSWORD_ALGORITHMS, offered)
                .password_algorithm(*chosen)
                .integrity_sha256(&self.key),
            None => writer.integrity(&self.key),
        };
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct SecurityFeatures {
    password_algorithms: bool,
    username_anonymity: bool,
}

/// RFC 8489 §9.2: 24 bits in base64 after the cookie; bit 0, the first, is for password
/// algorithms and bit 1 for user names that stay secret.
fn security_features(nonce: &str) -> SecurityFeatures {
    let first = nonce
        .strip_prefix(NONCE_COOKIE)
        .filter(|rest| rest.len() >= 4)
        .and_then(|rest| rest.bytes().next());
    let six_bits = match first {
        Some(byte @ b'A'..=b'Z') => byte - b'A',
        Some(byte @ b'a'..=b'z') => byte - b'a' + 26,
        Some(byte @ b'0'..=b'9') => byte - b'0' + 52,
        Some(b'+') => 62,
        Some(b'/') => 63,
        _ => 0,
    };
    SecurityFeatures {
        password_algorithms: six_bits & 0b10_0000 != 0,
        username_anonymity: six_bits & 0b01_0000 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nonce_tells_what_the_server_can_do() {
        let features = |nonce| {
            let features = security_features(nonce);
            (features.password_algorithms, features.username_anonymity)
        };
        assert_eq!(
            features("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"),
            (false, false)
        );
        assert_eq!(features("obMatJos2gAAAxyz"), (true, false));
        assert_eq!(features("obMatJos2wAAAxyz"), (true, true));
        assert_eq!(features("obMatJos2w"), (false, false));
        assert_eq!(features("something else"), (false, false));
    }
}
