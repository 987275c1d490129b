use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, UdpSocket as StdSocket};

use duologue_base::{Dscp, Ecn};
use duologue_stun::{Class, Message, Method, TransactionId, Writer};
use duologue_udp::interfaces;
use tokio::runtime::Handle;

use super::*;
use crate::endpoint::{EndpointOptions, lock};
use crate::mailbox::Input;

fn check(username: &str) -> Vec<u8> {
    let mut request = Vec::new();
    let id = TransactionId([1; 12]);
    Writer::new(&mut request, Class::Request, Method::BINDING, id)
        .username(username)
        .fingerprint();
    request
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn port(counters: &Arc<Counters>) -> SharedPort {
    let mut interfaces = interfaces().unwrap();
    interfaces.retain(|interface| interface.ip == HERE);
    let options = EndpointOptions::default();
    SharedPort::bind(
        &Handle::current(),
        &interfaces,
        0,
        &options,
        (Clock::start(), counters),
    )
    .unwrap()
}

#[tokio::test]
async fn a_port_may_be_made_before_the_host_has_an_address() {
    let counters = Arc::default();
    let made = |number| {
        let here = (Clock::start(), &counters);
        SharedPort::bind(
            &Handle::current(),
            &[],
            number,
            &EndpointOptions::default(),
            here,
        )
    };
    assert_eq!(made(0).unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
    let lease = (20_000..30_000).find_map(|number| {
        let port = made(number).unwrap();
        assert_eq!(port.number(), number);
        let lease = port.lease(HERE, SocketId(1), &nobody())?;
        Some((number, lease.local_addr().port()))
    });
    assert!(lease.is_some_and(|(number, port)| number == port));
}

fn lease(port: &SharedPort, id: u32, mailbox: &Arc<Mailbox>) -> Lease {
    port.lease(HERE, SocketId(id), mailbox).unwrap()
}

fn nobody() -> Arc<Mailbox> {
    Arc::new(Mailbox::new())
}

/// What comes for a session, once something does.
async fn arrived(mailbox: &Mailbox) -> Vec<(SocketId, Vec<u8>)> {
    poll_fn(|cx| {
        let mut inputs = Vec::new();
        mailbox.queue().take(&mut inputs).unwrap();
        if inputs.is_empty() {
            mailbox.queue().wait(cx.waker());
            return Poll::Pending;
        }
        let trains = inputs.into_iter().map(|input| match input {
            Input::Train(train) => {
                mailbox.train_taken(&train);
                (train.meta.socket, train.bytes)
            }
            other => panic!("{other:?}"),
        });
        Poll::Ready(trains.collect())
    })
    .await
}

fn transmit(remote: SocketAddr, len: usize) -> Transmit {
    Transmit {
        socket: SocketId(0),
        remote,
        local_ip: None,
        ecn: Ecn::NotEct,
        dscp: Dscp::DEFAULT,
        len,
        segment_size: None,
    }
}

fn remote() -> StdSocket {
    StdSocket::bind("127.0.0.1:0").unwrap()
}

#[test]
fn a_check_names_the_session_it_is_for() {
    let request = check("here:there");
    assert!(Message::parse(&request).is_ok());
    assert_eq!(local_ufrag(&request), Some("here"));
    assert_eq!(local_ufrag(&request[..request.len() - 1]), None);
    assert_eq!(local_ufrag(b"\x16\xfe\xfd not STUN"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_found_by_user_name_first_and_by_address_once_they_have_answered() {
    let port = port(&Arc::default());
    let (one, two) = (nobody(), nobody());
    let mut lease_one = lease(&port, 10, &one);
    let lease_two = lease(&port, 20, &two);
    lease_one.add_ufrag("aaaa");
    lease_two.add_ufrag("bbbb");

    let (first, second, to) = (remote(), remote(), lease_one.local_addr());
    first.send_to(&check("aaaa:x"), to).unwrap();
    second.send_to(&check("bbbb:x"), to).unwrap();
    assert_eq!(arrived(&one).await, [(SocketId(10), check("aaaa:x"))]);
    assert_eq!(arrived(&two).await, [(SocketId(20), check("bbbb:x"))]);

    let answer = transmit(first.local_addr().unwrap(), 2);
    assert_eq!(lease_one.send(&answer, b"ok").unwrap(), 2);
    // Found in the table, then in the receiver's memory.
    for _ in 0..2 {
        first.send_to(b"no STUN", to).unwrap();
        assert_eq!(arrived(&one).await, [(SocketId(10), b"no STUN".to_vec())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_cannot_send_to_an_occupied_address() {
    let counters: Arc<Counters> = Arc::default();
    let port = port(&counters);
    let peer = remote();
    let to = transmit(peer.local_addr().unwrap(), 1);
    let mut one = lease(&port, 1, &nobody());
    let mut two = lease(&port, 2, &nobody());
    one.send(&to, b"1").unwrap();
    let refused = two.send(&to, b"2").unwrap_err();
    assert_eq!(refused.error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(counters.send_conflicts.load(Ordering::Relaxed), 1);
    drop(one);
    two.send(&to, b"2").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
    assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
    assert_eq!(&buffer[..1], b"2");
}

/// The peer has a fixed port; it crashed and calls again before the end of its first call is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_calls_again_is_its_new_sessions_once_the_old_one_is_silent() {
    let port = port(&Arc::default());
    let (old, new) = (nobody(), nobody());
    let mut old_lease = lease(&port, 1, &old);
    let mut new_lease = lease(&port, 2, &new);
    old_lease.add_ufrag("aaaa");
    new_lease.add_ufrag("bbbb");
    let (peer, at) = (remote(), old_lease.local_addr());
    let peer_at = peer.local_addr().unwrap();
    old_lease.send(&transmit(peer_at, 1), b"1").unwrap();
    peer.send_to(b"data", at).unwrap();
    assert_eq!(arrived(&old).await, [(SocketId(1), b"data".to_vec())]);

    peer.send_to(&check("bbbb:x"), at).unwrap();
    assert_eq!(arrived(&new).await, [(SocketId(2), check("bbbb:x"))]);
    // As long as the first session hears its peer nobody else disturbs that.
    let ours = check("x:bbbb");
    let to = transmit(peer_at, ours.len());
    new_lease.send(&to, &ours).unwrap_err();
    old_lease.set_path(Some(peer_at), true);
    assert_eq!(new_lease.send(&to, &ours).unwrap(), ours.len());
    let mut answer = Vec::new();
    let id = Message::parse(&ours).unwrap().transaction_id();
    Writer::new(&mut answer, Class::SuccessResponse, Method::BINDING, id);
    peer.send_to(&answer, at).unwrap();
    assert_eq!(arrived(&new).await, [(SocketId(2), answer)]);

    // Only its session can tell whether that was the peer's.
    let data = transmit(peer_at, 1);
    new_lease.send(&data, b"2").unwrap_err();
    new_lease.set_path(Some(peer_at), false);
    new_lease.send(&data, b"2").unwrap();
    peer.send_to(b"data", at).unwrap();
    assert_eq!(arrived(&new).await, [(SocketId(2), b"data".to_vec())]);
    old_lease.send(&data, b"1").unwrap_err();
    drop(old_lease);
    peer.send_to(b"more", at).unwrap();
    assert_eq!(arrived(&new).await, [(SocketId(2), b"more".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_address_more_peers_than_it_keeps_at_a_time() {
    let port = port(&Arc::default());
    let mailbox = nobody();
    let mut lease = lease(&port, 1, &mailbox);
    let peer = remote();
    let used = peer.local_addr().unwrap();
    lease.set_path(Some(used), false);
    lease.send(&transmit(used, 1), b"1").unwrap();
    for number in 0..600 {
        let other = SocketAddr::from(([127, 0, 0, 2], 10_000 + number));
        lease.send(&transmit(other, 1), b"1").unwrap();
    }
    peer.send_to(b"data", lease.local_addr()).unwrap();
    assert_eq!(arrived(&mailbox).await, [(SocketId(1), b"data".to_vec())]);
}

/// Whoever has its user name and password sends checks from wherever it likes.
#[tokio::test(flavor = "multi_thread")]
async fn checks_of_one_session_from_everywhere_cost_it_nothing_and_leave_little_behind() {
    let port = port(&Arc::default());
    let mailbox = nobody();
    let mut lease = lease(&port, 1, &mailbox);
    let peer = remote();
    let first = transmit(peer.local_addr().unwrap(), 1);
    lease.send(&first, b"1").unwrap();
    let response = |class| {
        let mut response = Vec::new();
        Writer::new(
            &mut response,
            class,
            Method::BINDING,
            TransactionId([1; 12]),
        );
        response
    };
    let elsewhere = |number: u16| SocketAddr::from(([127, 0, 0, 2], 10_000 + number));
    let mut send = |class, number| {
        let bytes = response(class);
        lease
            .send(&transmit(elsewhere(number), bytes.len()), &bytes)
            .unwrap();
        lease.claimed.len()
    };
    assert_eq!(send(Class::ErrorResponse, 0), 1);
    assert_eq!(send(Class::SuccessResponse, 0), 2);
    for number in 0..600 {
        assert!(send(Class::SuccessResponse, number) <= REMOTES_PER_SESSION);
    }
    assert_eq!(lease.socket.routes().losses(), 0);
    peer.send_to(b"data", lease.local_addr()).unwrap();
    assert_eq!(arrived(&mailbox).await, [(SocketId(1), b"data".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_forgets_the_addresses_that_a_session_gave_up() {
    let port = port(&Arc::default());
    let mailbox = nobody();
    let mut lease = lease(&port, 1, &mailbox);
    let count = 4 * REMOTES_PER_SESSION;
    for _ in 0..count {
        let peer = remote();
        let to = transmit(peer.local_addr().unwrap(), 1);
        lease.send(&to, b"1").unwrap();
        peer.send_to(b"data", lease.local_addr()).unwrap();
        assert_eq!(arrived(&mailbox).await, [(SocketId(1), b"data".to_vec())]);
    }
    assert_eq!(lease.claimed.len(), REMOTES_PER_SESSION);
    for member in &lease.socket.members {
        let mut receiver = lock(&member.receiver);
        receiver.forget_lost(&lease.socket);
        assert!(receiver.remembered() < 2 * REMOTES_PER_SESSION);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_heard_for_one_session_is_anothers_when_that_one_claims_it() {
    let port = port(&Arc::default());
    let peer = remote();
    let to = transmit(peer.local_addr().unwrap(), 1);
    for id in 0..3 {
        let mailbox = nobody();
        let mut lease = lease(&port, id, &mailbox);
        lease.send(&to, b"1").unwrap();
        peer.send_to(b"hello", lease.local_addr()).unwrap();
        assert_eq!(arrived(&mailbox).await, [(SocketId(id), b"hello".to_vec())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_threads_of_the_runtime_share_the_sources_of_one_address() {
    let port = port(&Arc::default());
    let mailbox = nobody();
    let mut lease = lease(&port, 1, &mailbox);
    let threads = Handle::current().metrics().num_workers().min(16);
    let group = if cfg!(target_os = "linux") {
        threads
    } else {
        1
    };
    assert_eq!(lease.socket.members.len(), group);
    let peers: Vec<StdSocket> = (0..100).map(|_| remote()).collect();
    for peer in &peers {
        let to = transmit(peer.local_addr().unwrap(), 1);
        lease.send(&to, b"1").unwrap();
    }
    let mut count = 0;
    for _ in 0..3 {
        for peer in &peers {
            peer.send_to(b"hello", lease.local_addr()).unwrap();
        }
    }
    while count < 300 {
        count += arrived(&mailbox).await.len();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_nobody_or_for_a_slow_session_is_dropped_and_counted() {
    let counters: Arc<Counters> = Arc::default();
    let port = port(&counters);
    let mailbox = nobody();
    let mut lease = lease(&port, 1, &mailbox);
    let (known, stranger, to) = (remote(), remote(), lease.local_addr());
    lease
        .send(&transmit(known.local_addr().unwrap(), 1), b"1")
        .unwrap();

    stranger.send_to(b"who are you", to).unwrap();
    let count = 40;
    for _ in 0..count {
        known.send_to(&[0; 60_000], to).unwrap();
    }
    // 17 of them fit into 1 MiB.
    let lost = || {
        let unroutable = counters.unroutable.load(Ordering::Relaxed);
        (unroutable, counters.queue_overflows.load(Ordering::Relaxed))
    };
    while lost() != (1, count - 17) {
        tokio::task::yield_now().await;
    }
    assert_eq!(arrived(&mailbox).await.len(), 17);
}

/// Whoever has not read the signalling cannot make the port remember anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_user_names_is_counted_and_leaves_nothing_behind() {
    flood(20_000, |n| check(&format!("{n:08}:x"))).await;
}

/// Nor can a ClientHello, with which any other server of DTLS would begin a handshake: ours begin with
/// addresses that answered a check.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_half_open_handshakes_of_strangers_are_counted_and_leave_nothing_behind() {
    let hello = |n: u64| {
        let mut hello = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 1, 0, 0, 188];
        hello.extend(n.to_be_bytes());
        hello.resize(13 + 200, 7);
        hello
    };
    flood(10_000, hello).await;
}

/// So many datagrams of strangers, and one of a friend.
async fn flood(count: u64, datagram: impl Fn(u64) -> Vec<u8>) {
    let counters: Arc<Counters> = Arc::default();
    let port = port(&counters);
    let mailbox = nobody();
    let lease = lease(&port, 1, &mailbox);
    lease.add_ufrag("aaaa");
    let (strangers, to) = ([(); 20].map(|()| remote()), lease.local_addr());
    let unroutable = || counters.unroutable.load(Ordering::Relaxed);
    for n in 0..count {
        let stranger = &strangers[n as usize % strangers.len()];
        stranger.send_to(&datagram(n), to).unwrap();
        // No more than the system's buffers hold at once.
        while n + 1 - unroutable() > 500 {
            tokio::task::yield_now().await;
        }
    }
    let friend = remote();
    friend.send_to(&check("aaaa:x"), to).unwrap();
    assert_eq!(arrived(&mailbox).await, [(SocketId(1), check("aaaa:x"))]);
    while unroutable() < count {
        tokio::task::yield_now().await;
    }
    assert!(lease.socket.routes().is_empty_but_for_user_names());
}

/// Any address of 127.0.0.0/8 is this host's, listed or not.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_comes_later_has_the_port_too_until_it_is_lost_and_nobody_uses_it() {
    let later = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77));
    let port = port(&Arc::default());
    let mailbox = nobody();
    let lease = port.lease(later, SocketId(5), &mailbox).unwrap();
    assert_eq!(lease.local_addr(), SocketAddr::new(later, port.number()));
    lease.add_ufrag("aaaa");
    let peer = remote();
    for lost in [false, true] {
        if lost {
            port.close_lost(&[HERE]);
        }
        peer.send_to(&check("aaaa:x"), lease.local_addr()).unwrap();
        assert_eq!(arrived(&mailbox).await, [(SocketId(5), check("aaaa:x"))]);
    }
    let address = lease.local_addr();
    drop(lease);
    port.close_lost(&[HERE]);
    // Its receivers end when their threads come to it.
    while StdSocket::bind(address).is_err() {
        tokio::task::yield_now().await;
    }
    // And it may come again.
    assert!(port.lease(later, SocketId(6), &mailbox).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_port_ends_its_tasks_and_closes_its_sockets() {
    let port = port(&Arc::default());
    let alive = || Handle::current().metrics().num_alive_tasks();
    let lease = lease(&port, 1, &nobody());
    assert_eq!(alive(), lease.socket.members.len());
    let address = lease.local_addr();
    drop((port, lease));
    while alive() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(StdSocket::bind(address).is_ok());
}
