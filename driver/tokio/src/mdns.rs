//! Multicast DNS of an endpoint: one task for all its sessions, while one of them has use for it.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use duologue_base::{Instant, MdnsName};
use duologue_mdns::{Destination, Event, Link, Mdns, Source, Transmit};
use duologue_udp::{Interface, MdnsSockets};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::endpoint::Shared;
use crate::limits::{
    MDNS_LINGER, MDNS_LINKS, MDNS_MESSAGE_LEN, MDNS_RECEIVES_PER_TURN, NAME_REQUESTS,
};
use crate::mailbox::{Input, Mailbox};
use crate::queue::{Cost, Queue};
use crate::timer::Timer;

/// What sessions want of multicast DNS.
#[derive(Debug)]
pub(crate) enum NameRequest {
    Announce {
        name: MdnsName,
        ip: IpAddr,
    },
    Withdraw {
        name: MdnsName,
    },
    Resolve {
        name: MdnsName,
        by: Weak<Mailbox>,
    },
    /// The host's interfaces changed.
    LookAgain,
}

impl Cost for NameRequest {
    fn cost(&self) -> usize {
        1
    }
}

/// Where sessions reach the task of their endpoint. It runs from the first request until nothing has
/// been asked for in a while.
#[derive(Debug, Default)]
pub(crate) struct Responder(Mutex<Option<Arc<Queue<NameRequest>>>>);

impl Responder {
    pub(crate) fn request(&self, endpoint: &Arc<Shared>, request: NameRequest) {
        let mut running = self.lock();
        if let Some(queue) = &*running {
            // Without room the name is not spoken of, as where there is no multicast.
            queue.offer(request);
            return;
        }
        if matches!(
            request,
            NameRequest::LookAgain | NameRequest::Withdraw { .. }
        ) {
            return;
        }
        let queue = Arc::new(Queue::new(NAME_REQUESTS));
        queue.offer(request);
        let task = Task::new(endpoint, queue.clone());
        *running = Some(queue);
        drop(endpoint.runtime().spawn(task));
    }

