//! What the program asks for as a client: RFC 9725 §4 and draft-ietf-wish-whep §4 from the other side. Its requests are
//! read on their way to a server.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::media::{Program, frames};
use crate::raw::{FRAGMENT, PATIENCE, Served, file, for_publishers, line};

/// A request, and what was answered.
#[derive(Clone, Debug)]
struct Exchange {
    method: String,
    head: String,
    body: String,
    answer: String,
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        let mut of_name = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.next().map(|(_, value)| value)
    }

    fn answered(&self, name: &str) -> Option<&str> {
        let mut lines = self.answer.lines();
        lines.find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Stands before a server, changes its answers, and keeps what goes by.
struct Way {
    url: String,
    went: Arc<Mutex<Vec<Exchange>>>,
}

impl Way {
    /// One that adds a line to the heads of answers.
    async fn to(authority: &str, more: &'static str) -> Self {
        let add = move |answer: &str| answer.replacen("\r\n", &format!("\r\n{more}"), 1);
        Self::changing(authority, add).await
    }

    async fn changing(
        authority: &str,
        change: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let change = Arc::new(change);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (went, authority) = (Arc::default(), authority.to_owned());
        let kept: Arc<Mutex<Vec<Exchange>>> = Arc::clone(&went);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, authority) = (kept.clone(), authority.clone());
                let change = change.clone();
                tokio::spawn(async move {
                    let exchange = pass(stream, &authority, &*change).await;
                    kept.lock().expect("nobody panics").push(exchange);
                });
            }
        });
        Way { url, went }
    }

    fn went(&self) -> Vec<Exchange> {
        self.went.lock().expect("nobody panics").clone()
    }
}

/// One exchange; then the connection is closed, so that each has one of its own.
async fn pass(
    mut client: TcpStream,
    authority: &str,
    change: &(impl Fn(&str) -> String + Sync),
) -> Exchange {
    let mut request = Vec::new();
    let head = loop {
        if let Some(end) = request.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
        assert_ne!(client.read_buf(&mut request).await.expect("a request"), 0);
    };
    let text = String::from_utf8(request[..head].to_vec()).expect("a head");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().expect("a number"))
    });
    let length: usize = length.unwrap_or(0);
    while request.len() < head + length {
        assert_ne!(client.read_buf(&mut request).await.expect("a body"), 0);
    }
    let lines = text.lines().skip(1).filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        !["host", "connection"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
            && !line.is_empty()
    });
    let first = text.lines().next().expect("a request line");
    let mut passed = format!("{first}\r\nHost: {authority}\r\nConnection: close\r\n");
    lines.for_each(|line| passed += &format!("{line}\r\n"));
    let body = &request[head..];
    let mut answer = String::new();
    // One that is gone answers nothing.
    if let Ok(mut server) = TcpStream::connect(authority).await {
        let passed = [passed.as_bytes(), b"\r\n", body].concat();
        server.write_all(&passed).await.expect("it reads");
        server.read_to_string(&mut answer).await.expect("an answer");
    }
    let answer = change(&answer);
    // A client that has gone hears nothing.
    let _ = client.write_all(answer.as_bytes()).await;
    Exchange {
        method: first.split(' ').next().unwrap_or_default().to_owned(),
        head: text,
        body: String::from_utf8(body.to_vec()).expect("text"),
        answer,
    }
}

/// An extension that nobody knows (RFC 9725 §4.9).
const EXTENSION: &str = "Link: </ext>; rel=\"urn:ietf:params:whip:ext:example\"\r\n";

