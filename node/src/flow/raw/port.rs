//! A transceiver as the tasks that encode and decode for it see it.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, TransceiverId};
use duologue_peer::{MediaStreamId, PeerConnection, RtpReceiveParameters, RtpSendParameters};
use duologue_raw::{Ended, Find, FractionLost, Host, Receiver, Sender, Shared};
use duologue_rtp::ext::AudioLevel;
use duologue_rtp::payload::FrameSize;
use duologue_rtp::{PayloadType, Ssrc};
use duologue_session::{Command, EncodedFrame, EncodedFrameInit, MediaCommand, SenderTime, Stats};
use tokio::runtime::Handle;

use super::super::hub::Listener;
use super::super::item::{Came, Frame, Info, Place};
use super::super::queue::Queue;
use super::super::routes::{MediaRoutes, Routes};
use crate::environment;
use crate::limits::MAX_TAKEN_BYTES;

/// What a transceiver has for raw media.
#[derive(Default)]
pub(crate) struct RawState {
    /// What is to be decoded.
    pub(in super::super) decoder: Option<Arc<Queue<Frame>>>,
    /// Whoever encodes or decodes.
    users: usize,
    known: Known,
    /// A bit for each encoding.
    key_frames_wanted: u64,
    fraction_lost: f32,
    /// What the last frames from the network told, for those that a transform wrote.
    sender_time: Option<(Ssrc, SenderTime)>,
}

/// What the control plane, which is JavaScript's thread's, said last.
#[derive(Default)]
struct Known {
    send: Option<RtpSendParameters>,
    receive: Option<RtpReceiveParameters>,
    target_bitrates: Vec<u64>,
    jitter_buffer_target: Option<Duration>,
    first_stream: Option<MediaStreamId>,
}

impl RawState {
    pub(in super::super) fn want_key_frame(&mut self, encoding: usize) {
        self.key_frames_wanted |= bit(encoding);
    }

    /// Frames came from the network.
    pub(in super::super) fn note(&mut self, frames: &[EncodedFrame]) {
        for frame in frames {
            if let Some(time) = frame.sender_time {
                self.sender_time = Some((frame.ssrc, time));
            }
        }
    }
}

/// No sender has so many encodings.
fn bit(encoding: usize) -> u64 {
    1 << encoding.min(63)
}

impl MediaRoutes {
    /// Tells those that encode and decode what the control plane says now.
    pub(crate) fn tell_codecs(&self, pc: &PeerConnection) {
        for routes in self.all() {
            routes.tell_codecs(pc);
        }
    }

    /// The answer to what [`Routes::ask_for_loss`] asked, if it is one.
    pub(crate) fn take_loss(&self, request: u64, stats: &Stats) -> bool {
        let Some(id) = request.checked_sub(LOSS_REQUESTS) else {
            return false;
        };
        let id = TransceiverId(id as u32);
        let media = stats.transports.iter().filter_map(|it| it.media.as_ref());
        let mut streams = media.flat_map(|it| &it.outbound);
        let block = streams.find_map(|it| it.remote.block.filter(|_| it.sender == id));
        if let (Some(routes), Some(block)) = (self.get(id), block) {
            routes.lock().raw.fraction_lost = f32::from(block.fraction_lost) / 256.0;
        }
        true
    }
}

impl Routes {
    /// Until [`Routes::remove_codec`], what the control plane says is told.
    fn add_codec(&self, pc: &PeerConnection) {
        self.lock().raw.users += 1;
        self.tell_codecs(pc);
    }

    fn remove_codec(&self) {
        self.lock().raw.users -= 1;
    }

    fn tell_codecs(&self, pc: &PeerConnection) {
        if self.lock().raw.users == 0 {
            return;
        }
        let view = pc.transceiver(self.id);
        let jitter_buffer_target = view.as_ref().and_then(|it| it.jitter_buffer_target());
        let known = Known {
            send: pc.sender_parameters(self.id),
            receive: pc.receiver_parameters(self.id),
            target_bitrates: view
                .as_ref()
                .map_or_else(Vec::new, |it| it.target_bitrates().to_vec()),
            jitter_buffer_target: jitter_buffer_target
                .map(|ms| Duration::from_secs_f64(ms / 1_000.0)),
            first_stream: view
                .as_ref()
                .and_then(|it| it.receiver_streams().first().cloned()),
        };
        self.lock().raw.known = known;
    }

