//! Peers that do what the protocol does not, and strangers in the middle of the path or beside it.

use super::*;
use crate::wire::be24;

const BOTH: [Versions; 2] = [V12, V13];

/// A pair whose datagrams are of one record each.
fn pair_of_records(versions: Versions) -> Pair {
    let mut pair = Pair::new(versions, versions);
    pair.splits_records = true;
    pair
}

/// Runs with a stranger on the path, who sees each datagram once and gives what goes on instead.
pub(super) fn run_with(
    pair: &mut Pair,
    time: Duration,
    mut meddle: impl FnMut(usize, Vec<u8>) -> Vec<Vec<u8>>,
) {
    let end = pair.now + time;
    let mut seen = [0, 0];
    while pair.now < end {
        pair.flush();
        for (to, seen) in seen.iter_mut().enumerate() {
            // What was met before stands first: only the end is new.
            let new = pair.flying[to].split_off(*seen);
            for (when, datagram) in new {
                let instead = meddle(to, datagram).into_iter();
                pair.flying[to].extend(instead.map(|datagram| (when, datagram)));
            }
        }
        pair.now += Duration::from_millis(1);
        pair.deliver();
        seen = [pair.flying[0].len(), pair.flying[1].len()];
    }
}

pub(super) fn talk(pair: &mut Pair, what: &str) {
    assert_eq!(
        pair.states(),
        [State::Connected; 2],
        "{what}: {:?}",
        pair.events
    );
    pair.send(CLIENT, b"ping");
    pair.send(SERVER, b"pong");
    pair.run(Duration::from_secs(1));
    let last = |at: usize| pair.packets[at].last().map(Vec::as_slice);
    assert_eq!(
        [last(CLIENT), last(SERVER)],
        [Some(&b"pong"[..]), Some(b"ping")],
        "{what}"
    );
}

#[test]
fn any_one_record_may_be_lost_late_or_come_twice() {
    for versions in BOTH {
        for to in [CLIENT, SERVER] {
            for victim in 0..12 {
                for fate in ["lost", "late", "twice"] {
                    let (mut pair, mut count, mut held) = (pair_of_records(versions), 0, None);
                    pair.start();
                    run_with(&mut pair, Duration::from_secs(4), |at, datagram| {
                        if at != to {
                            return vec![datagram];
                        }
                        count += 1;
                        match fate {
                            "lost" if count == victim + 1 => Vec::new(),
                            "late" if count == victim + 1 => {
                                held = Some(datagram);
                                Vec::new()
                            }
                            "twice" if count == victim + 1 => vec![datagram.clone(), datagram],
                            _ => held.take().into_iter().chain([datagram]).collect(),
                        }
                    });
                    talk(&mut pair, &format!("{versions:?} {to} {victim} {fate}"));
                }
            }
        }
    }
}

/// The first record's message with a changed byte, as often as it is said.
fn with_changed_message(datagram: Vec<u8>, kind: u8, from_end: usize) -> Vec<u8> {
    let mut datagram = datagram;
    let is_plain = datagram[0] == 22 && datagram[4] == 0;
    if is_plain && datagram[RECORD_HEADER] == kind {
        let at = datagram.len() - from_end;
        datagram[at] ^= 1;
    }
    datagram
}

#[test]
fn a_wrong_signature_is_named_and_one_in_passing_costs_time_only() {
    const SERVER_KEY_EXCHANGE: u8 = 12;
    const CERTIFICATE_VERIFY: u8 = 15;
    for (kind, at) in [(SERVER_KEY_EXCHANGE, CLIENT), (CERTIFICATE_VERIFY, SERVER)] {
        for always in [true, false] {
            let (mut pair, mut changed) = (pair_of_records(V12), false);
            pair.start();
            run_with(&mut pair, Duration::from_secs(8), |_, datagram| {
                if changed && !always {
                    return vec![datagram];
                }
                let other = with_changed_message(datagram.clone(), kind, 1);
                changed |= other != datagram;
                vec![other]
            });
            assert!(changed);
            if always {
                let error = DtlsError::misbehaved(Alert::DECRYPT_ERROR);
                assert_eq!(pair.events[at], [Event::Failed(error)]);
                let told = DtlsError::AlertReceived(Alert::DECRYPT_ERROR);
                assert_eq!(pair.events[1 - at], [Event::Failed(told)]);
            } else {
                talk(&mut pair, "a signature was changed once");
            }
        }
    }
}

