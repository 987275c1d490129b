//! Rows of the table.

/// What a value is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    Between(f64, f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
            Bound::Between(least, most) => (least..=most).contains(&value),
        }
    }

    fn text(self) -> String {
        match self {
            Bound::AtLeast(least) => format!("≥ {least}"),
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::Between(least, most) => format!("{least}–{most}"),
        }
    }
}

/// A value that is measured with each seed: what it is, its goal, and what it must stay within.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) goal: Bound,
    pub(crate) held: Bound,
}

pub(crate) const SEEDS: u64 = 10;

/// Runs the scenario with each seed, prints a row for each measure and holds it to what was reached.
#[expect(clippy::print_stdout, reason = "it is the table")]
pub(crate) fn check<const N: usize>(
    scenario: &str,
    measures: [Measure; N],
    run: impl Fn(u64) -> [f64; N],
) {
    let values: Vec<[f64; N]> = (0..SEEDS).map(run).collect();
    let mut failures = Vec::new();
    for (index, measure) in measures.iter().enumerate() {
        let mut column: Vec<f64> = values.iter().map(|row| row[index]).collect();
        column.sort_by(f64::total_cmp);
        let (least, middle, most) = (
            column[0],
            column[column.len() / 2],
            column[column.len() - 1],
        );
        let met = column
            .iter()
            .filter(|value| measure.goal.holds(**value))
            .count();
        println!(
            "| {scenario} | {} | {} | {least:.3} – {middle:.3} – {most:.3} | {met} of {SEEDS} |",
            measure.name,
            measure.goal.text(),
        );
        if let Some(seed) = values
            .iter()
            .position(|row| !measure.held.holds(row[index]))
        {
            let value = values[seed][index];
            failures.push(format!(
                "{}: {value} with seed {seed}, held {}",
                measure.name,
                measure.held.text()
            ));
        }
    }
    assert!(failures.is_empty(), "{scenario}: {failures:#?}");
}

/// A measure.
pub(crate) fn measure(name: &'static str, goal: Bound, held: Bound) -> Measure {
    Measure { name, goal, held }
}
