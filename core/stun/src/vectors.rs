//! The test vectors of RFC 5769 and RFC 8489 appendix B, and messages of other stacks.

use crate::{
    AttributeType, Class, ErrorCode, Key, Message, Method, PasswordAlgorithm, TransactionId,
    Writer, userhash,
};

const REQUEST: &str = "
    00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
    00 24 00 04 6e 00 01 ff
    80 29 00 08 93 2f f9 b1 51 26 3b 36
    00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2
    80 28 00 04 e5 7a 3b cf";

const RESPONSE_IPV4: &str = "
    01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 08 00 01 a1 47 e1 12 a6 43
    00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7
    80 28 00 04 c0 7d 4c 96";

const RESPONSE_IPV6: &str = "
    01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
    00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41
    80 28 00 04 c8 fb 0b 4c";

/// What libnice 0.1.21 answered to a check from 127.0.0.1:41234, USERNAME included.
const LIBNICE: &str = "
    01 01 00 3c 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c
    00 20 00 08 00 01 80 00 5e 12 a4 43
    00 06 00 09 6e 69 63 65 3a 6f 75 72 73 20 20 20
    00 08 00 14 f0 17 7a f6 ae ca 4d 42 91 e4 75 94 0b 73 df bc f2 d1 66 f8
    80 28 00 04 b7 4a 4d ef";

const LONG_TERM: &str = "
    00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00
    00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46
                53 54 76 79 36 34 73 41
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66";

/// RFC 8489 §B.1, as corrected by erratum 6268.
const LONG_TERM_SHA256: &str = "
    00 01 00 90 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 1e 00 20 4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f
                24 81 94 15 56 9e 60 b2 05 c4 6e 41 40 7f 17 04
    00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 43 66 2f 2f
                34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39
                46 53 54 76 79 36 34 73 41 00 00 00
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 1d 00 04 00 02 00 00
    00 1c 00 20 b5 c7 bf 00 5b 6c 52 a2 1c 51 c5 e8 92 f8 19 24
                13 62 96 cb 92 7c 43 14 93 09 27 8c c6 51 8e 65";

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const MATRIX: &str = "マトリックス";

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

#[test]
fn the_sample_request_is_read_and_verified() {
    let packet = bytes(REQUEST);
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.software(), Some("STUN test client"));
    assert_eq!(message.username(), Some("evtj:h6vY"));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(message.ice_controlled(), Some(0x932f_f9b1_5126_3b36));
    assert!(message.has_fingerprint());
    assert_eq!(message.verify(&Key::short_term(PASSWORD)), Ok(()));
}

#[test]
fn the_sample_responses_are_read_and_verified() {
    for (hex, mapped) in [
        (RESPONSE_IPV4, "192.0.2.1:32853"),
        (
            RESPONSE_IPV6,
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
        ),
    ] {
        let packet = bytes(hex);
        let message = Message::parse(&packet).unwrap();
        assert_eq!(message.mapped_address(), Some(mapped.parse().unwrap()));
        assert_eq!(message.verify(&Key::short_term(PASSWORD)), Ok(()));
        assert_eq!(message.error_code(), None::<ErrorCode>);
    }
}

#[test]
fn the_padding_that_coturn_counts_as_its_reason_phrase_is_none() {
    let mut packet = Vec::new();
    Writer::new(
        &mut packet,
        Class::ErrorResponse,
        Method::ALLOCATE,
        TransactionId([7; 12]),
    )
    .attribute(AttributeType::ERROR_CODE, b"\0\0\x04\x00Bad Request\0");
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.error_code(), Some(ErrorCode::BAD_REQUEST));
    assert_eq!(message.error_reason(), Some("Bad Request"));
}

#[test]
fn the_response_of_libnice_is_read_verified_and_understood() {
    let packet = bytes(LIBNICE);
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.username(), Some("nice:ours"));
    let mapped = "127.0.0.1:41234".parse().unwrap();
    assert_eq!(message.mapped_address(), Some(mapped));
    let key = Key::short_term("libnicespasswordoflength");
    assert_eq!(message.verify(&key), Ok(()));
    assert!(message.is_understood());
}

#[test]
fn only_attributes_without_a_name_and_with_a_low_number_are_not_understood() {
    for (kind, understood) in [
        (0x0006, true),
        (0x0005, true),
        (0xfffe, true),
        (0x7ffe, false),
    ] {
        let mut packet = Vec::new();
        let id = TransactionId([7; 12]);
        Writer::new(&mut packet, Class::SuccessResponse, Method::BINDING, id)
            .attribute(AttributeType(kind), b"?")
            .fingerprint();
        let message = Message::parse(&packet).unwrap();
        assert_eq!(message.is_understood(), understood, "{kind:#06x}");
    }
}

#[test]
fn the_sample_request_with_long_term_credentials_is_verified() {
    let packet = bytes(LONG_TERM);
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.username(), Some(MATRIX));
    assert_eq!(message.nonce(), Some("f//499k954d6OL34oL9FSTvy64sA"));
    let realm = message.realm().unwrap();
    let key = Key::long_term(MATRIX, realm, "TheMatrIX", PasswordAlgorithm::Md5);
    assert_eq!(message.verify(&key), Ok(()));
}

#[test]
fn the_sample_request_with_sha_256_is_verified() {
    let packet = bytes(LONG_TERM_SHA256);
    let message = Message::parse(&packet).unwrap();
    let realm = message.realm().unwrap();
    assert_eq!(message.userhash(), Some(&userhash(MATRIX, realm)));
    let algorithm = message.password_algorithm().unwrap();
    assert_eq!(algorithm, PasswordAlgorithm::Sha256);
    let key = Key::long_term(MATRIX, realm, "TheMatrIX", algorithm);
    assert_eq!(message.verify(&key), Ok(()));
}
