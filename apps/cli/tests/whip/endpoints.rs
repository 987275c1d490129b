//! What endpoints do: RFC 9725 §4.1, §4.2, §4.4 to §4.7.

use std::sync::Arc;

use duologue::{IceServer, MediaKind, TransceiverDirection};
use duologue_cli::whip::Limits;
use duologue_cli::whip::serve::{Options, Origin, Serving, Source, Tokens};

use crate::raw::{Answer, Client, SDP, Served, file, for_publishers};

fn token() -> Tokens {
    Tokens {
        all: Some("secret".to_owned()),
        ..Tokens::default()
    }
}

#[tokio::test]
async fn an_offer_is_answered_with_a_session_its_etag_and_all_candidates() {
    let served = Served::start(for_publishers()).await;
    let client = Client::publisher().await;
    let answer = served.post("/whip/live", &client.offer).await;

    // §4.2
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("Content-Type"), Some("application/sdp"));
    assert!(answer.location().starts_with("/session/"));
    assert!(
        answer.location().len() > "/session/".len() + 30,
        "nobody guesses it"
    );
    assert_eq!(
        answer.body.matches("a=recvonly").count(),
        2,
        "{}",
        answer.body
    );
    // §4.3.1: strong
    let etag = answer.header("ETag").unwrap();
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() > 20,
        "{etag}"
    );
    // §4.3.2
    assert!(answer.body.contains("a=candidate:"), "{}", answer.body);
    assert!(
        answer.body.contains("a=end-of-candidates"),
        "{}",
        answer.body
    );
    // §4.4.1
    assert!(
        answer.body.contains("a=group:BUNDLE 0 1"),
        "{}",
        answer.body
    );
    assert_eq!(
        answer.body.matches("a=rtcp-mux-only").count(),
        2,
        "{}",
        answer.body
    );
    client.take(&answer.body).await;

    // §4.3.1, for WHEP: another name for each.
    let viewer = Client::viewer().await;
    let other = served.post("/whep/live", &viewer.offer).await;
    assert_ne!(answer.location(), other.location());
    assert_eq!(
        other.body.matches("a=sendonly").count(),
        2,
        "{}",
        other.body
    );
    viewer.take(&other.body).await;
}

