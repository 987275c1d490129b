//! Where the frames and packets of each transceiver go.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use duologue_base::{Instant, TransceiverId};
use duologue_raw::Shared;
use duologue_rtp::payload::{Parts, PayloadFormat};
use duologue_rtp::{CodecParameters, MediaKind, ReceivePlan, SendPlan};
use duologue_session::{
    Command, EncodedFrame, EncodedFrameInit, MediaCommand, MediaItem, Outlet, RtpPacket,
    RtpPacketInit, RtpSource, Stats,
};
use duologue_tokio::SessionHandle;

use super::hub::{Listener, Waiters, lock};
use super::item::{Frame, Packet};
use super::queue::{Item, Queue};
use super::raw::RawState;
use crate::environment::Environment;
use crate::limits::{MAX_KEY_FRAME_REQUESTS, MAX_OUTGOING, MAX_OUTGOING_BYTES};

/// Of one connection: the transceivers that have media.
#[derive(Default)]
pub(crate) struct MediaRoutes {
    transceivers: Mutex<BTreeMap<TransceiverId, Arc<Routes>>>,
    /// What their raw media have in common.
    raw: Arc<Shared>,
}

impl MediaRoutes {
    /// Those of a transceiver, made if there are none.
    pub(crate) fn open(
        &self,
        id: TransceiverId,
        session: &SessionHandle,
        environment: &Arc<Environment>,
    ) -> Arc<Routes> {
        let mut routes = lock(&self.transceivers);
        let made = routes.entry(id).or_insert_with(|| {
            Arc::new(Routes {
                id,
                session: session.clone(),
                environment: environment.clone(),
                shared: self.raw.clone(),
                state: Mutex::default(),
            })
        });
        made.clone()
    }

    pub(super) fn get(&self, id: TransceiverId) -> Option<Arc<Routes>> {
        lock(&self.transceivers).get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Routes>> {
        lock(&self.transceivers).values().cloned().collect()
    }

    /// What is encoded and decoded here is added to what the session told.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        self.raw.add_to(stats);
    }

    /// Reads off what the session is told which codecs and layers there are.
    pub(crate) fn note(
        &self,
        command: &Command,
        session: &SessionHandle,
        environment: &Arc<Environment>,
    ) {
        match command {
            Command::Media(id, MediaCommand::SetReceive { plan, .. }) => {
                let routes = self.open(*id, session, environment);
                routes.lock().receive_plan = Some(plan.clone());
            }
            Command::Media(id, MediaCommand::SetSend { plan, .. }) => {
                let routes = self.open(*id, session, environment);
                routes.lock().send_plan = Some(plan.clone());
            }
            _ => {}
        }
    }

    /// What a sender was given has left the session's queue.
    pub(crate) fn sent(&self, id: TransceiverId, items: usize, bytes: usize) {
        if let Some(routes) = self.get(id) {
            routes.sent(items, bytes);
        }
    }

    /// Whose media a receiver received lately.
    pub(crate) fn set_sources(&self, id: TransceiverId, sources: Vec<RtpSource>) {
        if let Some(routes) = self.get(id) {
            routes.lock().sources = sources;
        }
    }

    /// Ends those of transceivers that have come to their end.
    pub(crate) fn end_those(&self, mut ended: impl FnMut(TransceiverId) -> bool) {
        let mut over = Vec::new();
        lock(&self.transceivers).retain(|id, routes| {
            let ends = ended(*id);
            if ends {
                over.push(routes.clone());
            }
            !ends
        });
        for routes in over {
            routes.end();
        }
    }
}

/// What a sender's or receiver's frames go through before they go on: a transform.
pub(super) trait FrameTransform: Send + Sync {
    /// What it is to read.
    fn incoming(&self) -> &Queue<Frame>;
    /// The application sees what passes it.
    fn shows(&self) -> bool;
    /// Another one is in its place, or none.
    fn detach(&self);
    /// Its place has come to its end.
    fn end(&self);
}

