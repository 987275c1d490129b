//! What is asked of providers, and who waits for it.

use duologue_base::Instant;
use duologue_sdp::attr::Fingerprint;

use super::{IdentityProviderDetails, IdentityProviderOptions, QuestionId};
use crate::task::Creation;
use crate::{OperationId, SessionDescription};

/// The "current identity provider values".
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Provider {
    pub(crate) domain: String,
    pub(crate) options: IdentityProviderOptions,
}

/// A question without an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) question: QuestionId,
    pub(crate) deadline: Instant,
}

/// Who waits for this end's assertion.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Waiter {
    /// `getIdentityAssertion()`
    Assertion(OperationId),
    /// `createOffer()`, `createAnswer()`, or `setLocalDescription()` without a description.
    Creation(OperationId, Creation),
}

/// Who the other end says it is, by a description.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The value of `a=identity`.
    pub(crate) line: String,
    pub(crate) provider: IdentityProviderDetails,
    pub(crate) assertion: String,
    /// All `a=fingerprint`s of the description.
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) purpose: Purpose,
}

/// What follows a validation.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// There is a target: the description is applied after it, or never.
    Apply(OperationId, SessionDescription),
    /// There was none: the description is applied already.
    Learn,
}

/// An assertion that was found true.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) line: String,
    pub(crate) fingerprints: Vec<Fingerprint>,
}
