//! The internal slots of webrtc-identity.

use std::collections::{BTreeMap, VecDeque};

use duologue_base::Instant;

use crate::identity::{Asked, Claim, Provider, Purpose, Verified, Waiter};
use crate::limits::{MAX_ISOLATED_TRACKS, MAX_WAITING_VALIDATIONS};
use crate::{
    Exception, IdentityAssertion, IdentityProviderError, OperationId, QuestionId, TrackId,
};

/// What the connection knows of identities, its own and the other end's.
#[derive(Debug)]
pub(crate) struct IdentitySlots {
    /// Who asserts this end's.
    provider: Option<Provider>,
    /// The provider was asked for this end's assertion, and these wait. One that was made is in
    /// `jsep::Intent`.
    request: Option<(Asked, Vec<Waiter>)>,
    /// The "target peer identity".
    target: Option<String>,
    /// What was validated last.
    verified: Option<Verified>,
    /// "Only one identity validation can run at a time."
    validation: Option<(Asked, Claim)>,
    /// Those that await it.
    claims: VecDeque<Claim>,
    /// The promise `peerIdentity`.
    peer_identity: OperationId,
    /// What it settled to.
    settled: Option<Result<IdentityAssertion, Exception>>,
    login_url: Option<String>,
    error_info: Option<String>,
    next_question: u64,
    /// Tracks of the application that are for one peer alone: those of senders, and
    /// [`MAX_ISOLATED_TRACKS`] at most besides.
    isolated: BTreeMap<TrackId, String>,
}

impl IdentitySlots {
    pub(crate) fn new(peer_identity: OperationId, target: Option<String>) -> Self {
        IdentitySlots {
            provider: None,
            request: None,
            target,
            verified: None,
            validation: None,
            claims: VecDeque::new(),
            peer_identity,
            settled: None,
            login_url: None,
            error_info: None,
            next_question: 0,
            isolated: BTreeMap::new(),
        }
    }

    /// A track is for the peer of this name alone. Past the bound, those that are not `sent` are forgotten.
    pub(crate) fn isolate(
        &mut self,
        track: TrackId,
        peer_identity: &str,
        sent: impl Fn(&TrackId) -> bool,
    ) {
        if self.isolated.len() >= MAX_ISOLATED_TRACKS {
            self.isolated.retain(|track, _| sent(track));
        }
        self.isolated.insert(track, peer_identity.to_owned());
    }

    /// For whom a track is, if it is isolated.
    pub(crate) fn isolation_of(&self, track: &TrackId) -> Option<&str> {
        self.isolated.get(track).map(String::as_str)
    }

    pub(crate) fn new_question(&mut self, deadline: Instant) -> Asked {
        let question = QuestionId(self.next_question);
        self.next_question += 1;
        Asked { question, deadline }
    }

    /// The questions that wait for an answer.
    pub(crate) fn asked(&self) -> impl Iterator<Item = Asked> {
        let request = self.request.as_ref().map(|(asked, _)| *asked);
        let validation = self.validation.as_ref().map(|(asked, _)| *asked);
        request.into_iter().chain(validation)
    }

    /// `idpLoginUrl`
    pub(crate) fn login_url(&self) -> Option<&str> {
        self.login_url.as_deref()
    }

    /// `idpErrorInfo`
    pub(crate) fn error_info(&self) -> Option<&str> {
        self.error_info.as_deref()
    }

    /// `idpLoginUrl` and `idpErrorInfo` tell of the last thing that a provider did.
    pub(crate) fn note_provider(&mut self, error: Option<&IdentityProviderError>) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        self.login_url = owned(error.and_then(IdentityProviderError::login_url));
        self.error_info = owned(error.and_then(IdentityProviderError::error_info));
    }

    /// Forgets what waits, when the connection closes.
    pub(crate) fn close(&mut self) {
        self.request = None;
        self.validation = None;
        self.claims.clear();
    }
}

