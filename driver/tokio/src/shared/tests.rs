use std::net::UdpSocket as StdSocket;

use duologue_base::Ecn;
use duologue_stun::{Class, Message, Method, TransactionId, Writer};
use duologue_udp::{InterfaceFilter, interfaces};

use super::*;
use crate::mailbox::Input;

fn check(username: &str) -> Vec<u8> {
    let mut request = Vec::new();
    let id = TransactionId([1; 12]);
    Writer::new(&mut request, Class::Request, Method::BINDING, id)
        .username(username)
        .fingerprint();
    request
}

fn port(counters: &Arc<Counters>) -> SharedPort {
    let filter = InterfaceFilter {
        loopback: true,
        ipv6: false,
        ..Default::default()
    };
    let mut interfaces = interfaces().unwrap();
    interfaces.retain(|i| i.is_loopback && filter.accepts(i));
    let options = SocketOptions::default();
    SharedPort::bind(&Handle::current(), &interfaces, 0, &options, counters).unwrap()
}

/// What comes for a session, once something does.
async fn arrived(mailbox: &Mailbox) -> Vec<(SocketId, Vec<u8>)> {
    poll_fn(|cx| {
        let mut inputs = Vec::new();
        mailbox.queue().take(&mut inputs);
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
    let counters = Arc::default();
    let port = port(&counters);
    let socket = port.socket("127.0.0.1".parse().unwrap()).unwrap();
    let (one, two) = (Arc::new(Mailbox::new()), Arc::new(Mailbox::new()));
    let mut lease_one = socket.lease(SocketId(10), one.clone());
    let lease_two = socket.lease(SocketId(20), two.clone());
    lease_one.add_ufrag("aaaa");
    lease_two.add_ufrag("bbbb");

    let (first, second) = (remote(), remote());
    first
        .send_to(&check("aaaa:x"), socket.local_addr())
        .unwrap();
    second
        .send_to(&check("bbbb:x"), socket.local_addr())
        .unwrap();
    assert_eq!(arrived(&one).await, [(SocketId(10), check("aaaa:x"))]);
    assert_eq!(arrived(&two).await, [(SocketId(20), check("bbbb:x"))]);

    let answer = transmit(first.local_addr().unwrap(), 2);
    assert_eq!(lease_one.send(&answer, b"ok").unwrap(), 2);
    first.send_to(b"no STUN", socket.local_addr()).unwrap();
    assert_eq!(arrived(&one).await, [(SocketId(10), b"no STUN".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_cannot_send_to_an_occupied_address() {
    let counters: Arc<Counters> = Arc::default();
    let port = port(&counters);
    let socket = port.socket("127.0.0.1".parse().unwrap()).unwrap();
    let peer = remote();
    let to = transmit(peer.local_addr().unwrap(), 1);
    let mut one = socket.lease(SocketId(1), Arc::new(Mailbox::new()));
    let mut two = socket.lease(SocketId(2), Arc::new(Mailbox::new()));
    one.send(&to, b"1").unwrap();
    let refused = two.send(&to, b"2").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(counters.send_conflicts.load(Ordering::Relaxed), 1);
    drop(one);
    two.send(&to, b"2").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
    assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
    assert_eq!(&buffer[..1], b"2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_nobody_or_for_a_slow_session_is_dropped_and_counted() {
    let counters: Arc<Counters> = Arc::default();
    let port = port(&counters);
    let socket = port.socket("127.0.0.1".parse().unwrap()).unwrap();
    let mailbox = Arc::new(Mailbox::new());
    let mut lease = socket.lease(SocketId(1), mailbox.clone());
    let (known, stranger) = (remote(), remote());
    lease
        .send(&transmit(known.local_addr().unwrap(), 1), b"1")
        .unwrap();

    stranger
        .send_to(b"who are you", socket.local_addr())
        .unwrap();
    let count = 40;
    for _ in 0..count {
        known.send_to(&[0; 60_000], socket.local_addr()).unwrap();
    }
    // 17 of them fit into 1 MiB.
    while counters.queue_overflows.load(Ordering::Relaxed) < count - 17 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counters.unroutable.load(Ordering::Relaxed), 1);
    assert_eq!(arrived(&mailbox).await.len(), 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_port_ends_its_tasks_and_closes_its_sockets() {
    let counters = Arc::default();
    let port = port(&counters);
    let alive = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(alive(), 1);
    let address = port.sockets[0].local_addr();
    drop(port);
    while alive() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(StdSocket::bind(address).is_ok());
}
