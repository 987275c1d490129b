use std::io;
use std::net::{SocketAddr, UdpSocket};

use duologue_base::{Dscp, Ecn, Transmit};
use quinn_udp::{EcnCodepoint, UdpSockRef, UdpSocketState, is_msg_size_err};
use socket2::{Domain, Type};

use crate::limits::{DEFAULT_SOCKET_BUFFER, MAX_TRAIN_LEN};
use crate::marking::{MarkedTrain, Marking};
use crate::raw::RawSocket;
use crate::receive::ReceiveBuffers;

/// How to open a [`Socket`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SocketOptions {
    /// Bytes asked for the receive buffer (`SO_RCVBUF`).
    pub receive_buffer: usize,
    /// Bytes asked for the send buffer (`SO_SNDBUF`).
    pub send_buffer: usize,
}

impl Default for SocketOptions {
    fn default() -> Self {
        SocketOptions {
            receive_buffer: DEFAULT_SOCKET_BUFFER,
            send_buffer: DEFAULT_SOCKET_BUFFER,
        }
    }
}

/// The sizes of a socket's buffers, in bytes, as the system granted them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BufferSizes {
    /// `SO_RCVBUF`
    pub receive: usize,
    /// `SO_SNDBUF`
    pub send: usize,
}

/// A bound, non-blocking UDP socket.
///
/// `Io` is the system socket itself: the standard library's, or what a runtime made of it
/// ([`map_io`](Self::map_io)).
#[derive(Debug)]
pub struct Socket<Io = UdpSocket> {
    io: Io,
    state: UdpSocketState,
    local_addr: SocketAddr,
    buffer_sizes: BufferSizes,
    marking: Marking,
}

impl Socket {
    /// Opens a socket and binds it to `addr`; a port of 0 lets the system choose.
    ///
    /// # Errors
    /// Whatever the system says: the address is not (or no longer) of this host, the port is
    /// taken, no file descriptor is left. Smaller buffers than asked for are not an error.
    pub fn bind(addr: SocketAddr, options: &SocketOptions) -> io::Result<Self> {
        let socket = open(addr, options)?;
        socket.bind(&addr.into())?;
        Socket::of(socket)
    }

    /// Several sockets on one address, for as many threads. The system gives all datagrams of one
    /// source to the same one of them, as long as their number does not change (`SO_REUSEPORT`).
    /// Where it does not share datagrams out like that there is only one socket, whatever `count`.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind): the port must be free, also of sockets that would share it.
    pub fn bind_group(
        addr: SocketAddr,
        options: &SocketOptions,
        count: usize,
    ) -> io::Result<Vec<Self>> {
        let first = open(addr, options)?;
        first.bind(&addr.into())?;
        let mut group = Vec::with_capacity(count);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if count > 1 {
            // Only now: one that shares before it is bound would join the group of a stranger.
            first.set_reuse_port(true)?;
            let bound = first.local_addr()?;
            for _ in 1..count {
                let socket = open(addr, options)?;
                socket.set_reuse_port(true)?;
                socket.bind(&bound)?;
                group.push(Socket::of(socket)?);
            }
        }
        group.push(Socket::of(first)?);
        Ok(group)
    }

    fn of(socket: socket2::Socket) -> io::Result<Self> {
        let buffer_sizes = BufferSizes {
            receive: socket.recv_buffer_size()?,
            send: socket.send_buffer_size()?,
        };
        let io = UdpSocket::from(socket);
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let local_addr = io.local_addr()?;
        Ok(Socket {
            io,
            state,
            local_addr,
            buffer_sizes,
            marking: Marking::default(),
        })
    }
}

/// A socket that takes and sends nothing. While there is one, the system keeps what it sets up for the first [`Socket`] and
/// takes down after the last one: Linux patches its own code for receive offload and time stamps, for which
/// all processors stop. Who opens and closes sockets one after the other holds it.
#[derive(Debug)]
pub struct Anchor {
    _socket: socket2::Socket,
}

impl Anchor {
    /// Opens it. It has no port.
    ///
    /// # Errors
    /// Whatever the system says, such as that no file descriptor is left.
    pub fn open() -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Anchor { _socket: socket })
    }
}

/// Whether IP may cut the datagrams of sockets like these into fragments: the system has no
/// don't-fragment bit, or does not let it be set.
pub fn may_fragment() -> bool {
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    let state = open(any, &SocketOptions::default())
        .and_then(|socket| UdpSocketState::new(UdpSockRef::from(&socket)));
    state.map_or(true, |state| state.may_fragment())
}

