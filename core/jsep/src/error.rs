use std::fmt;

use duologue_rtp::{ExtensionId, PayloadType};
use duologue_sdp::ParseError;

use crate::{SdpType, Side, SignalingState};

/// Why a description could not be created or applied. Nothing has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JsepError {
    /// The text is not SDP. W3C: `RTCError` with `errorDetail` `"sdp-syntax-error"` and
    /// `sdpLineNumber` from [`ParseError::line`].
    Syntax(ParseError),
    /// The operation does not fit the signaling state. W3C: `InvalidStateError`.
    State {
        /// What was to be created or applied.
        ty: SdpType,
        /// By whom.
        side: Side,
        /// The state it met.
        state: SignalingState,
    },
    /// The text is SDP but what it says is not acceptable. W3C: `InvalidAccessError`.
    Content(ContentError),
    /// A local description is not the one that was created, and differs from it in what may not be
    /// changed. W3C: `InvalidModificationError`.
    Modified(Modification),
    /// What cannot be done for another reason. W3C: `OperationError`.
    Operation(OperationError),
}

/// What of a text differs from the description that was created, so that it cannot be set in its
/// place. See [`Draft::with_text`](crate::Draft::with_text) for what may differ.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Modification {
    /// The description to compare with is missing: none of that type was created, or not for this state.
    NotCreated,
    /// The `o=` line is that of another description: one that was created before, or elsewhere.
    Outdated,
    /// The text is not SDP. Has the 1-based line.
    Unreadable(usize),
    /// The text has more or fewer m-sections.
    SectionCount,
    /// A line that may not be added, changed or removed.
    Line {
        /// The section; `None` for the session level.
        section: Option<usize>,
        /// What the line begins with: `m=`, `a=setup`.
        line: String,
    },
    /// A payload type stands for no codec that this end has, or that it answered.
    Codec {
        /// The section.
        section: usize,
        /// The payload type.
        payload_type: PayloadType,
    },
    /// The description does not fit what was offered or agreed.
    Content(ContentError),
}

/// What is unacceptable in a description. Sections are counted from 0, as `sdpMLineIndex` does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContentError {
    /// An ICE user name fragment or password is too short, too long or has a forbidden character
    /// (RFC 9429 §5.8.3). Has the 1-based line.
    Credentials(usize),
    /// A section has no ICE credentials.
    NoCredentials(usize),
    /// A section has no fingerprint of a hash function that is secure.
    NoFingerprint(usize),
    /// A section does not multiplex RTCP with RTP, which the policy `require` asks for.
    NoRtcpMux(usize),
    /// A section does not take encrypted headers (RFC 9335), which the policy `require` asks for.
    NoCryptex(usize),
    /// A tag stands for two sections. Has the second.
    DuplicateMid(usize),
    /// A BUNDLE group has a tag that no section has, or that another group has.
    BundleGroup,
    /// A payload type from 64 to 95 cannot be told from RTCP (RFC 5761 §4).
    PayloadType {
        /// The section.
        section: usize,
        /// The payload type.
        payload_type: PayloadType,
    },
    /// A retransmission format refers to a payload type that is not there (RFC 9429 §5.10).
    Retransmission {
        /// The section.
        section: usize,
        /// The retransmission format's payload type.
        payload_type: PayloadType,
    },
    /// A header extension's id stands for two extensions in a BUNDLE group, or for another
    /// extension than before (RFC 8285 §5).
    Extension {
        /// The section.
        section: usize,
        /// The id.
        id: ExtensionId,
    },
    /// An answer has not as many sections as the offer, or an offer has fewer than before
    /// (RFC 3264 §§6, 8).
    SectionCount,
    /// A section is of another kind, protocol or tag than the section it follows or answers.
    SectionChanged(usize),
    /// A section that was offered as rejected is not rejected in the answer.
    NotOffered(usize),
    /// An answered direction is not among those that the offer allows (RFC 3264 §6.1).
    Direction(usize),
    /// A section was offered on condition that it is bundled, and the answer accepts it unbundled
    /// (RFC 9143 §7.3).
    NotBundled(usize),
    /// An answer's `a=setup` is neither `active` nor `passive` (RFC 5763 §5).
    Setup,
}

/// What cannot be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OperationError {
    /// A candidate names an m-section that no remote description has, or an ICE user name
    /// fragment that is not in use.
    UnknownCandidateTarget,
    /// No remote description has been set that candidates could belong to.
    NoRemoteDescription,
    /// The description has more m-sections than [`limits`](crate::limits) allow.
    TooManySections,
    /// The section describes the same track in the same streams as one before it.
    DuplicateTrack(usize),
}

