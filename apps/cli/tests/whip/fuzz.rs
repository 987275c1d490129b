//! Requests of strangers at the web servers: the seeds of `fuzz/seeds`, and mutations of them. `cargo xtask fuzz whip_http`
//! does it at length.

use std::fmt::Write;
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use duologue_cli::demo::{self, Demo};
use duologue_cli::whip::Limits;
use duologue_cli::whip::serve::{Options, Serving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::raw::{Client, for_publishers};

/// How long each server is asked where nobody says.
const SECONDS: f64 = 1.0;
/// A request that takes longer hangs.
const ANSWER: Duration = Duration::from_secs(10);
/// How long more is waited for before nothing more is said.
const HANGS_UP: Duration = Duration::from_millis(100);
/// Strangers that ask at the same time.
const AT_ONCE: usize = 8;
/// Between the requests of a seed.
const NEXT: &str = "--next--\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whip_server_answers_whatever_it_is_asked() {
    let limits = Limits {
        requests: u32::MAX / 4,
        viewers: 100_000,
        publishers: 100_000,
        ..Limits::default()
    };
    let options = Options {
        limits,
        overview: true,
        ..for_publishers()
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let serving = Serving::bind(listen, options, Arc::new(drop))
        .await
        .unwrap();
    let authority = serving.authority().to_owned();
    let serves = tokio::spawn(serving.serve(std::future::pending()));
    fuzz("whip_http", &authority, "/whip/live").await;
    serves.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_answers_whatever_it_is_asked() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let demo = Demo::bind(listen, demo::Options::default(), Arc::new(drop));
    let demo = demo.await.unwrap();
    let authority = demo.url().trim_start_matches("http://");
    let authority = authority.trim_end_matches('/').to_owned();
    let serves = tokio::spawn(demo.serve(std::future::pending()));
    fuzz("demo_http", &authority, "/").await;
    serves.abort();
}

/// Asks for so long as `DUOLOGUE_FUZZ_SECONDS` says, or a short while. No answer is an error of the server's own, none
/// takes long, nothing in the server panics, and it answers who asks well in between.
async fn fuzz(target: &str, authority: &str, good: &str) {
    let panics = count_panics();
    let seeds = seeds(target).await;
    let seconds = std::env::var("DUOLOGUE_FUZZ_SECONDS");
    let seconds = seconds.map_or(SECONDS, |text| text.parse().unwrap());
    let seed = match std::env::var("DUOLOGUE_FUZZ_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => std::process::id().into(),
    };
    let mut chance = Chance(seed);
    let begun = Instant::now();
    let mut runs = 0;
    while runs < seeds.len() || begun.elapsed().as_secs_f64() < seconds {
        let batch = (runs..runs + AT_ONCE).map(|run| match seeds.get(run) {
            Some(seed) => (seed.clone(), true),
            None => (mutation(&seeds, &mut chance), false),
        });
        let batch: Vec<(Vec<u8>, bool)> = batch.collect();
        let mut asking = JoinSet::new();
        for (script, is_seed) in batch.clone() {
            let authority = authority.to_owned();
            asking.spawn(async move {
                let wrong = live(&script, is_seed, &authority).await;
                wrong.map(|why| (why, script))
            });
        }
        while let Some(wrong) = asking.join_next().await {
            if let Some((why, script)) = wrong.unwrap() {
                panic!("{why} of\n{}", String::from_utf8_lossy(&script));
            }
        }
        let good = format!("GET {good} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        let answer = ask(authority, good.as_bytes(), true).await;
        let scripts: Vec<_> = batch.into_iter().map(|(script, _)| script).collect();
        let fine = answer.is_some_and(|it| it.starts_with("HTTP/1.1 20"));
        assert!(
            fine && panics.load(Ordering::Relaxed) == 0,
            "{target}, DUOLOGUE_FUZZ_SEED={seed}: after one of\n{}",
            String::from_utf8_lossy(&scripts.join(&b"\n--or--\n"[..]))
        );
        runs += AT_ONCE;
    }
    println!("fuzz: {target:22} {runs:8} runs, {} seeds", seeds.len());
}

/// Panics anywhere but in tests, from the first call on. One hook counts for all: those that stand before each other count
/// twice, and two that are set at the same time may lose one.
fn count_panics() -> &'static AtomicU64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let of_test = info
                .location()
                .is_some_and(|it| it.file().contains("tests/"));
            COUNT.fetch_add(u64::from(!of_test), Ordering::Relaxed);
            before(info);
        }));
    });
    &COUNT
}

/// With what does not depend on a run in its place.
async fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds");
    let files = std::fs::read_dir(Path::new(folder).join(target)).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let offers = [
        ("{publish}", Client::publisher().await.offer),
        ("{play}", Client::viewer().await.offer),
    ];
    let read = |path: &std::path::PathBuf| {
        let mut text = std::fs::read_to_string(path).unwrap();
        for (place, offer) in &offers {
            let plain = offer.replace('\r', "");
            let json = serde_json::to_string(offer).unwrap();
            text = text.replace(&format!("\"{place}\""), &json);
            text = text.replace(place, plain.trim_end());
        }
        text.into_bytes()
    };
    files.iter().map(read).collect()
}

