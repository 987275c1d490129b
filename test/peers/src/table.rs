//! What was found, as a table.

use std::fmt::Write;
use std::time::Duration;

use crate::cells::{STEPS, Way};
use crate::counterpart::Counterpart;

/// A connection with one counterpart.
#[derive(Debug)]
pub struct Row {
    /// Name and version
    pub name: String,
    way: &'static str,
    note: &'static str,
    /// As far as it came
    pub cells: Vec<Cell>,
}

/// One thing that was tried.
#[derive(Debug)]
pub struct Cell {
    /// How long it took with a remark, or why it failed
    pub outcome: Result<(Duration, &'static str), String>,
}

impl Row {
    pub(crate) fn new(counterpart: &Counterpart, way: Way) -> Self {
        Row {
            name: counterpart.name.to_owned(),
            way: way.as_str(),
            note: counterpart.note,
            cells: Vec::new(),
        }
    }

    /// What failed, if anything did.
    pub fn failure(&self) -> Option<String> {
        let (at, cell) = self.cells.iter().enumerate().next_back()?;
        let why = cell.outcome.as_ref().err()?;
        let step = STEPS[at].as_str();
        Some(format!("{}, {}, {step}: {why}", self.name, self.way))
    }
}

impl Cell {
    pub(crate) fn failed(why: String) -> Self {
        Cell { outcome: Err(why) }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.outcome {
            Ok((took, "")) => write!(f, "{}", took.as_millis()),
            Ok((took, remark)) => write!(f, "{} ({remark})", took.as_millis()),
            Err(_) => f.write_str("FAILED"),
        }
    }
}

/// The table: milliseconds.
pub fn print(rows: &[Row]) -> String {
    let mut table = String::from("\n| counterpart | way |");
    for step in STEPS {
        let _ = write!(table, " {} |", step.as_str());
    }
    table += " note |\n|---|---|";
    table += &"---:|".repeat(STEPS.len());
    table += "---|\n";
    for row in rows {
        let _ = write!(table, "| {} | {} |", row.name, row.way);
        for at in 0..STEPS.len() {
            match row.cells.get(at) {
                Some(cell) => drop(write!(table, " {cell} |")),
                None => table += " not tried |",
            }
        }
        let _ = writeln!(table, " {} |", row.note);
    }
    table
}
