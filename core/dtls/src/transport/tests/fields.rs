//! The table of deviations inside of messages: well-formed at their outside, with a choice in them that
//! the protocol forbids. The sender's own transcript has the message as it should be.

use super::deviations::talk;
use super::*;
use crate::flight::Item;
use crate::message::{HELLO_RETRY_REQUEST, extension, kind};
use crate::wire::{put_u16, put_vec};

/// One field of one message, by the version and the end that says it.
struct Edit {
    what: &'static str,
    versions: Versions,
    from: usize,
    message: u8,
    make: fn(&mut Vec<u8>),
    /// How the reader ends it.
    alert: Alert,
}

/// Behind the version and the random of a ServerHello without a session id.
const SUITE: usize = 2 + 32 + 1;
const COMPRESSION: usize = SUITE + 2;
/// Where its extensions begin, their length first.
const OF_SERVER_HELLO: usize = COMPRESSION + 1;

/// Of no extension that anybody knows.
const UNKNOWN: u16 = 0x7a7a;

#[rustfmt::skip]
const EDITS: &[Edit] = &[
    // RFC 5246 §7.4.1.3, RFC 8446 §4.1.3.
    edit("a legacy version of TLS", V12, SERVER, kind::SERVER_HELLO, |b| b[..2].copy_from_slice(&[3, 3]), Alert::DECODE_ERROR),
    edit("a legacy version of TLS", V13, SERVER, kind::SERVER_HELLO, |b| b[..2].copy_from_slice(&[3, 3]), Alert::DECODE_ERROR),
    edit("a session id of 33 bytes", V12, SERVER, kind::SERVER_HELLO, |b| long_session(b, 33), Alert::DECODE_ERROR),
    edit("a session id that nobody had", V13, SERVER, kind::SERVER_HELLO, |b| long_session(b, 8), Alert::ILLEGAL_PARAMETER),
    edit("compression", V12, SERVER, kind::SERVER_HELLO, |b| b[COMPRESSION] = 1, Alert::DECODE_ERROR),
    edit("compression", V13, SERVER, kind::SERVER_HELLO, |b| b[COMPRESSION] = 1, Alert::DECODE_ERROR),
    edit("a suite that was not offered", V12, SERVER, kind::SERVER_HELLO, |b| set_u16(b, SUITE, 0x009c), Alert::ILLEGAL_PARAMETER),
    edit("a suite that was not offered", V13, SERVER, kind::SERVER_HELLO, |b| set_u16(b, SUITE, 0x1304), Alert::ILLEGAL_PARAMETER),
    edit("a suite of the new version", V12, SERVER, kind::SERVER_HELLO, |b| set_u16(b, SUITE, 0x1301), Alert::ILLEGAL_PARAMETER),
    edit("a suite of the old version", V13, SERVER, kind::SERVER_HELLO, |b| set_u16(b, SUITE, 0xc02b), Alert::ILLEGAL_PARAMETER),
    edit("an extension twice", V12, SERVER, kind::SERVER_HELLO, |b| twice(b, OF_SERVER_HELLO), Alert::DECODE_ERROR),
    edit("an extension twice", V13, SERVER, kind::SERVER_HELLO, |b| twice(b, OF_SERVER_HELLO), Alert::DECODE_ERROR),
    edit("an extension that nobody knows", V12, SERVER, kind::SERVER_HELLO, |b| add(b, OF_SERVER_HELLO, UNKNOWN, &[]), Alert::UNSUPPORTED_EXTENSION),
    edit("an extension that nobody knows", V13, SERVER, kind::SERVER_HELLO, |b| add(b, OF_SERVER_HELLO, UNKNOWN, &[]), Alert::UNSUPPORTED_EXTENSION),
    // RFC 8446 §4.2: of the encrypted extensions.
    edit("an extension in the wrong message", V13, SERVER, kind::SERVER_HELLO, |b| add(b, OF_SERVER_HELLO, extension::USE_SRTP, &[0, 2, 0, 7, 0]), Alert::UNSUPPORTED_EXTENSION),
    edit("a version that was not offered", V13, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::SUPPORTED_VERSIONS, &[0xfe, 0xfb]), Alert::PROTOCOL_VERSION),
    edit("the old version in the new way", V13, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::SUPPORTED_VERSIONS, &[0xfe, 0xfd]), Alert::PROTOCOL_VERSION),
    edit("a share of a group without one", V13, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::KEY_SHARE, &share(0x0018, 97, 4)), Alert::ILLEGAL_PARAMETER),
    edit("a short share", V13, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::KEY_SHARE, &share(0x001d, 31, 9)), Alert::ILLEGAL_PARAMETER),
    // RFC 7748 §6.1.
    edit("a share of zeros", V13, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::KEY_SHARE, &share(0x001d, 32, 0)), Alert::ILLEGAL_PARAMETER),
    edit("a profile of SRTP that was not offered", V12, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::USE_SRTP, &[0, 2, 0, 2, 0]), Alert::ILLEGAL_PARAMETER),
    edit("two profiles of SRTP", V12, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::USE_SRTP, &[0, 4, 0, 7, 0, 8, 0]), Alert::ILLEGAL_PARAMETER),
    edit("a master key identifier", V12, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::USE_SRTP, &[0, 2, 0, 7, 1, 9]), Alert::ILLEGAL_PARAMETER),
    edit("the answer to a renegotiation", V12, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::RENEGOTIATION_INFO, &[1, 9]), Alert::HANDSHAKE_FAILURE),
    edit("records of 63 bytes at most", V12, SERVER, kind::SERVER_HELLO, |b| replace(b, OF_SERVER_HELLO, extension::RECORD_SIZE_LIMIT, &[0, 63]), Alert::ILLEGAL_PARAMETER),
    // RFC 8446 §4.3.1.
    edit("an extension that nobody knows", V13, SERVER, kind::ENCRYPTED_EXTENSIONS, |b| add(b, 0, UNKNOWN, &[]), Alert::UNSUPPORTED_EXTENSION),
    edit("an extension of the hello", V13, SERVER, kind::ENCRYPTED_EXTENSIONS, |b| add(b, 0, extension::KEY_SHARE, &share(0x001d, 32, 9)), Alert::UNSUPPORTED_EXTENSION),
    edit("an extension twice", V13, SERVER, kind::ENCRYPTED_EXTENSIONS, |b| twice(b, 0), Alert::DECODE_ERROR),
    edit("a profile of SRTP that was not offered", V13, SERVER, kind::ENCRYPTED_EXTENSIONS, |b| replace(b, 0, extension::USE_SRTP, &[0, 2, 0, 2, 0]), Alert::ILLEGAL_PARAMETER),
    edit("records of 63 bytes at most", V13, SERVER, kind::ENCRYPTED_EXTENSIONS, |b| replace(b, 0, extension::RECORD_SIZE_LIMIT, &[0, 63]), Alert::ILLEGAL_PARAMETER),
    // RFC 8446 §4.3.2.
    edit("a request without schemes", V13, SERVER, kind::CERTIFICATE_REQUEST, |b| *b = vec![0, 0, 0], Alert::MISSING_EXTENSION),
    edit("half a scheme", V12, SERVER, kind::CERTIFICATE_REQUEST, |b| *b = vec![1, 64, 0, 3, 4, 3, 5, 0, 0], Alert::DECODE_ERROR),
    // RFC 8446 §4.4.2, RFC 5246 §7.4.2.
    edit("no certificate of a server", V12, SERVER, kind::CERTIFICATE, |b| *b = vec![0; 3], Alert::HANDSHAKE_FAILURE),
    edit("no certificate of a server", V13, SERVER, kind::CERTIFICATE, |b| *b = vec![0; 4], Alert::DECODE_ERROR),
    edit("no certificate of a client", V12, CLIENT, kind::CERTIFICATE, |b| *b = vec![0; 3], Alert::HANDSHAKE_FAILURE),
    edit("no certificate of a client", V13, CLIENT, kind::CERTIFICATE, |b| *b = vec![0; 4], Alert::CERTIFICATE_REQUIRED),
    edit("the context of another request", V13, SERVER, kind::CERTIFICATE, |b| *b = [&[1, 7][..], &b[1..]].concat(), Alert::ILLEGAL_PARAMETER),
    edit("the context of another request", V13, CLIENT, kind::CERTIFICATE, |b| *b = [&[1, 7][..], &b[1..]].concat(), Alert::ILLEGAL_PARAMETER),
    edit("a certificate that is none", V12, SERVER, kind::CERTIFICATE, |b| *b = vec![0, 0, 5, 0, 0, 2, 0x30, 0], Alert::UNSUPPORTED_CERTIFICATE),
    edit("a certificate that is none", V13, SERVER, kind::CERTIFICATE, |b| *b = vec![0, 0, 0, 7, 0, 0, 2, 0x30, 0, 0, 0], Alert::UNSUPPORTED_CERTIFICATE),
    edit("a certificate that is none", V12, CLIENT, kind::CERTIFICATE, |b| *b = vec![0, 0, 5, 0, 0, 2, 0x30, 0], Alert::UNSUPPORTED_CERTIFICATE),
    edit("a certificate that is none", V13, CLIENT, kind::CERTIFICATE, |b| *b = vec![0, 0, 0, 7, 0, 0, 2, 0x30, 0, 0, 0], Alert::UNSUPPORTED_CERTIFICATE),
    // RFC 8422 §5.4.
    edit("a curve by its numbers", V12, SERVER, kind::SERVER_KEY_EXCHANGE, |b| b[0] = 1, Alert::DECODE_ERROR),
    edit("another curve than was signed", V12, SERVER, kind::SERVER_KEY_EXCHANGE, |b| set_u16(b, 1, 0x0019), Alert::DECRYPT_ERROR),
    edit("another key than was signed", V12, SERVER, kind::SERVER_KEY_EXCHANGE, |b| b[4] ^= 1, Alert::DECRYPT_ERROR),
    edit("a scheme of SHA-1", V12, SERVER, kind::SERVER_KEY_EXCHANGE, |b| set_u16(b, 4 + 32, 0x0203), Alert::ILLEGAL_PARAMETER),
    edit("a scheme of another kind of key", V12, SERVER, kind::SERVER_KEY_EXCHANGE, |b| set_u16(b, 4 + 32, 0x0804), Alert::ILLEGAL_PARAMETER),
    edit("no key", V12, CLIENT, kind::CLIENT_KEY_EXCHANGE, |b| *b = vec![0], Alert::ILLEGAL_PARAMETER),
    edit("a key of zeros", V12, CLIENT, kind::CLIENT_KEY_EXCHANGE, |b| b[1..].fill(0), Alert::ILLEGAL_PARAMETER),
    edit("a key of another curve", V12, CLIENT, kind::CLIENT_KEY_EXCHANGE, |b| *b = [&[65, 4][..], &[9; 64]].concat(), Alert::ILLEGAL_PARAMETER),
    // RFC 8446 §4.4.3.
    edit("a scheme of SHA-1", V12, CLIENT, kind::CERTIFICATE_VERIFY, |b| set_u16(b, 0, 0x0203), Alert::ILLEGAL_PARAMETER),
    edit("a scheme of another hash", V13, CLIENT, kind::CERTIFICATE_VERIFY, |b| set_u16(b, 0, 0x0503), Alert::ILLEGAL_PARAMETER),
    edit("a scheme of another kind of key", V13, SERVER, kind::CERTIFICATE_VERIFY, |b| set_u16(b, 0, 0x0804), Alert::ILLEGAL_PARAMETER),
    edit("no signature", V13, SERVER, kind::CERTIFICATE_VERIFY, |b| *b = vec![4, 3, 0, 0], Alert::DECRYPT_ERROR),
    edit("no signature", V13, CLIENT, kind::CERTIFICATE_VERIFY, |b| *b = vec![4, 3, 0, 0], Alert::DECRYPT_ERROR),
    edit("no signature", V12, CLIENT, kind::CERTIFICATE_VERIFY, |b| *b = vec![4, 3, 0, 0], Alert::DECRYPT_ERROR),
];

