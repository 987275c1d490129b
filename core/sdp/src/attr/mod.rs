//! The attributes (`a=` lines) that WebRTC uses, one type each, one file a family.
//!
//! Every value type reads with `FromStr` and writes with `Display` what stands after the
//! attribute's `name:`. [`Attribute`] is one line of any of them; the table in this file is the
//! only list of all.

mod candidate;
mod codec;
mod direction;
mod dtls;
mod extmap;
mod group;
mod ice;
mod simulcast;
mod transport;

use std::fmt;

use duologue_rtp::{Mid, PayloadType};

pub use candidate::{
    Candidate, CandidateExtension, CandidateKind, CandidateTransport, ExtensionWord,
    RemoteCandidate, RemoteCandidates, TcpType,
};
pub use codec::{Fmtp, FmtpParameters, ImageAttr, MaxPtime, Ptime, RtcpFb, Rtpmap};
pub use direction::Direction;
pub use dtls::{Fingerprint, HashFunction, Identity, IdentityAssertion, Setup, TlsId};
pub use extmap::{ExtensionUri, Extmap};
pub use group::{Group, Msid, MsidSemantic, SsrcAttribute, SsrcGroup};
pub use ice::{IceOption, IceOptions, IcePacing, IcePwd, IceUfrag};
pub use simulcast::{
    RidAttribute, RidDirection, RidRestriction, Simulcast, SimulcastRid, SimulcastStream,
};
pub use transport::{MaxMessageSize, Rtcp, SctpInit, SctpPort, Sctpmap};

use crate::error::SyntaxError;
use crate::scan::decimal;
use crate::section::Section;
use crate::session::Media;
use crate::text::{Text, Token, is_digits};

