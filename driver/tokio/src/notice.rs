//! Waiting for word of the system that its interfaces changed.

use std::time::Duration;

use crate::limits::INTERFACES_SETTLE;

/// Waits until the system tells of changes and they have settled, at most for `pause`.
pub(crate) async fn wait_for_notice(notice: Option<&Notice>, pause: Duration) {
    let Some(notice) = notice else {
        return tokio::time::sleep(pause).await;
    };
    if tokio::time::timeout(pause, notice.changed()).await.is_ok() {
        tokio::time::sleep(INTERFACES_SETTLE).await;
        notice.forget();
    }
}

#[cfg(unix)]
pub(crate) use unix::Notice;

#[cfg(not(unix))]
pub(crate) use other::Notice;

#[cfg(unix)]
mod unix {
    use std::future::pending;
    use std::io;

    use duologue_udp::interface_changes;
    use tokio::net::UnixDatagram;

    /// The system's word, as the runtime waits for it. That it is a datagram socket is all that
    /// matters here.
    pub(crate) struct Notice(UnixDatagram);

    impl Notice {
        /// None where the system does not tell.
        pub(crate) fn open() -> Option<Self> {
            let socket = interface_changes().ok()?;
            Some(Notice(UnixDatagram::from_std(socket.into()).ok()?))
        }

        pub(super) async fn changed(&self) {
            while !self.forget() {
                if self.0.readable().await.is_err() {
                    // The runtime is shutting down.
                    return pending().await;
                }
            }
        }

        /// Takes what came; whether anything did.
        pub(super) fn forget(&self) -> bool {
            let mut any = false;
            let mut buffer = [0; 4096];
            loop {
                match self.0.try_recv(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                    Ok(_) => any = true,
                    // An overflow: something was lost.
                    Err(_) => return true,
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    /// The system does not tell.
    pub(crate) enum Notice {}

    impl Notice {
        pub(crate) fn open() -> Option<Self> {
            None
        }

        pub(super) async fn changed(&self) {
            match *self {}
        }

        pub(super) fn forget(&self) -> bool {
            match *self {}
        }
    }
}
