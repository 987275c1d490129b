//! What was found, as a table.

use std::fmt::Write;

use crate::browsers::BROWSERS;
use crate::cells;
use crate::counterpart::{ALL, Counterpart};
use crate::outcome::{Found, Offerer, Outcome, What};

/// Which part of the table.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Browsers and the Rust registry's, too: what takes long to build or has a part of its own
    pub all: bool,
    /// A part of the counterparts' names, in small letters
    pub name: String,
    /// A part of the columns' names
    pub cell: String,
}

impl Selection {
    /// `NAME[/CELL]`, parts of names both.
    pub fn new(all: bool, only: &str) -> Self {
        // Names have a slash, too: `@roamhq/wrtc`.
        let (name, cell) = match only.rsplit_once('/') {
            Some((name, cell)) if What::ALL.iter().any(|what| what.as_str().contains(cell)) => {
                (name, cell)
            }
            _ => (only, ""),
        };
        Selection {
            all,
            name: name.to_lowercase(),
            cell: cell.to_owned(),
        }
    }

    fn has(&self, name: &str) -> bool {
        name.to_lowercase().contains(&self.name)
    }

    /// Tries it all, each cell by itself, and tells of each row.
    pub async fn run(&self, mut tell: impl FnMut(&Row)) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for browser in BROWSERS.iter().filter(|b| self.all && self.has(b.name)) {
            let both = browser.rows(&self.cell).await;
            both.iter().for_each(&mut tell);
            rows.extend(both);
        }
        let counterparts = ALL.iter().filter(|c| self.all || c.quick);
        for counterpart in counterparts.filter(|c| self.has(c.name)) {
            // Most of it is waiting.
            let [we, they] = Offerer::ALL.map(|offerer| self.row(counterpart, offerer));
            let (we, they) = tokio::join!(we, they);
            for row in [we, they] {
                tell(&row);
                rows.push(row);
            }
        }
        rows
    }

    async fn row(&self, counterpart: &Counterpart, offerer: Offerer) -> Row {
        let mut row = Row {
            name: counterpart.name.to_owned(),
            note: counterpart.note,
            offerer,
            cells: Vec::new(),
        };
        for what in What::ALL {
            if what.as_str().contains(&self.cell) {
                let (name, outcome) = cells::run(counterpart, what, offerer).await;
                row.name = name;
                row.cells.push((what, outcome));
            }
        }
        row
    }
}

/// The cells of one counterpart with one offerer.
#[derive(Debug)]
pub struct Row {
    /// Name and version
    pub name: String,
    /// Said beside it
    pub note: &'static str,
    /// Who made the offers
    pub offerer: Offerer,
    /// What was tried, and what came of it
    pub cells: Vec<(What, Outcome)>,
}

impl Row {
    /// What failed, if anything did.
    pub fn failures(&self) -> Vec<String> {
        let who = format!("{}, {}", self.name, self.offerer.as_str());
        let failure = |(what, outcome): &(What, Outcome)| {
            let why = outcome.as_ref().err()?;
            Some(format!("{who}, {}: {why}", what.as_str()))
        };
        self.cells.iter().filter_map(failure).collect()
    }
}

impl std::fmt::Display for Row {
    /// One word a cell, for who waits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}:", self.name, self.offerer.as_str())?;
        for (what, outcome) in &self.cells {
            let word = match outcome {
                Ok(Found::Works(_)) => "ok",
                Ok(Found::Lacks(_)) => "lacking",
                Err(_) => "FAILED",
            };
            write!(f, " {} {word};", what.as_str())?;
        }
        Ok(())
    }
}

/// The table in Markdown, with what the counterparts lack and what failed below it.
pub fn print(rows: &[Row]) -> String {
    let mut table = String::from("| counterpart | |");
    for what in What::ALL {
        let _ = write!(table, " {} |", what.as_str());
    }
    table += "\n|---|---|";
    table += &"---|".repeat(What::ALL.len());
    table += "\n";
    let mut notes: Vec<String> = Vec::new();
    for row in rows {
        let _ = write!(table, "| {} | {} |", row.name, row.offerer.as_str());
        for what in What::ALL {
            let outcome = row.cells.iter().find(|(tried, _)| *tried == what);
            let text = match outcome.map(|(_, outcome)| outcome) {
                None => "not tried".to_owned(),
                Some(Ok(Found::Works(counted))) => format!("**ok**: {counted}"),
                Some(Ok(Found::Lacks(evidence))) => refer(&mut notes, "lacks it", evidence),
                Some(Err(why)) => refer(&mut notes, "**FAILED**", why),
            };
            let _ = write!(table, " {text} |");
        }
        table += "\n";
    }
    for (at, note) in notes.iter().enumerate() {
        let _ = write!(table, "\n{}. {}", at + 1, one_line(note));
    }
    let mut told: Vec<(&str, &str)> = rows.iter().map(|row| (&*row.name, row.note)).collect();
    told.dedup();
    for (name, note) in told.into_iter().filter(|(_, note)| !note.is_empty()) {
        let _ = write!(table, "\n\n{name}: {note}.");
    }
    table + "\n"
}

/// A mark of the table for a note below it; the same note has the same mark.
fn refer(notes: &mut Vec<String>, word: &str, note: &str) -> String {
    let known = notes.iter().position(|known| known == note);
    let at = known.unwrap_or_else(|| {
        notes.push(note.to_owned());
        notes.len() - 1
    });
    format!("{word} ({})", at + 1)
}

fn one_line(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(NOTE_CHARS) {
        line.truncate(at);
        line.push('…');
    }
    line
}

/// The longest note: what a failure tells besides is for the terminal.
const NOTE_CHARS: usize = 400;
