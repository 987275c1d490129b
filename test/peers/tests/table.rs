//! Every counterpart, every way, everything that is tried: `cargo xtask test peers`.
#![expect(clippy::print_stdout, reason = "the table is the test's output")]

use duologue_peers::{ALL, Row, Way, print, run};

/// `DUOLOGUE_ONLY` narrows it down by a part of the counterparts' names.
#[tokio::test(flavor = "multi_thread")]
async fn every_counterpart_and_we_understand_each_other() {
    let only = std::env::var("DUOLOGUE_ONLY").unwrap_or_default();
    let mut rows: Vec<Row> = Vec::new();
    for counterpart in ALL.iter().filter(|c| c.name.contains(&only)) {
        for way in Way::ALL {
            rows.push(run(counterpart, way).await);
        }
    }
    println!("{}", print(&rows));
    let failures: Vec<String> = rows.iter().filter_map(Row::failure).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(!rows.is_empty(), "no counterpart is called {only:?}");
}