/// Where the cookie of a ClientHello without a session id is, its length first.
const COOKIE: usize = 2 + 32 + 1;

/// The same of ClientHellos. They are plaintext, and their reader goes on for a while to wait for a
/// better one.
#[rustfmt::skip]
const OF_HELLO: &[Edit] = &[
    edit("a session id of 33 bytes", V12, CLIENT, kind::CLIENT_HELLO, |b| long_session(b, 33), Alert::DECODE_ERROR),
    edit("a cookie of the old version", V13, CLIENT, kind::CLIENT_HELLO, long_cookie, Alert::ILLEGAL_PARAMETER),
    edit("no suite", V12, CLIENT, kind::CLIENT_HELLO, |b| suites(b, &[]), Alert::HANDSHAKE_FAILURE),
    edit("no suite", V13, CLIENT, kind::CLIENT_HELLO, |b| suites(b, &[]), Alert::HANDSHAKE_FAILURE),
    edit("half a suite", V12, CLIENT, kind::CLIENT_HELLO, |b| suites(b, &[0xc0, 0x2b, 0]), Alert::DECODE_ERROR),
    edit("suites of the new version alone", V12, CLIENT, kind::CLIENT_HELLO, |b| suites(b, &[0x13, 1]), Alert::HANDSHAKE_FAILURE),
    edit("suites of the old version alone", V13, CLIENT, kind::CLIENT_HELLO, |b| suites(b, &[0xc0, 0x2b]), Alert::HANDSHAKE_FAILURE),
    edit("suites without a signature", V12, CLIENT, kind::CLIENT_HELLO, |b| suites(b, &[0xc0, 0x18, 0, 0x9c]), Alert::HANDSHAKE_FAILURE),
    edit("compression without its absence", V12, CLIENT, kind::CLIENT_HELLO, |b| compressed(b), Alert::DECODE_ERROR),
    edit("compression without its absence", V13, CLIENT, kind::CLIENT_HELLO, |b| compressed(b), Alert::DECODE_ERROR),
    edit("an extension twice", V12, CLIENT, kind::CLIENT_HELLO, |b| { let at = of_hello(b); twice(b, at) }, Alert::DECODE_ERROR),
    edit("an extension twice", V13, CLIENT, kind::CLIENT_HELLO, |b| { let at = of_hello(b); twice(b, at) }, Alert::DECODE_ERROR),
    edit("a renegotiation", V12, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::RENEGOTIATION_INFO, &[1, 9]), Alert::HANDSHAKE_FAILURE),
    edit("groups that nobody has", V12, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::SUPPORTED_GROUPS, &[0, 2, 0, 0x19]), Alert::HANDSHAKE_FAILURE),
    edit("groups that nobody has", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::SUPPORTED_GROUPS, &[0, 2, 0, 0x19]), Alert::HANDSHAKE_FAILURE),
    edit("schemes of SHA-1 alone", V12, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::SIGNATURE_ALGORITHMS, &[0, 4, 2, 1, 2, 3]), Alert::HANDSHAKE_FAILURE),
    edit("schemes of SHA-1 alone", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::SIGNATURE_ALGORITHMS, &[0, 4, 2, 1, 2, 3]), Alert::HANDSHAKE_FAILURE),
    edit("versions that nobody has", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::SUPPORTED_VERSIONS, &[2, 0xfe, 0xfb]), Alert::PROTOCOL_VERSION),
    edit("no version", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::SUPPORTED_VERSIONS, &[0]), Alert::PROTOCOL_VERSION),
    edit("a short share", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::KEY_SHARE, &listed(&share(0x001d, 31, 9))), Alert::ILLEGAL_PARAMETER),
    edit("a share of zeros", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::KEY_SHARE, &listed(&share(0x001d, 32, 0))), Alert::ILLEGAL_PARAMETER),
    edit("records of 63 bytes at most", V12, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::RECORD_SIZE_LIMIT, &[0, 63]), Alert::ILLEGAL_PARAMETER),
    edit("records of 63 bytes at most", V13, CLIENT, kind::CLIENT_HELLO, |b| in_hello(b, extension::RECORD_SIZE_LIMIT, &[0, 63]), Alert::ILLEGAL_PARAMETER),
];