/// A hello in which an extension has another number.
pub(super) fn without_extension(mut datagram: Vec<u8>, number: u16) -> Vec<u8> {
    let is_hello =
        datagram[0] == 22 && datagram[4] == 0 && matches!(datagram[RECORD_HEADER], 1 | 2);
    let mark = number.to_be_bytes();
    if is_hello {
        let from = RECORD_HEADER + 12 + 34;
        let found = datagram[from..].windows(2).rposition(|pair| pair == mark);
        if let Some(at) = found {
            datagram[from + at..from + at + 2].copy_from_slice(&[0x7a, 0x7a]);
        }
    }
    datagram
}

#[test]
fn who_is_talked_down_to_the_old_version_notices() {
    const SUPPORTED_VERSIONS: u16 = 43;
    let mut pair = Pair::new(Versions::Both, Versions::Both);
    pair.start();
    run_with(&mut pair, Duration::from_secs(8), |to, datagram| match to {
        SERVER => vec![without_extension(datagram, SUPPORTED_VERSIONS)],
        _ => vec![datagram],
    });
    let error = DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
    assert_eq!(pair.events[CLIENT], [Event::Failed(error)]);
    assert_eq!(pair.ends[SERVER].state(), State::Failed);
}

#[test]
fn without_the_extended_master_secret_there_is_no_handshake() {
    const EXTENDED_MASTER_SECRET: u16 = 23;
    let mut pair = Pair::new(V12, V12);
    pair.start();
    run_with(&mut pair, Duration::from_secs(8), |_, datagram| {
        vec![without_extension(datagram, EXTENDED_MASTER_SECRET)]
    });
    let error = DtlsError::incompatible(Alert::HANDSHAKE_FAILURE);
    assert_eq!(pair.events[SERVER], [Event::Failed(error)]);
}

/// Records of every kind in every epoch that somebody without keys can make.
fn strange_records() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for content in [20, 21, 22, 23, 26, 27] {
        for epoch in 0..4 {
            for body in [&[2, 40][..], &[2, 0], &[1, 0], &[0, 0], &[7; 40]] {
                let head = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9];
                all.push([&head[..], &(body.len() as u16).to_be_bytes(), body].concat());
            }
        }
    }
    for first in 0x20..0x40 {
        all.push([&[first, 0, 1, 0, 40][..], &[7; 40]].concat());
        all.push([&[first][..], &[0; 18]].concat());
    }
    // Plaintext messages of any kind, in the place of any.
    for kind in [0, 1, 2, 3, 4, 8, 11, 12, 13, 14, 15, 16, 20, 24] {
        for number in 0..8 {
            let body = [7; 30];
            let mut message = vec![kind];
            message.extend(be24(body.len()));
            message.extend([0, number, 0, 0, 0]);
            message.extend(be24(body.len()));
            message.extend(body);
            let head = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9];
            all.push([&head[..], &(message.len() as u16).to_be_bytes(), &message].concat());
        }
    }
    // An ACK of everything in plaintext.
    let mut numbers = vec![0, 160];
    for number in 0..10_u64 {
        numbers.extend([0; 8]);
        numbers.extend(number.to_be_bytes());
    }
    let head = [26, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9];
    all.push([&head[..], &(numbers.len() as u16).to_be_bytes(), &numbers].concat());
    all
}

#[test]
fn a_stranger_beside_the_path_ends_no_connection() {
    for versions in BOTH {
        let mut pair = Pair::connected(versions, versions);
        for _ in 0..3 {
            for record in strange_records() {
                for at in [CLIENT, SERVER] {
                    let mut datagram = record.clone();
                    pair.ends[at].handle_datagram(pair.now, &mut datagram, |_| panic!("data"));
                }
            }
            pair.run(Duration::from_secs(5));
        }
        talk(&mut pair, &format!("{versions:?}"));
    }
}