    /// Ends the task, unless something was asked for meanwhile.
    fn end(&self, queue: &Queue<NameRequest>) -> bool {
        let mut running = self.lock();
        let mut requests = Vec::new();
        let _ = queue.take(&mut requests);
        let end = requests.is_empty();
        match end {
            true => *running = None,
            false => {
                for request in requests {
                    queue.offer(request);
                }
            }
        }
        end
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Queue<NameRequest>>>> {
        // What is guarded is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Task {
    endpoint: Weak<Shared>,
    queue: Arc<Queue<NameRequest>>,
    mdns: Mdns,
    sockets: Vec<LinkSockets>,
    next_link: u32,
    /// Who waits for a name's address.
    waiting: Vec<(MdnsName, Weak<Mailbox>)>,
    timer: Timer,
    /// When the task ends, if nothing is asked for.
    until: Option<Instant>,
    buffer: Box<[u8]>,
}

struct LinkSockets {
    link: Link,
    index: Option<u32>,
    ip: IpAddr,
    shared: UdpSocket,
    own: UdpSocket,
    group: SocketAddr,
}

impl Task {
    fn new(endpoint: &Arc<Shared>, queue: Arc<Queue<NameRequest>>) -> Self {
        let mut task = Task {
            endpoint: Arc::downgrade(endpoint),
            queue,
            mdns: Mdns::default(),
            sockets: Vec::new(),
            next_link: 0,
            waiting: Vec::new(),
            timer: Timer::default(),
            until: None,
            buffer: vec![0; MDNS_MESSAGE_LEN].into(),
        };
        task.look_again(endpoint);
        task
    }

    /// Opens sockets where interfaces came and closes them where they went. An interface without
    /// multicast is left out: its names are not resolved, which delays nothing.
    fn look_again(&mut self, endpoint: &Shared) {
        let now = endpoint.clock.now();
        let mut listed: Vec<Interface> = Vec::new();
        for interface in endpoint.interfaces() {
            let same = |known: &Interface| {
                known.index == interface.index && known.ip.is_ipv4() == interface.ip.is_ipv4()
            };
            if !listed.iter().any(same) && listed.len() < MDNS_LINKS {
                listed.push(interface);
            }
        }
        self.sockets.retain(|sockets| {
            let same = |i: &Interface| (i.index, i.ip) == (sockets.index, sockets.ip);
            listed.iter().any(same)
        });
        for interface in &listed {
            let same = |sockets: &LinkSockets| {
                (interface.index, interface.ip) == (sockets.index, sockets.ip)
            };
            if self.sockets.iter().any(same) {
                continue;
            }
            if let Ok(sockets) = LinkSockets::open(Link(self.next_link), interface) {
                self.next_link += 1;
                self.sockets.push(sockets);
            }
        }
        let links: Vec<Link> = self.sockets.iter().map(|sockets| sockets.link).collect();
        self.mdns.set_links(now, &links);
    }

    fn take_requests(&mut self, endpoint: &Shared, now: Instant) {
        let mut requests = Vec::new();
        // It is never overrun: what does not fit is not taken.
        let _ = self.queue.take(&mut requests);
        for request in requests {
            match request {
                NameRequest::Announce { name, ip } => self.mdns.announce(now, name, ip),
                NameRequest::Withdraw { name } => self.mdns.withdraw(name),
                NameRequest::Resolve { name, by } => {
                    self.waiting.push((name, by));
                    self.mdns.resolve(now, name);
                }
                NameRequest::LookAgain => self.look_again(endpoint),
            }
        }
    }

    /// Takes what has arrived. Returns whether it was everything.
    fn receive(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut left = MDNS_RECEIVES_PER_TURN;
        for sockets in &self.sockets {
            for socket in [&sockets.shared, &sockets.own] {
                loop {
                    let mut buffer = ReadBuf::new(&mut self.buffer);
                    match socket.poll_recv_from(cx, &mut buffer) {
                        Poll::Pending => break,
                        Poll::Ready(Ok(from)) => {
                            let bytes = buffer.filled();
                            self.mdns.handle_datagram(now, sockets.link, from, bytes);
                        }
                        // Of an earlier datagram that somebody refused.
                        Poll::Ready(Err(_)) => {}
                    }
                    left -= 1;
                    if left == 0 {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn send(&mut self, now: Instant) {
        while let Some(transmit) = self.mdns.poll_transmit(now) {
            let mut sockets = self.sockets.iter();
            if let Some(sockets) = sockets.find(|sockets| sockets.link == transmit.link) {
                sockets.send(&transmit);
            }
        }
    }

    fn tell(&mut self) {
        while let Some(Event::Resolved { name, addresses }) = self.mdns.poll_event() {
            let waited = self.waiting.extract_if(.., |(of, _)| *of == name);
            for mailbox in waited.filter_map(|(_, mailbox)| mailbox.upgrade()) {
                mailbox.push(Input::NameResolved {
                    name,
                    ips: addresses.clone(),
                });
            }
        }
    }

    /// When there is something to do next; `None` when the task has ended.
    fn deadline(&mut self, endpoint: &Shared, now: Instant) -> Option<Option<Instant>> {
        if !self.mdns.is_idle() {
            self.until = None;
            return Some(self.mdns.poll_timeout());
        }
        let until = *self.until.get_or_insert(now + MDNS_LINGER);
        if until <= now && endpoint.mdns.end(&self.queue) {
            return None;
        }
        Some(Some(until))
    }
}

impl LinkSockets {
    fn open(link: Link, interface: &Interface) -> std::io::Result<Self> {
        let sockets = MdnsSockets::open(interface)?;
        Ok(LinkSockets {
            link,
            index: interface.index,
            ip: interface.ip,
            shared: UdpSocket::from_std(sockets.shared)?,
            own: UdpSocket::from_std(sockets.own)?,
            group: sockets.group,
        })
    }

    /// What cannot be sent is lost, like anything on a network: questions are asked again.
    fn send(&self, transmit: &Transmit) {
        let socket = match transmit.source {
            Source::Shared => &self.shared,
            Source::Own => &self.own,
        };
        let to = match transmit.destination {
            Destination::Group => self.group,
            Destination::Host(addr) => addr,
        };
        let _ = socket.try_send_to(&transmit.bytes, to);
    }
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        loop {
            let Some(endpoint) = task.endpoint.upgrade() else {
                return Poll::Ready(());
            };
            let now = endpoint.clock.now();
            task.take_requests(&endpoint, now);
            let received_all = task.receive(cx, now);
            task.mdns.handle_timeout(now);
            task.send(now);
            task.tell();
            if !received_all {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !task.queue.wait(cx.waker()) {
                continue;
            }
            let Some(deadline) = task.deadline(&endpoint, now) else {
                return Poll::Ready(());
            };
            if task.timer.poll(cx, endpoint.clock, deadline).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
