//! `setIdentityProvider`, `getIdentityAssertion`, `peerIdentity` (webrtc-identity).

use duologue_base::Instant;

use crate::identity::{Provider, Waiter, is_bad_protocol};
use crate::task::{IdentityTask, Task};
use crate::{
    Answer, Exception, IdentityAssertion, IdentityProviderError, IdentityProviderOptions,
    OperationId, PeerConnection, QuestionId,
};

impl PeerConnection {
    /// `setIdentityProvider(provider, options)`: who vouches for this end in the offers and answers
    /// that are made from now on.
    ///
    /// # Errors
    /// `InvalidStateError` on a closed connection; `SyntaxError` for a protocol with `/` or `\`.
    pub fn set_identity_provider(
        &mut self,
        domain: impl Into<String>,
        options: IdentityProviderOptions,
    ) -> Result<(), Exception> {
        if self.slots.is_closed() {
            return Err(Exception::invalid_state("the connection is closed"));
        }
        if is_bad_protocol(&options.protocol) {
            return Err(Exception::syntax("a protocol has neither '/' nor '\\'"));
        }
        let domain = domain.into();
        let provider = Provider { domain, options };
        // "If any identity provider value has changed, discard any stored identity assertion." Who
        // waits for one asks again: the provider is part of the system state.
        if let Some(waiters) = self.slots.identity_mut().set_provider(provider) {
            self.slots.set_assertion(None);
            self.resume(waiters);
        }
        Ok(())
    }

    /// `getIdentityAssertion()`: resolves to the assertion as `a=identity` has it, which offers and
    /// answers then use. Nobody needs to call it: they ask for one themselves.
    ///
    /// Rejects with `InvalidStateError` when the connection is closed or no provider is set, with
    /// what the provider reports.
    pub fn get_identity_assertion(&mut self) -> OperationId {
        let operation = self.new_operation();
        let message = match (self.slots.is_closed(), self.slots.identity().provider()) {
            (true, _) => "the connection is closed",
            (false, None) => "no identity provider is set",
            (false, Some(_)) => {
                let waiter = Waiter::Assertion(operation);
                self.queue(Task::Identity(IdentityTask::Request(waiter)));
                return operation;
            }
        };
        self.reject_now(operation, Exception::invalid_state(message));
        operation
    }

    /// `peerIdentity`: the promise that the attribute has now. It resolves to
    /// [`Value::Identity`](crate::Value::Identity). Once it is rejected and there is no target peer
    /// identity, the attribute has another one.
    pub fn peer_identity(&self) -> OperationId {
        self.slots.identity().peer_identity()
    }

    /// What the promise [`peer_identity`](Self::peer_identity) settled to.
    pub fn peer_identity_result(&self) -> Option<&Result<IdentityAssertion, Exception>> {
        self.slots.identity().settled()
    }

    /// The "target peer identity": `peerIdentity` of the configuration, or the identity that was
    /// validated first.
    pub fn target_peer_identity(&self) -> Option<&str> {
        self.slots.identity().target()
    }

    /// `idpLoginUrl`: where the user can log in, if the provider last wanted that.
    pub fn idp_login_url(&self) -> Option<&str> {
        self.slots.identity().login_url()
    }

    /// `idpErrorInfo`: what the provider told of its last failure.
    pub fn idp_error_info(&self) -> Option<&str> {
        self.slots.identity().error_info()
    }

    /// The answer to an [`Effect::Ask`](crate::Effect::Ask). One that nobody waits for any more,
    /// because it came too late or the connection is closed, is dropped.
    pub fn answer(&mut self, question: QuestionId, answer: Answer) {
        if !self.slots.is_closed() {
            let task = IdentityTask::Answered(question, Box::new(answer));
            self.queue(Task::Identity(task));
        }
    }

    /// "Expiration of this timer causes an IdP failure."
    pub(crate) fn queue_identity_timeouts(&mut self, now: Instant) {
        let asked = self.slots.identity().asked();
        let due: Vec<QuestionId> = asked
            .filter(|asked| asked.deadline <= now)
            .map(|asked| asked.question)
            .collect();
        for question in due {
            self.answer(question, Answer::Failed(IdentityProviderError::timeout()));
        }
    }

    /// Goes on with what waited for this end's assertion.
    pub(crate) fn resume(&mut self, waiters: Vec<Waiter>) {
        for waiter in waiters {
            self.queue(match waiter {
                Waiter::Assertion(_) => Task::Identity(IdentityTask::Request(waiter)),
                Waiter::Creation(operation, creation) => Task::Create(operation, creation),
            });
        }
    }
}
