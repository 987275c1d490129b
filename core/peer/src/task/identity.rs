//! Identities asserted and validated (webrtc-identity; RFC 8827 §7).
//!
//! With a target peer identity a remote description is applied only after its identity is
//! validated, so that nothing is ever established with another peer. Without one it is applied at
//! once, and validation neither delays nor changes what its promise settles to.

use duologue_base::Instant;
use duologue_sdp as sdp;
use duologue_sdp::attr::Fingerprint;

use super::{DescriptionStep, Task};
use crate::connection::Step;
use crate::identity::{
    Asked, Assertion, Claim, Provider, Purpose, Verified, Waiter, contents_of, same_identity,
};
use crate::limits::IDENTITY_PROVIDER_TIMEOUT;
use crate::{
    Answer, Exception, IdentityAssertion, IdentityProviderDetails, IdentityProviderError,
    IdentityProviderOptions, IdentityValidationResult, OperationId, PeerConnection, Question,
    QuestionId, SessionDescription, Value,
};

#[derive(Debug)]
pub(crate) enum IdentityTask {
    /// `getIdentityAssertion()`
    Request(Waiter),
    Answered(QuestionId, Box<Answer>),
}

/// What a description tells of its sender.
pub(crate) enum Identity {
    /// It has no `a=identity`.
    None(Vec<Fingerprint>),
    Malformed,
    Claimed(Claim),
}

impl PeerConnection {
    pub(crate) fn run_identity(&mut self, task: IdentityTask, now: Instant) {
        match task {
            IdentityTask::Request(waiter) => {
                if !self.await_assertion(waiter, now) {
                    self.settle_waiter(waiter, Ok(()));
                }
            }
            IdentityTask::Answered(question, answer) => {
                self.run_answered(question, *answer, now);
            }
        }
    }

    // --- this end's

    /// "The identity assertion request process": begins it unless it has begun. Returns whether there
    /// is something to wait for.
    pub(crate) fn await_assertion(&mut self, waiter: Waiter, now: Instant) -> bool {
        let Some(Provider { domain, options }) = self.slots.identity().provider().cloned() else {
            return false;
        };
        if self.slots.intent().identity.is_some() {
            return false;
        }
        if self.slots.identity_mut().join_request(waiter) {
            return true;
        }

        let question = Question::GenerateAssertion {
            provider: IdentityProviderDetails {
                domain,
                protocol: options.protocol.clone(),
            },
            contents: contents_of(&self.slots.intent().fingerprints),
            options: IdentityProviderOptions {
                // "If this value is omitted, … the value from RTCConfiguration is used."
                peer_identity: options
                    .peer_identity
                    .or_else(|| self.slots.configuration().peer_identity.clone()),
                ..options
            },
        };
        let asked = self.ask(question, now);
        self.slots.identity_mut().begin_request(asked, waiter);
        true
    }

    fn ask(&mut self, question: Question, now: Instant) -> Asked {
        let asked = self
            .slots
            .identity_mut()
            .new_question(now + IDENTITY_PROVIDER_TIMEOUT);
        self.step(Step::Ask(asked.question, question));
        asked
    }

    fn run_answered(&mut self, question: QuestionId, answer: Answer, now: Instant) {
        let identity = self.slots.identity_mut();
        if let Some(waiters) = identity.end_request(question) {
            self.run_asserted(waiters, answer);
        } else if let Some(claim) = identity.end_validation(question) {
            self.run_validated(claim, answer);
            self.validate_next(now);
        }
    }

    fn run_asserted(&mut self, waiters: Vec<Waiter>, answer: Answer) {
        let nonsense =
            || IdentityProviderError::execution_failure("the provider gave no assertion");
        let made = match answer {
            Answer::Assertion(result) => Assertion::write(&result).ok_or_else(nonsense),
            Answer::Failed(error) => Err(error),
            Answer::Validation(_) => Err(nonsense()),
        };
        match made {
            Ok(line) => {
                self.note_provider(None);
                self.slots.set_assertion(Some(line));
                self.resume(waiters);
            }
            Err(error) => {
                self.note_provider(Some(&error));
                for waiter in waiters {
                    self.settle_waiter(waiter, Err(Exception::from(&error)));
                }
            }
        }
    }

    fn note_provider(&mut self, error: Option<&IdentityProviderError>) {
        self.slots.identity_mut().note_provider(error);
        if let Some(error) = error {
            tracing::debug!("identity provider: {error}");
        }
    }