#[test]
fn a_stranger_beside_the_path_ends_no_handshake() {
    for versions in BOTH {
        for (number, record) in strange_records().iter().enumerate() {
            for moment in [0, 5, 15, 25] {
                for at in [CLIENT, SERVER] {
                    let mut pair = Pair::new(versions, versions);
                    pair.start();
                    pair.run(Duration::from_millis(moment));
                    let mut datagram = record.clone();
                    pair.ends[at].handle_datagram(pair.now, &mut datagram, |_| panic!("data"));
                    pair.run(Duration::from_secs(4));
                    let what = format!("{versions:?} record {number} at {at}, {moment} ms");
                    assert_eq!(
                        pair.states(),
                        [State::Connected; 2],
                        "{what} {:?}",
                        pair.events
                    );
                }
            }
        }
    }
}

#[test]
fn keys_are_renewed_under_way_as_often_as_it_takes() {
    let mut pair = Pair::connected(V13, V13);
    for round in 0..10 {
        for at in [CLIENT, SERVER] {
            let Stage::Connected(engine) = &mut pair.ends[at].stage else {
                panic!("not connected");
            };
            engine.renew_keys(pair.now).expect("a KeyUpdate");
        }
        for number in 0..20 {
            pair.send(CLIENT, &[round, number]);
            pair.send(SERVER, &[round, number]);
            pair.run(Duration::from_millis(5));
        }
        pair.run(Duration::from_secs(1));
    }
    for at in [CLIENT, SERVER] {
        assert_eq!(pair.packets[at].len(), 200);
        let Stage::Connected(engine) = &pair.ends[at].stage else {
            panic!("not connected");
        };
        assert_eq!(engine.link.records.sealing_epoch(), 13);
        assert_eq!(engine.link.records.opening_epoch(), 13);
    }
}

#[test]
fn a_key_update_comes_through_loss() {
    for seed in 0..20 {
        let mut pair = Pair::connected(V13, V13);
        pair.rng = Rng::from_u64(seed);
        pair.loss_percent = 40;
        let Stage::Connected(engine) = &mut pair.ends[CLIENT].stage else {
            panic!("not connected");
        };
        engine.renew_keys(pair.now).expect("a KeyUpdate");
        pair.run(Duration::from_secs(20));
        pair.loss_percent = 0;
        let Stage::Connected(engine) = &pair.ends[CLIENT].stage else {
            panic!("not connected");
        };
        assert_eq!(engine.link.records.sealing_epoch(), 4, "{seed}");
        talk(&mut pair, "after a KeyUpdate");
    }
}

fn renew_keys(pair: &mut Pair, at: usize) {
    let now = pair.now;
    let engine = pair.ends[at].engine_mut().expect("connected");
    engine.renew_keys(now).expect("a KeyUpdate");
}

fn epochs(pair: &mut Pair) -> [[u64; 2]; 2] {
    [CLIENT, SERVER].map(|at| {
        let records = &pair.ends[at].engine_mut().expect("connected").link.records;
        [records.sealing_epoch(), records.opening_epoch()]
    })
}

#[test]
fn a_key_update_whose_acks_are_lost_for_longer_than_old_keys_live_ends_all_the_same() {
    for from in [CLIENT, SERVER] {
        let mut pair = Pair::connected(V13, V13);
        renew_keys(&mut pair, from);
        let lost = Duration::from_secs(90);
        run_with(&mut pair, lost, |to, datagram| match to == from {
            true => Vec::new(),
            false => vec![datagram],
        });
        talk_from(&mut pair, from, b"under the old keys");
        pair.run(Duration::from_secs(3));
        let mut expected = [[3, 3], [3, 3]];
        expected[from][0] = 4;
        expected[1 - from][1] = 4;
        assert_eq!(epochs(&mut pair), expected);
        talk_from(&mut pair, from, b"under the new ones");
    }
}

/// What one end sends comes.
fn talk_from(pair: &mut Pair, from: usize, packet: &[u8]) {
    pair.send(from, packet);
    pair.run(Duration::from_millis(20));
    let last = pair.packets[1 - from].last().map(Vec::as_slice);
    assert_eq!(last, Some(packet));
}

#[test]
fn a_key_update_that_is_lost_twenty_times_ends_with_the_next_one() {
    let mut pair = Pair::connected(V13, V13);
    renew_keys(&mut pair, CLIENT);
    let mut said = 0;
    run_with(&mut pair, Duration::from_secs(30), |to, datagram| {
        said += usize::from(to == SERVER);
        match to == SERVER && said <= 20 {
            true => Vec::new(),
            false => vec![datagram],
        }
    });
    assert_eq!(said, 21);
    assert_eq!(epochs(&mut pair), [[4, 3], [3, 4]]);
    talk(&mut pair, "after a KeyUpdate");
}

