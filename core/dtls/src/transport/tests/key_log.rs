//! Whoever asked for it can read along by the log of keys, and nobody else is told anything.

use std::collections::BTreeMap;

use super::*;
use crate::crypto::hex::hex;
use crate::crypto::schedule::traffic_keys;
use crate::record::{Read, Records, content};
use crate::suite::Suite;

/// The epoch of the first data of DTLS 1.3.
const DATA_EPOCH: u64 = 3;

/// Each label with its client random and secret.
type Lines = BTreeMap<String, [Vec<u8>; 2]>;

fn logging(only: Version) -> Pair {
    let mut pair = Pair::new(Versions::Only(only), Versions::Only(only));
    for at in [CLIENT, SERVER] {
        let context = Context::for_simulation(at as u64).unwrap();
        let context = context
            .with_versions(Versions::Only(only))
            .with_key_log(true);
        pair.ends[at] = Transport::new(context, pair.certificates[at].clone());
    }
    pair.start();
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.states(), [State::Connected; 2]);
    pair
}

fn lines(end: &mut Transport) -> Lines {
    let lines = std::iter::from_fn(|| end.poll_key_log());
    lines
        .map(|line| {
            let [label, random, secret] = line.0.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{}", line.0);
            };
            (label.to_owned(), [hex(random), hex(secret)])
        })
        .collect()
}

#[test]
fn both_ends_of_dtls_1_2_log_one_master_secret() {
    let mut pair = logging(Version::V12);
    let [client, server] = [CLIENT, SERVER].map(|at| lines(&mut pair.ends[at]));
    assert_eq!(client, server);
    let [random, master] = &client["CLIENT_RANDOM"];
    assert_eq!((client.len(), random.len(), master.len()), (1, 32, 48));
}

#[test]
fn by_the_logged_secrets_of_dtls_1_3_its_records_can_be_read() {
    let mut pair = logging(Version::V13);
    let [client, server] = [CLIENT, SERVER].map(|at| lines(&mut pair.ends[at]));
    assert_eq!(client, server);
    assert_eq!(client.len(), 5);
    let suite = pair.ends[CLIENT].cipher_suite().unwrap();
    let suite = Suite::find(suite.0, Version::V13).unwrap();
    for (at, label) in [
        (CLIENT, "CLIENT_TRAFFIC_SECRET_0"),
        (SERVER, "SERVER_TRAFFIC_SECRET_0"),
    ] {
        let mut datagram = Vec::new();
        assert!(pair.ends[at].seal(pair.now, b"said in private", &mut datagram));
        let mut reader = Records::new(0);
        let [_, secret] = &client[label];
        reader.install_opening(DATA_EPOCH, traffic_keys(suite, secret).unwrap());
        let Some((Read::Record { content, body, .. }, [])) = reader.open(&mut datagram) else {
            panic!("not one record");
        };
        assert_eq!(
            (content, &*body),
            (content::APPLICATION_DATA, &b"said in private"[..])
        );
    }
}

#[test]
fn who_did_not_ask_is_told_no_secret() {
    let mut pair = Pair::connected(Versions::Both, Versions::Both);
    for end in &mut pair.ends {
        assert!(end.poll_key_log().is_none());
    }
}
