use std::fmt;
use std::str::FromStr;

use duologue_rtp::{PayloadType, Rid};

use crate::error::SyntaxError;
use crate::limits::MAX_ITEMS;
use crate::scan::Words;
use crate::text::{Text, Token};

/// `a=rid:<id> <direction> [<restrictions>]` (RFC 8851 §10).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RidAttribute {
    /// Which stream.
    pub id: Rid,
    /// Whether the end that wrote the description sends or receives it.
    pub direction: RidDirection,
    /// `pt=`: the formats it may use; empty means all.
    pub payload_types: Vec<PayloadType>,
    /// `max-width=`, `max-br=`, ...: names and values in order.
    pub restrictions: Vec<RidRestriction>,
}

/// Direction of a [`RidAttribute`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RidDirection {
    /// `send`
    Send,
    /// `recv`
    Recv,
}

impl RidDirection {
    /// The direction as the other end sees it.
    pub const fn reversed(self) -> Self {
        match self {
            Self::Send => Self::Recv,
            Self::Recv => Self::Send,
        }
    }
}

/// `<name>[=<value>]` of a [`RidAttribute`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RidRestriction {
    /// The name.
    pub name: Token,
    /// What follows `=`.
    pub value: Option<Text>,
}

impl RidAttribute {
    /// A stream without restrictions.
    pub fn new(id: Rid, direction: RidDirection) -> Self {
        RidAttribute {
            id,
            direction,
            payload_types: Vec::new(),
            restrictions: Vec::new(),
        }
    }

    fn read_restriction(&mut self, text: &str) -> Result<(), SyntaxError> {
        let error = |expected| SyntaxError::new("a=rid", expected);
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if let ("pt", Some(list)) = (name, value) {
            for format in list.split(',') {
                let payload_type = format.trim().parse();
                self.payload_types
                    .push(payload_type.map_err(|_| error("payload types from 0 to 127"))?);
            }
            return Ok(());
        }
        self.restrictions.push(RidRestriction {
            name: name.parse().map_err(|_| error("names of restrictions"))?,
            value: match value {
                Some(value) => Some(value.parse()?),
                None => None,
            },
        });
        Ok(())
    }
}

impl FromStr for RidAttribute {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=rid", value);
        let id = words.parse("an id of letters, digits, hyphens or underscores")?;
        let direction = match words.word("send or recv")? {
            "send" => RidDirection::Send,
            "recv" => RidDirection::Recv,
            _ => return Err(words.error("send or recv")),
        };
        let mut rid = RidAttribute::new(id, direction);
        if words.rest().is_empty() {
            return Ok(rid);
        }
        for text in words.rest().split(';') {
            if rid.restrictions.len() + rid.payload_types.len() > MAX_ITEMS {
                return Err(words.error("fewer restrictions"));
            }
            rid.read_restriction(text.trim())?;
        }
        Ok(rid)
    }
}

impl fmt::Display for RidAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.direction)?;
        let mut separator = " ";
        if !self.payload_types.is_empty() {
            f.write_str(" pt=")?;
            super::write_list(f, &self.payload_types, ",")?;
            separator = ";";
        }
        for restriction in &self.restrictions {
            write!(f, "{separator}{}", restriction.name)?;
            if let Some(value) = &restriction.value {
                write!(f, "={value}")?;
            }
            separator = ";";
        }
        Ok(())
    }
}

impl fmt::Display for RidDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send => "send",
            Self::Recv => "recv",
        })
    }
}

/// `a=simulcast:[send <streams>] [recv <streams>]` (RFC 8853 §5.1).
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Simulcast {
    /// What the end that wrote the description sends, the preferred first.
    pub send: Vec<SimulcastStream>,
    /// What the end that wrote the description receives.
    pub recv: Vec<SimulcastStream>,
}

/// One simulcast stream: one or more alternative formats, the preferred first.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SimulcastStream(pub Vec<SimulcastRid>);

/// One alternative of a [`SimulcastStream`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SimulcastRid {
    /// Refers to a [`RidAttribute`] of the section.
    pub id: Rid,
    /// `~`: not sent at first.
    pub paused: bool,
}

impl SimulcastRid {
    /// A stream that is sent from the beginning.
    pub fn active(id: Rid) -> Self {
        SimulcastRid { id, paused: false }
    }
}

impl FromStr for Simulcast {
    type Err = SyntaxError;

    fn from_str(value: &str) -> Result<Self, SyntaxError> {
        let mut words = Words::new("a=simulcast", value);
        let mut simulcast = Simulcast::default();
        while let Some(direction) = words.take() {
            let list = match direction {
                "send" => &mut simulcast.send,
                "recv" => &mut simulcast.recv,
                _ => return Err(words.error("send or recv")),
            };
            if !list.is_empty() {
                return Err(words.error("each direction once"));
            }
            let streams = words.word("a list of streams")?;
            *list = read_streams(streams).ok_or_else(|| words.error("a list of rids"))?;
        }
        if simulcast.send.is_empty() && simulcast.recv.is_empty() {
            return Err(words.error("send or recv"));
        }
        Ok(simulcast)
    }
}

/// `sc-str-list = sc-alt-list *( ";" sc-alt-list )`, `sc-alt-list = sc-id *( "," sc-id )`.
fn read_streams(text: &str) -> Option<Vec<SimulcastStream>> {
    if text.bytes().filter(|b| b",;".contains(b)).count() >= MAX_ITEMS {
        return None;
    }
    let read_rid = |text: &str| {
        let (paused, id) = match text.strip_prefix('~') {
            Some(id) => (true, id),
            None => (false, text),
        };
        let id = id.parse().ok()?;
        Some(SimulcastRid { id, paused })
    };
    text.split(';')
        .map(|stream| stream.split(',').map(read_rid).collect::<Option<_>>())
        .map(|alternatives| alternatives.map(SimulcastStream))
        .collect()
}

impl fmt::Display for Simulcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.send.is_empty() {
            f.write_str("send ")?;
            super::write_list(f, &self.send, ";")?;
        }
        if !self.recv.is_empty() {
            f.write_str(if self.send.is_empty() {
                "recv "
            } else {
                " recv "
            })?;
            super::write_list(f, &self.recv, ";")?;
        }
        Ok(())
    }
}

impl fmt::Display for SimulcastStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_list(f, &self.0, ",")
    }
}

impl fmt::Display for SimulcastRid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.paused { "~" } else { "" }, self.id)
    }
}
