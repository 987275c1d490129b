//! Our SCTP against dcsctp (Chromium's), sctp-proto (str0m's) and rtc-sctp (webrtc-rs's): either
//! side calling, with and without loss, in memory and in virtual time.

mod chromium;
mod endpoint;
mod fairness;
mod network;
mod ours;
mod proto;
mod str0m;
mod webrtc_rs;

use std::time::Duration;

use chromium::Chromium;
use endpoint::Endpoint;
use network::{Network, Path};
use ours::Ours;
use str0m::Str0m;
use webrtc_rs::WebrtcRs;

/// Peers to test against, each made anew.
fn others(caller: bool) -> Vec<(&'static str, Box<dyn Endpoint>)> {
    vec![
        ("dcsctp", Box::new(Chromium::new(false))),
        ("dcsctp with all extensions", Box::new(Chromium::new(true))),
        ("sctp-proto", Box::new(Str0m::new(caller))),
        ("rtc-sctp", Box::new(WebrtcRs::new(caller))),
    ]
}

/// Messages of many sizes, recognisable by their first bytes.
fn messages() -> Vec<Vec<u8>> {
    let sizes = [
        1, 2, 100, 1_000, 1_151, 1_160, 1_161, 1_200, 5_000, 16_384, 60_000,
    ];
    (0..sizes.len() * 8)
        .map(|n| {
            let mut data = vec![n as u8; sizes[n % sizes.len()]];
            if let Some(last) = data.last_mut() {
                *last = (n as u8) ^ 0x5a;
            }
            data
        })
        .collect()
}

/// Both sides send everything on two streams; what arrives must be that, in order.
fn exchange(name: &str, we_call: bool, loss: f64, seed: u64) {
    let all = others(!we_call);
    for (other_name, other) in all {
        if !name.is_empty() && name != other_name {
            continue;
        }
        let path = Path {
            delay: Duration::from_millis(5),
            loss,
        };
        let mut network = Network::new(Box::new(Ours::searching(seed)), other, path, seed);
        network.connect(if we_call { 0 } else { 1 });
        let context = format!("{other_name}, we call: {we_call}, loss {loss}, seed {seed}");
        assert!(network.is_connected(), "{context}: not connected");
        let sent = messages();
        for from in 0..2 {
            for (n, data) in sent.iter().enumerate() {
                network.send(from, (n % 2) as u16, data);
            }
        }
        let expected = sent.len();
        let done = network.run(Duration::from_secs(300), |network| {
            network
                .received
                .iter()
                .all(|received| received.len() >= expected)
        });
        let got = network.received.each_ref().map(Vec::len);
        assert!(done, "{context}: {got:?} of {expected} arrived");
        for received in &network.received {
            for stream in 0..2_u16 {
                let arrived: Vec<&Vec<u8>> = received
                    .iter()
                    .filter(|m| m.0 == stream)
                    .map(|m| &m.1)
                    .collect();
                let expected: Vec<&Vec<u8>> =
                    sent.iter().skip(usize::from(stream)).step_by(2).collect();
                assert!(arrived == expected, "{context}: stream {stream} differs");
            }
        }
    }
}

#[test]
fn messages_go_both_ways_when_we_call() {
    exchange("", true, 0.0, 1);
}

#[test]
fn messages_go_both_ways_when_we_are_called() {
    exchange("", false, 0.0, 2);
}

#[test]
fn messages_survive_loss_when_we_call() {
    for seed in 3..6 {
        exchange("", true, 0.03, seed);
    }
}

#[test]
fn messages_survive_loss_when_we_are_called() {
    for seed in 6..9 {
        exchange("", false, 0.03, seed);
    }
}

