//! The test vectors of RFC 9605, appendix C, as the working group has them in JSON.

use duologue_sframe::{CipherSuite, Decrypter, Encrypter, Header, Key};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    header: Vec<HeaderVector>,
    sframe: Vec<FrameVector>,
}

#[derive(Deserialize)]
struct HeaderVector {
    kid: u64,
    ctr: u64,
    encoded: String,
}

#[derive(Deserialize)]
struct FrameVector {
    cipher_suite: u16,
    kid: u64,
    ctr: u64,
    base_key: String,
    sframe_key_label: String,
    sframe_salt_label: String,
    sframe_key: String,
    sframe_salt: String,
    metadata: String,
    pt: String,
    ct: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("rfc9605.json")).expect("the vectors are JSON")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digits).collect()
}

#[test]
fn headers_are_written_and_read_as_in_the_rfc() {
    for HeaderVector { kid, ctr, encoded } in vectors().header {
        let header = Header {
            key: kid,
            counter: ctr,
        };
        let mut written = Vec::new();
        header.write(&mut written);
        assert_eq!(written, bytes(&encoded), "{header:?}");
        let read = Header::read(&written).unwrap();
        assert_eq!(read, (header, written.len()));
    }
}

#[test]
fn frames_of_all_cipher_suites_are_those_of_the_rfc() {
    let vectors = vectors().sframe;
    assert_eq!(vectors.len(), CipherSuite::ALL.len());
    for (vector, suite) in vectors.iter().zip(CipherSuite::ALL) {
        assert_eq!(suite.number(), vector.cipher_suite);
        assert_eq!(
            Key::label(suite, vector.kid, "key"),
            bytes(&vector.sframe_key_label)
        );
        assert_eq!(
            Key::label(suite, vector.kid, "salt"),
            bytes(&vector.sframe_salt_label)
        );
        let [key, salt] = [&vector.sframe_key, &vector.sframe_salt].map(|it| bytes(it));
        let given = Key::from_derived(suite, vector.kid, &key, &salt).unwrap();
        let derived = Key::derive(suite, vector.kid, &bytes(&vector.base_key)).unwrap();

        let (metadata, plain) = (bytes(&vector.metadata), bytes(&vector.pt));
        for key in [given, derived] {
            let mut decrypter = Decrypter::default();
            decrypter.insert(key).unwrap();
            let opened = decrypter.decrypt(&bytes(&vector.ct), &metadata);
            assert_eq!(opened.unwrap(), plain, "{suite:?}");
        }

        // The vectors' counter is reached by counting.
        let key = Key::derive(suite, vector.kid, &bytes(&vector.base_key)).unwrap();
        let mut encrypter = Encrypter::new(key);
        for _ in 0..vector.ctr {
            encrypter.encrypt(b"", b"").unwrap();
        }
        assert_eq!(
            encrypter.encrypt(&plain, &metadata).unwrap(),
            bytes(&vector.ct)
        );
    }
}