#[test]
fn a_key_update_that_nobody_may_send_is_written_once() {
    let mut pair = Pair::connected(V13, V13);
    renew_keys(&mut pair, CLIENT);
    // Consent to send has expired: nothing is polled any more.
    let end = pair.now + Duration::from_secs(3_600);
    while let Some(due) = pair.ends[CLIENT].poll_timeout().filter(|due| *due < end) {
        pair.ends[CLIENT].handle_timeout(due);
        pair.now = due;
    }
    let link = &mut pair.ends[CLIENT].engine_mut().expect("connected").link;
    assert_eq!(link.outgoing.len(), 1);
    // It is there again.
    pair.run(Duration::from_secs(3));
    assert_eq!(epochs(&mut pair), [[4, 3], [3, 4]]);
    talk(&mut pair, "after a KeyUpdate");
}

#[test]
fn keys_before_a_key_update_are_forgotten_once_the_new_ones_were_used_for_long() {
    let mut pair = Pair::connected(V13, V13);
    let mut late = Vec::new();
    let now = pair.now;
    assert!(pair.ends[CLIENT].seal(now, b"late", &mut late));
    renew_keys(&mut pair, CLIENT);
    pair.run(Duration::from_secs(1));
    for _ in 0..2 {
        pair.send(CLIENT, b"new");
        pair.run(Duration::from_secs(61));
    }
    pair.send(CLIENT, b"newest");
    pair.put(SERVER, late);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.packets[SERVER], [&b"new"[..], b"new", b"newest"]);
}

#[test]
fn a_server_repeats_its_last_flight_for_a_client_whose_own_is_cut_before_its_change_cipher_spec() {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    let mut pair = Pair::new(V12, V12);
    pair.start();
    let (mut cuts, mut lost) = (0, 0);
    run_with(&mut pair, Duration::from_secs(5), |to, datagram| {
        if to == CLIENT {
            let is_last = datagram[0] == CHANGE_CIPHER_SPEC;
            lost += usize::from(is_last);
            return match is_last && lost == 1 {
                true => Vec::new(),
                false => vec![datagram],
            };
        }
        let mut at = 0;
        while at < datagram.len() && datagram[at] != CHANGE_CIPHER_SPEC {
            at += first_record(&datagram[at..]);
        }
        cuts += usize::from(at > 0 && at < datagram.len());
        let (begin, end) = datagram.split_at(at);
        [begin, end]
            .map(<[u8]>::to_vec)
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect()
    });
    assert!(cuts >= 2 && lost >= 2, "{cuts} {lost}");
    talk(&mut pair, "after the flight was repeated");
}

#[test]
fn a_peer_that_takes_short_records_gets_no_longer_ones() {
    const RECORD_SIZE_LIMIT: [u8; 4] = [0, 28, 0, 2];
    for versions in BOTH {
        let mut pair = Pair::new(versions, versions);
        pair.ends[CLIENT].start(
            pair.now,
            DtlsRole::Client,
            sha256(&pair.certificates[SERVER]),
        );
        let mut hello = Vec::new();
        assert!(pair.ends[CLIENT].poll_datagram(&mut hello));
        let mut all = hello.windows(4);
        let at = all
            .position(|window| window == RECORD_SIZE_LIMIT)
            .expect("it is offered");
        hello[at + 4..at + 6].copy_from_slice(&100_u16.to_be_bytes());
        let fingerprints = sha256(&pair.certificates[CLIENT]);
        pair.ends[SERVER].start(pair.now, DtlsRole::Server, fingerprints);
        pair.ends[SERVER].handle_datagram(pair.now, &mut hello, |_| {});
        let mut datagram = Vec::new();
        while pair.ends[SERVER].poll_datagram(&mut datagram) {
            let mut rest = &datagram[..];
            while !rest.is_empty() {
                let (record, after) = rest.split_at(first_record(rest));
                let is_protected = record[0] >= 32;
                assert!(
                    !is_protected || record.len() <= 5 + 100 + 16,
                    "{}",
                    record.len()
                );
                rest = after;
            }
            datagram.clear();
        }
    }
}
