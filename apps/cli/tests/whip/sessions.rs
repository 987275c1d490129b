//! What sessions do: RFC 9725 §4.3.

use duologue::{Event, PeerConnectionState};

use crate::raw::{Answer, Client, FRAGMENT, Served, for_publishers, fragment, gathered, line};

struct Session {
    served: Served,
    client: Client,
    path: String,
    etag: String,
    answer: String,
}

impl Session {
    async fn start() -> Self {
        let served = Served::start(for_publishers()).await;
        let client = Client::publisher().await;
        // RFC 9725 §4.3.2: none of its candidates is in the offer.
        let lines = client
            .offer
            .lines()
            .filter(|line| !line.starts_with("a=candidate"));
        let offer: String = lines.map(|line| format!("{line}\r\n")).collect();
        let made = served.post("/whip/live", &offer).await;
        Session {
            path: made.location().to_owned(),
            etag: made.header("ETag").unwrap().to_owned(),
            answer: made.body,
            served,
            client,
        }
    }

    async fn patch(&self, if_match: Option<&str>, body: &str) -> Answer {
        let mut headers = vec![FRAGMENT];
        headers.extend(if_match.map(|etag| ("If-Match", etag)));
        self.served.ask("PATCH", &self.path, &headers, body).await
    }
}

#[tokio::test]
async fn candidates_that_trickle_are_taken_without_a_word() {
    let session = Session::start().await;
    let candidates = fragment(&session.client.offer);
    let answer = session.patch(Some(&session.etag), &candidates).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (204, ""),
        "{answer:?}"
    );
    assert_eq!(answer.header("ETag"), None);

    // §4.3.2: what cannot be used is discarded, and the rest counts.
    let odd = format!(
        "{}a=candidate:9 1 sctp 1 192.0.2.1 5 typ host\r\na=candidate:8 1 udp 1 no.such.name 5 typ host\r\n\
         a=candidate:nonsense\r\na=end-of-candidates\r\n",
        fragment(&session.client.offer)
    );
    assert_eq!(session.patch(Some(&session.etag), &odd).await.status, 204);

    let mut client = session.client;
    client.take(&session.answer).await;
    client.connected().await;
}

