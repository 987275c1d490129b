//! The program itself, in processes of its own: two that call each other, and one that calls the
//! demo. What one end says is looked for at the other.

mod files;
mod program;
mod rooms;

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use duologue::codec::{AudioData, pattern, tone};
use duologue::devices::{
    Backend, FileDevices, FileFormat, FileSource, LocalTrack, MediaDevices, MediaStreamConstraints,
    Y4mWriter,
};
use duologue_coturn::{Coturn, PASSWORD, USER};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use program::{PATIENCE, Program, connected, negotiated, text};

#[tokio::test]
async fn two_programs_connect_by_pasting_and_talk() {
    let [mut caller, mut answerer] = connected(&["--loopback"]).await;
    caller.write("grüß dich").await;
    assert_eq!(answerer.hear().await, "grüß dich");
    answerer.write("selber").await;
    assert_eq!(caller.hear().await, "selber");
    let works = |pair: &Value| pair["state"] == "succeeded";
    assert!(caller.stats("candidate-pair").any(works));
    // The caller hangs up, and the other one notices.
    caller.interrupt();
    answerer.told("ended").await;
    assert!(caller.succeeded().await && answerer.succeeded().await);
}

#[tokio::test]
async fn two_programs_measure_what_arrives_at_the_far_end() {
    let caller = ["call", "--json", "--loopback", "--seconds", "0.5"];
    let answerer = ["call", "--json", "--loopback", "--answer"];
    let [mut caller, mut answerer] = negotiated(&caller, &answerer).await;
    let measured = caller.told("measured").await;
    for figure in ["rtt_p50_us", "sent_bytes", "received_bytes"] {
        assert!(
            measured[figure].as_f64() > Some(0.0),
            "{figure}: {measured}"
        );
    }
    assert!(caller.succeeded().await);
    answerer.told("ended").await;
    assert!(answerer.succeeded().await);
}

/// The numbers in a recorded file's pictures, or how high the tone in it is.
async fn recorded(path: &Path) -> (Vec<u16>, f64) {
    let files = FileDevices::new();
    files
        .add(FileSource::path(path).expect("its name"))
        .expect("it can be read");
    let asked = match FileFormat::of_path(path) {
        Some(FileFormat::Wav) => MediaStreamConstraints::new(true, false),
        _ => MediaStreamConstraints::new(false, true),
    };
    let devices = MediaDevices::new([Arc::new(files) as Arc<dyn Backend>]);
    let stream = devices.get_user_media(&asked).await.expect("it plays");
    let (mut numbers, mut samples) = (Vec::new(), Vec::new());
    if let Some(mut pictures) = stream.video_track().and_then(LocalTrack::video) {
        while let Some(picture) = pictures.recv().await {
            numbers.extend(pattern::number(&picture));
        }
    }
    let Some(mut sound) = stream.audio_track().and_then(LocalTrack::audio) else {
        return (numbers, 0.0);
    };
    while let Some(data) = sound.recv().await {
        let channels = usize::from(data.channels());
        samples.extend(data.samples().chunks_exact(channels).map(|it| it[0]));
    }
    // It begins with the silence before the first packet.
    let later = samples.split_off(samples.len() / 2);
    let heard = AudioData::new(later.into(), 48_000, 1).expect("sound");
    (numbers, tone::frequency(&heard).unwrap_or(0.0))
}

#[tokio::test]
async fn two_programs_see_and_hear_each_other_and_what_came_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let [seen, heard] = ["seen.y4m", "heard.wav"].map(|name| folder.path().join(name));
    let [seen_name, heard_name] = [&seen, &heard].map(|path| path.to_str().expect("a name"));
    let media = ["--json", "--loopback", "--test-pattern", "--record"];
    let caller = [&["call", "--seconds", "1"], &media[..], &[seen_name]].concat();
    let answerer = [&["call", "--answer"], &media[..], &[heard_name]].concat();
    let [mut caller, mut answerer] = negotiated(&caller, &answerer).await;
    let came = caller.told("came").await;
    assert!(
        came["codec"].as_str().is_some_and(|it| !it.is_empty()),
        "{came}"
    );
    assert!(caller.succeeded().await);
    answerer.told("ended").await;
    assert!(answerer.succeeded().await);

    let (numbers, _) = recorded(&seen).await;
    assert!(numbers.len() > 5 && numbers.is_sorted(), "{numbers:?}");
    assert!(numbers.last() > numbers.first(), "{numbers:?}");
    let (_, hertz) = recorded(&heard).await;
    assert!((hertz - 440.0).abs() < 5.0, "{hertz}");
}

