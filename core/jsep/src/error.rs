use std::fmt;

use crate::{SdpType, SignalingState};

/// Why a description could not be created or applied. Nothing has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JsepError {
    /// The text is not SDP. W3C: `RTCError` with `errorDetail` `"sdp-syntax-error"`.
    Syntax {
        /// `sdpLineNumber`, counted from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The description does not fit the signaling state. W3C: `InvalidStateError`.
    State {
        /// The operation's type.
        ty: SdpType,
        /// The state it met.
        state: SignalingState,
    },
    /// The text is SDP but not acceptable. W3C: `InvalidAccessError`.
    Content(ContentError),
    /// A local description is not the one that was created. W3C: `InvalidModificationError`.
    Modified,
    /// It could be done, but not here. W3C: `OperationError`.
    Operation(OperationError),
}

/// What is unacceptable in a description.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ContentError {
    /// An m-section does not multiplex RTCP with RTP, which is required.
    NoRtcpMux {
        /// Index of the m-section.
        section: usize,
    },
}

/// What cannot be done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OperationError {
    /// More than this crate handles; see `limits`.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
}

impl fmt::Display for JsepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsepError::Syntax { line, reason } => write!(f, "line {line} is not SDP: {reason}"),
            JsepError::State { ty, state } => {
                write!(
                    f,
                    "a description of type {ty} cannot be set in state {state}"
                )
            }
            JsepError::Content(error) => error.fmt(f),
            JsepError::Modified => f.write_str("the description is not the one last created"),
            JsepError::Operation(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContentError::NoRtcpMux { section } => {
                write!(f, "m-section {section} does not multiplex RTCP")
            }
        }
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OperationError::TooLarge { what } => write!(f, "too many {what}"),
        }
    }
}

impl std::error::Error for JsepError {}
impl std::error::Error for ContentError {}
impl std::error::Error for OperationError {}
