//! A TURN server of the system, coturn, for one test and on an address of this host.
#![forbid(unsafe_code)]

mod certificate;

use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::path::Path;
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The user that the server knows.
pub const USER: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "secret";

/// A running server, killed when it is dropped. It listens on one port for UDP and TCP, and on
/// another for TLS and DTLS.
#[derive(Debug)]
pub struct Coturn {
    child: Child,
    address: SocketAddr,
    tls: SocketAddr,
    roots: String,
    directory: TempDir,
    options: Vec<String>,
}

impl Coturn {
    /// Starts one with more options of `turnserver`, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(options: &[&str]) -> io::Result<Coturn> {
        Coturn::start_on(IpAddr::V4(Ipv4Addr::LOCALHOST), options)
    }

    /// As [`start`](Self::start), on the address that this host has to others, if it has one: a
    /// browser does not go from such an address to loopback.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start_for_browsers(options: &[&str]) -> io::Result<Coturn> {
        // Nothing is sent: it only asks for the route to an address of documentation.
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        let ip = match socket.connect("198.51.100.1:9") {
            Ok(()) => socket.local_addr()?.ip(),
            Err(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        Coturn::start_on(ip, options)
    }

    fn start_on(ip: IpAddr, options: &[&str]) -> io::Result<Coturn> {
        let directory = TempDir::with_prefix("duologue-coturn-")?;
        let roots = certificate::make(ip, directory.path())?;
        let (address, tls) = (free_port(ip)?, free_port(ip)?);
        // The first address is the one that a second one of `options` is the other of (RFC 5780).
        let mut all = vec![
            format!("--listening-ip={ip}"),
            format!("--relay-ip={ip}"),
            format!("--listening-port={}", address.port()),
            format!("--tls-listening-port={}", tls.port()),
        ];
        all.extend(options.iter().map(|&option| option.to_owned()));
        let options = all;
        let (child, ready) = spawn(directory.path(), &options)?;
        let coturn = Coturn {
            child,
            address,
            tls,
            roots,
            directory,
            options,
        };
        coturn.wait(&ready)?;
        Ok(coturn)
    }

    /// Ends it without a word to anybody.
    ///
    /// # Errors
    /// It had ended already.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it once more where it was, after a [`kill`](Self::kill).
    ///
    /// # Errors
    /// It does not start.
    pub fn start_again(&mut self) -> io::Result<()> {
        let (child, ready) = spawn(self.directory.path(), &self.options)?;
        self.child = child;
        self.wait(&ready)
    }

    /// Where it listens for UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS and DTLS.
    pub fn tls_address(&self) -> SocketAddr {
        self.tls
    }

    /// The certificate that those it shows lead to, in PEM form.
    pub fn roots(&self) -> &str {
        &self.roots
    }

    /// The URL for `iceServers`: `turn:127.0.0.1:3478?transport=udp`, or `turns:` for `tls` and
    /// `dtls`.
    pub fn url(&self, transport: &str) -> String {
        match transport {
            "tls" => format!("turns:{}", self.tls),
            "dtls" => format!("turns:{}?transport=udp", self.tls),
            _ => format!("turn:{}?transport={transport}", self.address),
        }
    }

    /// Asks for a binding after every line of the log, until there is an answer.
    fn wait(&self, log: &mpsc::Receiver<String>) -> io::Result<()> {
        let socket = UdpSocket::bind((self.address.ip(), 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        // RFC 8489 §5: a Binding request.
        let mut binding = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        binding.extend_from_slice(&[7; 12]);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let asked = socket.send_to(&binding, self.address);
            if asked.and_then(|_| socket.recv(&mut [0; 500])).is_ok() {
                return Ok(());
            }
            if log.recv_timeout(Duration::from_millis(100))
                == Err(mpsc::RecvTimeoutError::Disconnected)
            {
                return Err(io::Error::other("coturn ended"));
            }
        }
        Err(io::Error::other("coturn is silent"))
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process, and the lines of its log.
fn spawn(directory: &Path, options: &[String]) -> io::Result<(Child, mpsc::Receiver<String>)> {
    let file = |name: &str| directory.join(name).display().to_string();
    let mut child = Command::new("turnserver")
        .args(["-n", "--no-cli", "--lt-cred-mech"])
        .args(["--allow-loopback-peers", "--realm=example.org"])
        .arg(format!("--user={USER}:{PASSWORD}"))
        .arg(format!("--cert={}", file(certificate::CERTIFICATE)))
        .arg(format!("--pkey={}", file(certificate::KEY)))
        .arg(format!("--userdb={}", file("db")))
        .arg(format!("--pidfile={}", file("pid")))
        .args(["--log-file=stdout", "--simple-log", "--verbose"])
        .args(options)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let log = child.stdout.take();
    let log = log.ok_or_else(|| io::Error::other("no output"))?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        // Read to the end: a server whose log nobody reads stops.
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens any more once it is ready.
            let _ = sender.send(line);
        }
    });
    Ok((child, lines))
}

/// How long a server may take to start; it prints a hundred lines before it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// An address whose port is free for UDP and TCP, below those that the system gives to sockets that
/// do not care: one of these could be taken before the server binds it.
fn free_port(ip: IpAddr) -> io::Result<SocketAddr> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in PORTS {
        // Programs that run at once begin at places of their own.
        let turn = process::id()
            .wrapping_mul(97)
            .wrapping_add(NEXT.fetch_add(1, Relaxed));
        let port = PORTS.start + (turn % u32::from(PORTS.end - PORTS.start)) as u16;
        let address = SocketAddr::new(ip, port);
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port is free"))
}

const PORTS: Range<u16> = 10_000..30_000;
