use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use duologue_base::Instant;
use serde_json::{Map, Value};

use super::writer::{Format, Writer};

/// What happened in all sessions, one line of JSON an event: `docs/event-log.md`.
pub(crate) struct EventLog(Writer<Map<String, Value>>);

impl EventLog {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let lines = Lines(BufWriter::new(File::create(path)?));
        Writer::start("duologue-events", lines).map(EventLog)
    }

    /// An event of the session with this number, and what else there is to say of it.
    pub(crate) fn write(&self, at: Instant, session: u64, event: &str, more: Value) {
        let mut line = Map::new();
        line.insert("time".to_owned(), at.since_origin().as_secs_f64().into());
        line.insert("connection".to_owned(), session.into());
        line.insert("event".to_owned(), event.into());
        if let Value::Object(more) = more {
            line.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.0.write(line);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.0.lost()
    }
}

struct Lines(BufWriter<File>);

impl Format<Map<String, Value>> for Lines {
    fn write(&mut self, line: Map<String, Value>) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, &line)?;
        self.0.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