    /// Asks the session, which answers by [`MediaRoutes::take_loss`].
    fn ask_for_loss(&self) {
        let request = LOSS_REQUESTS + u64::from(self.id.0);
        self.session.command(Command::GetStats { request });
    }
}

/// Beyond all numbers that the control plane asks by.
const LOSS_REQUESTS: u64 = 1 << 63;

/// The transceiver of an encoder or a decoder.
pub(super) struct Port {
    routes: Arc<Routes>,
    rng: Rng,
    /// What is encoded is for one peer alone.
    isolated: bool,
    /// What a decoder reads.
    frames: Arc<Queue<Frame>>,
}

impl Port {
    fn new(routes: Arc<Routes>, pc: &PeerConnection, rng: Rng) -> Box<Self> {
        routes.add_codec(pc);
        let frames = Arc::new(Queue::new());
        Box::new(Port {
            routes,
            rng,
            isolated: false,
            frames,
        })
    }

    /// For an encoder; `isolated`: of what is for one peer alone.
    pub(super) fn of_sender(
        routes: Arc<Routes>,
        pc: &PeerConnection,
        rng: Rng,
        isolated: bool,
    ) -> Box<Self> {
        let mut port = Port::new(routes, pc, rng);
        port.isolated = isolated;
        port
    }

    /// For a decoder, which takes the place of the one before.
    pub(super) fn of_receiver(routes: Arc<Routes>, pc: &PeerConnection, rng: Rng) -> Box<Self> {
        let port = Port::new(routes, pc, rng);
        let mut state = port.routes.lock();
        if state.ended {
            port.frames.end();
        }
        if let Some(before) = state.raw.decoder.replace(port.frames.clone()) {
            before.end();
        }
        port.routes.set_outlet(&state);
        drop(state);
        port
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.routes.remove_codec();
        self.frames.remove_reader();
        let mut state = self.routes.lock();
        let own = |it: &Arc<Queue<Frame>>| Arc::ptr_eq(it, &self.frames);
        if state.raw.decoder.as_ref().is_some_and(own) {
            state.raw.decoder = None;
            self.routes.set_outlet(&state);
        }
    }
}

impl Host for Port {
    fn id(&self) -> TransceiverId {
        self.routes.id
    }

    fn now(&self) -> Instant {
        self.routes.now()
    }

    fn runtime(&self) -> &Handle {
        self.routes.environment.endpoint.runtime()
    }

    fn shared(&self) -> &Shared {
        &self.routes.shared
    }

    fn codecs(&self) -> Find {
        Box::new(environment::codecs)
    }
}

impl Sender for Port {
    fn parameters(&self) -> Option<RtpSendParameters> {
        self.routes.lock().raw.known.send.clone()
    }

    fn target_bitrates(&self) -> Vec<u64> {
        self.routes.lock().raw.known.target_bitrates.clone()
    }

    fn fraction_lost(&self) -> FractionLost<'_> {
        // What the last answer said: nothing waits for the next.
        self.routes.ask_for_loss();
        Box::pin(ready(self.routes.lock().raw.fraction_lost))
    }

    fn queued(&self) -> usize {
        self.routes.queued()
    }

    fn ended(&self) -> bool {
        self.routes.lock().ended
    }

    fn take_key_frame_request(&self, encoding: usize) -> bool {
        let wanted = &mut self.routes.lock().raw.key_frames_wanted;
        let asked = *wanted & bit(encoding) != 0;
        *wanted &= !bit(encoding);
        asked
    }

    fn want_key_frame(&self, encoding: usize) {
        self.routes.lock().raw.want_key_frame(encoding);
    }

    fn send(&self, frames: &mut Vec<EncodedFrameInit>) -> Result<(), Ended> {
        let mut items: VecDeque<Frame> = frames.drain(..).map(Frame::from).collect();
        // `poll_ready` comes before and finds who is to be told.
        let nobody = Listener::Task(std::task::Waker::noop().clone());
        let sent = self.routes.send_frames(&mut items, self.isolated, &nobody);
        frames.extend(items.into_iter().map(EncodedFrameInit::from));
        sent.map_err(|_| Ended)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let task = Listener::Task(cx.waker().clone());
        match self.routes.has_room_for_frames(&task) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(_) => Poll::Ready(Err(Ended)),
        }
    }
}