/// The same of what asks for a second hello, by servers that want a cookie.
#[rustfmt::skip]
const OF_RETRY: &[Edit] = &[
    edit("a version that is not said", V13, SERVER, kind::SERVER_HELLO, |b| in_retry(b, |list| list.retain(|(number, _)| *number != extension::SUPPORTED_VERSIONS)), Alert::PROTOCOL_VERSION),
    edit("an extension that nobody knows", V13, SERVER, kind::SERVER_HELLO, |b| in_retry(b, |list| list.push((UNKNOWN, Vec::new()))), Alert::UNSUPPORTED_EXTENSION),
    edit("a group whose share was there", V13, SERVER, kind::SERVER_HELLO, |b| in_retry(b, |list| list.push((extension::KEY_SHARE, vec![0, 0x1d]))), Alert::ILLEGAL_PARAMETER),
    edit("a group that was not offered", V13, SERVER, kind::SERVER_HELLO, |b| in_retry(b, |list| list.push((extension::KEY_SHARE, vec![0, 0x19]))), Alert::ILLEGAL_PARAMETER),
    edit("nothing to do otherwise", V13, SERVER, kind::SERVER_HELLO, |b| in_retry(b, |list| list.retain(|(number, _)| *number != extension::COOKIE)), Alert::ILLEGAL_PARAMETER),
    edit("a cookie that is none", V13, SERVER, kind::SERVER_HELLO, |b| in_retry(b, |list| list.iter_mut().for_each(|(number, body)| if *number == extension::COOKIE { body.push(0) })), Alert::ILLEGAL_PARAMETER),
    edit("a suite that was not offered", V13, SERVER, kind::SERVER_HELLO, |b| if is_retry(b) { set_u16(b, SUITE, 0x1304) }, Alert::ILLEGAL_PARAMETER),
    edit("another suite than before", V13, SERVER, kind::SERVER_HELLO, |b| if !is_retry(b) { set_u16(b, SUITE, 0x1303) }, Alert::ILLEGAL_PARAMETER),
    edit("a second time", V13, SERVER, kind::SERVER_HELLO, |b| b[2..34].copy_from_slice(&HELLO_RETRY_REQUEST), Alert::UNEXPECTED_MESSAGE),
    edit("a cookie that goes on", V12, SERVER, kind::HELLO_VERIFY_REQUEST, |b| b.push(0), Alert::DECODE_ERROR),
];