/// This end's.
impl IdentitySlots {
    /// Who asserts this end's.
    pub(crate) fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// Returns who waited for the assertion of the one before; nothing if this is that one.
    pub(crate) fn set_provider(&mut self, provider: Provider) -> Option<Vec<Waiter>> {
        if self.provider.as_ref() == Some(&provider) {
            return None;
        }
        self.provider = Some(provider);
        let request = self.request.take();
        Some(request.map(|(_, waiters)| waiters).unwrap_or_default())
    }

    /// Waits with others. Returns whether the provider was asked for them.
    pub(crate) fn join_request(&mut self, waiter: Waiter) -> bool {
        let request = self.request.as_mut();
        request.map(|(_, waiters)| waiters.push(waiter)).is_some()
    }

    /// The provider is asked for this end's assertion.
    pub(crate) fn begin_request(&mut self, asked: Asked, waiter: Waiter) {
        self.request = Some((asked, vec![waiter]));
    }

    /// The question is answered. Returns who waited, if it was for this end's assertion.
    pub(crate) fn end_request(&mut self, question: QuestionId) -> Option<Vec<Waiter>> {
        let request = &mut self.request;
        let request = request.take_if(|(asked, _)| asked.question == question);
        request.map(|(_, waiters)| waiters)
    }
}

/// The other end's.
impl IdentitySlots {
    /// The "target peer identity".
    pub(crate) fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// What was validated last.
    pub(crate) fn verified(&self) -> Option<&Verified> {
        self.verified.as_ref()
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

    /// Takes the oldest claim that waits, unless a validation runs.
    pub(crate) fn next_claim(&mut self) -> Option<Claim> {
        match self.validation {
            Some(_) => None,
            None => self.claims.pop_front(),
        }
    }

    /// A provider is asked whether the claim is true.
    pub(crate) fn begin_validation(&mut self, asked: Asked, claim: Claim) {
        self.validation = Some((asked, claim));
    }

    /// The question is answered. Returns the claim, if it was for one.
    pub(crate) fn end_validation(&mut self, question: QuestionId) -> Option<Claim> {
        let validation = &mut self.validation;
        let validation = validation.take_if(|(asked, _)| asked.question == question);
        validation.map(|(_, claim)| claim)
    }

    /// An assertion was found true. "This also establishes a target peer identity."
    pub(crate) fn verify(&mut self, name: &str, verified: Verified) {
        self.verified = Some(verified);
        self.target.get_or_insert_with(|| name.to_owned());
    }

    /// The promise `peerIdentity`.
    pub(crate) fn peer_identity(&self) -> OperationId {
        self.peer_identity
    }

    /// What it settled to.
    pub(crate) fn settled(&self) -> Option<&Result<IdentityAssertion, Exception>> {
        self.settled.as_ref()
    }

    /// It settles, unless it has. Returns it if so.
    pub(crate) fn settle(
        &mut self,
        result: Result<IdentityAssertion, Exception>,
    ) -> Option<OperationId> {
        let is_pending = self.settled.is_none();
        self.settled.get_or_insert(result);
        is_pending.then_some(self.peer_identity)
    }

    /// Another promise takes its place.
    pub(crate) fn renew_promise(&mut self, promise: OperationId) {
        self.peer_identity = promise;
        self.settled = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isolated_tracks_past_the_bound_are_forgotten_unless_a_sender_has_them() {
        let mut slots = IdentitySlots::new(OperationId(0), None);
        let sent: TrackId = "sent".into();
        let is_sent = |track: &TrackId| *track == sent;
        slots.isolate(sent.clone(), "bob@idp.example", is_sent);
        for at in 0..3 * MAX_ISOLATED_TRACKS {
            let track: TrackId = format!("{at}").into();
            slots.isolate(track.clone(), "bob@idp.example", is_sent);
            assert!(slots.isolated.len() <= MAX_ISOLATED_TRACKS);
            assert_eq!(slots.isolation_of(&track), Some("bob@idp.example"));
        }
        assert_eq!(slots.isolation_of(&sent), Some("bob@idp.example"));
    }
}
