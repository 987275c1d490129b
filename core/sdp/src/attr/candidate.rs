use std::fmt;
use std::str::FromStr;

use duologue_base::Foundation;

use crate::address::Address;
use crate::attr::IceUfrag;
use crate::error::SyntaxError;
use crate::limits::{MAX_CANDIDATE_EXTENSIONS, MAX_LINE_BYTES};
use crate::scan::{Words, decimal};
use crate::text::{Token, all_bytes, is_byte_string, is_digits, plain_text};

const SUBJECT: &str = "a=candidate";

/// An ICE candidate as text (`candidate-attribute`, RFC 8839 §5.1).
///
/// `FromStr` takes the value alone, with `candidate:` before it (the W3C's `candidate` member) or
/// with `a=candidate:` before it. `Display` writes `candidate:...`. Extension attributes, known or
/// not, keep their order. What libwebrtc takes beside the grammar is taken: any foundation or none,
/// any text as an address, a last extension without a value.
#[doc(alias = "RTCIceCandidate")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Candidate {
    /// `<foundation>`.
    pub foundation: Foundation,
    /// `<component-id>`: 1 is RTP or the only one, 2 is RTCP; others are to be ignored.
    pub component: u16,
    /// `<transport>`.
    pub transport: CandidateTransport,
    /// `<priority>`; RFC 8445 §5.1.2 asks for 1 to 2^31 - 1.
    pub priority: u32,
    /// `<connection-address>`.
    pub address: Address,
    /// `<port>`.
    pub port: u16,
    /// `typ <cand-type>`.
    pub kind: CandidateKind,
    /// `raddr <connection-address>`.
    pub related_address: Option<Address>,
    /// `rport <port>`.
    pub related_port: Option<u16>,
    /// `tcptype <type>` (RFC 6544 §4.5); only for TCP.
    pub tcp_type: Option<TcpType>,
    /// What else follows, in order: `generation`, `ufrag`, `network-id`, ...
    pub extensions: Vec<CandidateExtension>,
}

impl Candidate {
    /// The user-name fragment the candidate belongs to (`ufrag` extension, RFC 8839 §5.1).
    #[doc(alias = "usernameFragment")]
    pub fn ufrag(&self) -> Option<IceUfrag> {
        self.extension("ufrag")?.parse().ok()
    }

    /// The value of an extension attribute.
    pub fn extension(&self, name: &str) -> Option<&str> {
        let found = self.extensions.iter().find(|e| e.name.as_str() == name)?;
        Some(found.value.as_str())
    }

    /// Sets an extension attribute, in its place or at the end.
    pub fn set_extension(&mut self, extension: CandidateExtension) {
        match self
            .extensions
            .iter_mut()
            .find(|e| e.name == extension.name)
        {
            Some(found) => found.value = extension.value,
            None => {
                // Mostly the only one, of a value that is kept.
                self.extensions.reserve_exact(1);
                self.extensions.push(extension);
            }
        }
    }

    /// Sets the `ufrag` extension.
    pub fn set_ufrag(&mut self, ufrag: &IceUfrag) {
        // An ice-char is a visible character, so the fragment is a legal extension value.
        if let Ok(value) = ufrag.as_str().parse() {
            let name = ExtensionWord::from_static("ufrag");
            self.set_extension(CandidateExtension { name, value });
        }
    }
}

impl FromStr for Candidate {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if text.len() > MAX_LINE_BYTES {
            return Err(SyntaxError::new(SUBJECT, "a shorter line"));
        }
        let text = text.trim_end_matches(['\r', '\n']);
        if !is_byte_string(text.as_bytes()) {
            return Err(SyntaxError::new(SUBJECT, "one line"));
        }

        let text = text.strip_prefix("a=").unwrap_or(text);
        let text = text.strip_prefix("candidate:").unwrap_or(text);
        let (foundation, rest) = split_foundation(text);
        let mut words = Words::new(SUBJECT, rest);
        let foundation = foundation.parse();
        let foundation = foundation.map_err(|_| words.error("a foundation"))?;
        let component = words.number("a component below 2^16")?;
        let transport = words.parse("a transport")?;
        let priority = words.number("a priority below 2^32")?;
        let address = Address::of_candidate(words.word("an address")?)?;
        let port = words.number("a port from 0 to 65535")?;
        if words.word("typ")? != "typ" {
            return Err(words.error("typ"));
        }

        let mut candidate = Candidate {
            foundation,
            component,
            transport,
            priority,
            address,
            port,
            kind: words.parse("a candidate type")?,
            related_address: None,
            related_port: None,
            tcp_type: None,
            extensions: Vec::new(),
        };

        while let Some(name) = words.take() {
            candidate.read_extension(name, &mut words)?;
        }
        Ok(candidate)
    }
}

impl Candidate {
    fn read_extension(&mut self, name: &str, words: &mut Words<'_>) -> Result<(), SyntaxError> {
        if name == "raddr" && words.rest().split(' ').next() == Some("rport") {
            // SIPSorcery leaves the address out: `raddr  rport 0`.
            return Ok(());
        }
        if words.rest().is_empty() {
            // A name without a value says nothing.
            return Ok(());
        }
        match name {
            "raddr" if self.related_address.is_none() => {
                let word = words.word("a related address")?;
                self.related_address = Some(Address::of_candidate(word)?);
            }
            "rport" if self.related_port.is_none() => {
                self.related_port = Some(words.number("a related port from 0 to 65535")?);
            }
            "tcptype" if self.tcp_type.is_none() => {
                self.tcp_type = Some(words.parse("tcptype active, passive or so")?);
            }
            name => {
                let again = matches!(name, "raddr" | "rport" | "tcptype");
                let value = words.word("a value")?;
                // Nothing needs one that is there again, too much, or not to be read.
                if let (Ok(name), Ok(value)) = (name.parse(), value.parse())
                    && self.extensions.len() < MAX_CANDIDATE_EXTENSIONS
                    && !again
                {
                    self.extensions.push(CandidateExtension { name, value });
                }
            }
        }
        Ok(())
    }
}

