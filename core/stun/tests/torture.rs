//! Messages that torture a reader: `torture.txt`.

use duologue_stun::{AttributeType, Message};

const MESSAGES: &str = include_str!("torture.txt");

/// Outcome, why, and the bytes.
fn messages() -> impl Iterator<Item = (&'static str, &'static str, Vec<u8>)> {
    MESSAGES.lines().filter_map(|line| {
        let mut parts = line.split('|');
        let (outcome, why) = (parts.next()?.trim(), parts.next()?.trim());
        let digits: Vec<u8> = parts
            .next()?
            .bytes()
            .filter(u8::is_ascii_hexdigit)
            .collect();
        let byte = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).expect("digits");
            u8::from_str_radix(text, 16).expect("a byte")
        };
        Some((outcome, why, digits.chunks(2).map(byte).collect()))
    })
}

#[test]
fn each_message_has_the_outcome_that_is_written_beside_it() {
    let mut count = 0;
    for (expected, why, bytes) in messages() {
        let outcome = match Message::parse(&bytes) {
            Ok(_) => "accepted",
            Err(_) => "refused",
        };
        assert_eq!(outcome, expected, "{why}");
        count += 1;
    }
    assert!(count > 15, "{count} messages were found");
}

/// None of the getters panics, and none makes of nonsense a value.
#[test]
fn what_is_accepted_can_be_asked_for_everything() {
    for (_, why, bytes) in messages() {
        let Ok(message) = Message::parse(&bytes) else {
            continue;
        };
        let id: [u8; 12] = core::array::from_fn(|at| at as u8);
        assert_eq!(message.transaction_id().0, id);
        assert_eq!(message.mapped_address(), None, "{why}");
        assert_eq!(message.error_code(), None, "{why}");
        assert_eq!(message.priority(), None, "{why}");
        let unknown: Vec<AttributeType> = message.unknown_required(&[]).collect();
        assert!(unknown.len() <= message.attributes().count());
        if why.starts_with("an attribute behind") {
            assert_eq!(message.username(), None, "it does not count");
        }
    }
}
