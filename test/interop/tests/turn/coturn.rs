use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";

/// A running coturn on loopback, killed when dropped. It speaks UDP and TCP at one port and TLS at
/// another.
pub(crate) struct Coturn {
    child: Child,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    /// The certificate that issued the one it shows, in PEM form.
    pub(crate) roots: String,
    directory: PathBuf,
    options: Vec<String>,
}

impl Coturn {
    /// None: it is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let (port, tls_port) = (free_port(), free_port());
        let directory = std::env::temp_dir().join(format!("duologue-coturn-{port}"));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let roots = make_certificate(&directory);
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let coturn = Coturn {
            child: spawn((port, tls_port), &directory, &options)?,
            port,
            tls_port,
            roots,
            directory,
            options,
        };
        coturn.wait_until_it_answers();
        Some(coturn)
    }

    /// The end that nobody is told of.
    pub(crate) fn kill(&mut self) {
        // Nothing to be done about a process that is gone already.
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }

    /// At the same ports, after a [`kill`](Self::kill).
    pub(crate) fn start_again(&mut self) {
        let ports = (self.port, self.tls_port);
        let child = spawn(ports, &self.directory, &self.options);
        self.child = child.expect("it was started before");
        self.wait_until_it_answers();
    }

    /// A `turn:` or `turns:` URL for this transport.
    pub(crate) fn url(&self, transport: &str) -> String {
        match transport {
            "tls" => format!("turns:127.0.0.1:{}", self.tls_port),
            _ => format!("turn:127.0.0.1:{}?transport={transport}", self.port),
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
        self.kill();
        let _left = std::fs::remove_dir_all(&self.directory);
    }
}

/// None: it is not installed.
fn spawn((port, tls_port): (u16, u16), directory: &Path, options: &[String]) -> Option<Child> {
    let file = |name: &str| directory.join(name).display().to_string();
    let spawned = Command::new("turnserver")
        .args(["-n", "--no-dtls", "--no-cli", "--lt-cred-mech"])
        .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
        .args(["--allow-loopback-peers", "--realm=example.org"])
        .arg(format!("--listening-port={port}"))
        .arg(format!("--tls-listening-port={tls_port}"))
        .arg(format!("--cert={}", file(CERTIFICATE)))
        .arg(format!("--pkey={}", file(KEY)))
        .arg(format!("--user={USER}:{PASSWORD}"))
        .arg(format!("--userdb={}", file("db")))
        .arg(format!("--pidfile={}", file("pid")))
        .args(["--log-file=stdout", "--simple-log"])
        .args(options)
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => Some(child),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: coturn is not installed (apt-get install coturn)");
            None
        }
        Err(error) => panic!("coturn does not start: {error}"),
    }
}

/// A certificate for 127.0.0.1 and its key as files. Returns the certificate that issued it.
fn make_certificate(directory: &Path) -> String {
    let key = || KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new([]).expect("no name is wrong");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = key();
    let root = authority
        .self_signed(&authority_key)
        .expect("a certificate");
    let issuer = Issuer::new(authority, authority_key);
    let server_key = key();
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).expect("an address");
    let server = server
        .signed_by(&server_key, &issuer)
        .expect("a certificate");
    let write = |name, text| std::fs::write(directory.join(name), text).expect("a file");
    write(CERTIFICATE, server.pem());
    write(KEY, server_key.serialize_pem());
    root.pem()
}

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("it is bound").port()
}
