//! What names streams, formats and header extensions on the wire.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A synchronization source: one stream of RTP packets with sequence numbers of its own
/// (RFC 3550 §3).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which format a packet's payload has, 0 to 127 (RFC 3550 §5.1); what it means is negotiated.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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

/// The name of one RTP stream of an m-section, a simulcast layer mostly: `RtpStreamId` on the wire
/// (RFC 8852 §3), `a=rid` in descriptions.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Rid(Arc<str>);

/// The text is no rid: RFC 8852 §3.1 has 1 to 255 letters and digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RidError;

impl fmt::Display for RidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rid has 1 to 255 letters and digits")
    }
}

impl std::error::Error for RidError {}

impl Rid {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Rid {
    type Err = RidError;

    fn from_str(text: &str) -> Result<Self, RidError> {
        let legal = text.bytes().all(|b| b.is_ascii_alphanumeric());
        if text.is_empty() || text.len() > 255 || !legal {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rid_has_letters_and_digits_only() {
        assert_eq!(
            "h264".parse::<Rid>().map(|r| r.to_string()),
            Ok("h264".into())
        );
        for bad in ["", "a-b", "a_b", "ä", &"x".repeat(256)] {
            assert_eq!(bad.parse::<Rid>(), Err(RidError), "{bad:?}");
        }
    }

    #[test]
    fn numbers_outside_their_range_are_none() {
        assert_eq!(PayloadType::new(127).map(PayloadType::get), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert_eq!(ExtensionId::new(0), None);
    }
}
