//! The line-by-line reader of RFC 9429 §5.8. It stops at the first line that is no line, or that JSEP
//! needs and that cannot be read.

use crate::attr::{self, Attribute, Candidate};
use crate::error::{Limit, ParseError, ParseErrorKind, SyntaxError};
use crate::field::Origin;
use crate::limits;
use crate::media_line::MediaLine;
use crate::scan::Words;
use crate::section::{Field, Line, Section};
use crate::session::{MediaDescription, SessionDescription};

type Result<T> = std::result::Result<T, ParseErrorKind>;

pub(crate) fn parse(text: &str) -> std::result::Result<SessionDescription, ParseError> {
    if text.len() > limits::MAX_DESCRIPTION_BYTES {
        return Err(ParseError {
            line: 1,
            kind: ParseErrorKind::Limit(Limit::DescriptionBytes),
        });
    }
    let mut reader = Reader::default();
    let mut number = 1;
    for (index, line) in lines(text).enumerate() {
        number = index + 1;
        let at_line = |kind| ParseError { line: number, kind };
        reader.read_line(number, line).map_err(at_line)?;
    }
    reader
        .finish()
        .map_err(|kind| ParseError { line: number, kind })
}

/// The candidates of each media section, and whether none follow, of a text that was read before.
pub(crate) fn candidates(text: &str) -> Vec<(Vec<Candidate>, bool)> {
    let mut sections = Vec::new();
    for line in lines(text) {
        let Some(attribute) = line.strip_prefix("a=") else {
            if line.starts_with("m=") {
                sections.push((Vec::new(), false));
            }
            continue;
        };
        let names = ["candidate", "end-of-candidates"];
        let is_one = names.iter().any(|name| attribute.starts_with(name));
        if let Some((candidates, complete)) = sections.last_mut().filter(|_| is_one) {
            match Attribute::parse(attribute, false) {
                Ok(Attribute::Candidate(candidate)) => candidates.push(candidate),
                Ok(Attribute::EndOfCandidates) => *complete = true,
                // Another name that begins like that, or a line that was not understood.
                Ok(_) | Err(_) => {}
            }
        }
    }
    sections
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.trim_end_matches(['\r', '\n']).split('\n');
    lines.map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    head: Head,
    origin: Option<(Option<Origin>, Box<str>)>,
    /// A `t=` line was there.
    timing: bool,
    session: Section,
    media: Vec<MediaDescription>,
    /// In the section.
    candidates: usize,
}

/// Which of the lines that every description begins with comes next (RFC 9429 §5.8.1). After them
/// the order that RFC 8866 §9 fixes is not needed, and many do not keep it.
#[derive(Clone, Copy, Default)]
enum Head {
    #[default]
    Version,
    Origin,
    Name,
    Complete,
}

impl Reader {
    fn read_line(&mut self, number: usize, line: &str) -> Result<()> {
        if line.len() > limits::MAX_LINE_BYTES {
            return Err(ParseErrorKind::Limit(Limit::LineBytes));
        }
        if number > limits::MAX_LINES {
            return Err(ParseErrorKind::Limit(Limit::Lines));
        }

        let kind = match line.as_bytes() {
            [kind @ b'a'..=b'z', b'=', ..] => *kind,
            _ => return Err(ParseErrorKind::NotALine),
        };
        if line.bytes().any(|b| matches!(b, b'\0' | b'\r')) {
            return Err(ParseErrorKind::NotALine);
        }

        let value = &line[2..];
        let in_media = !self.media.is_empty();
        let field = match (self.head, kind) {
            (Head::Version, b'v') if value == "0" => {
                self.head = Head::Origin;
                return Ok(());
            }
            (Head::Version, b'v') => return Err(malformed("v=", "version 0")),
            (Head::Version, _) => return Err(ParseErrorKind::Missing("v=")),
            (Head::Origin, b'o') => return self.read_origin(line, value),
            (Head::Origin, _) => return Err(ParseErrorKind::Missing("o=")),
            (Head::Name, b's') => {
                self.head = Head::Complete;
                Field::Unused
            }
            (Head::Name, _) => return Err(ParseErrorKind::Missing("s=")),
            (Head::Complete, b'm') => return self.start_media(line, value),
            (Head::Complete, b'a') => self.read_attribute(value)?,
            (Head::Complete, b'c') => read_connection(value)?,
            (Head::Complete, b'b') => value
                .parse()
                .map(Field::Bandwidth)
                .map_err(ParseErrorKind::Malformed)?,
            // What else stands in a media section is not JSEP's, as in libwebrtc.
            (Head::Complete, _) if in_media => Field::Unused,
            (Head::Complete, b't') => {
                self.timing = true;
                value
                    .parse()
                    .map(Field::Timing)
                    .map_err(ParseErrorKind::Malformed)?
            }
            (Head::Complete, b'i' | b'u' | b'e' | b'p' | b'r' | b'z' | b'k') => Field::Unused,
            (Head::Complete, _) => return Err(ParseErrorKind::OutOfPlace(char::from(kind))),
        };
        self.section().lines.push(Line::parsed(line, field));
        Ok(())
    }

