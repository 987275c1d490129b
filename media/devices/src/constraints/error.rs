use thiserror::Error;

/// No settings meet what is required: `OverconstrainedError` (mediacapture-main §11.2).
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("no device meets {}", named(.constraint))]
pub struct OverconstrainedError {
    /// `constraint`: one that nothing meets; empty where no single one is to blame.
    pub constraint: String,
}

fn named(constraint: &str) -> &str {
    match constraint {
        "" => "all constraints together",
        one => one,
    }
}
