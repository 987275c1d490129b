//! The table of deviations: every message of every flight, of either role and version, in every way
//! that it should not be. The sender's own transcript has the message as it should be, so that what is
//! tested is who reads it.

use super::deviations::{run_with, without_extension};
use super::*;
use crate::flight::Item;
use crate::limits::MESSAGE_BYTES;
use crate::message::kind;
use crate::record::content;

/// What is done to a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Deviation {
    /// It is not there, and its number is not either.
    Missing,
    /// It is not there, and the next ones have its number and those after it.
    LeftOut,
    /// It comes twice, the second time as another message.
    Again,
    /// It comes after the next one.
    Late,
    /// Its number is that of one that was.
    FromThePast,
    /// Its number is that of one that will be.
    FromTheFuture,
    /// It comes in plaintext.
    InPlaintext,
    /// It is said to be of another kind.
    OfAnotherKind,
    /// It is of a kind that there is not.
    OfNoKind,
    Empty,
    /// A byte is missing at its end.
    Short,
    /// There is a byte too many.
    Long,
    /// It is longer than any message may be.
    Oversized,
    /// Its first byte is another one.
    FirstByteChanged,
    /// Its last byte is another one: of signatures and of Finished the value.
    LastByteChanged,
}

const DEVIATIONS: [Deviation; 15] = [
    Deviation::Missing,
    Deviation::LeftOut,
    Deviation::Again,
    Deviation::Late,
    Deviation::FromThePast,
    Deviation::FromTheFuture,
    Deviation::InPlaintext,
    Deviation::OfAnotherKind,
    Deviation::OfNoKind,
    Deviation::Empty,
    Deviation::Short,
    Deviation::Long,
    Deviation::Oversized,
    Deviation::FirstByteChanged,
    Deviation::LastByteChanged,
];

/// The messages of a handshake after the first hello, by who says them.
const OLD_SERVER: &[u8] = &[
    kind::SERVER_HELLO,
    kind::CERTIFICATE,
    kind::SERVER_KEY_EXCHANGE,
    kind::CERTIFICATE_REQUEST,
    kind::SERVER_HELLO_DONE,
    kind::FINISHED,
];
const OLD_CLIENT: &[u8] = &[
    kind::CERTIFICATE,
    kind::CLIENT_KEY_EXCHANGE,
    kind::CERTIFICATE_VERIFY,
    kind::FINISHED,
];
const NEW_SERVER: &[u8] = &[
    kind::SERVER_HELLO,
    kind::ENCRYPTED_EXTENSIONS,
    kind::CERTIFICATE_REQUEST,
    kind::CERTIFICATE,
    kind::CERTIFICATE_VERIFY,
    kind::FINISHED,
];
const NEW_CLIENT: &[u8] = &[kind::CERTIFICATE, kind::CERTIFICATE_VERIFY, kind::FINISHED];

fn meddle(items: &mut Vec<Item>, victim: u8, how: usize) {
    let is_victim = |item: &Item| matches!(item, Item::Message { kind, .. } if *kind == victim);
    let Some(at) = items.iter().position(is_victim) else {
        return;
    };
    let how = DEVIATIONS[how];
    match how {
        Deviation::Missing => {
            items.remove(at);
            return;
        }
        Deviation::LeftOut => {
            items.remove(at);
            return renumber(&mut items[at..], u16::MAX);
        }
        Deviation::Again => {
            items.insert(at + 1, items[at].clone());
            return renumber(&mut items[at + 1..], 1);
        }
        Deviation::Late => return swap_with_next(items, at),
        _ => {}
    }
    let Item::Message {
        epoch,
        kind,
        number,
        body,
    } = &mut items[at]
    else {
        return;
    };
    match how {
        Deviation::FromThePast => *number = number.wrapping_sub(1),
        Deviation::FromTheFuture => *number += 3,
        Deviation::InPlaintext => *epoch = 0,
        Deviation::OfAnotherKind => *kind = other_kind(*kind),
        Deviation::OfNoKind => *kind = 99,
        Deviation::Empty => body.clear(),
        Deviation::Short => drop(body.pop()),
        Deviation::Long => body.push(0),
        Deviation::Oversized => body.resize(MESSAGE_BYTES + 1, 0),
        Deviation::FirstByteChanged => body.iter_mut().take(1).for_each(|byte| *byte ^= 0x55),
        Deviation::LastByteChanged => body.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1),
        _ => {}
    }
}

