use std::fmt;
use std::str::FromStr;

use duologue_rtp::PayloadType;

use crate::error::SyntaxError;
use crate::limits::MAX_FORMATS;
use crate::scan::{Words, decimal};
use crate::text::{Token, all_bytes, plain_text};

/// `m=<media> <port>[/<number of ports>] <proto> <fmt> ...` (RFC 8866 §5.14).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MediaLine {
    /// `<media>`.
    pub kind: MediaKind,
    /// `<port>`: 0 rejects the section, or marks it as bundle-only; 9 is a place-holder.
    pub port: u16,
    /// `<number of ports>`, which WebRTC does not use.
    pub port_count: Option<u16>,
    /// `<proto>`.
    pub protocol: MediaProtocol,
    /// `<fmt> ...`: at least one.
    pub formats: Formats,
}

impl FromStr for MediaLine {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("m=", value);
        let kind = words.parse("a media type")?;
        let port = words.word("a port")?;
        let (port, port_count) = match port.split_once('/') {
            Some((port, count)) => (port, Some(count)),
            None => (port, None),
        };
        const PORT: &str = "a port from 0 to 65535";
        let port = decimal(port).ok_or_else(|| words.error(PORT))?;
        let port_count = match port_count {
            Some(count) => Some(decimal(count).ok_or_else(|| words.error("a number of ports"))?),
            None => None,
        };
        let protocol: MediaProtocol = words.parse("a transport protocol")?;
        let formats = if protocol.is_rtp() {
            Formats::Rtp(words.list("RTP payload types from 0 to 127")?)
        } else {
            Formats::Other(words.list("formats that are tokens")?)
        };
        if formats.is_empty() || formats.len() > MAX_FORMATS {
            return Err(words.error("1 to 256 formats"));
        }
        Ok(MediaLine {
            kind,
            port,
            port_count,
            protocol,
            formats,
        })
    }
}

impl fmt::Display for MediaLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.port)?;
        if let Some(count) = self.port_count {
            write!(f, "/{count}")?;
        }
        write!(f, " {}{}", self.protocol, self.formats)
    }
}

/// `<media>` of an `m=` line.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum MediaKind {
    /// `audio`
    Audio,
    /// `video`
    Video,
    /// `application`: data channels, if the protocol is SCTP.
    Application,
    /// `text`, `image`, `message` or anything else; WebRTC rejects such sections.
    Other(Token),
}

impl MediaKind {
    /// The word on the `m=` line.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
            Self::Other(token) => token.as_str(),
        }
    }
}

impl FromStr for MediaKind {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Ok(match text {
            "audio" => Self::Audio,
            "video" => Self::Video,
            "application" => Self::Application,
            other => Self::Other(other.parse()?),
        })
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

plain_text!(
    /// `<proto>` of an `m=` line: tokens joined by slashes.
    MediaProtocol,
    "a transport protocol",
    "tokens separated by slashes",
    is_protocol
);
all_bytes!(is_protocol, 1.., b => b == b'/' || crate::text::is_token(&[b]));

impl MediaProtocol {
    /// Audio and video in offers (RFC 9429 §5.1.2).
    pub const UDP_TLS_RTP_SAVPF: MediaProtocol = MediaProtocol::from_static("UDP/TLS/RTP/SAVPF");
    /// Data channels (RFC 8841 §4.2).
    pub const UDP_DTLS_SCTP: MediaProtocol = MediaProtocol::from_static("UDP/DTLS/SCTP");

    /// Whether the formats are RTP payload types.
    pub fn is_rtp(&self) -> bool {
        self.as_str().split('/').any(|part| part == "RTP")
    }

    /// Whether the section describes an SCTP association over DTLS, in the form of RFC 8841 or in
    /// the older one (`DTLS/SCTP`, with `a=sctpmap`).
    pub fn is_sctp(&self) -> bool {
        matches!(
            self.as_str(),
            "UDP/DTLS/SCTP" | "TCP/DTLS/SCTP" | "DTLS/SCTP"
        )
    }
}

/// `<fmt> ...` of an `m=` line.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Formats {
    /// RTP payload types, the preferred one first.
    Rtp(Vec<PayloadType>),
    /// What another protocol calls its formats: `webrtc-datachannel`, or a port in the older form.
    Other(Vec<Token>),
}

impl Formats {
    /// `webrtc-datachannel` (RFC 8841 §4.3).
    pub fn data_channel() -> Self {
        Self::Other(vec![Token::from_static("webrtc-datachannel")])
    }

    /// The payload types; none if the protocol is not RTP.
    pub fn payload_types(&self) -> &[PayloadType] {
        match self {
            Self::Rtp(types) => types,
            Self::Other(_) => &[],
        }
    }

    /// How many formats there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Rtp(types) => types.len(),
            Self::Other(tokens) => tokens.len(),
        }
    }

    /// Whether there is none, which no `m=` line may have.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Formats {
    /// Each format with a space before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtp(types) => types.iter().try_for_each(|one| write!(f, " {one}")),
            Self::Other(tokens) => tokens.iter().try_for_each(|one| write!(f, " {one}")),
        }
    }
}
