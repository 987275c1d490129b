use std::fmt;
use std::ops::Range;

use crate::attribute::AttributeType;
use crate::integrity::{IntegrityError, Key};

/// RFC 8489 §5: the third to sixth byte of every message.
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

pub(crate) const HEADER_LEN: usize = 20;
/// RFC 8489 §14.7
pub(crate) const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// What a message is (RFC 8489 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Wants none.
    Indication,
    /// Grants a request.
    SuccessResponse,
    /// Refuses a request.
    ErrorResponse,
}

/// What a message is about (RFC 8489 §18.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Method(pub u16);

impl Method {
    /// RFC 8489 §18.2
    pub const BINDING: Method = Method(0x001);
    /// RFC 8656 §17
    pub const ALLOCATE: Method = Method(0x003);
    /// RFC 8656 §17
    pub const REFRESH: Method = Method(0x004);
    /// RFC 8656 §17
    pub const SEND: Method = Method(0x006);
    /// RFC 8656 §17
    pub const DATA: Method = Method(0x007);
    /// RFC 8656 §17
    pub const CREATE_PERMISSION: Method = Method(0x008);
    /// RFC 8656 §17
    pub const CHANNEL_BIND: Method = Method(0x009);
}

/// Joins a response to its request (RFC 8489 §5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TransactionId(pub [u8; 12]);

/// Why bytes are not a STUN message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// The bytes are too short, without the cookie, or have one of the first two bits set.
    NotStun,
    /// The header's length is not that of the message, or not a multiple of four.
    Length,
    /// An attribute reaches past the end.
    Attribute(AttributeType),
    /// FINGERPRINT is wrong or is not the last attribute.
    Fingerprint,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::NotStun => f.write_str("not a STUN message"),
            ParseError::Length => f.write_str("the length field does not fit the message"),
            ParseError::Attribute(kind) => write!(f, "attribute {:#06x} is malformed", kind.0),
            ParseError::Fingerprint => f.write_str("the FINGERPRINT attribute is wrong"),
        }
    }
}

impl std::error::Error for ParseError {}

/// A parsed message, borrowing its bytes.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    class: Class,
    method: Method,
    id: TransactionId,
    /// Where the integrity attributes' headers are, from the start of the message.
    integrity: Option<usize>,
    integrity_sha256: Option<usize>,
    fingerprint: bool,
}

/// These bytes look like STUN: enough to tell it from what shares its socket (RFC 7983 §7).
pub fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_LEN && bytes[0] < 4 && bytes[4..8] == MAGIC_COOKIE.to_be_bytes()
}

