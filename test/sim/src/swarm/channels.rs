//! What the application of one end knows of its data channels.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use duologue_base::ChannelKey;
use duologue_peer::{
    DataChannelInit, DataChannelState, Event, ExceptionName, Message, PeerConnection,
};

use crate::host::{number_of, numbered};

/// The channels of one end, by key.
#[derive(Debug, Default)]
pub(super) struct Channels(BTreeMap<ChannelKey, Log>);

/// What was sent and what came.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) label: String,
    pub(super) init: DataChannelInit,
    pub(super) sent: u32,
    /// `close()` was called here.
    pub(super) closed_here: bool,
    /// It was open.
    pub(super) opened: bool,
    /// It ended otherwise than by `close()`.
    pub(super) failed: bool,
    last: u32,
    pub(super) received: BTreeSet<u32>,
}

impl Log {
    fn new(label: String, init: DataChannelInit) -> Self {
        Log {
            label,
            init,
            sent: 0,
            closed_here: false,
            opened: false,
            failed: false,
            last: 0,
            received: BTreeSet::new(),
        }
    }

    fn is_reliable(&self) -> bool {
        self.init.max_retransmits.is_none() && self.init.max_packet_life_time.is_none()
    }

    /// A message is whole, new, and in its place.
    fn receive(&mut self, data: &Bytes) {
        let number = number_of(data).expect("messages have numbers");
        assert!(self.received.insert(number), "message {number} came twice");
        if self.init.ordered {
            assert!(number > self.last, "message {number} after {}", self.last);
            let gap = self.is_reliable() && number != self.last + 1;
            assert!(!gap, "message {number} after {}", self.last);
            self.last = number;
        }
    }

    /// Everything that a reliable one was given has come.
    pub(super) fn lacks(&self, sender: &Log) -> bool {
        self.is_reliable() && self.received.len() < sender.sent as usize
    }
}

impl Channels {
    pub(super) fn create(&mut self, pc: &mut PeerConnection, label: &str, init: DataChannelInit) {
        match pc.create_data_channel(label, init.clone()) {
            Ok(key) => {
                let log = Log::new(label.to_owned(), init);
                assert!(self.0.insert(key, log).is_none(), "a key was used twice");
            }
            Err(exception) => {
                let legal = match exception.name() {
                    ExceptionName::InvalidStateError => pc.is_closed(),
                    ExceptionName::OperationError => true,
                    _ => false,
                };
                assert!(legal, "createDataChannel: {exception}");
            }
        }
    }

    pub(super) fn see(&mut self, event: &Event, pc: &PeerConnection) {
        match event {
            Event::DataChannel(key) => {
                let channel = pc.data_channel(*key).expect("it was announced");
                let init = DataChannelInit {
                    ordered: channel.ordered(),
                    max_packet_life_time: channel.max_packet_life_time(),
                    max_retransmits: channel.max_retransmits(),
                    ..DataChannelInit::default()
                };
                let log = Log::new(channel.label().to_owned(), init);
                assert!(self.0.insert(*key, log).is_none(), "announced twice");
            }
            Event::ChannelMessage(key, message) => {
                let log = self.0.get_mut(key).expect("a channel that is known");
                log.receive(&message.data);
            }
            Event::ChannelOpen(key) => {
                let log = self.0.get_mut(key).expect("a channel that is known");
                log.opened = true;
            }
            Event::ChannelError(key, _) => {
                let log = self.0.get_mut(key).expect("a channel that is known");
                log.failed = true;
            }
            _ => {}
        }
    }

    fn pick(&self, x: u16) -> Option<ChannelKey> {
        let keys: Vec<ChannelKey> = self.0.keys().copied().collect();
        let at = usize::from(x) % keys.len().max(1);
        keys.get(at).copied()
    }

    /// Sends some messages on one of the channels; what is not possible is refused with the right
    /// exception and changes nothing.
    pub(super) fn send(&mut self, pc: &mut PeerConnection, x: u16, y: u16) {
        let Some(key) = self.pick(x) else {
            return;
        };
        let log = self.0.get_mut(&key).expect("it was picked");
        let (count, len) = match y % 10 {
            0..4 => (1, 20),
            4..7 => (10, 900),
            7 | 8 => (3, 9_000),
            _ => (1, 150_000),
        };
        for _ in 0..count {
            let Some(channel) = pc.data_channel(key) else {
                return;
            };
            let (state, waits) = (channel.ready_state(), channel.buffered_amount());
            let message = Message {
                data: numbered(log.sent + 1, len),
                binary: true,
            };
            let bytes = message.data.len() as u64;
            match pc.send(key, message) {
                Ok(()) => {
                    assert_eq!(
                        state,
                        DataChannelState::Open,
                        "sent on a channel that is not open"
                    );
                    let now = pc.data_channel(key).expect("it is there");
                    assert_eq!(now.buffered_amount(), waits + bytes);
                    assert!(now.buffered_amount() <= duologue_peer::limits::SEND_BUFFER_BYTES);
                    log.sent += 1;
                }
                Err(exception) => {
                    let right = match exception.name() {
                        ExceptionName::InvalidStateError => state != DataChannelState::Open,
                        // More than the other end takes, or than may wait.
                        ExceptionName::TypeError => len > 60_000,
                        ExceptionName::OperationError => waits > 1 << 20,
                        _ => false,
                    };
                    assert!(right, "send on a channel that is {state}: {exception}");
                    return;
                }
            }
        }
    }

    pub(super) fn close(&mut self, pc: &mut PeerConnection, x: u16) {
        if let Some(key) = self.pick(x) {
            pc.close_channel(key);
            self.0.entry(key).and_modify(|log| log.closed_here = true);
        }
    }

    pub(super) fn logs(&self) -> impl Iterator<Item = (ChannelKey, &Log)> {
        self.0.iter().map(|(key, log)| (*key, log))
    }

    pub(super) fn labelled(&self, label: &str) -> Option<(ChannelKey, &Log)> {
        self.logs().find(|(_, log)| log.label == label)
    }
}