#[tokio::test]
async fn a_publisher_asks_for_what_the_rfc_wants_of_clients_and_nothing_else() {
    let served = Served::start(for_publishers()).await;
    let way = Way::to(&served.authority, EXTENSION).await;
    let (url, file) = (format!("{}/whip/live", way.url), file());
    let mut publisher = Program::start(&["whip", "publish", &url, file.to_str().expect("a path")]);
    publisher.told("connected").await;
    assert!(publisher.succeeded().await);

    let went = way.went();
    let [post, .., delete] = &went[..] else {
        panic!("{went:?}");
    };
    // §4.2, §4.4.1, §4.4.2, §4.4.4
    assert_eq!(
        (post.method.as_str(), post.header("Content-Type")),
        ("POST", Some("application/sdp"))
    );
    let offer = &post.body;
    assert_eq!(offer.matches("a=sendonly").count(), 2, "{offer}");
    for absent in ["a=recvonly", "a=sendrecv", "a=inactive", "a=setup:active"] {
        assert!(!offer.contains(absent), "{absent}: {offer}");
    }
    assert_eq!(offer.matches("a=setup:actpass").count(), 2, "{offer}");
    assert_eq!(offer.matches("a=rtcp-mux\r\n").count(), 2, "{offer}");
    assert!(offer.contains("a=group:BUNDLE 0 1"), "{offer}");
    let streams = offer
        .lines()
        .filter_map(|line| line.strip_prefix("a=msid:"));
    let mut streams: Vec<_> = streams.map(|it| it.split(' ').next()).collect();
    assert_eq!(streams.len(), 2, "{offer}");
    streams.dedup();
    assert_eq!(streams.len(), 1, "{offer}");
    assert!(!offer.contains("a=ice-lite"), "{offer}");

    // §4.3.1, §4.3.2: after the answer, with the entity tag that it had, and not of other credentials.
    let patches: Vec<_> = went.iter().filter(|it| it.method == "PATCH").collect();
    assert!(!patches.is_empty(), "{went:?}");
    let location = post.answered("Location").expect("a session");
    for patch in patches {
        assert!(
            patch.head.starts_with(&format!("PATCH {location} ")),
            "{patch:?}"
        );
        assert_eq!(patch.header("Content-Type"), Some(FRAGMENT.1));
        assert_eq!(patch.header("If-Match"), post.answered("ETag"));
        assert_eq!(
            line(&patch.body, "a=ice-ufrag:"),
            line(offer, "a=ice-ufrag:")
        );
        assert!(patch.answer.starts_with("HTTP/1.1 204"), "{patch:?}");
    }
    // §4.2, §4.3.1: it says its end, whatever ICE it has.
    assert!(
        delete.head.starts_with(&format!("DELETE {location} ")),
        "{delete:?}"
    );
    assert_eq!(delete.header("If-Match"), None);
    // §4.7.1: in all requests.
    let bearers = went.iter().map(|it| it.header("Authorization"));
    assert!(
        bearers.into_iter().all(|it| it == Some("Bearer secret")),
        "{went:?}"
    );
}

#[tokio::test]
async fn a_viewer_offers_to_receive_and_says_no_token_that_it_has_not() {
    let served = Served::start(duologue_cli::whip::serve::Options::new(
        duologue_cli::whip::serve::Source::File(file()),
    ))
    .await;
    let way = Way::to(&served.authority, EXTENSION).await;
    let url = format!("{}/whep/live", way.url);
    let mut viewer = Command::new(env!("CARGO_BIN_EXE_duologue"));
    viewer.args(["whep", "play", &url, "--seconds", "0.2"]);
    let output = viewer.env_remove("DUOLOGUE_TOKEN").output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .expect("it ends")
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let went = way.went();
    let post = &went[0];
    assert_eq!(
        (post.method.as_str(), post.header("Content-Type")),
        ("POST", Some("application/sdp"))
    );
    assert_eq!(post.body.matches("a=recvonly").count(), 2, "{}", post.body);
    for absent in ["a=sendonly", "a=inactive"] {
        assert!(!post.body.contains(absent), "{absent}: {}", post.body);
    }
    assert!(
        went.iter().all(|it| it.header("Authorization").is_none()),
        "{went:?}"
    );
    assert_eq!(went.last().map(|it| it.method.as_str()), Some("DELETE"));
}

