use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";

/// A running coturn on loopback, killed when dropped.
pub(crate) struct Coturn {
    child: Child,
    pub(crate) port: u16,
    directory: PathBuf,
}

impl Coturn {
    /// None: it is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let port = free_port();
        let directory = std::env::temp_dir().join(format!("duologue-coturn-{port}"));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let coturn = Coturn::spawn(port, directory, options)?;
        coturn.wait_until_it_answers();
        Some(coturn)
    }

    fn spawn(port: u16, directory: PathBuf, options: &[&str]) -> Option<Self> {
        let spawned = Command::new("turnserver")
            .args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech"])
            .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
            .args(["--allow-loopback-peers", "--realm=example.org"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--user={USER}:{PASSWORD}"))
            .arg(format!("--userdb={}", directory.join("db").display()))
            .arg(format!("--pidfile={}", directory.join("pid").display()))
            .args(["--log-file=stdout", "--simple-log"])
            .args(options)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match spawned {
            Ok(child) => Some(Coturn {
                child,
                port,
                directory,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("skipped: coturn is not installed (apt-get install coturn)");
                None
            }
            Err(error) => panic!("coturn does not start: {error}"),
        }
    }

    fn wait_until_it_answers(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let patience = Some(Duration::from_millis(50));
        socket.set_read_timeout(patience).expect("a legal timeout");
        let begun = Instant::now();
        let mut binding = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        binding.extend_from_slice(&[7; 12]);
        loop {
            let answered = socket
                .send_to(&binding, ("127.0.0.1", self.port))
                .and_then(|_| socket.recv(&mut [0; 500]));
            if answered.is_ok() {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "coturn is silent"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        // Nothing to be done about a process that is gone already.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
        let _left = std::fs::remove_dir_all(&self.directory);
    }
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("it is bound").port()
}
