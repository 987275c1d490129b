//! The queues of a transceiver's packets and frames, which the packet path uses without the
//! connection's lock.

use std::collections::{BTreeMap, VecDeque};
use std::mem::take;
#[cfg(feature = "codecs")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use duologue_base::TransceiverId;
#[cfg(feature = "codecs")]
use duologue_devices::LocalTrack;
use duologue_session::{
    EncodedFrame, EncodedFrameInit, MediaCommand, Outlet, RtpPacket, RtpPacketInit, RtpSource,
};
use duologue_tokio::SessionHandle;

use super::stage::{Passes, Passing, Stages};
use crate::connection::ConnectionHandle;
use crate::limits::{
    FRAME_BACKLOG, FRAME_BACKLOG_BYTES, ITEMS_IN_SHARED_MEMORY, PACKET_BACKLOG,
    PACKET_BACKLOG_BYTES, SEND_ITEMS, SEND_ITEMS_BYTES,
};
#[cfg(feature = "codecs")]
use crate::local::Feed;
use crate::transform::Transform;
use crate::wakers::Wakers;

/// The queues of those transceivers whose media the application takes or makes.
#[derive(Debug, Default)]
pub(crate) struct MediaQueues {
    queues: Mutex<BTreeMap<TransceiverId, Arc<Queues>>>,
    /// Whose media each receiver received lately.
    sources: Mutex<BTreeMap<TransceiverId, Vec<RtpSource>>>,
}

impl MediaQueues {
    /// Those of a transceiver, made if nobody has asked for them before.
    pub(super) fn open(&self, id: TransceiverId, session: &SessionHandle) -> Arc<Queues> {
        let mut queues = self.lock();
        let made = queues.entry(id).or_insert_with(|| {
            Arc::new(Queues {
                id,
                session: session.clone(),
                inboxes: Mutex::default(),
                outbox: Mutex::default(),
                stages: Stages::default(),
                #[cfg(feature = "codecs")]
                wants_key_frames: AtomicU64::new(0),
            })
        });
        made.clone()
    }

    pub(crate) fn get(&self, id: TransceiverId) -> Option<Arc<Queues>> {
        self.lock().get(&id).cloned()
    }

    /// Whose media a receiver received lately, as the session told last.
    pub(crate) fn sources(&self, id: TransceiverId) -> Vec<RtpSource> {
        self.lock_sources().get(&id).cloned().unwrap_or_default()
    }

    pub(crate) fn set_sources(&self, id: TransceiverId, sources: Vec<RtpSource>) {
        self.lock_sources().insert(id, sources);
    }

