//! The line-by-line reader of RFC 9429 §5.8: stops at the first line that is not well-formed.

use crate::attr::Attribute;
use crate::error::{Limit, ParseError, ParseErrorKind, SyntaxError};
use crate::field::Origin;
use crate::limits;
use crate::media_line::MediaLine;
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
    let text = text.trim_end_matches(['\r', '\n']);
    let mut reader = Reader::default();
    let mut number = 1;
    for (index, line) in text.split('\n').enumerate() {
        number = index + 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let at_line = |kind| ParseError { line: number, kind };
        reader.read_line(number, line).map_err(at_line)?;
    }
    reader
        .finish()
        .map_err(|kind| ParseError { line: number, kind })
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    /// Position in the order of RFC 8866 §9 of the line read last.
    place: Place,
    origin: Option<(Origin, Box<str>)>,
    session: Section,
    media: Vec<MediaDescription>,
    seen: Seen,
}

/// What a section has already, of what it may have once.
#[derive(Default)]
struct Seen {
    /// Bits of `Once`.
    attributes: u128,
    /// Payload types with an `a=rtpmap` (RFC 8866 §6.6: one for each).
    rtpmaps: u128,
    candidates: usize,
}

impl Seen {
    fn add(&mut self, attribute: &Attribute) -> Result<()> {
        let (set, bit, name) = match attribute {
            Attribute::Candidate(_) => {
                self.candidates += 1;
                if self.candidates > limits::MAX_CANDIDATES {
                    return Err(ParseErrorKind::Limit(Limit::Candidates));
                }
                return Ok(());
            }
            Attribute::Rtpmap(map) => {
                let name = "a=rtpmap of a payload type";
                (&mut self.rtpmaps, map.payload_type.get(), name)
            }
            other => match other.once() {
                Some((once, name)) => (&mut self.attributes, once as u8, name),
                None => return Ok(()),
            },
        };
        if *set >> bit & 1 != 0 {
            return Err(ParseErrorKind::Duplicate(name));
        }
        *set |= 1 << bit;
        Ok(())
    }
}

/// Where in the order of RFC 8866 §9 a line stands. The order at media level is the same with
/// fewer types, so one scale serves both.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Place {
    #[default]
    Start,
    Version,
    Origin,
    Name,
    Media,
    Information,
    Uri,
    Email,
    Phone,
    Connection,
    Bandwidth,
    Timing,
    Repeat,
    Zone,
    Key,
    Attribute,
}

impl Place {
    fn of(kind: u8) -> Option<Place> {
        Some(match kind {
            b'v' => Place::Version,
            b'o' => Place::Origin,
            b's' => Place::Name,
            b'm' => Place::Media,
            b'i' => Place::Information,
            b'u' => Place::Uri,
            b'e' => Place::Email,
            b'p' => Place::Phone,
            b'c' => Place::Connection,
            b'b' => Place::Bandwidth,
            b't' => Place::Timing,
            b'r' => Place::Repeat,
            b'z' => Place::Zone,
            b'k' => Place::Key,
            b'a' => Place::Attribute,
            _ => return None,
        })
    }

    /// Whether several lines of the type may follow each other. Several `c=` lines in a media
    /// section (RFC 8866 §5.7) are for multicast, which WebRTC does not have.
    fn repeats(self) -> bool {
        use Place::{Attribute, Bandwidth, Email, Phone, Repeat, Timing};
        matches!(
            self,
            Email | Phone | Bandwidth | Timing | Repeat | Attribute
        )
    }

