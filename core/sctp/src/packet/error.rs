use duologue_base::Seq32;

use super::parameter::write_parameter;
use super::{RawChunk, Reader, kind, write_chunk};

/// Error causes that we send (RFC 9260 §3.3.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// A message came for a stream that does not exist.
    InvalidStream(u16),
    /// A cookie came this many microseconds too late.
    StaleCookie(u32),
    /// There is no room for what comes, and nothing makes any.
    OutOfResource,
    /// A chunk type we do not know, whose bits ask for a report.
    UnrecognizedChunk(Vec<u8>),
    /// The DATA chunk with this TSN carries nothing.
    NoUserData(Seq32),
    /// The user called `abort`.
    UserInitiatedAbort,
    /// A rule was broken; `&str` is for the peer's log.
    ProtocolViolation(&'static str),
}

impl Cause {
    fn code(&self) -> u16 {
        match self {
            Cause::InvalidStream(_) => 1,
            Cause::StaleCookie(_) => 3,
            Cause::OutOfResource => 4,
            Cause::UnrecognizedChunk(_) => 6,
            Cause::NoUserData(_) => 9,
            Cause::UserInitiatedAbort => 12,
            Cause::ProtocolViolation(_) => 13,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_parameter(out, self.code(), |out| match self {
            Cause::InvalidStream(stream) => {
                out.extend_from_slice(&stream.to_be_bytes());
                out.extend_from_slice(&[0; 2]);
            }
            Cause::StaleCookie(micros) => out.extend_from_slice(&micros.to_be_bytes()),
            Cause::NoUserData(tsn) => out.extend_from_slice(&tsn.0.to_be_bytes()),
            Cause::UnrecognizedChunk(chunk) => out.extend_from_slice(chunk),
            Cause::OutOfResource | Cause::UserInitiatedAbort => {}
            Cause::ProtocolViolation(text) => out.extend_from_slice(text.as_bytes()),
        });
    }
}

/// ABORT (RFC 9260 §3.3.7).
pub(crate) fn write_abort(out: &mut Vec<u8>, flags: u8, cause: Option<&Cause>) {
    write_chunk(out, kind::ABORT, flags, |out| {
        if let Some(cause) = cause {
            cause.write(out);
        }
    });
}

/// ERROR (RFC 9260 §3.3.10).
pub(crate) fn write_error(out: &mut Vec<u8>, cause: &Cause) {
    write_chunk(out, kind::ERROR, 0, |out| cause.write(out));
}

/// The code of the first cause in an ABORT or ERROR.
pub(crate) fn first_cause_code(chunk: RawChunk<'_>) -> Option<u16> {
    Reader(chunk.value).u16()
}