impl Receiver for Port {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<EncodedFrame>> {
        loop {
            let taken = self.frames.take(1, MAX_TAKEN_BYTES);
            if let Some(frame) = taken.items.into_iter().next() {
                match self.whole(frame) {
                    Some(frame) => return Poll::Ready(Some(frame)),
                    None => continue,
                }
            }
            if taken.ended {
                return Poll::Ready(None);
            }
            // It tells at once of what came meanwhile.
            self.frames.set_reader(Listener::Task(cx.waker().clone()));
            return Poll::Pending;
        }
    }

    fn dropped(&self) -> u64 {
        self.frames.dropped() + self.routes.dropped_by_transform()
    }

    fn parameters(&self) -> Option<RtpReceiveParameters> {
        self.routes.lock().raw.known.receive.clone()
    }

    fn jitter_buffer_target(&self) -> Option<Duration> {
        self.routes.lock().raw.known.jitter_buffer_target
    }

    fn first_stream(&self) -> Option<MediaStreamId> {
        self.routes.lock().raw.known.first_stream.clone()
    }

    fn request_key_frame(&self) {
        let request = MediaCommand::RequestKeyFrame { encoding: 0 };
        self.routes.session.media(self.routes.id, request);
    }

    fn rng(&mut self) -> Rng {
        self.rng.fork()
    }
}

impl Port {
    /// A frame with all that a decoder is told, if it is of a stream.
    fn whole(&self, frame: Frame) -> Option<EncodedFrame> {
        let Info {
            ssrc,
            payload_type,
            timestamp,
            sequence_number,
            audio_level,
            received,
            captured,
            capture_time,
            contributors,
            corruption_detection,
            ..
        } = frame.info;
        let ssrc = Ssrc(ssrc?);
        let received = received.unwrap_or_else(|| self.routes.now());
        let came = frame.came.unwrap_or(Came {
            first_received: received,
            repaired: false,
            sender_time: None,
        });
        let told = self.routes.lock().raw.sender_time;
        let told = told.filter(|(of, _)| *of == ssrc).map(|(_, time)| time);
        Some(EncodedFrame {
            ssrc,
            encoding: frame.info.encoding,
            rid: None,
            payload_type: PayloadType::new(payload_type?)?,
            timestamp,
            sequence_number: sequence_number.unwrap_or_default(),
            key: frame.key,
            size: frame
                .size
                .map(|(width, height)| FrameSize { width, height }),
            temporal: frame.temporal,
            spatial: frame.place.spatial,
            frame_id: frame.place.id,
            dependencies: frame.place.dependencies,
            discardable: frame.discardable,
            audio_level: audio_level.map(|(level, voice)| AudioLevel::new(voice, level)),
            contributing_sources: contributors,
            capture_time,
            captured,
            corruption_detection,
            data: frame.data,
            first_received: came.first_received,
            received,
            repaired: came.repaired,
            sender_time: came.sender_time.or(told),
        })
    }
}

impl From<EncodedFrameInit> for Frame {
    fn from(frame: EncodedFrameInit) -> Self {
        let level = frame.audio_level;
        let data: Bytes = frame.data;
        Frame {
            info: Info {
                encoding: frame.encoding,
                payload_type: frame.payload_type.map(PayloadType::get),
                timestamp: frame.timestamp,
                audio_level: level.map(|it| (it.level(), it.voice())),
                captured: frame.captured,
                capture_time: frame.capture_time,
                contributors: frame.contributing_sources,
                scalability_mode: frame.scalability_mode,
                corruption_detection: frame.corruption_detection,
                ..Info::default()
            },
            discardable: frame.discardable,
            temporal: frame.temporal,
            place: Place {
                id: frame.frame_id,
                dependencies: frame.dependencies.unwrap_or_default(),
                spatial: None,
            },
            data,
            ..Frame::default()
        }
    }
}
