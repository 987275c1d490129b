//! The values of attributes, read on demand. A malformed value reads as an absent attribute.

use std::net::SocketAddr;

use crate::address;
use crate::attribute::AttributeType;
use crate::channel::ChannelNumber;
use crate::error_code::ErrorCode;
use crate::integrity::PasswordAlgorithm;
use crate::message::Message;

/// Family in REQUESTED-ADDRESS-FAMILY and its like (RFC 8656 §18.6).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AddressFamily {
    /// 0x01
    Ipv4,
    /// 0x02
    Ipv6,
}

impl AddressFamily {
    pub(crate) const fn number(self) -> u8 {
        match self {
            AddressFamily::Ipv4 => 0x01,
            AddressFamily::Ipv6 => 0x02,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            0x01 => Some(AddressFamily::Ipv4),
            0x02 => Some(AddressFamily::Ipv6),
            _ => None,
        }
    }
}

/// What a connectivity check says of the pair that it is sent on (RFC 8445 §7.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CheckAttributes {
    /// PRIORITY
    pub priority: Option<u32>,
    /// USE-CANDIDATE is there.
    pub use_candidate: bool,
    /// NOMINATION (draft-thatcher-ice-renomination)
    pub nomination: Option<u32>,
}

impl<'a> Message<'a> {
    /// USERNAME
    pub fn username(&self) -> Option<&'a str> {
        self.text(AttributeType::USERNAME)
    }

    /// USERHASH
    pub fn userhash(&self) -> Option<&'a [u8; 32]> {
        self.attribute(AttributeType::USERHASH)?.try_into().ok()
    }

    /// ACCESS-TOKEN (RFC 7635 §6.2)
    pub fn access_token(&self) -> Option<&'a [u8]> {
        self.attribute(AttributeType::ACCESS_TOKEN)
    }

    /// REALM
    pub fn realm(&self) -> Option<&'a str> {
        self.text(AttributeType::REALM)
    }

    /// NONCE
    pub fn nonce(&self) -> Option<&'a str> {
        self.text(AttributeType::NONCE)
    }

    /// SOFTWARE
    pub fn software(&self) -> Option<&'a str> {
        self.text(AttributeType::SOFTWARE)
    }

    /// ALTERNATE-DOMAIN
    pub fn alternate_domain(&self) -> Option<&'a str> {
        self.text(AttributeType::ALTERNATE_DOMAIN)
    }

    /// XOR-MAPPED-ADDRESS, or the MAPPED-ADDRESS of servers older than it.
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        self.xored(AttributeType::XOR_MAPPED_ADDRESS).or_else(|| {
            self.attribute(AttributeType::MAPPED_ADDRESS)
                .and_then(address::read)
        })
    }

    /// XOR-RELAYED-ADDRESS; the first, when the allocation is for both families.
    pub fn relayed_address(&self) -> Option<SocketAddr> {
        self.xored(AttributeType::XOR_RELAYED_ADDRESS)
    }

    /// XOR-PEER-ADDRESS; the first.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.xored(AttributeType::XOR_PEER_ADDRESS)
    }

    /// ALTERNATE-SERVER
    pub fn alternate_server(&self) -> Option<SocketAddr> {
        self.attribute(AttributeType::ALTERNATE_SERVER)
            .and_then(address::read)
    }

    /// RESPONSE-ORIGIN (RFC 5780 §7.3): whence the server says that it answered.
    pub fn response_origin(&self) -> Option<SocketAddr> {
        self.attribute(AttributeType::RESPONSE_ORIGIN)
            .and_then(address::read)
    }

    /// OTHER-ADDRESS (RFC 5780 §7.4): where a server is besides that helps to find out what a NAT does.
    pub fn other_address(&self) -> Option<SocketAddr> {
        self.attribute(AttributeType::OTHER_ADDRESS)
            .and_then(address::read)
    }

    /// ERROR-CODE's number.
    pub fn error_code(&self) -> Option<ErrorCode> {
        let value = self.attribute(AttributeType::ERROR_CODE)?;
        let &[_, _, class, number] = value.first_chunk::<4>()?;
        let class = class & 0x07;
        // RFC 8489 §14.8: the class is 3 to 6, the number 0 to 99.
        if !(3..=6).contains(&class) || number > 99 {
            return None;
        }
        Some(ErrorCode(u16::from(class) * 100 + u16::from(number)))
    }

    /// ERROR-CODE's reason phrase. coturn counts the attribute's padding (RFC 8489 §14) as part of it.
    pub fn error_reason(&self) -> Option<&'a str> {
        let value = self.attribute(AttributeType::ERROR_CODE)?;
        let reason = std::str::from_utf8(value.get(4..)?).ok()?;
        Some(reason.trim_end_matches('\0'))
    }

    /// UNKNOWN-ATTRIBUTES
    pub fn unknown_attributes(&self) -> impl Iterator<Item = AttributeType> + use<'a> {
        let value = self
            .attribute(AttributeType::UNKNOWN_ATTRIBUTES)
            .unwrap_or(&[]);
        value
            .chunks_exact(2)
            .map(|pair| AttributeType(u16::from_be_bytes([pair[0], pair[1]])))
    }

    /// PASSWORD-ALGORITHMS: those known here, in the server's order.
    pub fn password_algorithms(&self) -> impl Iterator<Item = PasswordAlgorithm> + use<'a> {
        let mut rest = self
            .attribute(AttributeType::PASSWORD_ALGORITHMS)
            .unwrap_or(&[]);
        std::iter::from_fn(move || {
            let (&[n0, n1, l0, l1], after) = rest.split_first_chunk::<4>()?;
            let parameters = usize::from(u16::from_be_bytes([l0, l1])).next_multiple_of(4);
            rest = after.get(parameters..)?;
            Some(PasswordAlgorithm::from_number(u16::from_be_bytes([n0, n1])))
        })
        .flatten()
    }

    /// PASSWORD-ALGORITHM
    pub fn password_algorithm(&self) -> Option<PasswordAlgorithm> {
        let value = self.attribute(AttributeType::PASSWORD_ALGORITHM)?;
        let &[n0, n1, ..] = value.first_chunk::<4>()?;
        PasswordAlgorithm::from_number(u16::from_be_bytes([n0, n1]))
    }

    /// PRIORITY
    pub fn priority(&self) -> Option<u32> {
        self.number(AttributeType::PRIORITY)
    }

    /// USE-CANDIDATE is there.
    pub fn use_candidate(&self) -> bool {
        self.attribute(AttributeType::USE_CANDIDATE).is_some()
    }

    /// PRIORITY, USE-CANDIDATE and NOMINATION, for all of which the message is gone through once.
    pub fn read_check(&self) -> CheckAttributes {
        let (mut priority, mut nomination) = (None, None);
        let mut use_candidate = false;
        for (kind, value) in self.attributes() {
            match kind {
                // Only the first counts.
                AttributeType::PRIORITY => priority = priority.or(Some(value)),
                AttributeType::NOMINATION => nomination = nomination.or(Some(value)),
                AttributeType::USE_CANDIDATE => use_candidate = true,
                _ => {}
            }
        }
        let number = |value: &[u8]| value.try_into().ok().map(u32::from_be_bytes);
        CheckAttributes {
            priority: priority.and_then(number),
            use_candidate,
            nomination: nomination.and_then(number),
        }
    }

    /// ICE-CONTROLLING's tie-breaker.
    pub fn ice_controlling(&self) -> Option<u64> {
        self.tie_breaker(AttributeType::ICE_CONTROLLING)
    }

    /// ICE-CONTROLLED's tie-breaker.
    pub fn ice_controlled(&self) -> Option<u64> {
        self.tie_breaker(AttributeType::ICE_CONTROLLED)
    }

    /// NOMINATION
    pub fn nomination(&self) -> Option<u32> {
        self.number(AttributeType::NOMINATION)
    }

    /// LIFETIME in seconds.
    pub fn lifetime_secs(&self) -> Option<u32> {
        self.number(AttributeType::LIFETIME)
    }

    /// CHANNEL-NUMBER
    pub fn channel_number(&self) -> Option<ChannelNumber> {
        let value = self.attribute(AttributeType::CHANNEL_NUMBER)?;
        let &[n0, n1, ..] = value.first_chunk::<4>()?;
        ChannelNumber::new(u16::from_be_bytes([n0, n1]))
    }

    /// DATA
    pub fn data(&self) -> Option<&'a [u8]> {
        self.attribute(AttributeType::DATA)
    }

    /// REQUESTED-TRANSPORT's IP protocol number.
    pub fn requested_transport(&self) -> Option<u8> {
        self.attribute(AttributeType::REQUESTED_TRANSPORT)?
            .first()
            .copied()
    }

    /// REQUESTED-ADDRESS-FAMILY
    pub fn requested_address_family(&self) -> Option<AddressFamily> {
        let value = self.attribute(AttributeType::REQUESTED_ADDRESS_FAMILY)?;
        AddressFamily::from_number(*value.first()?)
    }

    fn text(&self, kind: AttributeType) -> Option<&'a str> {
        std::str::from_utf8(self.attribute(kind)?).ok()
    }

    fn xored(&self, kind: AttributeType) -> Option<SocketAddr> {
        address::read_xored(self.attribute(kind)?, self.transaction_id())
    }

    fn number(&self, kind: AttributeType) -> Option<u32> {
        let value = self.attribute(kind)?.try_into().ok()?;
        Some(u32::from_be_bytes(value))
    }

    fn tie_breaker(&self, kind: AttributeType) -> Option<u64> {
        let value = self.attribute(kind)?.try_into().ok()?;
        Some(u64::from_be_bytes(value))
    }
}
