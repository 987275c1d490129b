//! The demo's web server, as strangers see it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use duologue::{Configuration, IceServer};
use duologue_cli::demo::{Demo, Happening, Limits, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

const PASSWORD: &str = "the password of the TURN server";

#[tokio::test]
async fn only_the_demos_own_page_may_ask_it() {
    let demo = Served::start(Limits::default()).await;
    let own = demo.address.to_string();
    let origin = format!("Origin: http://{own}\r\n");
    assert_eq!(demo.open(&own, "").await.status, 200);
    let opened = demo.open(&own, &origin).await;
    assert!(opened.text.contains(PASSWORD), "{}", opened.text);
    for (host, headers) in [
        ("rebound.example:8080", ""),
        (&own, "Origin: http://evil.example\r\n"),
        (&own, "Origin: null\r\n"),
        (&own, "Sec-Fetch-Site: cross-site\r\n"),
        (&own, "Sec-Fetch-Site: same-site\r\n"),
        (&own, "Host: rebound.example\r\n"),
    ] {
        let refused = demo.open(host, headers).await;
        assert_eq!(refused.status, 403, "{host} {headers}");
        assert!(!refused.text.contains(PASSWORD));
    }
    // What a form of another page sends, whose browser says nothing of it.
    let form = "POST /api/sessions HTTP/1.1\r\nContent-Length: 0\r\n";
    assert_eq!(demo.ask(&own, form, "").await.status, 415);
}

#[tokio::test]
async fn every_answer_says_what_its_page_may_load_and_that_nobody_frames_it() {
    let demo = Served::start(Limits::default()).await;
    let own = demo.address.to_string();
    for path in ["/", "/main.js", "/no/such/file"] {
        let answer = demo
            .ask(&own, &format!("GET {path} HTTP/1.1\r\n"), "")
            .await;
        for label in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.text.contains(label), "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_call_has_an_id_that_nobody_guesses() {
    let demo = Served::start(Limits::default()).await;
    let [first, second] = [demo.open_call().await, demo.open_call().await];
    assert_eq!((first.len(), second.len()), (32, 32));
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_call_that_does_not_connect_ends_by_itself() {
    let limits = Limits {
        connect: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut demo = Served::start(limits).await;
    // More than there may be at once: room comes back.
    for call in 1..=100 {
        demo.open_call().await;
        demo.happens(&Happening::Closed { call }).await;
    }
}

#[tokio::test]
async fn who_sends_slowly_or_takes_nothing_is_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(100),
        body: Duration::from_millis(100),
        ..Limits::default()
    };
    let demo = Served::start(limits).await;
    let own = demo.address.to_string();
    for head in ["", "GET / HTTP/1.1\r\nHost:"] {
        let mut slow = demo.connect().await;
        slow.write_all(head.as_bytes()).await.expect("is taken");
        let mut rest = Vec::new();
        // The end, in one form or another.
        let _ = slow.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    let body =
        "POST /api/sessions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
    assert_eq!(demo.ask(&own, body, "").await.status, 408);
}

#[tokio::test]
async fn more_connections_than_there_may_be_wait_for_their_turn() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let demo = Served::start(limits).await;
    let own = demo.address.to_string();
    let get = format!("GET /main.js HTTP/1.1\r\nHost: {own}\r\n\r\n");
    let mut first = demo.connect().await;
    first.write_all(get.as_bytes()).await.expect("is taken");
    let mut some = [0; 16];
    first.read_exact(&mut some).await.expect("an answer");
    let mut second = demo.connect().await;
    second.write_all(get.as_bytes()).await.expect("is kept");
    // The first is served again meanwhile.
    first.write_all(get.as_bytes()).await.expect("is taken");
    first.read_exact(&mut some).await.expect("an answer");
    let early = second.try_read(&mut [0; 16]).map_err(|error| error.kind());
    assert_eq!(early, Err(std::io::ErrorKind::WouldBlock));
    drop(first);
    second.read_exact(&mut some).await.expect("an answer");
    assert!(some.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn who_comes_without_tls_is_sent_to_the_same_place_with_it() {
    let everywhere = ([0, 0, 0, 0], 0).into();
    let demo = Served::at(everywhere, Limits::default()).await;
    let own = demo.address.to_string();
    let get = "GET /main.js HTTP/1.1\r\n";
    let answer = demo.ask(&own, get, "").await;
    assert_eq!(answer.status, 308);
    let location = format!("location: https://{own}/main.js\r\n");
    assert!(answer.text.contains(&location), "{}", answer.text);
    assert_eq!(demo.ask("evil.example", get, "").await.status, 403);
}

/// A demo that runs, and what it tells.
struct Served {
    address: SocketAddr,
    happenings: mpsc::UnboundedReceiver<Happening>,
}

struct Answer {
    status: u16,
    /// All of it.
    text: String,
}

impl Served {
    async fn start(limits: Limits) -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), limits).await
    }

    async fn at(listen: SocketAddr, limits: Limits) -> Self {
        let (sender, happenings) = mpsc::unbounded_channel();
        let tell = move |happening| {
            // The test may be over.
            let _ = sender.send(happening);
        };
        let server = IceServer {
            urls: vec!["turn:turn.example.org".to_owned()],
            username: Some("ann".to_owned()),
            credential: Some(PASSWORD.into()),
        };
        let options = Options {
            configuration: Configuration {
                ice_servers: vec![server],
                // Nothing is asked of it.
                ice_transport_policy: duologue::IceTransportPolicy::Relay,
                ..Configuration::default()
            },
            limits,
            ..Options::default()
        };
        let demo = Demo::bind(listen, options, Arc::new(tell)).await;
        let demo = demo.expect("there is a free port");
        let port = demo.url().trim_end_matches('/').rsplit_once(':');
        let port: u16 = port.expect("a port").1.parse().expect("a number");
        tokio::spawn(demo.serve(std::future::pending()));
        Served {
            address: ([127, 0, 0, 1], port).into(),
            happenings,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// `request` is a request line, and headers if it likes; no body is sent.
    async fn ask(&self, host: &str, request: &str, headers: &str) -> Answer {
        self.exchange(host, request, headers, "").await
    }

    async fn exchange(&self, host: &str, request: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.connect().await;
        let head = format!("{request}Host: {host}\r\n{headers}Connection: close\r\n\r\n{body}");
        stream.write_all(head.as_bytes()).await.expect("is taken");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("an answer");
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answer {
            status: status.expect("a status"),
            text,
        }
    }

    async fn open(&self, host: &str, headers: &str) -> Answer {
        let request = "POST /api/sessions HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
        self.exchange(host, request, headers, "{}").await
    }

    async fn open_call(&self) -> String {
        let opened = self.open(&self.address.to_string(), "").await;
        let (_, body) = opened.text.split_once("\r\n\r\n").expect("a body");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        body["id"].as_str().expect("an id").to_owned()
    }

    async fn happens(&mut self, wanted: &Happening) {
        while self.happenings.recv().await.expect("it runs") != *wanted {}
    }
}