/// The table of attributes. From one row each come the variant, its name, its parser, its writer,
/// and the accessor of [`Section`].
///
/// * `inherited`: the last one counts; the session level's counts for a media section without it
///   (the accessor of [`Media`] is written by hand, in `session.rs`);
/// * `single`: the last one counts; `many`: all count; `flag`: without a value.
macro_rules! attributes {
    (
        inherited { $($(#[$i_doc:meta])* $i:ident($i_ty:ty) $i_name:literal $i_fn:ident,)* }
        single { $($(#[$s_doc:meta])* $s:ident($s_ty:ty) $s_name:literal $s_fn:ident,)* }
        inherited_many { $($(#[$j_doc:meta])* $j:ident($j_ty:ty) $j_name:literal $j_fn:ident,)* }
        many { $($(#[$m_doc:meta])* $m:ident($m_ty:ty) $m_name:literal $m_fn:ident,)* }
        flag { $($(#[$f_doc:meta])* $f:ident $f_name:literal $f_fn:ident,)* }
    ) => {
        /// One `a=` line.
        #[derive(Clone, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Attribute {
            $($(#[$i_doc])* $i($i_ty),)*
            $($(#[$s_doc])* $s($s_ty),)*
            $($(#[$j_doc])* $j($j_ty),)*
            $($(#[$m_doc])* $m($m_ty),)*
            $($(#[$f_doc])* $f,)*
            /// `a=sendrecv`, `a=sendonly`, `a=recvonly`, `a=inactive`.
            Direction(Direction),
            /// An attribute that this crate does not know, which is to be ignored (RFC 8866 §5.13).
            Other {
                /// What stands before the colon.
                name: Token,
                /// What stands after it.
                value: Option<Text>,
            },
        }

        impl Attribute {
            /// The attribute's name.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$i(_) => $i_name,)*
                    $(Self::$s(_) => $s_name,)*
                    $(Self::$j(_) => $j_name,)*
                    $(Self::$m(_) => $m_name,)*
                    $(Self::$f => $f_name,)*
                    Self::Direction(direction) => direction.as_str(),
                    Self::Other { name, .. } => name.as_str(),
                }
            }

            /// Reads an attribute that is in the table; `None` if it is not.
            fn parse_known(name: &str, value: Option<&str>) -> Option<Result<Self, SyntaxError>> {
                let attribute = match name {
                    $($i_name => with_value(concat!("a=", $i_name), value).map(Self::$i),)*
                    $($s_name => with_value(concat!("a=", $s_name), value).map(Self::$s),)*
                    $($j_name => with_value(concat!("a=", $j_name), value).map(Self::$j),)*
                    $($m_name => with_value(concat!("a=", $m_name), value).map(Self::$m),)*
                    // Some write a flag with a colon or a value, which says nothing.
                    $($f_name => Ok(Self::$f),)*
                    _ => return None,
                };
                Some(attribute)
            }
        }

        impl fmt::Display for Attribute {
            /// Writes `name:value` or `name`, what stands after `a=`.
            #[expect(unreachable_patterns, reason = "a Candidate writes its own name")]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$i(value) => write!(f, concat!($i_name, ":{}"), value),)*
                    $(Self::$s(value) => write!(f, concat!($s_name, ":{}"), value),)*
                    $(Self::$j(value) => write!(f, concat!($j_name, ":{}"), value),)*
                    Self::Candidate(value) => value.fmt(f),
                    $(Self::$m(value) => write!(f, concat!($m_name, ":{}"), value),)*
                    $(Self::$f => f.write_str($f_name),)*
                    Self::Direction(direction) => direction.fmt(f),
                    Self::Other { name, value: None } => name.fmt(f),
                    Self::Other { name, value: Some(value) } => write!(f, "{name}:{value}"),
                }
            }
        }

        $(impl From<$i_ty> for Attribute {
            fn from(value: $i_ty) -> Self {
                Self::$i(value)
            }
        })*
        $(impl From<$s_ty> for Attribute {
            fn from(value: $s_ty) -> Self {
                Self::$s(value)
            }
        })*
        $(impl From<$j_ty> for Attribute {
            fn from(value: $j_ty) -> Self {
                Self::$j(value)
            }
        })*
        $(impl From<$m_ty> for Attribute {
            fn from(value: $m_ty) -> Self {
                Self::$m(value)
            }
        })*

        impl From<Direction> for Attribute {
            fn from(value: Direction) -> Self {
                Self::Direction(value)
            }
        }

        /// The attributes of one section, without what it inherits.
        impl Section {
            $($(#[$i_doc])* pub fn $i_fn(&self) -> Option<&$i_ty> {
                self.attributes().rev().find_map(|attribute| match attribute {
                    Attribute::$i(value) => Some(value),
                    _ => None,
                })
            })*
            $($(#[$s_doc])* pub fn $s_fn(&self) -> Option<&$s_ty> {
                self.attributes().rev().find_map(|attribute| match attribute {
                    Attribute::$s(value) => Some(value),
                    _ => None,
                })
            })*
            $($(#[$j_doc])* pub fn $j_fn(&self) -> impl Iterator<Item = &$j_ty> {
                self.attributes().filter_map(|attribute| match attribute {
                    Attribute::$j(value) => Some(value),
                    _ => None,
                })
            })*
            $($(#[$m_doc])* pub fn $m_fn(&self) -> impl Iterator<Item = &$m_ty> {
                self.attributes().filter_map(|attribute| match attribute {
                    Attribute::$m(value) => Some(value),
                    _ => None,
                })
            })*
            $($(#[$f_doc])* pub fn $f_fn(&self) -> bool {
                self.attributes().any(|attribute| matches!(attribute, Attribute::$f))
            })*
        }

        /// The media section's own attributes, those which the session level cannot give.
        impl<'a> Media<'a> {
            $($(#[$s_doc])* pub fn $s_fn(self) -> Option<&'a $s_ty> {
                self.section().$s_fn()
            })*
            $($(#[$m_doc])* pub fn $m_fn(self) -> impl Iterator<Item = &'a $m_ty> {
                self.section().$m_fn()
            })*
            $($(#[$f_doc])* pub fn $f_fn(self) -> bool {
                self.section().$f_fn()
            })*
        }
    };
}

attributes! {
    inherited {
        /// `a=ice-ufrag`.
        IceUfrag(IceUfrag) "ice-ufrag" ice_ufrag,
        /// `a=ice-pwd`.
        IcePwd(IcePwd) "ice-pwd" ice_pwd,
        /// `a=ice-options`.
        IceOptions(IceOptions) "ice-options" ice_options,
        /// `a=setup`.
        Setup(Setup) "setup" setup,
        /// `a=tls-id`.
        TlsId(TlsId) "tls-id" tls_id,
    }
    single {
        /// `a=ice-pacing`, at the session level.
        IcePacing(IcePacing) "ice-pacing" ice_pacing,
        /// `a=mid`.
        Mid(Mid) "mid" mid,
        /// `a=rtcp`.
        Rtcp(Rtcp) "rtcp" rtcp,
        /// `a=ptime`.
        Ptime(Ptime) "ptime" ptime,
        /// `a=maxptime`.
        MaxPtime(MaxPtime) "maxptime" maxptime,
        /// `a=simulcast`.
        Simulcast(Simulcast) "simulcast" simulcast,
        /// `a=sctp-port`.
        SctpPort(SctpPort) "sctp-port" sctp_port,
        /// `a=max-message-size`.
        MaxMessageSize(MaxMessageSize) "max-message-size" max_message_size,
        /// `a=sctp-init` (draft-hancke-tsvwg-snap): the INIT chunk.
        SctpInit(SctpInit) "sctp-init" sctp_init,
    }
    inherited_many {
        /// `a=fingerprint`.
        Fingerprint(Fingerprint) "fingerprint" fingerprints,
        /// `a=extmap`.
        Extmap(Extmap) "extmap" extmaps,
        /// `a=identity`.
        Identity(Identity) "identity" identities,
    }
    many {
        /// `a=group`, at the session level.
        Group(Group) "group" groups,
        /// `a=msid-semantic`, at the session level.
        MsidSemantic(MsidSemantic) "msid-semantic" msid_semantics,
        /// `a=msid`.
        Msid(Msid) "msid" msids,
        /// `a=rtpmap`.
        Rtpmap(Rtpmap) "rtpmap" rtpmaps,
        /// `a=fmtp`; that of a section without RTP is an [`Attribute::Other`].
        Fmtp(Fmtp) "fmtp" fmtps,
        /// `a=rtcp-fb`.
        RtcpFb(RtcpFb) "rtcp-fb" rtcp_fbs,
        /// `a=imageattr`.
        ImageAttr(ImageAttr) "imageattr" imageattrs,
        /// `a=rid`.
        Rid(RidAttribute) "rid" rids,
        /// `a=ssrc`.
        Ssrc(SsrcAttribute) "ssrc" ssrcs,
        /// `a=ssrc-group`.
        SsrcGroup(SsrcGroup) "ssrc-group" ssrc_groups,
        /// `a=sctpmap`.
        Sctpmap(Sctpmap) "sctpmap" sctpmaps,
        /// `a=candidate`.
        Candidate(Candidate) "candidate" candidates,
        /// `a=remote-candidates`.
        RemoteCandidates(RemoteCandidates) "remote-candidates" remote_candidates,
    }
    flag {
        /// `a=ice-lite` (RFC 8839 §5.3), at the session level.
        IceLite "ice-lite" ice_lite,
        /// `a=end-of-candidates` (RFC 8840 §8.1).
        EndOfCandidates "end-of-candidates" end_of_candidates,
        /// `a=rtcp-mux` (RFC 5761 §5.1.3).
        RtcpMux "rtcp-mux" rtcp_mux,
        /// `a=rtcp-mux-only` (RFC 8858 §3).
        RtcpMuxOnly "rtcp-mux-only" rtcp_mux_only,
        /// `a=rtcp-rsize` (RFC 5506 §5).
        RtcpRsize "rtcp-rsize" rtcp_rsize,
        /// `a=bundle-only` (RFC 9143 §6).
        BundleOnly "bundle-only" bundle_only,
        /// `a=extmap-allow-mixed` (RFC 8285 §6).
        ExtmapAllowMixed "extmap-allow-mixed" extmap_allow_mixed,
        /// `a=cryptex` (RFC 9335 §4).
        Cryptex "cryptex" cryptex,
    }
}

impl Attribute {
    /// Reads what stands after `a=`. `rtp` says whether the formats of the section are RTP payload
    /// types; where they are not, what refers to formats is not for this crate to judge.
    pub(crate) fn parse(text: &str, rtp: bool) -> Result<Self, SyntaxError> {
        let (name, value) = name_and_value(text);
        if name == "candidate" {
            // A space at the beginning of its value has a meaning.
            return text.parse().map(Self::Candidate);
        }
        let about_formats = matches!(name, "rtpmap" | "fmtp" | "rtcp-fb" | "imageattr");
        let trimmed = value.map(|value| value.trim_matches(' '));
        if let Some(known) = Self::parse_known(name, trimmed)
            && (rtp || !about_formats)
        {
            return known;
        }
        if let Ok(direction) = name.parse() {
            return Ok(Self::Direction(direction));
        }
        Ok(Self::Other {
            name: name
                .parse()
                .map_err(|_| SyntaxError::new("a=", "a name that is a token"))?,
            value: match value {
                Some(value) => Some(value.parse()?),
                None => None,
            },
        })
    }
}

/// The name without spaces after it, which some write after a flag.
fn name_and_value(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, value)) => (name.trim_end_matches(' '), Some(value)),
        None => (text.trim_end_matches(' '), None),
    }
}

/// Whether JSEP needs what a line of these names says, so that one which cannot be read refuses
/// the description (RFC 9429 §5.8.2). All other lines that cannot be read are ignored.
pub(crate) fn is_needed(text: &str, formats: &[PayloadType]) -> bool {
    let (name, value) = name_and_value(text);
    let value = value.unwrap_or_default().trim_matches(' ');
    let word = value.split([' ', '/']).next().unwrap_or_default();
    match name {
        "mid" | "ice-ufrag" | "ice-pwd" | "fingerprint" | "setup" | "sctp-port"
        | "max-message-size" => true,
        "group" => word == "BUNDLE",
        "rtpmap" => word.parse().is_ok_and(|pt| formats.contains(&pt)),
        // Both browsers refuse ids that no header extension can have.
        "extmap" => is_digits(word.as_bytes()) && !decimal(word).is_some_and(extmap::is_id),
        _ => false,
    }
}

/// Reads the value of an attribute which must have one. Errors name the attribute, whatever the
/// value's own parser says.
fn with_value<T: std::str::FromStr>(
    subject: &'static str,
    value: Option<&str>,
) -> Result<T, SyntaxError>
where
    T::Err: Into<ValueError>,
{
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or(SyntaxError::new(subject, "a value"))?;
    value.parse().map_err(|error: T::Err| {
        let ValueError(expected) = error.into();
        SyntaxError::new(subject, expected)
    })
}

/// What a value's parser expected: [`SyntaxError`] for ours, and `base`'s own for mids.
struct ValueError(&'static str);

impl From<SyntaxError> for ValueError {
    fn from(error: SyntaxError) -> Self {
        ValueError(error.expected())
    }
}

impl From<duologue_base::MidError> for ValueError {
    fn from(_: duologue_base::MidError) -> Self {
        ValueError("a token of 1 to 256 characters")
    }
}

/// Writes the items with a separator between them.
fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// Defines an attribute value that is one number.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($raw:ty), $subject:literal, $expected:literal) => {
        $crate::attr::number!(
            $(#[$doc])* $name($raw), $subject, $expected, $crate::scan::decimal
        );
    };
    ($(#[$doc:meta])* $name:ident($raw:ty), $subject:literal, $expected:literal, $read:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub $raw);

        impl std::str::FromStr for $name {
            type Err = $crate::error::SyntaxError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let number = $read(text.trim_matches(' '));
                let error = $crate::error::SyntaxError::new($subject, $expected);
                number.map(Self).ok_or(error)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
use number;

/// A number of milliseconds, perhaps with a fraction, which is cut off (RFC 8866 §6.4).
fn milliseconds(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    crate::scan::decimal::<u64>(fraction)?;
    crate::scan::decimal(whole)
}

#[cfg(test)]
mod tests;
