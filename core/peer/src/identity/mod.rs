//! Who the other end is, said by a third party (webrtc-identity, RFC 8827 §7): what the application,
//! the provider and the connection tell one another.

mod assertion;
mod claim;

pub(crate) use assertion::{Assertion, contents_of, same_identity};
pub(crate) use claim::{Asked, Claim, Provider, Purpose, Verified, Waiter};

use crate::{Exception, RtcErrorDetail, RtcErrorInit};

/// How a provider is to assert the identity of this end.
#[doc(alias = "RTCIdentityProviderOptions")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default, rename_all = "camelCase")
)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(optional_fields = nullable)
)]
pub struct IdentityProviderOptions {
    /// Which of the provider's protocols; without `/` and `\`.
    pub protocol: String,
    /// Whose identity is wanted; only the provider knows what it means.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub username_hint: Option<String>,
    /// Whom the assertion is for, of providers that bind it to both ends. Unless given it is
    /// [`Configuration::peer_identity`](crate::Configuration::peer_identity).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub peer_identity: Option<String>,
}

impl Default for IdentityProviderOptions {
    fn default() -> Self {
        IdentityProviderOptions {
            protocol: DEFAULT_PROTOCOL.to_owned(),
            username_hint: None,
            peer_identity: None,
        }
    }
}

/// Which provider, and how to talk to it: what its well-known URI is made of (RFC 8827 §7.5).
#[doc(alias = "RTCIdentityProviderDetails")]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdentityProviderDetails {
    /// The provider's domain, or rather authority: a port may follow.
    pub domain: String,
    /// The protocol, `default` unless said.
    #[cfg_attr(feature = "serde", serde(default = "default_protocol"))]
    pub protocol: String,
}

#[cfg(feature = "serde")]
fn default_protocol() -> String {
    DEFAULT_PROTOCOL.to_owned()
}

impl IdentityProviderDetails {
    /// The default protocol of a domain.
    pub fn new(domain: impl Into<String>) -> Self {
        IdentityProviderDetails {
            domain: domain.into(),
            protocol: DEFAULT_PROTOCOL.to_owned(),
        }
    }

    /// Where the provider's script is (RFC 8827 §7.5).
    ///
    /// ```
    /// use duologue_peer::IdentityProviderDetails;
    ///
    /// let provider = IdentityProviderDetails::new("idp.example");
    /// assert_eq!(provider.uri(), "https://idp.example/.well-known/idp-proxy/default");
    /// ```
    pub fn uri(&self) -> String {
        let IdentityProviderDetails { domain, protocol } = self;
        format!("https://{domain}/.well-known/idp-proxy/{protocol}")
    }
}

/// What `generateAssertion` of a provider gives.
#[doc(alias = "RTCIdentityAssertionResult")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdentityAssertionResult {
    /// Who can validate the assertion.
    pub idp: IdentityProviderDetails,
    /// The assertion, which only the provider understands.
    pub assertion: String,
}

/// What `validateAssertion` of a provider gives.
#[doc(alias = "RTCIdentityValidationResult")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdentityValidationResult {
    /// The identity of the other end: `user@domain`.
    pub identity: String,
    /// What the assertion was generated for, unchanged.
    pub contents: String,
}

/// The validated identity of the other end.
#[doc(alias = "RTCIdentityAssertion")]
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdentityAssertion {
    /// The domain of the provider that validated the identity.
    pub idp: String,
    /// The identity of the other end: `user@domain`.
    pub name: String,
}

/// Something that only a provider knows. The host asks the provider and gives the connection its
/// [`Answer`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Question {
    /// `generateAssertion(contents, origin, options)`: the host adds the origin.
    GenerateAssertion {
        /// Which provider.
        provider: IdentityProviderDetails,
        /// What the assertion is to cover.
        contents: String,
        /// What the application told of it.
        options: IdentityProviderOptions,
    },
    /// `validateAssertion(assertion, origin)`: the host adds the origin.
    ValidateAssertion {
        /// Which provider. The other end named it: a host that would run its code asks whether it
        /// may.
        provider: IdentityProviderDetails,
        /// The assertion.
        assertion: String,
    },
}

/// What a host learnt of a provider.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The answer to [`Question::GenerateAssertion`].
    Assertion(IdentityAssertionResult),
    /// The answer to [`Question::ValidateAssertion`].
    Validation(IdentityValidationResult),
    /// The answer to both of a provider that fails.
    Failed(IdentityProviderError),
}

