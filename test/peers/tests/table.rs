//! The counterparts that are quickly had, and everything that is tried: `cargo xtask test peers`.
#![expect(clippy::print_stdout, reason = "the table is the test's output")]

use duologue_peers::{Row, Selection, print};

/// `DUOLOGUE_ONLY` narrows it down: `NAME[/CELL]`, parts of names.
#[tokio::test(flavor = "multi_thread")]
async fn every_counterpart_and_we_understand_each_other() {
    let only = std::env::var("DUOLOGUE_ONLY").unwrap_or_default();
    let rows = Selection::new(false, &only)
        .run(|row| println!("{row}"))
        .await;
    println!("{}", print(&rows));
    let failures: Vec<String> = rows.iter().flat_map(Row::failures).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(!rows.is_empty(), "no counterpart is called {only:?}");
}