/// A socket for this address that is not bound yet.
fn open(addr: SocketAddr, options: &SocketOptions) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
    if addr.is_ipv6() {
        // One candidate is one address of one family: an IPv6 wildcard must not take the
        // datagrams of the IPv4 socket on the same port.
        socket.set_only_v6(true)?;
    }
    // A system that caps the sizes grants its maximum without an error; one that refuses keeps
    // its default, which works, slower.
    let _ = socket.set_recv_buffer_size(options.receive_buffer);
    let _ = socket.set_send_buffer_size(options.send_buffer);
    Ok(socket)
}

impl<Io> Socket<Io> {
    /// The socket with its system part converted, for example registered with a runtime.
    ///
    /// # Errors
    /// What `f` returns; the socket is closed then.
    pub fn map_io<T>(self, f: impl FnOnce(Io) -> io::Result<T>) -> io::Result<Socket<T>> {
        Ok(Socket {
            io: f(self.io)?,
            state: self.state,
            local_addr: self.local_addr,
            buffer_sizes: self.buffer_sizes,
            marking: self.marking,
        })
    }

    /// The system socket.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// The bound address.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What the system granted of the buffer sizes that were asked for. Linux counts its own
    /// bookkeeping in and reports twice the bytes.
    pub fn buffer_sizes(&self) -> BufferSizes {
        self.buffer_sizes
    }

    /// The datagrams one system call sends at most: 1 without segmentation offload, also after
    /// the system or a network card refused it.
    pub fn max_segments(&self) -> usize {
        self.state.max_gso_segments()
    }
}

impl<Io: RawSocket> Socket<Io> {
    /// Sends the datagrams of `contents`, the first `transmit.len` bytes that
    /// `poll_transmit` wrote. Returns how many bytes the system took, always up to a datagram's end:
    /// none when the send buffer is full, fewer than there are when it became full or the system refused a
    /// datagram behind them. The caller passes the rest again, after none once the socket is writable.
    ///
    /// # Errors
    /// The system refused the first datagram (no route, forbidden by a firewall): nothing of `contents` was
    /// taken. They are to be treated as lost on the way, and so is, without an error, what is too long for the
    /// interface. Never [`io::ErrorKind::WouldBlock`].
    ///
    /// `transmit.dscp` is set where the system lets a program mark single datagrams, which is Linux;
    /// elsewhere it is left out, and from then on where the system refuses a mark.
    pub fn send(&self, transmit: &Transmit, contents: &[u8]) -> io::Result<usize> {
        let segment = transmit.segment_size.unwrap_or(contents.len());
        // It may turn out on the way that it is not.
        let marked = || transmit.dscp != Dscp::DEFAULT && self.marking.is_possible();
        send_trains(
            contents,
            segment,
            || match marked() {
                true => self.marking.max_segments(self.state.max_gso_segments()),
                false => self.state.max_gso_segments(),
            },
            |train| match marked() {
                true => self.send_marked(transmit, train, segment),
                false => self.send_train(transmit, train, segment),
            },
        )
    }

    fn send_marked(&self, transmit: &Transmit, bytes: &[u8], segment: usize) -> io::Result<()> {
        #[cfg(feature = "faults")]
        crate::faults::strike(crate::faults::Call::Send)?;
        let source = self.local_addr.ip().is_unspecified();
        let train = MarkedTrain {
            bytes,
            segment: (bytes.len() > segment).then_some(segment),
            source: transmit.local_ip.filter(|_| source),
        };
        let sent = match self.marking.send(&self.io, transmit, &train) {
            Err(error) if is_msg_size_err(&error) => Ok(()),
            result => result,
        };
        match train.segment {
            // It goes again, one datagram a call.
            Some(_) => sent,
            None => {
                let plain = || self.send_train(transmit, bytes, segment);
                self.marking.unless_refused(sent, plain)
            }
        }
    }

    fn send_train(&self, transmit: &Transmit, bytes: &[u8], segment: usize) -> io::Result<()> {
        #[cfg(feature = "faults")]
        crate::faults::strike(crate::faults::Call::Send)?;
        let source = self.local_addr.ip().is_unspecified();
        let transmit = quinn_udp::Transmit {
            destination: transmit.remote,
            ecn: ecn_to_system(transmit.ecn),
            contents: bytes,
            segment_size: (bytes.len() > segment).then_some(segment),
            src_ip: transmit.local_ip.filter(|_| source),
        };
        match self.state.try_send(UdpSockRef::from(&self.io), &transmit) {
            // A probe of the path (RFC 8899), which here already carries less: it is lost as it would be
            // further on.
            Err(error) if is_msg_size_err(&error) => Ok(()),
            result => result,
        }
    }

