//! SCTP alone: messages one way, a train at a time, acknowledged train by train.

use std::time::Duration;

use bytes::Bytes;
use duologue_bench_micro::Associations;

use crate::{Done, measured_if};

#[derive(Clone, Copy, Eq, PartialEq)]
enum Stage {
    Out,
    In,
    SackMade,
    SackTaken,
}

struct Transfer {
    stage: Stage,
    message: usize,
    /// One of so many packets is lost; 0 for none.
    loss: u64,
}

/// Rounds before the measured ones: the windows have grown by then.
const WARM_ROUNDS: u64 = 100;
const ROUNDS: u64 = 400;
/// Bytes that wait at the sender.
const QUEUED: usize = 256 << 10;
/// Packets of one system call.
const TRAIN: usize = 54;

pub(crate) fn out_16k() -> Done {
    transfer(Stage::Out, 16 << 10)
}

pub(crate) fn out_64b() -> Done {
    transfer(Stage::Out, 64)
}

pub(crate) fn in_16k() -> Done {
    transfer(Stage::In, 16 << 10)
}

pub(crate) fn in_64b() -> Done {
    transfer(Stage::In, 64)
}

pub(crate) fn sack_made() -> Done {
    transfer(Stage::SackMade, 16 << 10)
}

pub(crate) fn sack_taken() -> Done {
    transfer(Stage::SackTaken, 16 << 10)
}

pub(crate) fn sack_taken_loss() -> Done {
    let (stage, message, loss) = (Stage::SackTaken, 16 << 10, 100);
    Transfer {
        stage,
        message,
        loss,
    }
    .run()
}

fn transfer(stage: Stage, message: usize) -> Done {
    let loss = 0;
    Transfer {
        stage,
        message,
        loss,
    }
    .run()
}

impl Transfer {
    fn run(&self) -> Done {
        let mut pair = Associations::connected();
        let message = Bytes::from(vec![0x5a; self.message]);
        let (mut packets, mut acks) = (Vec::new(), Vec::new());
        let (mut sent, mut pieces) = (0_u64, 0);
        for round in 0..WARM_ROUNDS + ROUNDS {
            let counts = |stage| round >= WARM_ROUNDS && stage == self.stage;
            pair.fill(&message, QUEUED);
            let mut ends = [0; TRAIN];
            let mut train = Vec::with_capacity(TRAIN * 2048);
            let count = measured_if(counts(Stage::Out), || {
                poll_train(&mut pair, &mut train, &mut ends)
            });
            packets.clear();
            let mut start = 0;
            for &end in &ends[..count] {
                sent += 1;
                if self.loss == 0 || !sent.is_multiple_of(self.loss) {
                    packets.push(start..end);
                }
                start = end;
            }
            pair.now += Duration::from_micros(50);
            measured_if(counts(Stage::In), || {
                for range in &packets {
                    pair.deliver(1, &train[range.clone()]);
                }
                while pair.ends[1].poll_inbound().is_some() {}
            });
            measured_if(counts(Stage::SackMade), || pair.poll(1, &mut acks));
            let taken = acks.len();
            measured_if(counts(Stage::SackTaken), || {
                for ack in acks.drain(..) {
                    pair.deliver(0, &ack);
                }
            });
            pair.tick(Duration::from_micros(50));
            if round >= WARM_ROUNDS {
                pieces += match self.stage {
                    Stage::Out => count,
                    Stage::In => packets.len(),
                    Stage::SackMade | Stage::SackTaken => taken,
                } as u64;
            }
        }
        let unit = match self.stage {
            Stage::Out | Stage::In => "packet",
            Stage::SackMade | Stage::SackTaken => "SACK",
        };
        Done {
            count: pieces,
            unit,
        }
    }
}

/// Fills a train; `ends` tells where its packets end. Returns how many there are.
fn poll_train(pair: &mut Associations, train: &mut Vec<u8>, ends: &mut [usize]) -> usize {
    let mut count = 0;
    while count < ends.len() && pair.ends[0].poll_packet(pair.now, train) {
        ends[count] = train.len();
        count += 1;
    }
    count
}
