//! `stun:` and `turn:` URLs: "validate an ICE server URL" (webrtc-pc §4.4.1.6), which is the
//! grammar of RFC 7064 §3.1 and RFC 7065 §3.1 seen through the URL standard's parser.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use duologue_base::Protocol;

/// A parsed `stun:`, `stuns:`, `turn:` or `turns:` URL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceServerUrl {
    /// What is spoken to the server.
    pub scheme: IceServerScheme,
    /// The server's name or address; an IPv6 address without brackets.
    pub host: String,
    /// The server's port, if the URL says.
    pub port: Option<u16>,
    /// `?transport=`, of a TURN server.
    pub transport: Option<Protocol>,
}

/// Scheme of an ICE server's URL.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum IceServerScheme {
    /// STUN over UDP or TCP.
    Stun,
    /// STUN over TLS or DTLS.
    Stuns,
    /// TURN over UDP or TCP.
    Turn,
    /// TURN over TLS or DTLS.
    Turns,
}

/// Why a URL does not name an ICE server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is not one of the four.
    Scheme,
    /// After the scheme comes more than a host, a port and a query.
    Path,
    /// The host is neither a name nor an address.
    Host,
    /// The port is not a number up to 65535.
    Port,
    /// The query is not `transport=udp` or `transport=tcp`, or a STUN URL has one.
    Query,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UrlError::Scheme => "an ICE server's URL begins with stun:, stuns:, turn: or turns:",
            UrlError::Path => "an ICE server's URL has only a host, a port and a query",
            UrlError::Host => "the host of an ICE server's URL is not valid",
            UrlError::Port => "the port of an ICE server's URL is not valid",
            UrlError::Query => "only a TURN URL has a query: transport=udp or transport=tcp",
        })
    }
}

impl std::error::Error for UrlError {}

impl IceServerUrl {
    /// Whether the URL names a TURN server.
    pub fn is_turn(&self) -> bool {
        matches!(self.scheme, IceServerScheme::Turn | IceServerScheme::Turns)
    }
}

impl FromStr for IceServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        // URL standard, basic URL parser: surrounding C0 controls and spaces go, and so do tabs
        // and line ends anywhere.
        let text: String = text
            .trim_matches(|c: char| c <= ' ')
            .chars()
            .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
            .collect();
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::Scheme)?;

        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "stun" => IceServerScheme::Stun,
            "stuns" => IceServerScheme::Stuns,
            "turn" => IceServerScheme::Turn,
            "turns" => IceServerScheme::Turns,
            _ => return Err(UrlError::Scheme),
        };

        if rest.contains('#') {
            return Err(UrlError::Path);
        }
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };

        if authority.contains(['/', '\\', '@']) {
            return Err(UrlError::Path);
        }
        let transport = match (scheme, query) {
            (_, None) => None,
            (IceServerScheme::Turn | IceServerScheme::Turns, Some("transport=udp")) => {
                Some(Protocol::Udp)
            }
            (IceServerScheme::Turn | IceServerScheme::Turns, Some("transport=tcp")) => {
                Some(Protocol::Tcp)
            }
            _ => return Err(UrlError::Query),
        };

        let (host, port) = split_port(authority)?;
        Ok(IceServerUrl {
            scheme,
            host: parse_host(host)?,
            port: parse_port(port)?,
            transport,
        })
    }
}

fn split_port(authority: &str) -> Result<(&str, &str), UrlError> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(UrlError::Host)? + 1;
        let (host, port) = authority.split_at(end);
        return match port.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if port.is_empty() => Ok((host, "")),
            None => Err(UrlError::Port),
        };
    }
    Ok(authority.split_once(':').unwrap_or((authority, "")))
}

fn parse_port(text: &str) -> Result<Option<u16>, UrlError> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    text.parse().map(Some).map_err(|_| UrlError::Port)
}