    /// The fields of another end's `o=` line are not used; that there are six is checked.
    fn read_origin(&mut self, line: &str, value: &str) -> Result<()> {
        let mut words = Words::new("o=", value);
        if std::iter::from_fn(|| words.take()).count() != 6 {
            return Err(malformed("o=", "six fields"));
        }
        self.origin = Some((value.parse().ok(), line.into()));
        self.head = Head::Name;
        Ok(())
    }

    /// RFC 8866 §9: `time-description` is there at least once.
    fn check_timing(&self) -> Result<()> {
        match self.timing {
            true => Ok(()),
            false => Err(ParseErrorKind::Missing("t=")),
        }
    }

    fn section(&mut self) -> &mut Section {
        match self.media.last_mut() {
            Some(media) => &mut media.section,
            None => &mut self.session,
        }
    }

    fn start_media(&mut self, line: &str, value: &str) -> Result<()> {
        self.check_timing()?;
        if self.media.len() == limits::MAX_MEDIA_SECTIONS {
            return Err(ParseErrorKind::Limit(Limit::MediaSections));
        }
        self.media.push(MediaDescription {
            line: value
                .parse::<MediaLine>()
                .map_err(ParseErrorKind::Malformed)?,
            text: line.into(),
            section: Section::default(),
        });
        self.candidates = 0;
        Ok(())
    }

    fn read_attribute(&mut self, text: &str) -> Result<Field> {
        if text.trim_matches(' ').is_empty() {
            return Err(malformed("a=", "a name"));
        }
        if text.starts_with("candidate:") {
            self.candidates += 1;
            if self.candidates > limits::MAX_CANDIDATES {
                return Err(ParseErrorKind::Limit(Limit::Candidates));
            }
        }
        let line = self.media.last().map(|media| &media.line);
        let rtp = line.is_some_and(|line| line.protocol.is_rtp());
        let formats = line.map_or(&[][..], |line| line.formats.payload_types());
        match Attribute::parse(text, rtp) {
            Ok(attribute) => Ok(Field::Attribute(attribute)),
            Err(_) if !attr::is_needed(text, formats) => Ok(Field::Unread),
            Err(error) => Err(match error.subject() {
                "a=ice-ufrag" | "a=ice-pwd" => ParseErrorKind::InvalidCredential(error),
                _ => ParseErrorKind::Malformed(error),
            }),
        }
    }

    fn finish(mut self) -> Result<SessionDescription> {
        match self.head {
            Head::Version => return Err(ParseErrorKind::Missing("v=")),
            Head::Origin => return Err(ParseErrorKind::Missing("o=")),
            Head::Name => return Err(ParseErrorKind::Missing("s=")),
            Head::Complete => self.check_timing()?,
        }
        let (origin, origin_text) = self.origin.ok_or(ParseErrorKind::Missing("o="))?;
        // A description is kept as long as it is in force.
        self.session.lines.shrink_to_fit();
        for media in &mut self.media {
            media.section.lines.shrink_to_fit();
        }
        Ok(SessionDescription {
            origin,
            origin_text,
            session: self.session,
            media: self.media,
        })
    }
}

/// ICE takes the place of the `c=` line; that it has three fields is checked.
fn read_connection(value: &str) -> Result<Field> {
    let mut words = Words::new("c=", value);
    if std::iter::from_fn(|| words.take()).count() != 3 {
        return Err(malformed(
            "c=",
            "a network type, an address type and an address",
        ));
    }
    Ok(value.parse().map_or(Field::Unread, Field::Connection))
}

fn malformed(subject: &'static str, expected: &'static str) -> ParseErrorKind {
    ParseErrorKind::Malformed(SyntaxError::new(subject, expected))
}
