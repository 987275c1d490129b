use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use duologue_base::SocketId;
use duologue_udp::{Interface, SocketOptions};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::endpoint::{Clock, Counters, EndpointOptions, lock};
use crate::limits::SHARED_SOCKETS;
use crate::mailbox::Mailbox;
use crate::shared::{Lease, SharedSocket};
use crate::stream::{self, SharedListener};

/// One port on the addresses of this host, as they come and go.
#[derive(Debug)]
pub(crate) struct SharedPort {
    number: u16,
    /// It is also listened at.
    listens: bool,
    options: SocketOptions,
    runtime: Handle,
    clock: Clock,
    counters: Arc<Counters>,
    doors: Mutex<Vec<Door>>,
}

/// The port on one address.
#[derive(Debug)]
struct Door {
    ip: IpAddr,
    socket: Arc<SharedSocket>,
    receivers: Vec<AbortHandle>,
    listener: Option<SharedListener>,
}

impl SharedPort {
    /// Binds `number` on every address; those where it is taken or impossible are left out. A host
    /// that has none yet, as while it boots, may get them later; 0 needs one to choose the port on.
    pub(crate) fn bind(
        runtime: &Handle,
        interfaces: &[Interface],
        number: u16,
        options: &EndpointOptions,
        (clock, counters): (Clock, &Arc<Counters>),
    ) -> io::Result<Self> {
        let mut port = SharedPort {
            number,
            listens: options.listen,
            options: options.sockets,
            runtime: runtime.clone(),
            clock,
            counters: counters.clone(),
            doors: Mutex::default(),
        };
        let mut doors = Vec::new();
        let mut failure = io::ErrorKind::AddrNotAvailable.into();
        for interface in interfaces {
            match port.open(interface.ip) {
                Ok(door) => {
                    port.number = door.socket.local_addr().port();
                    doors.push(door);
                }
                Err(error) => failure = error,
            }
        }
        if doors.is_empty() && (number == 0 || !interfaces.is_empty()) {
            return Err(failure);
        }
        if port.listens {
            for door in &mut doors {
                door.listener = Some(port.listen(door.ip)?);
            }
        }
        port.doors = Mutex::new(doors);
        Ok(port)
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Lends the sockets on this address, which are opened if need be: the host may have got it
    /// since. None: that is not possible.
    pub(crate) fn lease(&self, ip: IpAddr, id: SocketId, mailbox: &Arc<Mailbox>) -> Option<Lease> {
        self.at(ip, |door| Some(door.socket.lease(id, mailbox.clone())))
    }

    /// The same with the listening socket.
    pub(crate) fn lease_listener(
        &self,
        ip: IpAddr,
        id: SocketId,
        mailbox: &Arc<Mailbox>,
    ) -> Option<stream::Lease> {
        self.at(ip, |door| {
            if self.listens && door.listener.is_none() {
                door.listener = self.listen(ip).ok();
            }
            let listener = door.listener.as_ref()?;
            Some(listener.lease(id, mailbox.clone()))
        })
    }

    /// Closes the sockets of addresses that this host has lost, unless a session still holds them.
    pub(crate) fn close_lost(&self, ips: &[IpAddr]) {
        lock(&self.doors).retain(|door| ips.contains(&door.ip) || door.is_leased());
    }

    /// Under the lock, so that no door is closed between the finding and the lease of it.
    fn at<T>(&self, ip: IpAddr, lease: impl FnOnce(&mut Door) -> Option<T>) -> Option<T> {
        let mut doors = lock(&self.doors);
        if let Some(door) = doors.iter_mut().find(|door| door.ip == ip) {
            return lease(door);
        }
        let mut door = self.open(ip).ok()?;
        let leased = lease(&mut door);
        doors.push(door);
        leased
    }

    fn open(&self, ip: IpAddr) -> io::Result<Door> {
        let address = SocketAddr::new(ip, self.number);
        let count = self.runtime.metrics().num_workers().min(SHARED_SOCKETS);
        let socket =
            SharedSocket::bind(address, &self.options, count, (self.clock, &self.counters))?;
        let socket = Arc::new(socket);
        let spawn = |at| {
            let receiving = socket.clone().receive(at);
            self.runtime.spawn(receiving).abort_handle()
        };
        let receivers = (0..socket.members.len()).map(spawn).collect();
        Ok(Door {
            ip,
            socket,
            receivers,
            listener: None,
        })
    }

    fn listen(&self, ip: IpAddr) -> io::Result<SharedListener> {
        let address = SocketAddr::new(ip, self.number);
        SharedListener::bind(&self.runtime, address, &self.counters)
    }
}

impl Door {
    fn is_leased(&self) -> bool {
        let listener = self.listener.as_ref();
        self.socket.is_leased() || listener.is_some_and(SharedListener::is_leased)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        for receiver in &self.receivers {
            receiver.abort();
        }
    }
}
