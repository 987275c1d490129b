use std::fmt;
use std::str::FromStr;

use duologue_rtp::{Mid, Ssrc};

use crate::error::SyntaxError;
use crate::scan::Words;
use crate::text::{Text, Token, Word};

/// `a=group:<semantics> <mid> ...` (RFC 5888 §5).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Group {
    /// `BUNDLE` (RFC 9143), `LS` or another.
    pub semantics: Token,
    /// The media sections in the group; may be empty.
    pub mids: Vec<Mid>,
}

impl Group {
    /// A BUNDLE group; the first mid is the tag (RFC 9143 §7.2).
    pub fn bundle(mids: Vec<Mid>) -> Self {
        Group {
            semantics: Token::from_static("BUNDLE"),
            mids,
        }
    }

    /// A lip-synchronisation group.
    pub fn lip_sync(mids: Vec<Mid>) -> Self {
        Group {
            semantics: Token::from_static("LS"),
            mids,
        }
    }

    /// Whether this is a BUNDLE group.
    pub fn is_bundle(&self) -> bool {
        self.semantics == "BUNDLE"
    }

    /// Whether this is a lip-synchronisation group.
    pub fn is_lip_sync(&self) -> bool {
        self.semantics == "LS"
    }
}

impl FromStr for Group {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=group", value);
        Ok(Group {
            semantics: words.parse("group semantics")?,
            mids: words.list("mids that are tokens")?,
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.semantics)?;
        self.mids.iter().try_for_each(|mid| write!(f, " {mid}"))
    }
}

/// `a=msid:<stream> [<appdata>]` (RFC 8830 §2): a MediaStream that the section's track is in.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Msid {
    /// The stream's id; `None`, written `-`, for a track in no stream. RFC 8830 §2 asks for a
    /// [`Token`]; others write URLs and paths.
    pub stream: Option<Word>,
    /// `<msid-appdata>`: the track's id in older descriptions. RFC 9429 §5.8.2 ignores it.
    pub appdata: Option<Word>,
}

impl FromStr for Msid {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=msid", value);
        let stream: Word = words.parse("a stream id")?;
        let appdata = words.take().and_then(|word| word.parse().ok());
        Ok(Msid {
            stream: (stream != "-").then_some(stream),
            appdata,
        })
    }
}

impl fmt::Display for Msid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stream.as_ref().map_or("-", Word::as_str))?;
        match &self.appdata {
            Some(appdata) => write!(f, " {appdata}"),
            None => Ok(()),
        }
    }
}

/// `a=msid-semantic:<semantic> <id> ...`: what came before RFC 8830; browsers still write it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MsidSemantic {
    /// `WMS`.
    pub semantic: Token,
    /// The streams, or `*`; may be empty.
    pub streams: Vec<Token>,
}

impl FromStr for MsidSemantic {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=msid-semantic", value);
        Ok(MsidSemantic {
            semantic: words.parse("a semantic")?,
            streams: words.list("stream ids that are tokens")?,
        })
    }
}

impl fmt::Display for MsidSemantic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every browser has written the space since the first draft.
        write!(f, " {}", self.semantic)?;
        self.streams.iter().try_for_each(|id| write!(f, " {id}"))
    }
}

/// `a=ssrc:<ssrc-id> <attribute>[:<value>]` (RFC 5576 §4.1).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SsrcAttribute {
    /// The RTP stream.
    pub ssrc: Ssrc,
    /// `cname`, `msid`, ...
    pub name: Token,
    /// What follows the colon.
    pub value: Option<Text>,
}

impl FromStr for SsrcAttribute {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=ssrc", value);
        let ssrc = words.parse("an SSRC below 2^32")?;
        let (name, value) = match words.rest().split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (words.rest(), None),
        };
        Ok(SsrcAttribute {
            ssrc,
            name: name
                .parse()
                .map_err(|_| words.error("a source attribute"))?,
            value: match value {
                Some(value) => Some(value.parse()?),
                None => None,
            },
        })
    }
}

impl fmt::Display for SsrcAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ssrc, self.name)?;
        match &self.value {
            Some(value) => write!(f, ":{value}"),
            None => Ok(()),
        }
    }
}

/// `a=ssrc-group:<semantics> <ssrc-id> ...` (RFC 5576 §4.2).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SsrcGroup {
    /// `FID` (retransmission), `FEC-FR`, `SIM` or another.
    pub semantics: Token,
    /// The RTP streams.
    pub ssrcs: Vec<Ssrc>,
}

impl FromStr for SsrcGroup {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=ssrc-group", value);
        let semantics = words.parse("group semantics")?;
        let ssrcs = words.list("SSRCs below 2^32")?;
        Ok(SsrcGroup { semantics, ssrcs })
    }
}

impl fmt::Display for SsrcGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.semantics)?;
        self.ssrcs.iter().try_for_each(|ssrc| write!(f, " {ssrc}"))
    }
}
