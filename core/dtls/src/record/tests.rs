use super::*;
use crate::suite::Aead;

const AEADS: [Aead; 3] = [Aead::Aes128Gcm, Aead::Aes256Gcm, Aead::ChaCha20Poly1305];

fn keys(version: Version, aead: Aead) -> Keys {
    let key = vec![7; aead.key_len()];
    let keys = match version {
        Version::V12 => Keys::v12(aead, &key, &[3; 12][..aead.fixed_iv_len()]),
        Version::V13 => Keys::v13(aead, &key, &[3; 12], &key),
    };
    keys.expect("keys")
}

/// An end that seals in an epoch, and one that opens it.
fn pair(version: Version, aead: Aead) -> (Records, Records, u64) {
    let epoch = match version {
        Version::V12 => 1,
        Version::V13 => 3,
    };
    let (mut sealing, mut opening) = (Records::new(0), Records::new(0));
    sealing.install_sealing(epoch, keys(version, aead));
    opening.install_opening(epoch, keys(version, aead));
    opening.release_data();
    (sealing, opening, epoch)
}

fn seal(records: &mut Records, epoch: u64, content: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let sealed = records.seal(epoch, content, &mut out, |out| out.extend_from_slice(body));
    assert!(sealed.expect("sealed").is_some());
    assert_eq!(out.len(), body.len() + records.overhead(epoch));
    out
}

/// What comes out of the first record.
fn open(records: &mut Records, datagram: &[u8]) -> Option<(u8, Vec<u8>)> {
    let mut datagram = datagram.to_vec();
    match records.open(&mut datagram)?.0 {
        Read::Record { content, body, .. } => Some((content, body.to_vec())),
        _ => None,
    }
}

#[test]
fn what_is_sealed_is_opened_once_and_in_any_order() {
    for version in [Version::V12, Version::V13] {
        for aead in AEADS {
            let (mut sealing, mut opening, epoch) = pair(version, aead);
            let bodies: Vec<Vec<u8>> = (0..100).map(|n: u8| vec![n; n.into()]).collect();
            let sealed: Vec<Vec<u8>> = bodies
                .iter()
                .map(|body| seal(&mut sealing, epoch, 23, body))
                .collect();
            for (datagram, body) in sealed.iter().zip(&bodies).rev() {
                assert_eq!(open(&mut opening, datagram), Some((23, body.clone())));
                assert_eq!(open(&mut opening, datagram), None, "a replay");
            }
        }
    }
}

#[test]
fn a_record_with_any_bit_changed_is_noise_and_stays_to_be_opened() {
    for version in [Version::V12, Version::V13] {
        for aead in AEADS {
            let (mut sealing, mut opening, epoch) = pair(version, aead);
            let datagram = seal(&mut sealing, epoch, 23, b"whole");
            for bit in 0..datagram.len() * 8 {
                let mut changed = datagram.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                // Plaintext is what anybody may claim; a connection takes none.
                let opened = open(&mut opening, &changed);
                let is_plain = version == Version::V12 && changed[3..5] == [0, 0];
                assert!(opened.is_none() || is_plain, "{version:?} bit {bit}");
            }
            assert!(open(&mut opening, &datagram).is_some());
        }
    }
}

#[test]
fn numbers_go_on_past_what_a_record_shows_of_them() {
    let (mut sealing, mut opening, epoch) = pair(Version::V13, Aead::Aes128Gcm);
    for number in 0..70_000_u32 {
        let datagram = seal(&mut sealing, epoch, 23, &number.to_be_bytes());
        if number % 100 == 0 {
            let expected = (23, number.to_be_bytes().to_vec());
            assert_eq!(open(&mut opening, &datagram), Some(expected));
        }
    }
}

#[test]
fn what_comes_before_its_keys_is_early_and_unchanged() {
    let (mut sealing, _, epoch) = pair(Version::V13, Aead::Aes128Gcm);
    let datagram = seal(&mut sealing, epoch, 23, b"early");
    let mut opening = Records::new(0);
    let mut copy = datagram.clone();
    let read = opening.open(&mut copy).map(|(read, _)| read);
    assert!(matches!(read, Some(Read::Early(record)) if record == datagram));

    let (mut sealing, mut opening, epoch) = pair(Version::V12, Aead::Aes128Gcm);
    opening.holds_data = true;
    let mut datagram = seal(&mut sealing, epoch, 23, b"early");
    let read = opening.open(&mut datagram).map(|(read, _)| read);
    assert!(matches!(read, Some(Read::Early(_))));
    opening.release_data();
    assert!(open(&mut opening, &datagram).is_some());
}

#[test]
fn padding_is_taken_off_and_a_record_of_zeros_is_of_no_type() {
    let (mut sealing, mut opening, epoch) = pair(Version::V13, Aead::Aes128Gcm);
    // A content type of zero is padding too.
    let padded = seal(&mut sealing, epoch, 0, &[9, 9, 23, 0, 0, 0]);
    assert_eq!(open(&mut opening, &padded), Some((23, vec![9, 9])));
    let zeros = seal(&mut sealing, epoch, 0, &[0; 20]);
    assert_eq!(open(&mut opening, &zeros), Some((0, Vec::new())));
}

#[test]
fn a_datagram_has_several_records_and_ends_at_what_is_none() {
    let (mut sealing, mut opening, epoch) = pair(Version::V12, Aead::ChaCha20Poly1305);
    let mut datagram = seal(&mut sealing, epoch, 23, b"one");
    datagram.extend(seal(&mut sealing, 0, 22, b"two"));
    datagram.extend([23, 0xfe, 0xfd, 0]);
    let (mut rest, mut contents) = (&mut datagram[..], Vec::new());
    while let Some((read, after)) = opening.open(rest) {
        let Read::Record { body, .. } = read else {
            panic!("{read:?}");
        };
        contents.push(body.to_vec());
        rest = after;
    }
    assert_eq!(contents, [b"one".to_vec(), b"two".to_vec()]);
}

#[test]
fn keys_do_not_reach_a_log() {
    let (sealing, ..) = pair(Version::V13, Aead::Aes128Gcm);
    let text = format!("{sealing:?} {:?}", keys(Version::V13, Aead::Aes128Gcm));
    assert!(!text.contains('7') || !text.contains("7, 7"), "{text}");
}
