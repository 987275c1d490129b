//! Two programs that find each other by the name of a room.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::program::Program;

async fn rooms(listen: &str) -> (Program, String, Option<String>) {
    let mut rooms = Program::start(&["rooms", "--json", "--listen", listen]);
    let listening = rooms.told("listening").await;
    let urls = listening["urls"].as_array().expect("a list");
    let url = urls.last().and_then(Value::as_str).expect("this machine's");
    let hash = listening["certificate"].as_str().map(ToOwned::to_owned);
    (rooms, url.to_owned(), hash)
}

#[tokio::test]
async fn two_programs_that_name_the_same_room_talk_and_the_next_two_find_it_empty() {
    let (mut rooms, url, _) = rooms("127.0.0.1:0").await;
    let call = ["call", "--json", "--room", "kitchen", "--server", &url];
    for _ in 0..2 {
        let mut first = Program::start(&call);
        first.told("waiting").await;
        let mut second = Program::start(&call);
        first.told("stats").await;
        second.told("stats").await;
        second.write("hello").await;
        assert_eq!(first.hear().await, "hello");
        first.write("hello yourself").await;
        assert_eq!(second.hear().await, "hello yourself");
        first.interrupt();
        assert!(first.succeeded().await && second.succeeded().await);
    }
    rooms.interrupt();
    assert!(rooms.succeeded().await);
}

#[tokio::test]
async fn a_room_beyond_this_machine_is_reached_over_https_by_its_hash() {
    let (_rooms, url, hash) = rooms("0.0.0.0:0").await;
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let hash = hash.expect("a certificate");
    let call = [
        "call",
        "--json",
        "--room",
        "x",
        "--server",
        &url,
        "--cert-hash",
        &hash,
    ];
    let mut first = Program::start(&call);
    first.told("waiting").await;
    let mut second = Program::start(&call);
    second.told("stats").await;
    second.write("hello").await;
    assert_eq!(first.hear().await, "hello");
    let mut stranger = Program::start(&call[..6]);
    assert!(!stranger.succeeded().await);
}

/// One request by hand, with the status and the body of its answer.
async fn ask(url: &str, request: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(authority).await.expect("it listens");
    let len = body.len();
    let mut text = format!("{request} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len}\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        text += &format!("Host: {authority}\r\n");
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let text = format!("{text}\r\n{body}");
    stream.write_all(text.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    (status.expect("a status"), body.to_owned())
}

const JSON: (&str, &str) = ("Content-Type", "application/json");
const ENTER: &str = "POST /api/rooms/kitchen";

#[tokio::test]
async fn who_waits_in_a_room_is_not_kept_by_one_who_looks_in_and_goes() {
    let (_rooms, url, _) = rooms("127.0.0.1:0").await;
    let call = ["call", "--json", "--room", "kitchen", "--server", &url];
    let mut first = Program::start(&call);
    first.told("waiting").await;
    let (_, entered) = ask(&url, ENTER, &[JSON], "{}").await;
    let entered: Value = serde_json::from_str(&entered).expect("JSON");
    assert_eq!(entered["first"], false);
    // A third finds it full, and says so.
    assert_eq!(ask(&url, ENTER, &[JSON], "{}").await.0, 409);
    let seat = entered["seat"].as_str().expect("a seat");
    let left = ask(&url, &format!("DELETE /api/seats/{seat}"), &[], "").await;
    assert_eq!(left.0, 204);

    let mut second = Program::start(&call);
    second.told("stats").await;
    second.write("hello").await;
    assert_eq!(first.hear().await, "hello");
}

#[tokio::test]
async fn pages_of_others_and_other_names_have_no_business_in_rooms() {
    let (_rooms, url, _) = rooms("127.0.0.1:0").await;
    for (headers, status) in [
        (&[JSON, ("Origin", "https://evil.example")][..], 403),
        (&[JSON, ("Host", "evil.example")], 403),
        // What a form of another page could send.
        (&[("Content-Type", "text/plain")], 415),
        (&[JSON], 200),
    ] {
        let answer = ask(&url, ENTER, headers, "{}").await;
        assert_eq!(answer.0, status, "{headers:?}: {answer:?}");
    }
    let answer = ask(&url, "POST /api/rooms/a%20b", &[JSON], "{}").await;
    assert_eq!(answer.0, 400, "{answer:?}");
}
