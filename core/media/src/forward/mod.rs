//! One publisher's stream to many receivers on one node, without a codec.
//!
//! A [`Forwarder`] takes the packets of a [`publisher`](RtpPacket), which may send the same pictures in
//! several simulcast layers, and gives each receiver those of one layer, as one stream: numbers of
//! packets and pictures and time stamps go on from one layer to another. A receiver changes its layer
//! with a key frame of the new one, which is asked for, and gets the old one until then.
//!
//! Which layer a receiver gets says the application ([`Choice::Layer`]), or what the path to it can
//! take ([`Choice::Bitrate`]), spatial and temporal layers of one stream included: by the rates of the layers as they
//! are measured here and, until they were, as the publisher tells them (`video-layers-allocation00`), who
//! says as well which are off.
//!
//! ```
//! use duologue_base::Instant;
//! use duologue_media::forward::{Choice, Forwarder};
//! use duologue_media::RtpPacket;
//! use duologue_rtp::payload::PayloadFormat;
//! use duologue_rtp::{PayloadType, Ssrc};
//!
//! let mut forwarder = Forwarder::new(PayloadFormat::Vp8, 90_000);
//! let receiver = forwarder.add_receiver();
//! forwarder.choose(Instant::ZERO, receiver, Choice::Layer(0));
//! assert_eq!(forwarder.poll_key_frame_request(), Some(0));
//!
//! // The descriptor of VP8, and the first bytes of a key frame.
//! let payload = [0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
//! let packet = RtpPacket {
//!     ssrc: Ssrc(7),
//!     encoding: 0,
//!     rid: None,
//!     payload_type: PayloadType::new(96).unwrap(),
//!     sequence_number: 65_537,
//!     timestamp: 90_000,
//!     marker: true,
//!     audio_level: None,
//!     contributing_sources: Vec::new(),
//!     capture_time: None,
//!     dependency_descriptor: Default::default(),
//!     layers_allocation: Default::default(),
//!     corruption_detection: None,
//!     payload: payload.to_vec().into(),
//!     received: Instant::ZERO,
//!     repaired: false,
//! };
//! forwarder.handle_packet(Instant::ZERO, &packet);
//! let (to, sent) = forwarder.poll_packet().unwrap();
//! assert_eq!((to, sent.sequence_number), (receiver, Some(1)));
//! ```

mod clock;
mod layers;
mod numbers;
mod receiver;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use duologue_base::Instant;
use duologue_rtp::payload::PayloadFormat;

use crate::packet::{RtpPacket, RtpPacketInit};

use layers::Layers;
use receiver::Receiver;

/// Which receiver of a [`Forwarder`]; never used again.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReceiverKey(u64);

/// What a receiver is to get.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Choice {
    /// The receiver gets nothing.
    #[default]
    Nothing,
    /// The receiver gets this layer: [`RtpPacket::encoding`], 0 where there is one.
    Layer(usize),
    /// The best one for so many bits per second, of its spatial and temporal layers as many as fit: rather
    /// half of the pictures of a larger one than all of a smaller one, and less than half only where
    /// nothing else fits. Before anything is known of rates that is the first one that comes, and all of it.
    Bitrate(u64),
}

/// Forwards the packets of one publisher. See [the module](self).
#[derive(Debug)]
pub struct Forwarder {
    format: PayloadFormat,
    clock_rate: u32,
    layers: Layers,
    /// In the order of their keys.
    receivers: Vec<(ReceiverKey, Receiver)>,
    next_key: u64,
    packets: VecDeque<(ReceiverKey, RtpPacketInit)>,
    requests: VecDeque<usize>,
}

impl Forwarder {
    /// A forwarder of packets of one format, whose time stamps have so many ticks a second. Packets of other
    /// payload types are not for it.
    pub fn new(format: PayloadFormat, clock_rate: u32) -> Self {
        Forwarder {
            format,
            clock_rate,
            layers: Layers::default(),
            receivers: Vec::new(),
            next_key: 0,
            packets: VecDeque::new(),
            requests: VecDeque::new(),
        }
    }

