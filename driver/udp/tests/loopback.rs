//! Real sockets on loopback: trains, partial sends, marks and source addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, SystemTime};

use duologue_base::{Datagram, Dscp, Ecn, Instant, SocketId, Transmit};
use duologue_udp::{ReceiveBuffers, Socket, SocketOptions, Taken};

const NOW: Instant = Instant::from_origin(Duration::from_secs(100));

fn bind(addr: &str) -> Socket {
    let addr = addr.parse().expect("an address");
    Socket::bind(addr, &SocketOptions::default()).expect("loopback is there")
}

fn transmit(remote: SocketAddr, len: usize, segment_size: Option<usize>) -> Transmit {
    Transmit {
        socket: SocketId(0),
        remote,
        local_ip: None,
        ecn: Ecn::NotEct,
        dscp: Dscp::DEFAULT,
        len,
        segment_size,
    }
}

/// Everything that has arrived. Loopback delivers inside `send`, so nothing needs to be awaited.
fn drain(socket: &Socket) -> Vec<(Datagram, Vec<u8>)> {
    drain_at(socket, NOW)
}

/// Everything that has arrived, taken at `now`.
fn drain_at(socket: &Socket, now: Instant) -> Vec<(Datagram, Vec<u8>)> {
    let taken = Taken::at(now, SystemTime::now());
    let mut buffers = ReceiveBuffers::new();
    let mut all = Vec::new();
    loop {
        match socket.receive(&mut buffers) {
            Ok(()) => all.extend(
                buffers
                    .datagrams(SocketId(7), taken)
                    .map(|(meta, b)| (meta, b.to_vec())),
            ),
            Err(e) => {
                assert_eq!(e.kind(), io::ErrorKind::WouldBlock);
                return all;
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn datagrams_of_one_batch_tell_when_each_of_them_arrived() {
    let (a, b) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let pause = Duration::from_millis(20);
    for byte in 0..3 {
        a.send(&transmit(b.local_addr(), 1, None), &[byte]).unwrap();
        thread::sleep(pause);
    }
    let got = drain_at(&b, NOW);
    let arrivals: Vec<Instant> = got.iter().map(|(meta, _)| meta.received).collect();
    assert_eq!(arrivals.len(), 3);
    for (earlier, later) in arrivals.iter().zip(&arrivals[1..]) {
        assert!(*later >= *earlier + pause, "{arrivals:?}");
    }
    assert!(NOW >= arrivals[2] + pause, "{arrivals:?}");
}

#[test]
fn a_stamp_of_a_clock_that_was_set_since_does_not_count() {
    let (a, b) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let hour = Duration::from_secs(3600);
    for wall in [SystemTime::now() + hour, SystemTime::now() - hour] {
        a.send(&transmit(b.local_addr(), 1, None), &[0]).unwrap();
        let mut buffers = ReceiveBuffers::new();
        b.receive(&mut buffers).unwrap();
        let taken = Taken::at(NOW, wall);
        let arrivals: Vec<Instant> = buffers
            .datagrams(SocketId(7), taken)
            .map(|(meta, _)| meta.received)
            .collect();
        assert_eq!(arrivals, [NOW]);
    }
}

#[test]
fn a_train_arrives_as_its_datagrams_in_order() {
    let (a, b) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    // 100 datagrams of 1,200 bytes and a short last one: more than one system call takes.
    let bytes: Vec<u8> = (0..100 * 1200 + 17).map(|i| (i / 1200) as u8).collect();
    let sent = a.send(&transmit(b.local_addr(), bytes.len(), Some(1200)), &bytes);
    assert_eq!(sent.unwrap(), bytes.len());
    let got = drain(&b);
    assert_eq!(got.len(), 101);
    for ((meta, datagram), expected) in got.iter().zip(bytes.chunks(1200)) {
        assert_eq!(datagram, expected);
        assert_eq!((meta.remote, meta.socket), (a.local_addr(), SocketId(7)));
        assert_eq!(meta.local_ip, None, "the socket is not bound to a wildcard");
    }
}

#[test]
fn datagrams_of_many_senders_come_in_one_batch() {
    let receiver = bind("127.0.0.1:0");
    let senders: Vec<Socket> = (0..20).map(|_| bind("127.0.0.1:0")).collect();
    for (i, sender) in senders.iter().enumerate() {
        let bytes = vec![i as u8; 10 + i];
        sender
            .send(&transmit(receiver.local_addr(), bytes.len(), None), &bytes)
            .unwrap();
    }
    let got = drain(&receiver);
    assert_eq!(got.len(), 20);
    for ((meta, bytes), (i, sender)) in got.iter().zip(senders.iter().enumerate()) {
        assert_eq!(bytes, &vec![i as u8; 10 + i]);
        assert_eq!(meta.remote, sender.local_addr());
    }
}

#[test]
fn congestion_marks_travel() {
    let (a, b) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    for ecn in [Ecn::Ect0, Ecn::Ect1, Ecn::Ce, Ecn::NotEct] {
        let marked = Transmit {
            ecn,
            ..transmit(b.local_addr(), 3, None)
        };
        a.send(&marked, b"abc").unwrap();
    }
    let marks: Vec<Ecn> = drain(&b).iter().map(|(meta, _)| meta.ecn).collect();
    assert_eq!(marks, [Ecn::Ect0, Ecn::Ect1, Ecn::Ce, Ecn::NotEct]);
}

/// The octet of DSCP and ECN of each datagram of 100 bytes that waits.
#[cfg(target_os = "linux")]
fn octets(socket: &Socket) -> Vec<u8> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
    use std::os::fd::AsRawFd;

    let mut octets = Vec::new();
    let mut bytes = [0; 65_536];
    let mut control = nix::cmsg_space!([u8; 256]);
    loop {
        let mut into = [std::io::IoSliceMut::new(&mut bytes)];
        let control = Some(control.as_mut_slice());
        let socket = socket.io().as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        let Ok(message) = recvmsg::<SockaddrStorage>(socket, &mut into, control, flags) else {
            return octets;
        };
        let messages = message.cmsgs().expect("there is room for them");
        // The system may hand a train over as one (UDP_GRO).
        let datagrams = message.bytes.div_ceil(100);
        let marks = messages.filter_map(|it| match it {
            ControlMessageOwned::Ipv4Tos(octet) => Some(octet),
            ControlMessageOwned::Ipv6TClass(class) => Some(class as u8),
            _ => None,
        });
        octets.extend(marks.flat_map(|octet| std::iter::repeat_n(octet, datagrams)));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn each_datagram_has_the_mark_of_its_train() {
    use nix::sys::socket::setsockopt;
    use nix::sys::socket::sockopt::{IpRecvTos, Ipv6RecvTClass};

    for (from, to) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("[::1]:0", "[::1]:0"),
        // Also where the source address goes along.
        ("0.0.0.0:0", "127.0.0.1:0"),
    ] {
        let (a, b) = (bind(from), bind(to));
        match b.local_addr() {
            SocketAddr::V4(_) => setsockopt(b.io(), IpRecvTos, &true).unwrap(),
            SocketAddr::V6(_) => setsockopt(b.io(), Ipv6RecvTClass, &true).unwrap(),
        }
        let mut expected = Vec::new();
        for (dscp, ecn, train) in [
            (Dscp::DEFAULT, Ecn::NotEct, 1),
            (Dscp::EXPEDITED, Ecn::NotEct, 1),
            (Dscp::assured(4, 1), Ecn::Ect1, 1),
            (Dscp::LOWER_EFFORT, Ecn::NotEct, 5),
            (Dscp::DEFAULT, Ecn::Ect1, 1),
        ] {
            let bytes = vec![7; 100 * train];
            let marked = Transmit {
                dscp,
                ecn,
                local_ip: Some(b.local_addr().ip()),
                ..transmit(b.local_addr(), bytes.len(), Some(100))
            };
            assert_eq!(a.send(&marked, &bytes).unwrap(), bytes.len());
            let bits = u8::from(ecn == Ecn::Ect1);
            expected.extend(vec![dscp.bits() << 2 | bits; train]);
        }
        assert_eq!(octets(&b), expected, "{from}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_wildcard_socket_says_where_datagrams_went_and_answers_from_there() {
    let (server, client) = (bind("0.0.0.0:0"), bind("127.0.0.1:0"));
    let second = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let to = SocketAddr::new(second, server.local_addr().port());
    client.send(&transmit(to, 2, None), b"hi").unwrap();
    let got = drain(&server);
    assert_eq!(got[0].0.local_ip, Some(second));
    let answer = Transmit {
        local_ip: got[0].0.local_ip,
        ..transmit(client.local_addr(), 2, None)
    };
    server.send(&answer, b"yo").unwrap();
    assert_eq!(drain(&client)[0].0.remote, to);
}

#[test]
fn ipv6_works() {
    if let Err(none) = std::net::UdpSocket::bind("[::1]:0") {
        panic!("this test wants IPv6 on loopback (sysctl net.ipv6.conf.lo.disable_ipv6=0): {none}");
    }
    let (a, b) = (bind("[::1]:0"), bind("[::1]:0"));
    let bytes = [5; 3000];
    assert_eq!(
        a.send(&transmit(b.local_addr(), 3000, Some(1000)), &bytes)
            .unwrap(),
        3000
    );
    assert_eq!(drain(&b).len(), 3);
}

#[test]
fn a_refused_datagram_is_an_error_and_the_socket_goes_on() {
    let (a, b) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    // A broadcast, which nobody asked leave for.
    let everybody = SocketAddr::from((Ipv4Addr::BROADCAST, 9));
    let refused = a.send(&transmit(everybody, 2, None), b"no");
    assert_ne!(refused.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(
        a.send(&transmit(b.local_addr(), 2, None), b"ok").unwrap(),
        2
    );
    assert_eq!(drain(&b)[0].1, b"ok");
}

#[test]
fn buffers_are_read_back_as_granted() {
    let small = SocketOptions {
        receive_buffer: 64 << 10,
        ..SocketOptions::default()
    };
    let small = Socket::bind("127.0.0.1:0".parse().unwrap(), &small).unwrap();
    let large = bind("127.0.0.1:0");
    assert!(small.buffer_sizes().receive < large.buffer_sizes().receive);
    assert!(large.buffer_sizes().send >= 64 << 10);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_group_shares_its_port_out_by_source_and_with_nobody_else() {
    let options = SocketOptions::default();
    let any = "127.0.0.1:0".parse().unwrap();
    let group = Socket::bind_group(any, &options, 3).unwrap();
    let addr = group[0].local_addr();
    assert!(group.iter().all(|socket| socket.local_addr() == addr));
    let senders: Vec<Socket> = (0..60).map(|_| bind("127.0.0.1:0")).collect();
    for _ in 0..2 {
        for sender in &senders {
            assert_eq!(sender.send(&transmit(addr, 2, None), b"hi").unwrap(), 2);
        }
    }
    let mut heard = 0;
    for socket in &group {
        let mut sources: Vec<SocketAddr> = drain(socket).iter().map(|(m, _)| m.remote).collect();
        assert!(!sources.is_empty());
        sources.sort();
        assert!(sources.chunks(2).all(|pair| pair[0] == pair[1]));
        heard += sources.len();
    }
    assert_eq!(heard, 120);
    for count in [1, 2] {
        let refused = Socket::bind_group(addr, &options, count).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }
}

/// RFC 8899 §3, item 1: what arrives says how much the path carries.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    windows
))]
#[test]
fn the_system_fragments_no_datagram() {
    assert!(!duologue_udp::may_fragment());
}

#[test]
fn a_datagram_that_is_too_long_for_the_interface_is_lost_and_no_error() {
    let (from, to) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let long = vec![7; 70_000];
    let sent = from.send(&transmit(to.local_addr(), long.len(), None), &long);
    assert_eq!(sent.expect("no error"), long.len());
    assert!(drain(&to).is_empty());
}
