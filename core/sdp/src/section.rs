use std::fmt;

use crate::attr::Attribute;
use crate::field::{Bandwidth, Connection, Timing};

/// One line of a description: its text, and its value where this crate knows the kind.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Line {
    text: Box<str>,
    field: Field,
}

/// The value of a [`Line`].
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Field {
    /// `a=`
    Attribute(Attribute),
    /// `c=`
    Connection(Connection),
    /// `b=`
    Bandwidth(Bandwidth),
    /// `t=`
    Timing(Timing),
    /// `s=`, `i=`, `u=`, `e=`, `p=`, `r=`, `z=`, `k=`, and what else is in a media section: kept and
    /// not used (RFC 9429 §5.8.1).
    Unused,
    /// An `a=` or `c=` line whose grammar is broken and that JSEP does not need: kept and ignored.
    Unread,
}

impl Line {
    /// A line as it was read, without its end.
    pub(crate) fn parsed(text: &str, field: Field) -> Self {
        Line {
            text: text.into(),
            field,
        }
    }

    /// The line `s=-`, as JSEP writes it.
    pub(crate) fn session_name() -> Self {
        Line::parsed("s=-", Field::Unused)
    }

    /// The text, without CRLF.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value.
    pub fn field(&self) -> &Field {
        &self.field
    }

    /// The value, if this is an `a=` line.
    pub fn attribute(&self) -> Option<&Attribute> {
        match &self.field {
            Field::Attribute(attribute) => Some(attribute),
            _ => None,
        }
    }
}

macro_rules! line_from {
    ($($value:ident $prefix:literal,)*) => {
        $(impl From<$value> for Line {
            fn from(value: $value) -> Self {
                Line {
                    text: format!(concat!($prefix, "{}"), value).into(),
                    field: Field::$value(value),
                }
            }
        })*
    };
}
line_from! {
    Attribute "a=",
    Connection "c=",
    Bandwidth "b=",
    Timing "t=",
}

impl fmt::Debug for Line {
    /// Does not show the text: it may hold an address or a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.field.fmt(f)
    }
}

/// The lines of the session level, or of one media section after its `m=` line, in order.
///
/// Its accessors give the section's own lines; see [`Media`](crate::Media) for what a media
/// section inherits.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Section {
    pub(crate) lines: Vec<Line>,
}

impl Section {
    /// All lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// All attributes.
    pub fn attributes(&self) -> impl DoubleEndedIterator<Item = &Attribute> {
        self.lines.iter().filter_map(Line::attribute)
    }

    /// The `c=` line.
    pub fn connection(&self) -> Option<&Connection> {
        self.lines.iter().find_map(|line| match &line.field {
            Field::Connection(connection) => Some(connection),
            _ => None,
        })
    }

    /// The `b=` lines.
    pub fn bandwidths(&self) -> impl Iterator<Item = &Bandwidth> {
        self.lines.iter().filter_map(|line| match &line.field {
            Field::Bandwidth(bandwidth) => Some(bandwidth),
            _ => None,
        })
    }

    /// How many `a=candidate` lines could not be read and are ignored.
    pub fn unread_candidates(&self) -> usize {
        let unread = self.lines.iter().filter(|line| line.field == Field::Unread);
        unread
            .filter(|line| line.text.starts_with("a=candidate:"))
            .count()
    }

    /// `a=sendrecv`, `a=sendonly`, `a=recvonly` or `a=inactive`; of several the last one.
    pub fn direction(&self) -> Option<crate::attr::Direction> {
        self.attributes()
            .rev()
            .find_map(|attribute| match attribute {
                Attribute::Direction(direction) => Some(*direction),
                _ => None,
            })
    }

    /// The value of an attribute this crate does not know: `Some(None)` if it is there without one.
    pub fn other(&self, name: &str) -> Option<Option<&str>> {
        self.attributes().find_map(|attribute| match attribute {
            Attribute::Other { name: found, value } if found.as_str() == name => {
                Some(value.as_ref().map(|value| value.as_str()))
            }
            _ => None,
        })
    }
}
