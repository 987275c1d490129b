//! `[[DataChannels]]`, and those that left it and can still be read.

use std::collections::{BTreeMap, VecDeque};

use duologue_base::ChannelKey;

use crate::data_channel::Channel;
use crate::limits::MAX_CLOSED_CHANNELS;

/// The data channels of a connection.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// Boxed: a map's node has room for eleven, and most connections have one.
    all: BTreeMap<ChannelKey, Box<Channel>>,
    /// Those that are closed, oldest first.
    closed: VecDeque<ChannelKey>,
    counts: Counts,
}

/// How many data channels there were.
#[derive(Debug, Default)]
struct Counts {
    created: u32,
    opened: u32,
    closed: u32,
}

impl Channels {
    pub(crate) fn get(&self, key: ChannelKey) -> Option<&Channel> {
        self.all.get(&key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: ChannelKey) -> Option<&mut Channel> {
        self.all.get_mut(&key).map(Box::as_mut)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChannelKey, &Channel)> {
        self.all
            .iter()
            .map(|(&key, channel)| (key, channel.as_ref()))
    }

    /// How many this end made.
    pub(crate) fn created(&self) -> u32 {
        self.counts.created
    }

    /// How many were open once.
    pub(crate) fn opened(&self) -> u32 {
        self.counts.opened
    }

    /// How many have been open and are not any more.
    pub(crate) fn closed(&self) -> u32 {
        self.counts.closed
    }

    /// A channel that this end makes. Its key is even (see `ChannelKey`).
    pub(crate) fn create(&mut self, channel: Channel) -> ChannelKey {
        let key = ChannelKey(self.counts.created * 2);
        self.counts.created += 1;
        self.all.insert(key, Box::new(channel));
        key
    }

    /// A channel that the other end made.
    pub(crate) fn announce(&mut self, key: ChannelKey, channel: Channel) {
        self.counts.opened += u32::from(channel.was_open());
        self.all.insert(key, Box::new(channel));
    }

    /// A channel is open, if it was not closed meanwhile. Returns whether it is.
    pub(crate) fn open(&mut self, key: ChannelKey) -> bool {
        let Some(channel) = self.all.get_mut(&key) else {
            return false;
        };
        let was_open = channel.was_open();
        let open = channel.open();
        self.counts.opened += u32::from(open && !was_open);
        open
    }

    /// `close()`, or what the other end did of that kind. Returns whether it is news.
    pub(crate) fn begin_closing(&mut self, key: ChannelKey) -> bool {
        let Some(channel) = self.all.get_mut(&key) else {
            return false;
        };
        self.counts.closed += u32::from(channel.is_open());
        channel.begin_closing()
    }

    /// A channel is closed. The one that was closed first makes room.
    pub(crate) fn close(&mut self, key: ChannelKey) {
        if let Some(channel) = self.all.get_mut(&key) {
            self.counts.closed += u32::from(channel.is_open());
            channel.close();
        }
        self.closed.push_back(key);
        if self.closed.len() > MAX_CLOSED_CHANNELS
            && let Some(oldest) = self.closed.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    /// The connection is closed.
    pub(crate) fn close_all(&mut self) {
        for channel in self.all.values_mut() {
            self.counts.closed += u32::from(channel.is_open());
            channel.close();
        }
    }
}
