use std::fmt;

/// Why a text is not a session description, and where.
///
/// The line becomes the `sdpLineNumber` of the W3C's `RTCError` when
/// [`is_syntax`](ParseErrorKind::is_syntax) says that the syntax is at fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParseError {
    /// The line at which the error was seen; the first line is 1. For something that is missing,
    /// the line before which it should have been, or the last line.
    pub line: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The line is not of the form `<type>=<value>` (RFC 8866 §5).
    NotALine,
    /// A line of this type is unknown or must not be at the session level.
    OutOfPlace(char),
    /// A line that must be there is not: `"v="`, `"t="`, ...
    Missing(&'static str),
    /// The value of the line is not what its grammar says.
    Malformed(SyntaxError),
    /// `a=ice-ufrag` or `a=ice-pwd` breaks the rules of RFC 8839 §5.4. RFC 9429 §5.8.3 counts
    /// this to the semantics of a description and not to its syntax.
    InvalidCredential(SyntaxError),
    /// More than [`limits`](crate::limits) allows.
    Limit(Limit),
}

impl ParseErrorKind {
    /// Whether this is the W3C's "not valid SDP syntax" (`sdp-syntax-error`) as opposed to content
    /// which is syntax but invalid (`InvalidAccessError`).
    pub fn is_syntax(&self) -> bool {
        !matches!(self, Self::InvalidCredential(_))
    }
}

/// The bound that a description exceeds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// [`MAX_DESCRIPTION_BYTES`](crate::limits::MAX_DESCRIPTION_BYTES)
    DescriptionBytes,
    /// [`MAX_LINE_BYTES`](crate::limits::MAX_LINE_BYTES)
    LineBytes,
    /// [`MAX_LINES`](crate::limits::MAX_LINES)
    Lines,
    /// [`MAX_MEDIA_SECTIONS`](crate::limits::MAX_MEDIA_SECTIONS)
    MediaSections,
    /// [`MAX_CANDIDATES`](crate::limits::MAX_CANDIDATES)
    Candidates,
}

/// A value that does not follow its grammar: which value, and what its grammar asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SyntaxError {
    subject: &'static str,
    expected: &'static str,
}

impl SyntaxError {
    pub(crate) const fn new(subject: &'static str, expected: &'static str) -> Self {
        SyntaxError { subject, expected }
    }

    /// Which line or attribute, e.g. `"a=candidate"`.
    pub fn subject(&self) -> &'static str {
        self.subject
    }

    /// What should have been there, e.g. `"a port from 0 to 65535"`.
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SDP line {}: {}", self.line, self.kind)
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALine => f.write_str("expected a line of the form <type>=<value>"),
            Self::OutOfPlace(kind) => write!(f, "a line of type {kind:?} is not allowed here"),
            Self::Missing(what) => write!(f, "{what} is missing"),
            Self::Malformed(error) | Self::InvalidCredential(error) => error.fmt(f),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DescriptionBytes => "the description is too long",
            Self::LineBytes => "the line is too long",
            Self::Lines => "the description has too many lines",
            Self::MediaSections => "the description has too many media sections",
            Self::Candidates => "the media section has too many candidates",
        })
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.subject, self.expected)
    }
}

impl std::error::Error for ParseError {}
impl std::error::Error for SyntaxError {}
