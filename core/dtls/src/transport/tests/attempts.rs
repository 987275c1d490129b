//! What may come at the start of a handshake, and who may have sent it.

use super::*;

const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;
const VERSIONS: [Versions; 3] = [V12, V13, Versions::Both];

/// A ClientHello that nobody goes on from.
fn forged_hello(versions: Versions) -> Vec<u8> {
    let context = Context::for_simulation(99).unwrap().with_versions(versions);
    let mut stranger = Transport::new(context, certificate());
    stranger.start(Instant::ZERO, DtlsRole::Client, Vec::new());
    let mut hello = Vec::new();
    assert!(stranger.poll_datagram(&mut hello));
    hello
}

/// The first datagram that a server answers such a hello with.
fn forged_answer(versions: Versions) -> Vec<u8> {
    let context = Context::for_simulation(98).unwrap().with_versions(versions);
    let mut stranger = Transport::new(context, certificate());
    stranger.start(Instant::ZERO, DtlsRole::Server, Vec::new());
    stranger.handle_datagram(Instant::ZERO, &mut forged_hello(versions), |_| {});
    let mut answer = Vec::new();
    assert!(stranger.poll_datagram(&mut answer));
    answer
}

fn message(kind: u8, number: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    let head = [kind, 0, length[0], length[1], 0, number, 0, 0, 0, 0];
    [&head[..], &length, body].concat()
}