impl From<ParseError> for JsepError {
    fn from(error: ParseError) -> Self {
        match error.kind.is_syntax() {
            true => JsepError::Syntax(error),
            false => JsepError::Content(ContentError::Credentials(error.line)),
        }
    }
}

impl From<ContentError> for JsepError {
    fn from(error: ContentError) -> Self {
        JsepError::Content(error)
    }
}

impl From<Modification> for JsepError {
    fn from(error: Modification) -> Self {
        JsepError::Modified(error)
    }
}

impl From<OperationError> for JsepError {
    fn from(error: OperationError) -> Self {
        JsepError::Operation(error)
    }
}

impl fmt::Display for JsepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsepError::Syntax(error) => error.fmt(f),
            JsepError::State { ty, side, state } => {
                let side = if *side == Side::Local {
                    "local"
                } else {
                    "remote"
                };
                write!(f, "a {side} {ty} does not fit the signaling state {state}")
            }
            JsepError::Content(error) => error.fmt(f),
            JsepError::Modified(error) => error.fmt(f),
            JsepError::Operation(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Modification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Modification::NotCreated => f.write_str("the description is not the one last created"),
            Modification::Outdated => {
                f.write_str("by its o= the description is an older one, or another connection's")
            }
            Modification::Unreadable(line) => {
                write!(f, "line {line} of the changed description is not SDP")
            }
            Modification::SectionCount => {
                f.write_str("the description may not have more or fewer m-sections than it had")
            }
            Modification::Line {
                section: Some(section),
                line,
            } => write!(
                f,
                "the description may not change {line} of m-section {section}"
            ),
            Modification::Line {
                section: None,
                line,
            } => write!(f, "the description may not change {line} of the session"),
            Modification::Codec {
                section,
                payload_type,
            } => write!(
                f,
                "m-section {section} of the changed description cannot use payload type {payload_type}"
            ),
            Modification::Content(error) => write!(f, "the changed description: {error}"),
        }
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ContentError as E;
        match self {
            E::Credentials(line) => write!(f, "line {line}: not a legal ICE credential"),
            E::NoCredentials(s) => write!(f, "m-section {s} has no ICE credentials"),
            E::NoFingerprint(s) => write!(f, "m-section {s} has no usable DTLS fingerprint"),
            E::NoRtcpMux(s) => write!(f, "m-section {s} does not multiplex RTCP with RTP"),
            E::NoCryptex(s) => write!(f, "m-section {s} takes no encrypted RTP headers"),
            E::DuplicateMid(s) => write!(f, "m-section {s} has the mid of another one"),
            E::BundleGroup => f.write_str("a BUNDLE group's mids are not those of m-sections"),
            E::PayloadType {
                section,
                payload_type,
            } => write!(
                f,
                "m-section {section} cannot use payload type {payload_type}"
            ),
            E::Retransmission {
                section,
                payload_type,
            } => write!(
                f,
                "m-section {section}: payload type {payload_type} retransmits one that is not there"
            ),
            E::Extension { section, id } => {
                write!(
                    f,
                    "m-section {section} gives header extension id {id} another meaning"
                )
            }
            E::SectionCount => f.write_str("the number of m-sections does not fit"),
            E::SectionChanged(s) => write!(f, "m-section {s} is not the one that was there"),
            E::NotOffered(s) => write!(f, "m-section {s} was not offered"),
            E::Direction(s) => write!(f, "m-section {s} has a direction that was not offered"),
            E::NotBundled(s) => write!(f, "m-section {s} was offered as bundled only"),
            E::Setup => f.write_str("an answer's a=setup must be active or passive"),
        }
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OperationError::DuplicateTrack(section) => {
                return write!(
                    f,
                    "m-section {section} describes a track that another one does"
                );
            }
            OperationError::UnknownCandidateTarget => {
                "the candidate belongs to no m-section or ICE generation in use"
            }
            OperationError::NoRemoteDescription => "there is no remote description",
            OperationError::TooManySections => "the description has too many m-sections",
        })
    }
}

impl std::error::Error for JsepError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JsepError::Syntax(error) => Some(error),
            JsepError::Content(error) => Some(error),
            JsepError::Operation(error) => Some(error),
            JsepError::Modified(error) => Some(error),
            JsepError::State { .. } => None,
        }
    }
}

impl std::error::Error for Modification {}
impl std::error::Error for ContentError {}
impl std::error::Error for OperationError {}
