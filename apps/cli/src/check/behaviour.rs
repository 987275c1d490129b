//! What a NAT does, as RFC 5780 finds it out: by a STUN server that has two addresses and answers from where it is
//! asked to.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use duologue_stun::{Class, Message, Method, TransactionId, Writer};
use serde::Serialize;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::Failure;

/// What a server said of this host, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Behaviour {
    /// The server's address that was asked.
    pub(super) server: SocketAddr,
    pub(super) local: SocketAddr,
    /// This host as the server sees it.
    pub(super) mapped: SocketAddr,
    pub(super) round_trip_ms: f64,
    /// The server's other address (OTHER-ADDRESS); without it nothing of the following is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mapping: Option<Dependence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) filtering: Option<Dependence>,
    /// What this host sends to itself as others see it comes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hairpinning: Option<bool>,
}

/// On what a mapping, or a filter, depends (RFC 4787 §4.1 and §5).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Dependence {
    EndpointIndependent,
    AddressDependent,
    AddressAndPortDependent,
}

impl fmt::Display for Dependence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dependence::EndpointIndependent => "endpoint-independent",
            Dependence::AddressDependent => "address-dependent",
            Dependence::AddressAndPortDependent => "address and port-dependent",
        })
    }
}

impl Behaviour {
    /// Something on the way translates this host's addresses.
    pub(super) fn is_translated(&self) -> bool {
        self.mapped != self.local
    }

    /// Asks the server everything that it answers.
    ///
    /// # Errors
    /// It does not answer at all.
    pub(super) async fn of(server: SocketAddr) -> Result<Self, Failure> {
        let socket = open(server).await?;
        // A connected socket would hear the server's other address no more.
        let local = SocketAddr::new(source(server).await?, socket.local_addr()?.port());
        let first = ask(&socket, server, None, PATIENCE).await?;
        let first = first.ok_or("it does not answer over UDP")?;
        let mut found = Behaviour {
            server,
            local,
            mapped: first.mapped,
            round_trip_ms: (first.took.as_secs_f64() * 1e4).round() / 10.0,
            other: first.other.filter(|other| is_another(*other, server)),
            mapping: None,
            filtering: None,
            hairpinning: None,
        };
        let Some(other) = found.other else {
            return Ok(found);
        };

        let patience = Patience::for_path(first.took);
        // Filters first: some let in who was sent to from any port of this host.
        let [by_address, by_port] = filters(server, patience).await?;
        let (mapping, hairpinning) = tokio::join!(
            mapping(&socket, server, other, first.mapped, patience),
            comes_back(server, patience),
        );
        let hairpinning = hairpinning?;
        found.mapping = mapping;
        found.hairpinning = Some(hairpinning).filter(|_| found.is_translated());
        // Silence says something of a filter if the server's other address is there at all.
        found.filtering = mapping.map(|_| filtering(by_address, by_port));
        Ok(found)
    }
}

/// Some servers write an address there that leads nowhere else.
fn is_another(other: SocketAddr, server: SocketAddr) -> bool {
    let usable = !other.ip().is_unspecified() && other.port() != 0;
    usable && other.ip() != server.ip() && other.is_ipv4() == server.is_ipv4()
}

/// RFC 5780 §4.3, tests II and III. None: the server's other address does not answer, or nothing can be sent to it. The
/// server says what it is, and what is known without it stays known.
async fn mapping(
    socket: &UdpSocket,
    server: SocketAddr,
    other: SocketAddr,
    first: SocketAddr,
    patience: Patience,
) -> Option<Dependence> {
    let elsewhere = SocketAddr::new(other.ip(), server.port());
    let second = ask(socket, elsewhere, None, patience).await.ok()??;
    if second.mapped == first {
        return Some(Dependence::EndpointIndependent);
    }
    let third = ask(socket, other, None, patience).await.ok()??;
    Some(match third.mapped == second.mapped {
        true => Dependence::AddressDependent,
        false => Dependence::AddressAndPortDependent,
    })
}

/// RFC 5780 §4.4, tests II and III: whether an answer from another address comes, and one from
/// another port. Each is tried by a port of its own, which has sent to nobody else.
async fn filters(server: SocketAddr, patience: Patience) -> Result<[bool; 2], Failure> {
    let sockets = [open(server).await?, open(server).await?];
    let (address, port) = tokio::try_join!(
        ask(&sockets[0], server, Some([true, true]), patience),
        ask(&sockets[1], server, Some([false, true]), patience),
    )?;
    Ok([address, port].map(|answer| answer.is_some()))
}

fn filtering(by_address: bool, by_port: bool) -> Dependence {
    match (by_address, by_port) {
        (true, _) => Dependence::EndpointIndependent,
        (false, true) => Dependence::AddressDependent,
        (false, false) => Dependence::AddressAndPortDependent,
    }
}