    fn settle_waiter(&mut self, waiter: Waiter, result: Result<(), Exception>) {
        match waiter {
            Waiter::Assertion(operation) => {
                let line = self.slots.intent().identity.clone();
                let line = Value::Assertion(line.unwrap_or_default());
                self.settle(operation, result.map(|()| line));
            }
            Waiter::Creation(operation, _) => {
                self.settle_chained(operation, result.map(|()| Value::Undefined));
            }
        }
    }

    // --- the other end's

    /// What a description says of who made it that is applied whoever that is.
    pub(crate) fn said_by(step: &DescriptionStep) -> Identity {
        match step {
            // Most have none, and are not read a second time to find that out.
            DescriptionStep::Remote(description) if description.sdp.contains("a=identity:") => {
                identity_of(description, Purpose::Learn)
            }
            _ => Identity::None(Vec::new()),
        }
    }

    /// There is no target peer identity: the description is applied, and its identity is found out.
    pub(crate) fn learn_identity(&mut self, identity: Identity, now: Instant) {
        match identity {
            Identity::None(_) => {}
            Identity::Malformed => self.reject_peer_identity(&malformed()),
            Identity::Claimed(claim) => {
                self.slots.identity_mut().push_claim(claim);
                self.validate_next(now);
            }
        }
    }

    /// There is a target peer identity: the description is applied once it is the target's.
    pub(crate) fn authenticate(
        &mut self,
        operation: OperationId,
        description: SessionDescription,
        now: Instant,
    ) {
        let purpose = Purpose::Apply(operation, description.clone());
        let failed = match identity_of(&description, purpose) {
            Identity::Claimed(claim) if !self.is_verified(&claim) => {
                self.slots.identity_mut().push_claim(claim);
                return self.validate_next(now);
            }
            Identity::Claimed(_) => None,
            // RFC 8827 §5.1.4: "if the set of fingerprints is unchanged", the established identity
            // is that of the description without one, too.
            Identity::None(fingerprints) if self.covers(&fingerprints) => None,
            Identity::None(_) => Some(Exception::operation("the description has no identity")),
            Identity::Malformed => Some(malformed()),
        };

        match failed {
            None => {
                let step = DescriptionStep::Authenticated(description);
                self.queue_next(Task::SetDescription(operation, step));
            }
            Some(exception) => self.refuse(operation, exception),
        }
    }

    /// This very assertion was validated before, and covers all that the description has.
    fn is_verified(&self, claim: &Claim) -> bool {
        let verified = self.slots.identity().verified();
        verified.is_some_and(|it| it.line == claim.line) && self.covers(&claim.fingerprints)
    }

    fn covers(&self, fingerprints: &[Fingerprint]) -> bool {
        let verified = self.slots.identity().verified();
        verified.is_some_and(|it| is_covered(fingerprints, &it.fingerprints))
    }

    /// "Await any prior identity validation", then ask the provider that the description names.
    fn validate_next(&mut self, now: Instant) {
        if let Some(claim) = self.slots.identity_mut().next_claim() {
            let question = Question::ValidateAssertion {
                provider: claim.provider.clone(),
                assertion: claim.assertion.clone(),
            };
            let asked = self.ask(question, now);
            self.slots.identity_mut().begin_validation(asked, claim);
        }
    }

    fn run_validated(&mut self, claim: Claim, answer: Answer) {
        let checked = match answer {
            Answer::Validation(result) => {
                self.note_provider(None);
                self.check(&claim, result)
            }
            Answer::Failed(error) => {
                self.note_provider(Some(&error));
                Err(Exception::from(&error))
            }
            Answer::Assertion(_) => Err(Exception::operation("the provider validated nothing")),
        };

        match (checked, claim.purpose) {
            (Ok((identity, verified)), purpose) => {
                self.resolve_peer_identity(identity, verified);
                if let Purpose::Apply(operation, description) = purpose {
                    let step = DescriptionStep::Authenticated(description);
                    self.queue_next(Task::SetDescription(operation, step));
                }
            }
            (Err(exception), Purpose::Apply(operation, _)) => self.refuse(operation, exception),
            (Err(exception), Purpose::Learn) => self.reject_peer_identity(&exception),
        }
    }

