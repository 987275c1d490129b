//! Asking web servers, over http and https.

use std::error::Error;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::Failure;
use crate::tls::{CertHash, client_config};

/// How long a server may take to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take for an answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Redirections that are followed, one after another.
const REDIRECTIONS: usize = 5;

/// A client for the server at this URL, which trusts the certificate with the hash, or those that the platform
/// does. Redirections are followed, but not from https to http.
pub(crate) fn client(url: &Url, certificate: Option<CertHash>) -> Result<Client, Failure> {
    let policy = Policy::custom(|attempt| {
        let secure = attempt.previous().iter().any(|url| url.scheme() == "https");
        match attempt.previous().len() > REDIRECTIONS
            || (secure && attempt.url().scheme() != "https")
        {
            true => attempt.stop(),
            false => attempt.follow(),
        }
    });
    let mut client = Client::builder()
        .tls_backend_preconfigured(client_config(certificate)?)
        .redirect(policy)
        .connect_timeout(CONNECT_TIMEOUT);
    // No proxy of the environment's leads to this machine.
    if is_loopback(url) {
        client = client.no_proxy();
    }
    Ok(client.build()?)
}

/// The server is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let ip = host.parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Why there is no answer: the error with what caused it, and what may help. The URL, which may have a secret in it,
/// is left out.
pub(crate) fn told(error: reqwest::Error) -> String {
    let secure = error.url().is_some_and(|url| url.scheme() == "https");
    let hint = match error.is_connect() && secure {
        true => HINT,
        false => "",
    };
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    // Some say what caused them themselves.
    texts.dedup_by(|cause, error| error.contains(cause.as_str()));
    texts.join(": ") + hint
}

const HINT: &str = "\nif that is a duologue with a certificate of its own, --cert-hash takes the hash that it printed";

/// A whole body, if it is no longer than `most`.
pub(crate) async fn body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > most {
            return Err("the answer is too long".into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
