//! What a running program tells over its local socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn duologue(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_duologue"))
        .args(args)
        .output();
    output.expect("the program starts")
}

struct Running(Child);

impl Running {
    fn start(control: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_duologue"))
            .args(["relay", "--listen", "127.0.0.1:0", "--json", "--control"])
            .arg(control)
            .stdout(Stdio::piped())
            .spawn();
        let mut running = Running(child.expect("the program starts"));
        // The only line that it prints without clients; by then the socket is there.
        let mut line = String::new();
        let stdout = running.0.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("UTF-8");
        assert!(line.contains("listening"), "{line:?}");
        running
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[test]
fn who_asks_again_and_again_ends_when_interrupted_while_no_answer_comes() {
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Pid, Signal, kill_process};

    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    let listener = UnixListener::bind(&control).unwrap();
    let mut asking = Command::new(env!("CARGO_BIN_EXE_duologue"));
    asking
        .args(["stats", "--every", "0.1", "--control"])
        .arg(&control);
    let mut asking = Running(asking.stdout(Stdio::piped()).spawn().unwrap());
    let mut told = asking.0.stdout.take().unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let watching = std::thread::spawn({
        let (ended, control) = (ended.clone(), control.clone());
        move || {
            // Until it ends: what waits for its next request is not to wait for ever then.
            let _ = std::io::copy(&mut told, &mut std::io::sink());
            ended.store(true, Ordering::SeqCst);
            let _ = UnixStream::connect(control);
        }
    });
    let accept = || {
        let (stream, _) = listener.accept().unwrap();
        assert!(!ended.load(Ordering::SeqCst), "it has ended by itself");
        stream
    };
    let mut first = accept();
    let told = br#"{"pid":1,"version":"0","metrics":[]}"#;
    std::io::Write::write_all(&mut first, told).unwrap();
    drop(first);
    let _second = accept();
    let pid = Pid::from_child(&asking.0);
    kill_process(pid, Signal::INT).unwrap();
    assert!(asking.0.wait().unwrap().success());
    watching.join().unwrap();
}

#[test]
fn a_running_program_tells_its_metrics_to_its_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    let path = control.to_str().unwrap();
    let missing = duologue(&["stats", "--control", path]);
    assert!(!missing.status.success());
    let text = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(text.contains("--control"), "{text}");

    let mut running = Running::start(&control);
    let told = duologue(&["stats", "--control", path, "--json"]);
    assert!(told.status.success(), "{told:?}");
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["pid"], running.0.id());
    let metrics = told["metrics"].as_array().unwrap();
    let names: Vec<&str> = metrics.iter().filter_map(|it| it[0].as_str()).collect();
    assert!(names.contains(&"duologue_connections_total"), "{names:?}");
    let shown = duologue(&["stats", "--control", path]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("process"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&control).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Another program does not take it away; what a killed one left is taken.
    let listen = ["relay", "--listen", "127.0.0.1:0", "--control", path];
    let refused = duologue(&listen);
    assert!(!refused.status.success());
    running.end();
    assert!(control.exists());
    let again = Running::start(&control);
    let told = duologue(&["stats", "--control", path]);
    assert!(told.status.success(), "{told:?}");
    drop(again);
}
