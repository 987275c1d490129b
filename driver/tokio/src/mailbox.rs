//! What a session's task takes from others.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use duologue_base::{ChannelKey, Datagram, MdnsName, TransceiverId};
use duologue_session::{BindId, ChannelCommand, Command, ConnectError, MediaCommand};

use crate::limits::{INPUT_COST, SHARED_BACKLOG_BYTES, SHARED_QUEUE_BYTES, WAITING_INPUT_BYTES};
use crate::queue::{Cost, Queue};
use crate::stream::{AcceptedStream, Opened};

/// One item for a session. The frequent ones are small.
#[derive(Debug)]
pub(crate) enum Input {
    /// [`Command::Channel`], most of which are messages.
    Channel(ChannelKey, ChannelCommand),
    /// [`Command::Media`], most of which are batches of packets.
    Media(TransceiverId, MediaCommand),
    /// Any other command.
    Command(Box<Command>),
    /// The host's addresses changed.
    Interfaces(Arc<[IpAddr]>),
    /// A host name's addresses; none when it has none.
    Resolved { host: String, ips: Vec<IpAddr> },
    /// The addresses of a candidate's name; none when nobody answers.
    NameResolved { name: MdnsName, ips: Vec<IpAddr> },
    /// What became of a stream that the session asked for.
    Connected {
        bind_id: BindId,
        result: Result<Box<Opened>, ConnectError>,
    },
    /// A connection at a shared port.
    Accepted(Box<AcceptedStream>),
    /// Datagrams that arrived at a shared port.
    Train(Box<OwnedTrain>),
}

impl Input {
    pub(crate) fn of(command: Command) -> Self {
        match command {
            Command::Channel(channel, command) => Input::Channel(channel, command),
            Command::Media(id, command) => Input::Media(id, command),
            command => Input::Command(Box::new(command)),
        }
    }
}

impl Cost for Input {
    /// Who sends messages and media bounds them, connection by connection; trains have a bound of
    /// their own. They are counted all the same: the bound is that of the whole.
    fn cost(&self) -> usize {
        let content = match self {
            Input::Channel(_, ChannelCommand::Send { data, .. }) => data.len(),
            Input::Media(_, MediaCommand::SendPackets(packets)) => packets
                .iter()
                .map(|packet| INPUT_COST + packet.payload.len())
                .sum(),
            Input::Media(_, MediaCommand::SendFrames(frames)) => frames
                .iter()
                .map(|frame| INPUT_COST + frame.data.len())
                .sum(),
            Input::Train(train) => train.bytes.len(),
            _ => 0,
        };
        INPUT_COST + content
    }
}

/// Datagrams of one source, each of `segment_size` bytes but the last.
#[derive(Debug)]
pub(crate) struct OwnedTrain {
    pub(crate) meta: Datagram,
    pub(crate) bytes: Vec<u8>,
    pub(crate) segment_size: usize,
    /// Its part of what waits for all sessions.
    pub(crate) _held: Held,
}

/// Memory of waiting datagrams, given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    backlog: Arc<AtomicUsize>,
    bytes: usize,
}

impl Held {
    /// None: too much is held already.
    pub(crate) fn take(backlog: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let held = Held {
            backlog: backlog.clone(),
            bytes,
        };
        let before = backlog.fetch_add(bytes, Ordering::Relaxed);
        (before + bytes <= SHARED_BACKLOG_BYTES).then_some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.backlog.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The queue of one session's task.
#[derive(Debug)]
pub(crate) struct Mailbox {
    queue: Queue<Input>,
    /// Bytes of the trains in the queue.
    train_bytes: AtomicUsize,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        Mailbox {
            queue: Queue::new(WAITING_INPUT_BYTES),
            train_bytes: AtomicUsize::new(0),
        }
    }

    pub(crate) fn push(&self, input: Input) -> bool {
        self.queue.push(input)
    }

    pub(crate) fn extend(&self, inputs: impl IntoIterator<Item = Input>) -> bool {
        self.queue.extend(inputs)
    }

    pub(crate) fn notify(&self) {
        self.queue.notify();
    }

    /// Adds datagrams, unless too many wait already.
    pub(crate) fn deliver(&self, train: OwnedTrain) -> bool {
        let len = train.bytes.len();
        if self.train_bytes.fetch_add(len, Ordering::Relaxed) + len > SHARED_QUEUE_BYTES {
            self.train_bytes.fetch_sub(len, Ordering::Relaxed);
            return false;
        }
        self.push(Input::Train(Box::new(train)))
    }

    /// Notes that a train was handled.
    pub(crate) fn train_taken(&self, train: &OwnedTrain) {
        self.train_bytes
            .fetch_sub(train.bytes.len(), Ordering::Relaxed);
    }

    pub(crate) fn queue(&self) -> &Queue<Input> {
        &self.queue
    }
}
