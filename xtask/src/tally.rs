//! How often each part of the tests was green in a row beside busy loops, over all runs that the ledger of
//! `docs/reliability.md` has.

use std::fmt::Write;

use clap::ValueEnum;

use crate::ledger::Run;
use crate::reliability::{self, Entry};
use crate::run::Outcome;
use crate::test::Part;

/// Busy loops beside a run that counts.
const LOAD: usize = 4;

const COMMAND: &str = "test";

/// Some runs of a part that followed each other.
#[derive(Debug, PartialEq)]
struct Row {
    commit: String,
    part: String,
    load: usize,
    runs: u64,
    green: bool,
}

impl Part {
    /// How often it is to be green in a row.
    fn wanted(self) -> u64 {
        match self {
            Part::Unit | Part::Sim | Part::Node | Part::Browsers => 20,
            _ => 5,
        }
    }

    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Adds a run to the ledger, with the seconds of processor time that it took, if there was a load beside it.
pub(crate) fn add(run: &Run, load: usize, cpu_seconds: u64) -> Outcome {
    if load == 0 {
        return Ok(());
    }
    reliability::record_row(&Entry {
        command: COMMAND.to_owned(),
        what: format!("{} beside {load}", run.part.name()),
        count: 1,
        cpu_seconds,
        failed: u64::from(run.outcome.is_err()),
    })
}

/// How often each part was green in a row, and how often it is still to run.
pub(crate) fn standing() -> String {
    let runs = reliability::runs_of(COMMAND).into_iter();
    let rows = runs.filter_map(|(commit, entry)| Row::read(commit, &entry));
    table(&rows.collect::<Vec<_>>())
}

impl Row {
    fn read(commit: String, entry: &Entry) -> Option<Self> {
        let (part, load) = entry.what.split_once(" beside ")?;
        Some(Row {
            commit,
            part: part.to_owned(),
            load: load.parse().ok()?,
            runs: entry.count,
            green: entry.failed == 0,
        })
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "\n| part, beside {LOAD} busy loops | green in a row | since | of | still to run |\n\
         |---|---:|---|---:|---:|\n"
    );
    for part in Part::value_variants() {
        let name = part.name();
        let of_part = rows.iter().rev();
        let of_part = of_part.filter(|row| row.part == name && row.load >= LOAD);
        let last: Vec<&Row> = of_part.take_while(|row| row.green).collect();
        let since = last.last().map_or("", |row| row.commit.as_str());
        let green: u64 = last.iter().map(|row| row.runs).sum();
        let wanted = part.wanted();
        let left = wanted.saturating_sub(green);
        let _ = writeln!(table, "| {name} | {green} | {since} | {wanted} | {left} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(part: &str, load: usize, runs: u64, green: bool) -> Row {
        Row {
            commit: "abc1234".to_owned(),
            part: part.to_owned(),
            load,
            runs,
            green,
        }
    }

    #[test]
    fn a_line_of_the_ledger_names_part_and_load() {
        let entry = |what: &str| Entry {
            command: COMMAND.to_owned(),
            what: what.to_owned(),
            count: 3,
            cpu_seconds: 100,
            failed: 0,
        };
        let read = |what| Row::read("abc1234".to_owned(), &entry(what));
        assert_eq!(read("sim beside 4"), Some(row("sim", 4, 3, true)));
        assert_eq!(read("sim"), None);
    }

    #[test]
    fn what_counts_is_green_in_a_row_beside_busy_loops() {
        let rows = [
            row("sim", 4, 7, true),
            row("sim", 4, 1, false),
            row("sim", 4, 2, true),
            row("unit", 4, 1, true),
            row("sim", 1, 5, true),
            row("sim", 4, 1, true),
        ];
        let table = table(&rows);
        assert!(table.contains("| sim | 3 | abc1234 | 20 | 17 |"), "{table}");
        assert!(
            table.contains("| unit | 1 | abc1234 | 20 | 19 |"),
            "{table}"
        );
        assert!(table.contains("| docs | 0 |  | 5 | 5 |"), "{table}");
    }
}