/// A [`Question`] of one connection.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QuestionId(pub(crate) u64);

impl QuestionId {
    /// A number that no other question of the connection has.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The question with this number, as a host has it that keeps only numbers.
    pub fn from_u64(number: u64) -> Self {
        QuestionId(number)
    }
}

/// Why a provider did not do what it was asked (webrtc-identity, "IdP Error Handling").
///
/// ```
/// use duologue_peer::{IdentityProviderError, RtcErrorDetail};
///
/// let error = IdentityProviderError::need_login("https://idp.example/login");
/// assert_eq!(error.detail(), RtcErrorDetail::IdpNeedLogin);
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{detail}: {message}")]
pub struct IdentityProviderError {
    detail: RtcErrorDetail,
    message: String,
    http_request_status_code: Option<i32>,
    login_url: Option<String>,
    error_info: Option<String>,
}

impl IdentityProviderError {
    /// `idp-load-failure`: its script, or whatever stands for that here, cannot be had; `status` is
    /// HTTP's, if there was an answer.
    pub fn load_failure(status: Option<i32>, message: impl Into<String>) -> Self {
        IdentityProviderError {
            http_request_status_code: status,
            ..Self::new(RtcErrorDetail::IdpLoadFailure, message)
        }
    }

    /// `idp-need-login`: the user has to log in, there.
    pub fn need_login(url: impl Into<String>) -> Self {
        IdentityProviderError {
            login_url: Some(url.into()),
            ..Self::new(RtcErrorDetail::IdpNeedLogin, "the user has to log in")
        }
    }

    /// `idp-tls-failure`: the certificate of its server is not trusted.
    pub fn tls_failure(message: impl Into<String>) -> Self {
        Self::new(RtcErrorDetail::IdpTlsFailure, message)
    }

    /// `idp-bad-script-failure`: its script is none, or registers nothing.
    pub fn bad_script(message: impl Into<String>) -> Self {
        Self::new(RtcErrorDetail::IdpBadScriptFailure, message)
    }

    /// `idp-execution-failure`: it failed, or answered nonsense.
    pub fn execution_failure(message: impl Into<String>) -> Self {
        Self::new(RtcErrorDetail::IdpExecutionFailure, message)
    }

    /// `idp-timeout`: the provider took too long.
    pub fn timeout() -> Self {
        Self::new(
            RtcErrorDetail::IdpTimeout,
            "the identity provider took too long",
        )
    }

    /// `idp-token-expired`: the assertion is too old.
    pub fn token_expired(message: impl Into<String>) -> Self {
        Self::new(RtcErrorDetail::IdpTokenExpired, message)
    }

    /// `idp-token-invalid`: the assertion is not the provider's.
    pub fn token_invalid(message: impl Into<String>) -> Self {
        Self::new(RtcErrorDetail::IdpTokenInvalid, message)
    }

    /// The error with something for the application, in `idpErrorInfo`.
    #[must_use]
    pub fn with_info(mut self, info: impl Into<String>) -> Self {
        self.error_info = Some(info.into());
        self
    }

    /// Which of the eight.
    pub fn detail(&self) -> RtcErrorDetail {
        self.detail
    }

    /// Where to log in, of [`need_login`](Self::need_login).
    pub fn login_url(&self) -> Option<&str> {
        self.login_url.as_deref()
    }

    /// What the provider has to say of it.
    pub fn error_info(&self) -> Option<&str> {
        self.error_info.as_deref()
    }

    fn new(detail: RtcErrorDetail, message: impl Into<String>) -> Self {
        IdentityProviderError {
            detail,
            message: message.into(),
            http_request_status_code: None,
            login_url: None,
            error_info: None,
        }
    }
}

impl From<&IdentityProviderError> for Exception {
    fn from(error: &IdentityProviderError) -> Self {
        let init = RtcErrorInit {
            http_request_status_code: error.http_request_status_code,
            ..RtcErrorInit::new(error.detail)
        };
        Exception::rtc(init, error.message.clone())
    }
}

const DEFAULT_PROTOCOL: &str = "default";

/// A protocol that would leave `/.well-known/idp-proxy/` (RFC 8827 §7.5).
pub(crate) fn is_bad_protocol(protocol: &str) -> bool {
    protocol.contains(['/', '\\'])
}
