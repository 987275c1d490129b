//! Media from one program to another.

use std::path::Path;
use std::process::Stdio;

use duologue::files::FileReader;
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::raw::{PATIENCE, file};

/// One process; dropping it kills it.
pub(crate) struct Program {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .args(args)
            .arg("--json")
            .env("DUOLOGUE_TOKEN", "secret")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("piped")).lines();
        Program { child, output }
    }

    /// A server at any port of this machine, and the URLs that it tells.
    pub(crate) async fn serve(args: &[&str]) -> (Self, Vec<String>) {
        let mut server = Self::start(&[args, &["--listen", "127.0.0.1:0"]].concat());
        let listening = server.told("listening").await;
        let urls = listening["urls"].as_array().expect("a list");
        let urls = urls.iter().map(|url| url.as_str().expect("a URL"));
        (server, urls.map(str::to_owned).collect())
    }

    pub(crate) async fn told(&mut self, event: &str) -> Value {
        self.reads(event, None).await
    }

    /// As [`told`](Self::told), and nothing of another kind before.
    pub(crate) async fn told_but(&mut self, event: &str, not: &str) -> Value {
        self.reads(event, Some(not)).await
    }

    async fn reads(&mut self, event: &str, not: Option<&str>) -> Value {
        let reading = async {
            while let Some(line) = self.output.next_line().await.expect("UTF-8") {
                let line: Value = serde_json::from_str(&line).expect("JSON");
                assert!(not.is_none_or(|not| line["event"] != not), "{line}");
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

    /// Without a word to anybody.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }

    pub(crate) async fn succeeded(&mut self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").expect("it was started").success()
    }

    /// What it says of its failure.
    pub(crate) async fn failed(&mut self) -> String {
        assert!(!self.succeeded().await);
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        let reading = tokio::time::timeout(PATIENCE, stderr.read_to_string(&mut text));
        reading.await.expect("it ended").expect("UTF-8");
        text
    }

    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it runs");
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).expect("not zero");
        rustix::process::kill_process(pid, signal).expect("it runs");
    }
}

/// How many frames of each track a file has.
pub(crate) fn frames(path: &Path) -> Vec<u64> {
    let mut reader = FileReader::open(path).unwrap();
    let mut counts = vec![0; reader.tracks().len()];
    while let Some(frame) = reader.next_frame().unwrap() {
        counts[frame.track] += 1;
    }
    counts
}

pub(crate) fn counted(played: &Value) -> Vec<u64> {
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
    let record = ["whip", "serve", "--record", record.to_str().unwrap()];
    let (mut server, urls) = Program::serve(&record).await;
    let [whip, whep] = [0, 1].map(|n| urls[n].as_str());
    let mut publisher =
        Program::start(&["whip", "publish", whip, file().to_str().unwrap(), "--loop"]);
    publisher.told("connected").await;

    let saved = folder.path().join("seen.webm");
    let watch = ["whep", "play", whep, "--wait", "20"];
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
    let record = ["whip", "serve", "--record", folder.path().to_str().unwrap()];
    let (mut server, urls) = Program::serve(&record).await;
    let whip = urls[0].as_str();
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

/// An IVF file of pretended VP8: a second of small frames, then one of so many bytes.
fn ending_with(bytes: usize) -> Vec<u8> {
    let frames: Vec<Vec<u8>> = (0..30)
        .map(|number| match number {
            0 => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
            29 => [&[0x11, 0, 0][..], &vec![7; bytes]].concat(),
            _ => vec![0x11, 0, 0, 7],
        })
        .collect();
    let mut file = b"DKIF\0\0\x20\0VP80\x80\x02\xe0\x01".to_vec();
    for number in [30_u32, 1, 30, 0] {
        file.extend(number.to_le_bytes());
    }
    for (time, frame) in (0_u64..).zip(frames) {
        let length = u32::try_from(frame.len()).expect("short");
        file.extend(length.to_le_bytes());
        file.extend(time.to_le_bytes());
        file.extend(frame);
    }
    file
}

#[tokio::test]
async fn a_last_frame_that_takes_its_time_arrives_before_the_session_ends() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.ivf");
    std::fs::write(&large, ending_with(400_000)).unwrap();
    let record = ["whip", "serve", "--record", folder.path().to_str().unwrap()];
    let (mut server, urls) = Program::serve(&record).await;
    let whip = urls[0].as_str();
    let mut publisher = Program::start(&["whip", "publish", whip, large.to_str().unwrap()]);
    assert!(publisher.succeeded().await);
    let recorded = server.told("recorded").await;
    assert_eq!(counted(&recorded), [30], "{recorded}");
}

