//! Calling a running demo: its signalling over HTTP.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use duologue::{IceCandidateInit, PeerConnection, SessionDescription};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::story::Story;
use super::tls::{CertHash, connector, server_name};
use crate::Failure;

/// Bytes of one answer or one server-sent event.
const MAX_ANSWER: usize = 256 * 1024;

/// Where a demo is: `http://HOST[:PORT]/`, or https.
#[derive(Clone, Debug)]
pub(super) struct Url {
    scheme: Scheme,
    /// With its port.
    authority: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scheme {
    Http,
    Https,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err("only http:// and https:// addresses can be called".to_owned()),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || !path.is_empty() {
            return Err("write it as the demo prints it: http://HOST:PORT/".to_owned());
        }
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Url {
            scheme,
            authority: match (has_port, scheme) {
                (true, _) => host.to_owned(),
                (false, Scheme::Http) => format!("{host}:80"),
                (false, Scheme::Https) => format!("{host}:443"),
            },
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}/", self.authority)
    }
}

impl Url {
    /// The demo is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.host();
        let ip = host.parse::<std::net::IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }

    fn host(&self) -> &str {
        let host = self.authority.rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_matches(['[', ']'])
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
    let server = Server { url, certificate };
    let opened = server.post("api/sessions", "{}".into()).await?;
    let Opened { id } = serde_json::from_slice(&opened).map_err(|_| server.stranger())?;
    let session = format!("api/sessions/{id}");
    let events = server.get(&format!("{session}/events")).await?;
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

/// Reads the server-sent events.
async fn take_candidates(mut events: Incoming, pc: PeerConnection, story: Story) {
    let mut text = Vec::new();
    while let Some(Ok(frame)) = events.frame().await {
        text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            let data = line.strip_prefix(b"data:");
            let note = data.and_then(|data| serde_json::from_slice(data).ok());
            if let Some(Note::Candidate { candidate }) = note {
                let candidate = candidate.unwrap_or_default();
                story.remote_candidate(&candidate.candidate);
                // One that does not fit is the demo's mistake and costs only itself.
                let _ = pc.add_ice_candidate(candidate).await;
            }
        }
        if text.len() > MAX_ANSWER {
            return;
        }
    }
}

struct Server {
    url: Url,
    /// What its certificate hashes to, instead of one that the platform trusts.
    certificate: Option<CertHash>,
}

impl Server {
    async fn post(&self, path: &str, body: String) -> Result<Bytes, Failure> {
        let response = self.send("POST", path, body).await?;
        let status = response.status();
        let body = http_body_util::Limited::new(response.into_body(), MAX_ANSWER);
        let body = body.collect().await?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        // That is how the demo refuses; whatever else answers is another web server.
        if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN) {
            return Err(self.stranger());
        }
        let text = String::from_utf8_lossy(&body);
        Err(format!("the demo refused: {text}").into())
    }

    /// There is a web server, but not ours.
    fn stranger(&self) -> Failure {
        format!("{} is no duologue demo", self.url).into()
    }

    async fn get(&self, path: &str) -> Result<Incoming, Failure> {
        let response = self.send("GET", path, String::new()).await?;
        match response.status().is_success() {
            true => Ok(response.into_body()),
            false => Err(format!("the demo says {}", response.status()).into()),
        }
    }

    /// A connection for each request: there are a dozen of them.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<Response<Incoming>, Failure> {
        let authority = &self.url.authority;
        let (mut sender, connection) = http1::handshake(TokioIo::new(self.open().await?)).await?;
        // Its error is the request's as well.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("/{path}"))
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        Ok(sender.send_request(request).await?)
    }

    async fn open(&self) -> Result<Box<dyn Io>, Failure> {
        let stream = TcpStream::connect(&self.url.authority).await;
        let stream = stream.map_err(|error| format!("{} cannot be reached: {error}", self.url))?;
        if self.url.scheme == Scheme::Http {
            return Ok(Box::new(stream));
        }
        let name = server_name(self.url.host())?;
        match connector(self.certificate)?.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(format!("{}: {error}{HINT}", self.url).into()),
        }
    }
}

/// A connection to the demo, with TLS or without.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

const HINT: &str = "\nif that is a demo with a certificate of its own, --cert-hash takes the hash that \
                    it printed";

#[cfg(test)]
mod tests {
    use super::Url;

    fn parsed(text: &str) -> Result<(String, bool), String> {
        let url: Url = text.parse()?;
        Ok((url.to_string(), url.is_loopback()))
    }

    #[test]
    fn the_address_that_the_demo_prints_can_be_called() {
        for (text, url, loopback) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/", true),
            ("http://[::1]:8080", "http://[::1]:8080/", true),
            ("http://localhost", "http://localhost:80/", true),
            ("http://192.0.2.1:1/", "http://192.0.2.1:1/", false),
            ("https://192.0.2.1", "https://192.0.2.1:443/", false),
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
