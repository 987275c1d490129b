//! What one connection receives, sent by others.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duologue_base::Instant;
use duologue_media::forward::{Choice, Forwarder as Machine, ReceiverKey};
use duologue_peer::{RtpCodec, RtpCodecParameters};
use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::{Fmtp, PayloadType};
use duologue_session::{RtpPacket, RtpPacketInit};
use tokio::task::AbortHandle;

use crate::media::{RtpReceiver, RtpSender};
use crate::packets::{RtpPacketWriter, RtpPackets};

/// Packets of the publisher that are taken in one turn.
const BATCH: usize = 64;

/// How often choices follow estimates.
const FOLLOWED: Duration = Duration::from_millis(100);

/// Sends what a receiver gets by any number of senders, mostly of other connections: what a server does
/// for a conference or a broadcast. Nothing is decoded.
///
/// A publisher may send its pictures in several simulcast layers. Each [`Forwarding`] is one of them as
/// one stream, with numbers and time stamps that go on when it becomes another one; that is with a key
/// frame of the new layer, which the publisher is asked for. The codec is the publisher's, and changes
/// when that does: a sender that has not agreed on it sends nothing.
///
/// ```
/// use duologue::{Choice, Event, Events, Forwarder, Forwarding, RtpReceiver, RtpSender};
///
/// /// Sends to a viewer what a publisher sends, in the lowest layer.
/// fn forward(publisher: &Forwarder, viewer: &RtpSender, mut events: Events) -> Forwarding {
///     let forwarding = publisher.forward(viewer);
///     forwarding.choose(Choice::Layer(0));
///     let wanted = forwarding.clone();
///     tokio::spawn(async move {
///         while let Some(event) = events.recv().await {
///             if let Event::KeyFrameRequest { .. } = event {
///                 wanted.key_frame_wanted();
///             }
///         }
///     });
///     forwarding
/// }
/// ```
///
/// It ends with its last clone, or when the publisher's connection is closed. A viewer that is too slow
/// loses packets, and holds up nobody.
#[derive(Clone)]
pub struct Forwarder {
    shared: Arc<Shared>,
    task: Arc<Task>,
}

/// What one sender gets of a [`Forwarder`]. It ends with its last clone.
#[derive(Clone)]
pub struct Forwarding(Arc<Viewing>);

struct Viewing {
    shared: Arc<Shared>,
    id: u64,
    _task: Arc<Task>,
}

/// Who reads the publisher's packets at the moment.
struct Task(Mutex<Vec<AbortHandle>>);

struct Shared {
    publisher: Mutex<Publisher>,
    state: Mutex<State>,
}

/// Whose packets are forwarded.
#[derive(Clone)]
enum Publisher {
    /// One receiver, which may get several layers.
    One(RtpReceiver),
    /// Each gets one layer.
    OfLayers(Vec<RtpReceiver>),
}

#[derive(Default)]
struct State {
    /// From the first packet on: the machine, and the codec that it is for.
    running: Option<Running>,
    /// In the order in which they came, and of their keys.
    viewers: Vec<Viewer>,
    next_id: u64,
    /// How many publishers there were before this one.
    replaced: u64,
    /// When the last packet came.
    now: Instant,
    /// When the choices followed the estimates last.
    followed: Instant,
}

struct Running {
    machine: Machine,
    /// None until a packet of this publisher came.
    payload_type: Option<PayloadType>,
    codec: RtpCodec,
}

/// What the publisher's packets of one payload type are.
struct Published {
    payload_type: PayloadType,
    codec: RtpCodec,
    format: PayloadFormat,
}

struct Viewer {
    id: u64,
    key: Option<ReceiverKey>,
    choice: Choice,
    /// The choice is what the path to the sender's peer carries.
    follows: bool,
    temporal: Option<u8>,
    spatial: Option<u8>,
    sender: RtpSender,
    writer: RtpPacketWriter,
    /// Of the sender's codecs, once there is one that fits.
    payload_type: Option<PayloadType>,
    batch: Vec<RtpPacketInit>,
    dropped: u64,
}

