//! Parts that wait for the clock most of their time, each a process of its own while the next parts use the cores.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::ledger::Run;
use crate::run::{Outcome, target_dir};
use crate::test::Part;

/// A part that runs; what it prints is shown when its turn has come.
#[derive(Debug)]
pub(crate) struct Beside {
    round: usize,
    part: Part,
    child: Arc<Mutex<Child>>,
    /// Its outcome, and when it came to that.
    ended: Option<JoinHandle<(Outcome, Duration)>>,
    log: PathBuf,
}

impl Part {
    /// With which part it has to have ended, where it can run beside those before.
    pub(crate) fn ends_with(self) -> Option<Part> {
        match self {
            Part::Ice => Some(Part::Micro),
            Part::Peers => Some(Part::Lint),
            _ => None,
        }
    }
}

impl Beside {
    pub(crate) fn start(round: usize, part: Part) -> Outcome<Self> {
        let name = part.to_possible_value();
        let name = name.as_ref().map_or("", |value| value.get_name());
        let folder = target_dir().join("beside");
        let log = folder.join(format!("{name}.log"));
        let begin = || -> io::Result<Child> {
            fs::create_dir_all(&folder)?;
            let output = File::create(&log)?;
            let mut test = Command::new(std::env::current_exe()?);
            test.args(["test", name, "--beside"]).stdin(Stdio::null());
            test.stdout(output.try_clone()?).stderr(output).spawn()
        };
        let child = begin().map_err(|error| format!("cannot start {name}: {error}"))?;
        eprintln!(
            "{name} runs beside what follows; it prints to {}",
            log.display()
        );
        let child = Arc::new(Mutex::new(child));
        let (watched, begun) = (child.clone(), Instant::now());
        let watch = move || (wait(&watched), begun.elapsed());
        Ok(Beside {
            round,
            part,
            child,
            ended: Some(thread::spawn(watch)),
            log,
        })
    }

    /// Whether the parts up to this one are those that it may run beside.
    pub(crate) fn ends_with(&self, part: Part) -> bool {
        self.part.ends_with() == Some(part)
    }

    /// Waits for it, and shows what it printed.
    pub(crate) fn end(mut self) -> Run {
        let ended = self.ended.take().map(JoinHandle::join);
        let lost = || (Err("nobody waited for it".to_owned()), Duration::ZERO);
        let (outcome, took) = ended.and_then(Result::ok).unwrap_or_else(lost);
        let printed = fs::read(&self.log).unwrap_or_default();
        let _ = io::stderr().write_all(&printed);
        Run {
            round: self.round,
            part: self.part,
            outcome,
            took,
        }
    }
}

impl Drop for Beside {
    /// It does not go on where the whole has ended early.
    fn drop(&mut self) {
        if self.ended.is_some() {
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = child.kill();
        }
    }
}

/// Looks now and then: who waits holds the child, and somebody may have to end it meanwhile.
fn wait(child: &Mutex<Child>) -> Outcome {
    loop {
        let status = child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .try_wait();
        match status {
            Ok(None) => thread::sleep(LOOK),
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{status}, see above")),
            Err(error) => return Err(error.to_string()),
        }
    }
}

const LOOK: Duration = Duration::from_millis(200);
