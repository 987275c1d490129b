//! Identity providers (webrtc-identity; RFC 8827 §7): who vouches for this end, and who is asked
//! about the other.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use duologue_peer::{
    Answer, IdentityAssertionResult, IdentityProviderDetails, IdentityProviderError,
    IdentityProviderOptions, IdentityValidationResult, Question,
};

/// What a provider's method gives in the end.
pub type ProviderFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, IdentityProviderError>> + Send + 'a>>;

/// Somebody who knows users and vouches for them: `RTCIdentityProvider`.
///
/// In a browser it is a script of the provider's domain; here it is what a program trusts to speak
/// for that domain, and is given to
/// [`EndpointBuilder::identity_provider`](crate::EndpointBuilder::identity_provider). The example
/// `identity` has a whole one, with its service.
///
/// ```
/// use duologue::{
///     IdentityAssertionResult, IdentityProvider, IdentityProviderDetails, IdentityProviderError,
///     IdentityProviderOptions, IdentityValidationResult, ProviderFuture,
/// };
///
/// /// Believes everything, as only a test may.
/// struct Gullible;
///
/// impl IdentityProvider for Gullible {
///     fn generate_assertion<'a>(
///         &'a self,
///         contents: &'a str,
///         _origin: &'a str,
///         options: &'a IdentityProviderOptions,
///     ) -> ProviderFuture<'a, IdentityAssertionResult> {
///         Box::pin(async move {
///             let user = options.username_hint.as_deref();
///             let user = user.ok_or(IdentityProviderError::need_login("https://idp.example/"))?;
///             Ok(IdentityAssertionResult {
///                 idp: IdentityProviderDetails::new("idp.example"),
///                 assertion: format!("{user} {contents}"),
///             })
///         })
///     }
///
///     fn validate_assertion<'a>(
///         &'a self,
///         assertion: &'a str,
///         _origin: &'a str,
///     ) -> ProviderFuture<'a, IdentityValidationResult> {
///         Box::pin(async move {
///             let (identity, contents) = assertion
///                 .split_once(' ')
///                 .ok_or(IdentityProviderError::token_invalid("no user"))?;
///             Ok(IdentityValidationResult {
///                 identity: identity.to_owned(),
///                 contents: contents.to_owned(),
///             })
///         })
///     }
/// }
/// ```
#[doc(alias = "RTCIdentityProvider")]
pub trait IdentityProvider: Send + Sync {
    /// `generateAssertion(contents, origin, options)`: this user is at the end that `contents` is
    /// about, which is opaque.
    ///
    /// # Errors
    /// Why not, by one of the `idp-*` names.
    fn generate_assertion<'a>(
        &'a self,
        contents: &'a str,
        origin: &'a str,
        options: &'a IdentityProviderOptions,
    ) -> ProviderFuture<'a, IdentityAssertionResult>;

    /// `validateAssertion(assertion, origin)`: who that is, and what contents the assertion was made
    /// for.
    ///
    /// # Errors
    /// Why not, by one of the `idp-*` names: `idp-token-invalid` for one that the provider did not
    /// make.
    fn validate_assertion<'a>(
        &'a self,
        assertion: &'a str,
        origin: &'a str,
    ) -> ProviderFuture<'a, IdentityValidationResult>;
}

/// The providers that an endpoint trusts, each for the domain and protocol that it speaks for.
#[derive(Clone)]
pub(crate) struct Providers {
    known: HashMap<IdentityProviderDetails, Arc<dyn IdentityProvider>>,
    pub(crate) origin: String,
}

impl Default for Providers {
    fn default() -> Self {
        Providers {
            known: HashMap::new(),
            // HTML §7.1.1: an opaque origin's.
            origin: "null".to_owned(),
        }
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<String> = self.known.keys().map(|provider| provider.uri()).collect();
        f.debug_tuple("Providers").field(&known).finish()
    }
}

impl Providers {
    pub(crate) fn add(&mut self, of: IdentityProviderDetails, provider: Arc<dyn IdentityProvider>) {
        self.known.insert(of, provider);
    }

    /// Asks the provider that a question is for.
    pub(crate) fn ask(&self, question: Question) -> impl Future<Output = Answer> + Send + 'static {
        let provider = match &question {
            Question::GenerateAssertion { provider, .. }
            | Question::ValidateAssertion { provider, .. } => self.known.get(provider).cloned(),
            _ => None,
        };
        let origin = self.origin.clone();
        async move {
            let Some(provider) = provider else {
                let message = "no provider is known for this domain and protocol";
                return Answer::Failed(IdentityProviderError::load_failure(None, message));
            };

            let answer = match question {
                Question::GenerateAssertion {
                    contents, options, ..
                } => {
                    let made = provider.generate_assertion(&contents, &origin, &options);
                    made.await.map(Answer::Assertion)
                }
                Question::ValidateAssertion { assertion, .. } => {
                    let validated = provider.validate_assertion(&assertion, &origin);
                    validated.await.map(Answer::Validation)
                }
                _ => Err(IdentityProviderError::execution_failure(
                    "an unknown question",
                )),
            };
            answer.unwrap_or_else(Answer::Failed)
        }
    }
}