impl Forwarder {
    /// Takes the packets of a receiver from now on.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(publisher: &RtpReceiver) -> Self {
        Self::of(Publisher::One(publisher.clone()))
    }

    /// Takes the packets of several receivers, each of which gets one layer of the same pictures: the first of
    /// them layer 0. So they come from another server that forwards them, which sends each layer as a track of
    /// its own.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn of_layers(layers: &[RtpReceiver]) -> Self {
        Self::of(Publisher::OfLayers(layers.to_vec()))
    }

    fn of(publisher: Publisher) -> Self {
        let shared = Arc::new(Shared {
            publisher: Mutex::new(publisher.clone()),
            state: Mutex::default(),
        });
        let tasks = publisher.forward_to(&shared, 0);
        Forwarder {
            shared,
            task: Arc::new(Task(Mutex::new(tasks))),
        }
    }

    /// Takes the packets of another receiver of the same endpoint from now on: the publisher is back, or comes by
    /// another way. What senders send goes on with its next key frame, which is asked for.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn replace_publisher(&self, publisher: &RtpReceiver) {
        self.replace(Publisher::One(publisher.clone()));
    }

    /// Goes over to other receivers, one for each layer, as [`of_layers`](Self::of_layers) has them.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn replace_layers(&self, layers: &[RtpReceiver]) {
        self.replace(Publisher::OfLayers(layers.to_vec()));
    }

    fn replace(&self, publisher: Publisher) {
        *lock(&self.shared.publisher) = publisher.clone();
        let mut state = self.shared.state();
        state.replaced += 1;
        if let Some(running) = &mut state.running {
            running.machine.change_publisher();
            running.payload_type = None;
        }
        let replaced = state.replaced;
        drop(state);
        let tasks = publisher.forward_to(&self.shared, replaced);
        let before = std::mem::replace(&mut *lock(&self.task.0), tasks);
        before.iter().for_each(AbortHandle::abort);
    }

    /// A sender gets packets too, once something is [chosen](Forwarding::choose) for it.
    pub fn forward(&self, sender: &RtpSender) -> Forwarding {
        let mut state = self.shared.state();
        let id = state.next_id;
        state.next_id += 1;
        state.viewers.push(Viewer {
            id,
            key: None,
            choice: Choice::Nothing,
            follows: false,
            temporal: None,
            spatial: None,
            sender: sender.clone(),
            writer: sender.packets(),
            payload_type: None,
            batch: Vec::new(),
            dropped: 0,
        });
        state.join_machine();
        Forwarding(Arc::new(Viewing {
            shared: self.shared.clone(),
            id,
            _task: self.task.clone(),
        }))
    }
}

impl Forwarding {
    /// What the sender is to send from now on.
    pub fn choose(&self, choice: Choice) {
        self.change(|viewer| (viewer.choice, viewer.follows) = (choice, false));
    }

    /// The sender is to send the best layer for what the path to its peer carries, as
    /// [`RtpSender::target_bitrates`] tells it, and another one when that changes: a simulcast layer, and of a
    /// stream that has several spatial or temporal layers as many as fit ([`Choice::Bitrate`]). It begins with what
    /// [`bitrate_bounds`](crate::EndpointBuilder::bitrate_bounds) say. What layers want beyond 2.5 Mbit/s
    /// the sender's `max_bitrate` says, so that the path is asked for it.
    pub fn follow_estimate(&self) {
        self.change(|viewer| {
            viewer.follows = true;
            viewer.follow();
        });
    }

    /// Forwards no temporal layer above this one, from the next frame on, where packets say their layers.
    /// Whoever [follows the estimate](Self::follow_estimate) need not say so.
    pub fn limit_temporal(&self, most: Option<u8>) {
        self.change(|viewer| viewer.temporal = most);
    }

    /// Forwards no spatial layer above this one, from the next picture on, of a stream that has several: of VP9 and AV1
    /// with SVC. Whoever [follows the estimate](Self::follow_estimate) need not say so.
    pub fn limit_spatial(&self, most: Option<u8>) {
        self.change(|viewer| viewer.spatial = most);
    }

    /// The layer that is sent at the moment.
    pub fn current(&self) -> Option<usize> {
        self.ask(Machine::current)
    }

    /// The highest spatial layer of it that is sent, 0 where there is one.
    pub fn current_spatial(&self) -> Option<u8> {
        self.ask(Machine::current_spatial)
    }

    /// The highest temporal layer of it that is sent, 0 where there is one or nothing is known of them yet.
    pub fn current_temporal(&self) -> Option<u8> {
        self.ask(Machine::current_temporal)
    }

    fn ask<T>(&self, question: impl FnOnce(&Machine, ReceiverKey) -> Option<T>) -> Option<T> {
        let state = self.0.shared.state();
        let viewer = &state.viewers[state.position(self.0.id)?];
        question(&state.running.as_ref()?.machine, viewer.key?)
    }

    /// The other end cannot decode what it gets: what [`Event::KeyFrameRequest`](crate::Event) of the
    /// sender says.
    pub fn key_frame_wanted(&self) {
        let mut state = self.0.shared.state();
        let (id, now) = (self.0.id, state.now);
        let key = state.position(id).and_then(|at| state.viewers[at].key);
        if let (Some(running), Some(key)) = (&mut state.running, key) {
            running.machine.key_frame_wanted(now, key);
        }
        drop(state);
        self.0.shared.ask_for_key_frames();
    }