/// Where the frames and packets of one transceiver go.
pub(crate) struct Routes {
    pub(super) id: TransceiverId,
    pub(super) session: SessionHandle,
    pub(super) environment: Arc<Environment>,
    pub(super) shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    receive_plan: Option<Arc<ReceivePlan>>,
    send_plan: Option<Arc<SendPlan>>,
    packets: Option<Arc<Queue<Packet>>>,
    frames: Option<Arc<Queue<Frame>>>,
    receiver_transform: Option<Arc<dyn FrameTransform>>,
    sender_transform: Option<Arc<dyn FrameTransform>>,
    outbox: Outbox,
    /// Whose media the receiver received lately.
    sources: Vec<RtpSource>,
    /// Who makes the frames: it is told of key frames that are wanted.
    encoder: Option<Listener>,
    key_frames_wanted: VecDeque<usize>,
    pub(super) raw: RawState,
    pub(super) ended: bool,
}

/// What the session was given and has not sent.
#[derive(Default)]
struct Outbox {
    items: usize,
    bytes: usize,
    /// Writers that found no room.
    waiting: Waiters,
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.items < MAX_OUTGOING && self.bytes < MAX_OUTGOING_BYTES
    }
}

/// The transceiver is stopped or the connection closed.
#[derive(Debug)]
pub(super) struct Ended;

/// A form in which a writer says what to send.
pub(super) trait Outgoing: Item + Sized {
    fn command(items: Vec<Self>) -> MediaCommand;
}

impl Outgoing for Frame {
    fn command(items: Vec<Self>) -> MediaCommand {
        MediaCommand::SendFrames(items.into_iter().map(EncodedFrameInit::from).collect())
    }
}

impl Outgoing for Packet {
    fn command(items: Vec<Self>) -> MediaCommand {
        MediaCommand::SendPackets(items.into_iter().map(RtpPacketInit::from).collect())
    }
}

// --- what is received

impl Routes {
    pub(super) fn now(&self) -> Instant {
        self.environment.endpoint.now()
    }

    /// Whose media the receiver received lately.
    pub(super) fn sources(&self) -> Vec<RtpSource> {
        self.lock().sources.clone()
    }

    pub(super) fn set_frame_reader(&self, reader: Option<Arc<Queue<Frame>>>) {
        let mut state = self.lock();
        if state.ended
            && let Some(reader) = &reader
        {
            reader.end();
        }
        state.frames = reader;
        self.set_outlet(&state);
    }

    pub(super) fn set_packet_reader(&self, reader: Option<Arc<Queue<Packet>>>) {
        let mut state = self.lock();
        if state.ended
            && let Some(reader) = &reader
        {
            reader.end();
        }
        state.packets = reader;
        self.set_outlet(&state);
    }

    pub(super) fn set_receiver_transform(&self, transform: Option<Arc<dyn FrameTransform>>) {
        let mut state = self.lock();
        if state.ended {
            return end_transforms([transform]);
        }
        state.receiver_transform = transform;
        self.set_outlet(&state);
    }

    pub(super) fn receiver_transform(&self) -> Option<Arc<dyn FrameTransform>> {
        self.lock().receiver_transform.clone()
    }

    pub(super) fn sender_transform(&self) -> Option<Arc<dyn FrameTransform>> {
        self.lock().sender_transform.clone()
    }

    /// Under the lock: what the session is told last is what holds.
    pub(super) fn set_outlet(&self, state: &State) {
        let frames = state.frames.is_some()
            || state.raw.decoder.is_some()
            || state.receiver_transform.is_some();
        let outlet = match (state.packets.is_some(), frames) {
            (false, false) => Outlet::None,
            (true, false) => Outlet::Packets,
            (false, true) => Outlet::Frames,
            (true, true) => Outlet::PacketsAndFrames,
        };
        if !state.ended {
            self.session.media(self.id, MediaCommand::SetOutlet(outlet));
        }
    }