/// RFC 8899, RFC 4820. Who does not know PAD has to skip it (RFC 9260 §3.2); sctp-proto drops the packet,
/// and gets small ones.
#[test]
fn a_stack_that_does_not_list_pad_chunks_gets_no_probe_and_misses_no_message() {
    for (name, other) in others(false) {
        let path = Path {
            delay: Duration::from_millis(5),
            loss: 0.0,
        };
        let mut network = Network::new(Box::new(Ours::searching(1)), other, path, 1);
        network.connect(0);
        for n in 0..60 {
            network.send(0, 0, &vec![n; 50_000]);
        }
        let all = network.run(Duration::from_secs(30), |network| {
            network.received[1].len() == 60
        });
        assert!(all, "{name}: {}", network.received[1].len());
        assert!(
            network.longest[0] <= 1_200,
            "{name}: {}",
            network.longest[0]
        );
    }
}

#[test]
fn both_calling_at_once_meet() {
    let path = Path {
        delay: Duration::from_millis(5),
        loss: 0.0,
    };
    for extensions in [false, true] {
        let other = Box::new(Chromium::new(extensions));
        let mut network = Network::new(Box::new(Ours::new(1)), other, path, 1);
        network.connect_both();
        assert!(network.is_connected());
        network.send(0, 3, b"hello");
        network.send(1, 3, b"world");
        network.run(Duration::from_secs(5), |network| {
            network.received.iter().all(|received| !received.is_empty())
        });
        assert_eq!(network.received[1], [(3, b"hello".to_vec())]);
        assert_eq!(network.received[0], [(3, b"world".to_vec())]);
    }
}

#[test]
fn extensions_are_used_when_both_have_them() {
    let path = Path {
        delay: Duration::from_millis(5),
        loss: 0.0,
    };
    for extensions in [false, true] {
        let mut ours = Ours::new(1);
        ours.watch();
        let statistics = ours.statistics.clone();
        let other = Box::new(Chromium::new(extensions));
        let mut network = Network::new(Box::new(ours), other, path, 1);
        network.connect(0);
        network.send(0, 1, b"hello");
        network.run(Duration::from_secs(1), |_| false);
        let stats = statistics.borrow().clone();
        assert_eq!(stats.interleaving, extensions);
        assert_eq!(stats.zero_checksum, extensions);
    }
}

#[test]
fn streams_are_reset_from_either_side_and_used_again() {
    for loss in [0.0, 0.1] {
        let path = Path {
            delay: Duration::from_millis(5),
            loss,
        };
        for seed in 0..5 {
            let other = Box::new(Chromium::new(seed % 2 == 0));
            let mut network = Network::new(Box::new(Ours::new(seed)), other, path, seed);
            network.connect(0);
            for from in 0..2 {
                network.send(from, 1, b"before");
                network.run(Duration::from_secs(20), |network| {
                    !network.received[1 - from].is_empty()
                });
                network.reset(from, 1);
                let done = network.run(Duration::from_secs(30), |network| {
                    network.resets_seen[1 - from].contains(&1)
                });
                assert!(done, "{from} resets, loss {loss}, seed {seed}");
                network.run(Duration::from_secs(5), |_| false);
                network.send(from, 1, b"after");
                let done = network.run(Duration::from_secs(30), |network| {
                    network.received[1 - from]
                        .last()
                        .is_some_and(|m| m.1 == b"after")
                });
                assert!(done, "{from} sends again, loss {loss}, seed {seed}");
            }
        }
    }
}

#[test]
fn unreliable_messages_do_not_block_later_ones() {
    for seed in 0..6 {
        for (name, other) in others(false) {
            let path = Path {
                delay: Duration::from_millis(5),
                loss: 0.2,
            };
            let mut network = Network::new(Box::new(Ours::new(seed)), other, path, seed);
            network.connect(0);
            for n in 0..100_u32 {
                network.send_unreliable(0, 1, &[n.to_be_bytes().repeat(300)].concat());
                network.run(Duration::from_millis(3), |_| false);
            }
            network.run(Duration::from_secs(5), |_| false);
            network.send(0, 1, b"the end");
            let done = network.run(Duration::from_secs(60), |network| {
                network.received[1]
                    .last()
                    .is_some_and(|m| m.1 == b"the end")
            });
            let count = network.received[1].len();
            assert!(done, "{name}, seed {seed}: {count} arrived, the last not");
            assert!((30..=101).contains(&count), "{name}, seed {seed}: {count}");
        }
    }
}
