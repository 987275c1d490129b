//! A session at a WHIP or WHEP server, as its client sees it: the requests and what they give.

use std::str::FromStr;
use std::time::Duration;

use duologue::IceServer;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH, LINK, LOCATION,
    RETRY_AFTER,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use tokio::time::sleep;

use super::fragment::{Fragment, MEDIA_TYPE};
use super::limits::{ANSWER_BYTES, PROBE_INTERVAL, RETRY_PAUSE, ROAM_TIMEOUT};
use super::link;
use crate::Failure;
use crate::http::{self, ANSWER_TIMEOUT, told};
use crate::plain;
use crate::tls::CertHash;

/// Where an endpoint is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct EndpointUrl(pub(super) Url);

impl FromStr for EndpointUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: Url = text.parse().map_err(|error| format!("{error}"))?;
        match url.scheme() {
            "http" | "https" => Ok(EndpointUrl(url)),
            _ => Err("an endpoint is http://… or https://…".to_owned()),
        }
    }
}

/// An endpoint, and how to ask it.
pub(super) struct Server {
    url: Url,
    client: Client,
    authorization: Option<HeaderValue>,
    /// It is another relay that asks.
    relay: bool,
}

/// Says that another relay asks: it wants what a publisher brought here, and not what came from a third one.
pub(super) const RELAY: &str = "duologue-relay";

/// What an offer brought.
pub(super) struct Opened {
    pub(super) session: Session,
    /// The text of the answer.
    pub(super) answer: String,
    /// Those that the server wants its clients to use.
    pub(super) ice_servers: Vec<IceServer>,
    /// Where the same is to be had.
    pub(super) alternates: Vec<EndpointUrl>,
}

/// What a request to change something of a session came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Changed {
    Done,
    /// The server does no such thing (RFC 9725 §4.3.1), or not for this session.
    Refused(StatusCode),
    /// Not now: it may be asked again after this.
    Later(Duration),
}

/// What a request for another set of ICE came to.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Restarted {
    /// The server's part of it.
    Done(Fragment),
    /// The server does no such thing (RFC 9725 §4.3.1), or not for this session.
    Refused(StatusCode),
    /// It does not know the session any more.
    Gone,
}

impl Server {
    /// # Errors
    /// The token cannot be in a header; there is no TLS.
    pub(super) fn new(
        url: &EndpointUrl,
        token: Option<&str>,
        certificate: Option<CertHash>,
    ) -> Result<Self, Failure> {
        let authorization = token.map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
            value.set_sensitive(true);
            Ok::<_, reqwest::header::InvalidHeaderValue>(value)
        });
        Ok(Server {
            client: http::client(&url.0, certificate)?,
            url: url.0.clone(),
            authorization: authorization
                .transpose()
                .map_err(|_| "the token has characters that no header may have")?,
            relay: false,
        })
    }

    /// As another relay.
    pub(super) fn for_relay(self) -> Self {
        Server {
            relay: true,
            ..self
        }
    }

    /// Sends an offer. A server that is busy, or that nobody publishes to yet, is asked again for so long as
    /// `patience`.
    ///
    /// # Errors
    /// The server cannot be reached; it refuses; its answer is none.
    pub(super) async fn open(&self, offer: &str, patience: Duration) -> Result<Opened, Failure> {
        let begun = tokio::time::Instant::now();
        let response = loop {
            let request = self.request(Method::POST, &self.url);
            let request = request
                .header(CONTENT_TYPE, "application/sdp")
                .header(ACCEPT, "application/sdp");
            let request = match self.relay {
                true => request.header(RELAY, "1"),
                false => request,
            };
            let response = self.send(request.body(offer.to_owned())).await?;
            // draft-ietf-wish-whep §4.4: 409 while nobody publishes. RFC 9725 §4.5: 503 when there is no room.
            let later = matches!(
                response.status(),
                StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE
            );
            let pause = retry_after(response.headers());
            if !later || begun.elapsed() + pause > patience {
                break response;
            }
            sleep(pause).await;
        };
        if response.status() != StatusCode::CREATED {
            return Err(refusal(&self.url, response).await);
        }
        self.opened(response).await
    }

    async fn opened(&self, response: Response) -> Result<Opened, Failure> {
        let headers = response.headers();
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or("the server's answer names no session (Location)")?;
        // Of where the answer came from, which a redirection may have changed.
        let url = response.url().join(location)?;
        let was_secure = self.url.scheme() == "https";
        if !matches!(url.scheme(), "http" | "https") || (was_secure && url.scheme() != "https") {
            return Err(
                "the server's session is at an address that does not keep its secrets".into(),
            );
        }
        let etag = headers.get(ETAG).cloned();
        let links = headers
            .get_all(LINK)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let links: Vec<&str> = links.collect();
        let ice_servers = link::read(links.iter().copied());
        let alternates = link::read_alternates(links.iter().copied()).into_iter();
        let alternates = alternates.filter_map(|place| {
            let place = response.url().join(&place).ok()?;
            // What was secret stays so.
            let secure = !was_secure || place.scheme() == "https";
            EndpointUrl::from_str(place.as_str())
                .ok()
                .filter(|_| secure)
        });
        let alternates = alternates.collect();
        let answer = http::body(response, ANSWER_BYTES).await?;
        let answer = String::from_utf8(answer).map_err(|_| "the server's answer is no text")?;

        let session = Session {
            server: Server {
                url,
                client: self.client.clone(),
                authorization: self.authorization.clone(),
                relay: false,
            },
            etag,
        };
        Ok(Opened {
            session,
            answer,
            ice_servers,
            alternates,
        })
    }

    fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let request = self
            .client
            .request(method, url.clone())
            .timeout(ANSWER_TIMEOUT);
        // RFC 9725 §4.7.1: in all requests, or in none.
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let sent = request.send().await;
        sent.map_err(|error| format!("{}: {}", shown(&self.url), told(error)).into())
    }
}

