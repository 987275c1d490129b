//! The ledger of what was tried at random, `docs/reliability.csv`, and the tables of
//! `docs/reliability.md`, which are made of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use crate::run::{self, Outcome, command, output, root, today, write};

const LEDGER: &str = "docs/reliability.csv";
const PAGE: &str = "docs/reliability.md";
const HEAD: &str = "date,commit,command,what,count,cpu seconds,failed\n";

/// Between these lines of the page stand the tables.
const BEGIN: &str = "<!-- made by the commands of reliability.csv -->\n";
const END: &str = "<!-- end -->\n";

/// One run of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) command: String,
    pub(crate) what: String,
    /// Seeds lived, inputs executed, seconds soaked, runs of a part of the tests.
    pub(crate) count: u64,
    pub(crate) cpu_seconds: u64,
    pub(crate) failed: u64,
}

/// A line of the ledger.
#[derive(Debug, PartialEq)]
struct Line {
    date: String,
    commit: String,
    entry: Entry,
}

/// Adds a run of now, of what is checked out, and writes the page anew.
pub(crate) fn record(entry: &Entry) -> Outcome {
    add(entry, |text, line| text + &line.write())
}

/// The same for what counts by how often it passed in a row: runs that follow each other, of one day and
/// one commit, are one line.
pub(crate) fn record_row(entry: &Entry) -> Outcome {
    add(entry, |text, line| continue_row(&text, line))
}

fn add(entry: &Entry, to: impl FnOnce(String, Line) -> String) -> Outcome {
    let line = Line {
        date: today()?,
        commit: checked_out()?,
        entry: entry.clone(),
    };
    let path = root().join(LEDGER);
    let text = fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
    let text = to(text, line);
    write(&path, &text)?;
    write_page(&read(&text))
}

fn continue_row(text: &str, mut line: Line) -> String {
    let is_before = |text: &&str| Line::read(text).is_some_and(|it| line.is_of(&it));
    let before = text.lines().rfind(is_before);
    let row = before.and_then(|text| Some((text, Line::read(text)?)));
    let row = row.filter(|(_, row)| row.entry.failed + line.entry.failed == 0);
    let row = row.filter(|(_, row)| (&row.date, &row.commit) == (&line.date, &line.commit));
    // Files that differ from a commit may be others each time.
    let row = row.filter(|_| !line.commit.ends_with('+'));
    let Some((before, row)) = row else {
        return format!("{text}{}", line.write());
    };

    line.entry.count += row.entry.count;
    line.entry.cpu_seconds += row.entry.cpu_seconds;
    let lines = text.lines().map(|text| match std::ptr::eq(text, before) {
        true => line.write(),
        false => format!("{text}\n"),
    });
    lines.collect()
}

/// All runs of a command that the ledger has, with their commits, the oldest first.
pub(crate) fn runs_of(command: &str) -> Vec<(String, Entry)> {
    let text = fs::read_to_string(root().join(LEDGER)).unwrap_or_default();
    let lines = read(&text).into_iter();
    let of_command = lines.filter(|line| line.entry.command == command);
    of_command.map(|line| (line.commit, line.entry)).collect()
}

/// The commit, with a plus when files differ from it other than those that are written here.
fn checked_out() -> Outcome<String> {
    let others = ["status", "--porcelain", "--", ".", ":!docs/reliability.*"];
    let changed = output(command("git", others))?;
    let mark = if changed.trim().is_empty() { "" } else { "+" };
    Ok(format!("{}{mark}", run::commit()?))
}

/// The seed after the last that the ledger has.
pub(crate) fn next_seed() -> Outcome<u64> {
    let text = fs::read_to_string(root().join(LEDGER)).unwrap_or_default();
    Ok(seed_after(&read(&text)))
}

fn seed_after(lines: &[Line]) -> u64 {
    let lives = lines.iter().filter(|line| line.entry.command == "sim");
    let ends = lives.filter_map(|line| line.entry.what.rsplit(' ').next()?.parse().ok());
    ends.max().unwrap_or(0)
}

fn write_page(lines: &[Line]) -> Outcome {
    let path = root().join(PAGE);
    let page = replace(&run::read(&path)?, &tables(lines))
        .ok_or_else(|| format!("{PAGE} has no tables"))?;
    write(&path, &page)
}