const fn edit(
    what: &'static str,
    versions: Versions,
    from: usize,
    message: u8,
    make: fn(&mut Vec<u8>),
    alert: Alert,
) -> Edit {
    Edit {
        what,
        versions,
        from,
        message,
        make,
        alert,
    }
}

fn set_u16(body: &mut [u8], at: usize, number: u16) {
    body[at..at + 2].copy_from_slice(&number.to_be_bytes());
}

fn u16_at(body: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([body[at], body[at + 1]]))
}

/// Changes the list of extensions whose length is at `at`.
fn with_extensions(body: &mut Vec<u8>, at: usize, change: impl FnOnce(&mut Vec<(u16, Vec<u8>)>)) {
    let end = at + 2 + u16_at(body, at);
    let (mut list, mut rest) = (Vec::new(), &body[at + 2..end]);
    while !rest.is_empty() {
        let len = u16_at(rest, 2);
        list.push((u16_at(rest, 0) as u16, rest[4..4 + len].to_vec()));
        rest = &rest[4 + len..];
    }
    change(&mut list);
    let behind = body.split_off(end);
    body.truncate(at);
    put_vec(body, 2, |out| {
        for (number, content) in &list {
            extension::put(out, *number, |out| out.extend_from_slice(content));
        }
    });
    body.extend(behind);
}

