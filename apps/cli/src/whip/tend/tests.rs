//! With a server in this process.

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode, header};
use axum::routing::{any, post};
use duologue::{Endpoint, MediaKind, PeerConnectionState, TransceiverDirection, TransceiverInit};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

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
            assert_eq!(tended.handle(event), None);
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
        tended.tries = TRICKLE_TRIES + 1;
        let restarted = tended.restart().await.unwrap();
        assert!(matches!(restarted, Restarted::Done(_)), "{restarted:?}");
        assert_eq!(tended.tries, 0, "its candidates are others");
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

/// A session at a server that answers every request to change it so, if it does; tells when it is asked.
async fn at(answers: Option<StatusCode>) -> (Session, UnboundedReceiver<Method>) {
    let (sender, asked) = unbounded_channel();
    let change = move |method: Method| {
        let _ = sender.send(method.clone());
        async move {
            match answers {
                _ if method == Method::DELETE => StatusCode::OK,
                Some(status) => status,
                None => std::future::pending().await,
            }
        }
    };
    let open = || async { (StatusCode::CREATED, [(header::LOCATION, "/session")], "") };
    let router = Router::new()
        .route("/whip", post(open))
        .route("/session", any(change));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/whip", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = Server::new(&url.parse().unwrap(), None, None).unwrap();
    let opened = server.open("an offer", Duration::ZERO).await.unwrap();
    (opened.session, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_that_a_server_does_not_take_now_come_again() {
    let mut tended = open(&serve(None).await, None).await.unwrap();
    until(&mut tended, is_connected).await;
    let candidate = |n: u16| Candidate {
        mid: None,
        attribute: format!("candidate:{n} 1 udp 1 192.0.2.1 {n} typ host"),
    };
    let told = |tended: &Tended| {
        let found = tended.found.iter().map(|it| it.attribute.clone());
        found.collect::<Vec<_>>()
    };

    tended.tell_candidates().await;
    let too_often = at(Some(StatusCode::TOO_MANY_REQUESTS)).await.0;
    let busy = at(Some(StatusCode::SERVICE_UNAVAILABLE)).await.0;
    let all: Vec<_> = (1..=2).map(candidate).collect();
    for (session, n) in [(too_often, 1), (busy, 2)] {
        tended.session = session;
        tended.found.push(candidate(n));
        tended.tell_candidates().await;
        let expected = all[..usize::from(n)].iter().map(|it| it.attribute.clone());
        assert_eq!(told(&tended), expected.collect::<Vec<_>>());
        assert!(!tended.untold && tended.send_at.is_some());
    }
    // There is an end to that, until there are others.
    for _ in 0..TRICKLE_TRIES {
        tended.tell_candidates().await;
    }
    assert_eq!((tended.found.len(), tended.send_at), (2, None));
    tended.session = at(Some(StatusCode::NO_CONTENT)).await.0;
    tended.tell_candidates().await;
    assert_eq!((tended.found.len(), tended.tries), (0, 0));

    // This answer is the last one.
    tended.session = at(Some(StatusCode::NOT_IMPLEMENTED)).await.0;
    tended.found.push(candidate(3));
    tended.tell_candidates().await;
    assert!(tended.found.is_empty() && tended.untold);
}

const DISCONNECTED: Event = Event::IceConnectionStateChange(IceConnectionState::Disconnected);
const FAILED: Event = Event::IceConnectionStateChange(IceConnectionState::Failed);
const CONNECTED: Event = Event::IceConnectionStateChange(IceConnectionState::Connected);

/// §4.3.1: 405, 422 and 501 say that there are no restarts; ICE has half a minute of its own (RFC 7675 §5.1).
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_may_come_back_where_the_server_does_no_restarts() {
    let url = serve(None).await;
    for status in [405, 422, 501] {
        let mut tended = open(&url, None).await.unwrap();
        until(&mut tended, is_connected).await;
        let before = tended.offer.clone();
        let (session, mut asked) = at(StatusCode::from_u16(status).ok()).await;
        tended.session = session;
        assert_eq!(tended.handle(DISCONNECTED), None);
        assert!(tended.restart.at.is_some());
        assert_eq!(tended.ask_to_restart().await, None);
        assert_eq!(asked.recv().await, Some(Method::PATCH));

        // It is not asked again, and the set of ICE before counts on both ends.
        assert_eq!(tended.pc.pending_local_description(), None);
        assert_eq!(
            Fragment::of(&tended.offer).credentials,
            Fragment::of(&before).credentials
        );
        assert_eq!(tended.handle(CONNECTED), None);
        assert_eq!(tended.handle(DISCONNECTED), None);
        assert_eq!(tended.restart.at, None);
        assert_eq!(tended.handle(FAILED), Some(Gone::Lost));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_fail_end_a_session_only_once_ice_has_given_up() {
    let url = serve(None).await;
    let mut tended = open(&url, None).await.unwrap();
    until(&mut tended, is_connected).await;
    (tended.session, _) = at(Some(StatusCode::BAD_GATEWAY)).await;
    assert_eq!(tended.handle(DISCONNECTED), None);
    for _ in 0..3 * RESTARTS {
        assert_eq!(tended.ask_to_restart().await, None);
        assert!(tended.restart.at.is_some());
    }
    assert_eq!(tended.handle(FAILED), None);
    for _ in 1..RESTARTS {
        assert_eq!(tended.ask_to_restart().await, None);
    }
    assert_eq!(tended.ask_to_restart().await, Some(Gone::Lost));

    (tended.session, _) = at(Some(StatusCode::NOT_FOUND)).await;
    assert_eq!(tended.ask_to_restart().await, Some(Gone::Server));
}

/// ICE waits for the answer to the restart, for as long as it may take.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_server_answers_no_restart_ends_when_consent_has_expired() {
    let url = serve(None).await;
    let mut tended = open(&url, None).await.unwrap();
    until(&mut tended, is_connected).await;
    (tended.session, _) = at(Some(StatusCode::BAD_GATEWAY)).await;
    assert_eq!(tended.handle(DISCONNECTED), None);
    for _ in 0..RESTARTS {
        assert_eq!(tended.ask_to_restart().await, None);
    }
    let long_ago = Instant::now().checked_sub(2 * CONSENT_TIME);
    tended.restart.silent = long_ago;
    assert_eq!(tended.ask_to_restart().await, Some(Gone::Lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_a_session_while_it_asks_for_a_restart_does_not_wait_for_the_answer() {
    let url = serve(None).await;
    let mut tended = open(&url, None).await.unwrap();
    // Nothing more comes of ICE by itself then.
    until(&mut tended, |event| {
        matches!(
            event,
            Event::IceConnectionStateChange(IceConnectionState::Completed)
        )
    })
    .await;
    let (session, mut asked) = at(None).await;
    tended.session = session;
    assert_eq!(tended.handle(DISCONNECTED), None);
    let mut progress = tended.progress();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let tending = tokio::spawn(tended.run(async {
        let _ = ended.await;
    }));
    assert_eq!(asked.recv().await, Some(Method::PATCH));
    drop(end);
    timeout(ROAM_TIMEOUT, tending).await.unwrap().unwrap();
    assert_eq!(asked.recv().await, Some(Method::DELETE));
    assert_eq!(progress.gone().await, Gone::Ended);
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
    session.trickle(String::new()).await;
    session.restart(String::new()).await.unwrap();
    session.trickle(String::new()).await;
    for expected in ["\"first\"", "*", "\"second\""] {
        let header = said.recv().await.unwrap().unwrap();
        assert_eq!(header, expected);
    }
}