#[tokio::test]
async fn what_is_no_offer_for_it_gets_a_status_that_says_so() {
    let served = Served::start(for_publishers()).await;
    let publish = Client::publisher().await.offer;
    let watch = Client::viewer().await.offer;
    let [audio, video] = [MediaKind::Audio, MediaKind::Video];
    let two = Client::new(&[video, video], TransceiverDirection::Sendonly)
        .await
        .offer;
    let streams = publish.replacen("a=msid:stream ", "a=msid:other ", 1);
    let sound = Client::new(&[audio], TransceiverDirection::Inactive)
        .await
        .offer;
    let codec = Client::new(&[audio], TransceiverDirection::Sendonly)
        .await
        .offer;
    let codec = codec
        .lines()
        .filter(|line| !line.starts_with("a=fmtp") && !line.starts_with("a=rtcp-fb"));
    let codec: String = codec
        .map(|line| format!("{line}\r\n").replace("opus", "speex"))
        .collect();
    let only_speex: String = {
        let speex: Vec<&str> = codec
            .lines()
            .filter(|line| line.contains("speex"))
            .collect();
        let number = speex[0]
            .trim_start_matches("a=rtpmap:")
            .split(' ')
            .next()
            .unwrap();
        let lines = codec
            .lines()
            .filter(|line| !line.starts_with("a=rtpmap") || line.contains("speex"));
        let media = format!("m=audio 9 UDP/TLS/RTP/SAVPF {number}");
        lines
            .map(|line| match line.starts_with("m=") {
                true => format!("{media}\r\n"),
                false => format!("{line}\r\n"),
            })
            .collect()
    };
    let long = format!("{publish}{}", "a=x:0\r\n".repeat(20_000));
    let empty = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    for (path, kind, offer, status) in [
        // §4.2
        ("/whip/live", "text/plain", &publish[..], 415),
        ("/whip/live", "application/sdp; charset=utf-8", "hello", 400),
        ("/whip/live", "application/sdp", "", 400),
        ("/whip/live", "application/sdp", empty, 422),
        ("/whip/live", "application/sdp", &watch, 422),
        ("/whip/live", "application/sdp", &sound, 422),
        ("/whip/live", "application/sdp", &long, 413),
        ("/whep/live", "application/json", &watch, 415),
        ("/whep/live", "application/sdp", &publish, 422),
        // §4.4.2
        ("/whip/live", "application/sdp", &two, 422),
        ("/whip/live", "application/sdp", &streams, 422),
        // §4.4.3
        ("/whip/live", "application/sdp", &only_speex, 422),
        ("/whip/a%20b", "application/sdp", &publish, 404),
        ("/whip/..", "application/sdp", &publish, 404),
        ("/whip/%ff", "application/sdp", &publish, 400),
        ("/other", "application/sdp", &publish, 404),
    ] {
        let answer = served
            .ask("POST", path, &[("Content-Type", kind)], offer)
            .await;
        assert_eq!(
            answer.status, status,
            "{path} {kind}: {answer:?}\n{offer:.2000}"
        );
        is_problem(&answer);
    }
    let answer = served.ask("POST", "/whip/live", &[SDP], [0xff]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    is_problem(&answer);
    // RFC 9110 §15.5.16
    let packed = [SDP, ("Content-Encoding", "gzip")];
    // Of something packed the first two bytes are no text.
    for body in [publish.as_bytes(), &[0x1f, 0x8b, 8]] {
        let answer = served.ask("POST", "/whip/live", &packed, body).await;
        assert_eq!(answer.status, 415, "{answer:?}");
        is_problem(&answer);
    }
    // None of them has left anything behind.
    assert_eq!(served.post("/whip/live", &publish).await.status, 201);
}

/// §4.2, §4.4.4: what an end may say that could do more, or less.
#[tokio::test]
async fn an_end_that_could_do_both_is_taken_for_the_one_that_is_wanted() {
    let served = Served::start(for_publishers()).await;
    let both = [MediaKind::Audio, MediaKind::Video];
    let offer = Client::new(&both, TransceiverDirection::Sendrecv)
        .await
        .offer;
    let offer = offer.replace("a=setup:actpass", "a=setup:active");
    for (path, direction) in [("/whip/live", "a=recvonly"), ("/whep/live", "a=sendonly")] {
        let answer = served.post(path, &offer).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.body.matches(direction).count(), 2, "{}", answer.body);
        assert_eq!(
            answer.body.matches("a=setup:passive").count(),
            2,
            "{}",
            answer.body
        );
    }
}

/// RFC 9725 §4.1, RFC 9457: what people read.
fn is_problem(answer: &Answer) {
    let kind = answer.header("Content-Type");
    assert_eq!(kind, Some("application/problem+json"), "{answer:?}");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], answer.status, "{problem}");
    assert!(problem["detail"].is_string());
}