/// A film of so many pictures with their numbers, 30 a second.
fn film(path: &Path, pictures: u16) {
    let mut file = Y4mWriter::new(std::fs::File::create(path).expect("a file"), 30);
    for number in 0..pictures {
        let picture = pattern::draw(number, 320, 240).expect("a picture");
        let at = Duration::from_micros(33_333) * number.into();
        file.write(&picture.at(at)).expect("it is written");
    }
    file.finish().expect("it is written");
}

#[tokio::test]
async fn a_file_begins_when_the_connection_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let [clip, seen] = ["clip.y4m", "seen.y4m"].map(|name| folder.path().join(name));
    film(&clip, 10);
    let [clip, seen_name] = [&clip, &seen].map(|path| path.to_str().expect("a name"));
    let caller = ["call", "--json", "--loopback", "--file", clip];
    let answerer = ["call", "--json", "--loopback", "--answer", "--record"];
    let answerer = [&answerer[..], &[seen_name]].concat();
    let [mut caller, mut answerer] = negotiated(&caller, &answerer).await;
    // Those of the pair that works are told first.
    caller.told("stats").await;
    let note = caller.told("note").await;
    assert!(text(&note).starts_with("sends "), "{note}");
    assert!(caller.succeeded().await && answerer.succeeded().await);
    let (numbers, _) = recorded(&seen).await;
    assert!(!numbers.is_empty() && numbers.is_sorted(), "{numbers:?}");
}

#[tokio::test]
async fn a_file_is_sent_to_the_demo_and_what_comes_back_is_recorded_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let [clip, back] = ["clip.y4m", "back.webm"].map(|name| folder.path().join(name));
    film(&clip, 60);

    let mut demo = Program::start(&["demo", "--json", "--listen", "127.0.0.1:0"]);
    let listening = demo.told("listening").await;
    let url = listening["url"].as_str().expect("a URL");
    let [clip, back_name] = [&clip, &back].map(|path| path.to_str().expect("a name"));
    let call = [
        "call", "--json", "--url", url, "--file", clip, "--record", back_name,
    ];
    let mut caller = Program::start(&call);
    // It hangs up by itself at the end of the file.
    assert!(caller.succeeded().await);
    let mut file = duologue::files::FileReader::open(&back).expect("a file");
    let mut frames = 0;
    while file.next_frame().expect("it is whole").is_some() {
        frames += 1;
    }
    assert!(frames > 5, "{frames}");
    demo.interrupt();
    assert!(demo.succeeded().await);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_a_reason() {
    for (options, why) in [
        (&["--camera=nowhere"][..], "there is no such device"),
        (
            &["--file", "/nowhere/clip.y4m"],
            "there is no /nowhere/clip.y4m",
        ),
        (&["--file", "clip.avi"], "--format says what is in it"),
        (&["--file", "-", "--format", "y4m"], "- goes with --url"),
        (&["--test-pattern", "--camera"], "cannot be used with"),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_duologue"));
        let done = program
            .arg("call")
            .args(options)
            .stdin(Stdio::null())
            .output();
        let done = done.await.expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            !done.status.success() && said.contains(why),
            "{options:?}: {said}"
        );
    }
}

/// It takes as long as consent lasts (RFC 7675 §5.1: 30 s).
#[tokio::test]
async fn a_call_ends_when_the_other_side_is_gone_without_a_word() {
    let [mut caller, mut answerer] = connected(&["--loopback"]).await;
    caller.child.kill().await.expect("it runs");
    while answerer.told("connectionstatechange").await["state"] != "disconnected" {}
    let failure = answerer.told("icefailure").await;
    assert_eq!(text(&failure), "no pair works: consent was lost");
    assert!(!answerer.succeeded().await);
}

#[tokio::test]
async fn a_program_calls_the_demo_over_http() {
    let mut demo = Program::start(&["demo", "--json", "--listen", "127.0.0.1:0"]);
    let listening = demo.told("listening").await;
    let url = listening["url"].as_str().expect("a URL");
    let mut caller = Program::start(&["call", "--json", "--url", url]);
    assert_eq!(
        caller.hear().await,
        "Hello from Rust. Say something, or /help."
    );
    caller.write("/shout hello").await;
    assert_eq!(caller.hear().await, "HELLO");
    let mut meter = Program::start(&["call", "--json", "--url", url, "--seconds", "0.2"]);
    let measured = meter.told("measured").await;
    assert!(measured["sent_bytes"].as_u64() > Some(0), "{measured}");
    assert!(meter.succeeded().await);
    assert_eq!(demo.told("closed").await["call"], 2);
    caller.interrupt();
    assert!(caller.succeeded().await);
    assert_eq!(demo.told("closed").await["call"], 1);
    demo.interrupt();
    assert!(demo.succeeded().await);
}

