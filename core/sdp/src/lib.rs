//! Session descriptions (SDP, RFC 8866) as WebRTC uses them (JSEP, RFC 9429).
//!
//! [`SessionDescription::parse`] reads a description line by line and stops with a [`ParseError`]
//! that names the 1-based line. What JSEP needs is checked; what it does not need never refuses a
//! description: a line that cannot be read and that nothing depends on is kept and ignored
//! ([`Field::Unread`]), lines of a section may come in any order, and of several that count once
//! the last one counts, as in libwebrtc. What is returned is two things at once:
//!
//! * **lossless**: each [`Line`] keeps its text, so `Display` writes back what was read (always
//!   with CRLF; input with bare LF is accepted, as browsers do);
//! * **typed**: each line of a known kind also has its value, found through the accessors of
//!   [`Section`] (one section's own lines) and [`Media`] (a media section with what it inherits
//!   from the session level).
//!
//! Descriptions are written from typed values by [`SessionDescription::builder`] and
//! [`MediaDescription::builder`], which put the lines in the order of RFC 9429 §5.2.1. Every text
//! inside a typed value is checked when that value is made ([`Token`], [`Text`], ...), so nothing
//! that can be built can break out of its line.
//!
//! This crate decides what is *well-formed*. What a well-formed description *means* together with
//! earlier ones (RFC 9429 §5.8.3 and on) is `duologue-jsep`'s part.
//!
//! ```
//! use duologue_sdp::SessionDescription;
//!
//! let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
//!             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
//!             a=mid:0\r\na=sctp-port:5000\r\n";
//! let description = SessionDescription::parse(text)?;
//! let media = description.media(0).ok_or("no media section")?;
//! assert_eq!(media.mid().map(|mid| mid.as_str()), Some("0"));
//! assert_eq!(media.sctp_port().map(|port| port.0), Some(5000));
//! assert_eq!(description.to_string(), text);
//!
//! let error = SessionDescription::parse(&text.replace("5000", "many")).unwrap_err();
//! assert_eq!(error.line, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod attr;
pub mod limits;

mod address;
mod build;
mod edit;
mod error;
mod field;
mod media_line;
mod parse;
mod scan;
mod section;
mod session;
mod text;

pub use address::{Address, HostName, NetAddress};
pub use attr::Attribute;
pub use build::{MediaBuilder, SessionBuilder};
pub use error::{Limit, ParseError, ParseErrorKind, SyntaxError};
pub use field::{Bandwidth, Connection, Origin, Timing, UserName};
pub use media_line::{Formats, MediaKind, MediaLine, MediaProtocol};
pub use section::{Field, Line, Section};
pub use session::{Media, MediaDescription, SessionDescription};
pub use text::{Text, Token, Word};