/// RFC 5780 §4.5: whether a datagram to this host, as the server sees it, arrives. It is a request like others, and
/// what arrives of it at the second socket is not an answer.
async fn comes_back(server: SocketAddr, patience: Patience) -> Result<bool, Failure> {
    let (one, two) = (open(server).await?, open(server).await?);
    let Some(seen) = ask(&one, server, None, patience).await? else {
        return Ok(false);
    };
    let (id, request) = request(None)?;
    let listening = async {
        let mut buffer = [0; DATAGRAM];
        loop {
            let (len, _) = one.recv_from(&mut buffer).await?;
            if Message::parse(&buffer[..len]).is_ok_and(|it| it.transaction_id() == id) {
                return Ok::<_, io::Error>(());
            }
        }
    };
    let sending = async {
        for pause in patience.pauses() {
            two.send_to(&request, seen.mapped).await?;
            tokio::time::sleep(pause).await;
        }
        Ok::<_, io::Error>(())
    };
    tokio::select! {
        heard = listening => heard.map(|()| true).or(Ok(false)),
        // Such as a router that refuses it.
        _ = sending => Ok(false),
    }
}

/// What a Binding answer says.
struct Answer {
    mapped: SocketAddr,
    other: Option<SocketAddr>,
    took: Duration,
}

/// A Binding request, again and again until there is an answer, from wherever. None: there is none in time.
async fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    change: Option<[bool; 2]>,
    patience: Patience,
) -> Result<Option<Answer>, Failure> {
    let (id, request) = request(change)?;
    let begun = Instant::now();
    for pause in patience.pauses() {
        socket
            .send_to(&request, server)
            .await
            .map_err(|error| format!("nothing can be sent to it: {error}"))?;
        match timeout(pause, answer(socket, id)).await {
            Ok(answered) => {
                return Ok(answered?.map(|(mapped, other)| Answer {
                    mapped,
                    other,
                    took: begun.elapsed(),
                }));
            }
            Err(_) => continue,
        }
    }
    Ok(None)
}

fn request(change: Option<[bool; 2]>) -> Result<(TransactionId, Vec<u8>), Failure> {
    let (mut id, mut packet) = ([0; 12], Vec::new());
    rand::fill(&mut id).map_err(|_| "the system has no randomness")?;
    let id = TransactionId(id);
    let mut writer = Writer::new(&mut packet, Class::Request, Method::BINDING, id);
    if let Some([address, port]) = change {
        writer.change_request(address, port);
    }
    writer.fingerprint();
    Ok((id, packet))
}

/// What answers this request. An error is an answer, too, of a server that does not do what it was asked.
async fn answer(
    socket: &UdpSocket,
    id: TransactionId,
) -> io::Result<Option<(SocketAddr, Option<SocketAddr>)>> {
    let mut buffer = [0; DATAGRAM];
    loop {
        let len = match socket.recv_from(&mut buffer).await {
            Ok((len, _)) => len,
            // ICMP of an earlier datagram: a port is closed, a host cannot be reached.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) => return Err(error),
        };
        let Ok(message) = Message::parse(&buffer[..len]) else {
            continue;
        };
        if message.transaction_id() != id {
            continue;
        }
        match message.class() {
            Class::SuccessResponse => {
                let mapped = message.mapped_address();
                return Ok(mapped.map(|mapped| (mapped, message.other_address())));
            }
            Class::ErrorResponse => return Ok(None),
            _ => {}
        }
    }
}

/// A socket of the server's family, which hears whoever answers.
async fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    UdpSocket::bind(match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    })
    .await
}

/// The address from which this host sends to the server. Nothing is sent.
async fn source(server: SocketAddr) -> Result<IpAddr, Failure> {
    let socket = open(server).await?;
    let route = socket.connect(server).await;
    route.map_err(|error| format!("no route leads to it: {error}"))?;
    Ok(socket.local_addr()?.ip())
}

/// How long is waited after each of three requests: RFC 8489 §6.2.1's times, but fewer of them.
#[derive(Clone, Copy, Debug)]
struct Patience(Duration);

impl Patience {
    /// For a path whose round trip is known: what does not answer here costs all of it.
    fn for_path(round_trip: Duration) -> Self {
        Patience((round_trip * 2).clamp(SHORTEST, PATIENCE.0))
    }

    fn pauses(self) -> [Duration; 3] {
        [self.0, self.0 * 2, self.0 * 4]
    }
}

const PATIENCE: Patience = Patience(Duration::from_millis(500));
const SHORTEST: Duration = Duration::from_millis(150);
/// Bytes of the largest answer.
const DATAGRAM: usize = 1500;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_address_that_nothing_can_be_sent_to_says_nothing() {
        let server: SocketAddr = "127.0.0.1:3478".parse().unwrap();
        let socket = open(server).await.unwrap();
        // The system sends to all only who asks for it.
        let other = "255.255.255.255:3479".parse().unwrap();
        assert!(ask(&socket, other, None, PATIENCE).await.is_err());
        let found = mapping(&socket, server, other, server, PATIENCE).await;
        assert_eq!(found, None);
    }
}
