use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use duologue_session::{ConnectError, Security};
use tokio::net::{TcpSocket, TcpStream};

use crate::limits::CONNECT_TIMEOUT;
use crate::stream::{Connection, Tls};

/// Opens a stream, in bounded time.
pub(crate) async fn connect(
    local: SocketAddr,
    remote: SocketAddr,
    security: Security,
    tls: Arc<Tls>,
) -> Result<Connection, ConnectError> {
    let opening = async {
        let stream = open(local, remote).await.map_err(|error| refusal(&error))?;
        match security {
            Security::Plain => Ok(Connection::Plain(stream)),
            Security::Tls { server_name } => {
                let stream = tls.connect(&server_name, stream).await?;
                Ok(Connection::Tls(Box::new(stream)))
            }
        }
    };
    let opened = tokio::time::timeout(CONNECT_TIMEOUT, opening).await;
    opened.unwrap_or(Err(ConnectError::TimedOut))
}

async fn open(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = new_socket(local)?;
    if local.port() != 0 {
        share_port(&socket)?;
    }
    socket.bind(local)?;
    let stream = socket.connect(remote).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
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

fn refusal(error: &io::Error) -> ConnectError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            ConnectError::Unreachable
        }
        io::ErrorKind::TimedOut => ConnectError::TimedOut,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ConnectError::Closed,
        _ => ConnectError::NotPossible,
    }
}
