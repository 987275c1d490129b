//! What ran, with which result and for how long.

use std::fmt::Write;
use std::io::stderr;
use std::time::Duration;

use crate::run::{Outcome, styled};
use crate::test::Part;

/// One run of one part.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) round: usize,
    pub(crate) part: Part,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
}

/// All runs, in order.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Vec<Run>);

impl Run {
    /// For the terminal, at once.
    pub(crate) fn line(&self) -> String {
        let (style, word) = match &self.outcome {
            Ok(()) => ("32", "passed"),
            Err(_) => ("31", "FAILED"),
        };
        let verdict = styled(style, &format!("{:?} {word}", self.part), &stderr());
        let mut line = format!("{verdict} in {:.0} s", self.took.as_secs_f64());
        if let Err(why) = &self.outcome {
            line += &format!(": {why}");
        }
        line
    }
}

impl Ledger {
    pub(crate) fn add(&mut self, run: Run) {
        self.0.push(run);
    }

    /// The runs as a table, with what each may take beside what it took, then how many passed and failed: that line stands alone, for programs
    /// that look for it.
    pub(crate) fn table(&self) -> String {
        let rounds = self.0.last().map_or(0, |run| run.round);
        let head = if rounds > 1 { "| round " } else { "" };
        let rule = if rounds > 1 { "|---:" } else { "" };
        let mut table =
            format!("\n{head}| part | result | seconds | of |\n{rule}|---|---|---:|---:|\n");
        for run in &self.0 {
            if rounds > 1 {
                let _ = write!(table, "| {} ", run.round);
            }
            let result = match run.outcome {
                Ok(()) => "passed",
                Err(_) => "FAILED",
            };
            let name = format!("{:?}", run.part).to_lowercase();
            let (seconds, share) = (run.took.as_secs_f64(), run.part.share().as_secs());
            let _ = writeln!(table, "| {name} | {result} | {seconds:.0} | {share} |");
        }
        let failed = self.failed().count();
        let passed = self.0.len() - failed;
        for run in self.0.iter().filter(|run| run.took > run.part.share()) {
            let name = format!("{:?}", run.part).to_lowercase();
            let _ = write!(table, "\n{name} took more than its share");
        }
        let _ = write!(table, "\n{passed} passed, {failed} failed\n");
        table
    }

    /// An error that names what failed, and why.
    pub(crate) fn verdict(&self) -> Outcome {
        let why = |run: &Run| match &run.outcome {
            Ok(()) => None,
            Err(why) => Some(format!("{:?}: {why}", run.part)),
        };
        let all: Vec<String> = self.0.iter().filter_map(why).collect();
        match all.is_empty() {
            true => Ok(()),
            false => Err(all.join("\n")),
        }
    }

    fn failed(&self) -> impl Iterator<Item = &Run> {
        self.0.iter().filter(|run| run.outcome.is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(round: usize, part: Part, outcome: Outcome) -> Run {
        Run {
            round,
            part,
            outcome,
            took: Duration::from_secs(2),
        }
    }

    #[test]
    fn the_table_has_every_part_and_ends_with_the_count() {
        let mut ledger = Ledger::default();
        ledger.add(run(1, Part::Lint, Ok(())));
        ledger.add(run(1, Part::Unit, Err("no".to_owned())));
        let expected = "\n| part | result | seconds | of |\n|---|---|---:|---:|\n| lint | passed | 2 | 120 |\n\
                        | unit | FAILED | 2 | 360 |\n\n1 passed, 1 failed\n";
        assert_eq!(ledger.table(), expected);
        assert_eq!(ledger.verdict(), Err("Unit: no".to_owned()));
    }

    #[test]
    fn a_ledger_of_several_rounds_numbers_them() {
        let mut ledger = Ledger::default();
        ledger.add(run(1, Part::Sim, Ok(())));
        ledger.add(run(2, Part::Sim, Ok(())));
        let expected = "\n| round | part | result | seconds | of |\n|---:|---|---|---:|---:|\n\
                        | 1 | sim | passed | 2 | 360 |\n| 2 | sim | passed | 2 | 360 |\n\n2 passed, 0 failed\n";
        assert_eq!(ledger.table(), expected);
        assert_eq!(ledger.verdict(), Ok(()));
    }

    #[test]
    fn a_part_that_takes_more_than_its_share_is_named() {
        let mut ledger = Ledger::default();
        let took = Part::Lint.share() + Duration::from_secs(1);
        ledger.add(Run {
            took,
            ..run(1, Part::Lint, Ok(()))
        });
        assert!(ledger.table().contains("lint took more than its share"));
    }

    #[test]
    fn the_shares_of_all_parts_leave_three_of_45_minutes() {
        use clap::ValueEnum;
        let shares = Part::value_variants().iter().map(|part| part.share());
        assert_eq!(shares.sum::<Duration>(), Duration::from_secs(42 * 60));
    }
}
