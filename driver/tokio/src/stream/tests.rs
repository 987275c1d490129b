use std::future::poll_fn;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;

const TRAIN: usize = 10_000;

/// Trains are numbered by their bytes.
fn train(number: usize) -> Vec<u8> {
    vec![number as u8; TRAIN]
}

#[tokio::test]
async fn a_stream_that_nobody_reads_keeps_little_and_loses_whole_trains_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("it is bound");
    let (here, there) = tokio::join!(TcpStream::connect(addr), listener.accept());
    let (mut there, _) = there.expect("a connection");
    let mut stream = Stream::new(SocketId(0), Connection::Plain(here.expect("a connection")));
    let mut written = Vec::new();
    let mut lost = 0;
    let mut number = 0;
    while lost < 10 {
        let sent = poll_fn(|cx| Poll::Ready(stream.send(cx, &train(number)))).await;
        match sent {
            true => written.push(number),
            false => lost += 1,
        }
        assert!(stream.queue.len() - stream.sent <= STREAM_QUEUE_BYTES);
        number += 1;
    }
    // The reader comes back: what was taken arrives, in order and whole.
    let reader = tokio::spawn(async move {
        let mut arrived = Vec::new();
        there.read_to_end(&mut arrived).await.expect("it closes");
        arrived
    });
    poll_fn(|cx| {
        stream.drain(cx);
        match stream.queue.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    stream.finish();
    let arrived = reader.await.expect("it does not panic");
    assert!(arrived == written.into_iter().flat_map(train).collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_closed_stream_writes_what_it_has() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("it is bound");
    let (here, there) = tokio::join!(TcpStream::connect(addr), listener.accept());
    let (mut there, _) = there.expect("a connection");
    let mut stream = Stream::new(SocketId(0), Connection::Plain(here.expect("a connection")));
    let mut trains = 0;
    while stream.queue.is_empty() {
        assert!(poll_fn(|cx| Poll::Ready(stream.send(cx, &train(1)))).await);
        trains += 1;
    }
    stream.finish();
    let mut arrived = Vec::new();
    there.read_to_end(&mut arrived).await.expect("it closes");
    assert_eq!(arrived.len(), trains * TRAIN);
}