fn add(body: &mut Vec<u8>, at: usize, number: u16, content: &[u8]) {
    with_extensions(body, at, |list| list.push((number, content.to_vec())));
}

fn twice(body: &mut Vec<u8>, at: usize) {
    with_extensions(body, at, |list| list.push(list[0].clone()));
}

fn replace(body: &mut Vec<u8>, at: usize, number: u16, content: &[u8]) {
    with_extensions(body, at, |list| {
        let known = list.iter_mut().find(|(known, _)| *known == number);
        known.expect("it is there").1 = content.to_vec();
    });
}

fn share(group: u16, len: usize, of: u8) -> Vec<u8> {
    let mut share = Vec::new();
    put_u16(&mut share, group);
    put_vec(&mut share, 2, |out| out.resize(out.len() + len, of));
    share
}

fn listed(content: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    put_vec(&mut list, 2, |out| out.extend_from_slice(content));
    list
}

/// Of a hello that has none.
fn long_session(body: &mut Vec<u8>, len: u8) {
    body[34] = len;
    body.splice(35..35, vec![5; usize::from(len)]);
}

fn long_cookie(body: &mut Vec<u8>) {
    body[COOKIE] = 4;
    body.splice(COOKIE + 1..COOKIE + 1, [5; 4]);
}

fn is_retry(body: &[u8]) -> bool {
    body[2..34] == HELLO_RETRY_REQUEST
}