    fn deliver_frames(&self, frames: &mut Vec<EncodedFrame>) {
        let transform = {
            let mut state = self.lock();
            state.raw.note(frames);
            state.receiver_transform.clone()
        };
        let frames = frames.drain(..).map(Frame::from);
        match transform {
            Some(transform) => transform.incoming().push(frames),
            None => self.deliver_transformed(frames.collect()),
        }
    }

    fn deliver_packets(&self, packets: &mut Vec<RtpPacket>) {
        let reader = self.lock().packets.clone();
        if let Some(reader) = reader {
            reader.push(packets.drain(..).map(Packet::from));
        }
    }

    /// What a transform of the receiver has written: it is read as if it came from the network.
    pub(super) fn deliver_transformed(&self, frames: VecDeque<Frame>) {
        let (reader, decoder) = {
            let state = self.lock();
            (state.frames.clone(), state.raw.decoder.clone())
        };
        match (reader, decoder) {
            (Some(reader), Some(decoder)) => {
                decoder.push(frames.iter().cloned());
                reader.push(frames);
            }
            (Some(only), None) | (None, Some(only)) => only.push(frames),
            (None, None) => {}
        }
    }

    /// Frames that were dropped because nobody read them in time, before and behind a transform.
    pub(super) fn dropped_by_transform(&self) -> u64 {
        let transform = self.lock().receiver_transform.clone();
        transform.map_or(0, |transform| transform.incoming().dropped())
    }

    /// Asks the other end for a key frame of each layer.
    pub(super) fn request_key_frames(&self) {
        let state = self.lock();
        let layers = state
            .receive_plan
            .as_ref()
            .map_or(1, |plan| plan.rids.len());
        for encoding in 0..layers.max(1) {
            let request = MediaCommand::RequestKeyFrame { encoding };
            self.session.media(self.id, request);
        }
    }
}

// --- what is sent

impl Routes {
    /// Takes as many frames from the front as there is room for: in the transform of the sender, if it
    /// has one. Isolated ones, which are for one peer alone, go to no transform that shows them.
    pub(super) fn send_frames(
        &self,
        frames: &mut VecDeque<Frame>,
        isolated: bool,
        writer: &Listener,
    ) -> Result<(), Ended> {
        let (transform, plan) = {
            let state = self.lock();
            if state.ended {
                return Err(Ended);
            }
            (state.sender_transform.clone(), state.send_plan.clone())
        };
        let Some(transform) = transform else {
            return self.send(frames, writer);
        };
        if isolated && transform.shows() {
            // They were being encoded when it was set.
            frames.clear();
            return Ok(());
        }
        for frame in frames.iter_mut() {
            frame.complete(plan.as_deref());
        }
        transform.incoming().offer(frames, writer);
        Ok(())
    }

    /// Gives the session as many from the front as there is room for.
    pub(super) fn send<T: Outgoing>(
        &self,
        items: &mut VecDeque<T>,
        writer: &Listener,
    ) -> Result<(), Ended> {
        let mut state = self.lock();
        if state.ended {
            return Err(Ended);
        }
        let mut batch = Vec::with_capacity(items.len());
        while state.outbox.has_room()
            && let Some(item) = items.pop_front()
        {
            state.outbox.items += 1;
            state.outbox.bytes += item.len();
            batch.push(item);
        }
        if !state.outbox.has_room() {
            state.outbox.waiting.add(writer);
        }
        // Under the lock: they leave in the order in which they were counted.
        if !batch.is_empty() && !self.session.media(self.id, T::command(batch)) {
            state.ended = true;
            return Err(Ended);
        }
        Ok(())
    }

    /// Whether frames can be handed over; if not, the writer is told when they can.
    pub(super) fn has_room_for_frames(&self, writer: &Listener) -> Result<bool, Ended> {
        let transform = self.lock().sender_transform.clone();
        match transform {
            Some(transform) => Ok(transform.incoming().has_room(writer)),
            None => self.has_room(writer),
        }
    }

