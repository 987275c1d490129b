//! What a NAT does (RFC 4787): `nat-probe serve` on the public network answers, `nat-probe ask`
//! behind the NAT finds out and prints.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use duologue_nat::Internet;

const PORT: u16 = 7000;
const OTHER_PORT: u16 = 7001;

fn main() -> io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve(),
        _ => ask(),
    }
}

/// Tells whoever asks how it is seen, or answers from where it did not ask.
fn serve() -> io::Result<()> {
    let [one, two] = Internet::SERVERS;
    let sockets = [(one, PORT), (two, PORT), (one, OTHER_PORT)];
    let [one, two, other] = sockets.map(UdpSocket::bind);
    let (one, two, other) = (one?, two?, other?);
    let second = two.try_clone()?;
    std::thread::spawn(move || answer(&second, |_| Ok(())));
    // It ends with whoever started it.
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    println!("ready");
    answer(&one, |from| {
        two.send_to(b"address", from)?;
        other.send_to(b"port", from)?;
        Ok(())
    })
}

fn answer(socket: &UdpSocket, probe: impl Fn(SocketAddr) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = [0; 100];
    loop {
        let (len, from) = socket.recv_from(&mut buffer)?;
        match &buffer[..len] {
            b"filtering" => probe(from)?,
            _ => drop(socket.send_to(from.to_string().as_bytes(), from)?),
        }
    }
}

fn ask() -> io::Result<()> {
    // First: the second server must not have been asked anything.
    let [one, two] = Internet::SERVERS;
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(300)))?;
    socket.send_to(b"filtering", (one, PORT))?;
    let (mut address, mut port) = (false, false);
    let mut buffer = [0; 100];
    while let Ok(len) = socket.recv(&mut buffer) {
        address |= buffer[..len] == *b"address";
        port |= buffer[..len] == *b"port";
    }
    let filtering = match (address, port) {
        (true, _) => "endpoint-independent",
        (false, true) => "address-dependent",
        (false, false) => "address and port-dependent",
    };
    let mapping = UdpSocket::bind("0.0.0.0:0")?;
    let seen = [ask_one(&mapping, one)?, ask_one(&mapping, two)?];
    let mapping = match seen[0] == seen[1] {
        true => "endpoint-independent",
        false => "endpoint-dependent",
    };
    println!("{mapping} mapping, {filtering} filtering");
    Ok(())
}

fn ask_one(socket: &UdpSocket, server: &str) -> io::Result<String> {
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.send_to(b"mapping", (server, PORT))?;
    let mut buffer = [0; 100];
    let len = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..len]).into_owned())
}
