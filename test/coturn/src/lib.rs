//! A TURN server of the system, coturn, on loopback and for one test.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// The user that the server knows.
pub const USER: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "secret";

/// A running server, killed when it is dropped. It listens on one port for UDP and TCP.
#[derive(Debug)]
pub struct Coturn {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Coturn {
    /// Starts one with more options of `turnserver`, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(options: &[&str]) -> io::Result<Coturn> {
        let directory = TempDir::with_prefix("duologue-coturn-")?;
        let port = free_port()?;
        let mut child = Command::new("turnserver")
            .args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech"])
            .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
            .args(["--allow-loopback-peers", "--realm=example.org"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--user={USER}:{PASSWORD}"))
            .arg(format!(
                "--userdb={}",
                directory.path().join("db").display()
            ))
            .arg(format!(
                "--pidfile={}",
                directory.path().join("pid").display()
            ))
            .args(["--log-file=stdout", "--simple-log", "--verbose"])
            .args(options)
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let log = child.stdout.take();
        let coturn = Coturn {
            child,
            port,
            _directory: directory,
        };
        let (sender, ready) = mpsc::channel();
        let log = log.ok_or_else(|| io::Error::other("no output"))?;
        std::thread::spawn(move || {
            // Read to the end: a server whose log nobody reads stops.
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                // Nobody listens any more once it is ready.
                let _ = sender.send(line);
            }
        });
        coturn.wait(&ready)?;
        Ok(coturn)
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL for `iceServers`: `turn:127.0.0.1:3478?transport=udp`.
    pub fn url(&self, transport: &str) -> String {
        format!("turn:127.0.0.1:{}?transport={transport}", self.port)
    }

    /// Asks for a binding after every line of the log, until there is an answer.
    fn wait(&self, log: &mpsc::Receiver<String>) -> io::Result<()> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        // RFC 8489 §5: a Binding request.
        let mut binding = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        binding.extend_from_slice(&[7; 12]);
        for _ in 0..ATTEMPTS {
            let asked = socket.send_to(&binding, ("127.0.0.1", self.port));
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

/// How often it is asked whether it is there: some tens of seconds.
const ATTEMPTS: usize = 300;

/// A port that is free for UDP and TCP.
fn free_port() -> io::Result<u16> {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let port = socket.local_addr()?.port();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
}
