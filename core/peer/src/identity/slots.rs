//! The internal slots of webrtc-identity.

use std::collections::VecDeque;

use duologue_base::Instant;
use duologue_sdp::attr::Fingerprint;

use super::{IdentityAssertion, IdentityProviderDetails, IdentityProviderOptions, QuestionId};
use crate::limits::MAX_WAITING_VALIDATIONS;
use crate::task::Creation;
use crate::{Exception, OperationId, SessionDescription};

/// What the connection knows of identities, its own and the other end's.
#[derive(Debug)]
pub(crate) struct IdentitySlots {
    /// Who asserts this end's.
    pub(crate) provider: Option<Provider>,
    pub(crate) request: Request,
    /// The "target peer identity".
    pub(crate) target: Option<String>,
    /// What was validated last.
    pub(crate) verified: Option<Verified>,
    /// "Only one identity validation can run at a time."
    pub(crate) validation: Option<(Asked, Claim)>,
    /// Those that await it.
    pub(crate) claims: VecDeque<Claim>,
    /// The promise `peerIdentity`.
    pub(crate) peer_identity: OperationId,
    /// What it settled to.
    pub(crate) settled: Option<Result<IdentityAssertion, Exception>>,
    pub(crate) login_url: Option<String>,
    pub(crate) error_info: Option<String>,
    next_question: u64,
}

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

/// How far this end's assertion is. One that was made is in `jsep::Intent`.
#[derive(Debug, Default)]
pub(crate) enum Request {
    #[default]
    Idle,
    /// The provider was asked, and these wait.
    Asked(Asked, Vec<Waiter>),
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

impl IdentitySlots {
    pub(crate) fn new(peer_identity: OperationId, target: Option<String>) -> Self {
        IdentitySlots {
            provider: None,
            request: Request::Idle,
            target,
            verified: None,
            validation: None,
            claims: VecDeque::new(),
            peer_identity,
            settled: None,
            login_url: None,
            error_info: None,
            next_question: 0,
        }
    }

    /// Adds a claim. One more than may wait takes the place of the oldest that nothing waits for: a
    /// newer description tells more.
    pub(crate) fn push_claim(&mut self, claim: Claim) {
        if self.claims.len() >= MAX_WAITING_VALIDATIONS {
            let learns = |claim: &Claim| matches!(claim.purpose, Purpose::Learn);
            if let Some(oldest) = self.claims.iter().position(learns) {
                self.claims.remove(oldest);
            }
        }
        self.claims.push_back(claim);
    }

    pub(crate) fn new_question(&mut self, deadline: Instant) -> Asked {
        let question = QuestionId(self.next_question);
        self.next_question += 1;
        Asked { question, deadline }
    }

    /// The questions that wait for an answer.
    pub(crate) fn asked(&self) -> impl Iterator<Item = Asked> {
        let request = match &self.request {
            Request::Asked(asked, _) => Some(*asked),
            Request::Idle => None,
        };
        let validation = self.validation.as_ref().map(|(asked, _)| *asked);
        request.into_iter().chain(validation)
    }

    /// Forgets what waits, when the connection closes.
    pub(crate) fn close(&mut self) {
        self.request = Request::Idle;
        self.validation = None;
        self.claims.clear();
    }
}
