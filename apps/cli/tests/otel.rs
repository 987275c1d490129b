//! Connections as traces, at a collector of OpenTelemetry that is this test: `cargo test -p duologue-cli --features otel
//! --test otel`.
#![allow(clippy::unwrap_used, reason = "a failure is a failure")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use serde_json::Value;

/// One request of OTLP/HTTP: where it goes, and its body.
fn request(stream: TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    reader.into_inner().write_all(answer.as_bytes()).ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}

#[test]
fn a_collector_gets_each_connection_with_its_transport_and_the_changes_of_their_states() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let collecting = thread::spawn(move || {
        let requests = collector.incoming().map_while(Result::ok);
        // The last one is of this test.
        let requests = requests.map(request).take_while(Option::is_some);
        requests.flatten().collect::<Vec<_>>()
    });
    let done = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(["loopback", "--seconds", "0.2", "--json"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{errors}");
    drop(TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap());
    let requests = collecting.join().unwrap();

    let mut spans: Vec<Value> = Vec::new();
    for (path, body) in requests {
        assert_eq!(path, "/v1/traces");
        for resource in body["resourceSpans"].as_array().unwrap() {
            let attributes = resource["resource"]["attributes"].to_string();
            assert!(attributes.contains("\"duologue\""), "{attributes}");
            for scope in resource["scopeSpans"].as_array().unwrap() {
                spans.extend(scope["spans"].as_array().unwrap().iter().cloned());
            }
        }
    }
    let named = |name: &str| {
        let named = spans.iter().filter(|span| span["name"] == name);
        named.cloned().collect::<Vec<_>>()
    };
    let (connections, transports) = (named("connection"), named("transport"));
    assert!(connections.len() >= 2 && transports.len() >= 2, "{spans:?}");
    for transport in &transports {
        let is_parent = |it: &&Value| it["spanId"] == transport["parentSpanId"];
        assert!(connections.iter().any(|it| is_parent(&it)), "{transport}");
        // Such as `checking -> connected`.
        let events = transport["events"].to_string();
        assert!(events.contains("connected"), "{events}");
    }
}