fn record(content: u8, epoch: u8, number: u8, body: &[u8]) -> Vec<u8> {
    let head = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number];
    [&head[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// Datagrams that whoever knows an address of the peer can send in its name.
fn forgeries() -> Vec<Vec<u8>> {
    let mut forgeries = vec![
        record(21, 0, 0, &[2, 40]),
        record(21, 0, 0, &[2, 10]),
        record(20, 0, 1, &[1]),
        record(23, 0, 1, b"plain"),
        record(23, 1, 1, &[7; 60]),
        record(22, 1, 1, &[7; 60]),
        record(22, 0, 0, &message(1, 0, &[7; 50])),
        record(22, 0, 0, &message(2, 0, &[7; 50])),
        record(
            22,
            0,
            0,
            &message(HELLO_VERIFY_REQUEST, 0, &[0xfe, 0xff, 2, 1, 2]),
        ),
        record(22, 0, 0, &message(2, 0, &[7; 34])),
        record(22, 0, 0, &message(1, 0, &[7; 34])),
        vec![0x2f; 40],
    ];
    let mut cut_off = record(22, 0, 0, &message(2, 0, &[7; 60]));
    cut_off[12] = 200;
    forgeries.push(cut_off);
    for versions in VERSIONS {
        forgeries.push(forged_hello(versions));
        forgeries.push(forged_answer(versions));
    }
    forgeries
}

fn goes_on(mut pair: Pair, what: &str) {
    pair.run(Duration::from_secs(10));
    assert_eq!(
        pair.states(),
        [State::Connected; 2],
        "{what}: {:?}",
        pair.events
    );
    pair.send(CLIENT, b"ping");
    pair.send(SERVER, b"pong");
    pair.run(Duration::from_secs(1));
    let expected = [vec![b"pong".to_vec()], vec![b"ping".to_vec()]];
    assert_eq!(pair.packets, expected, "{what}");
}

#[test]
fn a_forged_hello_before_the_handshake_costs_time_at_most() {
    for versions in VERSIONS {
        for forged in VERSIONS {
            for real_comes_early in [false, true] {
                let mut pair = Pair::new(versions, versions);
                let mut forged_hello = forged_hello(forged);
                pair.ends[SERVER].handle_datagram(pair.now, &mut forged_hello, |_| {});
                if real_comes_early {
                    let fingerprints = sha256(&pair.certificates[SERVER]);
                    pair.ends[CLIENT].start(pair.now, DtlsRole::Client, fingerprints);
                    pair.run(Duration::from_millis(20));
                }
                pair.start();
                goes_on(pair, &format!("{versions:?} {forged:?} {real_comes_early}"));
            }
        }
    }
}

#[test]
fn early_hellos_that_flood_do_not_keep_the_real_one_out() {
    for versions in VERSIONS {
        let mut pair = Pair::new(versions, versions);
        let fingerprints = sha256(&pair.certificates[SERVER]);
        pair.ends[CLIENT].start(pair.now, DtlsRole::Client, fingerprints);
        for _ in 0..20 {
            let mut forged = forged_hello(versions);
            pair.ends[SERVER].handle_datagram(pair.now, &mut forged, |_| {});
            pair.run(Duration::from_millis(20));
        }
        pair.start();
        goes_on(pair, &format!("{versions:?}"));
    }
}

#[test]
fn one_forged_datagram_at_any_moment_before_keys_does_not_end_a_handshake() {
    for versions in VERSIONS {
        for (number, forged) in forgeries().iter().enumerate() {
            for at in [CLIENT, SERVER] {
                for moment in [0, 5, 15, 25] {
                    let mut pair = Pair::new(versions, versions);
                    pair.start();
                    pair.run(Duration::from_millis(moment));
                    let mut datagram = forged.clone();
                    pair.ends[at].handle_datagram(pair.now, &mut datagram, |_| {});
                    goes_on(pair, &format!("{versions:?} {number} at {at}, {moment} ms"));
                }
            }
        }
    }
}

#[test]
fn a_client_that_begins_anew_after_our_first_flight_is_answered() {
    for versions in VERSIONS {
        let mut pair = Pair::new(versions, versions);
        pair.start();
        pair.run(Duration::from_millis(15));
        let context = Context::for_simulation(5).unwrap().with_versions(versions);
        let mut client = Transport::new(context, pair.certificates[CLIENT].clone());
        let fingerprints = sha256(&pair.certificates[SERVER]);
        client.start(pair.now, DtlsRole::Client, fingerprints);
        pair.ends[CLIENT] = client;
        goes_on(pair, &format!("{versions:?}"));
    }
}

#[test]
fn a_client_hello_in_pieces_is_understood_in_any_order() {
    for versions in VERSIONS {
        for reversed in [false, true] {
            let mut pair = Pair::new(versions, versions);
            pair.start();
            let mut hello = Vec::new();
            assert!(pair.ends[CLIENT].poll_datagram(&mut hello));
            let body = &hello[RECORD_HEADER + 12..];
            let mut pieces: Vec<Vec<u8>> = [0..60, 60..body.len()]
                .into_iter()
                .enumerate()
                .map(|(number, range)| {
                    let mut head = hello[RECORD_HEADER..RECORD_HEADER + 12].to_vec();
                    head[6..9].copy_from_slice(&(range.start as u32).to_be_bytes()[1..]);
                    head[9..12].copy_from_slice(&(range.len() as u32).to_be_bytes()[1..]);
                    record(22, 0, number as u8, &[&head, &body[range]].concat())
                })
                .collect();
            if reversed {
                pieces.reverse();
            }
            for mut piece in pieces {
                pair.ends[SERVER].handle_datagram(pair.now, &mut piece, |_| {});
            }
            goes_on(pair, &format!("{versions:?} {reversed}"));
        }
    }
}

#[test]
fn a_server_may_ask_for_a_second_hello() {
    for client in VERSIONS {
        for server in VERSIONS {
            if client != server && client != Versions::Both && server != Versions::Both {
                continue;
            }
            let mut pair = Pair::new(client, server);
            let context = Context::for_simulation(2).unwrap().with_cookies(true);
            let context = context.with_versions(server);
            pair.ends[SERVER] = Transport::new(context, pair.certificates[SERVER].clone());
            pair.start();
            goes_on(pair, &format!("{client:?} {server:?}"));
        }
    }
}

#[test]
fn a_question_for_a_second_hello_that_comes_again_later_begins_nothing_anew() {
    for versions in [V12, V13] {
        let mut pair = Pair::new(versions, versions);
        let context = Context::for_simulation(2).unwrap().with_cookies(true);
        let context = context.with_versions(versions);
        pair.ends[SERVER] = Transport::new(context, pair.certificates[SERVER].clone());
        pair.splits_records = true;
        pair.start();
        let (mut question, mut answered, mut randoms) = (None, false, Vec::new());
        super::deviations::run_with(&mut pair, Duration::from_millis(700), |to, datagram| {
            if to == SERVER {
                randoms.extend(crate::peek::client_hello(&datagram).map(|hello| hello.random));
                return vec![datagram];
            }
            match (&question, answered) {
                (None, _) => {
                    question = Some(datagram.clone());
                    vec![datagram]
                }
                // Of the server's flight there is nothing but its hello.
                (Some(question), false) => {
                    answered = true;
                    vec![datagram, question.clone()]
                }
                (Some(_), true) => Vec::new(),
            }
        });
        assert!(answered && randoms.len() > 2, "{versions:?}");
        randoms.dedup();
        assert_eq!(randoms.len(), 1, "{versions:?}");
        goes_on(pair, &format!("{versions:?}"));
    }
}

/// Of two servers of one offer, both of which ask for a second hello, the first goes quiet behind its own.
#[test]
fn another_server_that_asks_for_a_second_hello_is_gone_over_to() {
    for versions in [V12, V13] {
        let mut pair = Pair::new(versions, versions);
        let [first, mut second] = [2, 3].map(|seed| {
            let context = Context::for_simulation(seed).unwrap().with_cookies(true);
            let context = context.with_versions(versions);
            Transport::new(context, pair.certificates[SERVER].clone())
        });
        pair.ends[SERVER] = first;
        pair.splits_records = true;
        pair.start();
        let fingerprints = sha256(&pair.certificates[CLIENT]);
        second.start(pair.now, DtlsRole::Server, fingerprints);
        let (mut answers, mut question) = (0, Vec::new());
        super::deviations::run_with(&mut pair, Duration::from_millis(100), |to, datagram| {
            if to == SERVER {
                if question.is_empty() {
                    second.handle_datagram(Instant::ZERO, &mut datagram.clone(), |_| {});
                    assert!(second.poll_datagram(&mut question));
                }
                return vec![datagram];
            }
            answers += 1;
            match answers {
                1 => vec![datagram],
                // Behind the first one's hello.
                2 => vec![datagram, question.clone()],
                _ => Vec::new(),
            }
        });
        assert!(answers > 2, "{versions:?}");
        pair.ends[SERVER] = second;
        goes_on(pair, &format!("{versions:?}"));
    }
}

#[test]
fn a_datagram_that_comes_by_two_ways_counts_once() {
    for versions in VERSIONS {
        let mut pair = Pair::new(versions, versions);
        pair.start();
        for _ in 0..50 {
            pair.flush();
            for at in 0..2 {
                let twice = pair.flying[at]
                    .iter()
                    .flat_map(|it| [it.clone(), it.clone()]);
                pair.flying[at] = twice.collect();
            }
            pair.run(Duration::from_millis(10));
        }
        assert_eq!(pair.states(), [State::Connected; 2], "{versions:?}");
    }
}

#[test]
fn two_clients_fail_in_time() {
    for versions in VERSIONS {
        let mut pair = Pair::new(versions, versions);
        for at in [CLIENT, SERVER] {
            let fingerprints = sha256(&pair.certificates[1 - at]);
            pair.ends[at].start(pair.now, DtlsRole::Client, fingerprints);
        }
        pair.run(Duration::from_secs(40));
        assert_eq!(pair.states(), [State::Failed; 2], "{versions:?}");
    }
}

#[test]
fn ends_without_a_common_version_tell_each_other() {
    for (client, server) in [(V12, V13), (V13, V12)] {
        let mut pair = Pair::new(client, server);
        pair.start();
        pair.run(Duration::from_secs(8));
        let alert = Alert::PROTOCOL_VERSION;
        let error = DtlsError::PeerIncompatible { sent: Some(alert) };
        assert_eq!(pair.events[SERVER], [Event::Failed(error)]);
        let received = DtlsError::AlertReceived(alert);
        assert_eq!(pair.events[CLIENT], [Event::Failed(received)]);
    }
}

/// A datagram in which the certificate is left out of its message.
fn without_certificate(datagram: &[u8]) -> Vec<u8> {
    let (mut rest, mut out) = (datagram, Vec::new());
    while !rest.is_empty() {
        let (record, after) = rest.split_at(first_record(rest));
        if record[0] == 22 && record[4] == 0 && record[RECORD_HEADER] == CERTIFICATE {
            let number = record[RECORD_HEADER + 5];
            out.extend(super::attempts::record(
                22,
                0,
                record[10],
                &message(CERTIFICATE, number, &[0; 3]),
            ));
        } else {
            out.extend_from_slice(record);
        }
        rest = after;
    }
    out
}

#[test]
fn a_peer_without_a_certificate_is_told_by_an_alert_and_fails() {
    for at in [CLIENT, SERVER] {
        let mut pair = Pair::new(V12, V12);
        pair.start();
        for _ in 0..8000 {
            pair.flush();
            for (_, datagram) in &mut pair.flying[at] {
                *datagram = without_certificate(datagram);
            }
            pair.run(Duration::from_millis(1));
        }
        let [Event::Failed(error)] = &pair.events[at][..] else {
            panic!("{:?}", pair.events[at]);
        };
        let alert = error.sent_alert().expect("an alert was sent");
        let received = DtlsError::AlertReceived(alert);
        assert_eq!(pair.events[1 - at], [Event::Failed(received)], "{at}");
    }
}
