//! Texts that torture a reader: `torture.txt`.

use duologue_sdp::SessionDescription;

const TEXTS: &str = include_str!("torture.txt");

/// Outcome, why, and the description.
fn texts() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TEXTS.split("\n=== ").skip(1).map(|text| {
        let (head, description) = text.split_once('\n').expect("a head and a text");
        let (outcome, why) = head.split_once(": ").expect("an outcome and why");
        (outcome, why, description)
    })
}

#[test]
fn each_text_has_the_outcome_that_is_written_beside_it() {
    let mut count = 0;
    for (expected, why, text) in texts() {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let outcome = match SessionDescription::parse(&text) {
                Ok(_) => "accepted".to_owned(),
                Err(error) => format!("line {}", error.line),
            };
            assert_eq!(outcome, expected, "{why}");
        }
        count += 1;
    }
    assert!(count > 15, "{count} texts were found");
}

#[test]
fn what_is_accepted_is_written_as_it_was_read() {
    let accepted = texts().filter(|(outcome, ..)| *outcome == "accepted");
    for (_, why, text) in accepted {
        let read = SessionDescription::parse(text).expect(why);
        let written = read.to_string();
        assert_eq!(
            written.replace("\r\n", "\n").trim_end(),
            text.trim_end(),
            "{why}"
        );
    }
}
