//! One of many viewers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use duologue::{
    BundlePolicy, Configuration, EncodedFrames, Endpoint, MediaKind, PeerConnection, RtpPacket,
    RtpPackets, TransceiverDirection, TransceiverInit,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::publisher::MARK;
use crate::{Outcome, signalling};

/// What a viewer got since it was told to begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// By their numbers.
    pub(crate) expected: u64,
    pub(crate) received: u64,
    pub(crate) frames: u64,
    latencies: Vec<Duration>,
    highest: Option<u64>,
}

pub(crate) struct Viewer {
    /// From the offer to the first packet.
    pub(crate) joined: Duration,
    assembles: bool,
    counted: Arc<Mutex<Counted>>,
    _pc: PeerConnection,
}

/// How long a viewer may take to join: hundreds do on two cores.
const PATIENCE: Duration = Duration::from_secs(60);
/// Packets that are taken at once.
const BATCH: usize = 64;

impl Viewer {
    pub(crate) async fn join(
        endpoint: &Endpoint,
        url: &str,
        assembles: bool,
        start: Instant,
    ) -> Outcome<Self> {
        let begun = Instant::now();
        let configuration = Configuration {
            bundle_policy: BundlePolicy::MaxBundle,
            ..Configuration::default()
        };
        let (pc, mut events) = endpoint.connection(configuration)?;
        let init = TransceiverInit {
            direction: TransceiverDirection::Recvonly,
            ..TransceiverInit::default()
        };
        let transceiver = pc.add_transceiver(MediaKind::Video, init)?;
        let receiver = transceiver.receiver();
        let counted = Arc::<Mutex<Counted>>::default();
        let (first, came) = oneshot::channel();
        tokio::spawn(count(receiver.packets(), counted.clone(), start, first));
        if assembles {
            tokio::spawn(count_frames(receiver.frames(), counted.clone()));
        }
        timeout(PATIENCE, async {
            signalling::connect(&pc, &mut events, url, "/whep/live").await?;
            came.await.map_err(|_| "the connection was closed")?;
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        })
        .await??;
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        Ok(Viewer {
            joined: begun.elapsed(),
            assembles,
            counted,
            _pc: pc,
        })
    }

    pub(crate) fn assembles(&self) -> bool {
        self.assembles
    }

    /// What came so far does not count.
    pub(crate) fn begin(&self) {
        let mut counted = lock(&self.counted);
        *counted = Counted {
            highest: counted.highest,
            ..Counted::default()
        };
    }

    pub(crate) fn counted(&self) -> Counted {
        lock(&self.counted).clone()
    }
}

impl Counted {
    pub(crate) fn add(&mut self, other: Counted) {
        self.expected += other.expected;
        self.received += other.received;
        self.frames += other.frames;
        self.latencies.extend(other.latencies);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }

    /// In milliseconds.
    pub(crate) fn latency(&mut self, quantile: f64) -> f64 {
        self.latencies.sort_unstable();
        let last = self.latencies.len().saturating_sub(1) as f64;
        let at = self.latencies.get((last * quantile).round() as usize);
        at.copied().unwrap_or_default().as_secs_f64() * 1e3
    }

    fn packet(&mut self, packet: &RtpPacket, start: Instant) {
        self.received += 1;
        let number = packet.sequence_number;
        match self.highest {
            // One that came late was expected when it was missed.
            Some(highest) if number <= highest => {}
            Some(highest) => {
                self.expected += number - highest;
                self.highest = Some(number);
            }
            None => {
                self.expected += 1;
                self.highest = Some(number);
            }
        }
        if !packet.repaired
            && let Some(sent) = time(&packet.payload)
        {
            self.latencies.push(start.elapsed().saturating_sub(sent));
        }
    }
}

/// When a frame was sent, in its first packet.
fn time(payload: &[u8]) -> Option<Duration> {
    let head = payload.get(..40)?;
    let at = head.windows(MARK.len()).position(|it| it == MARK)? + MARK.len();
    let nanos = payload.get(at..at + 8)?.try_into().ok()?;
    Some(Duration::from_nanos(u64::from_be_bytes(nanos)))
}

async fn count(
    mut packets: RtpPackets,
    counted: Arc<Mutex<Counted>>,
    start: Instant,
    first: oneshot::Sender<()>,
) {
    let mut first = Some(first);
    let mut batch = Vec::new();
    while packets.recv_many(&mut batch, BATCH).await > 0 {
        let mut counted = lock(&counted);
        for packet in batch.drain(..) {
            counted.packet(&packet, start);
        }
        drop(counted);
        if let Some(first) = first.take() {
            // Who waited has given up.
            let _ = first.send(());
        }
    }
}

async fn count_frames(mut frames: EncodedFrames, counted: Arc<Mutex<Counted>>) {
    while frames.recv().await.is_some() {
        lock(&counted).frames += 1;
    }
}

fn lock(counted: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    // What it guards is whole after every statement.
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}
