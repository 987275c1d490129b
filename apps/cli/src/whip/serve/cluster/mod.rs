//! Several relays that act as one: NATS says which has which publisher, and a viewer's relay pulls what it has not by
//! WHEP from the one that has.

mod members;
mod nats;
mod pull;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use duologue::Endpoint;
use reqwest::Url;
use serde::Serialize;
use tokio::sync::{Notify, watch};

use crate::tls::CertHash;
use crate::whip::client::EndpointUrl;
use members::{Members, Record};
pub(super) use pull::ensure;

/// How a relay finds the others.
#[derive(Clone)]
pub struct ClusterOptions {
    /// Where NATS is, with JetStream: `nats://HOST:4222`, with a user and a password if it wants them.
    pub nats: String,
    /// How the others know this one; a random one, when left out.
    pub name: Option<String>,
    /// Where the others, and viewers of theirs, find its web server.
    pub url: Option<Url>,
}

impl fmt::Debug for ClusterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address of NATS may have a password in it.
        f.debug_struct("ClusterOptions")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// This relay among others.
pub(super) struct Cluster {
    name: String,
    url: String,
    certificate: Option<String>,
    /// What the others want to know, as all of them have the same.
    token: Option<String>,
    members: Arc<Mutex<Members>>,
    client: async_nats::Client,
    /// The connections to other relays: with ports of their own, since two to one relay cannot share one.
    endpoint: Endpoint,
    /// Streams that come from others, and whether they do at the moment.
    pulls: Mutex<HashMap<String, watch::Receiver<pull::Phase>>>,
    /// The others are to be told at once.
    changed: Notify,
}

/// Another relay, for people.
#[derive(Serialize)]
pub(super) struct Node {
    url: String,
    streams: Vec<String>,
}

/// Another relay, to pull from.
struct Other {
    url: EndpointUrl,
    certificate: Option<CertHash>,
}

impl Cluster {
    /// This relay's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The streams of this relay are others now.
    pub(super) fn announce(&self) {
        self.changed.notify_one();
    }

    /// Where else a stream is to be had: `whip` or `whep` of all others.
    pub(super) fn alternates(&self, protocol: &str, stream: &str) -> Vec<String> {
        let members = self.members();
        let alive = members.alive(Instant::now());
        alive
            .map(|(_, record)| format!("{}{protocol}/{stream}", record.url))
            .collect()
    }

    /// Whether a page of this origin is another relay's.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        let members = self.members();
        let mut alive = members.alive(Instant::now());
        let is = |record: &Record| {
            let url = Url::parse(&record.url);
            url.is_ok_and(|url| {
                url.origin()
                    .ascii_serialization()
                    .eq_ignore_ascii_case(origin)
            })
        };
        alive.any(|(_, record)| is(record))
    }

    /// All others, for people.
    pub(super) fn nodes(&self) -> Vec<Node> {
        let members = self.members();
        let alive = members.alive(Instant::now());
        alive
            .map(|(_, record)| Node {
                url: record.url.clone(),
                streams: record.streams.clone(),
            })
            .collect()
    }

    /// Who has the publisher of a stream.
    fn holder(&self, stream: &str) -> Option<Other> {
        let members = self.members();
        let (_, record) = members.holder(Instant::now(), stream)?;
        let hash = record.certificate.as_deref().map(str::parse);
        Some(Other {
            url: format!("{}whep/{stream}", record.url).parse().ok()?,
            certificate: hash.transpose().ok()?,
        })
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        lock(&self.members)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that a key of NATS can be.
///
/// # Errors
/// It is none.
pub(super) fn node_name(text: &str) -> Result<String, &'static str> {
    let is_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !text.is_empty() && text.len() <= 64 && text.bytes().all(is_char) {
        true => Ok(text.to_owned()),
        false => Err("letters, digits, - and _, at most 64 of them"),
    }
}

/// `--url`: with a slash at the end.
///
/// # Errors
/// It is none, or has more than a path.
pub(super) fn node_url(text: &str) -> Result<Url, String> {
    let mut url: Url = text.parse().map_err(|error| format!("{error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err("write it as https://relay.example.org/".to_owned());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}
