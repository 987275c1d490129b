use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{
    Association, AssociationState, Config, Event, Inbound, LARGEST_PACKET, Ppid, Reliability,
    SendOptions, Stats,
};

use crate::endpoint::Endpoint;

pub(crate) struct Ours {
    sctp: Association,
    resets: VecDeque<u16>,
    pub(crate) statistics: Rc<RefCell<Stats>>,
    watched: bool,
}

impl Ours {
    pub(crate) fn new(seed: u64) -> Self {
        Ours::with(Config::default(), seed)
    }

    /// Looks for the largest packets that the path carries.
    pub(crate) fn searching(seed: u64) -> Self {
        let config = Config {
            largest_packet: LARGEST_PACKET,
            ..Config::default()
        };
        Ours::with(config, seed)
    }

    fn with(config: Config, seed: u64) -> Self {
        Ours {
            sctp: Association::new(config, Rng::from_u64(seed)),
            resets: VecDeque::new(),
            statistics: Rc::default(),
            watched: false,
        }
    }

    /// Copies the statistics out after each timeout.
    pub(crate) fn watch(&mut self) {
        self.watched = true;
    }
}

impl Endpoint for Ours {
    fn connect(&mut self, now: Duration) {
        self.sctp.connect(Instant::from_origin(now));
    }

    fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
        self.sctp.handle_packet(Instant::from_origin(now), packet);
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.sctp.handle_timeout(Instant::from_origin(now));
        if self.watched {
            *self.statistics.borrow_mut() = self.sctp.stats();
        }
    }

    fn poll_packet(&mut self, now: Duration) -> Option<Vec<u8>> {
        let mut packet = Vec::new();
        self.sctp
            .poll_packet(Instant::from_origin(now), &mut packet)
            .then_some(packet)
    }

    fn poll_timeout(&mut self) -> Option<Duration> {
        self.sctp.poll_timeout().map(Instant::since_origin)
    }

    fn is_connected(&mut self) -> bool {
        self.sctp.state() == AssociationState::Connected
    }

    fn send(&mut self, now: Duration, stream: u16, data: &[u8], reliable: bool) {
        let options = SendOptions {
            unordered: false,
            reliability: if reliable {
                Reliability::Reliable
            } else {
                Reliability::MaxRetransmits(0)
            },
        };
        let data = Bytes::copy_from_slice(data);
        self.sctp
            .send(
                Instant::from_origin(now),
                StreamId(stream),
                Ppid(53),
                data,
                options,
            )
            .expect("accepted");
    }

    fn poll_message(&mut self) -> Option<(u16, Vec<u8>)> {
        loop {
            match self.sctp.poll_inbound()? {
                Inbound::Message(message) => {
                    assert_eq!(message.ppid, Ppid(53));
                    return Some((message.stream.0, message.data.to_vec()));
                }
                Inbound::StreamReset(stream) => self.resets.push_back(stream.0),
            }
        }
    }

    fn reset(&mut self, stream: u16) {
        self.sctp.reset_streams(&[StreamId(stream)]);
    }

    fn poll_reset(&mut self) -> Option<u16> {
        while let Some(event) = self.sctp.poll_event() {
            if let Event::Closed(reason) = event {
                panic!("closed: {reason}");
            }
        }
        self.resets.pop_front()
    }
}
