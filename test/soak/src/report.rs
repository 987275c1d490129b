//! What came of a run, as a table.

use std::fmt::{self, Display, Formatter};

use crate::gauge::Sample;
use crate::rule::{Rule, Trend};
use crate::trouble::Seen;

/// One thing that has to be so.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) rule: String,
    pub(crate) seen: String,
    pub(crate) holds: bool,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Report(Vec<Row>);

/// What has to stay flat, how it is read of a sample, its unit, and how far it may go.
type Flat = (&'static str, fn(&Sample) -> f64, (f64, &'static str), Rule);

const MIB: f64 = 1_048_576.0;

/// The last third of the calm seconds beside the first.
const FLAT: [Flat; 6] = [
    (
        "memory, counted",
        |it| it.counted,
        (MIB, "MiB"),
        Rule {
            times: 1.1,
            more: MIB,
        },
    ),
    (
        "memory, resident",
        |it| it.resident,
        (MIB, "MiB"),
        Rule {
            times: 1.15,
            more: 8.0 * MIB,
        },
    ),
    (
        "descriptors",
        |it| it.descriptors,
        (1.0, ""),
        Rule {
            times: 1.1,
            more: 10.0,
        },
    ),
    (
        "tasks",
        |it| it.tasks,
        (1.0, ""),
        Rule {
            times: 1.1,
            more: 10.0,
        },
    ),
    (
        "round trip, median",
        |it| it.median,
        (1.0, "ms"),
        Rule {
            times: 2.0,
            more: 2.0,
        },
    ),
    (
        "round trip, 99 of 100",
        |it| it.late,
        (1.0, "ms"),
        Rule {
            times: 2.0,
            more: 20.0,
        },
    ),
];

impl Report {
    pub(crate) fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// What is flat, and what is not.
    pub(crate) fn add_trends(&mut self, samples: &[Sample]) {
        for (what, of, (unit, name), rule) in FLAT {
            let Some(trend) = Trend::of(samples.iter().map(of)) else {
                continue;
            };
            let shown = |value: f64| format!("{:.1}", value / unit);
            self.add(Row {
                what: what.to_owned(),
                rule: format!(
                    "the end at most {} times the beginning and {} more",
                    rule.times,
                    format!("{} {name}", rule.more / unit).trim()
                ),
                seen: format!("{} to {} {name}", shown(trend.first), shown(trend.last)),
                holds: rule.allows(trend),
            });
        }
    }

    pub(crate) fn add_trouble(&mut self, seen: &Seen) {
        let (words, holds) = match &seen.outcome {
            Ok(words) => (words, true),
            Err(words) => (words, false),
        };
        self.add(Row {
            what: seen.trouble.to_owned(),
            rule: "connections survive or say that they do not".to_owned(),
            seen: words.clone(),
            holds,
        });
    }

    pub(crate) fn failed(&self) -> usize {
        self.0.iter().filter(|row| !row.holds).count()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | rule | seen | holds |\n|---|---|---|---|")?;
        for row in &self.0 {
            let holds = if row.holds { "yes" } else { "**no**" };
            let (what, seen) = (&row.what, row.seen.replace(['|', '\n'], " "));
            writeln!(f, "| {what} | {} | {} | {holds} |", row.rule, seen.trim())?;
        }
        Ok(())
    }
}