impl<'a> Message<'a> {
    /// Checks the whole structure, and FINGERPRINT when there is one. The bytes must be exactly
    /// one message.
    ///
    /// # Errors
    /// What makes it no message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if !is_stun(bytes) {
            return Err(ParseError::NotStun);
        }
        let (header, body) = bytes.split_at(HEADER_LEN);
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if len != body.len() || len % 4 != 0 {
            return Err(ParseError::Length);
        }
        let mut id = [0; 12];
        id.copy_from_slice(&header[8..20]);
        let mut message = Message {
            bytes,
            class: class(kind),
            method: method(kind),
            id: TransactionId(id),
            integrity: None,
            integrity_sha256: None,
            fingerprint: false,
        };
        message.check_attributes(body)?;
        Ok(message)
    }

    /// Request, indication or response.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The method of the message: what it is about.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The transaction that the message belongs to.
    pub fn transaction_id(&self) -> TransactionId {
        self.id
    }

    /// Whether the message ends with a FINGERPRINT, which [`Message::parse`] found right.
    pub fn has_fingerprint(&self) -> bool {
        self.fingerprint
    }

    /// Whether the message has an integrity attribute of either kind.
    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some() || self.integrity_sha256.is_some()
    }

    /// The attributes of the message in order, without those that RFC 8489 §14.5 and §14.6 say to
    /// ignore because they come after an integrity attribute.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes {
            rest: &self.bytes[HEADER_LEN..],
            last: None,
        }
    }

    /// The value of the first attribute of this type (RFC 8489 §14: only the first counts).
    pub fn attribute(&self, kind: AttributeType) -> Option<&'a [u8]> {
        self.attributes().find(|(k, _)| *k == kind).map(|(_, v)| v)
    }

    /// Where in the message the value of the first attribute of this type is.
    pub fn attribute_range(&self, kind: AttributeType) -> Option<Range<usize>> {
        let mut attributes = self.attributes();
        let (_, value) = attributes.find(|(k, _)| *k == kind)?;
        let end = self.bytes.len() - attributes.rest.len();
        let start = end - value.len().next_multiple_of(4);
        Some(start..start + value.len())
    }

    /// The comprehension-required attributes that are not in `known`.
    pub fn unknown_required(
        &self,
        known: &'a [AttributeType],
    ) -> impl Iterator<Item = AttributeType> + use<'a> {
        self.attributes()
            .map(|(kind, _)| kind)
            .filter(|kind| kind.comprehension_required() && !known.contains(kind))
    }

    /// Whether this crate has a name for every comprehension-required attribute of the message.
    /// That is what a response is held to (RFC 8489 §6.3.3, §6.3.4): servers and agents add what
    /// says nothing new, such as libnice its USERNAME.
    pub fn is_understood(&self) -> bool {
        self.attributes()
            .all(|(kind, _)| kind.is_known() || !kind.comprehension_required())
    }

    /// Compares the integrity attribute in constant time. When both kinds are there,
    /// MESSAGE-INTEGRITY-SHA256 decides (RFC 8489 §9.1.3).
    ///
    /// # Errors
    /// The message has no integrity attribute, or one of another key.
    pub fn verify(&self, key: &Key) -> Result<(), IntegrityError> {
        match (self.integrity_sha256, self.integrity) {
            (Some(at), _) => key.verify_sha256(self.bytes, at),
            (None, Some(at)) => key.verify_sha1(self.bytes, at),
            (None, None) => Err(IntegrityError::Missing),
        }
    }

    fn check_attributes(&mut self, body: &[u8]) -> Result<(), ParseError> {
        let mut at = HEADER_LEN;
        let mut rest = body;
        while !rest.is_empty() {
            if self.fingerprint {
                return Err(ParseError::Fingerprint);
            }
            let (kind, value, after) =
                split_attribute(rest).ok_or_else(|| ParseError::Attribute(first_type(rest)))?;
            match kind {
                AttributeType::MESSAGE_INTEGRITY if !self.has_integrity() => {
                    if value.len() != 20 {
                        return Err(ParseError::Attribute(kind));
                    }
                    self.integrity = Some(at);
                }
                AttributeType::MESSAGE_INTEGRITY_SHA256 if self.integrity_sha256.is_none() => {
                    // RFC 8489 §14.6: it may be truncated to a multiple of four, at least 16.
                    if !(16..=32).contains(&value.len()) || value.len() % 4 != 0 {
                        return Err(ParseError::Attribute(kind));
                    }
                    self.integrity_sha256 = Some(at);
                }
                AttributeType::FINGERPRINT => {
                    let sum = crc32fast::hash(&self.bytes[..at]) ^ FINGERPRINT_XOR;
                    if value != sum.to_be_bytes() {
                        return Err(ParseError::Fingerprint);
                    }
                    self.fingerprint = true;
                }
                _ => {}
            }
            at += rest.len() - after.len();
            rest = after;
        }
        Ok(())
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("class", &self.class)
            .field("method", &self.method)
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Iterator of [`Message::attributes`].
#[derive(Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    /// The last integrity attribute that was passed.
    last: Option<AttributeType>,
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attributes(..)")
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (AttributeType, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (kind, value, after) = split_attribute(self.rest)?;
            self.rest = after;
            let counts = match self.last {
                None => true,
                Some(AttributeType::MESSAGE_INTEGRITY) => {
                    kind == AttributeType::MESSAGE_INTEGRITY_SHA256
                        || kind == AttributeType::FINGERPRINT
                }
                Some(_) => kind == AttributeType::FINGERPRINT,
            };
            if !counts {
                continue;
            }
            if let AttributeType::MESSAGE_INTEGRITY | AttributeType::MESSAGE_INTEGRITY_SHA256 = kind
            {
                self.last = Some(kind);
            }
            return Some((kind, value));
        }
    }
}

/// RFC 8489 §14: type, length of the value, value, padding to a multiple of four.
fn split_attribute(bytes: &[u8]) -> Option<(AttributeType, &[u8], &[u8])> {
    let (&[t0, t1, l0, l1], rest) = bytes.split_first_chunk::<4>()?;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let padded = len.next_multiple_of(4);
    let (value, after) = rest.split_at_checked(padded)?;
    let kind = AttributeType(u16::from_be_bytes([t0, t1]));
    Some((kind, &value[..len], after))
}

fn first_type(bytes: &[u8]) -> AttributeType {
    match *bytes {
        [t0, t1, ..] => AttributeType(u16::from_be_bytes([t0, t1])),
        _ => AttributeType(0),
    }
}

