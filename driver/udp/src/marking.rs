//! Datagrams with a DSCP: quinn-udp sets the two bits of ECN and leaves the six beside them alone, also
//! where the socket has another value for them.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use duologue_base::Transmit;

use crate::raw::RawSocket;

/// Sends marked datagrams of one socket.
#[derive(Debug, Default)]
pub(crate) struct Marking {
    /// A card or driver without segmentation offload refused a train.
    alone: AtomicBool,
    /// The system refused a mark, and took the same datagram without: sandboxes know few control messages.
    refused: AtomicBool,
}

/// What goes with one system call.
#[derive(Debug)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "nothing is marked")
)]
pub(crate) struct MarkedTrain<'a> {
    pub(crate) bytes: &'a [u8],
    /// Bytes of each datagram but the last, if there are several.
    pub(crate) segment: Option<usize>,
    /// The address to send from, where the socket has none.
    pub(crate) source: Option<IpAddr>,
}

impl Marking {
    /// Whether this system lets single datagrams be marked, as far as is known.
    pub(crate) fn is_possible(&self) -> bool {
        cfg!(target_os = "linux") && !self.refused.load(Ordering::Relaxed)
    }

    /// What came of a marked datagram; or, if that may be the mark's fault, of the same one sent without by
    /// `plain`. Once that shows that it was, nothing is marked any more.
    #[cfg(target_os = "linux")]
    pub(crate) fn unless_refused(
        &self,
        marked: io::Result<()>,
        plain: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        use nix::errno::Errno;

        const REFUSALS: [i32; 2] = [Errno::EINVAL as i32, Errno::EOPNOTSUPP as i32];
        let code = marked.as_ref().err().and_then(io::Error::raw_os_error);
        if code.is_some_and(|code| REFUSALS.contains(&code)) {
            // Addresses are refused by the same numbers.
            plain()?;
            self.refused.store(true, Ordering::Relaxed);
            return Ok(());
        }
        marked
    }

    /// Never called: nothing is marked here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn unless_refused(
        &self,
        marked: io::Result<()>,
        _plain: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        marked
    }

    /// The datagrams of a train, if the system takes `most` otherwise.
    pub(crate) fn max_segments(&self, most: usize) -> usize {
        match self.alone.load(Ordering::Relaxed) {
            true => 1,
            false => most,
        }
    }

    /// Sends a train with the marks of `transmit`.
    #[cfg(target_os = "linux")]
    pub(crate) fn send(
        &self,
        io: &impl RawSocket,
        transmit: &Transmit,
        train: &MarkedTrain<'_>,
    ) -> io::Result<()> {
        let sent = linux::send(io, transmit, train);
        if let Err(nix::errno::Errno::EIO | nix::errno::Errno::EINVAL) = sent
            && train.segment.is_some()
        {
            // The caller sends the same bytes again, one datagram a call.
            self.alone.store(true, Ordering::Relaxed);
        }
        sent.map_err(io::Error::from)
    }

    /// Never called: nothing is marked here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn send(
        &self,
        _io: &impl RawSocket,
        _transmit: &Transmit,
        _train: &MarkedTrain<'_>,
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::IoSlice;
    use std::net::IpAddr;
    use std::os::fd::{AsFd, AsRawFd};

    use duologue_base::{Ecn, Transmit};
    use nix::errno::Errno;
    use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

    use super::MarkedTrain;

    pub(super) fn send(
        io: &impl AsFd,
        transmit: &Transmit,
        train: &MarkedTrain<'_>,
    ) -> Result<(), Errno> {
        let octet = transmit.dscp.bits() << 2 | ecn_bits(transmit.ecn);
        let class = i32::from(octet);
        let segment = train.segment.and_then(|it| u16::try_from(it).ok());
        let (mut v4, mut v6) = (None, None);
        match train.source {
            Some(IpAddr::V4(address)) => {
                v4 = Some(in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: in_addr {
                        s_addr: u32::from_ne_bytes(address.octets()),
                    },
                    ipi_addr: in_addr { s_addr: 0 },
                });
            }
            Some(IpAddr::V6(address)) => {
                v6 = Some(in6_pktinfo {
                    ipi6_ifindex: 0,
                    ipi6_addr: in6_addr {
                        s6_addr: address.octets(),
                    },
                });
            }
            None => {}
        }

        let mark = match transmit.remote.is_ipv4() {
            true => ControlMessage::Ipv4Tos(&octet),
            false => ControlMessage::Ipv6TClass(&class),
        };
        let segments = segment.as_ref().map(ControlMessage::UdpGsoSegments);
        let v4 = v4.as_ref().map(ControlMessage::Ipv4PacketInfo);
        let v6 = v6.as_ref().map(ControlMessage::Ipv6PacketInfo);
        let messages: Vec<_> = [Some(mark), segments, v4, v6]
            .into_iter()
            .flatten()
            .collect();
        let contents = [IoSlice::new(train.bytes)];
        let remote = SockaddrStorage::from(transmit.remote);
        loop {
            let socket = io.as_fd().as_raw_fd();
            let flags = MsgFlags::MSG_DONTWAIT;
            match sendmsg(socket, &contents, &messages, flags, Some(&remote)) {
                Err(Errno::EINTR) => {}
                result => return result.map(|_| ()),
            }
        }
    }

    /// RFC 3168 §5.
    fn ecn_bits(ecn: Ecn) -> u8 {
        match ecn {
            Ecn::NotEct => 0b00,
            Ecn::Ect1 => 0b01,
            Ecn::Ect0 => 0b10,
            Ecn::Ce => 0b11,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use nix::errno::Errno;

    use super::*;

    fn failed(errno: Errno) -> io::Result<()> {
        Err(errno.into())
    }

    #[test]
    fn what_refuses_marks_is_asked_for_none_any_more() {
        for refusal in [Errno::EINVAL, Errno::EOPNOTSUPP] {
            let marking = Marking::default();
            assert!(marking.unless_refused(Ok(()), || unreachable!()).is_ok());
            assert!(marking.is_possible());
            assert!(marking.unless_refused(failed(refusal), || Ok(())).is_ok());
            assert!(!marking.is_possible());
        }
    }

    #[test]
    fn a_datagram_that_is_refused_without_its_mark_as_well_says_nothing_of_marks() {
        let marking = Marking::default();
        for other in [Errno::EPERM, Errno::EAGAIN, Errno::ECONNREFUSED] {
            let sent = marking.unless_refused(failed(other), || unreachable!());
            assert_eq!(sent.unwrap_err().raw_os_error(), Some(other as i32));
        }
        for again in [Errno::EINVAL, Errno::EAGAIN] {
            let sent = marking.unless_refused(failed(Errno::EINVAL), || failed(again));
            assert_eq!(sent.unwrap_err().raw_os_error(), Some(again as i32));
        }
        assert!(marking.is_possible());
    }
}
