use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use duologue_base::Redacted;

use crate::error::SyntaxError;
use crate::scan::Words;
use crate::text::{Word, all_bytes, checked_text};

/// Where a candidate or a connection is. `Debug` does not show it.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Address {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A name: of a host, or of an mDNS candidate (`….local`, RFC 8828).
    Name(HostName),
    /// Neither an address nor a name, which only candidates have: a zone (`fe80::1%21`), a prefix,
    /// brackets. It is kept and nothing is sent there.
    Other(Word),
}

checked_text!(
    /// A fully qualified domain name (`FQDN`, RFC 8866 §9), or one that ends in `.local`.
    HostName,
    "a host name",
    "1 to 255 letters, digits, hyphens, underscores or dots",
    is_host_name
);
all_bytes!(is_host_name, 1..=255, b => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));

impl HostName {
    /// Whether the name is to be resolved by multicast DNS (RFC 6762 §3).
    pub fn is_mdns(&self) -> bool {
        let name = self.as_str().trim_end_matches('.');
        let at = name.len().saturating_sub(".local".len());
        name.as_bytes()[at..].eq_ignore_ascii_case(b".local")
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(()).fmt(f)
    }
}

impl Address {
    /// The IP address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) | Self::Other(_) => None,
        }
    }

    /// The address of a candidate, whatever it is.
    pub(crate) fn of_candidate(word: &str) -> Result<Self, SyntaxError> {
        word.parse().or_else(|_| word.parse().map(Self::Other))
    }
}

impl FromStr for Address {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        const EXPECTED: SyntaxError =
            SyntaxError::new("an address", "an IP address or a host name");
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        // A name whose last label is a number is a misspelt IPv4 address.
        let last = text.trim_end_matches('.').rsplit('.').next();
        if last.is_none_or(|label| label.bytes().all(|b| b.is_ascii_digit())) {
            return Err(EXPECTED);
        }
        text.parse().map(Self::Name).map_err(|_| EXPECTED)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Other(word) => word.fmt(f),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(()).fmt(f)
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

/// `IN IP4 <address>` or `IN IP6 <address>`: the network address inside `o=`, `c=` and `a=rtcp`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct NetAddress {
    ipv6: bool,
    address: Address,
}

impl NetAddress {
    /// `IN IP4 0.0.0.0`: what JSEP writes where the address is not known or not to be told.
    pub const UNSPECIFIED: NetAddress = NetAddress {
        ipv6: false,
        address: Address::Ip(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)),
    };

    /// Whether the address type is `IP6`.
    pub fn is_ipv6(&self) -> bool {
        self.ipv6
    }

    /// The address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Reads the three words. `<address>` may end in a multicast TTL or count if `multicast`.
    pub(crate) fn read(words: &mut Words<'_>, multicast: bool) -> Result<Self, SyntaxError> {
        if words.word("a network type")? != "IN" {
            return Err(words.error("network type IN"));
        }
        let ipv6 = match words.word("an address type")? {
            "IP4" => false,
            "IP6" => true,
            _ => return Err(words.error("address type IP4 or IP6")),
        };
        let mut text = words.word("an address")?;
        // RFC 8866 §5.7: <base multicast address>[/<ttl>]/<number of addresses>
        if let (true, Some((base, suffix))) = (multicast, text.split_once('/')) {
            let numbers = suffix.split('/');
            if numbers.clone().count() > 2 || !numbers.clone().all(|n| n.parse::<u8>().is_ok()) {
                return Err(words.error("a multicast TTL and count"));
            }
            text = base;
        }
        let address = text
            .parse::<Address>()
            .map_err(|_| words.error("an IP address or a host name"))?;
        if address.ip().is_some_and(|ip| ip.is_ipv6() != ipv6) {
            return Err(words.error("an address of the given type"));
        }
        Ok(NetAddress { ipv6, address })
    }
}

impl From<IpAddr> for NetAddress {
    fn from(ip: IpAddr) -> Self {
        NetAddress {
            ipv6: ip.is_ipv6(),
            address: ip.into(),
        }
    }
}

impl fmt::Display for NetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.ipv6 { "IP6" } else { "IP4" };
        write!(f, "IN {kind} {}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_address_or_a_name() {
        assert!(matches!("192.0.2.1".parse(), Ok(Address::Ip(_))));
        assert!(matches!("2001:db8::1".parse(), Ok(Address::Ip(_))));
        assert!(matches!("turn.example.org".parse(), Ok(Address::Name(_))));
        for bad in ["", "192.0.2.999", "a b", "ho$t", "1", "::1::", "."] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mdns_names_are_recognised() {
        let name = |text: &str| text.parse::<HostName>().map(|name| name.is_mdns());
        assert_eq!(name("f3e1c0de-0b1e-4f4e-8a3c-0b6f4f3f1d52.local"), Ok(true));
        assert_eq!(name("x.LOCAL."), Ok(true));
        assert_eq!(name("local"), Ok(false));
        assert_eq!(name("xlocal"), Ok(false));
    }

    #[test]
    fn debug_does_not_show_addresses() -> Result<(), SyntaxError> {
        let shown = format!(
            "{:?}",
            ["192.0.2.1".parse::<Address>()?, "a.local".parse()?]
        );
        assert!(
            !shown.contains("192") && !shown.contains("local"),
            "{shown}"
        );
        Ok(())
    }
}
