//! Media from one program to another.

use std::path::Path;
use std::process::Stdio;

use duologue::files::FileReader;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::raw::{PATIENCE, file};

/// One process; dropping it kills it.
struct Program {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .args(args)
            .arg("--json")
            .env("DUOLOGUE_TOKEN", "secret")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("piped")).lines();
        Program { child, output }
    }

    async fn told(&mut self, event: &str) -> Value {
        let reading = async {
            while let Some(line) = self.output.next_line().await.expect("UTF-8") {
                let line: Value = serde_json::from_str(&line).expect("JSON");
                if line["event"] == event {
                    return line;
                }
            }
            panic!("no {event}");
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .unwrap_or_else(|_| panic!("no {event} in time"))
    }

    async fn succeeded(&mut self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").expect("it was started").success()
    }

    fn interrupt(&self) {
        let id = self.child.id().expect("it runs");
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).expect("not zero");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    }
}

/// How many frames of each track a file has.
fn frames(path: &Path) -> Vec<u64> {
    let mut reader = FileReader::open(path).unwrap();
    let mut counts = vec![0; reader.tracks().len()];
    while let Some(frame) = reader.next_frame().unwrap() {
        counts[frame.track] += 1;
    }
    counts
}

fn counted(played: &Value) -> Vec<u64> {
    let tracks = played["tracks"].as_array().expect("a list");
    tracks
        .iter()
        .map(|track| track["frames"].as_u64().expect("a number"))
        .collect()
}

#[tokio::test]
async fn a_file_is_published_recorded_and_seen_by_two_viewers_until_its_publisher_goes() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("records");
    let mut server = Program::start(&[
        "whip",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--record",
        record.to_str().unwrap(),
    ]);
    let listening = server.told("listening").await;
    let [whip, whep] = [0, 1].map(|n| listening["urls"][n].as_str().expect("a URL").to_owned());
    let mut publisher =
        Program::start(&["whip", "publish", &whip, file().to_str().unwrap(), "--loop"]);
    publisher.told("connected").await;

    let saved = folder.path().join("seen.webm");
    let watch = ["whep", "play", &whep, "--wait", "20"];
    let mut first = Program::start(&[&watch[..], &["--seconds", "2"]].concat());
    let mut second = Program::start(&[&watch[..], &["--record", saved.to_str().unwrap()]].concat());
    let played = first.told("played").await;
    assert!(first.succeeded().await);
    let counts = counted(&played);
    assert_eq!(counts.len(), 2, "{played}");
    assert!(counts.iter().all(|count| *count > 10), "{played}");
    let video = played["tracks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|track| track["codec"] == "video/VP8");
    let video = video.expect("pictures");
    assert!(
        video["key_frames"].as_u64() > Some(0) && video["width"].as_u64() > Some(0),
        "{played}"
    );

    // The publisher goes, and with it what its viewers see; what they saw is in their file.
    publisher.interrupt();
    assert!(publisher.succeeded().await);
    let played = second.told("played").await;
    assert!(second.succeeded().await);
    assert!(counted(&played).iter().all(|count| *count > 10), "{played}");
    assert!(
        frames(&saved).iter().all(|count| *count > 5),
        "{:?}",
        frames(&saved)
    );
    let recorded = server.told("recorded").await;
    assert!(recorded["error"].is_null(), "{recorded}");
    let path = Path::new(recorded["path"].as_str().expect("a path"));
    assert!(frames(path).iter().all(|count| *count > 10), "{recorded}");
    server.interrupt();
    assert!(server.succeeded().await);
}

#[tokio::test]
async fn all_frames_of_a_file_that_is_published_once_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Program::start(&[
        "whip",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--record",
        folder.path().to_str().unwrap(),
    ]);
    let listening = server.told("listening").await;
    let whip = listening["urls"][0].as_str().expect("a URL");
    let mut publisher = Program::start(&["whip", "publish", whip, file().to_str().unwrap()]);
    let published = publisher.told("published").await;
    assert!(publisher.succeeded().await);
    let recorded = server.told("recorded").await;
    let expected = frames(&file());
    assert_eq!(published["frames"], expected.iter().sum::<u64>());
    let mut counts = counted(&recorded);
    let mut expected = expected;
    counts.sort_unstable();
    expected.sort_unstable();
    assert_eq!(counts, expected, "{recorded}");
}

#[tokio::test]
async fn a_file_is_played_to_a_viewer_and_a_wrong_token_or_url_says_what_is_wrong() {
    let mut server = Program::start(&[
        "whep",
        "serve",
        file().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    let listening = server.told("listening").await;
    let whep = listening["urls"][0].as_str().expect("a URL");
    let mut viewer = Program::start(&["whep", "play", whep, "--seconds", "1"]);
    let played = viewer.told("played").await;
    assert!(viewer.succeeded().await);
    assert!(counted(&played).iter().all(|count| *count > 5), "{played}");

    for (url, token, hint) in [
        (whep.to_owned(), "wrong", "is --token right?"),
        (
            whep.replace("/whep/", "/whap/"),
            "secret",
            "is the URL right?",
        ),
        (
            "http://127.0.0.1:1/whep/live".to_owned(),
            "secret",
            "127.0.0.1:1",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .args(["whep", "play", &url, "--token", token])
            .output();
        let output = tokio::time::timeout(PATIENCE, output)
            .await
            .expect("it ends")
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(text.contains(hint), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
