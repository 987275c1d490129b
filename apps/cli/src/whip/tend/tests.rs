//! With a server in this process.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use duologue::{Endpoint, MediaKind, PeerConnectionState, TransceiverDirection, TransceiverInit};
use tokio::net::TcpListener;

use super::*;
use crate::whip::client::EndpointUrl;
use crate::whip::serve::{Options, Serving, Source, Tokens};

/// A server; the URL of its endpoint.
async fn serve(token: Option<&str>) -> String {
    let options = Options {
        tokens: Tokens {
            all: token.map(str::to_owned),
            ..Tokens::default()
        },
        ..Options::new(Source::Publishers { record: None })
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let serving = Serving::bind(listen, options, Arc::new(drop))
        .await
        .unwrap();
    let url = format!("http://{}/whip/live", serving.authority());
    tokio::spawn(serving.serve(std::future::pending()));
    url
}

async fn open(url: &str, token: Option<&str>) -> Result<Tended, Failure> {
    let server = Server::new(&url.parse::<EndpointUrl>()?, token, None)?;
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (pc, events) = endpoint.connection(Configuration::default())?;
    let init = TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        ..TransceiverInit::default()
    };
    pc.add_transceiver(MediaKind::Video, init)?;
    Tended::open(&server, pc, events, Vec::new(), Duration::ZERO).await
}

/// Does what is to be done until an event is what is waited for.
async fn until(tended: &mut Tended, is: impl Fn(&Event) -> bool) {
    let waiting = async {
        loop {
            if tended.send_at.is_some_and(|at| at <= Instant::now()) {
                tended.tell_candidates().await;
            }
            let soon = timeout(TRICKLE_PAUSE, tended.events.recv()).await;
            let Ok(event) = soon else { continue };
            let event = event.expect("it is open");
            let found = is(&event);
            assert!(tended.handle(event).await);
            if found {
                return;
            }
        }
    };
    timeout(CONNECT_TIMEOUT, waiting).await.expect("it happens");
}

fn is_connected(event: &Event) -> bool {
    matches!(
        event,
        Event::ConnectionStateChange(PeerConnectionState::Connected)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_another_path_for_the_same_session() {
    let mut tended = open(&serve(Some("secret")).await, Some("secret"))
        .await
        .unwrap();
    until(&mut tended, is_connected).await;
    let session = tended.shown();
    for _ in 0..2 {
        let before = tended.offer.clone();
        tended.restart().await.unwrap();
        assert_ne!(
            Fragment::of(&before).credentials,
            Fragment::of(&tended.offer).credentials
        );
        until(&mut tended, |event| {
            matches!(event, Event::SelectedCandidatePairChange(_))
        })
        .await;
    }
    assert_eq!(tended.shown(), session);
    assert_eq!(tended.pc.connection_state(), PeerConnectionState::Connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_sends_to_another_one_is_followed() {
    let url = serve(None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let balancer = format!("http://{}/anything", listener.local_addr().unwrap());
    let target = url.clone();
    let router = axum::Router::new().fallback(move || {
        let target = target.clone();
        async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]) }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut tended = open(&balancer, None).await.unwrap();
    let host = |url: &str| url.split('/').nth(2).map(str::to_owned);
    assert_eq!(
        host(&tended.shown()),
        host(&url),
        "the session is where the answer came from"
    );
    until(&mut tended, is_connected).await;
}

/// RFC 9725 §4.3.3; the tag that the answer has counts from then on.
#[tokio::test]
async fn a_restart_says_whichever_set_counts() {
    let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
    let change = move |headers: axum::http::HeaderMap| {
        let _ = sender.send(headers.get(header::IF_MATCH).cloned());
        let fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef01234567\r\n";
        async move { ([(header::ETAG, "\"second\"")], fragment) }
    };
    let open = || async {
        let heads = [(header::LOCATION, "/session"), (header::ETAG, "\"first\"")];
        (StatusCode::CREATED, heads, "an answer")
    };
    let router = axum::Router::new()
        .route("/whip", axum::routing::post(open))
        .route("/session", axum::routing::patch(change));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/whip", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let server = Server::new(&url.parse().unwrap(), None, None).unwrap();
    let mut session = server
        .open("an offer", Duration::ZERO)
        .await
        .unwrap()
        .session;
    session.trickle(String::new()).await.unwrap();
    session.restart(String::new()).await.unwrap();
    session.trickle(String::new()).await.unwrap();
    for expected in ["\"first\"", "*", "\"second\""] {
        let header = said.recv().await.unwrap().unwrap();
        assert_eq!(header, expected);
    }
}
