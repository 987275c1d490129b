//! The programs of other stacks.

use std::fs;
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use duologue_identity::Certificate;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the program is in the handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Whose program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stack {
    OpenSsl,
    GnuTls,
    WolfSsl,
}

/// A running program, ended when it is dropped.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    output: Arc<Mutex<Vec<u8>>>,
    port: Option<u16>,
    echoes: bool,
    _folder: TempDir,
}

impl Stack {
    /// Starts it with this certificate; a client goes to `port`.
    pub(crate) fn start(
        self,
        side: Side,
        certificate: &Certificate,
        port: u16,
        extra: &[&str],
    ) -> Program {
        let folder = TempDir::with_prefix("duologue-dtls-").expect("a folder");
        let pem = certificate.to_pem();
        let file = folder.path().join("pem");
        fs::write(&file, &pem).expect("written");
        let file = file.to_string_lossy().into_owned();
        let listening = (side == Side::Server).then(free_port);
        let mut command = match self {
            Stack::OpenSsl => openssl(side, &file, listening.unwrap_or(port)),
            Stack::GnuTls => gnutls(side, &file, listening.unwrap_or(port)),
            Stack::WolfSsl => wolfssl(side, &file, listening.unwrap_or(port)),
        };
        command.args(extra);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("installed by cargo xtask test interop");
        let output = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().expect("piped"), Arc::clone(&output));
        collect(child.stderr.take().expect("piped"), Arc::clone(&output));
        Program {
            input: child.stdin.take().expect("piped"),
            child,
            output,
            port: listening,
            echoes: self == Stack::GnuTls && side == Side::Server,
            _folder: folder,
        }
    }
}

fn openssl(side: Side, file: &str, port: u16) -> Command {
    let mut command = Command::new("openssl");
    match side {
        Side::Server => command
            .args(["s_server", "-verify", "1", "-accept"])
            .arg(format!("127.0.0.1:{port}")),
        Side::Client => command
            .args(["s_client", "-connect"])
            .arg(format!("127.0.0.1:{port}")),
    };
    command.args(["-dtls1_2", "-cert", file, "-key", file]);
    command.args(["-use_srtp", "SRTP_AEAD_AES_128_GCM"]);
    command.args(["-keymatexport", "EXTRACTOR-dtls_srtp"]);
    command.args(["-keymatexportlen", "56"]);
    command
}

fn gnutls(side: Side, file: &str, port: u16) -> Command {
    let mut command = match side {
        Side::Server => {
            let mut command = Command::new("gnutls-serv");
            command.args(["--echo", "--require-client-cert"]);
            command
        }
        Side::Client => {
            let mut command = Command::new("gnutls-cli");
            command.args(["--insecure", "127.0.0.1"]);
            command
        }
    };
    command.args(["--udp", "--port"]).arg(port.to_string());
    command.args(["--x509certfile", file, "--x509keyfile", file]);
    command
}

/// Debian has the library alone: the program is built once.
fn wolfssl(side: Side, file: &str, port: u16) -> Command {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let folder = TempDir::with_prefix("duologue-wolfssl-").expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dtls/wolfssl.c");
        let mut cc = Command::new("cc");
        cc.arg("-o").arg(folder.path().join("wolfssl")).arg(source);
        let built = cc.arg("-lwolfssl").status().expect("a C compiler");
        assert!(built.success(), "installed by cargo xtask test interop");
        folder
    });
    let mut command = Command::new(folder.path().join("wolfssl"));
    command.arg(match side {
        Side::Server => "server",
        Side::Client => "client",
    });
    command.args([&port.to_string(), file]);
    command
}

/// A port that nobody had a moment ago.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("bound").port()
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = from.read(&mut buffer) {
            let mut all = into.lock().expect("not poisoned");
            all.extend_from_slice(&buffer[..len]);
        }
    });
}

impl Program {
    /// Where a server listens.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// It says what it is told, and nothing else.
    pub(crate) fn echoes(&self) -> bool {
        self.echoes
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it reads");
        self.input.flush().expect("it reads");
    }

    fn said(&self) -> String {
        let all = self.output.lock().expect("not poisoned");
        String::from_utf8_lossy(&all).into_owned()
    }

    pub(crate) fn wait_for(&mut self, text: &str, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.said().contains(text) {
            assert!(Instant::now() < deadline, "{what}: {}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it exports for SRTP, if it says that.
    pub(crate) fn srtp_keys(&self) -> Option<Vec<u8>> {
        let said = self.said();
        let (_, rest) = said.split_once("Keying material: ")?;
        let digits = rest.lines().next()?.trim();
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        (0..digits.len()).step_by(2).map(byte).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
