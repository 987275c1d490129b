//! What datagrams show by themselves, before the library reads them.

use std::borrow::Cow;

use crate::Alert;

pub(crate) const CONTENT_HANDSHAKE: u8 = 22;
pub(crate) const RECORD_HEADER: usize = 13;
const CONTENT_ALERT: u8 = 21;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const MESSAGE_HEADER: usize = 12;
const LEVEL_FATAL: u8 = 2;

/// What tells one hello from another.
pub(crate) type Random = [u8; 32];

/// RFC 8446 §4.1.3: the random of a ServerHello that asks for another ClientHello.
const HELLO_RETRY_REQUEST: Random = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// After the handshake only protected records mean anything, and plaintext handshake records: they
/// show that the peer missed our last flight. Other plaintext is noise (RFC 6347 §4.1.2.7), of
/// which the library might keep too much.
pub(crate) fn is_for_established(datagram: &[u8]) -> bool {
    match datagram.first() {
        // RFC 9147 §4: the unified header of DTLS 1.3.
        Some(32..=63) => true,
        Some(&CONTENT_HANDSHAKE) => true,
        Some(_) => datagram.get(3..5).is_some_and(|epoch| epoch != [0, 0]),
        None => false,
    }
}

/// Whether a datagram begins with a piece of a ClientHello.
pub(crate) fn is_client_hello(datagram: &[u8]) -> bool {
    first_message(datagram) == Some(CLIENT_HELLO)
}

/// Whether a datagram begins with a piece of what answers a ClientHello.
pub(crate) fn is_answer_to_hello(datagram: &[u8]) -> bool {
    matches!(
        first_message(datagram),
        Some(SERVER_HELLO | HELLO_VERIFY_REQUEST)
    )
}

/// The kind of the plaintext handshake message that a datagram begins with.
fn first_message(datagram: &[u8]) -> Option<u8> {
    let is_plaintext =
        datagram.first() == Some(&CONTENT_HANDSHAKE) && datagram.get(3..5) == Some(&[0, 0]);
    let kind = datagram.get(RECORD_HEADER).copied();
    kind.filter(|_| is_plaintext)
}

/// What a datagram says that begins with a hello, or the first piece of one.
pub(crate) struct Hello {
    pub(crate) random: Random,
    /// Which message of the handshake it is.
    pub(crate) number: u16,
    /// It only asks for another ClientHello.
    pub(crate) asks_again: bool,
}

/// A ClientHello. The second one that a cookie or a HelloRetryRequest asks for has the same random.
pub(crate) fn client_hello(datagram: &[u8]) -> Option<Hello> {
    let (message, body) = begin_of_message(datagram)?;
    hello(message, body).filter(|_| message[0] == CLIENT_HELLO)
}

/// A ServerHello, a HelloRetryRequest or a HelloVerifyRequest, which has no random.
pub(crate) fn server_hello(datagram: &[u8]) -> Option<Hello> {
    let (message, body) = begin_of_message(datagram)?;
    match message[0] {
        SERVER_HELLO => hello(message, body),
        HELLO_VERIFY_REQUEST => Some(Hello {
            random: Random::default(),
            number: 0,
            asks_again: true,
        }),
        _ => None,
    }
}

fn hello(message: &[u8], body: &[u8]) -> Option<Hello> {
    // RFC 8446 §4.1.2, §4.1.3: version, random.
    let random = body.get(2..34)?.try_into().ok()?;
    Some(Hello {
        random,
        number: u16::from_be_bytes([message[4], message[5]]),
        asks_again: random == HELLO_RETRY_REQUEST,
    })
}

/// The header of the plaintext handshake message that a datagram begins with, and what follows it.
fn begin_of_message(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    first_message(datagram)?;
    // RFC 6347 §4.2.2: type, length, message number, the fragment's offset and length.
    let (message, body) = datagram
        .get(RECORD_HEADER..)?
        .split_at_checked(MESSAGE_HEADER)?;
    (message[6..9] == [0, 0, 0]).then_some((message, body))
}

