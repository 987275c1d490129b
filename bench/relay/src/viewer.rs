//! One of many viewers.

use std::time::Duration;

use duologue::{
    BundlePolicy, Configuration, EncodedFrames, Endpoint, Events, MediaKind, PeerConnection,
    RtpPacket, RtpPackets, TransceiverDirection, TransceiverInit,
};
use tokio::time::timeout;

use crate::counted::Counted;
use crate::pictures;
use crate::{Outcome, signalling};

/// A connection of its own, which decrypts what comes. What it got is taken from it from time to time, by one task for
/// all.
pub(crate) struct Viewer {
    /// From the offer to the first packet.
    pub(crate) joined: Duration,
    pub(crate) counted: Counted,
    packets: RtpPackets,
    /// Of one that assembles them.
    frames: Option<EncodedFrames>,
    events: Events,
    pc: PeerConnection,
}

/// How long a viewer may take to join: hundreds do on two cores.
const PATIENCE: Duration = Duration::from_secs(60);

impl Viewer {
    pub(crate) async fn join(endpoint: &Endpoint, url: &str, assembles: bool) -> Outcome<Self> {
        let begun = endpoint.now();
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..Configuration::default()
        };
        let (pc, mut events) = endpoint.connection(configuration)?;
        let init = TransceiverInit {
            direction: TransceiverDirection::Recvonly,
            ..TransceiverInit::default()
        };
        let receiver = pc.add_transceiver(MediaKind::Video, init)?.receiver();
        let mut packets = receiver.packets();
        let frames = assembles.then(|| receiver.frames());
        let first = timeout(PATIENCE, async {
            signalling::connect(&pc, &mut events, url, "/whep/live").await?;
            let first = packets.recv().await;
            Outcome::Ok(first.ok_or("the connection was closed")?)
        });
        let first = first.await??;
        let mut viewer = Viewer {
            joined: first.received - begun,
            counted: Counted::default(),
            packets,
            frames,
            events,
            pc,
        };
        viewer.count(&first);
        Ok(viewer)
    }

    pub(crate) fn assembles(&self) -> bool {
        self.frames.is_some()
    }

    /// Counts what came since.
    pub(crate) fn take(&mut self) {
        while let Some(packet) = self.packets.try_recv() {
            self.count(&packet);
        }
        if let Some(frames) = &mut self.frames {
            while frames.try_recv().is_some() {
                self.counted.frames += 1;
            }
        }
        while self.events.try_recv().is_some() {}
    }

    pub(crate) fn leave(self) {
        self.pc.close();
    }

    fn count(&mut self, packet: &RtpPacket) {
        self.counted.packet(packet.sequence_number);
        if !packet.repaired
            && let Some(sent) = pictures::sent(&packet.payload)
        {
            self.counted.latencies.push(packet.received - sent);
        }
    }
}