    pub(super) fn has_room(&self, writer: &Listener) -> Result<bool, Ended> {
        let mut state = self.lock();
        if state.ended {
            return Err(Ended);
        }
        let room = state.outbox.has_room();
        if !room {
            state.outbox.waiting.add(writer);
        }
        Ok(room)
    }

    /// How many frames and packets were handed over and have not left.
    pub(super) fn queued(&self) -> usize {
        let state = self.lock();
        let transform = state.sender_transform.as_ref();
        state.outbox.items + transform.map_or(0, |transform| transform.incoming().len())
    }

    fn sent(&self, items: usize, bytes: usize) {
        let mut state = self.lock();
        let outbox = &mut state.outbox;
        outbox.items = outbox.items.saturating_sub(items);
        outbox.bytes = outbox.bytes.saturating_sub(bytes);
        if outbox.items <= MAX_OUTGOING / 2 && outbox.bytes <= MAX_OUTGOING_BYTES / 2 {
            outbox.waiting.notify();
        }
    }

    pub(super) fn set_sender_transform(&self, transform: Option<Arc<dyn FrameTransform>>) {
        let mut state = self.lock();
        if state.ended {
            return end_transforms([transform]);
        }
        let before = mem::replace(&mut state.sender_transform, transform);
        drop(state);
        if let Some(before) = before {
            // Who waits for room in it finds another way.
            before.incoming().notify_writers();
        }
    }

    pub(super) fn set_encoder(&self, encoder: Option<Listener>) {
        let mut state = self.lock();
        if let Some(encoder) = &encoder
            && !state.key_frames_wanted.is_empty()
        {
            encoder.notify();
        }
        state.encoder = encoder;
    }

    /// A key frame of an encoding is wanted, by the other end or by a transform.
    pub(super) fn want_key_frame(&self, encoding: usize) {
        let mut state = self.lock();
        state.raw.want_key_frame(encoding);
        if state.key_frames_wanted.contains(&encoding)
            || state.key_frames_wanted.len() >= MAX_KEY_FRAME_REQUESTS
        {
            return;
        }
        state.key_frames_wanted.push_back(encoding);
        if let Some(encoder) = &state.encoder {
            encoder.notify();
        }
    }

    pub(super) fn take_key_frames_wanted(&self) -> Vec<usize> {
        mem::take(&mut self.lock().key_frames_wanted).into()
    }

    /// The name of an encoding, where encodings have names.
    pub(super) fn rid(&self, encoding: usize) -> Option<String> {
        let state = self.lock();
        let stream = state.send_plan.as_ref()?.streams.get(encoding)?;
        Some(stream.rid.as_ref()?.to_string())
    }

    /// The encoding of this name.
    pub(super) fn encoding(&self, rid: &str) -> Option<usize> {
        let state = self.lock();
        let mut streams = state.send_plan.as_ref()?.streams.iter();
        streams.position(|stream| stream.rid.as_ref().is_some_and(|it| it.as_str() == rid))
    }

    /// The payload type of frames that name none.
    pub(super) fn preferred(&self) -> Option<u8> {
        let state = self.lock();
        let mut codecs = state.send_plan.as_ref()?.parameters.codecs.iter();
        let codec = codecs.find(|it| it.codec.is_media())?;
        Some(codec.payload_type.get())
    }

    /// The payload type by which a codec is sent.
    pub(super) fn payload_type(&self, mime_type: &str) -> Option<u8> {
        let state = self.lock();
        let mut codecs = state.send_plan.as_ref()?.parameters.codecs.iter();
        let codec = codecs.find(|it| it.codec.mime_type().eq_ignore_ascii_case(mime_type))?;
        Some(codec.payload_type.get())
    }

    /// How many encodings there are.
    pub(super) fn encodings(&self) -> usize {
        let state = self.lock();
        state
            .send_plan
            .as_ref()
            .map_or(1, |plan| plan.streams.len())
    }
}

