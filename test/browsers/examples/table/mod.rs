//! What scenarios counted, as a table.

use duologue_browsers::Outcome;
use serde_json::Value;

/// What each scenario of a round counted, by its name.
pub(crate) fn read(round: usize, outcomes: Vec<Outcome>) -> Result<Vec<(String, Value)>, String> {
    let read = |outcome: Outcome| {
        if let Some(error) = outcome.error {
            return Err(format!("{}: {error}", outcome.name));
        }
        let counted: Value = serde_json::from_str(&outcome.counted.unwrap_or_default())
            .map_err(|error| error.to_string())?;
        println!("round {round}, {}: {counted}", outcome.name);
        Ok((outcome.name, counted))
    };
    outcomes.into_iter().map(read).collect()
}

/// Medians, and the least and the most.
pub(crate) fn print(all: &[(String, Value)]) {
    let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    println!(
        "\n| | {} |\n|---|{}",
        names.join(" | "),
        "---:|".repeat(names.len())
    );
    let fields = all.first().and_then(|(_, counted)| counted.as_object());
    for field in fields.into_iter().flat_map(|it| it.keys()) {
        let of = |name: &str| {
            let rows = all.iter().filter(|(of, _)| of == name);
            // What did not happen was later than all that was waited for.
            let values = rows.map(|(_, counted)| counted[field].as_f64().unwrap_or(f64::INFINITY));
            let mut values: Vec<f64> = values.collect();
            values.sort_by(f64::total_cmp);
            let shown = |value: f64| match value.is_finite() {
                true => format!("{value:.2}"),
                false => "later".to_owned(),
            };
            let all = [values.len() / 2, 0, values.len() - 1];
            let [median, least, most] = all.map(|at| shown(values[at]));
            format!("{median} ({least}–{most})")
        };
        let cells: Vec<String> = names.iter().map(|name| of(name)).collect();
        println!("| {field} | {} |", cells.join(" | "));
    }
}
