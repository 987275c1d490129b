//! What the Rust peer is sent, counted as an application would see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use duologue::{EncodedFrame, LayersAllocation, RtpPacket, RtpTransceiver};
use serde::Serialize;

/// Of one receiver, so far.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    packets: u32,
    /// Packets without a payload.
    empty: u32,
    /// Packets by payload type.
    payload_types: BTreeMap<u8, u32>,
    frames: u32,
    /// Frames by simulcast layer, the empty name where there are none.
    layers: BTreeMap<String, u32>,
    /// Key frames by simulcast layer, the empty name where there are none.
    key_frames: BTreeMap<String, u32>,
    longest_pause: Pause,
    /// What the browser said last that it sends, by layer in kbit/s.
    allocated: Vec<u32>,
    /// How often it did not number them as descriptions do.
    misnumbered: u32,
    #[serde(skip)]
    last: Option<(Instant, u32)>,
}

/// The longest time between two packets.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Pause {
    ms: u64,
    /// What the time stamps say of it, in units of the clock.
    ticks: i32,
}

impl Seen {
    fn add_packet(&mut self, packet: &RtpPacket) {
        self.packets += 1;
        self.empty += u32::from(packet.payload.is_empty());
        let payload_type = packet.payload_type.get();
        *self.payload_types.entry(payload_type).or_default() += 1;

        if let Some(said) = LayersAllocation::parse(&packet.layers_allocation) {
            let kbps = said.layers.iter().filter_map(|layer| layer.kbps().last());
            self.allocated = kbps.copied().collect();
            let misnumbered = usize::from(said.stream) != packet.encoding;
            self.misnumbered += u32::from(misnumbered);
        }

        let now = Instant::now();
        if let Some((before, timestamp)) = self.last.replace((now, packet.timestamp)) {
            let ms = (now - before).as_millis() as u64;
            if ms > self.longest_pause.ms {
                let ticks = packet.timestamp.wrapping_sub(timestamp) as i32;
                self.longest_pause = Pause { ms, ticks };
            }
        }
    }

    fn add_frame(&mut self, frame: &EncodedFrame) {
        self.frames += 1;
        let rid = frame
            .rid
            .as_ref()
            .map(|rid| rid.to_string())
            .unwrap_or_default();
        *self.layers.entry(rid.clone()).or_default() += 1;
        *self.key_frames.entry(rid).or_default() += u32::from(frame.key);
    }
}

/// Counts what one receiver gets, until its transceiver stops.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Mutex<Seen>>);

impl Watch {
    pub(crate) fn start(transceiver: &RtpTransceiver) -> Self {
        let watch = Watch(Arc::default());
        let mut packets = transceiver.receiver().packets();
        let seen = watch.clone();
        tokio::spawn(async move {
            while let Some(packet) = packets.recv().await {
                seen.with(|seen| seen.add_packet(&packet));
            }
        });
        let mut frames = transceiver.receiver().frames();
        let seen = watch.clone();
        tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                seen.with(|seen| seen.add_frame(&frame));
            }
        });
        watch
    }

    pub(crate) fn seen(&self) -> Seen {
        self.with(|seen| seen.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
