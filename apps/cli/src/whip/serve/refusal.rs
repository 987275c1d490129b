//! Why a request came to nothing, as a problem (RFC 9457) that a person can read.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use duologue::Exception;

/// A status and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    detail: String,
    /// Seconds after which it may be otherwise.
    retry_after: Option<u32>,
}

impl Refusal {
    /// Of its answers.
    pub(super) const MEDIA_TYPE: &'static str = "application/problem+json";

    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Refusal {
            status,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// It may be otherwise after so many seconds.
    pub(super) fn later(self, seconds: u32) -> Self {
        Refusal {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// A description that the connection does not take.
    pub(super) fn of_description(exception: &Exception) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, exception.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = serde_json::json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(Refusal::MEDIA_TYPE),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §11.6.1 wants one, RFC 6750 §3 says what it is.
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"duologue\""),
            );
        }
        response
    }
}
