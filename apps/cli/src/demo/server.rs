//! The connections of the demo's web server: how many there are, how slow they may be, with TLS or
//! without.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::guard::Arrival;
use super::limits::{ACCEPT_PAUSE, CLOSE_TIMEOUT, HEAD_BYTES, Limits};

/// A web server, before it serves.
pub(crate) struct Server {
    pub(super) listener: TcpListener,
    /// What those are given who come as they should.
    pub(super) page: Router,
    /// With it, what comes without TLS gets `elsewhere`.
    pub(super) tls: Option<TlsAcceptor>,
    /// Sends to the same address with TLS.
    pub(super) elsewhere: Router,
    pub(super) limits: Limits,
}

impl Server {
    /// Serves until `end` is there, then lets those who are connected take what they asked for.
    pub(crate) async fn serve(self, end: impl Future<Output = ()>) {
        let server = Arc::new(self);
        let places = Arc::new(Semaphore::new(server.limits.connections));
        let (ending, ended) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut end = pin!(end);
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await;
                (place, server.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = &mut end => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (server, ended) = (server.clone(), ended.clone());
                    connections.spawn(async move {
                        let _place = place;
                        // What is wrong with a connection ends it and concerns nobody else.
                        let _ = server.connection(stream, ended).await;
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
            while connections.try_join_next().is_some() {}
        }
        ending.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        // Who has not gone by then is cut off.
        let _ = timeout(CLOSE_TIMEOUT, all).await;
    }

    async fn connection(&self, stream: TcpStream, ended: watch::Receiver<bool>) -> io::Result<()> {
        let arrival = Arrival {
            local: stream.local_addr()?.ip().to_canonical(),
            peer: stream.peer_addr()?.ip().to_canonical(),
        };
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return self.http(stream, &self.page, arrival, ended).await;
        };
        let mut first = [0];
        if timeout(self.limits.head, stream.peek(&mut first)).await?? == 0 {
            return Ok(());
        }
        if first[0] != TLS_HANDSHAKE {
            return self.http(stream, &self.elsewhere, arrival, ended).await;
        }
        let stream = Patient::new(stream, self.limits.write);
        let stream = timeout(self.limits.head, tls.accept(stream)).await??;
        self.http(stream, &self.page, arrival, ended).await
    }

    async fn http(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        router: &Router,
        arrival: Arrival,
        mut ended: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let stream = TokioIo::new(Patient::new(stream, self.limits.write));
        let router = router.clone().layer(Extension(arrival));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(stream, TowerToHyperService::new(router));
        let mut connection = pin!(connection);
        tokio::select! {
            served = connection.as_mut() => return served.map_err(io::Error::other),
            // An error: the server is gone altogether.
            _ = ended.wait_for(|ended| *ended) => connection.as_mut().graceful_shutdown(),
        }
        connection.await.map_err(io::Error::other)
    }
}

/// The content type of a TLS record that begins a handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;

/// A stream that fails once the other end has taken nothing for a while.
struct Patient<S> {
    stream: S,
    patience: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn new(stream: S, patience: Duration) -> Self {
        Patient {
            stream,
            patience,
            stuck: None,
        }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stuck = None;
            return poll;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, poll)
    }
}
