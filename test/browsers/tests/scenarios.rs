//! Every scenario of `page/scenarios.js`, in each browser of the system.
#![expect(
    clippy::print_stdout,
    reason = "the table of outcomes is shown with --nocapture"
)]

use duologue_browsers::{Browser, Suite, run};

#[tokio::test]
async fn chromium_and_the_rust_peer_agree_in_every_scenario() {
    all_pass(Browser::Chromium, Suite::Open).await;
}

#[tokio::test]
async fn chromium_with_hidden_addresses_and_the_rust_peer_find_each_other() {
    all_pass(Browser::Chromium, Suite::Hidden).await;
}

#[tokio::test]
async fn chromium_and_the_rust_peer_set_up_by_drafts() {
    all_pass(Browser::Chromium, Suite::Drafts).await;
}

#[tokio::test]
async fn firefox_and_the_rust_peer_agree_in_every_scenario() {
    all_pass(Browser::Firefox, Suite::Open).await;
}

#[tokio::test]
async fn firefox_with_hidden_addresses_and_the_rust_peer_find_each_other() {
    all_pass(Browser::Firefox, Suite::Hidden).await;
}

#[tokio::test]
async fn chromium_decodes_what_the_rust_peer_sends_back() {
    all_pass(Browser::Chromium, Suite::Media).await;
}

#[tokio::test]
async fn firefox_decodes_what_the_rust_peer_sends_back() {
    all_pass(Browser::Firefox, Suite::Media).await;
}

#[tokio::test]
async fn chromium_and_the_rust_peer_read_each_others_pictures_and_hear_each_others_sound() {
    all_pass(Browser::Chromium, Suite::Raw).await;
}

#[tokio::test]
async fn firefox_and_the_rust_peer_read_each_others_pictures_and_hear_each_others_sound() {
    all_pass(Browser::Firefox, Suite::Raw).await;
}

/// `DUOLOGUE_ONLY` narrows the scenarios down by a part of their names.
async fn all_pass(browser: Browser, suite: Suite) {
    let only = std::env::var("DUOLOGUE_ONLY").unwrap_or_default();
    let outcomes = run(browser, suite, &only)
        .await
        .expect("the browser answers to the end");
    assert!(!outcomes.is_empty() || !only.is_empty(), "no scenario ran");
    let mut report = String::new();
    for o in &outcomes {
        let mark = if o.error.is_none() {
            "ok    "
        } else {
            "FAILED"
        };
        report += &format!("\n  {mark} {:>6} ms  {}", o.ms, o.name);
        if let Some(reason) = &o.skipped {
            report += &format!(": {reason}");
        }
        if let Some(error) = &o.error {
            report += &format!("\n         {}", error.replace('\n', "\n         "));
        }
    }
    println!("{browser:?}, {} scenarios:{report}", outcomes.len());
    assert!(
        outcomes.iter().all(|o| o.error.is_none()),
        "{browser:?}:{report}"
    );
}