#[tokio::test]
async fn what_is_no_fragment_or_is_of_another_set_of_ice_gets_a_status_that_says_so() {
    let session = Session::start().await;
    let candidates = fragment(&session.client.offer);
    let stale = "\"0123456789abcdef0123456789abcdef\"";
    let weak = format!("W/{}", session.etag);
    for (if_match, body, status) in [
        // §4.3.1, RFC 6585 §3
        (None, &candidates[..], 428),
        (Some(stale), &candidates, 412),
        (Some(&weak[..]), &candidates, 412),
        (Some(&session.etag), "hello", 400),
        (Some(&session.etag), "", 400),
        (Some(&session.etag), "a=ice-ufrag:abcd\r\n", 400),
        (Some(&session.etag), "v=0\r\nm=audio 9 X 0\r\n", 400),
        (Some(stale), "hello", 400),
        (Some(&session.etag), &candidates, 204),
        (Some("*"), &candidates, 204),
    ] {
        let answer = session.patch(if_match, body).await;
        assert_eq!(answer.status, status, "{if_match:?} {body}: {answer:?}");
    }
    let headers = [
        ("Content-Type", "application/sdp"),
        ("If-Match", &session.etag),
    ];
    let answer = session
        .served
        .ask("PATCH", &session.path, &headers, &candidates)
        .await;
    assert_eq!(answer.status, 415);
    let unknown = "/session/0123456789abcdef0123456789abcdef";
    let headers = [FRAGMENT, ("If-Match", "*")];
    let answer = session
        .served
        .ask("PATCH", unknown, &headers, &candidates)
        .await;
    assert_eq!(answer.status, 404);
    let answer = session.served.ask("POST", &session.path, &[], "").await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn a_restart_gives_new_credentials_and_an_etag_that_outdates_the_old_one() {
    let mut session = Session::start().await;
    let early = fragment(&session.client.offer);
    session.patch(Some(&session.etag), &early).await;
    session.client.take(&session.answer).await;
    session.client.connected().await;

    session.client.pc.restart_ice();
    session.client.pc.set_local_description(None).await.unwrap();
    gathered(&mut session.client.events).await;
    let offer = session.client.pc.local_description().unwrap().sdp;
    let answer = session.patch(Some("*"), &fragment(&offer)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("Content-Type"), Some(FRAGMENT.1));
    let etag = answer.header("ETag").unwrap().to_owned();
    assert_ne!(etag, session.etag);
    for name in ["a=ice-ufrag:", "a=ice-pwd:"] {
        assert_ne!(line(&answer.body, name), line(&session.answer, name));
    }
    assert!(answer.body.contains("a=candidate:"), "{}", answer.body);
    assert!(answer.body.contains("a=mid:0"), "{}", answer.body);

    // Its answer may be lost on the way: who asks the same again is answered the same (§4.3.3), and no second set begins.
    let again = session.patch(Some("*"), &fragment(&offer)).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.header("ETag"), Some(&etag[..]));
    for name in ["a=ice-ufrag:", "a=ice-pwd:", "a=candidate:"] {
        assert_eq!(line(&again.body, name), line(&answer.body, name));
    }

    // The old set counts no more: neither its ETag nor, with the new one, its credentials as candidates of it.
    assert_eq!(
        session
            .patch(Some(&session.etag), &fragment(&offer))
            .await
            .status,
        412
    );
    assert_eq!(
        session.patch(Some(&etag), &fragment(&offer)).await.status,
        204
    );

    // And the client connects by it.
    let mut replaced = String::new();
    for old in session.answer.lines() {
        let name = old.split_once(':').map_or(old, |(name, _)| name);
        match name {
            "a=ice-ufrag" | "a=ice-pwd" => replaced += line(&answer.body, name),
            "a=candidate" | "a=end-of-candidates" => continue,
            _ => replaced += old,
        }
        replaced += "\r\n";
        if old == "a=mid:0" {
            let candidates = answer
                .body
                .lines()
                .filter(|line| line.starts_with("a=candidate"));
            candidates.for_each(|line| replaced += &format!("{line}\r\n"));
        }
    }
    session.client.take(&replaced).await;
    let checked = |event: &Event| matches!(event, Event::SelectedCandidatePairChange(_));
    session.client.wait(checked).await;
    assert_eq!(
        session.client.pc.connection_state(),
        PeerConnectionState::Connected
    );
}

#[tokio::test]
async fn a_candidate_that_nobody_can_read_costs_a_restart_nothing() {
    let session = Session::start().await;
    let odd = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
               a=ice-pwd:0123456789abcdef01234567\r\na=candidate:1 1 udp nonsense\r\n";
    let answer = session.patch(Some("*"), odd).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("ETag").is_some());
}

#[tokio::test]
async fn a_restart_that_cannot_be_leaves_the_session_as_it_was() {
    let mut session = Session::start().await;
    for (bad, status) in [
        ("a=ice-ufrag:abcd\r\na=ice-pwd:0123\r\n", 400),
        // RFC 8866 §9: no line of a description has a NUL.
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
             a=ice-pwd:0123456789abcdef01234567\r\na=candidate:1 1 udp\0\r\n",
            422,
        ),
    ] {
        let answer = session.patch(Some("*"), bad).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }

    let early = fragment(&session.client.offer);
    let answer = session.patch(Some(&session.etag), &early).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    session.client.take(&session.answer).await;
    session.client.connected().await;
}

#[tokio::test]
async fn a_session_that_is_deleted_is_gone_whatever_etag_comes_with_it() {
    let mut session = Session::start().await;
    session
        .patch(Some(&session.etag), &fragment(&session.client.offer))
        .await;
    session.client.take(&session.answer).await;
    session.client.connected().await;

    let served = &session.served;
    assert_eq!(served.ask("GET", &session.path, &[], "").await.status, 204);
    // §4.3.1
    let answer = served
        .ask("DELETE", &session.path, &[("If-Match", "\"stale\"")], "")
        .await;
    assert_eq!(answer.status, 200);
    for method in ["GET", "DELETE"] {
        assert_eq!(served.ask(method, &session.path, &[], "").await.status, 404);
    }
    // §4.2: the other end of DTLS is told.
    let closed = |event: &Event| {
        matches!(
            event,
            Event::DtlsStateChange(_, duologue::DtlsTransportState::Closed)
        )
    };
    session.client.wait(closed).await;
}
