//! An identity provider: the service that knows users and signs what they assert, with the key that it
//! publishes, and the [`IdentityProvider`] that programs have for it. Assertions are JSON Web Tokens
//! (RFC 7519). In the world outside the service would be reached by https.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use duologue::{
    IdentityAssertionResult, IdentityProvider, IdentityProviderDetails, IdentityProviderError,
    IdentityProviderOptions, IdentityValidationResult, ProviderFuture,
};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The protocol that the service and its provider speak.
pub(crate) const PROTOCOL: &str = "jwt";

const ASSERTIONS: &str = "/.well-known/idp-proxy/jwt/assertions";
const KEYS: &str = "/.well-known/idp-proxy/jwt/keys";

/// RFC 8827 §7.6: an assertion must not be good for anything else.
const AUDIENCE: &str = "webrtc-identity";

#[derive(Deserialize, Serialize)]
struct Claims {
    aud: String,
    exp: u64,
    sub: String,
    contents: String,
}

/// The service: who has a session there may have assertions of who they are.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    key: EncodingKey,
    sessions: HashMap<String, String>,
    lifetime: Duration,
}

impl Service {
    /// Serves these users, each known by the token of their session. What it signs is good for
    /// `lifetime`.
    pub(crate) async fn start(
        users: &[(&str, &str)],
        lifetime: Duration,
    ) -> Result<Arc<Service>, Box<dyn Error + Send + Sync>> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let owned = |(token, user): &(&str, &str)| ((*token).to_owned(), (*user).to_owned());
        let service = Arc::new(Service {
            address: listener.local_addr()?,
            key: EncodingKey::from_ec_der(pair.to_pkcs8v1()?.as_ref()),
            sessions: users.iter().map(owned).collect(),
            lifetime,
        });
        let router = Router::new()
            .route(ASSERTIONS, post(Service::assert))
            .route(KEYS, get(Service::keys))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(service)
    }

    /// Whom it speaks for.
    pub(crate) fn details(&self) -> IdentityProviderDetails {
        IdentityProviderDetails {
            domain: self.address.to_string(),
            protocol: PROTOCOL.to_owned(),
        }
    }

    pub(crate) fn identity(&self, user: &str) -> String {
        format!("{user}@{}", self.address.ip())
    }

    async fn assert(
        State(service): State<Arc<Service>>,
        headers: HeaderMap,
        contents: String,
    ) -> Result<String, StatusCode> {
        let token = headers.get("authorization").and_then(|it| it.to_str().ok());
        let token = token.and_then(|it| it.strip_prefix("Bearer "));
        let user = token.and_then(|token| service.sessions.get(token));
        let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let expires = now.unwrap_or_default() + service.lifetime;
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            exp: expires.as_secs(),
            sub: service.identity(user),
            contents,
        };
        encode(&Header::new(Algorithm::ES256), &claims, &service.key)
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }

    async fn keys(State(service): State<Arc<Service>>) -> Result<Json<JwkSet>, StatusCode> {
        let key = Jwk::from_encoding_key(&service.key, Algorithm::ES256);
        let key = key.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Json(JwkSet { keys: vec![key] }))
    }
}

/// What a program has of the service: where it is, and the session of the program's user, if they have
/// one.
pub(crate) struct Provider {
    idp: IdentityProviderDetails,
    session: Option<String>,
    http: reqwest::Client,
}

impl Provider {
    pub(crate) fn new(idp: IdentityProviderDetails, session: Option<&str>) -> Arc<Self> {
        // The client wants one, even if no server here speaks TLS.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Arc::new(Provider {
            idp,
            session: session.map(str::to_owned),
            http: reqwest::Client::new(),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.idp.domain)
    }

    async fn fetch(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<String, IdentityProviderError> {
        let failed = |error: reqwest::Error| {
            let status = error.status().map(|status| status.as_u16().into());
            IdentityProviderError::load_failure(status, error.without_url().to_string())
        };
        let response = request.send().await.map_err(failed)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(IdentityProviderError::need_login(self.url("/login")));
        }
        let response = response.error_for_status().map_err(failed)?;
        response.text().await.map_err(failed)
    }
}

impl IdentityProvider for Provider {
    fn generate_assertion<'a>(
        &'a self,
        contents: &'a str,
        _origin: &'a str,
        _options: &'a IdentityProviderOptions,
    ) -> ProviderFuture<'a, IdentityAssertionResult> {
        let session = self.session.as_deref().unwrap_or_default();
        let request = self.http.post(self.url(ASSERTIONS)).bearer_auth(session);
        let request = request.body(contents.to_owned());
        Box::pin(async move {
            Ok(IdentityAssertionResult {
                idp: self.idp.clone(),
                assertion: self.fetch(request).await?,
            })
        })
    }

    fn validate_assertion<'a>(
        &'a self,
        assertion: &'a str,
        _origin: &'a str,
    ) -> ProviderFuture<'a, IdentityValidationResult> {
        Box::pin(async move {
            let keys = self.fetch(self.http.get(self.url(KEYS))).await?;
            let invalid =
                |error: &dyn ToString| IdentityProviderError::token_invalid(error.to_string());
            let keys: JwkSet = serde_json::from_str(&keys).map_err(|error| invalid(&error))?;
            let key = keys.keys.first().ok_or_else(|| invalid(&"no key"))?;
            let key = DecodingKey::from_jwk(key).map_err(|error| invalid(&error))?;
            let mut rules = Validation::new(Algorithm::ES256);
            rules.set_audience(&[AUDIENCE]);
            rules.leeway = 0;
            // It is old from that second on (RFC 7519 §4.1.4), not only after it.
            rules.reject_tokens_expiring_in_less_than = 1;
            let token = decode::<Claims>(assertion, &key, &rules);
            let claims = token.map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => {
                    IdentityProviderError::token_expired(error.to_string())
                }
                _ => invalid(&error),
            })?;
            Ok(IdentityValidationResult {
                identity: claims.claims.sub,
                contents: claims.claims.contents,
            })
        })
    }
}
