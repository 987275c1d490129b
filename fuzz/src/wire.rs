use std::collections::VecDeque;
use std::net::SocketAddr;

use arbitrary::Arbitrary;

use crate::End;

/// Datagrams between the two ends, until they are delivered. It holds [`WIRE_MAX`] of each end's;
/// the oldest fall off.
#[derive(Default)]
pub(crate) struct Wire {
    sent: [VecDeque<Packet>; 2],
}

#[derive(Clone)]
pub(crate) struct Packet {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// What happens to a datagram.
#[derive(Arbitrary, Debug)]
pub(crate) enum Fate {
    Delivered,
    /// The newest one comes before all others.
    Overtaking,
    Duplicated,
    Lost,
    Damaged {
        at: u16,
        xor: u8,
    },
}

const WIRE_MAX: usize = 2_048;

impl Wire {
    pub(crate) fn send(&mut self, from: usize, packet: Packet) {
        let sent = &mut self.sent[from];
        sent.push_back(packet);
        if sent.len() > WIRE_MAX {
            sent.pop_front();
        }
    }

    /// What arrives at the other end now.
    pub(crate) fn meet(&mut self, from: End, fate: &Fate) -> Option<Packet> {
        let sent = &mut self.sent[from.index()];
        match fate {
            Fate::Delivered => sent.pop_front(),
            Fate::Overtaking => sent.pop_back(),
            Fate::Duplicated => sent.front().cloned(),
            Fate::Lost => {
                sent.pop_front();
                None
            }
            Fate::Damaged { at, xor } => {
                let packet = sent.front_mut()?;
                let at = usize::from(*at) % packet.bytes.len();
                packet.bytes[at] ^= xor;
                None
            }
        }
    }

    pub(crate) fn oldest(&self, from: usize) -> Option<&Packet> {
        self.sent[from].front()
    }

    pub(crate) fn iter(&self, from: usize) -> impl Iterator<Item = &Packet> {
        self.sent[from].iter()
    }

    pub(crate) fn take(&mut self, from: usize) -> VecDeque<Packet> {
        std::mem::take(&mut self.sent[from])
    }
}