    /// Packets that the sender had no room for.
    pub fn dropped(&self) -> u64 {
        let state = self.0.shared.state();
        let at = state.position(self.0.id);
        at.map_or(0, |at| state.viewers[at].dropped)
    }

    fn change(&self, change: impl FnOnce(&mut Viewer)) {
        let mut state = self.0.shared.state();
        let id = self.0.id;
        if let Some(at) = state.position(id) {
            change(&mut state.viewers[at]);
            state.tell_machine(at);
        }
        drop(state);
        self.0.shared.ask_for_key_frames();
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let Some(at) = state.position(self.id) else {
            return;
        };
        let viewer = state.viewers.remove(at);
        if let (Some(running), Some(key)) = (&mut state.running, viewer.key) {
            running.machine.remove_receiver(key);
        }
        // The last handle of its connection takes other locks.
        drop(state);
        drop(viewer);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        lock(&self.0).iter().for_each(AbortHandle::abort);
    }
}

impl Publisher {
    /// From now on, as the publisher before which so many were replaced.
    fn forward_to(&self, shared: &Arc<Shared>, replaced: u64) -> Vec<AbortHandle> {
        let forward = |(layer, receiver): (Option<usize>, &RtpReceiver)| {
            let from = Reader {
                packets: receiver.packets(),
                layer,
                replaced,
            };
            tokio::spawn(run(from, shared.clone())).abort_handle()
        };
        match self {
            Publisher::One(receiver) => vec![forward((None, receiver))],
            Publisher::OfLayers(receivers) => (0..).map(Some).zip(receivers).map(forward).collect(),
        }
    }