    /// Takes what has arrived, as many trains as `buffers` holds, by one system call.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing has arrived; else what the system says.
    pub fn receive(&self, buffers: &mut ReceiveBuffers) -> io::Result<()> {
        let wildcard = self.local_addr.ip().is_unspecified();
        buffers.fill(wildcard, |bufs, meta| {
            #[cfg(feature = "faults")]
            crate::faults::strike(crate::faults::Call::Receive)?;
            self.state.recv(UdpSockRef::from(&self.io), bufs, meta)
        })
    }
}

/// Cuts `contents` into trains that the system takes and passes them to `send`. Returns the bytes
/// taken until `send` would block or fails; its error if that are none.
fn send_trains(
    contents: &[u8],
    segment: usize,
    max_segments: impl Fn() -> usize,
    mut send: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<usize> {
    let segment = segment.max(1);
    let mut rest = contents;
    while !rest.is_empty() {
        let segments = max_segments().min(MAX_TRAIN_LEN / segment).max(1);
        let (train, after) = rest.split_at(rest.len().min(segment.saturating_mul(segments)));
        match send(train) {
            Ok(()) => rest = after,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            // A card or driver without the offload refuses with EIO or EINVAL, whereupon
            // quinn-udp halts it: the same bytes then go again, one datagram a call.
            Err(_) if segments > 1 && max_segments() == 1 => {}
            Err(e) if rest.len() == contents.len() => return Err(e),
            Err(_) => break,
        }
    }
    Ok(contents.len() - rest.len())
}

fn ecn_to_system(ecn: Ecn) -> Option<EcnCodepoint> {
    match ecn {
        Ecn::NotEct => None,
        Ecn::Ect0 => Some(EcnCodepoint::Ect0),
        Ecn::Ect1 => Some(EcnCodepoint::Ect1),
        Ecn::Ce => Some(EcnCodepoint::Ce),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_full_send_buffer_leaves_whole_datagrams_to_send_later() {
        let mut calls = 0;
        let sent = send_trains(
            &[0; 1000],
            100,
            || 4,
            |train| {
                calls += 1;
                assert_eq!(train.len(), 400);
                if calls == 2 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            },
        );
        assert_eq!(sent.unwrap(), 400);
    }

    #[test]
    fn trains_go_one_by_one_once_the_offload_is_refused() {
        let segments = Cell::new(64);
        let mut sizes = Vec::new();
        let sent = send_trains(
            &[0; 250],
            100,
            || segments.get(),
            |train| {
                if train.len() > 100 {
                    segments.set(1);
                    return Err(io::Error::other("EIO"));
                }
                sizes.push(train.len());
                Ok(())
            },
        );
        assert_eq!(sent.unwrap(), 250);
        assert_eq!(sizes, [100, 100, 50]);
    }

    #[test]
    fn what_the_system_refuses_is_an_error_not_a_loop() {
        let refused = send_trains(&[0; 250], 100, || 1, |_| Err(io::Error::other("EPERM")));
        assert!(refused.is_err());
    }

    #[test]
    fn what_was_taken_before_a_refusal_is_told_and_the_refusal_next() {
        let mut calls = 0;
        let mut send = |train: &[u8]| {
            calls += 1;
            match calls {
                1 => {
                    assert_eq!(train.len(), 200);
                    Ok(())
                }
                _ => Err(io::Error::other("EPERM")),
            }
        };
        let contents = [0; 500];
        let sent = send_trains(&contents, 100, || 2, &mut send).unwrap();
        assert_eq!(sent, 200);
        assert!(send_trains(&contents[sent..], 100, || 2, &mut send).is_err());
    }

    #[test]
    fn no_train_exceeds_what_one_system_call_takes() {
        let mut longest = 0;
        let sent = send_trains(
            &vec![0; 200_000],
            1400,
            || 64,
            |train| {
                longest = longest.max(train.len());
                assert!(train.len() <= MAX_TRAIN_LEN);
                Ok(())
            },
        );
        assert_eq!(sent.unwrap(), 200_000);
        assert_eq!(longest % 1400, 0);
    }
}
