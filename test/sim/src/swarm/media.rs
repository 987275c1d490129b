//! The synthetic sources of what is sent, and what holds of what comes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, TransceiverId};
use duologue_peer::{MediaKind, PeerConnection};
use duologue_session::{
    Command, EncodedFrame, EncodedFrameInit, MediaCommand, MediaItem, Outlet, RtpPacketInit,
};

use crate::machine::Machine;

/// All sources and sinks of one end.
#[derive(Debug, Default)]
pub(super) struct Media {
    sources: BTreeMap<TransceiverId, Source>,
    sinks: BTreeMap<TransceiverId, Sink>,
}

/// An encoder of one track: frames of VP8 whose first bytes are as a decoder wants them, or payloads
/// of audio.
#[derive(Debug)]
struct Source {
    /// No two tracks of a world have the same.
    tag: u32,
    kind: MediaKind,
    number: u32,
    wants_key: bool,
    next: Instant,
}

/// What a receiver got.
#[derive(Debug, Default)]
struct Sink {
    /// Tag and number of the last frame of video: what a decoder has.
    decoded: Option<(u32, u32)>,
    heard: BTreeSet<(u32, u32)>,
    count: usize,
}

const VIDEO_INTERVAL: Duration = Duration::from_millis(50);
const AUDIO_INTERVAL: Duration = Duration::from_millis(60);
const KEY_FRAME_EVERY: u32 = 200;
const HEARD: usize = 2_000;
const MAGIC: [u8; 4] = *b"#swm";

/// A key frame's header: frame tag, start code, 16 by 16 pixels (RFC 6386 §9.1); its content follows.
const VP8_KEY: [u8; 10] = [0x10, 2, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0];
const VP8_DELTA: [u8; 3] = [0x11, 2, 0];

/// What a payload says of itself, and as many bytes that follow from it.
struct Content {
    tag: u32,
    number: u32,
    /// The frame that it needs, or itself.
    needs: u32,
}

impl Content {
    fn write(&self, out: &mut Vec<u8>, len: usize) {
        out.extend(MAGIC);
        for word in [self.tag, self.number, self.needs, len as u32] {
            out.extend(word.to_be_bytes());
        }
        out.extend((0..len).map(|at| self.byte(at)));
    }

    fn byte(&self, at: usize) -> u8 {
        (self.tag.wrapping_mul(97) ^ self.number.wrapping_mul(31)).wrapping_add(at as u32 * 7) as u8
    }

    /// Whole and as it was written.
    fn read(bytes: &[u8]) -> Self {
        let rest = bytes
            .strip_prefix(&MAGIC)
            .expect("it begins as it was sent");
        let (head, rest) = rest.split_at_checked(16).expect("the head is whole");
        let word = |at: usize| {
            let bytes = head[at * 4..].first_chunk().expect("16 bytes");
            u32::from_be_bytes(*bytes)
        };
        let content = Content {
            tag: word(0),
            number: word(1),
            needs: word(2),
        };
        assert_eq!(rest.len(), word(3) as usize, "nothing is missing");
        let intact = rest
            .iter()
            .enumerate()
            .all(|(at, byte)| *byte == content.byte(at));
        assert!(
            intact,
            "frame {} of {} is changed",
            content.number, content.tag
        );
        content
    }
}

impl Source {
    fn new(tag: u32, kind: MediaKind, now: Instant) -> Self {
        Source {
            tag,
            kind,
            number: 0,
            wants_key: true,
            next: now,
        }
    }

    fn make(&mut self, rng: &mut Rng) -> MediaCommand {
        self.number += 1;
        match self.kind {
            MediaKind::Video => {
                let key = self.wants_key || self.number.is_multiple_of(KEY_FRAME_EVERY);
                self.wants_key = false;
                MediaCommand::SendFrames(vec![EncodedFrameInit {
                    timestamp: self.number * 4_500,
                    data: self.frame(key, rng),
                    ..Default::default()
                }])
            }
            MediaKind::Audio => {
                let mut payload = Vec::new();
                self.content(self.number).write(&mut payload, 60);
                MediaCommand::SendPackets(vec![RtpPacketInit {
                    timestamp: self.number * 2_880,
                    payload: payload.into(),
                    ..Default::default()
                }])
            }
        }
    }

