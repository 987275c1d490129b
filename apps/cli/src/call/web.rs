//! Servers of ours, and calling one that is a demo: its signalling over HTTP.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use duologue::{IceCandidateInit, PeerConnection, SessionDescription};
use reqwest::{Client, Method, Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::story::Story;
use crate::Failure;
use crate::http::{self, ANSWER_TIMEOUT, client, told};
use crate::plain;
use crate::tls::CertHash;

/// Bytes of one answer or one server-sent event.
const MAX_ANSWER: usize = 256 * 1024;

/// Where a server of ours is: `http://HOST[:PORT]/`, or https.
#[derive(Clone, Debug)]
pub(super) struct Url(reqwest::Url);

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: reqwest::Url = text.parse().map_err(|error| format!("{error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("only http:// and https:// addresses can be called".to_owned());
        }
        let rest = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
        if url.path() != "/" || rest {
            return Err("write it as the server prints it: http://HOST:PORT/".to_owned());
        }
        Ok(Url(url))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Url {
    /// The demo is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        http::is_loopback(&self.0)
    }
}

/// Offers, applies the answer, and trickles both ends' candidates until the call is over.
pub(super) async fn negotiate(
    url: Url,
    certificate: Option<CertHash>,
    pc: &PeerConnection,
    story: &Story,
    mut candidates: mpsc::Receiver<IceCandidateInit>,
) -> Result<(), Failure> {
    let server = Server::new(url, certificate, "demo")?;
    let opened = server.post("api/sessions", "{}".into()).await?;
    let Opened { id } = serde_json::from_slice(&opened).map_err(|_| server.stranger())?;
    let session = format!("api/sessions/{id}");
    let events = server.events(&format!("{session}/events")).await?;
    pc.set_local_description(None).await?;
    let offer = pc.local_description().ok_or("there is no offer")?;
    let path = format!("{session}/description");
    let answer = server.post(&path, serde_json::to_string(&offer)?).await?;
    let answer: SessionDescription = serde_json::from_slice(&answer)?;
    story.remote(&answer);
    pc.set_remote_description(answer).await?;
    story.note("offer and answer went over HTTP; candidates trickle");
    tokio::spawn(take_candidates(events, pc.clone(), story.clone()));
    tokio::spawn(async move {
        while let Some(candidate) = candidates.recv().await {
            let Ok(text) = serde_json::to_string(&candidate) else {
                continue;
            };
            // Late candidates of a call that is over have nowhere to go.
            let _ = server.post(&format!("{session}/candidate"), text).await;
        }
    });
    Ok(())
}

#[derive(Deserialize)]
struct Opened {
    id: String,
}

/// What the demo's event stream says, as far as it concerns us.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Note {
    Candidate {
        candidate: Option<IceCandidateInit>,
    },
    #[serde(other)]
    Other,
}

async fn take_candidates(mut events: ServerEvents, pc: PeerConnection, story: Story) {
    while let Some(note) = events.next().await {
        if let Note::Candidate { candidate } = note {
            let candidate = candidate.unwrap_or_default();
            story.remote_candidate(&candidate.candidate);
            // One that does not fit is the demo's mistake and costs only itself.
            let _ = pc.add_ice_candidate(candidate).await;
        }
    }
}

/// Server-sent events.
pub(super) struct ServerEvents {
    response: Response,
    text: Vec<u8>,
}

impl ServerEvents {
    /// The next one of this kind; others are left out. None at the end.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            while let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                let data = line.strip_prefix(b"data:");
                let event = data.and_then(|data| serde_json::from_slice(data).ok());
                if event.is_some() {
                    return event;
                }
            }
            if self.text.len() > MAX_ANSWER {
                return None;
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.text.extend_from_slice(&chunk);
        }
    }
}

/// A server of ours, by HTTP.
#[derive(Clone)]
pub(super) struct Server {
    url: Url,
    client: Client,
    /// What it is, if it is one.
    what: &'static str,
    /// How long it may take for an answer.
    patience: Duration,
}

impl Server {
    pub(super) fn new(
        url: Url,
        certificate: Option<CertHash>,
        what: &'static str,
    ) -> Result<Self, Failure> {
        Ok(Server {
            client: client(&url.0, certificate)?,
            url,
            what,
            patience: ANSWER_TIMEOUT,
        })
    }

    pub(super) async fn post(&self, path: &str, body: String) -> Result<Vec<u8>, Failure> {
        self.in_time(self.posted(path, body)).await
    }

    async fn posted(&self, path: &str, body: String) -> Result<Vec<u8>, Failure> {
        let response = self.send(Method::POST, path, body).await?;
        let status = response.status();
        let body = http::body(response, MAX_ANSWER).await?;
        if status.is_success() {
            return Ok(body);
        }
        // That is how ours refuse; whatever else answers is another web server.
        if !REFUSALS.contains(&status) {
            return Err(self.stranger());
        }
        let text = plain::line(&String::from_utf8_lossy(&body));
        Err(format!("the {} refused: {text}", self.what).into())
    }

    /// There is a web server, but not ours.
    pub(super) fn stranger(&self) -> Failure {
        format!("{} is no duologue {}", self.url, self.what).into()
    }

    pub(super) async fn events(&self, path: &str) -> Result<ServerEvents, Failure> {
        let response = self.in_time(self.send(Method::GET, path, String::new()));
        let response = response.await?;
        match response.status().is_success() {
            true => Ok(ServerEvents {
                response,
                text: Vec::new(),
            }),
            false => Err(format!("the {} says {}", self.what, response.status()).into()),
        }
    }

    /// Whether it heard that is its own affair.
    pub(super) async fn delete(&self, path: &str) {
        let _ = self
            .in_time(self.send(Method::DELETE, path, String::new()))
            .await;
    }

    async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let asked = timeout(self.patience, asking).await;
        asked.unwrap_or_else(|_| Err(format!("{} does not answer", self.url).into()))
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Result<Response, Failure> {
        let url = self.url.0.join(path)?;
        let request = self.client.request(method, url);
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let sent = request.send().await;
        sent.map_err(|error| format!("{} cannot be reached: {}", self.url, told(error)).into())
    }
}

const REFUSALS: [StatusCode; 5] = [
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::CONFLICT,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, bool), String> {
        let url: Url = text.parse()?;
        Ok((url.to_string(), url.is_loopback()))
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}/", silent.local_addr().unwrap())
            .parse()
            .unwrap();
        let server = Server {
            patience: Duration::from_millis(50),
            ..Server::new(url, None, "demo").unwrap()
        };
        let posted = server.post("x", String::new()).await.unwrap_err();
        let got = server.events("x").await.err().unwrap();
        for error in [posted, got] {
            assert!(error.to_string().contains("does not answer"), "{error}");
        }
    }

    #[test]
    fn the_address_that_the_demo_prints_can_be_called() {
        for (text, url, loopback) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/", true),
            ("http://[::1]:8080", "http://[::1]:8080/", true),
            ("http://localhost", "http://localhost/", true),
            ("http://192.0.2.1:1/", "http://192.0.2.1:1/", false),
            ("https://192.0.2.1:443", "https://192.0.2.1/", false),
        ] {
            assert_eq!(parsed(text), Ok((url.to_owned(), loopback)), "{text}");
        }
        for wrong in [
            "127.0.0.1:8080",
            "ftp://host/",
            "http:///",
            "http://host/path",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
