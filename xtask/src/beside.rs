//! Parts that wait for the clock most of their time, each a process of its own while the next parts use the cores.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use clap::ValueEnum;

use crate::ledger::Run;
use crate::run::{Outcome, target_dir};
use crate::test::Part;

/// A part that runs; what it prints is shown when it has ended.
#[derive(Debug)]
pub(crate) struct Beside {
    round: usize,
    part: Part,
    begun: Instant,
    child: Child,
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
            test.args(["test", name]).stdin(Stdio::null());
            test.stdout(output.try_clone()?).stderr(output).spawn()
        };
        let child = begin().map_err(|error| format!("cannot start {name}: {error}"))?;
        eprintln!(
            "{name} runs beside what follows; it prints to {}",
            log.display()
        );
        Ok(Beside {
            round,
            part,
            begun: Instant::now(),
            child,
            log,
        })
    }

    /// Whether the parts up to this one are those that it may run beside.
    pub(crate) fn ends_with(&self, part: Part) -> bool {
        self.part.ends_with() == Some(part)
    }

    /// Waits for it, and shows what it printed.
    pub(crate) fn end(mut self) -> Run {
        let status = self.child.wait();
        let took = self.begun.elapsed();
        let outcome = match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{status}, see above")),
            Err(error) => Err(error.to_string()),
        };
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