/// An open session: what `Location` named.
pub(super) struct Session {
    server: Server,
    /// Which set of ICE counts at the server, if it does restarts.
    etag: Option<HeaderValue>,
}

impl Session {
    /// Adds candidates to the set of ICE that counts.
    pub(super) async fn trickle(&self, fragment: String) -> Changed {
        match self.patch(fragment, self.etag.clone()).await {
            Ok(response) => match response.status() {
                status if status.is_success() => Changed::Done,
                status if is_final(status) => Changed::Refused(status),
                _ => Changed::Later(retry_after(response.headers())),
            },
            Err(_) => Changed::Later(retry_after(&HeaderMap::new())),
        }
    }

    /// Begins another set of ICE.
    ///
    /// # Errors
    /// The server cannot be reached, or cannot do it now; it says nothing of its own credentials.
    pub(super) async fn restart(&mut self, fragment: String) -> Result<Restarted, Failure> {
        // RFC 9725 §4.3.3: whichever set counts at the server.
        let response = self
            .patch(fragment, Some(HeaderValue::from_static("*")))
            .await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Restarted::Gone),
            status if is_final(status) => return Ok(Restarted::Refused(status)),
            _ => return Err(refusal(&self.server.url, response).await),
        }
        let etag = response.headers().get(ETAG).cloned();
        let text = http::body(response, ANSWER_BYTES).await?;
        let text = String::from_utf8(text).map_err(|_| "the server's answer is no text")?;
        let fragment = Fragment::parse(&text)?;
        if fragment.credentials.is_none() {
            return Err("the server's answer to a restart has no credentials".into());
        }
        self.etag = etag.or(self.etag.take());
        Ok(Restarted::Done(fragment))
    }

    /// How to ask whether it is there.
    pub(super) fn probe(&self) -> Probe {
        Probe(Server {
            url: self.server.url.clone(),
            client: self.server.client.clone(),
            authorization: self.server.authorization.clone(),
            relay: false,
        })
    }

    /// Ends it. A server that cannot be reached notices by itself.
    pub(super) async fn delete(&self) {
        let request = self.server.request(Method::DELETE, &self.server.url);
        let _ = self.server.send(request).await;
    }

    /// Where it is, for people.
    pub(super) fn shown(&self) -> String {
        shown(&self.server.url)
    }

    async fn patch(
        &self,
        fragment: String,
        etag: Option<HeaderValue>,
    ) -> Result<Response, Failure> {
        let mut request = self.server.request(Method::PATCH, &self.server.url);
        request = request.header(CONTENT_TYPE, MEDIA_TYPE).body(fragment);
        if let Some(etag) = etag {
            request = request.header(IF_MATCH, etag);
        }
        self.server.send(request).await
    }
}

/// Asks whether a session is there.
pub(super) struct Probe(Server);

impl Probe {
    /// Until its server does not know it, or cannot be reached.
    pub(super) async fn gone(&self) {
        loop {
            sleep(PROBE_INTERVAL).await;
            let request = self.0.request(Method::GET, &self.0.url);
            // A server that has no such question has nothing to say by it.
            match self.0.send(request.timeout(ROAM_TIMEOUT)).await {
                Ok(response) if response.status() != StatusCode::NOT_FOUND => {}
                _ => return,
            }
        }
    }
}

/// Without a login, and without a query, which often is one.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

/// Whether the same request is answered the same way for as long as there is the session (RFC 9110 §15.5, RFC 9725
/// §4.3.1), and not only at the moment.
fn is_final(status: StatusCode) -> bool {
    let for_now = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status == StatusCode::NOT_IMPLEMENTED
        || (status.is_client_error() && !for_now.contains(&status))
}

/// The pause that a server asks for: a second if it does not say.
fn retry_after(headers: &HeaderMap) -> Duration {
    let value = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds = value.and_then(|value| value.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds).clamp(Duration::from_millis(100), RETRY_PAUSE)
}

/// What the server said, with a hint. RFC 9725 §4.1: only the class of a code is relied on.
async fn refusal(url: &Url, response: Response) -> Failure {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let offers = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/sdp"));
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => " (is --token right?)",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => " (is the URL right?)",
        StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => " (try again later)",
        // draft-ietf-wish-whep §4.3.2
        StatusCode::NOT_ACCEPTABLE if offers => {
            " (the server wants to make the offer, which this client does not take)"
        }
        _ => "",
    };
    let text = http::body(response, ANSWER_BYTES).await.unwrap_or_default();
    let text = plain::line(&String::from_utf8_lossy(&text));
    let text: String = text.chars().take(200).collect();
    format!("{} answers {status}{hint} {text}", shown(url))
        .trim_end()
        .into()
}
