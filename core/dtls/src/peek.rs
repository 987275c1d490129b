//! What datagrams show by themselves, before a handshake reads them.

use crate::Alert;
use crate::message::HELLO_RETRY_REQUEST;
use crate::message::kind::{CLIENT_HELLO, HELLO_VERIFY_REQUEST, SERVER_HELLO};
use crate::reassembly::MESSAGE_HEADER;
use crate::record::content::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE};
use crate::record::{Header, RECORD_HEADER};
use crate::wire::Reader;

/// RFC 8446 §6.
pub(crate) const LEVEL_WARNING: u8 = 1;
pub(crate) const LEVEL_FATAL: u8 = 2;

/// What tells one hello from another.
pub(crate) type Random = [u8; 32];

/// After the handshake only protected records mean anything, and those in plaintext that a flight begins with which the
/// peer repeats, or a datagram of one. Other plaintext is noise (RFC 6347 §4.1.2.7).
pub(crate) fn is_for_established(datagram: &[u8]) -> bool {
    match datagram.first() {
        // RFC 9147 §4: the unified header of DTLS 1.3.
        Some(32..=63) => true,
        Some(&HANDSHAKE | &CHANGE_CIPHER_SPEC) => true,
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
    let is_plaintext = datagram.first() == Some(&HANDSHAKE) && datagram.get(3..5) == Some(&[0, 0]);
    let kind = datagram.get(RECORD_HEADER).copied();
    kind.filter(|_| is_plaintext)
}

/// What a datagram says that begins with a hello, or the first piece of one.
pub(crate) struct Hello<'a> {
    pub(crate) random: Random,
    /// Which message of the handshake it is.
    pub(crate) number: u16,
    /// It only asks for another ClientHello.
    pub(crate) asks_again: bool,
    /// The message from its header on, as far as the datagram has it.
    pub(crate) message: &'a [u8],
}

/// A ClientHello. The second one that a cookie or a HelloRetryRequest asks for has the same random.
pub(crate) fn client_hello(datagram: &[u8]) -> Option<Hello<'_>> {
    let message = begin_of_message(datagram)?;
    hello(message).filter(|_| message[0] == CLIENT_HELLO)
}

/// A ServerHello, a HelloRetryRequest or a HelloVerifyRequest, which has no random.
pub(crate) fn server_hello(datagram: &[u8]) -> Option<Hello<'_>> {
    let message = begin_of_message(datagram)?;
    match message[0] {
        SERVER_HELLO => hello(message),
        HELLO_VERIFY_REQUEST => Some(Hello {
            random: Random::default(),
            number: 0,
            asks_again: true,
            message,
        }),
        _ => None,
    }
}

fn hello(message: &[u8]) -> Option<Hello<'_>> {
    // RFC 8446 §4.1.2, §4.1.3: version, random.
    let body = message.get(MESSAGE_HEADER..)?;
    let random = body.get(2..34)?.try_into().ok()?;
    Some(Hello {
        random,
        number: u16::from_be_bytes([message[4], message[5]]),
        asks_again: random == HELLO_RETRY_REQUEST,
        message,
    })
}

/// The plaintext handshake message that a datagram begins with, header and all, as far as it is there.
fn begin_of_message(datagram: &[u8]) -> Option<&[u8]> {
    first_message(datagram)?;
    // RFC 6347 §4.2.2: type, length, message number, the fragment's offset and length.
    let message = datagram.get(RECORD_HEADER..)?;
    let header = message.get(..MESSAGE_HEADER)?;
    let end = MESSAGE_HEADER + Reader::new(&header[9..]).u24()?;
    (header[6..9] == [0, 0, 0]).then(|| &message[..end.min(message.len())])
}

/// The last fatal alert in plaintext of a datagram.
pub(crate) fn plaintext_alert(datagram: &[u8]) -> Option<Alert> {
    let (mut rest, mut alert) = (datagram, None);
    while let Some(header) = Header::read(rest) {
        let (record, after) = rest.split_at(header.total_len());
        let is_plaintext = matches!(
            header,
            Header::Plain {
                content: ALERT,
                epoch: 0,
                ..
            }
        );
        if is_plaintext && let [LEVEL_FATAL, description] = record[RECORD_HEADER..] {
            alert = Some(Alert(description));
        }
        rest = after;
    }
    alert
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let head = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0];
        [&head[..], &[body.len() as u8], body].concat()
    }

    #[test]
    fn a_fatal_alert_in_plaintext_is_found_and_no_other() {
        let hello = record(22, 0, &[2; 20]);
        let protected = record(21, 1, &[2, 40]);
        let unified = [0x2f, 1, 2, 3];
        let fatal = record(21, 0, &[2, 47]);
        let warning = record(21, 0, &[1, 90]);
        let none = [&hello[..], &warning, &protected, &unified].concat();
        assert_eq!(plaintext_alert(&none), None);
        let datagram = [&hello[..], &fatal, &warning, &protected].concat();
        assert_eq!(plaintext_alert(&datagram), Some(Alert(47)));
        for length in 0..hello.len() + fatal.len() {
            assert_eq!(plaintext_alert(&datagram[..length]), None);
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