    fn is_session_only(self) -> bool {
        use Place::{Email, Phone, Repeat, Timing, Uri, Zone};
        matches!(self, Uri | Email | Phone | Timing | Repeat | Zone)
    }
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
        let place = Place::of(kind).ok_or(ParseErrorKind::OutOfPlace(char::from(kind)))?;
        self.check_place(place, kind)?;
        self.place = place;
        match place {
            Place::Start => Ok(()),
            Place::Version if value == "0" => Ok(()),
            Place::Version => Err(malformed("v=", "version 0")),
            Place::Origin => {
                let origin = value.parse().map_err(ParseErrorKind::Malformed)?;
                self.origin = Some((origin, line.into()));
                Ok(())
            }
            Place::Media => self.start_media(line, value),
            _ => {
                let field = self.read_field(place, value)?;
                self.section().lines.push(Line::parsed(line, field));
                Ok(())
            }
        }
    }

    /// RFC 8866 §9: lines of each type stand together, and the types in a fixed order.
    fn check_place(&self, place: Place, kind: u8) -> Result<()> {
        let out_of_place = Err(ParseErrorKind::OutOfPlace(char::from(kind)));
        // The first three lines are always v=, o= and s=.
        let required = match self.place {
            Place::Start => Some((Place::Version, "v=")),
            Place::Version => Some((Place::Origin, "o=")),
            Place::Origin => Some((Place::Name, "s=")),
            _ => None,
        };
        if let Some((required, name)) = required {
            return if place == required {
                Ok(())
            } else {
                Err(ParseErrorKind::Missing(name))
            };
        }
        let in_media = !self.media.is_empty();
        if place == Place::Media {
            return if in_media {
                Ok(())
            } else {
                self.check_timing()
            };
        }
        if in_media && place.is_session_only() {
            return out_of_place;
        }
        // Each t= may have its own r= lines.
        let next_timing = place == Place::Timing && self.place == Place::Repeat;
        if !in_media
            && matches!(
                place,
                Place::Repeat | Place::Zone | Place::Key | Place::Attribute
            )
        {
            self.check_timing()?;
        }
        match place.cmp(&self.place) {
            _ if next_timing => Ok(()),
            std::cmp::Ordering::Greater => Ok(()),
            std::cmp::Ordering::Equal if place.repeats() => Ok(()),
            _ => out_of_place,
        }
    }

    /// RFC 8866 §9: `time-description` is there at least once.
    fn check_timing(&self) -> Result<()> {
        let is_timing = |line: &Line| matches!(line.field(), Field::Timing(_));
        if self.place >= Place::Timing || self.session.lines.iter().any(is_timing) {
            Ok(())
        } else {
            Err(ParseErrorKind::Missing("t="))
        }
    }

    fn section(&mut self) -> &mut Section {
        match self.media.last_mut() {
            Some(media) => &mut media.section,
            None => &mut self.session,
        }
    }

    fn start_media(&mut self, line: &str, value: &str) -> Result<()> {
        self.check_media()?;
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
        self.seen = Seen::default();
        Ok(())
    }

    /// Once a media section is complete: what must be in it.
    fn check_media(&self) -> Result<()> {
        let Some(media) = self.media.last() else {
            return Ok(());
        };
        // RFC 8866 §5.7: a c= line in each media description, or one at the session level.
        if media.section.connection().is_none() && self.session.connection().is_none() {
            return Err(ParseErrorKind::Missing("c="));
        }
        // RFC 9429 §5.8.2: an "a=sctp-port" attribute MUST be present. The older form has it as
        // the format; a rejected section has nothing.
        let rejected = media.line.port == 0 && !media.section.bundle_only();
        let older = media.line.protocol == "DTLS/SCTP";
        let sctp = media.line.protocol.is_sctp() && !older && !rejected;
        if sctp && media.section.sctp_port().is_none() {
            return Err(ParseErrorKind::Missing("a=sctp-port"));
        }
        Ok(())
    }

    fn read_field(&mut self, place: Place, value: &str) -> Result<Field> {
        let field = match place {
            Place::Connection => value.parse().map(Field::Connection),
            Place::Bandwidth => value.parse().map(Field::Bandwidth),
            Place::Timing => value.parse().map(Field::Timing),
            Place::Attribute => return self.read_attribute(value).map(Field::Attribute),
            _ if value.is_empty() => return Err(malformed("the line", "a value")),
            _ => Ok(Field::Unused),
        };
        field.map_err(ParseErrorKind::Malformed)
    }

    fn read_attribute(&mut self, value: &str) -> Result<Attribute> {
        let rtp = match self.media.last() {
            Some(media) => media.line.protocol.is_rtp(),
            None => false,
        };
        let attribute = Attribute::parse(value, rtp).map_err(|error| match error.subject() {
            "a=ice-ufrag" | "a=ice-pwd" => ParseErrorKind::InvalidCredential(error),
            _ => ParseErrorKind::Malformed(error),
        })?;
        self.seen.add(&attribute)?;
        Ok(attribute)
    }

    fn finish(mut self) -> Result<SessionDescription> {
        match self.place {
            Place::Version => return Err(ParseErrorKind::Missing("o=")),
            Place::Origin => return Err(ParseErrorKind::Missing("s=")),
            _ => {}
        }
        if self.media.is_empty() {
            self.check_timing()?;
        }
        self.check_media()?;
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

fn malformed(subject: &'static str, expected: &'static str) -> ParseErrorKind {
    ParseErrorKind::Malformed(SyntaxError::new(subject, expected))
}
