//! The table of deviations by epochs: messages and records under keys that they do not belong under, or
//! where nothing of their kind may come, and ChangeCipherSpecs of every form.

use super::deviations::{run_with, talk};
use super::*;
use crate::flight::Item;
use crate::handshake12::DATA_EPOCH as OLD_DATA;
use crate::handshake13::{DATA_EPOCH, HANDSHAKE_EPOCH};
use crate::message::kind;
use crate::record::content;

fn in_later_epoch(items: &mut Vec<Item>, victim: u8, _: usize) {
    for item in items {
        if let Item::Message { epoch, kind, .. } = item
            && *kind == victim
        {
            *epoch += 1;
        }
    }
}

/// A handshake in which one end says one message under the keys that come after those it belongs under: what
/// the other end is told in the end.
fn read_in_later_epoch(versions: Versions, from: usize, message: u8) -> Vec<Event> {
    let mut pair = Pair::new(versions, versions);
    pair.start();
    // Its flight is on the way, and the keys after it are there.
    let said = if from == SERVER { 10 } else { 20 };
    pair.run(Duration::from_millis(said));
    pair.flying[1 - from].clear();
    let now = pair.now;
    let link = &mut pair.ends[from].engine_mut().expect("begun").link;
    let meddler = (in_later_epoch as _, message, 0);
    let said = (link.flight).say_anew(meddler, now, &mut link.records, &mut link.outgoing);
    said.expect("sealed");
    pair.run(Duration::from_secs(60));
    pair.events[1 - from].clone()
}

#[test]
fn a_message_of_a_later_epoch_connects_nobody() {
    let late = DtlsError::HandshakeTimeout;
    let unexpected = DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE);
    for (versions, from, message, error) in [
        (V13, SERVER, kind::ENCRYPTED_EXTENSIONS, &late),
        (V13, SERVER, kind::CERTIFICATE_REQUEST, &late),
        (V13, SERVER, kind::CERTIFICATE, &late),
        (V13, SERVER, kind::CERTIFICATE_VERIFY, &late),
        (V13, SERVER, kind::FINISHED, &late),
        (V13, CLIENT, kind::CERTIFICATE, &late),
        (V13, CLIENT, kind::CERTIFICATE_VERIFY, &late),
        (V13, CLIENT, kind::FINISHED, &late),
        // Its reader has no keys before the second of these.
        (V12, CLIENT, kind::CERTIFICATE, &late),
        (V12, CLIENT, kind::CLIENT_KEY_EXCHANGE, &late),
        (V12, CLIENT, kind::CERTIFICATE_VERIFY, &unexpected),
    ] {
        let events = read_in_later_epoch(versions, from, message);
        let failed = [Event::Failed(error.clone())];
        assert_eq!(events, failed, "{versions:?} {from} {message}");
    }
}

/// Both ends are connected, and one of them says one more message, in the epoch of data.
fn say_afterwards(versions: Versions, from: usize, kind: u8, body: &[u8]) -> Pair {
    let mut pair = Pair::connected(versions, versions);
    let engine = pair.ends[from].engine_mut().expect("connected");
    let link = &mut engine.link;
    link.now = pair.now;
    link.flight.begin();
    let epoch = link.records.sealing_epoch();
    link.flight.add(epoch, kind, body.to_vec());
    link.send_flight(true).expect("sealed");
    pair.run(Duration::from_secs(5));
    pair
}

#[test]
fn messages_after_a_handshake_of_the_new_version_are_tickets_and_key_updates() {
    let unexpected = Some(Alert::UNEXPECTED_MESSAGE);
    let of_a_handshake = [
        kind::CLIENT_HELLO,
        kind::SERVER_HELLO,
        kind::ENCRYPTED_EXTENSIONS,
        kind::CERTIFICATE_REQUEST,
        kind::CERTIFICATE,
        kind::CERTIFICATE_VERIFY,
        kind::FINISHED,
        99,
    ];
    let mut cells: Vec<(usize, u8, &[u8], Option<Alert>)> = vec![
        (SERVER, kind::NEW_SESSION_TICKET, &[7; 40], None),
        (CLIENT, kind::NEW_SESSION_TICKET, &[7; 40], unexpected),
    ];
    for from in [CLIENT, SERVER] {
        let messages = of_a_handshake.map(|kind| (from, kind, &[7; 40][..], unexpected));
        cells.extend(messages);
        cells.extend([
            (from, kind::KEY_UPDATE, &[0][..], None),
            (from, kind::KEY_UPDATE, &[1], None),
            (from, kind::KEY_UPDATE, &[2], Some(Alert::ILLEGAL_PARAMETER)),
            (from, kind::KEY_UPDATE, &[], Some(Alert::DECODE_ERROR)),
            (from, kind::KEY_UPDATE, &[0, 0], Some(Alert::DECODE_ERROR)),
        ]);
    }
    for (from, kind, body, alert) in cells {
        let pair = say_afterwards(V13, from, kind, body);
        let told = pair.events[1 - from].last();
        match alert.map(DtlsError::misbehaved) {
            Some(error) => assert_eq!(told, Some(&Event::Failed(error)), "{from} {kind} {body:?}"),
            None => assert_eq!(
                pair.states(),
                [State::Connected; 2],
                "{from} {kind} {body:?}"
            ),
        }
    }
}

#[test]
fn messages_after_a_handshake_of_the_old_version_get_no_answer() {
    const HELLO_REQUEST: u8 = 0;
    for from in [CLIENT, SERVER] {
        for (kind, body) in [
            (HELLO_REQUEST, &[][..]),
            (kind::CLIENT_HELLO, &[7; 60]),
            (kind::SERVER_HELLO, &[7; 60]),
            (kind::NEW_SESSION_TICKET, &[7; 60]),
            (kind::FINISHED, &[7; 12]),
            (99, &[]),
        ] {
            let mut pair = say_afterwards(V12, from, kind, body);
            talk(&mut pair, &format!("{from} {kind}"));
        }
    }
}