/// The page with other tables.
fn replace(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

/// What was tried in all, by command and target; of the seeds of `sim` there is one row.
fn tables(lines: &[Line]) -> String {
    let mut sums: BTreeMap<(&str, &str), (u64, u64, u64, &Line)> = BTreeMap::new();
    for line in lines {
        let Entry { command, what, .. } = &line.entry;
        let what = match command.as_str() {
            "sim" => "the swarm, seeds",
            _ => what,
        };
        let sum = sums.entry((command, what)).or_insert((0, 0, 0, line));
        sum.0 += line.entry.count;
        sum.1 += line.entry.cpu_seconds;
        sum.2 += line.entry.failed;
        sum.3 = line;
    }
    let mut text =
        "| command | what | count | CPU s | failed, then mended or listed below | last |\n\
                    |---|---|---:|---:|---:|---|\n"
            .to_owned();
    for ((command, what), (count, cpu, failed, last)) in sums {
        let last = format!("{}, {}", last.date, last.commit);
        let _ = writeln!(
            text,
            "| {command} | {what} | {count} | {cpu} | {failed} | {last} |"
        );
    }
    text
}

impl Line {
    fn write(&self) -> String {
        let Line {
            date,
            commit,
            entry,
        } = self;
        let Entry {
            command,
            what,
            count,
            cpu_seconds,
            failed,
        } = entry;
        format!("{date},{commit},{command},{what},{count},{cpu_seconds},{failed}\n")
    }

    /// `None` for the ledger's first line.
    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(',').collect();
        let [date, commit, command, what, count, cpu_seconds, failed] = words.as_slice() else {
            return None;
        };
        Some(Line {
            date: (*date).to_owned(),
            commit: (*commit).to_owned(),
            entry: Entry {
                command: (*command).to_owned(),
                what: (*what).to_owned(),
                count: count.parse().ok()?,
                cpu_seconds: cpu_seconds.parse().ok()?,
                failed: failed.parse().ok()?,
            },
        })
    }

    /// Both are of the same command and of the same thing.
    fn is_of(&self, other: &Line) -> bool {
        let it = |line: &Line| (line.entry.command.clone(), line.entry.what.clone());
        it(self) == it(other)
    }
}

fn read(text: &str) -> Vec<Line> {
    text.lines().filter_map(Line::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: &str, what: &str, count: u64) -> Line {
        Line {
            date: "2026-11-29".to_owned(),
            commit: "abc".to_owned(),
            entry: Entry {
                command: command.to_owned(),
                what: what.to_owned(),
                count,
                cpu_seconds: 7,
                failed: 1,
            },
        }
    }

    #[test]
    fn lines_are_read_as_they_are_written_and_added_up() {
        let lines = [
            line("sim", "seeds 0 to 100", 100),
            line("fuzz", "sdp", 5),
            line("sim", "seeds 100 to 300", 200),
        ];
        let text: String = lines.iter().map(Line::write).collect();
        let read = read(&format!("{HEAD}{text}"));
        assert_eq!(read, lines);
        assert_eq!(seed_after(&read), 300);
        let tables = tables(&read);
        assert!(tables.contains("| sim | the swarm, seeds | 300 | 14 | 2 | 2026-11-29, abc |"));
        assert!(tables.contains("| fuzz | sdp | 5 | 7 | 1 | 2026-11-29, abc |"));
    }

    #[test]
    fn runs_that_pass_one_after_another_are_one_line() {
        let run = |commit: &str, what: &str, failed| Line {
            commit: commit.to_owned(),
            entry: Entry {
                failed,
                ..line("test", what, 1).entry
            },
            ..line("test", what, 1)
        };
        let runs = [
            run("a", "sim beside 4", 0),
            run("a", "unit beside 4", 0),
            run("a", "sim beside 4", 0),
            run("a", "sim beside 4", 1),
            run("a", "sim beside 4", 0),
            run("b", "sim beside 4", 0),
            run("b", "sim beside 4", 0),
            run("b+", "sim beside 4", 0),
            run("b+", "sim beside 4", 0),
        ];
        let add = |text: String, line| continue_row(&text, line);
        let text = runs.into_iter().fold(HEAD.to_owned(), add);
        let counts = read(&text).into_iter();
        let counts = counts.map(|it| (it.commit, it.entry.count, it.entry.failed));
        let expected = [
            ("a", 2, 0),
            ("a", 1, 0),
            ("a", 1, 1),
            ("a", 1, 0),
            ("b", 2, 0),
            ("b+", 1, 0),
            ("b+", 1, 0),
        ];
        let expected = expected.map(|(commit, count, failed)| (commit.to_owned(), count, failed));
        assert_eq!(counts.collect::<Vec<_>>(), expected);
        assert!(text.starts_with(HEAD));
    }

    #[test]
    fn the_page_has_a_place_for_the_tables() {
        let page = fs::read_to_string(root().join(PAGE)).expect("the page");
        let replaced = replace(&page, "| new |\n").expect("a place");
        assert!(replaced.contains("\n| new |\n"));
        assert_eq!(replace(&replaced, "| new |\n"), Some(replaced));
    }
}