#[tokio::test]
async fn a_demo_that_ends_says_so_to_who_calls_it() {
    let mut demo = Program::start(&["demo", "--json", "--listen", "127.0.0.1:0"]);
    let listening = demo.told("listening").await;
    let url = listening["url"].as_str().expect("a URL");
    let mut caller = Program::start(&["call", "--json", "--url", url]);
    caller.hear().await;
    demo.interrupt();
    assert!(demo.succeeded().await);
    caller.told("ended").await;
    assert!(caller.succeeded().await);
}

#[tokio::test]
async fn a_demo_for_other_machines_is_called_over_https_by_its_hash() {
    let mut demo = Program::start(&["demo", "--json", "--listen", "0.0.0.0:0"]);
    let listening = demo.told("listening").await;
    let hash = listening["certificate"].as_str().expect("a hash");
    let urls = listening["urls"].as_array().expect("a list");
    let url = urls.last().and_then(Value::as_str).expect("this machine's");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let options = ["call", "--json", "--url", url, "--cert-hash"];
    let mut caller = Program::start(&[&options[..], &[hash]].concat());
    assert_eq!(
        caller.hear().await,
        "Hello from Rust. Say something, or /help."
    );
    caller.interrupt();
    assert!(caller.succeeded().await);
    // A stranger's certificate, and one that nobody known has issued.
    let wrong = "00".repeat(32);
    for options in [&[&options[..], &[&wrong]].concat()[..], &options[..4]] {
        let mut caller = Program::start(options);
        assert!(!caller.succeeded().await, "{options:?}");
    }
}

#[tokio::test]
async fn relay_only_talks_through_the_turn_server_and_nothing_else() {
    let coturn = Coturn::start(&[]).expect("coturn: apt-get install coturn");
    for transport in ["udp", "tcp", "tls"] {
        relayed(&coturn, transport).await;
    }
}

async fn relayed(coturn: &Coturn, transport: &str) {
    let server = server(coturn, transport, PASSWORD);
    let mut roots = NamedTempFile::new().expect("a file");
    let written = roots.write_all(coturn.roots().as_bytes());
    written.expect("room for it");
    let path = roots.path().to_str().expect("UTF-8");
    let options = ["--loopback", "--relay-only", "--ice-server", &server];
    let [mut caller, mut answerer] =
        connected(&[&options[..], &["--tls-roots", path]].concat()).await;
    caller.write("by way of coturn").await;
    assert_eq!(answerer.hear().await, "by way of coturn");
    for program in [&caller, &answerer] {
        let said = |s: &Value| [&s["candidateType"], &s["relayProtocol"]].map(Value::to_string);
        let locals: Vec<_> = program.stats("local-candidate").map(said).collect();
        let expected = ["\"relay\"".to_owned(), format!("{transport:?}")];
        assert!(!locals.is_empty());
        assert!(locals.iter().all(|local| *local == expected), "{locals:?}");
    }
}

#[tokio::test]
async fn two_programs_talk_without_udp() {
    let [mut caller, mut answerer] = connected(&["--loopback", "--no-udp"]).await;
    caller.write("by TCP").await;
    assert_eq!(answerer.hear().await, "by TCP");
    let mut locals = caller.stats("local-candidate");
    assert!(locals.all(|local| local["protocol"] == "tcp"));
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_there_is_an_offer_all_the_same() {
    let coturn = Coturn::start(&[]).expect("coturn: apt-get install coturn");
    let server = server(&coturn, "udp", "wrong");
    let options = [
        "call",
        "--json",
        "--loopback",
        "--relay-only",
        "--ice-server",
        &server,
    ];
    let mut caller = Program::start(&options);
    let error = caller.told("icecandidateerror").await;
    assert_eq!(error["errorCode"], 401, "{error}");
    caller.told("description").await;
}

#[tokio::test]
async fn a_turn_server_that_is_not_there_is_in_the_first_lines_of_the_log() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("it is bound");
    drop(nobody);
    let server = format!("turn:{USER}:{PASSWORD}@{address}?transport=tcp");
    let mut child = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(["call", "-v", "--loopback", "--ice-server", &server])
        .env_remove("DUOLOGUE_LOG")
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let stderr = child.stderr.take().expect("piped");
    let mut lines = BufReader::new(stderr).lines();
    let mut first = Vec::new();
    // A machine has an address or some, and each is two lines.
    while first.len() < 60
        && let Ok(Ok(Some(line))) = tokio::time::timeout(PATIENCE, lines.next_line()).await
    {
        first.push(line);
        if first.last().is_some_and(|line| line.contains("paste this")) {
            break;
        }
    }
    let cause = "ICE server 0 (turn): no candidate: 701 \"the connection was refused\"";
    let text = first.join("\n");
    assert!(text.contains(cause), "{text}");
}

fn server(coturn: &Coturn, transport: &str, password: &str) -> String {
    let url = coturn.url(transport);
    let (scheme, host) = url.split_once(':').expect("a URL");
    format!("{scheme}:{USER}:{password}@{host}")
}
