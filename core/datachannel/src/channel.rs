use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use duologue_base::ChannelKey;
use duologue_sctp::SendOptions;

use crate::limits::UNCOUNTED_MESSAGES;
use crate::{ChannelError, ChannelInit, Reliability};

/// One data channel and where it is in its life.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) key: ChannelKey,
    pub(crate) phase: Phase,
    /// The association ended or began anew: the channel is closed behind what came before.
    pub(crate) ended: bool,
    /// RFC 8832 §6: until the peer has answered, even unordered messages are sent in order, so that
    /// none overtakes the DATA_CHANNEL_OPEN.
    pub(crate) answered: bool,
    unordered: bool,
    reliability: Reliability,
    /// Bytes of its names, if the peer announced it.
    pub(crate) announced_bytes: usize,
    pub(crate) departures: Departures,
    partial: Option<Partial>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// The association is not up yet.
    Connecting,
    Open,
    /// We reset our stream; the channel is closed when both are reset.
    Closing {
        ours_reset: bool,
        peers_reset: bool,
        error: Option<ChannelError>,
    },
}

/// Pieces of a message in the deprecated form.
#[derive(Debug)]
struct Partial {
    binary: bool,
    data: BytesMut,
}

impl Channel {
    pub(crate) fn new(key: ChannelKey, init: &ChannelInit, phase: Phase) -> Self {
        Channel {
            key,
            phase,
            ended: false,
            answered: init.negotiated,
            unordered: init.unordered,
            reliability: init.reliability,
            announced_bytes: 0,
            departures: Departures::default(),
            partial: None,
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    /// Messages may be sent on it, and it may be closed.
    pub(crate) fn is_usable(&self) -> bool {
        !self.ended && !self.is_closing()
    }

    pub(crate) fn send_options(&self) -> SendOptions {
        SendOptions {
            unordered: self.unordered && self.answered,
            reliability: match self.reliability {
                Reliability::Reliable => duologue_sctp::Reliability::Reliable,
                Reliability::MaxRetransmits(times) => {
                    duologue_sctp::Reliability::MaxRetransmits(times)
                }
                Reliability::MaxPacketLifeTime(millis) => {
                    let life = Duration::from_millis(millis.into());
                    duologue_sctp::Reliability::MaxLifetime(life)
                }
            },
        }
    }

    /// Keeps a piece; `false` when the message becomes larger than `max`.
    pub(crate) fn add_piece(&mut self, data: &[u8], binary: bool, max: usize) -> bool {
        let partial = self.partial.get_or_insert_with(|| Partial {
            binary,
            data: BytesMut::new(),
        });
        let fits = partial.binary == binary && partial.data.len() + data.len() <= max;
        if fits {
            partial.data.extend_from_slice(data);
        }
        fits
    }

    /// Memory of the pieces kept.
    pub(crate) fn piece_bytes(&self) -> usize {
        let partial = self.partial.as_ref();
        partial.map_or(0, |partial| partial.data.capacity())
    }

    pub(crate) fn drop_pieces(&mut self) {
        self.partial = None;
    }

    /// The whole message that `data` ends; `None` when it does not fit the pieces before.
    pub(crate) fn complete(&mut self, data: Bytes, binary: bool, max: usize) -> Option<Bytes> {
        if self.partial.is_none() {
            return Some(data);
        }
        if !self.add_piece(&data, binary, max) {
            return None;
        }
        self.partial.take().map(|partial| partial.data.freeze())
    }
}

/// What a queued message carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// Bytes of the application.
    Bytes,
    /// An empty message of the application.
    Empty,
    Dcep,
}

/// Tells how many bytes of the application's messages have left, given the bytes of all messages.
/// `bufferedAmount` does not count the bytes of DCEP and of empty messages.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    queued: u64,
    departed: u64,
    /// Messages of DCEP among those that have not left. They come before the application's.
    dcep: usize,
    /// Begin and end of messages that do not count, among the bytes queued.
    uncounted: VecDeque<(u64, u64)>,
}

impl Departures {
    /// A message was queued; `false` if there are too many whose bytes do not count.
    pub(crate) fn queue(&mut self, bytes: usize, content: Content) -> bool {
        let begin = self.queued;
        self.queued += bytes as u64;
        self.dcep += usize::from(content == Content::Dcep);
        if content == Content::Bytes {
            return true;
        }
        self.uncounted.push_back((begin, self.queued));
        self.uncounted.len() <= UNCOUNTED_MESSAGES
    }

    /// Bytes left, and with them the ends of so many messages; returns how many of each are the
    /// application's.
    pub(crate) fn depart(&mut self, bytes: usize, messages: usize) -> (usize, usize) {
        let dcep = self.dcep.min(messages);
        self.dcep -= dcep;
        let from = self.departed;
        let to = (from + bytes as u64).min(self.queued);
        self.departed = to;
        let mut counted = to - from;
        while let Some(&(begin, end)) = self.uncounted.front() {
            counted -= end.min(to).saturating_sub(begin.max(from));
            if end > to {
                break;
            }
            self.uncounted.pop_front();
        }
        (counted as usize, messages - dcep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_applications_counts() {
        let mut departures = Departures::default();
        for (bytes, content) in [
            (20, Content::Dcep),
            (100, Content::Bytes),
            (1, Content::Empty),
            (1, Content::Empty),
            (50, Content::Bytes),
        ] {
            assert!(departures.queue(bytes, content));
        }
        assert_eq!(departures.depart(10, 0), (0, 0));
        assert_eq!(departures.depart(60, 1), (50, 0));
        assert_eq!(departures.depart(52, 3), (50, 3));
        assert_eq!(departures.depart(50, 1), (50, 1));
        assert_eq!(departures.depart(50, 0), (0, 0));
    }
}