/// A record under the newest keys of one end, or those of another epoch.
fn put_record(pair: &mut Pair, from: usize, epoch: Option<u64>, content: u8, body: &[u8]) {
    let records = &mut pair.ends[from].engine_mut().expect("begun").link.records;
    let epoch = epoch.unwrap_or(records.sealing_epoch());
    let mut datagram = Vec::new();
    let fill = |out: &mut Vec<u8>| out.extend_from_slice(body);
    let sealed = records.seal(epoch, content, &mut datagram, fill);
    assert!(sealed.expect("sealed").is_some(), "there are no keys");
    pair.put(1 - from, datagram);
}

#[test]
fn authentic_records_that_may_not_come_end_an_association() {
    const HEARTBEAT: u8 = 24;
    let unexpected = Some(Alert::UNEXPECTED_MESSAGE);
    let unreadable = Some(Alert::DECODE_ERROR);
    for (content, body, old, new) in [
        (
            content::CHANGE_CIPHER_SPEC,
            &[1][..],
            unexpected,
            unexpected,
        ),
        (content::CHANGE_CIPHER_SPEC, &[], unexpected, unexpected),
        (HEARTBEAT, &[1, 0, 1, 7], unexpected, unexpected),
        (99, &[7], unexpected, unexpected),
        // In the new version there is no type then.
        (0, &[], unexpected, unexpected),
        (content::HANDSHAKE, &[], unexpected, unexpected),
        (content::ALERT, &[], unexpected, unexpected),
        (content::ALERT, &[2], unreadable, unreadable),
        (content::ALERT, &[1, 90, 0], unreadable, unreadable),
        (content::ACK, &[0, 0], unexpected, None),
        (content::APPLICATION_DATA, &[], None, None),
    ] {
        for (versions, alert) in [(V12, old), (V13, new)] {
            for from in [CLIENT, SERVER] {
                let mut pair = Pair::connected(versions, versions);
                put_record(&mut pair, from, None, content, body);
                pair.run(Duration::from_secs(1));
                let what = format!("{versions:?} {from} {content} {body:?}");
                match alert {
                    None => talk(&mut pair, &what),
                    Some(alert) => {
                        let failed = Event::Failed(DtlsError::misbehaved(alert));
                        assert_eq!(pair.events[1 - from].last(), Some(&failed), "{what}");
                        let told = Event::Failed(DtlsError::AlertReceived(alert));
                        assert_eq!(pair.events[from].last(), Some(&told), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_data_passes_under_the_keys_of_a_handshake() {
    // The server's flight is said, or the client's: then the client is connected.
    for (from, said) in [(SERVER, 10), (CLIENT, 20)] {
        let mut pair = Pair::new(V13, V13);
        pair.start();
        pair.run(Duration::from_millis(said));
        let epoch = Some(HANDSHAKE_EPOCH);
        put_record(&mut pair, from, epoch, content::APPLICATION_DATA, b"early");
        pair.run(Duration::from_secs(1));
        let failed = Event::Failed(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE));
        assert_eq!(pair.events[1 - from].last(), Some(&failed));
        assert!(pair.packets[1 - from].is_empty());
    }
}

#[test]
fn a_change_cipher_spec_says_nothing_that_epochs_do_not() {
    /// What becomes of one.
    type Form = fn(Vec<u8>) -> Vec<Vec<u8>>;

    fn with_body(datagram: &[u8], body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16).to_be_bytes();
        [&datagram[..RECORD_HEADER - 2], &length, body].concat()
    }
    let forms: [(&str, Form); 7] = [
        ("lost", |_| Vec::new()),
        ("twice", |datagram| vec![datagram.clone(), datagram]),
        ("empty", |datagram| vec![with_body(&datagram, &[])]),
        ("long", |datagram| vec![with_body(&datagram, &[1, 1])]),
        ("of a value that there is not", |datagram| {
            vec![with_body(&datagram, &[2])]
        }),
        ("in a later epoch", |mut datagram| {
            datagram[4] = OLD_DATA as u8;
            vec![datagram]
        }),
        ("in an epoch that never comes", |mut datagram| {
            datagram[3..5].copy_from_slice(&[0xff, 0xff]);
            vec![datagram]
        }),
    ];
    for (what, form) in forms {
        let mut pair = Pair::new(V12, V12);
        let mut met = 0;
        pair.splits_records = true;
        pair.start();
        run_with(
            &mut pair,
            Duration::from_secs(4),
            |_, datagram| match datagram[0] {
                content::CHANGE_CIPHER_SPEC => {
                    met += 1;
                    form(datagram)
                }
                _ => vec![datagram],
            },
        );
        assert!(met >= 2, "each end says one");
        talk(&mut pair, what);
    }
}

#[test]
fn a_change_cipher_spec_at_any_moment_changes_nothing() {
    for versions in [V12, V13] {
        for epoch in [0, OLD_DATA, HANDSHAKE_EPOCH, DATA_EPOCH] {
            let spec = [20, 0xfe, 0xfd, 0, epoch as u8, 0, 0, 0, 0, 0, 9, 0, 1, 1];
            let mut pair = Pair::new(versions, versions);
            pair.splits_records = true;
            pair.start();
            run_with(&mut pair, Duration::from_secs(4), |_, datagram| {
                vec![spec.to_vec(), datagram, spec.to_vec()]
            });
            talk(&mut pair, &format!("{versions:?} {epoch}"));
        }
    }
}
