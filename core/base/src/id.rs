use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub $raw);
    };
}

key!(
    /// One ICE + DTLS transport of a connection. Never reused within the connection.
    TransportKey(u32)
);
key!(
    /// Which set of ICE credentials of a transport: 0 at first, one more for each ICE restart.
    Generation(u32)
);
key!(
    /// One transceiver of a connection. Never reused within the connection.
    TransceiverId(u32)
);
key!(
    /// A socket that the driver opened for a session.
    SocketId(u32)
);
key!(
    /// A stream of the SCTP association: the `id` of a data channel, 0 to 65534 (RFC 8831 §6.2).
    StreamId(u16)
);
key!(
    /// One data channel of a connection. Never reused, unlike its [`StreamId`]. Keys of channels
    /// made here are even, those of channels the remote end announced are odd.
    ChannelKey(u32)
);

/// A media description's identification tag (`a=mid`, RFC 5888 §4): a legal SDP token.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mid(Arc<str>);

impl Mid {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not an SDP token (RFC 8866 §9), or too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MidError;

impl fmt::Display for MidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mid must be an SDP token of 1 to 256 characters")
    }
}

impl std::error::Error for MidError {}

impl FromStr for Mid {
    type Err = MidError;

    fn from_str(text: &str) -> Result<Self, MidError> {
        let token = |b: u8| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&b);
        if text.is_empty() || text.len() > 256 || !text.bytes().all(token) {
            return Err(MidError);
        }
        Ok(Mid(text.into()))
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Mid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// What candidates share that have the same kind, base, server and protocol (RFC 8445 §5.1.1.3).
/// RFC 8839 §5.1 has 1 to 32 ice-chars; others leave it empty or have any characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Foundation(Arc<str>);

impl Foundation {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text has more than 256 characters, or spaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FoundationError;

impl fmt::Display for FoundationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a foundation has at most 256 characters and no spaces")
    }
}

impl std::error::Error for FoundationError {}

impl FromStr for Foundation {
    type Err = FoundationError;

    fn from_str(text: &str) -> Result<Self, FoundationError> {
        if text.len() > 256 || !text.bytes().all(|b| b > 0x20 && b != 0x7f) {
            return Err(FoundationError);
        }
        Ok(Foundation(text.into()))
    }
}

impl fmt::Display for Foundation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mid_is_a_token() {
        assert_eq!(
            "a-1_{x}".parse::<Mid>().map(|m| m.to_string()),
            Ok("a-1_{x}".to_owned())
        );
        for bad in ["", "a b", "a;b", "ä", "a\r\n", &"x".repeat(257)] {
            assert_eq!(bad.parse::<Mid>(), Err(MidError), "{bad:?}");
        }
    }

    #[test]
    fn a_foundation_is_one_word_or_none() {
        for good in ["", "1", "a+/", "Ü", &"x".repeat(256)] {
            assert_eq!(
                good.parse::<Foundation>().map(|f| f.to_string()),
                Ok(good.into())
            );
        }
        for bad in ["a b", "a\r\n", "\x7f", &"x".repeat(257)] {
            assert_eq!(bad.parse::<Foundation>(), Err(FoundationError), "{bad:?}");
        }
    }
}
