use std::fmt;
use std::str::FromStr;

use crate::address::NetAddress;
use crate::error::SyntaxError;
use crate::scan::{Words, decimal};
use crate::text::Token;

/// `o=`: who made the description, and which version of it this is (RFC 8866 §5.2).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Origin {
    /// `<username>`; JSEP writes `-`. A word without spaces.
    pub username: UserName,
    /// `<sess-id>`: a random number below 2^63 (RFC 9429 §5.2.1).
    pub session_id: u64,
    /// `<sess-version>`: one more for each description that differs from the one before.
    pub session_version: u64,
    /// `<unicast-address>`; JSEP writes one without meaning.
    pub address: NetAddress,
}

crate::text::plain_text!(
    /// The `<username>` of [`Origin`] (`non-ws-string`, RFC 8866 §9).
    UserName,
    "a user name",
    "visible characters without spaces",
    crate::text::is_word
);

impl Origin {
    /// An origin as JSEP writes it: `- <id> <version> IN IP4 0.0.0.0`.
    pub fn new(session_id: u64, session_version: u64) -> Self {
        Origin {
            username: UserName::from_static("-"),
            session_id,
            session_version,
            address: NetAddress::UNSPECIFIED,
        }
    }
}

impl FromStr for Origin {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("o=", value);
        let origin = Origin {
            username: words.parse("a user name")?,
            session_id: words.number("a session id below 2^64")?,
            session_version: words.number("a session version below 2^64")?,
            address: NetAddress::read(&mut words, false)?,
        };
        words.end()?;
        Ok(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin {
            username,
            session_id,
            session_version,
            address,
        } = self;
        write!(f, "{username} {session_id} {session_version} {address}")
    }
}

/// `c=`: the default destination (RFC 8866 §5.7), which ICE makes meaningless. The TTL and count of
/// a multicast address are checked and not kept.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Connection(pub NetAddress);

impl FromStr for Connection {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("c=", value);
        let address = NetAddress::read(&mut words, true)?;
        words.end()?;
        Ok(Connection(address))
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `b=<bwtype>:<bandwidth>` (RFC 8866 §5.8).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Bandwidth {
    /// `CT`, `AS` (kbit/s), `TIAS` (bit/s, RFC 3890), `RS`, `RR` (bit/s, RFC 3556) or another.
    pub kind: Token,
    /// The number, in the unit of its kind.
    pub value: u64,
}

impl FromStr for Bandwidth {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let error = SyntaxError::new("b=", "<bwtype>:<bandwidth>");
        let (kind, value) = value.split_once(':').ok_or(error)?;
        Ok(Bandwidth {
            kind: kind.parse().map_err(|_| error)?,
            value: decimal(value).ok_or(error)?,
        })
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}

/// `t=<start-time> <stop-time>` (RFC 8866 §5.9). JSEP writes `0 0`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Timing {
    /// Seconds since 1900, or 0.
    pub start: u64,
    /// Seconds since 1900, or 0.
    pub stop: u64,
}

impl FromStr for Timing {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("t=", value);
        let timing = Timing {
            start: words.number("a start time")?,
            stop: words.number("a stop time")?,
        };
        words.end()?;
        Ok(timing)
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.start, self.stop)
    }
}
