use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{Association, AssociationState, Config, Ppid, SendOptions};

/// Two SCTP associations: number 0 sends, number 1 receives.
#[derive(Debug)]
pub struct Associations {
    /// The virtual time.
    pub now: Instant,
    /// Both ends.
    pub ends: [Association; 2],
}

/// `WebRTC Binary` (RFC 8831 §8).
const BINARY: Ppid = Ppid(53);

impl Associations {
    /// Two that are connected.
    ///
    /// # Panics
    /// They do not connect.
    pub fn connected() -> Self {
        let end = |seed| Association::new(Config::default(), Rng::from_u64(seed));
        let mut pair = Associations {
            now: Instant::ZERO,
            ends: [end(1), end(2)],
        };
        for end in &mut pair.ends {
            end.connect(pair.now);
        }
        let mut packets = Vec::new();
        for _ in 0..20 {
            for from in 0..2 {
                pair.poll(from, &mut packets);
                for packet in packets.drain(..) {
                    pair.deliver(1 - from, &packet);
                }
            }
            pair.tick(Duration::from_micros(100));
        }
        let up = |end: &Association| end.state() == AssociationState::Connected;
        assert!(pair.ends.iter().all(up), "not connected");
        pair
    }

    /// Queues messages at number 0 until this many bytes wait.
    ///
    /// # Panics
    /// The association refuses a message.
    pub fn fill(&mut self, message: &Bytes, limit: usize) {
        while self.ends[0].buffered_amount(StreamId(1)) < limit {
            let (options, message) = (SendOptions::default(), message.clone());
            self.ends[0]
                .send(self.now, StreamId(1), BINARY, message, options)
                .expect("below the send buffer");
        }
    }

    /// All packets that an end wants to send now, behind those that are there.
    pub fn poll(&mut self, from: usize, packets: &mut Vec<Vec<u8>>) {
        loop {
            let mut packet = Vec::with_capacity(2048);
            if !self.ends[from].poll_packet(self.now, &mut packet) {
                return;
            }
            packets.push(packet);
        }
    }

    /// Gives an end a packet.
    pub fn deliver(&mut self, to: usize, packet: &[u8]) {
        self.ends[to].handle_packet(self.now, packet);
    }

    /// Lets time pass, and both ends do what is due.
    pub fn tick(&mut self, time: Duration) {
        self.now += time;
        for end in &mut self.ends {
            end.handle_timeout(self.now);
            while end.poll_departed().is_some() {}
            while end.poll_event().is_some() {}
        }
    }
}