/// §4.1: a code that nobody knows counts as its class does. draft-ietf-wish-whep §4.3.2: a server that would rather offer
/// itself is told apart.
#[tokio::test]
async fn codes_that_nobody_knows_end_the_call_with_what_the_server_said() {
    for (status, said) in [
        ("499 Odd", "answers 499"),
        ("599 Odder", "answers 599"),
        (
            "406 Not Acceptable\r\nContent-Type: application/sdp",
            "the server wants to make the offer",
        ),
        ("201 Created", "names no session"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!(
            "http://{}/whep/live",
            listener.local_addr().expect("it is bound")
        );
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("it asks");
            let mut request = vec![0; 100_000];
            let _ = stream.read(&mut request).await;
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nwhy");
            let _ = stream.write_all(answer.as_bytes()).await;
            // It reads on, so that nothing is reset before it is read.
            let _ = stream.read_to_end(&mut request).await;
        });
        let mut viewer = Program::start(&["whep", "play", &url]);
        let text = viewer.failed().await;
        assert!(text.contains(said), "{status}: {text}");
    }
}

/// Another place of the same, where nobody listens.
const ELSEWHERE: &str = "Link: <http://127.0.0.1:9/elsewhere>; rel=\"alternate\"\r\n";

#[tokio::test]
async fn who_looks_for_another_server_ends_when_asked_to() {
    let served = Served::start(for_publishers()).await;
    let way = Way::to(&served.authority, ELSEWHERE).await;
    let url = format!("{}/whip/live", way.url);
    let file = file();
    let mut publisher =
        Program::start(&["whip", "publish", &url, file.to_str().unwrap(), "--loop"]);
    publisher.told("connected").await;
    drop(served);
    publisher.told("lost").await;
    publisher.interrupt();
    let published = publisher.told("published").await;
    assert!(published["frames"].is_null(), "{published}");
    assert!(publisher.succeeded().await);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_and_no_other_server_is_asked() {
    let source = duologue_cli::whip::serve::Source::File(file());
    let served = Served::start(duologue_cli::whip::serve::Options::new(source)).await;
    let way = Way::to(&served.authority, ELSEWHERE).await;
    let url = format!("{}/whep/live", way.url);
    let mut viewer = Program::start(&["whep", "play", &url, "--record", "/no/such/folder/x.webm"]);
    let why = viewer.failed().await;
    assert!(why.contains("/no/such/folder/x.webm"), "{why}");
    let went = way.went();
    let posts = went.iter().filter(|it| it.method == "POST");
    assert_eq!(posts.count(), 1, "{went:?}");
}

/// RFC 9429 §5.3.1: an m-section of port zero is rejected, and bundled with none.
fn refuse(answer: &str, kinds: &[&str]) -> String {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return answer.to_owned();
    };
    let mut refused = body.to_owned();
    for section in body.split("\r\nm=").skip(1) {
        let mut words = section.splitn(3, ' ');
        let (kind, port) = (words.next().unwrap(), words.next().unwrap());
        if kinds.contains(&kind) {
            refused = refused.replace(&format!("m={kind} {port} "), &format!("m={kind} 0 "));
            let mid = line(section, "a=mid:").replacen("a=mid:", " ", 1);
            let bundle = line(&refused, "a=group:BUNDLE").to_owned();
            refused = refused.replacen(&bundle, &bundle.replacen(&mid, "", 1), 1);
        }
    }
    let [before, after] = [body, &refused].map(|it| format!("content-length: {}", it.len()));
    format!("{}\r\n\r\n{refused}", head.replace(&before, &after))
}

#[tokio::test]
async fn a_publisher_sends_the_track_that_the_server_takes_and_ends_when_it_takes_none() {
    let served = Served::start(for_publishers()).await;
    let file = file();
    let way = Way::changing(&served.authority, |answer| refuse(answer, &["audio"])).await;
    let url = format!("{}/whip/live", way.url);
    let mut publisher = Program::start(&["whip", "publish", &url, file.to_str().unwrap()]);
    assert_eq!(publisher.told("refused").await["codec"], "audio/opus");
    let published = publisher.told("published").await;
    let sent = published["frames"].as_u64().unwrap();
    assert!(frames(&file).contains(&sent), "{published}");
    assert!(publisher.succeeded().await);

    let all = |answer: &str| refuse(answer, &["audio", "video"]);
    let way = Way::changing(&served.authority, all).await;
    let url = format!("{}/whip/other", way.url);
    let mut publisher = Program::start(&["whip", "publish", &url, file.to_str().unwrap()]);
    let why = publisher.failed().await;
    assert!(why.contains("refuses all tracks"), "{why}");
    assert_eq!(way.went().last().unwrap().method, "DELETE");
}