/// Nest cameras leave the foundation empty: then a space is where it begins, and the second word
/// is the transport and not the component.
fn split_foundation(text: &str) -> (&str, &str) {
    let words = text.trim_start_matches(' ');
    let second = words.split(' ').filter(|word| !word.is_empty()).nth(1);
    let is_component = second.is_some_and(|word| is_digits(word.as_bytes()));
    match text.starts_with(' ') && !is_component {
        true => ("", words),
        false => words.split_once(' ').unwrap_or((words, "")),
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Candidate {
            foundation,
            component,
            transport,
            priority,
            address,
            port,
            kind,
            ..
        } = self;
        write!(
            f,
            "candidate:{foundation} {component} {transport} {priority}"
        )?;
        write!(f, " {address} {port} typ {kind}")?;
        if let Some(address) = &self.related_address {
            write!(f, " raddr {address}")?;
        }
        if let Some(port) = self.related_port {
            write!(f, " rport {port}")?;
        }
        if let Some(tcp_type) = self.tcp_type {
            write!(f, " tcptype {tcp_type}")?;
        }
        self.extensions
            .iter()
            .try_for_each(|e| write!(f, " {} {}", e.name, e.value))
    }
}

/// `<transport>` of a candidate.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum CandidateTransport {
    /// `udp`
    Udp,
    /// `tcp` (RFC 6544)
    Tcp,
    /// Another transport, which is to be ignored (RFC 8839 §5.1).
    Other(Token),
}

impl FromStr for CandidateTransport {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        // ABNF strings match in any case; Firefox writes capitals.
        if text.eq_ignore_ascii_case("udp") {
            Ok(Self::Udp)
        } else if text.eq_ignore_ascii_case("tcp") {
            Ok(Self::Tcp)
        } else {
            text.parse().map(Self::Other)
        }
    }
}

impl fmt::Display for CandidateTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Other(token) => token.as_str(),
        })
    }
}

/// `<cand-type>` (RFC 8445 §5.1.1).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum CandidateKind {
    /// `host`: an address of the machine itself.
    Host,
    /// `srflx`: how a STUN server sees it.
    ServerReflexive,
    /// `prflx`: how the peer sees it.
    PeerReflexive,
    /// `relay`: an address on a TURN server.
    Relayed,
    /// Another kind of candidate, which is to be ignored.
    Other(Token),
}

impl FromStr for CandidateKind {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Ok(match text {
            "host" => Self::Host,
            "srflx" => Self::ServerReflexive,
            "prflx" => Self::PeerReflexive,
            "relay" => Self::Relayed,
            other => Self::Other(other.parse()?),
        })
    }
}

impl fmt::Display for CandidateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
            Self::Other(token) => token.as_str(),
        })
    }
}

/// `tcptype` of a TCP candidate (RFC 6544 §4.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TcpType {
    /// `active`: opens connections; its port is 9.
    Active,
    /// `passive`: accepts connections.
    Passive,
    /// `so`: simultaneous open.
    SimultaneousOpen,
}

impl FromStr for TcpType {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        match text {
            "active" => Ok(Self::Active),
            "passive" => Ok(Self::Passive),
            "so" => Ok(Self::SimultaneousOpen),
            _ => Err(SyntaxError::new(SUBJECT, "tcptype active, passive or so")),
        }
    }
}

impl fmt::Display for TcpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::SimultaneousOpen => "so",
        })
    }
}

/// `<ext-name> <ext-value>` of a candidate.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct CandidateExtension {
    /// `<extension-att-name>`.
    pub name: ExtensionWord,
    /// `<extension-att-value>`.
    pub value: ExtensionWord,
}

plain_text!(
    /// A name or value of a [`CandidateExtension`]: visible characters (`VCHAR`).
    ExtensionWord,
    "a candidate extension",
    "visible characters without spaces",
    is_visible
);
all_bytes!(is_visible, 1.., b => b.is_ascii_graphic());

/// `a=remote-candidates` (RFC 8839 §5.2): checked and not used by JSEP.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RemoteCandidates(pub Vec<RemoteCandidate>);

/// One `<component-id> <address> <port>` of [`RemoteCandidates`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RemoteCandidate {
    /// `<component-id>`.
    pub component: u16,
    /// `<connection-address>`.
    pub address: Address,
    /// `<port>`.
    pub port: u16,
}

impl FromStr for RemoteCandidates {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=remote-candidates", value);
        let mut list = Vec::new();
        while let Some(component) = words.take() {
            let component = decimal(component).filter(|n| (1..=256).contains(n));
            list.push(RemoteCandidate {
                component: component.ok_or_else(|| words.error("a component from 1 to 256"))?,
                address: words.parse("an IP address or a host name")?,
                port: words.number("a port from 0 to 65535")?,
            });
            if list.len() > 256 {
                return Err(words.error("one candidate a component"));
            }
        }
        if list.is_empty() {
            return Err(words.error("a component"));
        }
        Ok(RemoteCandidates(list))
    }
}

impl fmt::Display for RemoteCandidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, one) in self.0.iter().enumerate() {
            let space = if i > 0 { " " } else { "" };
            write!(f, "{space}{} {} {}", one.component, one.address, one.port)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
