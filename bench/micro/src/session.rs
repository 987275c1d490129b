//! All layers of a connection, without its sockets.

use std::time::Duration;

use bytes::Bytes;
use duologue_base::Instant;
use duologue_bench_micro::{Pair, Train, certificate};
use duologue_dtls::Context;

use crate::{Done, measured_here, measured_if};

const WARM_ROUNDS: u64 = 100;
const ROUNDS: u64 = 400;
/// Bytes that wait at the sender.
const QUEUED: usize = 256 << 10;
/// Consent checks and keep-alives are due within this time (RFC 7675 §5.1).
const CHECK_INTERVAL: Duration = Duration::from_secs(7);

pub(crate) fn out_16k() -> Done {
    transfer(true)
}

pub(crate) fn in_16k() -> Done {
    transfer(false)
}

fn connected(channels: u16) -> Pair {
    let context = Context::for_simulation(1).expect("the library passes its tests");
    let certificates = [certificate(1), certificate(2)];
    Pair::connected(&context, &certificates, channels, Instant::ZERO)
}

/// Messages one way, a train at a time.
fn transfer(out: bool) -> Done {
    let mut pair = connected(1);
    let message = Bytes::from(vec![0x5a; 16 << 10]);
    let (mut train, mut acks) = (Train::default(), Train::default());
    let mut count = 0;
    for round in 0..WARM_ROUNDS + ROUNDS {
        let counts = round >= WARM_ROUNDS;
        while pair.ends[0].buffered < QUEUED {
            pair.send(0, 0, message.clone());
        }
        let any = measured_if(counts && out, || pair.transmit(0, &mut train));
        pair.now += Duration::from_micros(50);
        if any {
            count += u64::from(counts) * train.bytes.len().div_ceil(train.segment) as u64;
            measured_if(counts && !out, || {
                pair.deliver(1, &mut train);
                pair.poll(1);
            });
        }
        pair.carry(1, &mut acks);
        pair.now += Duration::from_micros(50);
    }
    Done {
        count,
        unit: "datagram",
    }
}

/// Many small messages at once, both ends and everything between.
pub(crate) fn message_64b() -> Done {
    const BATCH: u64 = 500;
    let mut pair = connected(1);
    let message = Bytes::from_static(&[0x5a; 64]);
    let mut train = Train::default();
    for round in 0..20 {
        measured_if(round >= 10, || {
            for _ in 0..BATCH {
                pair.send(0, 0, message.clone());
            }
            settle(&mut pair, &mut train);
        });
    }
    assert_eq!(pair.ends[1].messages as u64, 20 * BATCH);
    Done {
        count: 10 * BATCH,
        unit: "message",
    }
}

/// One small message and its echo.
pub(crate) fn ping() -> Done {
    let mut pair = connected(1);
    let message = Bytes::from_static(&[0x5a; 64]);
    let mut train = Train::default();
    for round in 0..WARM_ROUNDS + ROUNDS {
        measured_if(round >= WARM_ROUNDS, || {
            pair.send(0, 0, message.clone());
            pair.carry(0, &mut train);
            pair.send(1, 0, message.clone());
            pair.carry(1, &mut train);
        });
        pair.now += Duration::from_micros(50);
    }
    assert_eq!(pair.ends[0].messages as u64, WARM_ROUNDS + ROUNDS);
    Done {
        count: ROUNDS,
        unit: "round trip",
    }
}

/// A datagram on its way to its layer, less what the layer does: RTP, which is only counted.
pub(crate) fn demux() -> Done {
    let mut pair = connected(1);
    let (mut bytes, datagram) = ([0x80; 1200], pair.datagram_to(0));
    let (now, session) = (pair.now, &mut pair.ends[0].session);
    measured_here(|| {
        for _ in 0..ROUNDS {
            session.handle_datagram(now, &datagram, &mut bytes);
        }
    });
    assert_eq!(session.counters().srtp_packets, ROUNDS);
    Done {
        count: ROUNDS,
        unit: "datagram",
    }
}

/// A connectivity check: verified and answered.
pub(crate) fn stun_check() -> Done {
    let mut pair = connected(1);
    let (mut check, mut answer) = (Train::default(), Train::default());
    let mut count = 0;
    for _ in 0..40 {
        pair.now += CHECK_INTERVAL;
        pair.poll(0);
        while pair.transmit(0, &mut check) {
            count += 1;
            measured_here(|| {
                pair.deliver(1, &mut check);
                pair.transmit(1, &mut answer)
            });
            pair.deliver(0, &mut answer);
        }
        // Its own checks are answered as well, or it would take the path for dead.
        pair.carry(1, &mut check);
        pair.carry(0, &mut answer);
    }
    Done {
        count,
        unit: "check",
    }
}

/// Asking a session that has nothing to do.
pub(crate) fn idle_poll() -> Done {
    let mut pair = connected(1);
    let mut train = Train::default();
    settle(&mut pair, &mut train);
    measured_here(|| {
        for _ in 0..ROUNDS {
            pair.poll(0);
            pair.transmit(0, &mut train);
        }
    });
    Done {
        count: ROUNDS,
        unit: "poll",
    }
}

pub(crate) fn channels_1() -> Done {
    channels(1)
}

pub(crate) fn channels_100() -> Done {
    channels(100)
}

pub(crate) fn channels_10000() -> Done {
    channels(10_000)
}

/// A message on one of many channels, each time on another, with all polls at both ends.
fn channels(open: u16) -> Done {
    let mut pair = connected(open);
    let message = Bytes::from_static(&[0x5a; 64]);
    let mut train = Train::default();
    settle(&mut pair, &mut train);
    for round in 0..WARM_ROUNDS + ROUNDS {
        let channel = (round * 7919 % u64::from(open)) as u16;
        measured_if(round >= WARM_ROUNDS, || {
            pair.send(0, channel, message.clone());
            settle(&mut pair, &mut train);
        });
    }
    assert_eq!(pair.ends[1].messages as u64, WARM_ROUNDS + ROUNDS);
    Done {
        count: ROUNDS,
        unit: "message",
    }
}

/// Carries until nothing is under way.
fn settle(pair: &mut Pair, train: &mut Train) {
    loop {
        let any = pair.carry(0, train) | pair.carry(1, train);
        pair.now += Duration::from_micros(50);
        if !any && pair.ends[0].buffered == 0 {
            return;
        }
    }
}
