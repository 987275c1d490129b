use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::limits::BACKLOG;

/// The only socket that listens at its port. Others of this process may connect from there.
pub(crate) fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = new_socket(addr)?;
    // Connections of an earlier process may still be about to end.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    share_port(&socket)?;
    socket.listen(BACKLOG)
}

pub(crate) fn new_socket(local: SocketAddr) -> io::Result<TcpSocket> {
    match local {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
}

/// Sockets of this process on one port, which simultaneous opens need: one that listens, others
/// that connect.
pub(crate) fn share_port(socket: &TcpSocket) -> io::Result<()> {
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.set_reuseaddr(true)
}