/// RFC 8489 §5: the class bits C1 and C0 sit between the method's.
fn class(kind: u16) -> Class {
    match (kind >> 7) & 2 | (kind >> 4) & 1 {
        0 => Class::Request,
        1 => Class::Indication,
        2 => Class::SuccessResponse,
        _ => Class::ErrorResponse,
    }
}

fn method(kind: u16) -> Method {
    Method((kind & 0x000f) | (kind >> 1) & 0x0070 | (kind >> 2) & 0x0f80)
}

pub(crate) fn message_type(class: Class, method: Method) -> u16 {
    let m = method.0;
    let c = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::SuccessResponse => 0x0100,
        Class::ErrorResponse => 0x0110,
    };
    (m & 0x000f) | (m & 0x0070) << 1 | (m & 0x0f80) << 2 | c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CheckAttributes, Writer};

    #[test]
    fn every_message_type_survives_its_encoding() {
        for number in 0..0x1000 {
            for kind in [
                Class::Request,
                Class::Indication,
                Class::SuccessResponse,
                Class::ErrorResponse,
            ] {
                let wire = message_type(kind, Method(number));
                assert_eq!((class(wire), method(wire)), (kind, Method(number)));
            }
        }
    }

    #[test]
    fn attributes_behind_the_integrity_attribute_are_ignored() {
        let key = Key::short_term("pw");
        let mut packet = Vec::new();
        Writer::new(
            &mut packet,
            Class::Request,
            Method::BINDING,
            TransactionId([1; 12]),
        )
        .username("u")
        .integrity(&key)
        .priority(7)
        .integrity_sha256(&key)
        .use_candidate()
        .fingerprint();
        let message = Message::parse(&packet).unwrap();
        let kinds: Vec<AttributeType> = message.attributes().map(|(kind, _)| kind).collect();
        assert_eq!(
            kinds,
            [
                AttributeType::USERNAME,
                AttributeType::MESSAGE_INTEGRITY,
                AttributeType::MESSAGE_INTEGRITY_SHA256,
                AttributeType::FINGERPRINT
            ]
        );
        let username = message.attribute_range(AttributeType::USERNAME).unwrap();
        assert_eq!(&packet[username], b"u");
        assert_eq!(message.priority(), None);
        assert!(!message.use_candidate());
        assert_eq!(message.read_check(), CheckAttributes::default());
        assert_eq!(message.verify(&key), Ok(()));
    }

    #[test]
    fn what_a_check_says_is_the_same_in_one_go() {
        let said = |write: fn(&mut Writer<'_>)| {
            let mut packet = Vec::new();
            let id = TransactionId([1; 12]);
            let mut writer = Writer::new(&mut packet, Class::Request, Method::BINDING, id);
            write(&mut writer);
            writer.fingerprint();
            let message = Message::parse(&packet).unwrap();
            let one_by_one = CheckAttributes {
                priority: message.priority(),
                use_candidate: message.use_candidate(),
                nomination: message.nomination(),
            };
            assert_eq!(message.read_check(), one_by_one);
            one_by_one
        };
        let all = said(|writer| {
            writer.priority(7).use_candidate().priority(8).nomination(9);
        });
        let expected = CheckAttributes {
            priority: Some(7),
            use_candidate: true,
            nomination: Some(9),
        };
        assert_eq!(all, expected);
        assert_eq!(said(|_| {}), CheckAttributes::default());
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused_or_fails_its_integrity() {
        let key = Key::short_term("pw");
        let mut packet = Vec::new();
        Writer::new(
            &mut packet,
            Class::Request,
            Method::BINDING,
            TransactionId([1; 12]),
        )
        .username("someone:else")
        .integrity(&key)
        .fingerprint();
        for len in 0..packet.len() {
            assert!(Message::parse(&packet[..len]).is_err());
        }
        for bit in 0..packet.len() * 8 {
            let mut broken = packet.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            if let Ok(message) = Message::parse(&broken) {
                // Only a FINGERPRINT turned into an unknown optional attribute parses.
                assert!(!message.has_fingerprint());
            }
        }
    }

    #[test]
    fn a_wrong_key_does_not_verify() {
        let mut packet = Vec::new();
        Writer::new(
            &mut packet,
            Class::Request,
            Method::BINDING,
            TransactionId([1; 12]),
        )
        .integrity(&Key::short_term("right"));
        let message = Message::parse(&packet).unwrap();
        let wrong = Key::short_term("wrong");
        assert_eq!(message.verify(&wrong), Err(IntegrityError::Mismatch));
    }
}