/// Changes the extensions of a HelloRetryRequest.
fn in_retry(body: &mut Vec<u8>, change: impl FnOnce(&mut Vec<(u16, Vec<u8>)>)) {
    if is_retry(body) {
        with_extensions(body, OF_SERVER_HELLO, change);
    }
}

/// Where the suites of a ClientHello are, their length first.
fn suites_at(body: &[u8]) -> usize {
    COOKIE + 1 + usize::from(body[COOKIE])
}

fn suites(body: &mut Vec<u8>, instead: &[u8]) {
    let at = suites_at(body);
    let end = at + 2 + u16_at(body, at);
    body.splice(at..end, listed(instead));
}

fn compressed(body: &mut [u8]) {
    let at = suites_at(body);
    let at = at + 2 + u16_at(body, at) + 1;
    body[at] = 1;
}

/// Where the extensions of a ClientHello are, their length first.
fn of_hello(body: &[u8]) -> usize {
    let at = suites_at(body);
    let at = at + 2 + u16_at(body, at);
    at + 1 + usize::from(body[at])
}

fn in_hello(body: &mut Vec<u8>, number: u16, content: &[u8]) {
    let at = of_hello(body);
    replace(body, at, number, content);
}

fn meddle_by(edits: &[Edit], items: &mut [Item], number: usize) {
    let edit = &edits[number];
    for item in items {
        if let Item::Message { kind, body, .. } = item
            && *kind == edit.message
        {
            (edit.make)(body);
        }
    }
}

/// How the reader of an edited message ends.
fn outcome(mut pair: Pair, from: usize) -> Option<(State, Option<Alert>)> {
    pair.run(Duration::from_secs(60));
    match &pair.events[1 - from][..] {
        [Event::Failed(error)] => Some((pair.ends[1 - from].state(), error.sent_alert())),
        _ => None,
    }
}

/// What does not end as it should, of a table of what one end says.
fn faults(edits: &[Edit], meddle: fn(&mut Vec<Item>, u8, usize), cookies: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, edit) in edits.iter().enumerate() {
        let mut pair = Pair::new(edit.versions, edit.versions);
        if cookies {
            let context = Context::for_simulation(2).unwrap().with_cookies(true);
            let context = context.with_versions(edit.versions);
            pair.ends[SERVER] = Transport::new(context, pair.certificates[SERVER].clone());
        }
        pair.start();
        let flight = &mut pair.ends[edit.from]
            .engine_mut()
            .expect("begun")
            .link
            .flight;
        flight.meddler = Some((meddle, edit.message, number));
        let ended = outcome(pair, edit.from);
        if ended != Some((State::Failed, Some(edit.alert))) {
            faults.push(format!("{:?} {}: {ended:?}", edit.versions, edit.what));
        }
    }
    faults
}

