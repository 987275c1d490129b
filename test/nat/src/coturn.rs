use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::Namespace;

/// A STUN and TURN server, killed when dropped.
#[derive(Debug)]
pub struct Coturn {
    child: Child,
    directory: std::path::PathBuf,
}

impl Coturn {
    /// On port 3478 of an address of a namespace.
    pub fn start(namespace: &Namespace, address: &str) -> Self {
        Coturn::start_at(namespace, &[address])
    }

    /// On ports 3478 and 3479 of both: it then helps to find out what a NAT does (RFC 5780).
    pub fn start_at_both(namespace: &Namespace, addresses: [&str; 2]) -> Self {
        Coturn::start_at(namespace, &addresses)
    }

    fn start_at(namespace: &Namespace, addresses: &[&str]) -> Self {
        let directory = std::env::temp_dir().join(namespace.name());
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let mut command = namespace.command("turnserver");
        command
            .args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech"])
            .arg("--allow-loopback-peers")
            .args(addresses.iter().map(|it| format!("--listening-ip={it}")))
            .args(
                addresses
                    .iter()
                    .take(1)
                    .map(|it| format!("--relay-ip={it}")),
            )
            .args(["--realm=example.org", "--log-file=stdout", "--simple-log"])
            .arg(format!("--user={}:{}", Coturn::USER, Coturn::PASSWORD))
            .arg(format!("--userdb={}", directory.join("db").display()))
            .arg(format!("--pidfile={}", directory.join("pid").display()))
            .current_dir(&directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("iproute2 is there");
        let coturn = Coturn { child, directory };
        coturn.wait(namespace);
        coturn
    }

    /// Who may use it.
    pub const USER: &str = "alice";
    /// See [`USER`](Self::USER).
    pub const PASSWORD: &str = "secret";

    /// It listens when the kernel says so: asking it would take a socket in its namespace.
    fn wait(&self, namespace: &Namespace) {
        let begun = Instant::now();
        while !namespace
            .run("cat", &["/proc/net/udp", "/proc/net/udp6"])
            .contains(PORT)
        {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "coturn does not start: apt-get install coturn"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// 3478 as `/proc/net/udp` writes it.
const PORT: &str = ":0D96 ";