/// Sends the requests of a script, each by a connection of its own. What was wrong with an answer.
async fn live(script: &[u8], is_seed: bool, authority: &str) -> Option<String> {
    let (mut session, mut etag) = (String::from("/session/none"), String::from("\"none\""));
    let mut sessions = Vec::new();
    let mut wrong = None;
    for request in split(script) {
        let request = complete(&request, authority, &session, &etag);
        let whole = is_seed || is_whole(&request);
        let Some(answer) = ask(authority, &request, whole).await else {
            wrong = wrong.or(Some("it does not answer in time".to_owned()));
            continue;
        };
        if is_seed && !answer.starts_with("HTTP/1.") {
            wrong = wrong.or(Some(format!("{answer:?} is no answer")));
        }
        // One that no server can read may be left without an answer.
        let status = answer.split(' ').nth(1).unwrap_or("400");
        // RFC 9110 §15.6: a busy server, a method or a version that it does not know.
        if status.starts_with('5') && !["501", "503", "505"].contains(&status) {
            wrong = wrong.or(Some(answer.clone()));
        }
        if let Some(made) = header(&answer, "location: ") {
            sessions.push(made.to_owned());
            made.clone_into(&mut session);
        } else if let Some((_, rest)) = answer.split_once("\"id\":\"") {
            session = rest.split('"').next().unwrap_or_default().to_owned();
            sessions.push(format!("/api/sessions/{session}/close"));
        }
        if let Some(tag) = header(&answer, "etag: ") {
            tag.clone_into(&mut etag);
        }
    }
    for path in sessions {
        let method = if path.starts_with("/api") {
            "POST"
        } else {
            "DELETE"
        };
        let end = format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        let _ = ask(authority, end.as_bytes(), true).await;
    }
    wrong
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.lines();
    lines.find_map(|line| {
        let (given, value) = line.split_at_checked(name.len())?;
        given.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn split(script: &[u8]) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    let mut rest = script;
    while let Some(at) = rest
        .windows(NEXT.len())
        .position(|it| it == NEXT.as_bytes())
    {
        requests.push(rest[..at].to_vec());
        rest = &rest[at + NEXT.len()..];
    }
    requests.push(rest.to_vec());
    requests
}

/// With the ends of lines that HTTP and SDP have, and what only this run knows.
fn complete(request: &[u8], authority: &str, session: &str, etag: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(request.len() + 64);
    for (at, byte) in request.iter().enumerate() {
        if *byte == b'\n' && (at == 0 || request[at - 1] != b'\r') {
            bytes.push(b'\r');
        }
        bytes.push(*byte);
    }
    let head = bytes.windows(4).position(|it| it == b"\r\n\r\n");
    let length = head.map_or(0, |at| bytes.len() - at - 4).to_string();
    for (place, value) in [
        ("{authority}", authority),
        ("{session}", session),
        ("{etag}", etag),
        ("{length}", &length),
    ] {
        while let Some(at) = bytes
            .windows(place.len())
            .position(|it| it == place.as_bytes())
        {
            bytes.splice(at..at + place.len(), value.bytes());
        }
    }
    bytes
}

/// Whether a server surely has all of a request, and answers without anything more: `false` where that is not sure.
fn is_whole(request: &[u8]) -> bool {
    // RFC 9112 §2.2: empty lines before a request are skipped.
    let request = request.trim_ascii_start();
    let Some(end) = request.windows(4).position(|it| it == b"\r\n\r\n") else {
        return false;
    };
    let body = request.len() - end - 4;
    let Ok(head) = str::from_utf8(&request[..end]) else {
        return false;
    };
    head.lines().skip(1).all(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => value.trim().parse().is_ok_and(|it: usize| it <= body),
            // Whether chunks end, and what comes after another protocol.
            "transfer-encoding" | "upgrade" | "expect" => false,
            _ => true,
        }
    })
}

/// What is answered until the server closes; `None` if it does not. Who has said less than a whole request hangs up after
/// a while, and who has a whole one once nothing more of its answer comes: the connection stays where that is wanted.
async fn ask(authority: &str, request: &[u8], whole: bool) -> Option<String> {
    let asking = async {
        let mut stream = TcpStream::connect(authority).await.unwrap();
        // It may have refused the head already.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        loop {
            let waits = whole && answer.is_empty();
            let reading = stream.read_buf(&mut answer);
            let read = match waits {
                true => Ok(reading.await),
                false => timeout(HANGS_UP, reading).await,
            };
            match read {
                Ok(Ok(1..)) => {}
                Ok(_) => break,
                Err(_) => {
                    let _ = stream.shutdown().await;
                    let _ = stream.read_to_end(&mut answer).await;
                    break;
                }
            }
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    timeout(ANSWER, asking).await.ok()
}

/// Some bytes that are not far from a seed.
fn mutation(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut script = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(script.len() + 1);
        let end = at + chance.below((script.len() - at).min(64) + 1);
        match chance.below(8) {
            0 if at < script.len() => script[at] ^= 1 << chance.below(8),
            1 if at < script.len() => script[at] = b"\0\n: 9-{\"\xff"[chance.below(9)],
            2 => script.truncate(at),
            3 => drop(script.drain(at..end)),
            4 => script.extend_from_within(at..end),
            5 => drop(script.splice(at..at, script[at..end].to_vec())),
            6 => drop(script.splice(at..end, number(chance).into_bytes())),
            _ => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                script.truncate(at);
                script.extend_from_slice(&other[from..]);
            }
        }
    }
    script
}

fn number(chance: &mut Chance) -> String {
    let mut text = String::new();
    let digits = [1, 5, 10, 20, 300][chance.below(5)];
    for _ in 0..digits {
        let _ = write!(text, "{}", chance.below(10));
    }
    text
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}
