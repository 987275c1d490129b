//! Chromium and Firefox: their cells are scenarios of the page in `test/browsers`.

use duologue_browsers::{Browser, Suite};

use crate::outcome::{Found, Offerer, Outcome, What};
use crate::table::Row;

/// A browser of the system, as another counterpart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserCounterpart {
    /// What it is called
    pub(crate) name: &'static str,
    browser: Browser,
}

/// Both.
pub(crate) const BROWSERS: [BrowserCounterpart; 2] = [
    BrowserCounterpart {
        name: "Chromium",
        browser: Browser::Chromium,
    },
    BrowserCounterpart {
        name: "Firefox",
        browser: Browser::Firefox,
    },
];

/// What no browser has: the W3C's API receives no simulcast (webrtc-pc §5.4.1), as their answers show.
const LACKS: (What, Offerer) = (What::Simulcast, Offerer::We);

impl BrowserCounterpart {
    /// Both rows of it, of the cells whose names contain `only`.
    pub(crate) async fn rows(&self, only: &str) -> Vec<Row> {
        let name = self
            .browser
            .version()
            .unwrap_or_else(|_| self.name.to_owned());
        let outcomes = duologue_browsers::run(self.browser, Suite::Matrix, only).await;
        let cell = |what: What, offerer: Offerer| {
            let sentence = format!("{}, {}", what.as_str(), offerer.as_str());
            let outcomes = outcomes.as_ref().map_err(String::clone)?;
            let outcome = outcomes.iter().find(|outcome| outcome.name == sentence);
            let outcome = outcome.ok_or("the page has no such scenario")?;
            verdict((what, offerer), outcome)
        };
        let rows = Offerer::ALL.map(|offerer| Row {
            name: name.clone(),
            note: "",
            offerer,
            cells: What::ALL
                .into_iter()
                .filter(|what| what.as_str().contains(only))
                .map(|what| (what, cell(what, offerer)))
                .collect(),
        });
        rows.into()
    }
}

fn verdict(at: (What, Offerer), outcome: &duologue_browsers::Outcome) -> Outcome {
    if let Some(error) = &outcome.error {
        return Err(error.clone());
    }
    match (&outcome.skipped, at == LACKS) {
        (Some(evidence), true) => Ok(Found::Lacks(evidence.clone())),
        (Some(evidence), false) => Err(format!("lacks it: {evidence}")),
        (None, true) => Err("it was known to lack that, and has it".to_owned()),
        (None, false) => match &outcome.counted {
            Some(counted) => Ok(Found::Works(counted.clone())),
            None => Err("nothing was counted".to_owned()),
        },
    }
}