// --- both

impl Routes {
    /// What a payload type means, as `audio/opus`; of what is received, or of what is sent.
    pub(super) fn mime_type(&self, payload_type: u8, received: bool) -> Option<String> {
        let state = self.lock();
        let parameters = match received {
            true => state.receive_plan.as_ref().map(|plan| &plan.parameters),
            false => state.send_plan.as_ref().map(|plan| &plan.parameters),
        };
        let mut codecs = parameters?.codecs.iter();
        let codec = codecs.find(|it| it.payload_type.get() == payload_type)?;
        Some(codec.codec.mime_type())
    }

    /// Who reads the end finds that writers are refused.
    fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.outbox.waiting.notify();
        let transforms = [
            state.sender_transform.take(),
            state.receiver_transform.take(),
        ];
        let frames = [state.frames.clone(), state.raw.decoder.clone()];
        let packets = state.packets.clone();
        drop(state);
        end_transforms(transforms);
        for frames in frames.into_iter().flatten() {
            frames.end();
        }
        if let Some(packets) = packets {
            packets.end();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn end_transforms<const N: usize>(transforms: [Option<Arc<dyn FrameTransform>>; N]) {
    for transform in transforms.into_iter().flatten() {
        transform.end();
    }
}

impl Frame {
    /// Adds what its bytes tell, as an encoder would: transforms see it.
    fn complete(&mut self, plan: Option<&SendPlan>) {
        let Some(plan) = plan else { return };
        if let Some(stream) = plan.streams.get(self.info.encoding) {
            self.info.ssrc = Some(stream.source.ssrc.0);
            self.info.rid = stream.rid.as_ref().map(ToString::to_string);
        }
        let mut codecs = plan.parameters.codecs.iter();
        let codec: Option<&CodecParameters> = match self.info.payload_type {
            Some(wanted) => codecs.find(|it| it.payload_type.get() == wanted),
            None => codecs.find(|it| it.codec.is_media()),
        };
        let Some(codec) = codec else { return };
        self.info.payload_type = Some(codec.payload_type.get());
        if plan.kind == MediaKind::Audio {
            return;
        }
        let format = PayloadFormat::of(&codec.codec);
        let mut parts = Parts::new();
        if format.find_parts(&self.data, &mut parts).is_ok() {
            let info = format.frame_info(&self.data, &parts);
            self.key |= info.key;
            self.size = self.size.or(info.size.map(|it| (it.width, it.height)));
            self.temporal = self.temporal.or(info.temporal);
        }
    }
}

/// What came in one turn and its readers have not been told of, by receiver.
#[derive(Default)]
pub(crate) struct MediaBatches {
    packets: Vec<(TransceiverId, Vec<RtpPacket>)>,
    frames: Vec<(TransceiverId, Vec<EncodedFrame>)>,
}

impl MediaBatches {
    pub(crate) fn add(&mut self, item: MediaItem) {
        match item {
            MediaItem::Packet(id, packet) => add(&mut self.packets, id, packet),
            MediaItem::Frame(id, frame) => add(&mut self.frames, id, frame),
            _ => {}
        }
    }

    /// Hands over what came, a batch for each reader. The memory of a burst is not kept.
    pub(crate) fn deliver(&mut self, routes: &MediaRoutes) {
        for (id, mut packets) in self.packets.drain(..) {
            if let Some(routes) = routes.get(id) {
                routes.deliver_packets(&mut packets);
            }
        }
        for (id, mut frames) in self.frames.drain(..) {
            if let Some(routes) = routes.get(id) {
                routes.deliver_frames(&mut frames);
            }
        }
    }
}

fn add<T>(batches: &mut Vec<(TransceiverId, Vec<T>)>, id: TransceiverId, item: T) {
    match batches.iter_mut().find(|(known, _)| *known == id) {
        Some((_, batch)) => batch.push(item),
        None => batches.push((id, vec![item])),
    }
}
