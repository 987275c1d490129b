//! Secrets for who may read along: SSLKEYLOGFILE (draft-ietf-tls-keylogfile), which Wireshark takes.

use std::collections::VecDeque;
use std::fmt::Write;

use duologue_base::Redacted;

use crate::crypto::schedule::Application;
use crate::limits::KEY_LOG_LINES;

/// What an attempt at a handshake has agreed on and nobody has taken.
#[derive(Debug, Default)]
pub(crate) struct KeyLog {
    /// What readers know an association by.
    client_random: [u8; 32],
    lines: VecDeque<Redacted<String>>,
}

impl KeyLog {
    /// The random of the hello that counts.
    pub(crate) fn begin(&mut self, client_random: [u8; 32]) {
        self.client_random = client_random;
    }

    /// DTLS 1.2.
    pub(crate) fn add_master(&mut self, secret: &[u8]) {
        self.add("CLIENT_RANDOM", secret);
    }

    /// DTLS 1.3: the client's and the server's.
    pub(crate) fn add_handshake(&mut self, [client, server]: [&[u8]; 2]) {
        self.add("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client);
        self.add("SERVER_HANDSHAKE_TRAFFIC_SECRET", server);
    }

    /// DTLS 1.3: of what follows the handshake.
    pub(crate) fn add_application(&mut self, application: &Application) {
        self.add("CLIENT_TRAFFIC_SECRET_0", &application.client);
        self.add("SERVER_TRAFFIC_SECRET_0", &application.server);
        self.add("EXPORTER_SECRET", &application.exporter);
    }

    pub(crate) fn take(&mut self) -> Option<Redacted<String>> {
        self.lines.pop_front()
    }

    fn add(&mut self, label: &str, secret: &[u8]) {
        if self.lines.len() == KEY_LOG_LINES {
            return;
        }
        let mut line = Redacted(String::with_capacity(192));
        line.0.push_str(label);
        for bytes in [&self.client_random[..], secret] {
            line.0.push(' ');
            for byte in bytes {
                // A string takes all that is written.
                let _ = write!(line.0, "{byte:02x}");
            }
        }
        self.lines.push_back(line);
    }
}
