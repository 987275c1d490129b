use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use duologue_base::Redacted;

use super::writer::{Format, Writer};

/// The secrets of all sessions, as SSLKEYLOGFILE: whoever reads it reads what DTLS and SRTP hide.
pub(crate) struct KeyLog(Writer<Redacted<String>>);

impl KeyLog {
    /// It is added to, as other programs do that write into the same file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        // Nobody else's, on systems that can say so.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lines = Lines(BufWriter::new(options.open(path)?));
        Writer::start("duologue-keys", lines).map(KeyLog)
    }

    pub(crate) fn write(&self, line: Redacted<String>) {
        self.0.write(line);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.0.lost()
    }
}

struct Lines<W: Write>(BufWriter<W>);

impl<W: Write + Send + 'static> Format<Redacted<String>> for Lines<W> {
    fn write(&mut self, line: Redacted<String>) -> io::Result<()> {
        self.0.write_all(line.0.as_bytes())?;
        self.0.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
