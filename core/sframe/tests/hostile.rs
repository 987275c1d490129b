//! What anybody may send.

use duologue_sframe::{CipherSuite, DecryptError, Decrypter, Encrypter, Header, Key, KeyError};
use proptest::prelude::*;

fn key(suite: CipherSuite) -> Key {
    Key::derive(suite, 300, b"secret").expect("a secret has any length")
}

fn decrypter(suite: CipherSuite) -> Decrypter {
    let mut decrypter = Decrypter::default();
    decrypter.insert(key(suite)).expect("there is room");
    decrypter
}

#[test]
fn a_frame_that_is_changed_anywhere_or_cut_is_refused() {
    for suite in CipherSuite::ALL {
        let decrypter = decrypter(suite);
        let frame = Encrypter::new(key(suite))
            .encrypt(b"a picture", b"meta")
            .unwrap();
        assert_eq!(decrypter.decrypt(&frame, b"meta").unwrap(), b"a picture");
        assert!(decrypter.decrypt(&frame, b"other").is_err());
        for at in 0..frame.len() {
            let mut changed = frame.clone();
            changed[at] ^= 0x10;
            assert!(
                decrypter.decrypt(&changed, b"meta").is_err(),
                "{suite:?} {at}"
            );
            assert!(
                decrypter.decrypt(&frame[..at], b"meta").is_err(),
                "{suite:?} {at}"
            );
        }
    }
}

#[test]
fn a_short_frame_is_malformed_and_an_empty_one_is_encrypted() {
    let suite = CipherSuite::Aes256GcmSha512_128;
    for short in [&[][..], &[0x80], &[0x9f, 1, 2, 3]] {
        assert_eq!(Header::read(short), Err(DecryptError::Malformed));
    }
    assert_eq!(
        decrypter(suite).decrypt(&[5, 0, 0], b""),
        Err(DecryptError::UnknownKey { key: 0 })
    );
    let empty = Encrypter::new(key(suite)).encrypt(b"", b"").unwrap();
    assert_eq!(decrypter(suite).decrypt(&empty, b"").unwrap(), b"");
}

#[test]
fn keys_of_other_lengths_are_refused() {
    for suite in CipherSuite::ALL {
        let made = |key: usize, salt: usize| {
            let made = Key::from_derived(suite, 0, &vec![0; key], &vec![0; salt]);
            made.map(drop)
        };
        let (key, salt) = (suite.key_bytes(), suite.salt_bytes());
        assert_eq!(made(key, salt), Ok(()));
        assert_eq!(made(key - 1, salt), Err(KeyError::Length));
        assert_eq!(made(key, salt + 1), Err(KeyError::Length));
        let long = Key::derive(suite, 0, &[0; duologue_sframe::BASE_KEY_BYTES + 1]);
        assert_eq!(long.map(drop), Err(KeyError::TooLong));
        assert_eq!(CipherSuite::of_name(suite.name()), Some(suite));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(frame: Vec<u8>, metadata: Vec<u8>) {
        for suite in CipherSuite::ALL {
            prop_assert!(decrypter(suite).decrypt(&frame, &metadata).is_err());
        }
    }

    #[test]
    fn what_is_encrypted_is_decrypted(frame: Vec<u8>, metadata: Vec<u8>) {
        for suite in CipherSuite::ALL {
            let sealed = Encrypter::new(key(suite)).encrypt(&frame, &metadata).unwrap();
            prop_assert!(sealed.len() <= frame.len() + duologue_sframe::OVERHEAD_MAX);
            prop_assert_eq!(decrypter(suite).decrypt(&sealed, &metadata).unwrap(), frame.clone());
        }
    }
}
