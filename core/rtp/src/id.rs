//! What names streams, formats and header extensions on the wire.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// A synchronization source: one stream of RTP packets with sequence numbers of its own
/// (RFC 3550 §3).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no SSRC: a decimal number below 2³² (RFC 5576 §10).
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("an SSRC is a number below 2^32")]
pub struct SsrcError;

impl FromStr for Ssrc {
    type Err = SsrcError;

    fn from_str(text: &str) -> Result<Self, SsrcError> {
        decimal(text).map(Ssrc).ok_or(SsrcError)
    }
}

/// Which format a packet's payload has, 0 to 127 (RFC 3550 §5.1); what it means is negotiated.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PayloadType(u8);

impl PayloadType {
    /// `None` above 127.
    pub const fn new(number: u8) -> Option<Self> {
        if number < 128 {
            Some(PayloadType(number))
        } else {
            None
        }
    }

    /// The low seven bits of the second byte of an RTP packet.
    pub const fn from_low_bits(byte: u8) -> Self {
        PayloadType(byte & 0x7f)
    }

    /// 0 to 127.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no payload type: a decimal number from 0 to 127.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a payload type is a number from 0 to 127")]
pub struct PayloadTypeError;

impl FromStr for PayloadType {
    type Err = PayloadTypeError;

    fn from_str(text: &str) -> Result<Self, PayloadTypeError> {
        let number = decimal(text).and_then(PayloadType::new);
        number.ok_or(PayloadTypeError)
    }
}

/// The number of a header extension: 1 to 14 in one-byte headers, to 255 in two-byte headers
/// (RFC 8285 §4).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExtensionId(u8);

impl ExtensionId {
    /// The largest that a one-byte header has; 15 is reserved.
    pub const MAX_ONE_BYTE: u8 = 14;

    /// `None` for 0, which is padding.
    pub const fn new(number: u8) -> Option<Self> {
        if number > 0 {
            Some(ExtensionId(number))
        } else {
            None
        }
    }

    /// 1 to 255.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for ExtensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of one RTP stream of an m-section, a simulcast layer mostly: `RtpStreamId` on the wire
/// (RFC 8852 §3), `a=rid` in descriptions (RFC 8851 §10).
///
/// ```
/// use duologue_rtp::Rid;
///
/// assert_eq!("q".parse::<Rid>().map(|rid| rid.to_string()), Ok(String::from("q")));
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Rid(Arc<str>);

/// The text is no rid. RFC 8852 §3.1 has letters and digits; hyphens and underscores are taken
/// because RFC 8851 §10 had them before its erratum.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a rid has 1 to 255 letters, digits, hyphens and underscores")]
pub struct RidError;

impl Rid {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Rid {
    type Err = RidError;

    fn from_str(text: &str) -> Result<Self, RidError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if text.is_empty() || text.len() > 255 || !text.bytes().all(legal) {
            return Err(RidError);
        }
        Ok(Rid(text.into()))
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Rid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A decimal number: digits only, unlike `str::parse`, which takes a plus sign.
fn decimal<T: FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rid_has_no_separators() {
        for good in ["h264", "a-b_c"] {
            assert_eq!(good.parse::<Rid>().map(|r| r.to_string()), Ok(good.into()));
        }
        for bad in ["", "a;b", "a b", "~a", "ä", &"x".repeat(256)] {
            assert_eq!(bad.parse::<Rid>(), Err(RidError), "{bad:?}");
        }
    }

    #[test]
    fn numbers_outside_their_range_are_none() {
        assert_eq!(PayloadType::new(127).map(PayloadType::get), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert_eq!(ExtensionId::new(0), None);
    }

    #[test]
    fn numbers_are_read_from_digits_alone() {
        assert_eq!("111".parse(), Ok(PayloadType(111)));
        assert_eq!("4294967295".parse(), Ok(Ssrc(u32::MAX)));
        for bad in ["", "+1", "-1", " 1", "1a", "4294967296"] {
            assert_eq!(bad.parse::<PayloadType>(), Err(PayloadTypeError), "{bad:?}");
            assert_eq!(bad.parse::<Ssrc>(), Err(SsrcError), "{bad:?}");
        }
        assert_eq!("128".parse::<PayloadType>(), Err(PayloadTypeError));
    }
}
