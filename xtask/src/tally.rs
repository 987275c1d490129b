//! How often each part of the tests was green in a row beside busy loops, over all runs on this machine.

use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::ledger::Run;
use crate::run::{Outcome, commit, target_dir};
use crate::test::Part;

/// Busy loops beside a run that counts.
const LOAD: usize = 4;

/// One run, as the file has it: a line with tabs.
#[derive(Debug, PartialEq)]
struct Entry {
    commit: String,
    part: String,
    load: usize,
    green: bool,
}

impl Part {
    /// How often it is to be green in a row.
    fn wanted(self) -> usize {
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

/// Adds a run to the file.
pub(crate) fn add(run: &Run, load: usize) -> Outcome {
    let entry = Entry {
        commit: commit()?,
        part: run.part.name(),
        load,
        green: run.outcome.is_ok(),
    };
    let place = path();
    let file = OpenOptions::new().create(true).append(true).open(&place);
    let written = file.and_then(|mut file| file.write_all(entry.line().as_bytes()));
    written.map_err(|error| format!("{}: {error}", place.display()))
}

/// How often each part was green in a row, and how often it is still to run.
pub(crate) fn standing() -> Outcome<String> {
    match fs::read_to_string(path()) {
        Ok(text) => Ok(table(
            &text.lines().filter_map(Entry::parse).collect::<Vec<_>>(),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(table(&[])),
        Err(error) => Err(format!("{}: {error}", path().display())),
    }
}

fn path() -> PathBuf {
    target_dir().join("tests.tsv")
}

impl Entry {
    fn line(&self) -> String {
        let result = if self.green { "passed" } else { "FAILED" };
        format!("{}\t{}\t{}\t{result}\n", self.commit, self.part, self.load)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split('\t');
        Some(Entry {
            commit: words.next()?.to_owned(),
            part: words.next()?.to_owned(),
            load: words.next()?.parse().ok()?,
            green: words.next()? == "passed",
        })
    }
}

fn table(entries: &[Entry]) -> String {
    let mut table = format!(
        "\n| part, beside {LOAD} busy loops | green in a row | since | of | still to run |\n\
         |---|---:|---|---:|---:|\n"
    );
    for part in Part::value_variants() {
        let name = part.name();
        let of_part = entries.iter().rev();
        let of_part = of_part.filter(|entry| entry.part == name && entry.load >= LOAD);
        let row: Vec<&Entry> = of_part.take_while(|entry| entry.green).collect();
        let since = row.last().map_or("", |entry| entry.commit.as_str());
        let (green, wanted) = (row.len(), part.wanted());
        let left = wanted.saturating_sub(green);
        let _ = writeln!(table, "| {name} | {green} | {since} | {wanted} | {left} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(part: &str, load: usize, green: bool) -> Entry {
        Entry {
            commit: "abc1234".to_owned(),
            part: part.to_owned(),
            load,
            green,
        }
    }

    #[test]
    fn a_run_is_read_as_it_was_written() {
        for green in [true, false] {
            let run = entry("sim", 4, green);
            assert_eq!(Entry::parse(run.line().trim_end()), Some(run));
        }
        assert_eq!(Entry::parse("abc\tsim"), None);
    }

    #[test]
    fn what_counts_is_green_in_a_row_beside_busy_loops() {
        let runs = [
            entry("sim", 4, true),
            entry("sim", 4, false),
            entry("sim", 4, true),
            entry("unit", 4, true),
            entry("sim", 0, true),
            entry("sim", 4, true),
        ];
        let table = table(&runs);
        assert!(table.contains("| sim | 2 | abc1234 | 20 | 18 |"), "{table}");
        assert!(
            table.contains("| unit | 1 | abc1234 | 20 | 19 |"),
            "{table}"
        );
        assert!(table.contains("| docs | 0 |  | 5 | 5 |"), "{table}");
    }
}