    /// Ends the queues of transceivers that have come to their end.
    pub(crate) fn end_those(&self, mut ended: impl FnMut(TransceiverId) -> bool) {
        self.lock_sources().retain(|id, _| !ended(*id));
        let mut gone = Vec::new();
        self.lock().retain(|id, queues| {
            let ends = ended(*id);
            gone.extend(ends.then(|| queues.clone()));
            !ends
        });
        for queues in gone {
            queues.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TransceiverId, Arc<Queues>>> {
        // Nothing that can panic runs under this lock, nor under the next.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_sources(&self) -> MutexGuard<'_, BTreeMap<TransceiverId, Vec<RtpSource>>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the readers and writers of one transceiver share with the session's task.
#[derive(Debug)]
pub(crate) struct Queues {
    id: TransceiverId,
    session: SessionHandle,
    inboxes: Mutex<Inboxes>,
    outbox: Mutex<Outbox>,
    /// What changes frames. Locked before the boxes.
    stages: Stages,
    /// The peer wants a key frame of these encodings, a bit each, of what is encoded here.
    #[cfg(feature = "codecs")]
    wants_key_frames: AtomicU64,
}

/// The receiving side, in each of its forms.
#[derive(Debug, Default)]
pub(crate) struct Inboxes {
    packets: Inbox<RtpPacket>,
    frames: Inbox<EncodedFrame>,
}

/// What waits for readers, in one form.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    queue: VecDeque<T>,
    /// Of the payloads in the queue.
    bytes: usize,
    dropped: u64,
    readers: usize,
    ended: bool,
    wakers: Wakers,
}

/// A form in which an application takes what a receiver gets.
pub(crate) trait Incoming: Passes {
    /// How many wait for their reader.
    const BACKLOG: usize;

    /// And how many bytes of them.
    const BACKLOG_BYTES: usize;

    fn payload(&mut self) -> &mut Bytes;

    fn inbox(inboxes: &mut Inboxes) -> &mut Inbox<Self>;
}

impl Incoming for RtpPacket {
    const BACKLOG: usize = PACKET_BACKLOG;
    const BACKLOG_BYTES: usize = PACKET_BACKLOG_BYTES;

    fn payload(&mut self) -> &mut Bytes {
        &mut self.payload
    }

    fn inbox(inboxes: &mut Inboxes) -> &mut Inbox<Self> {
        &mut inboxes.packets
    }
}

impl Incoming for EncodedFrame {
    const BACKLOG: usize = FRAME_BACKLOG;
    const BACKLOG_BYTES: usize = FRAME_BACKLOG_BYTES;

    fn payload(&mut self) -> &mut Bytes {
        &mut self.data
    }

    fn inbox(inboxes: &mut Inboxes) -> &mut Inbox<Self> {
        &mut inboxes.frames
    }
}

/// A form in which an application says what to send.
pub(crate) trait Outgoing: Passes {
    /// Bytes of its payload, as [`MediaReport::Sent`](duologue_session::MediaReport) counts them.
    fn bytes(&self) -> usize;

    fn command(items: Vec<Self>) -> MediaCommand;
}

impl Outgoing for RtpPacketInit {
    fn bytes(&self) -> usize {
        self.payload.len()
    }

    fn command(items: Vec<Self>) -> MediaCommand {
        MediaCommand::SendPackets(items)
    }
}

impl Outgoing for EncodedFrameInit {
    fn bytes(&self) -> usize {
        self.data.len()
    }

    fn command(items: Vec<Self>) -> MediaCommand {
        MediaCommand::SendFrames(items)
    }
}

/// The sending side: what the session was given and has not sent, packets and frames together.
#[derive(Debug, Default)]
struct Outbox {
    items: usize,
    bytes: usize,
    ended: bool,
    wakers: Wakers,
    /// By whom devices' tracks are sent, if one was.
    #[cfg(feature = "codecs")]
    feed: Option<Arc<Feed>>,
}

/// The connection is closed or the transceiver stopped.
#[derive(Debug)]
pub(super) struct Ended;

impl Queues {
    /// The first one makes the session hand out what it reads.
    pub(super) fn add_reader<T: Incoming>(&self) {
        let mut inboxes = self.inboxes();
        let inbox = T::inbox(&mut inboxes);
        inbox.readers += 1;
        if inbox.readers == 1 && !inbox.ended {
            self.set_outlet(&inboxes);
        }
    }

    /// With the last one nobody wants it any more.
    pub(super) fn remove_reader<T: Incoming>(&self) {
        let mut inboxes = self.inboxes();
        let inbox = T::inbox(&mut inboxes);
        inbox.readers -= 1;
        if inbox.readers == 0 {
            inbox.queue = VecDeque::new();
            inbox.bytes = 0;
            self.set_outlet(&inboxes);
        }
    }

    /// Under the lock of the inboxes: what the session is told last is what holds.
    fn set_outlet(&self, inboxes: &Inboxes) {
        let (packets, frames) = (inboxes.packets.readers > 0, inboxes.frames.readers > 0);
        let outlet = match (packets, frames) {
            (false, false) => Outlet::None,
            (true, false) => Outlet::Packets,
            (false, true) => Outlet::Frames,
            (true, true) => Outlet::PacketsAndFrames,
        };
        self.session.media(self.id, MediaCommand::SetOutlet(outlet));
    }

    /// Hands what came to the readers, in one go.
    pub(crate) fn deliver<T: Incoming>(&self, items: &mut Vec<T>) {
        let mut inboxes = self.inboxes();
        let inbox = T::inbox(&mut inboxes);
        if inbox.readers == 0 || inbox.ended {
            items.clear();
            return;
        }
        for item in items.drain(..) {
            inbox.push(item);
        }
        inbox.wakers.wake_all();
    }

    pub(super) fn dropped<T: Incoming>(&self) -> u64 {
        T::inbox(&mut self.inboxes()).dropped
    }

    pub(crate) fn set_transform<T: Passes, F: Transform>(&self, transform: Option<F>) {
        if let Some(stage) = T::stage(&self.stages) {
            stage.set(transform);
        }
    }

    /// Whether the application sees what is in these.
    #[cfg(feature = "codecs")]
    pub(crate) fn shows<T: Passes>(&self) -> bool {
        T::stage(&self.stages).is_some_and(|stage| stage.shows())
    }

    fn enter<T: Passes>(&self) -> Option<MutexGuard<'_, Passing<T>>> {
        T::stage(&self.stages)?.enter()
    }

    pub(super) fn try_receive<T: Incoming>(&self, of: &Arc<ConnectionHandle>) -> Option<T> {
        let Some(mut passing) = self.enter::<T>() else {
            return T::inbox(&mut self.inboxes()).pop();
        };
        while passing.made.is_empty() {
            let item = T::inbox(&mut self.inboxes()).pop()?;
            passing.pass(item, of, self.id);
        }
        passing.made.pop_front()
    }

    /// Moves up to so many, once there is one; none at the end.
    pub(super) fn poll_receive<T: Incoming>(
        &self,
        cx: &mut Context<'_>,
        of: &Arc<ConnectionHandle>,
        items: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        let Some(mut passing) = self.enter::<T>() else {
            return self.poll_inbox(cx, limit > 0, |inbox| inbox.take(items, limit));
        };
        let before = items.len();
        while items.len() - before < limit {
            if let Some(made) = passing.made.pop_front() {
                items.push(made);
                continue;
            }
            match self.poll_inbox(cx, true, Inbox::pop) {
                Poll::Ready(Some(item)) => passing.pass(item, of, self.id),
                Poll::Pending if items.len() == before => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Ready(items.len() - before)
    }

    pub(super) fn poll_next<T: Incoming>(
        &self,
        cx: &mut Context<'_>,
        of: &Arc<ConnectionHandle>,
    ) -> Poll<Option<T>> {
        let Some(mut passing) = self.enter::<T>() else {
            return self.poll_inbox(cx, true, Inbox::pop);
        };
        loop {
            if let Some(made) = passing.made.pop_front() {
                return Poll::Ready(Some(made));
            }
            match self.poll_inbox(cx, true, Inbox::pop) {
                Poll::Ready(Some(item)) => passing.pass(item, of, self.id),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes from an inbox once there is something, or its end has come.
    fn poll_inbox<T: Incoming, R>(
        &self,
        cx: &mut Context<'_>,
        waits: bool,
        take: impl FnOnce(&mut Inbox<T>) -> R,
    ) -> Poll<R> {
        let mut inboxes = self.inboxes();
        let inbox = T::inbox(&mut inboxes);
        if inbox.queue.is_empty() && !inbox.ended && waits {
            inbox.wakers.register(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(take(inbox))
    }

    /// Hands over as many as there is room for, from the front.
    pub(super) fn send<T: Outgoing>(
        &self,
        items: &mut Vec<T>,
        of: &Arc<ConnectionHandle>,
        isolated: bool,
    ) -> Result<usize, Ended> {
        let Some(mut passing) = self.enter::<T>() else {
            return self.hand_over(items, Outbox::has_room);
        };
        let (mut count, mut made) = (0, Vec::new());
        let mut waiting = take(items).into_iter();
        while self.outbox().has_room()
            && let Some(item) = waiting.next()
        {
            count += 1;
            if isolated && passing.shows() {
                // It was being encoded when the transform was set.
                continue;
            }
            passing.pass(item, of, self.id);
            // All that one frame became, so that no part of it waits for the next.
            made.extend(passing.made.drain(..));
            self.hand_over(&mut made, |_| true)?;
        }
        items.extend(waiting);
        match self.outbox().ended {
            true => Err(Ended),
            false => Ok(count),
        }
    }

    fn hand_over<T: Outgoing>(
        &self,
        items: &mut Vec<T>,
        has_room: impl Fn(&Outbox) -> bool,
    ) -> Result<usize, Ended> {
        let mut outbox = self.outbox();
        if outbox.ended {
            return Err(Ended);
        }
        let mut count = 0;
        for item in items.iter() {
            if !has_room(&outbox) {
                break;
            }
            outbox.items += 1;
            outbox.bytes += item.bytes();
            count += 1;
        }
        if count > 0 {
            let batch = match count == items.len() {
                true => take(items),
                false => items.drain(..count).collect(),
            };
            // Under the lock: they leave in the order in which they were counted.
            outbox.ended = !self.session.media(self.id, T::command(batch));
        }
        Ok(count)
    }

    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Ended>> {
        let mut outbox = self.outbox();
        if outbox.ended {
            return Poll::Ready(Err(Ended));
        }
        if outbox.has_room() {
            return Poll::Ready(Ok(()));
        }
        outbox.wakers.register(cx.waker());
        Poll::Pending
    }

    pub(super) fn queued(&self) -> usize {
        self.outbox().items
    }

    #[cfg(feature = "codecs")]
    pub(super) fn ended(&self) -> bool {
        self.outbox().ended
    }

    /// Has a track of a device sent. Gives whoever is to do so, if nobody does already; one for all tracks.
    #[cfg(feature = "codecs")]
    pub(crate) fn feed(&self, track: &LocalTrack) -> Option<Arc<Feed>> {
        let mut outbox = self.outbox();
        if outbox.ended {
            return None;
        }
        if let Some(feed) = &outbox.feed {
            feed.play(track);
            return None;
        }
        let feed = Arc::<Feed>::default();
        feed.play(track);
        outbox.feed = Some(feed.clone());
        Some(feed)
    }

    /// For whoever encodes for this sender.
    #[cfg(feature = "codecs")]
    pub(crate) fn want_key_frame(&self, encoding: usize) {
        self.wants_key_frames
            .fetch_or(bit(encoding), Ordering::Relaxed);
    }

    #[cfg(feature = "codecs")]
    pub(super) fn take_key_frame_request(&self, encoding: usize) -> bool {
        let bit = bit(encoding);
        let wanted = self.wants_key_frames.fetch_and(!bit, Ordering::Relaxed);
        wanted & bit != 0
    }

    /// So many left the session's queue.
    pub(crate) fn sent(&self, items: usize, bytes: usize) {
        let mut outbox = self.outbox();
        outbox.items = outbox.items.saturating_sub(items);
        outbox.bytes = outbox.bytes.saturating_sub(bytes);
        if outbox.items <= SEND_ITEMS / 2 && outbox.bytes <= SEND_ITEMS_BYTES / 2 {
            outbox.wakers.wake_all();
        }
    }

    /// Who reads the end finds that writers are refused.
    fn end(&self) {
        let mut outbox = self.outbox();
        outbox.ended = true;
        outbox.wakers.wake_all();
        #[cfg(feature = "codecs")]
        if let Some(feed) = outbox.feed.take() {
            feed.end();
        }
        drop(outbox);
        let mut inboxes = self.inboxes();
        inboxes.packets.end();
        inboxes.frames.end();
    }

    fn inboxes(&self) -> MutexGuard<'_, Inboxes> {
        // Nothing that can panic runs under this lock, nor under the next.
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No sender has so many encodings.
#[cfg(feature = "codecs")]
fn bit(encoding: usize) -> u64 {
    1 << encoding.min(63)
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Inbox {
            queue: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            readers: 0,
            ended: false,
            wakers: Wakers::default(),
        }
    }
}

impl<T: Incoming> Inbox<T> {
    /// What is not read in time makes room for what is newer.
    fn push(&mut self, mut item: T) {
        let payload = item.payload();
        if self.queue.len() >= ITEMS_IN_SHARED_MEMORY {
            // It may wait for long, and would keep what it shares its memory with.
            *payload = Bytes::copy_from_slice(payload);
        }
        let bytes = payload.len();
        while self.queue.len() >= T::BACKLOG || self.bytes + bytes > T::BACKLOG_BYTES {
            if self.pop().is_none() {
                break;
            }
            self.dropped += 1;
        }
        self.bytes += bytes;
        self.queue.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        let mut item = self.queue.pop_front()?;
        self.bytes -= item.payload().len();
        Some(item)
    }

    fn take(&mut self, items: &mut Vec<T>, limit: usize) -> usize {
        let count = limit.min(self.queue.len());
        for mut item in self.queue.drain(..count) {
            self.bytes -= item.payload().len();
            items.push(item);
        }
        count
    }

    fn end(&mut self) {
        self.ended = true;
        self.wakers.wake_all();
    }
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.items < SEND_ITEMS && self.bytes < SEND_ITEMS_BYTES
    }
}
