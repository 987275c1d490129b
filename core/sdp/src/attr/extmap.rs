use std::fmt;
use std::str::FromStr;

use crate::attr::Direction;
use crate::error::SyntaxError;
use crate::scan::{Words, decimal};
use crate::text::{Text, all_bytes, plain_text};

/// `a=extmap:<id>[/<direction>] <URI> [<attributes>]` (RFC 8285 §8).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Extmap {
    id: u16,
    /// The direction in which the extension is used; absent means as the section.
    pub direction: Option<Direction>,
    /// Which extension.
    pub uri: ExtensionUri,
    /// What the extension defines.
    pub attributes: Option<Text>,
}

impl Extmap {
    /// A mapping. `None` if the id is not legal; see [`Extmap::id`].
    pub fn new(id: u16, uri: ExtensionUri) -> Option<Self> {
        is_id(id).then_some(Extmap {
            id,
            direction: None,
            uri,
            attributes: None,
        })
    }

    /// 1 to 14 fit the one-byte header, 1 to 255 the two-byte header; 4096 to 4351 are offered
    /// for the answerer to choose from (RFC 8285 §6, §8).
    pub fn id(&self) -> u16 {
        self.id
    }
}

pub(super) const fn is_id(id: u16) -> bool {
    matches!(id, 1..=255 | 4096..=4351)
}

plain_text!(
    /// The URI of an RTP header extension.
    ExtensionUri,
    "a=extmap",
    "a URI",
    is_uri
);
all_bytes!(is_uri, 1..=2048, b => b.is_ascii_graphic());

impl FromStr for Extmap {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=extmap", value);
        const ID: &str = "an id from 1 to 255 or 4096 to 4351";
        let entry = words.word(ID)?;
        let (id, direction) = match entry.split_once('/') {
            Some((id, direction)) => (id, Some(direction)),
            None => (entry, None),
        };
        let id = decimal(id).filter(|&id| is_id(id));
        let id = id.ok_or_else(|| words.error(ID))?;
        let direction = match direction {
            Some(text) => Some(text.parse().map_err(|_| words.error("a direction"))?),
            None => None,
        };
        let uri = words.parse("a URI")?;
        let attributes = match words.rest() {
            "" => None,
            text => Some(text.parse()?),
        };
        Ok(Extmap {
            id,
            direction,
            uri,
            attributes,
        })
    }
}

impl fmt::Display for Extmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        if let Some(direction) = self.direction {
            write!(f, "/{direction}")?;
        }
        write!(f, " {}", self.uri)?;
        match &self.attributes {
            Some(attributes) => write!(f, " {attributes}"),
            None => Ok(()),
        }
    }
}