/// A datagram without its plaintext alerts, and the last fatal one of these.
pub(crate) fn split_alerts(datagram: &[u8]) -> (Cow<'_, [u8]>, Option<Alert>) {
    let is_alert = |record: &[u8]| record[0] == CONTENT_ALERT && record[3..5] == [0, 0];
    let mut records = Records(datagram);
    if !records.any(is_alert) {
        return (Cow::Borrowed(datagram), None);
    }
    let (mut kept, mut alert) = (Vec::new(), None);
    let mut records = Records(datagram);
    for record in &mut records {
        if !is_alert(record) {
            kept.extend_from_slice(record);
        } else if let [LEVEL_FATAL, description] = record[RECORD_HEADER..] {
            alert = Some(Alert(description));
        }
    }
    kept.extend_from_slice(records.0);
    (Cow::Owned(kept), alert)
}

/// The records of a datagram up to the first one of another form: DTLS 1.3 protects its own under
/// a header without a length that could be trusted (RFC 9147 §4).
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let header = self.0.get(..RECORD_HEADER).filter(|h| h[0] < 32)?;
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (record, rest) = self.0.split_at_checked(RECORD_HEADER + length)?;
        self.0 = rest;
        Some(record)
    }
}

/// RFC 6347 §4.1: one plaintext record. Its number is far above those of the handshake, so that the
/// peer's replay window takes it.
pub(crate) fn plaintext_alert(alert: Alert) -> Vec<u8> {
    let head = [CONTENT_ALERT, 0xfe, 0xfd, 0, 0];
    let number = [0, 0, 0, 0, 0xff, 0xff];
    [&head[..], &number, &[0, 2, LEVEL_FATAL, alert.0]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let head = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0];
        [&head[..], &[body.len() as u8], body].concat()
    }

    #[test]
    fn plaintext_alerts_are_taken_out_of_a_datagram_and_nothing_else_is() {
        let hello = record(22, 0, &[2; 20]);
        let protected = record(21, 1, &[2, 40]);
        let unified = [0x2f, 1, 2, 3];
        let fatal = plaintext_alert(Alert(40));
        let warning = record(21, 0, &[1, 90]);
        let datagram = [&hello[..], &fatal, &warning, &protected, &unified].concat();
        let (rest, alert) = split_alerts(&datagram);
        assert_eq!(alert, Some(Alert(40)));
        assert_eq!(*rest, [&hello[..], &protected, &unified].concat());
        for length in 0..hello.len() {
            let (rest, alert) = split_alerts(&hello[..length]);
            assert_eq!((&*rest, alert), (&hello[..length], None));
        }
    }

    #[test]
    fn a_hello_is_told_by_its_random_if_its_beginning_is_there() {
        let message = |kind: u8, offset: u8, random: &Random| {
            let head = [kind, 0, 0, 34, 0, 0, 0, 0, offset, 0, 0, 34, 0xfe, 0xfd];
            record(22, 0, &[&head[..], random].concat())
        };
        let random = [7; 32];
        let client = |datagram: &[u8]| client_hello(datagram).map(|it| (it.random, it.asks_again));
        let server = |datagram: &[u8]| server_hello(datagram).map(|it| (it.random, it.asks_again));
        assert_eq!(client(&message(1, 0, &random)), Some((random, false)));
        assert_eq!(server(&message(2, 0, &random)), Some((random, false)));
        assert_eq!(client(&message(2, 0, &random)), None);
        assert_eq!(client(&message(1, 9, &random)), None);
        let asks = server(&message(2, 0, &HELLO_RETRY_REQUEST));
        assert_eq!(asks, Some((HELLO_RETRY_REQUEST, true)));
        let whole = message(1, 0, &random);
        for length in 0..whole.len() {
            assert_eq!(client(&whole[..length]), None);
        }
    }
}
