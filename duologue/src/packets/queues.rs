//! The two queues of a transceiver's packets, which the packet path uses without the connection's
//! lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use duologue_base::TransceiverId;
use duologue_session::{MediaCommand, Outlet, RtpPacket, RtpPacketInit};
use duologue_tokio::SessionHandle;

use crate::limits::{
    PACKET_BACKLOG, PACKET_BACKLOG_BYTES, PACKETS_IN_SHARED_MEMORY, SEND_PACKETS,
    SEND_PACKETS_BYTES,
};
use crate::wakers::Wakers;

/// The queues of those transceivers whose packets the application takes or makes.
#[derive(Debug, Default)]
pub(crate) struct PacketQueues(Mutex<BTreeMap<TransceiverId, Arc<Packets>>>);

impl PacketQueues {
    /// Those of a transceiver, made if nobody has asked for them before.
    pub(crate) fn open(&self, id: TransceiverId, session: &SessionHandle) -> Arc<Packets> {
        let mut queues = self.lock();
        let made = queues.entry(id).or_insert_with(|| {
            Arc::new(Packets {
                id,
                session: session.clone(),
                inbox: Mutex::default(),
                outbox: Mutex::default(),
            })
        });
        made.clone()
    }

    pub(crate) fn get(&self, id: TransceiverId) -> Option<Arc<Packets>> {
        self.lock().get(&id).cloned()
    }

    /// Ends the queues of transceivers that have come to their end.
    pub(crate) fn end_those(&self, mut ended: impl FnMut(TransceiverId) -> bool) {
        let gone = self.lock().extract_if(.., |id, _| ended(*id)).collect();
        let gone: Vec<(TransceiverId, Arc<Packets>)> = gone;
        for (_, packets) in gone {
            packets.end();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TransceiverId, Arc<Packets>>> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the readers and writers of one transceiver's packets share with the session's task.
#[derive(Debug)]
pub(crate) struct Packets {
    id: TransceiverId,
    session: SessionHandle,
    inbox: Mutex<Inbox>,
    outbox: Mutex<Outbox>,
}

/// The receiving side.
#[derive(Debug, Default)]
struct Inbox {
    queue: VecDeque<RtpPacket>,
    /// Of the payloads in the queue.
    bytes: usize,
    dropped: u64,
    readers: usize,
    ended: bool,
    wakers: Wakers,
}

/// The sending side: what the session was given and has not sent.
#[derive(Debug, Default)]
struct Outbox {
    packets: usize,
    bytes: usize,
    ended: bool,
    wakers: Wakers,
}

/// The connection is closed or the transceiver stopped.
#[derive(Debug)]
pub(super) struct Ended;

impl Packets {
    /// The first one makes the session hand packets out.
    pub(super) fn add_reader(&self) {
        let mut inbox = self.inbox();
        inbox.readers += 1;
        if inbox.readers == 1 && !inbox.ended {
            self.set_outlet(Outlet::Packets);
        }
    }

    /// With the last one nobody wants them any more.
    pub(super) fn remove_reader(&self) {
        let mut inbox = self.inbox();
        inbox.readers -= 1;
        if inbox.readers == 0 {
            self.set_outlet(Outlet::None);
            inbox.queue = VecDeque::new();
            inbox.bytes = 0;
        }
    }

    /// Under the lock of the inbox: what the session is told last is what holds.
    fn set_outlet(&self, outlet: Outlet) {
        self.session.media(self.id, MediaCommand::SetOutlet(outlet));
    }

    /// Hands packets to the readers, in one go.
    pub(crate) fn deliver(&self, packets: &mut Vec<RtpPacket>) {
        let mut inbox = self.inbox();
        if inbox.readers == 0 || inbox.ended {
            packets.clear();
            return;
        }
        for packet in packets.drain(..) {
            inbox.push(packet);
        }
        inbox.wakers.wake_all();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.inbox().dropped
    }

    /// Moves up to so many packets that are there already. Returns how many.
    pub(super) fn try_receive(&self, packets: &mut Vec<RtpPacket>, limit: usize) -> usize {
        self.inbox().take(packets, limit)
    }

    /// The same once there is one; none at the end.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        packets: &mut Vec<RtpPacket>,
        limit: usize,
    ) -> Poll<usize> {
        let mut inbox = self.inbox();
        if inbox.queue.is_empty() && !inbox.ended && limit > 0 {
            inbox.wakers.register(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(inbox.take(packets, limit))
    }

    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<RtpPacket>> {
        let mut inbox = self.inbox();
        if inbox.queue.is_empty() && !inbox.ended {
            inbox.wakers.register(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(inbox.pop())
    }

    /// Hands over as many packets as there is room for, from the front.
    pub(super) fn send(&self, packets: &mut Vec<RtpPacketInit>) -> Result<usize, Ended> {
        let mut outbox = self.outbox();
        if outbox.ended {
            return Err(Ended);
        }
        let mut count = 0;
        for packet in packets.iter() {
            if !outbox.has_room() {
                break;
            }
            outbox.packets += 1;
            outbox.bytes += packet.payload.len();
            count += 1;
        }
        if count > 0 {
            let batch = match count == packets.len() {
                true => std::mem::take(packets),
                false => packets.drain(..count).collect(),
            };
            // Under the lock: they leave in the order in which they were counted.
            let batch = MediaCommand::SendPackets(batch);
            outbox.ended = !self.session.media(self.id, batch);
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
        self.outbox().packets
    }

    /// Packets left the session's queue.
    pub(crate) fn sent(&self, packets: usize, bytes: usize) {
        let mut outbox = self.outbox();
        outbox.packets = outbox.packets.saturating_sub(packets);
        outbox.bytes = outbox.bytes.saturating_sub(bytes);
        if outbox.packets <= SEND_PACKETS / 2 && outbox.bytes <= SEND_PACKETS_BYTES / 2 {
            outbox.wakers.wake_all();
        }
    }

    /// Who reads the end finds that writers are refused.
    fn end(&self) {
        let mut outbox = self.outbox();
        outbox.ended = true;
        outbox.wakers.wake_all();
        drop(outbox);
        let mut inbox = self.inbox();
        inbox.ended = true;
        inbox.wakers.wake_all();
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        // Nothing that can panic runs under this lock, nor under the next.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox {
    /// What is not read in time makes room for what is newer.
    fn push(&mut self, mut packet: RtpPacket) {
        if self.queue.len() >= PACKETS_IN_SHARED_MEMORY {
            // It may wait for long, and would keep what it shares its memory with.
            packet.payload = Bytes::copy_from_slice(&packet.payload);
        }
        let bytes = packet.payload.len();
        while self.queue.len() >= PACKET_BACKLOG || self.bytes + bytes > PACKET_BACKLOG_BYTES {
            if self.pop().is_none() {
                break;
            }
            self.dropped += 1;
        }
        self.bytes += bytes;
        self.queue.push_back(packet);
    }

    fn pop(&mut self) -> Option<RtpPacket> {
        let packet = self.queue.pop_front()?;
        self.bytes -= packet.payload.len();
        Some(packet)
    }

    fn take(&mut self, packets: &mut Vec<RtpPacket>, limit: usize) -> usize {
        let count = limit.min(self.queue.len());
        let taken = self.queue.drain(..count);
        let before = packets.len();
        packets.extend(taken);
        let new = packets[before..].iter();
        self.bytes -= new.map(|packet| packet.payload.len()).sum::<usize>();
        count
    }
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.packets < SEND_PACKETS && self.bytes < SEND_PACKETS_BYTES
    }
}
