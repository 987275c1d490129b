//! The program as a process, whose lines of JSON are read.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A caller and an answerer that are connected, with their statistics of that moment.
pub(crate) async fn connected(options: &[&str]) -> [Program; 2] {
    let caller = [&["call", "--json"], options].concat();
    let answerer = [&["call", "--json", "--answer"], options].concat();
    let mut programs = negotiated(&caller, &answerer).await;
    for program in &mut programs {
        let told = program.told("stats").await;
        program.stats = told["stats"].as_array().expect("a list").clone();
    }
    programs
}

pub(crate) async fn negotiated(caller: &[&str], answerer: &[&str]) -> [Program; 2] {
    let [mut caller, mut answerer] = [caller, answerer].map(Program::start);
    let offer = caller.told("description").await;
    answerer.write(text(&offer)).await;
    let answer = answerer.told("description").await;
    caller.write(text(&answer)).await;
    [caller, answerer]
}

pub(crate) fn text(line: &Value) -> &str {
    line["text"].as_str().expect("a text")
}

/// One process; dropping it kills it.
pub(crate) struct Program {
    pub(crate) child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    stats: Vec<Value>,
}

impl Program {
    pub(crate) fn start(args: &[&str]) -> Self {
        Program::of(Command::new(env!("CARGO_BIN_EXE_duologue")).args(args))
    }

    /// It cannot write more than so many times 512 bytes to a file: a disk that is full.
    pub(crate) fn start_on_a_small_disk(args: &[&str], blocks: u32) -> Self {
        // Without the trap it would be ended for that.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_duologue")]);
        Program::of(shell.args(args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Program {
            input: child.stdin.take().expect("piped"),
            output: BufReader::new(child.stdout.take().expect("piped")).lines(),
            child,
            stats: Vec::new(),
        }
    }

    pub(crate) fn stats(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.stats.iter().filter(move |stats| stats["type"] == kind)
    }

    /// Reads until an event of this name.
    pub(crate) async fn told(&mut self, event: &str) -> Value {
        let mut before = Vec::new();
        let reading = async {
            while let Some(line) = self.output.next_line().await.expect("UTF-8") {
                let line: Value = serde_json::from_str(&line).expect("JSON");
                if line["event"] == event {
                    return Some(line);
                }
                before.push(line.to_string());
            }
            None
        };
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(Some(line)) => line,
            _ => panic!("no {event:?} after\n{}", before.join("\n")),
        }
    }

    pub(crate) async fn hear(&mut self) -> String {
        text(&self.told("message").await).to_owned()
    }

    pub(crate) async fn write(&mut self, line: &str) {
        let line = format!("{line}\n");
        let written = self.input.write_all(line.as_bytes()).await;
        written.expect("it reads");
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().expect("it runs");
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).expect("not zero");
        let int = rustix::process::Signal::INT;
        rustix::process::kill_process(pid, int).expect("it runs");
    }

    pub(crate) async fn succeeded(&mut self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends").expect("it was started").success()
    }
}

/// How long a program may take from one thing to the next on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