    fn frame(&self, key: bool, rng: &mut Rng) -> Bytes {
        let mut data = Vec::new();
        let (needs, len) = match key {
            true => {
                data.extend(VP8_KEY);
                (self.number, 3_000 + rng.below(6_000))
            }
            false => {
                data.extend(VP8_DELTA);
                (self.number - 1, 100 + rng.below(2_500))
            }
        };
        self.content(needs).write(&mut data, len as usize);
        data.into()
    }

    fn content(&self, needs: u32) -> Content {
        Content {
            tag: self.tag,
            number: self.number,
            needs,
        }
    }
}

impl Sink {
    /// A frame is whole, as it was sent, after those before it, and what it needs was given out.
    fn take_frame(&mut self, frame: &EncodedFrame) {
        let header = match frame.key {
            true => VP8_KEY.len(),
            false => VP8_DELTA.len(),
        };
        let content = Content::read(&frame.data[header..]);
        let Content { tag, number, needs } = content;
        assert_eq!(frame.key, needs == number, "a key frame needs no other");
        if let Some((before, last)) = self.decoded
            && before == tag
        {
            assert!(number > last, "frame {number} of {tag} after {last}");
        }
        let decodable = frame.key || self.decoded == Some((tag, needs));
        assert!(
            decodable,
            "frame {number} of {tag} needs {needs}, and the decoder has {:?}",
            self.decoded
        );
        self.decoded = Some((tag, number));
        self.count += 1;
    }

    fn take_sound(&mut self, payload: &[u8]) {
        let content = Content::read(payload);
        let new = self.heard.insert((content.tag, content.number));
        assert!(
            new,
            "packet {} of {} came twice",
            content.number, content.tag
        );
        if self.heard.len() > HEARD {
            self.heard.pop_first();
        }
        self.count += 1;
    }
}

impl Media {
    /// What the application does after each turn: it reads what receivers get, and encodes what
    /// senders may send.
    pub(super) fn follow(
        &mut self,
        now: Instant,
        pc: &PeerConnection,
        machine: &mut Machine,
        next_tag: &mut u32,
    ) {
        for id in pc.transceivers() {
            let Some(transceiver) = pc.transceiver(id) else {
                continue;
            };
            self.sinks.entry(id).or_insert_with(|| {
                let outlet = match transceiver.kind() {
                    MediaKind::Video => Outlet::Frames,
                    MediaKind::Audio => Outlet::Packets,
                };
                let command = Command::Media(id, MediaCommand::SetOutlet(outlet));
                machine.session.handle_command(now, command);
                Sink::default()
            });
            let sends = transceiver
                .current_direction()
                .is_some_and(|direction| direction.sends());
            if !sends || transceiver.sender_track().is_none() {
                self.sources.remove(&id);
            } else {
                self.sources.entry(id).or_insert_with(|| {
                    *next_tag += 1;
                    Source::new(*next_tag, transceiver.kind(), now)
                });
            }
        }
        if pc.is_closed() {
            self.sources.clear();
        }
    }

    /// Another track is encoded from now on.
    pub(super) fn replace(&mut self, id: TransceiverId) {
        self.sources.remove(&id);
    }

    pub(super) fn want_key(&mut self, id: TransceiverId) {
        if let Some(source) = self.sources.get_mut(&id) {
            source.wants_key = true;
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.sources.values().map(|source| source.next).min()
    }

    pub(super) fn encode(&mut self, now: Instant, machine: &mut Machine, rng: &mut Rng) {
        for (&id, source) in &mut self.sources {
            if source.next > now {
                continue;
            }
            source.next = now
                + match source.kind {
                    MediaKind::Video => VIDEO_INTERVAL,
                    MediaKind::Audio => AUDIO_INTERVAL,
                };
            let command = Command::Media(id, source.make(rng));
            machine.session.handle_command(now, command);
        }
    }

    pub(super) fn take(&mut self, item: &MediaItem) {
        match item {
            MediaItem::Frame(id, frame) => self.sinks.entry(*id).or_default().take_frame(frame),
            MediaItem::Packet(id, packet) => {
                self.sinks
                    .entry(*id)
                    .or_default()
                    .take_sound(&packet.payload);
            }
            other => panic!("unknown item {other:?}"),
        }
    }

    /// How much a receiver got.
    pub(super) fn count(&self, id: TransceiverId) -> usize {
        self.sinks.get(&id).map_or(0, |sink| sink.count)
    }

    /// Everything that came.
    pub(super) fn total(&self) -> usize {
        self.sinks.values().map(|sink| sink.count).sum()
    }
}
