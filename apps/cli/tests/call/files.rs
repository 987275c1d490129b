//! Files through `call`: between two programs, and between one and an end of ours that keeps to no rules.

use std::path::Path;
use std::process::Stdio;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use duologue::{
    Configuration, DataChannel, Endpoint, Event, IceGatheringState, Message, PeerConnection,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::program::{Program, negotiated, text};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn name(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Bytes that are not the same anywhere.
fn content(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    bytes.take(len).collect()
}

fn sha256(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The names in a folder, parts too.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_go_both_ways_with_their_checksums_and_the_call_ends_by_itself() {
    let [here, there, from_caller, from_answerer] = [(); 4].map(|()| folder());
    let bytes = content(3_000_001);
    let sent = ["Grüße, 世界 -1.bin", "empty"].map(|it| here.path().join(it));
    std::fs::write(&sent[0], &bytes).expect("room");
    std::fs::write(&sent[1], "").expect("room");
    let back = there.path().join("back.txt");
    std::fs::write(&back, "hello").expect("room");
    // A name that is taken stays what it is.
    std::fs::write(from_caller.path().join("empty"), "mine").expect("room");

    let caller = [
        "call",
        "--json",
        "--loopback",
        "--send",
        name(&sent[0]),
        "--send",
        name(&sent[1]),
        "--receive",
        name(from_answerer.path()),
    ];
    let answerer = [
        "call",
        "--json",
        "--loopback",
        "--answer",
        "--send",
        name(&back),
        "--receive",
        name(from_caller.path()),
    ];
    let [mut caller, mut answerer] = negotiated(&caller, &answerer).await;
    let mut told = [Vec::new(), Vec::new()];
    for (program, told) in [&mut caller, &mut answerer].into_iter().zip(&mut told) {
        for _ in 0..3 {
            told.push(program.told("file").await);
        }
        assert!(program.succeeded().await);
    }
    let hash = sha256(&bytes);
    for (told, how) in told.iter().zip(["sent", "received"]) {
        let big = told
            .iter()
            .find(|it| it["name"] == "Grüße, 世界 -1.bin")
            .expect("it is told");
        assert_eq!((&big["how"], &big["sha256"]), (&json!(how), &json!(hash)));
    }

    let folder = from_caller.path();
    assert_eq!(
        std::fs::read(folder.join("Grüße, 世界 -1.bin")).expect("it is there"),
        bytes
    );
    assert_eq!(
        std::fs::read(folder.join("empty")).expect("it is there"),
        b"mine"
    );
    assert_eq!(
        std::fs::read(folder.join("empty (1)")).expect("it is there"),
        b""
    );
    assert_eq!(names(folder).len(), 3);
    let there = from_answerer.path().join("back.txt");
    assert_eq!(std::fs::read(there).expect("it is there"), b"hello");
}

#[tokio::test]
async fn who_takes_no_files_says_so_and_both_ends_know() {
    let here = folder();
    let file = here.path().join("a.txt");
    std::fs::write(&file, "hello").expect("room");
    let caller = ["call", "--json", "--loopback", "--send", name(&file)];
    let answerer = ["call", "--json", "--loopback", "--answer"];
    let [mut caller, mut answerer] = negotiated(&caller, &answerer).await;
    let told = caller.told("file").await;
    assert_eq!(told["how"], "refused", "{told}");
    assert!(text(&told).contains("--receive FOLDER"), "{told}");
    assert!(!caller.succeeded().await);
    assert!(answerer.succeeded().await);
}

/// An end of ours, connected to the program as who answers it.
struct Far {
    pc: PeerConnection,
    _endpoint: Endpoint,
    events: duologue::Events,
}

impl Far {
    /// Answers a program that calls.
    async fn answer(program: &mut Program) -> Self {
        let endpoint = Endpoint::builder()
            .loopback(true)
            .build()
            .expect("it is made");
        let (pc, events) = endpoint
            .connection(Configuration::default())
            .expect("it is made");
        let mut far = Far {
            pc,
            _endpoint: endpoint,
            events,
        };
        let offer = program.told("description").await;
        let offer = BASE64.decode(text(&offer)).expect("base64");
        let offer = serde_json::from_slice(&offer).expect("a description");
        far.pc
            .set_remote_description(offer)
            .await
            .expect("an offer");
        far.pc.set_local_description(None).await.expect("an answer");
        while far.pc.ice_gathering_state() != IceGatheringState::Complete {
            far.events.recv().await.expect("it gathers");
        }
        let answer = far.pc.local_description().expect("an answer");
        program
            .write(&BASE64.encode(serde_json::to_vec(&answer).expect("JSON")))
            .await;
        far
    }

    /// The channel that the program sends its files on.
    async fn files(&mut self) -> DataChannel {
        loop {
            match self.events.recv().await.expect("it connects") {
                Event::DataChannel(channel) if channel.label() == "files" => return channel,
                _ => {}
            }
        }
    }

    /// A channel for files to the program.
    async fn sender(&self) -> DataChannel {
        let channel = self
            .pc
            .create_data_channel("files", Default::default())
            .expect("it is open");
        channel.opened().await.expect("it opens");
        channel
    }
}

async fn say(channel: &DataChannel, word: Value) {
    channel
        .send_text(word.to_string())
        .await
        .expect("it is open");
}

/// The next word that is no progress.
async fn hear(channel: &DataChannel) -> Value {
    loop {
        let Some(Message::Text(text)) = channel.recv().await else {
            panic!("the channel is closed");
        };
        let word: Value = serde_json::from_str(&text).expect("JSON");
        if word["op"] != "got" {
            return word;
        }
    }
}

async fn offer(channel: &DataChannel, name: &str, size: usize, sha256: &str) -> Value {
    say(
        channel,
        json!({ "op": "offer", "name": name, "size": size, "sha256": sha256 }),
    )
    .await;
    hear(channel).await
}

fn receiver(folder: &Path, more: &[&str]) -> Program {
    let receive = ["call", "--json", "--loopback", "--receive", name(folder)];
    Program::start(&[&receive[..], more].concat())
}

/// Every chunk, as the program sends them.
async fn give(channel: &DataChannel, bytes: &[u8]) {
    for chunk in bytes.chunks(65_536) {
        channel.send(chunk.to_vec()).await.expect("it is open");
    }
}

#[tokio::test]
async fn a_receiver_that_was_killed_goes_on_where_it_was() {
    let (folder, bytes) = (folder(), content(5_000_000));
    let hash = sha256(&bytes);
    let mut program = receiver(folder.path(), &[]);
    let mut far = Far::answer(&mut program).await;
    let channel = far.sender().await;
    assert_eq!(offer(&channel, "big", bytes.len(), &hash).await["from"], 0);
    give(&channel, &bytes[..4_000_000]).await;
    let mut got = 0;
    while got < 2_000_000 {
        let Some(Message::Text(word)) = channel.recv().await else {
            panic!("the channel is closed");
        };
        let word: Value = serde_json::from_str(&word).expect("JSON");
        got = word["bytes"].as_u64().expect("what has come");
    }
    program.child.kill().await.expect("it runs");
    far.pc.close();

    let mut program = receiver(folder.path(), &[]);
    far = Far::answer(&mut program).await;
    let channel = far.sender().await;
    let from = offer(&channel, "big", bytes.len(), &hash).await["from"].clone();
    let from = usize::try_from(from.as_u64().expect("a number")).expect("it fits");
    assert!(from > 0 && from <= 4_000_000, "{from}");
    give(&channel, &bytes[from..]).await;
    assert_eq!(hear(&channel).await["op"], "done");
    let told = program.told("file").await;
    assert_eq!(
        (&told["how"], &told["sha256"]),
        (&json!("received"), &json!(hash))
    );
    assert_eq!(names(folder.path()), ["big"]);
    assert_eq!(
        std::fs::read(folder.path().join("big")).expect("it is there"),
        bytes
    );
    far.pc.close();
    assert!(program.succeeded().await);
}

#[tokio::test]
async fn a_sender_whose_call_was_cut_says_how_and_goes_on_where_the_other_side_is() {
    let (folder, bytes) = (folder(), content(1_000_000));
    let file = folder.path().join("a.bin");
    std::fs::write(&file, &bytes).expect("room");
    let send = ["call", "--json", "--loopback", "--send", name(&file)];
    let mut program = Program::start(&send);
    let mut far = Far::answer(&mut program).await;
    let channel = far.files().await;
    let offered = hear(&channel).await;
    assert_eq!(offered["sha256"], sha256(&bytes));
    say(
        &channel,
        json!({ "op": "accept", "from": 0, "sends": false }),
    )
    .await;
    let mut came = Vec::new();
    while came.len() < 400_000 {
        let Some(Message::Binary(chunk)) = channel.recv().await else {
            panic!("no chunk");
        };
        came.extend_from_slice(&chunk);
    }
    far.pc.close();
    assert!(!program.succeeded().await);

    let mut program = Program::start(&send);
    far = Far::answer(&mut program).await;
    let channel = far.files().await;
    hear(&channel).await;
    say(
        &channel,
        json!({ "op": "accept", "from": came.len(), "sends": false }),
    )
    .await;
    while came.len() < bytes.len() {
        let Some(Message::Binary(chunk)) = channel.recv().await else {
            panic!("no chunk");
        };
        came.extend_from_slice(&chunk);
    }
    assert!(came == bytes);
    say(&channel, json!({ "op": "done" })).await;
    let told = program.told("file").await;
    assert_eq!(told["how"], "sent", "{told}");
    assert!(program.succeeded().await);
}

#[tokio::test]
async fn who_hangs_up_before_all_is_sent_is_told_so() {
    let folder = folder();
    let file = folder.path().join("a.bin");
    // Minutes of reading, and nothing on the disk.
    let opened = std::fs::File::create(&file).expect("room");
    opened.set_len(1 << 40).expect("it has holes");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_duologue"));
    command.args(["call", "--json", "--loopback", "--send", name(&file)]);
    let mut program = Program::of(command.stderr(Stdio::piped()));
    let far = Far::answer(&mut program).await;
    assert_eq!(program.told("progress").await["what"], "reading");
    program.interrupt();
    assert!(!program.succeeded().await);
    let mut said = String::new();
    let stderr = program.child.stderr.as_mut().expect("piped");
    stderr.read_to_string(&mut said).await.expect("UTF-8");
    assert!(said.contains("ended before all files were sent"), "{said}");
    far.pc.close();
}

#[tokio::test]
async fn a_file_that_cannot_be_written_leaves_the_next_its_turn() {
    let (folder, bytes) = (folder(), content(3_000_000));
    let receive = ["call", "--json", "--loopback", "--receive"];
    let receive = [&receive[..], &[name(folder.path())]].concat();
    let mut program = Program::start_on_a_small_disk(&receive, 400);
    let far = Far::answer(&mut program).await;
    let channel = far.sender().await;
    let hash = sha256(&bytes);
    assert_eq!(offer(&channel, "big", bytes.len(), &hash).await["from"], 0);
    // All of it is under way before the other side says that it fails.
    give(&channel, &bytes).await;
    assert_eq!(hear(&channel).await["op"], "failed");
    let hash = sha256(b"hello");
    assert_eq!(offer(&channel, "small", 5, &hash).await["op"], "accept");
    give(&channel, b"hello").await;
    assert_eq!(hear(&channel).await["op"], "done");
    far.pc.close();
    assert!(!program.succeeded().await);
}

#[tokio::test]
async fn what_is_here_already_is_compared_within_the_limit() {
    let folder = folder();
    std::fs::write(folder.path().join("a"), "hello").expect("room");
    let mut program = receiver(folder.path(), &["--receive-limit", "12"]);
    let far = Far::answer(&mut program).await;
    let channel = far.sender().await;
    let hash = sha256(b"hello");
    for _ in 0..2 {
        assert_eq!(offer(&channel, "a", 5, &hash).await["from"], 5);
        assert_eq!(hear(&channel).await["op"], "done");
    }
    assert_eq!(offer(&channel, "a", 5, &hash).await["op"], "refuse");
    // Another one still comes.
    assert_eq!(offer(&channel, "b", 5, &hash).await["op"], "accept");
    give(&channel, b"hello").await;
    assert_eq!(hear(&channel).await["op"], "done");
    far.pc.close();
    assert!(!program.succeeded().await);
}

#[tokio::test]
async fn a_file_that_arrives_as_another_one_is_not_kept_and_both_ends_say_so() {
    let folder = folder();
    let mut program = receiver(folder.path(), &[]);
    let far = Far::answer(&mut program).await;
    let channel = far.sender().await;
    offer(&channel, "a", 5, &sha256(b"right")).await;
    give(&channel, b"wrong").await;
    let said = hear(&channel).await;
    assert_eq!(
        (&said["op"], &said["sha256"]),
        (&json!("damaged"), &json!(sha256(b"wrong")))
    );
    assert_eq!(program.told("file").await["how"], "damaged");
    far.pc.close();
    assert!(!program.succeeded().await);
    assert!(names(folder.path()).is_empty());

    // The same from the other side.
    let file = folder.path().join("b");
    std::fs::write(&file, "right").expect("room");
    let mut program = Program::start(&["call", "--json", "--loopback", "--send", name(&file)]);
    let mut far = Far::answer(&mut program).await;
    let channel = far.files().await;
    hear(&channel).await;
    say(
        &channel,
        json!({ "op": "accept", "from": 0, "sends": false }),
    )
    .await;
    channel.recv().await.expect("a chunk");
    say(
        &channel,
        json!({ "op": "damaged", "sha256": sha256(b"wrong") }),
    )
    .await;
    assert_eq!(program.told("file").await["how"], "damaged");
    assert!(!program.succeeded().await);
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder_and_no_size_beyond_the_limit() {
    let outer = folder();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).expect("room");
    let mut program = receiver(&inner, &["--receive-limit", "20"]);
    let far = Far::answer(&mut program).await;
    let channel = far.sender().await;
    let hash = sha256(b"hello");
    let mut took = Vec::new();
    for name in ["../up", "/tmp/../../etc/x", "..\\back", ".bashrc"] {
        assert_eq!(
            offer(&channel, name, 5, &hash).await["op"],
            "accept",
            "{name}"
        );
        give(&channel, b"hello").await;
        assert_eq!(hear(&channel).await["op"], "done");
        took.push(program.told("file").await["path"].clone());
    }
    // Twenty bytes were taken.
    for (name, size) in [("..", 0), ("", 0), ("more", 1)] {
        assert_eq!(
            offer(&channel, name, size, &hash).await["op"],
            "refuse",
            "{name}"
        );
    }
    assert_eq!(names(&inner), ["_bashrc", "back", "up", "x"], "{took:?}");
    assert_eq!(names(outer.path()), ["inner"]);
    far.pc.close();
    assert!(program.succeeded().await);
}

#[tokio::test]
async fn who_sends_what_was_not_asked_for_is_not_listened_to() {
    let hash = sha256(b"hello");
    let folder = folder();
    // More than was offered, bytes of no file, an offer within a file, no word at all.
    for case in 0..4 {
        let mut program = receiver(folder.path(), &[]);
        let far = Far::answer(&mut program).await;
        let channel = far.sender().await;
        match case {
            0 => {
                offer(&channel, "a", 5, &hash).await;
                give(&channel, b"hello, world").await;
            }
            1 => give(&channel, b"hello").await,
            2 => {
                offer(&channel, "a", 5, &hash).await;
                let again = json!({ "op": "offer", "name": "b", "size": 1, "sha256": hash });
                say(&channel, again).await;
            }
            _ => say(&channel, json!({ "op": "offer", "name": "b", "size": -1 })).await,
        }
        channel.closed().await.expect("on purpose");
        far.pc.close();
        assert!(!program.succeeded().await);
        assert!(names(folder.path()).is_empty(), "{case}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_or_kept_is_told_before_anybody_is_called() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("it runs").success());
    for (options, why) in [
        (
            &["--send", "/nowhere/a.txt"][..],
            "/nowhere/a.txt: No such file",
        ),
        (&["--send", name(&pipe)], "it is no file"),
        (&["--send", "/tmp"], "as an archive"),
        (
            &["--receive", "/nowhere"],
            "/nowhere: there is no such folder",
        ),
        (&["--receive-limit", "5"], "--receive"),
        (
            &["--receive", "/tmp", "--receive-limit", "5x"],
            "500M or 16G",
        ),
        (&["--room", "kitchen"], "--server"),
        (
            &["--room", "a/b", "--server", "http://127.0.0.1:1/"],
            "letters, digits",
        ),
    ] {
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_duologue"));
        let done = program
            .arg("call")
            .args(options)
            .output()
            .await
            .expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            !done.status.success() && said.contains(why),
            "{options:?}: {said}"
        );
    }
}
