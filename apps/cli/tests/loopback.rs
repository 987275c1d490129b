//! `duologue loopback --video --audio`, with files and without, as it is run.
#![allow(clippy::unwrap_used, reason = "a failure is a failure")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn loopback(file: &str, more: &[&str]) -> Value {
    let path = format!(
        "{}/../../media/files/tests/data/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut program = Command::new(env!("CARGO_BIN_EXE_duologue"));
    let done = program
        .args(["loopback", "--seconds", "1", "--json", "--video", &path])
        .args(more)
        .output();
    let done = done.unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn the_frames_of_a_file_arrive_at_the_other_end_in_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let records = ["event-log", "packet-capture", "keylog"];
    let options = records.map(|name| [format!("--{name}"), of(folder.path(), name)]);
    let options: Vec<&str> = options.iter().flatten().map(String::as_str).collect();
    for (file, codecs) in [
        ("both.webm", &["video/VP8", "audio/opus"][..]),
        ("both.mp4", &["video/H264", "audio/opus"]),
        ("av1.ivf", &["video/AV1"]),
    ] {
        let outcome = loopback(file, &options);
        let tracks = outcome["tracks"].as_array().unwrap();
        let named: Vec<&str> = tracks
            .iter()
            .map(|track| track["codec"].as_str().unwrap())
            .collect();
        assert_eq!(named, codecs, "{file}");
        assert!(outcome["seconds"].as_f64().unwrap() >= 0.9, "{outcome}");
        for track in tracks {
            let number = |name: &str| track[name].as_u64().unwrap();
            assert!(
                number("frames") >= 10 && number("frames") == number("frames_sent"),
                "{outcome}"
            );
            let picture = track["codec"].as_str().unwrap().starts_with("video");
            assert_eq!(
                (number("width"), number("height")),
                if picture { (64, 48) } else { (0, 0) }
            );
            assert!(track["delay_p50_ms"].as_f64().unwrap() > 0.0, "{outcome}");
        }
    }
    for name in records {
        let record = std::fs::metadata(folder.path().join(name));
        assert!(record.unwrap().len() > 0, "--{name}");
    }
}

fn of(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn whatever_is_sent_a_socket_for_questions_that_cannot_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let taken = of(folder.path(), "taken");
    std::fs::write(&taken, "").unwrap();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../media/files/tests/data/both.webm"
    );
    for what in [&["--video", file][..], &["--video"], &["--audio"], &[]] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_duologue"));
        let program = program.args(["loopback", "--seconds", "0.1", "--control", &taken]);
        let done = program.args(what).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            !done.status.success() && said.contains("--control"),
            "{what:?}: {said}"
        );
    }
}

#[test]
fn a_file_that_is_none_is_refused_with_a_reason() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut program = Command::new(env!("CARGO_BIN_EXE_duologue"));
    let done = program
        .args(["loopback", "--video", path])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        !done.status.success() && said.contains("cannot be read"),
        "{said}"
    );
}

#[test]
fn the_test_picture_is_read_and_the_tone_is_heard_at_the_other_end() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_duologue"));
    let done = program
        .args(["loopback", "--seconds", "2", "--json", "--video", "--audio"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let outcome: Value = serde_json::from_slice(&done.stdout).unwrap();
    let (video, audio) = (&outcome["video"], &outcome["audio"]);
    // A machine that is slow shows fewer of them, but what it shows is what was sent.
    assert!(video["frames"].as_u64() > Some(0), "{outcome}");
    assert!(video["psnr_db"].as_f64() > Some(25.0), "{outcome}");
    assert!(
        video["glass_to_glass_p50_ms"].as_f64() > Some(0.0),
        "{outcome}"
    );
    let hertz = audio["hertz"].as_f64().unwrap();
    assert!((hertz - 440.0).abs() < 5.0, "{outcome}");
}
