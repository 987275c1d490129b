//! A counterpart as a program of its own, driven by JSON lines.
//!
//! | it is told | it does |
//! |---|---|
//! | `{"do":"offer","media":[…],"channel":…,"restart":…}` | offers; with these kinds of media, with a new channel of that label, with an ICE restart |
//! | `{"description":…}`, `{"candidate":…}` | takes them; answers an offer |
//! | `{"do":"channel","label":…}` | opens a channel |
//! | `{"do":"text","label":…,"text":…}` | sends the text |
//! | `{"do":"bytes","label":…,"count":…,"seed":…}` | sends that much of the pattern |
//! | `{"do":"expect","label":…,"bytes":…}` | reports once so many bytes have come since the last report |
//! | `{"do":"play","kinds":[…],"codec":…,"rids":[…]}` | sends these kinds, once it offers or answers: pictures in that codec, in layers of these names; reports what comes |
//! | `{"do":"close","label":…}` | closes the channel |
//! | `{"do":"end"}` | closes the connection |
//!
//! It tells `{"hello":{"name":…,"version":…}}`, `{"description":…}`, `{"candidate":…}`,
//! `{"state":…}` (of the connection), `{"open":label}`, `{"closed":label}`,
//! `{"received":{"label":…,"bytes":…,"sha256":…}}`, `{"counted":{"kind":…,"rid":…,"count":…,"unit":…}}`
//! (media that came: of what, how much), `{"cannot":…}` (its API has no such thing, and how that shows), `{"refused":…}` (it did not
//! take the description) and `{"error":…}`.
//!
//! Janus, which has lines of its own, is told of plugins and mids: see `janus.rs`.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::sync::mpsc;

/// What a counterpart says on its standard error, kept for the report of a failure.
const KEPT_LINES: usize = 30;

/// A running counterpart; dropping it ends it and what it started.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    lines: mpsc::UnboundedReceiver<Value>,
    complaints: Arc<Mutex<VecDeque<String>>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("no pipes"));
        };
        let complaints = Arc::default();
        keep(errors, Arc::clone(&complaints));
        Ok(Process {
            lines: read(output, Arc::clone(&complaints)),
            child,
            input,
            complaints,
        })
    }

    pub(crate) fn tell(&mut self, line: &Value) -> Result<(), String> {
        let told = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        told.map_err(|e| format!("the counterpart does not listen: {e}"))
    }

    /// The next line; `None` once it ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        self.lines.recv().await
    }

    /// The last of what it said besides.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let kept = self.complaints.lock();
        kept.unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // An error means that the whole group has ended already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn read(
    output: impl Read + Send + 'static,
    complaints: Arc<Mutex<VecDeque<String>>>,
) -> mpsc::UnboundedReceiver<Value> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                // The test may have given up.
                Ok(value) => drop(sender.send(value)),
                Err(_) => push(&complaints, line),
            }
        }
    });
    lines
}

/// Reads to the end: a program whose output nobody reads stops.
fn keep(errors: impl Read + Send + 'static, complaints: Arc<Mutex<VecDeque<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            push(&complaints, line);
        }
    });
}

fn push(complaints: &Mutex<VecDeque<String>>, line: String) {
    let mut kept = complaints.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == KEPT_LINES {
        kept.pop_front();
    }
    kept.push_back(line);
}