    /// "Verifying Identity Assertions", what follows the provider's answer.
    fn check(
        &self,
        claim: &Claim,
        result: IdentityValidationResult,
    ) -> Result<(IdentityAssertion, Verified), Exception> {
        let fail = |message| Err(Exception::operation(message));
        let Some(covered) = result.fingerprints() else {
            return fail("the contents of the assertion cannot be read");
        };
        if !is_covered(&claim.fingerprints, &covered) {
            return fail("the assertion does not cover all fingerprints of the description");
        }

        // Another description may have been applied meanwhile. RFC 8827 §7.4.1: "The RP browser MUST
        // verify that the in-use certificate for a DTLS connection is in the set of fingerprints."
        let applied = self.remote_description().map(|it| fingerprints_of(&it));
        let learns = matches!(claim.purpose, Purpose::Learn);
        if learns && !is_covered(&applied.unwrap_or_default(), &covered) {
            return fail("the assertion does not cover the description that is applied");
        }

        if !result.is_of(&claim.provider) {
            return fail("the identity is of another domain than the provider");
        }
        if let Some(target) = self.slots.identity().target()
            && !same_identity(target, &result.identity)
        {
            return fail("the other end is somebody else");
        }
        let identity = IdentityAssertion {
            idp: claim.provider.domain.clone(),
            name: result.identity,
        };
        let verified = Verified {
            line: claim.line.clone(),
            fingerprints: covered,
        };
        Ok((identity, verified))
    }

    fn resolve_peer_identity(&mut self, identity: IdentityAssertion, verified: Verified) {
        tracing::debug!("identity of the other end: validated");
        let slots = self.slots.identity_mut();
        slots.verify(&identity.name, verified);
        if let Some(operation) = slots.settle(Ok(identity.clone())) {
            self.settle(operation, Ok(Value::Identity(identity)));
        }
    }

    /// "If identity validation fails, the peerIdentity promise is rejected … if it is not settled.
    /// Then, if there is no target peer identity, set peerIdentity to a new unresolved promise."
    fn reject_peer_identity(&mut self, exception: &Exception) {
        tracing::debug!("identity of the other end: {exception}");
        let Some(operation) = self.slots.identity_mut().settle(Err(exception.clone())) else {
            return;
        };
        self.settle(operation, Err(exception.clone()));
        if self.slots.identity().target().is_none() {
            let next = self.new_operation();
            self.slots.identity_mut().renew_promise(next);
        }
    }

    /// A description of somebody who is not the target: "rejected with the same DOMException".
    fn refuse(&mut self, operation: OperationId, exception: Exception) {
        self.reject_peer_identity(&exception);
        self.settle_chained(operation, Err(exception));
    }
}

fn malformed() -> Exception {
    Exception::operation("the identity of the description is malformed")
}

/// What a description says of who made it. Its text was read before: what cannot be is of nobody.
fn identity_of(description: &SessionDescription, purpose: Purpose) -> Identity {
    let Ok(parsed) = sdp::SessionDescription::parse(&description.sdp) else {
        return Identity::None(Vec::new());
    };
    let fingerprints = all_fingerprints(&parsed);
    let Some(line) = parsed.session().identities().next() else {
        return Identity::None(fingerprints);
    };
    let line = line.assertion.as_str().to_owned();
    match Assertion::read(&line) {
        Some(Assertion {
            provider,
            assertion,
        }) => Identity::Claimed(Claim {
            line,
            provider,
            assertion,
            fingerprints,
            purpose,
        }),
        None => Identity::Malformed,
    }
}

fn fingerprints_of(description: &SessionDescription) -> Vec<Fingerprint> {
    let parsed = sdp::SessionDescription::parse(&description.sdp);
    parsed.as_ref().map(all_fingerprints).unwrap_or_default()
}

/// "Every a=fingerprint attribute in the session description."
fn all_fingerprints(description: &sdp::SessionDescription) -> Vec<Fingerprint> {
    let session = description.session().fingerprints();
    let medias = description.medias();
    let medias = medias.flat_map(|media| media.section().fingerprints());
    session.chain(medias).cloned().collect()
}

/// Each of a description's is among those that an assertion covers. A description without any is
/// covered by nothing.
fn is_covered(fingerprints: &[Fingerprint], covered: &[Fingerprint]) -> bool {
    !fingerprints.is_empty() && fingerprints.iter().all(|one| covered.contains(one))
}
