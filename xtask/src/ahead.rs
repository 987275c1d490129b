//! Builds what later parts need while earlier ones wait for the clock: most of a whole run is building, and most of its
//! tests leave a core idle.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::run::{command, has};

/// Runs commands one after another, behind all else that this machine does. What fails says so where it is needed.
#[derive(Debug)]
pub(crate) struct Ahead {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    pub(crate) fn start(builds: Vec<Command>) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let build = move || {
            for build in builds.iter().filter_map(last_in_line) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                run(build);
            }
        };
        Ahead {
            over,
            thread: Some(thread::spawn(build)),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // It ends with the build that it is at, and does not panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The command with the lowest priority that there is, where that can be had.
fn last_in_line(build: &Command) -> Option<Command> {
    if !has("nice") {
        return None;
    }
    let mut nice = command("nice", ["-n", "19"]);
    nice.arg(build.get_program()).args(build.get_args());
    for (name, value) in build.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    Some(nice)
}

fn run(mut build: Command) {
    let quiet = build
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _ = quiet.status();
}
