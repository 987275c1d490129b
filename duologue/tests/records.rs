//! The files that an endpoint writes by explicit option.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use common::connected;
use common::media::{call_on, within};
use duologue::{Bytes, DataChannelInit, Endpoint, RtpPacketInit};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Where connections are made, used and closed; the files are whole when this returns.
fn run(endpoint: impl FnOnce() -> Endpoint, with: impl AsyncFnOnce(&Endpoint)) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let endpoint = endpoint();
        with(&endpoint).await;
    });
    // Its tasks have what the endpoint shares.
    drop(runtime);
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

fn states<'a>(lines: &'a [Value], connection: u64, event: &str) -> Vec<&'a str> {
    let of_it = lines
        .iter()
        .filter(|line| line["connection"].as_u64() == Some(connection) && line["event"] == event);
    of_it.filter_map(|line| line["state"].as_str()).collect()
}

#[test]
fn the_log_of_events_tells_the_story_of_each_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let endpoint = || {
        let builder = Endpoint::builder().loopback(true).ipv6(false);
        builder.event_log(&path).build().unwrap()
    };
    run(endpoint, async |endpoint| {
        let init = DataChannelInit::default();
        let (alice, bob, near, far) = within(connected(endpoint, init)).await;
        near.close();
        within(far.closed()).await.unwrap();
        within(near.closed()).await.unwrap();
        alice.connection.close();
        bob.connection.close();
    });

    let lines = lines(&path);
    let times = lines.iter().map(|line| line["time"].as_f64().unwrap());
    assert!(times.into_iter().all(|time| (0.0..60.0).contains(&time)));
    for connection in [1, 2] {
        let of_it = |event| states(&lines, connection, event);
        assert!(of_it("dtls-state").starts_with(&["connecting", "connected"]));
        assert!(of_it("sctp-state").starts_with(&["connected"]));
        assert!(of_it("ice-state").contains(&"connected"));
        let api = of_it("connectionstatechange");
        assert!(api.starts_with(&["connecting", "connected"]), "{api:?}");
        for event in ["local-candidate", "selected-pair", "channel-closed"] {
            let is_it = |line: &Value| line["connection"] == connection && line["event"] == event;
            assert!(lines.iter().any(is_it), "{connection}: {event}");
        }
    }
    let mut candidates = lines.iter().filter(|l| l["event"] == "local-candidate");
    let candidate = candidates.next().unwrap();
    assert_eq!(candidate["type"], "host");
    assert_eq!(candidate["protocol"], "udp");
    assert!(candidate["port"].as_u64().unwrap() > 0);
}

#[test]
fn a_refusal_is_in_the_log_of_events_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let endpoint = || Endpoint::builder().event_log(&path).build().unwrap();
    run(endpoint, async |endpoint| {
        let peer = common::Peer::new(endpoint);
        let answer = peer.connection.create_answer();
        assert!(within(answer).await.is_err());
    });
    let rejected = &lines(&path)[0];
    assert_eq!(rejected["event"], "rejected");
    let error = rejected["error"].as_str().unwrap();
    assert!(error.starts_with("InvalidStateError"), "{error}");
}

/// Packets by dissector and direction.
fn packets(path: &Path) -> BTreeMap<(String, u32), Vec<Vec<u8>>> {
    let mut reader = PcapNgReader::new(File::open(path).unwrap()).unwrap();
    let mut found: BTreeMap<(String, u32), Vec<Vec<u8>>> = BTreeMap::new();
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.unwrap() else {
            continue;
        };
        let data = packet.data.to_vec();
        assert_eq!(data[..2], [0, 12], "first the name of the dissector");
        let name = String::from_utf8(data[4..4 + usize::from(data[3])].to_vec()).unwrap();
        let name = name.trim_end_matches('\0').to_owned();
        let direction = packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Flags(flags) => Some(*flags),
            _ => None,
        });
        let direction = direction.unwrap();
        found.entry((name, direction)).or_default().push(data);
    }
    found
}

#[test]
fn a_key_log_has_the_secrets_that_both_ends_agree_on_and_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.txt");
    let endpoint = || {
        let builder = Endpoint::builder().loopback(true).ipv6(false);
        builder.key_log(&path).build().unwrap()
    };
    run(endpoint, async |endpoint| {
        let init = DataChannelInit::default();
        let (_alice, _bob, near, far) = within(connected(endpoint, init)).await;
        near.send("said in private").await.unwrap();
        within(far.recv()).await.unwrap();
    });

    let text = std::fs::read_to_string(&path).unwrap();
    let mut counts = BTreeMap::<&str, usize>::new();
    for line in text.lines() {
        *counts.entry(line).or_default() += 1;
    }
    // Each end of the connection says the same.
    assert!(counts.values().all(|count| *count == 2), "{counts:?}");
    let labels: Vec<&str> = counts
        .keys()
        .map(|l| l.split(' ').next().unwrap())
        .collect();
    let expected = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "EXPORTER_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_TRAFFIC_SECRET_0",
    ];
    assert_eq!(labels, expected);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_capture_has_what_dtls_and_srtp_hide_of_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packets.pcapng");
    let endpoint = || {
        let builder = Endpoint::builder().loopback(true).ipv6(false);
        builder.packet_capture(&path).build().unwrap()
    };
    run(endpoint, async |endpoint| {
        let init = DataChannelInit::default();
        let (_alice, _bob, near, far) = within(connected(endpoint, init)).await;
        near.send("said in private").await.unwrap();
        within(far.recv()).await.unwrap();

        let call = within(call_on(endpoint)).await;
        let mut received = call.of_bob[0].receiver().packets();
        let writer = call.of_alice[0].sender().packets();
        let packet = RtpPacketInit {
            payload: Bytes::from_static(b"sung in private"),
            ..Default::default()
        };
        within(writer.send_all(&mut vec![packet])).await.unwrap();
        within(received.recv()).await.unwrap();
    });

    let packets = packets(&path);
    for direction in [1, 2] {
        let has = |name: &str, what: &[u8]| {
            let packets = &packets[&(name.to_owned(), direction)];
            let has = |packet: &Vec<u8>| packet.windows(what.len()).any(|part| part == what);
            packets.iter().any(has)
        };
        assert!(has("sctp", b"said in private"));
        assert!(has("rtp", b"sung in private"));
    }
}