/// The URL standard's host parser for the hosts that can name a server.
fn parse_host(text: &str) -> Result<String, UrlError> {
    if let Some(address) = text.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or(UrlError::Host)?;
        let address: Ipv6Addr = address.parse().map_err(|_| UrlError::Host)?;
        return Ok(address.to_string());
    }
    let forbidden = |c: char| c <= ' ' || c == '\u{7f}' || "#%/:<>?@[\\]^|".contains(c);
    if text.is_empty() || text.contains(forbidden) {
        return Err(UrlError::Host);
    }
    match parse_ipv4(text) {
        Some(address) => return address.map(|address| address.to_string()),
        None if text.bytes().all(|b| b == b'.') => return Err(UrlError::Host),
        None => {}
    }
    Ok(text.to_lowercase())
}

/// The URL standard's IPv4 parser. None for a name: its last label is not a number. A number in
/// that place makes the host an address or nothing: one to four numbers, decimal, octal or
/// hexadecimal, of which the last fills the bytes that are left.
fn parse_ipv4(text: &str) -> Option<Result<Ipv4Addr, UrlError>> {
    let labels: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
    let (last, first) = labels.split_last()?;
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || parse_number(last).is_some();
    if last.is_empty() || !is_number {
        return None;
    }
    let Some(room) = 5usize.checked_sub(labels.len()).filter(|&room| room > 0) else {
        return Some(Err(UrlError::Host));
    };
    let address = || {
        let mut address = parse_number(last).filter(|&n| n < 1 << (8 * room))?;
        for (index, label) in first.iter().enumerate() {
            let byte = parse_number(label).filter(|&n| n < 256)?;
            address += byte << (8 * (3 - index));
        }
        u32::try_from(address).ok().map(Ipv4Addr::from)
    };
    Some(address().ok_or(UrlError::Host))
}

/// The URL standard's IPv4 number parser: `0x` is hexadecimal, a leading 0 octal.
fn parse_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let legal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_alphanumeric());
    u64::from_str_radix(digits, radix).ok().filter(|_| legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<IceServerUrl, UrlError> {
        text.parse()
    }

    #[test]
    fn the_urls_of_rfc_7064_and_7065_are_understood() {
        let turns = parse("TURNS:[2001:db8::1]:443?transport=tcp").unwrap();
        assert_eq!(turns.scheme, IceServerScheme::Turns);
        assert_eq!(
            (turns.host.as_str(), turns.port),
            ("2001:db8::1", Some(443))
        );
        assert_eq!(turns.transport, Some(Protocol::Tcp));
        for good in [
            "stun:example.org",
            "stun:192.0.2.1:3478",
            "stuns:example.org:8000",
            "turn:example.org?transport=udp",
            " stun:example.org\n",
        ] {
            assert!(parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn hosts_that_end_in_a_number_are_addresses() {
        for (text, host) in [
            ("stun:123", "0.0.0.123"),
            ("stun:10.1", "10.0.0.1"),
            ("stun:0x7f.1", "127.0.0.1"),
            ("stun:192.0.2.010", "192.0.2.8"),
            ("stun:192.0.2.1.", "192.0.2.1"),
            ("stun:1.example", "1.example"),
        ] {
            assert_eq!(parse(text).unwrap().host, host);
        }
    }

    #[test]
    fn anything_else_is_a_syntax_error() {
        for (bad, error) in [
            ("", UrlError::Scheme),
            ("relative-url", UrlError::Scheme),
            ("http://example.org", UrlError::Scheme),
            ("turn://example.org/foo?x=y", UrlError::Path),
            ("stun:user@example.org", UrlError::Path),
            ("stun:example.org#frag", UrlError::Path),
            ("stun:", UrlError::Host),
            ("stun:256.1.1.1", UrlError::Host),
            ("stun:1.2.3.4.5", UrlError::Host),
            ("stun:1.2.3.09", UrlError::Host),
            ("stun:4294967296", UrlError::Host),
            ("stun:..", UrlError::Host),
            ("stun:[::1", UrlError::Host),
            ("stun:a b", UrlError::Host),
            ("stun:example.org:65536", UrlError::Port),
            ("stun:example.org:x", UrlError::Port),
            ("stun:example.org?transport=udp", UrlError::Query),
            ("turn:example.org?", UrlError::Query),
            ("turn:example.org?transport=sctp", UrlError::Query),
        ] {
            assert_eq!(parse(bad), Err(error), "{bad:?}");
        }
    }
}