#[tokio::test]
async fn a_server_that_is_ended_completes_its_records_first() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let record = ["whip", "serve", "--record", folder.path().to_str().unwrap()];
        let (mut server, urls) = Program::serve(&record).await;
        let [whip, whep] = [0, 1].map(|n| urls[n].as_str());
        let file = file().with_extension("mp4");
        let mut publisher =
            Program::start(&["whip", "publish", whip, file.to_str().unwrap(), "--loop"]);
        publisher.told("connected").await;
        let mut viewer = Program::start(&["whep", "play", whep, "--seconds", "1"]);
        assert!(viewer.succeeded().await);

        server.signal(signal);
        let recorded = server.told("recorded").await;
        assert!(server.succeeded().await);
        assert!(recorded["error"].is_null(), "{recorded}");
        let path = Path::new(recorded["path"].as_str().expect("a path"));
        // To the last picture; sound before the first one is not in it.
        let codec = recorded["tracks"][0]["codec"].as_str();
        assert_eq!(codec, Some("video/H264"), "{recorded}");
        let counts = counted(&recorded);
        assert!(counts.iter().all(|count| *count > 5), "{recorded}");
        assert_eq!(frames(path)[0], counts[0]);
        let why = publisher.failed().await;
        assert!(why.contains("the server ended the session"), "{why}");
    }
}

#[tokio::test]
async fn a_file_that_breaks_while_it_is_published_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.webm");
    std::fs::copy(file(), &broken).unwrap();
    let (_server, urls) = Program::serve(&["whip", "serve"]).await;
    let whip = urls[0].as_str();
    let broken = broken.to_str().unwrap();
    let mut publisher = Program::start(&["whip", "publish", whip, broken, "--loop"]);
    publisher.told("connected").await;
    let half = std::fs::metadata(broken).unwrap().len() / 2;
    let opened = std::fs::OpenOptions::new().write(true).open(broken);
    opened.unwrap().set_len(half).unwrap();
    let why = publisher.failed().await;
    assert!(why.contains("broken.webm"), "{why}");
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own_is_known_by_its_hash() {
    let mut server = Program::start(&[
        "whep",
        "serve",
        file().to_str().unwrap(),
        "--listen",
        "0.0.0.0:0",
    ]);
    let listening = server.told("listening").await;
    let urls = listening["urls"].as_array().expect("a list");
    let here = urls.iter().filter_map(Value::as_str);
    let mut here = here.filter(|url| url.starts_with("https://127.0.0.1:"));
    let watch = ["whep", "play", here.next().expect("here"), "--seconds", "1"];
    let why = Program::start(&watch).failed().await;
    assert!(why.contains("--cert-hash"), "{why}");
    let hash = listening["certificate"].as_str().expect("a hash");
    let mut viewer = Program::start(&[&watch[..], &["--cert-hash", hash]].concat());
    assert!(viewer.succeeded().await);
}

#[tokio::test]
async fn a_viewer_whose_file_breaks_is_told_of_by_the_server_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.webm");
    std::fs::copy(file(), &broken).unwrap();
    let path = broken.to_str().unwrap();
    let (mut server, urls) = Program::serve(&["whep", "serve", path]).await;
    let whep = urls[0].as_str();
    let mut viewer = Program::start(&["whep", "play", whep]);
    viewer.told("connected").await;
    let half = std::fs::metadata(&broken).unwrap().len() / 2;
    let opened = std::fs::OpenOptions::new().write(true).open(&broken);
    opened.unwrap().set_len(half).unwrap();
    let ended = server.told("ended").await;
    let reason = ended["reason"].as_str().expect("a text");
    assert!(reason.contains("broken.webm"), "{ended}");
    viewer.told("played").await;
}

#[tokio::test]
async fn a_file_is_played_to_a_viewer_and_a_wrong_token_or_url_says_what_is_wrong() {
    let file = file();
    let (_server, urls) = Program::serve(&["whep", "serve", file.to_str().unwrap()]).await;
    let whep = urls[0].as_str();
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