fn renumber(items: &mut [Item], by: u16) {
    for item in items {
        if let Item::Message { number, .. } = item {
            *number = number.wrapping_add(by);
        }
    }
}

fn swap_with_next(items: &mut [Item], at: usize) {
    let (before, after) = items.split_at_mut(at + 1);
    if let (
        Some(Item::Message { kind, body, .. }),
        Some(Item::Message {
            kind: next_kind,
            body: next_body,
            ..
        }),
    ) = (before.last_mut(), after.first_mut())
    {
        mem::swap(kind, next_kind);
        mem::swap(body, next_body);
    }
}

fn other_kind(of: u8) -> u8 {
    match of {
        kind::FINISHED => kind::CERTIFICATE_VERIFY,
        _ => kind::FINISHED,
    }
}

/// Cells in which nothing is done to the message: it is the last one, has no byte, or is plaintext anyway.
fn changes_nothing(versions: Versions, from: usize, message: u8, how: Deviation) -> bool {
    let is_old = versions == V12;
    let is_last = match (is_old, from) {
        (true, SERVER) => matches!(message, kind::SERVER_HELLO_DONE | kind::FINISHED),
        // Before the last one the keys change.
        (true, _) => matches!(message, kind::CERTIFICATE_VERIFY | kind::FINISHED),
        (false, _) => message == kind::FINISHED,
    };
    let is_plain = message == kind::SERVER_HELLO || (is_old && message != kind::FINISHED);
    let has_no_byte = message == kind::SERVER_HELLO_DONE;
    match how {
        Deviation::Late => is_last,
        Deviation::InPlaintext => is_plain,
        Deviation::Empty
        | Deviation::Short
        | Deviation::FirstByteChanged
        | Deviation::LastByteChanged => has_no_byte,
        _ => false,
    }
}

/// What the reader has to say of it; `None` where it cannot tell from a message that is under way.
fn expected(message: u8, how: Deviation) -> Option<Alert> {
    Some(match (how, message) {
        (Deviation::LastByteChanged, kind::CERTIFICATE_VERIFY | kind::FINISHED)
        | (Deviation::LastByteChanged, kind::SERVER_KEY_EXCHANGE) => Alert::DECRYPT_ERROR,
        // Who is not asked for a certificate shows none, and the other end notices.
        (Deviation::LeftOut | Deviation::Late, kind::CERTIFICATE_REQUEST) => return None,
        (
            Deviation::LeftOut | Deviation::Late | Deviation::OfNoKind | Deviation::OfAnotherKind,
            _,
        ) => Alert::UNEXPECTED_MESSAGE,
        _ => return None,
    })
}

/// The reader of a deviating message, after what a handshake takes at most.
fn read_by_victim(
    versions: Versions,
    from: usize,
    message: u8,
    how: Deviation,
) -> (State, Vec<Event>) {
    let mut pair = Pair::new(versions, versions);
    pair.start();
    let number = DEVIATIONS.iter().position(|known| *known == how);
    let flight = &mut pair.ends[from].engine_mut().expect("begun").link.flight;
    flight.meddler = Some((meddle, message, number.expect("listed")));
    pair.run(Duration::from_secs(60));
    (pair.ends[1 - from].state(), pair.events[1 - from].clone())
}

/// What is wrong with how a cell of the table ends.
fn fault(versions: Versions, from: usize, message: u8, how: Deviation) -> Option<String> {
    let (state, events) = read_by_victim(versions, from, message, how);
    let what = || {
        Some(format!(
            "{versions:?} {from} {message} {how:?}: {state:?} {events:?}"
        ))
    };
    // What comes behind the end of a handshake changes it no more; and what is plaintext in the place
    // of a protected message gives way to that.
    let is_behind =
        how == Deviation::Again && matches!(message, kind::FINISHED | kind::SERVER_HELLO_DONE);
    if is_behind || changes_nothing(versions, from, message, how) {
        return if state == State::Connected {
            None
        } else {
            what()
        };
    }
    let [Event::Failed(error)] = &events[..] else {
        return what();
    };
    // A flight that lacks its end is waited for, and so is the hello without which none is readable.
    let is_waited_for = match message {
        kind::SERVER_HELLO_DONE | kind::FINISHED => true,
        kind::SERVER_HELLO => versions == V13,
        _ => false,
    };
    let fits = if how == Deviation::LeftOut && is_waited_for {
        *error == DtlsError::HandshakeTimeout
    } else {
        let said = error.sent_alert();
        expected(message, how).is_none_or(|alert| said == Some(alert))
    };
    if state == State::Failed && fits {
        None
    } else {
        what()
    }
}

