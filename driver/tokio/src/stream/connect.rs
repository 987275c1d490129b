use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use duologue_session::{ConnectError, Security};
use tokio::net::TcpStream;

use crate::endpoint::Clock;
use crate::limits::CONNECT_TIMEOUT;
use crate::stream::bind::{new_socket, share_port};
use crate::stream::{Connection, DtlsConnection, Opened, Tls};

/// Opens a stream, in bounded time.
pub(crate) async fn connect(
    local: SocketAddr,
    remote: SocketAddr,
    security: Security,
    tls: Arc<Tls>,
    clock: Clock,
) -> Result<Opened, ConnectError> {
    let opening = async {
        let opened = match security {
            Security::Plain => Connection::Plain(open(local, remote).await?),
            Security::Tls { server_name } => {
                let stream = open(local, remote).await?;
                let stream = tls.connect(&server_name, stream).await?;
                Connection::Tls(Box::new(stream))
            }
            // It needs no opening.
            Security::Datagrams => return Err(ConnectError::NotPossible),
            Security::Dtls { server_name } => {
                let opened = DtlsConnection::open(local, remote, &server_name, &tls, clock).await?;
                return Ok(Opened::Datagrams(Box::new(opened)));
            }
        };
        Ok(Opened::Bytes(opened))
    };
    let opened = tokio::time::timeout(CONNECT_TIMEOUT, opening).await;
    opened.unwrap_or(Err(ConnectError::TimedOut))
}

async fn open(local: SocketAddr, remote: SocketAddr) -> Result<TcpStream, ConnectError> {
    let opened = open_tcp(local, remote).await;
    opened.map_err(|error| refusal(&error))
}

async fn open_tcp(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = new_socket(local)?;
    if local.port() != 0 {
        share_port(&socket)?;
    }
    socket.bind(local)?;
    let stream = socket.connect(remote).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn refusal(error: &io::Error) -> ConnectError {
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