    /// Who gets a layer, and as which of its own.
    fn of_layer(&self, layer: usize) -> Option<(&RtpReceiver, usize)> {
        match self {
            Publisher::One(receiver) => Some((receiver, layer)),
            Publisher::OfLayers(receivers) => receivers.get(layer).map(|receiver| (receiver, 0)),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn ask_for_key_frames(&self) {
        let mut layers = Vec::new();
        if let Some(running) = &mut self.state().running {
            layers.extend(std::iter::from_fn(|| {
                running.machine.poll_key_frame_request()
            }));
        }
        if layers.is_empty() {
            return;
        }
        let publisher = lock(&self.publisher).clone();
        for layer in layers {
            if let Some((receiver, layer)) = publisher.of_layer(layer) {
                // One that does not receive has nothing to ask for.
                let _ = receiver.send_key_frame_request(layer);
            }
        }
    }

    /// What a packet of the publisher is, if it is of a codec.
    fn published(&self, packet: &RtpPacket) -> Option<Published> {
        let publisher = lock(&self.publisher).clone();
        let (receiver, _) = publisher.of_layer(packet.encoding)?;
        let codecs = receiver.parameters()?.codecs;
        let mut codecs = codecs.into_iter();
        let codec = codecs
            .find(|it| it.payload_type == packet.payload_type.get())?
            .codec;
        let (_, name) = codec.mime_type.split_once('/')?;
        let fmtp = Fmtp::of(codec.sdp_fmtp_line.as_deref());
        let format = PayloadFormat::negotiated(name, fmtp);
        Some(Published {
            payload_type: packet.payload_type,
            codec,
            format,
        })
    }
}

impl State {
    fn is_of_another_codec(&self, packet: &RtpPacket) -> bool {
        let running = self.running.as_ref();
        running.is_none_or(|it| it.payload_type != Some(packet.payload_type))
    }

    /// The publisher's packets are this from now on.
    fn take_over(&mut self, published: Published) {
        let Published {
            payload_type,
            codec,
            format,
        } = published;
        let machine = match self.running.take() {
            Some(Running { mut machine, .. }) => {
                machine.set_format(format, codec.clock_rate);
                machine
            }
            None => Machine::new(format, codec.clock_rate),
        };
        self.running = Some(Running {
            machine,
            payload_type: Some(payload_type),
            codec,
        });
        for viewer in &mut self.viewers {
            viewer.payload_type = None;
        }
        self.join_machine();
        (0..self.viewers.len()).for_each(|at| self.tell_machine(at));
        self.find_payload_types();
    }

    /// By which payload type each sender says the codec, once it has agreed on it.
    fn find_payload_types(&mut self) {
        let Some(running) = &self.running else {
            return;
        };
        for viewer in &mut self.viewers {
            if viewer.payload_type.is_none() {
                viewer.payload_type = payload_type(&viewer.sender, &running.codec);
            }
        }
    }

    /// Those that came before there was a machine.
    fn join_machine(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        for viewer in self
            .viewers
            .iter_mut()
            .filter(|viewer| viewer.key.is_none())
        {
            viewer.key = Some(running.machine.add_receiver());
        }
    }

    /// From time to time those who follow it choose by the estimate of their path.
    fn follow_estimates(&mut self) {
        if self.now - self.followed < FOLLOWED {
            return;
        }
        self.followed = self.now;
        for at in 0..self.viewers.len() {
            if self.viewers[at].follows && self.viewers[at].follow() {
                self.tell_machine(at);
            }
        }
    }

    /// Where the viewer of this id is, in the order of ids.
    fn position(&self, id: u64) -> Option<usize> {
        let at = self.viewers.binary_search_by_key(&id, |viewer| viewer.id);
        at.ok()
    }

    fn tell_machine(&mut self, at: usize) {
        let viewer = &self.viewers[at];
        if let (Some(running), Some(key)) = (&mut self.running, viewer.key) {
            running.machine.limit_temporal(key, viewer.temporal);
            running.machine.limit_spatial(key, viewer.spatial);
            running.machine.choose(self.now, key, viewer.choice);
        }
    }

    fn handle(&mut self, packet: &RtpPacket) {
        self.now = self.now.max(packet.received);
        let Some(running) = &mut self.running else {
            return;
        };
        if running.payload_type != Some(packet.payload_type) {
            return;
        }
        running.machine.handle_packet(self.now, packet);
        while let Some((key, mut sent)) = running.machine.poll_packet() {
            let at = self
                .viewers
                .binary_search_by_key(&Some(key), |viewer| viewer.key);
            let Ok(at) = at else { continue };
            let viewer = &mut self.viewers[at];
            // A sender without the codec sends nothing.
            if viewer.payload_type.is_some() {
                sent.payload_type = viewer.payload_type;
                viewer.batch.push(sent);
            }
        }
    }

    /// Hands over what the senders have room for.
    fn flush(&mut self) {
        for viewer in &mut self.viewers {
            // One whose connection is closed goes when its handle does.
            if viewer.writer.send(&mut viewer.batch).is_ok() {
                viewer.dropped += viewer.batch.len() as u64;
            }
            viewer.batch.clear();
        }
    }
}

impl Viewer {
    /// Chooses what the path carries. Whether that is something else than before.
    fn follow(&mut self) -> bool {
        let targets = self.sender.target_bitrates();
        let carried = targets.first().copied().unwrap_or_else(|| {
            // Nothing was sent yet: what an estimate begins with.
            let endpoint = self.sender.connection().endpoint();
            endpoint.session_config().bitrate_bounds.start.bps()
        });
        let choice = Choice::Bitrate(carried);
        std::mem::replace(&mut self.choice, choice) != choice
    }
}

/// The payload type by which a sender says a codec.
fn payload_type(sender: &RtpSender, codec: &RtpCodec) -> Option<PayloadType> {
    let codecs = sender.parameters()?.codecs;
    let same_name =
        |it: &&RtpCodecParameters| it.codec.mime_type.eq_ignore_ascii_case(&codec.mime_type);
    let same = codecs.iter().filter(same_name);
    let exact = same
        .clone()
        .find(|it| it.codec.sdp_fmtp_line == codec.sdp_fmtp_line);
    let found = exact.or_else(|| same.clone().next())?;
    PayloadType::new(found.payload_type)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one receiver gets.
struct Reader {
    packets: RtpPackets,
    /// Which layer that is, where it is only one.
    layer: Option<usize>,
    /// How many publishers there were before this one.
    replaced: u64,
}

async fn run(mut from: Reader, shared: Arc<Shared>) {
    let mut packets = Vec::new();
    while from.packets.recv_many(&mut packets, BATCH).await > 0 {
        let mut state = shared.state();
        if state.replaced != from.replaced {
            return;
        }
        state.find_payload_types();
        for mut packet in packets.drain(..) {
            packet.encoding = from.layer.unwrap_or(packet.encoding);
            if state.is_of_another_codec(&packet) {
                // The publisher's connection has a lock of its own.
                drop(state);
                let published = shared.published(&packet);
                state = shared.state();
                if state.replaced != from.replaced {
                    return;
                }
                state.now = state.now.max(packet.received);
                if let Some(published) = published {
                    state.take_over(published);
                }
            }
            state.handle(&packet);
        }
        state.follow_estimates();
        state.flush();
        drop(state);
        shared.ask_for_key_frames();
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").finish_non_exhaustive()
    }
}

impl fmt::Debug for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarding")
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}