#[test]
fn a_choice_that_the_protocol_forbids_ends_the_handshake_with_its_alert() {
    let faults = faults(EDITS, |items, _, n| meddle_by(EDITS, items, n), false);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_second_hello_is_not_asked_for_in_ways_that_the_protocol_forbids() {
    let faults = faults(OF_RETRY, |items, _, n| meddle_by(OF_RETRY, items, n), true);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_client_that_has_a_session_id_gets_none_back_from_the_new_version() {
    for cookies in [false, true] {
        let mut pair = Pair::new(V13, V13);
        let context = Context::for_simulation(2).unwrap().with_cookies(cookies);
        pair.ends[SERVER] = Transport::new(context, pair.certificates[SERVER].clone());
        pair.start();
        let with_id = edit(
            "",
            V13,
            CLIENT,
            kind::CLIENT_HELLO,
            |b| long_session(b, 8),
            Alert(0),
        );
        edited_hello(&mut pair, &with_id).expect("a hello");
        let mut answer = Vec::new();
        assert!(pair.ends[SERVER].poll_datagram(&mut answer));
        let hello = &answer[RECORD_HEADER + 12..];
        assert_eq!(is_retry(hello), cookies);
        assert_eq!(hello[34], 0, "bytes of a session id");
    }
}

#[test]
fn a_hello_that_the_protocol_forbids_is_answered_by_its_alert() {
    let mut faults = Vec::new();
    for edit in OF_HELLO {
        let mut pair = Pair::new(edit.versions, edit.versions);
        pair.start();
        let ended = edited_hello(&mut pair, edit).and_then(|()| outcome(pair, CLIENT));
        if ended != Some((State::Failed, Some(edit.alert))) {
            faults.push(format!("{:?} {}: {ended:?}", edit.versions, edit.what));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The server gets the client's first hello changed, and never another.
fn edited_hello(pair: &mut Pair, edit: &Edit) -> Option<()> {
    const MESSAGE_HEADER: usize = 12;
    let mut datagram = Vec::new();
    if !pair.ends[CLIENT].poll_datagram(&mut datagram) {
        return None;
    }
    let head = RECORD_HEADER + MESSAGE_HEADER;
    let mut body = datagram.split_off(head);
    (edit.make)(&mut body);
    let len = (body.len() as u32).to_be_bytes();
    datagram[RECORD_HEADER + 1..RECORD_HEADER + 4].copy_from_slice(&len[1..]);
    datagram[head - 3..head].copy_from_slice(&len[1..]);
    datagram.extend(body);
    let record = (datagram.len() - RECORD_HEADER) as u16;
    datagram[RECORD_HEADER - 2..RECORD_HEADER].copy_from_slice(&record.to_be_bytes());
    pair.ends[CLIENT].close();
    pair.ends[SERVER].handle_datagram(pair.now, &mut datagram, |_| {});
    Some(())
}

/// RFC 8446 §4.6, RFC 9147 §8, RFC 5746 §4.5.
#[test]
fn after_the_handshake_only_what_its_version_has_is_taken() {
    const HELLO_REQUEST: u8 = 0;
    const UNEXPECTED: Option<Alert> = Some(Alert::UNEXPECTED_MESSAGE);
    for (versions, from, kind, body, alert) in [
        // Who asks for a renegotiation gets no answer.
        (V12, SERVER, HELLO_REQUEST, &[][..], None),
        (V12, CLIENT, kind::CLIENT_HELLO, &[7; 60], None),
        (V12, SERVER, kind::FINISHED, &[7; 12], None),
        (V12, CLIENT, kind::KEY_UPDATE, &[0], None),
        (V13, SERVER, kind::NEW_SESSION_TICKET, &[7; 60], None),
        (V13, CLIENT, kind::NEW_SESSION_TICKET, &[7; 60], UNEXPECTED),
        (V13, CLIENT, kind::KEY_UPDATE, &[0], None),
        (V13, SERVER, kind::KEY_UPDATE, &[1], None),
        (
            V13,
            SERVER,
            kind::KEY_UPDATE,
            &[2],
            Some(Alert::ILLEGAL_PARAMETER),
        ),
        (
            V13,
            CLIENT,
            kind::KEY_UPDATE,
            &[],
            Some(Alert::DECODE_ERROR),
        ),
        (
            V13,
            CLIENT,
            kind::KEY_UPDATE,
            &[0, 0],
            Some(Alert::DECODE_ERROR),
        ),
        (V13, SERVER, HELLO_REQUEST, &[], UNEXPECTED),
        (V13, CLIENT, kind::CLIENT_HELLO, &[7; 60], UNEXPECTED),
        (
            V13,
            SERVER,
            kind::CERTIFICATE_REQUEST,
            &[0, 0, 0],
            UNEXPECTED,
        ),
        (V13, CLIENT, kind::CERTIFICATE, &[0; 4], UNEXPECTED),
        (V13, SERVER, kind::FINISHED, &[7; 32], UNEXPECTED),
    ] {
        let what = format!("{versions:?} {kind} {body:?} from {from}");
        let mut pair = Pair::connected(versions, versions);
        pair.events = Default::default();
        let now = pair.now;
        let link = &mut pair.ends[from].engine_mut().expect("connected").link;
        link.now = now;
        link.flight.begin();
        let epoch = link.records.sealing_epoch();
        link.flight.add(epoch, kind, body.to_vec());
        link.send_flight(false).expect("sealed");
        pair.run(Duration::from_secs(1));
        match alert {
            None => talk(&mut pair, &what),
            Some(alert) => {
                let error = DtlsError::misbehaved(alert);
                assert_eq!(pair.events[1 - from], [Event::Failed(error)], "{what}");
            }
        }
    }
}