    /// The publisher's packets are of another codec from now on. The receivers get it from its next key
    /// frame on; their numbers and time stamps go on.
    pub fn set_format(&mut self, format: PayloadFormat, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            self.layers = Layers::default();
        } else if format != self.format {
            self.layers.forget_pictures();
        } else {
            return;
        }
        (self.format, self.clock_rate) = (format, clock_rate);
        for (_, receiver) in &mut self.receivers {
            receiver.begin_anew();
        }
    }

    /// The packets come from another publisher from now on, whose layers and numbers have nothing to do with those
    /// so far. The receivers get it from its next key frame on; their numbers and time stamps go on.
    pub fn change_publisher(&mut self) {
        self.layers = Layers::default();
        for (_, receiver) in &mut self.receivers {
            receiver.begin_anew();
        }
    }

    /// Adds a receiver, which gets nothing until something is [chosen](Self::choose) for it.
    pub fn add_receiver(&mut self) -> ReceiverKey {
        let key = ReceiverKey(self.next_key);
        self.next_key += 1;
        self.receivers.push((key, Receiver::new()));
        key
    }

    /// A receiver is gone.
    pub fn remove_receiver(&mut self, key: ReceiverKey) {
        self.receivers.retain(|(known, _)| *known != key);
        self.packets.retain(|(to, _)| *to != key);
    }

    /// What a receiver is to get from now on.
    pub fn choose(&mut self, now: Instant, key: ReceiverKey, choice: Choice) {
        let Some(at) = self.position(key) else { return };
        let receiver = &mut self.receivers[at].1;
        receiver.choice = choice;
        receiver.decide(now, &self.layers);
        self.ask_for(now, at);
    }

    /// A receiver gets no temporal layer above this one, from the next frame on, whatever its path carries. Formats that do not
    /// say in packets which layer a frame is of have no such thing. Higher ones come back one by one with
    /// frames that allow it and, of formats that do not say which do or where none comes for seconds, with
    /// a key frame, which is asked for.
    pub fn limit_temporal(&mut self, key: ReceiverKey, most: Option<u8>) {
        if let Some(at) = self.position(key) {
            self.receivers[at].1.limit_temporal(most);
        }
    }

    /// A receiver gets no spatial layer above this one of a stream that has several, such as VP9's SVC
    /// modes, from the next picture on, whatever its path carries. Higher ones come back with a picture
    /// that needs no other, which is asked for.
    pub fn limit_spatial(&mut self, key: ReceiverKey, most: Option<u8>) {
        if let Some(at) = self.position(key) {
            self.receivers[at].1.limit_spatial(most);
        }
    }

    /// The layer that a receiver gets at the moment.
    pub fn current(&self, key: ReceiverKey) -> Option<usize> {
        self.receivers[self.position(key)?].1.current()
    }

    /// The highest spatial layer that it gets of it, 0 where there is one.
    pub fn current_spatial(&self, key: ReceiverKey) -> Option<u8> {
        self.receivers[self.position(key)?].1.current_spatial()
    }

    /// The highest temporal layer that it gets of it, 0 where there is one or nothing is known of them.
    pub fn current_temporal(&self, key: ReceiverKey) -> Option<u8> {
        let receiver = &self.receivers[self.position(key)?].1;
        let layer = self.layers.get(receiver.current()?)?;
        Some(receiver.temporal().min(layer.highest_temporal()))
    }

    /// A receiver cannot decode what it gets, and needs a key frame of it.
    pub fn key_frame_wanted(&mut self, now: Instant, key: ReceiverKey) {
        if let Some(at) = self.position(key) {
            let receiver = &mut self.receivers[at].1;
            if let Some(layer) = receiver.wanted().or(receiver.current()) {
                receiver.asked = Some(now);
                self.request(layer);
            }
        }
    }

    /// A packet of the publisher. What the receivers get of it is
    /// [taken](Self::poll_packet) before the next one.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket) {
        // Padding is for the path of the publisher alone.
        let Ok(mut info) = self.format.packet_info(&packet.payload) else {
            return;
        };
        let changed = self.layers.handle(now, self.clock_rate, packet, &mut info);
        let Some(changed) = changed else { return };
        let picture = receiver::picture(&info, packet.encoding, &mut self.layers);

        for at in 0..self.receivers.len() {
            let (key, receiver) = &mut self.receivers[at];
            if changed || receiver.has_nothing() {
                receiver.decide(now, &self.layers);
            }
            let of = (self.format, &self.layers);
            if let Some(sent) = receiver.forward(of, packet, &info, picture) {
                self.packets.push_back((*key, sent));
            }
            self.ask_for(now, at);
        }
    }

    /// The next packet for a receiver. Its payload type is for the host to say.
    pub fn poll_packet(&mut self) -> Option<(ReceiverKey, RtpPacketInit)> {
        self.packets.pop_front()
    }

    /// The next layer of which the publisher is to be asked for a key frame.
    pub fn poll_key_frame_request(&mut self) -> Option<usize> {
        self.requests.pop_front()
    }

    fn position(&self, key: ReceiverKey) -> Option<usize> {
        self.receivers
            .binary_search_by_key(&key, |(key, _)| *key)
            .ok()
    }

    fn ask_for(&mut self, now: Instant, at: usize) {
        if let Some(layer) = self.receivers[at].1.asks_for(now, &self.layers) {
            self.request(layer);
        }
    }

    fn request(&mut self, layer: usize) {
        if !self.requests.contains(&layer) {
            self.requests.push_back(layer);
        }
    }
}
