//! What Project Wycheproof knows to go wrong, of what peers send: their halves of key exchanges, and their
//! signatures.

use super::certificate::{KeyKind, PublicKey};
use super::group::{Group, respond};
use super::hex::hex;
use super::signature::Scheme;
use crate::Version;

const VECTORS: &str = include_str!("wycheproof.txt");

fn vectors(of: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(move |words| of.split(' ').any(|of| of == words[0]))
}

#[test]
fn halves_of_key_exchanges_are_taken_or_refused_as_wycheproof_says() {
    // The other half of a hybrid share is good.
    let (x25519, _) = respond(Group::X25519, &hex(GOOD_X25519)).unwrap().unwrap();
    let mut counts = [0; 2];
    for words in vectors("share") {
        let [_, group, share, expected] = words[..] else {
            panic!("{words:?}");
        };
        let mut share = hex(share);
        let group = match group {
            "X25519" => Group::X25519,
            "P256" => Group::P256,
            "P384" => Group::P384,
            _ => {
                share.extend_from_slice(&x25519);
                Group::X25519MlKem768
            }
        };
        let taken = respond(group, &share).unwrap().is_some();
        assert_eq!(taken, expected == "taken", "{words:?}");
        counts[usize::from(taken)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

#[test]
fn signatures_are_valid_as_wycheproof_says() {
    let (mut key, mut counts) = (None, [0; 2]);
    for words in vectors("key signature") {
        if words[0] == "key" {
            let kind = match words[1] {
                "P256" => KeyKind::P256,
                "Ed25519" => KeyKind::Ed25519,
                _ => KeyKind::Rsa,
            };
            let bytes = hex(words[2]);
            key = Some(PublicKey { kind, bytes });
            continue;
        }
        let [_, scheme, message, signature, expected] = words[..] else {
            panic!("{words:?}");
        };
        let scheme = Scheme(u16::from_str_radix(scheme, 16).unwrap());
        let key = key.as_ref().unwrap();
        let verified = key.verify(Version::V12, scheme, &hex(message), &hex(signature));
        assert_eq!(verified.is_ok(), expected == "valid", "{words:?}");
        counts[usize::from(verified.is_ok())] += 1;
    }
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

/// RFC 7748 §6.1: Bob's.
const GOOD_X25519: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