#[test]
fn no_reader_of_a_message_that_deviates_is_connected() {
    let mut faults = Vec::new();
    for (versions, from, messages) in [
        (V12, SERVER, OLD_SERVER),
        (V12, CLIENT, OLD_CLIENT),
        (V13, SERVER, NEW_SERVER),
        (V13, CLIENT, NEW_CLIENT),
    ] {
        for &message in messages {
            let cells = DEVIATIONS.into_iter();
            faults.extend(cells.filter_map(|how| fault(versions, from, message, how)));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn flights_may_be_cut_into_pieces_of_any_length() {
    for versions in [V12, V13] {
        for mtu in (60..130).chain([200, 333, 512, 1199]) {
            let mut pair = Pair::new(versions, versions);
            pair.start();
            for end in &mut pair.ends {
                end.engine_mut().expect("begun").link.flight.mtu = mtu;
            }
            pair.run(Duration::from_secs(20));
            assert_eq!(pair.states(), [State::Connected; 2], "{versions:?} {mtu}");
        }
    }
}

/// Extensions that stand or fall with a handshake, by who says them.
#[test]
fn a_hello_from_which_something_was_stripped_connects_nobody() {
    const GROUPS: u16 = 10;
    const SIGNATURES: u16 = 13;
    const SRTP: u16 = 14;
    const MASTER_SECRET: u16 = 23;
    const SIZE_LIMIT: u16 = 28;
    const VERSIONS: u16 = 43;
    const KEY_SHARE: u16 = 51;
    for (versions, to, numbers) in [
        (
            V12,
            SERVER,
            &[GROUPS, SIGNATURES, SRTP, MASTER_SECRET, SIZE_LIMIT][..],
        ),
        (V12, CLIENT, &[SRTP, MASTER_SECRET, SIZE_LIMIT]),
        (
            V13,
            SERVER,
            &[GROUPS, SIGNATURES, SRTP, SIZE_LIMIT, VERSIONS, KEY_SHARE],
        ),
        (V13, CLIENT, &[VERSIONS, KEY_SHARE]),
    ] {
        for &number in numbers {
            let mut pair = Pair::new(versions, versions);
            pair.splits_records = true;
            pair.start();
            run_with(&mut pair, Duration::from_secs(8), |at, datagram| {
                let is_victim = at == to;
                vec![if is_victim {
                    without_extension(datagram, number)
                } else {
                    datagram
                }]
            });
            let what = format!("{versions:?} {number} to {to}: {:?}", pair.events);
            assert!(!pair.states().contains(&State::Connected), "{what}");
        }
    }
}

#[test]
fn certificates_in_floods_are_refused() {
    fn flood(items: &mut Vec<Item>, victim: u8, tail: usize) {
        for item in items {
            if let Item::Message { kind, body, .. } = item
                && *kind == victim
            {
                // Of one byte each, and in the new version each with no extensions.
                let one = [&[0, 0, 1, 0x30][..], &[0, 0][..tail]].concat();
                let list = one.repeat(2000);
                let len = (list.len() as u32).to_be_bytes();
                let context: &[u8] = if tail == 0 { &[] } else { &[0] };
                *body = [context, &len[1..], &list].concat();
            }
        }
    }
    for (versions, tail) in [(V12, 0), (V13, 2)] {
        for from in [CLIENT, SERVER] {
            let mut pair = Pair::new(versions, versions);
            pair.start();
            let flight = &mut pair.ends[from].engine_mut().expect("begun").link.flight;
            flight.meddler = Some((flood, kind::CERTIFICATE, tail));
            pair.run(Duration::from_secs(60));
            let error = DtlsError::misbehaved(Alert::DECODE_ERROR);
            assert_eq!(
                pair.events[1 - from],
                [Event::Failed(error)],
                "{versions:?} {from}"
            );
        }
    }
}

/// RFC 5246 §7.2, RFC 8446 §6: what ends an association, and what does not, when it is the peer's.
#[test]
fn authentic_alerts_of_either_level_do_what_the_version_says() {
    for versions in [V12, V13] {
        for (level, description, ends_old, ends_new) in [
            (1, 0, Some(State::Closed), Some(State::Closed)),
            (1, 90, None, None),
            (1, 100, None, Some(State::Failed)),
            (1, 40, None, Some(State::Failed)),
            (2, 40, Some(State::Failed), Some(State::Failed)),
            (2, 80, Some(State::Failed), Some(State::Failed)),
            (2, 255, Some(State::Failed), Some(State::Failed)),
            (7, 40, None, Some(State::Failed)),
        ] {
            let expected = if versions == V12 { ends_old } else { ends_new };
            for from in [CLIENT, SERVER] {
                let mut pair = Pair::connected(versions, versions);
                let engine = pair.ends[from].engine_mut().expect("connected");
                engine.say_alert(level, Alert(description)).expect("sealed");
                pair.run(Duration::from_secs(1));
                let state = pair.ends[1 - from].state();
                let what = format!("{versions:?} {level} {description} from {from}");
                assert_eq!(state, expected.unwrap_or(State::Connected), "{what}");
            }
        }
    }
}

/// RFC 5246 §6.2.1, §7.2.2; RFC 8446 §5.1.
#[test]
fn alerts_share_a_record_in_the_old_version_alone() {
    let misbehaved = |alert| Some(Event::Failed(DtlsError::misbehaved(alert)));
    let handshake_failure = Some(Event::Failed(DtlsError::AlertReceived(Alert(40))));
    for (body, old) in [
        (&[1, 90, 1, 100][..], None),
        (&[1, 100, 1, 0], Some(Event::Closed)),
        (&[1, 100, 2, 40], handshake_failure),
        (&[1, 100, 1], misbehaved(Alert::DECODE_ERROR)),
        (&[], misbehaved(Alert::UNEXPECTED_MESSAGE)),
    ] {
        let new = match body.is_empty() {
            true => Alert::UNEXPECTED_MESSAGE,
            false => Alert::DECODE_ERROR,
        };
        for (versions, expected) in [(V12, old), (V13, misbehaved(new))] {
            for from in [CLIENT, SERVER] {
                let mut pair = Pair::connected(versions, versions);
                let link = &mut pair.ends[from].engine_mut().expect("connected").link;
                let epoch = link.records.sealing_epoch();
                let mut datagram = Vec::new();
                let fill = |out: &mut Vec<u8>| out.extend_from_slice(body);
                (link.records)
                    .seal(epoch, content::ALERT, &mut datagram, fill)
                    .expect("sealed");
                link.outgoing.push_back(datagram);
                pair.events[1 - from].clear();
                pair.run(Duration::from_secs(1));
                let seen = &pair.events[1 - from];
                assert_eq!(seen.first(), expected.as_ref(), "{versions:?} {body:?}");
            }
        }
    }
}

#[test]
fn alerts_at_every_moment_of_a_handshake_end_it_or_do_not() {
    for versions in [V12, V13] {
        for (level, description) in [(1, 0), (1, 90), (1, 40), (2, 40), (2, 0), (2, 90)] {
            for moment in (0..60).step_by(5) {
                for from in [CLIENT, SERVER] {
                    let mut pair = Pair::new(versions, versions);
                    pair.start();
                    pair.run(Duration::from_millis(moment));
                    let engine = pair.ends[from].engine_mut().expect("begun");
                    engine.say_alert(level, Alert(description)).expect("sealed");
                    pair.run(Duration::from_secs(60));
                    let what =
                        format!("{versions:?} {level} {description} at {moment} from {from}");
                    let ended = pair.states();
                    assert!(!ended.contains(&State::Connecting), "{what}: {ended:?}");
                    // One that means nothing, and one in plaintext, which anybody may have sent.
                    if (level, description) == (1, 90) || moment == 0 {
                        assert_eq!(ended, [State::Connected; 2], "{what}: {:?}", pair.events);
                    }
                }
            }
        }
    }
}

#[test]
fn an_association_ends_when_too_many_records_were_forged() {
    let mut pair = Pair::connected(V13, V13);
    let engine = pair.ends[SERVER].engine_mut().expect("connected");
    engine.link.records.forged = (1 << 36) - 2;
    let forged = || [&[0x2f, 0, 1, 0, 40][..], &[7; 40]].concat();
    pair.ends[SERVER].handle_datagram(pair.now, &mut forged(), |_| panic!("data"));
    assert_eq!(pair.ends[SERVER].state(), State::Connected);
    pair.ends[SERVER].handle_datagram(pair.now, &mut forged(), |_| panic!("data"));
    assert_eq!(pair.ends[SERVER].state(), State::Failed);
}