#[tokio::test]
async fn endpoints_say_what_they_are_and_keep_other_methods_free() {
    let served = Served::start(for_publishers()).await;
    // §4.1
    let answer = served.ask("GET", "/whip/live", &[], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    // draft-ietf-wish-whep §4.2
    for method in ["GET", "HEAD"] {
        let answer = served.ask(method, "/whep/live", &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(answer.header("Content-Type"), Some("application/sdp"));
    }
    for (method, path) in [
        ("PUT", "/whip/live"),
        ("PATCH", "/whip/live"),
        ("DELETE", "/whep/live"),
    ] {
        let answer = served.ask(method, path, &[], "").await;
        assert_eq!(answer.status, 405, "{method} {path}");
        // RFC 9110 §15.5.6
        let allowed = answer.all("Allow");
        assert_eq!(allowed, ["POST, GET, HEAD, OPTIONS"], "{method} {path}");
    }
    // §4.2
    let answer = served.ask("OPTIONS", "/whip/live", &[], "").await;
    assert_eq!(
        (answer.status, answer.header("Accept-Post")),
        (200, Some("application/sdp"))
    );
}

#[tokio::test]
async fn pages_of_allowed_origins_ask_by_cors_and_others_not_at_all() {
    let page = "https://page.example";
    let served = Served::start(Options {
        origins: vec![Origin::One(page.to_owned())],
        tokens: token(),
        ..for_publishers()
    });
    let served = served.await;
    let preflight = [
        ("Origin", page),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ];
    // Browsers send no token with it.
    let answer = served.ask("OPTIONS", "/whip/live", &preflight, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(page));
    assert!(
        answer
            .header("Access-Control-Allow-Methods")
            .unwrap()
            .contains("POST")
    );
    let allowed = answer
        .header("Access-Control-Allow-Headers")
        .unwrap()
        .to_ascii_lowercase();
    assert!(
        ["authorization", "content-type", "etag", "if-match"]
            .iter()
            .all(|name| allowed.contains(name))
    );
    let answer = served.ask("OPTIONS", "/session/1", &preflight, "").await;
    let methods = answer.header("Access-Control-Allow-Methods").unwrap();
    assert!(
        ["PATCH", "DELETE"]
            .iter()
            .all(|method| methods.contains(method)),
        "{methods}"
    );

    // Answers, refusals too, may be read by the page, with what it needs of their heads.
    let offer = Client::publisher().await.offer;
    for (token, status) in [("Bearer wrong", 401), ("Bearer secret", 201)] {
        let headers = [SDP, ("Origin", page), ("Authorization", token)];
        let answer = served.ask("POST", "/whip/live", &headers, &offer).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(page));
        let exposed = answer.header("Access-Control-Expose-Headers").unwrap();
        assert!(
            ["Location", "ETag", "Link"]
                .iter()
                .all(|name| exposed.contains(name)),
            "{exposed}"
        );
    }

    let own = format!("http://{}", served.authority);
    let bearer = ("Authorization", "Bearer secret");
    for (headers, status) in [
        (&[("Origin", "https://evil.example"), bearer][..], 403),
        (&[("Origin", "null"), bearer], 403),
        (&[("Origin", &own), bearer], 204),
        (&[("Host", "rebound.example"), bearer], 403),
        (&[bearer], 204),
    ] {
        assert_eq!(
            served.ask("GET", "/whip/live", headers, "").await.status,
            status,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn who_has_not_the_token_gets_nothing_but_the_way_to_say_it() {
    let served = Served::start(Options {
        tokens: token(),
        ..for_publishers()
    });
    let served = served.await;
    let offer = Client::publisher().await.offer;
    for wrong in [
        None,
        Some("Bearer"),
        Some("Bearer secrets"),
        Some("Basic secret"),
        Some("secret"),
    ] {
        let mut headers = vec![SDP];
        headers.extend(wrong.map(|value| ("Authorization", value)));
        let answer = served.ask("POST", "/whip/live", &headers, &offer).await;
        assert_eq!(answer.status, 401, "{wrong:?}");
        assert!(
            answer
                .header("WWW-Authenticate")
                .unwrap()
                .starts_with("Bearer"),
            "{answer:?}"
        );
    }
    let bearer = ("Authorization", "bearer secret");
    let answer = served
        .ask("POST", "/whip/live", &[SDP, bearer], &offer)
        .await;
    let session = answer.location();
    // §4.7.1: sessions want it, too.
    for method in ["PATCH", "DELETE", "GET"] {
        assert_eq!(
            served.ask(method, session, &[], "").await.status,
            401,
            "{method}"
        );
    }
    assert_eq!(
        served.ask("DELETE", session, &[bearer], "").await.status,
        200
    );
}

#[tokio::test]
async fn ice_servers_for_clients_are_links() {
    let served = Served::start(Options {
        client_ice: vec![
            IceServer {
                urls: vec!["stun:stun.example.net".into()],
                ..IceServer::default()
            },
            IceServer {
                urls: vec!["turn:turn.example.net?transport=udp".into()],
                username: Some("ann".into()),
                credential: Some("pass\"word".into()),
            },
        ],
        ..for_publishers()
    });
    let served = served.await;
    let offer = Client::publisher().await.offer;
    let answer = served.post("/whip/live", &offer).await;
    // §4.6
    let expected = [
        "<stun:stun.example.net>; rel=\"ice-server\"",
        "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"ann\"; \
         credential=\"pass\\\"word\"; credential-type=\"password\"",
    ];
    assert_eq!(answer.all("Link"), expected);
}

/// As behind a proxy: who asks comes from this machine, and media from others.
#[tokio::test]
async fn a_server_that_is_told_its_address_takes_media_from_beyond_this_machine() {
    let offer = Client::publisher().await.offer;
    for (address, here) in [(None, true), (Some("192.0.2.1"), false)] {
        let served = Served::start(Options {
            external_address: address.map(|it| it.parse().unwrap()),
            ..for_publishers()
        });
        let answer = served.await.post("/whip/live", &offer).await.body;
        let candidates = answer
            .lines()
            .filter(|line| line.starts_with("a=candidate"));
        let local = |line: &str| line.contains(" 127.0.0.1 ") || line.contains(" ::1 ");
        let candidates: Vec<&str> = candidates.collect();
        assert!(
            candidates.iter().all(|line| local(line) == here),
            "{candidates:?}"
        );
        let told = candidates.iter().any(|line| line.contains(" 192.0.2.1 "));
        assert_eq!(told, !here, "{candidates:?}");
    }
}

#[tokio::test]
async fn a_stream_has_one_publisher_and_viewers_only_while_it_has_one() {
    let mut served = Served::start(for_publishers()).await;
    let offer = Client::publisher().await.offer;
    let watch = Client::viewer().await.offer;
    // draft-ietf-wish-whep §4.4
    let answer = served.post("/whep/live", &watch).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(
        answer
            .header("Retry-After")
            .unwrap()
            .parse::<u32>()
            .unwrap()
            >= 1
    );

    let first = served.post("/whip/live", &offer).await;
    assert_eq!(served.post("/whip/live", &offer).await.status, 409);
    assert_eq!(served.post("/whip/other", &offer).await.status, 201);
    assert_eq!(served.post("/whep/live", &watch).await.status, 201);
    assert_eq!(
        served.ask("DELETE", first.location(), &[], "").await.status,
        200
    );
    // The stream is free once its session has ended, which takes a moment.
    served.ended("publisher").await;
    assert_eq!(served.post("/whip/live", &offer).await.status, 201);
}

#[tokio::test]
async fn a_file_is_for_viewers_alone() {
    let served = Served::start(Options::new(Source::File(file()))).await;
    let offer = Client::publisher().await.offer;
    assert_eq!(served.post("/whip/live", &offer).await.status, 404);
    let watch = Client::viewer().await.offer;
    assert_eq!(served.post("/whep/live", &watch).await.status, 201);
}

#[tokio::test]
async fn a_server_whose_port_is_taken_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let bound = Serving::bind(listen, for_publishers(), Arc::new(drop)).await;
    let why = bound.expect_err("it is taken").to_string();
    assert!(
        why.contains(&listen.to_string()) && why.contains("--listen"),
        "{why}"
    );
}

#[tokio::test]
async fn sessions_and_requests_have_a_limit_after_which_one_is_told_to_come_later() {
    let limits = Limits {
        publishers: 1,
        ..Limits::default()
    };
    let served = Served::start(Options {
        limits,
        ..for_publishers()
    })
    .await;
    let offer = Client::publisher().await.offer;
    assert_eq!(served.post("/whip/live", &offer).await.status, 201);
    let answer = served.post("/whip/other", &offer).await;
    // §4.5
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("Retry-After").is_some());

    let limits = Limits {
        requests: 1,
        ..Limits::default()
    };
    let served = Served::start(Options {
        limits,
        ..for_publishers()
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(served.post("/whip/live", "hello").await.status);
    }
    assert_eq!(&statuses[..4], [400; 4]);
    assert!(statuses.contains(&429), "{statuses:?}");
    // Who only looks is not refused.
    assert_eq!(served.ask("GET", "/whip/live", &[], "").await.status, 204);
}

#[tokio::test]
async fn a_session_that_does_not_connect_is_ended() {
    let limits = Limits {
        connect: std::time::Duration::from_millis(100),
        ..Limits::default()
    };
    let mut served = Served::start(Options {
        limits,
        ..for_publishers()
    })
    .await;
    let offer = Client::publisher().await.offer;
    let answer = served.post("/whip/live", &offer).await;
    served.ended("publisher").await;
    assert_eq!(
        served.ask("GET", answer.location(), &[], "").await.status,
        404
    );
}
