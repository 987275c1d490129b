//! What is logged, as lines.
#![allow(
    clippy::disallowed_types,
    reason = "a subscriber of tracing writes behind a shared reference"
)]

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber, span};

/// Keeps everything that is logged, with its level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<RwLock<Vec<(Level, String)>>>);

impl Log {
    /// Does something, and gives what was logged meanwhile.
    pub(crate) fn during<R>(work: impl FnOnce() -> R) -> (Log, R) {
        // While there is a single subscriber, tracing asks that of whichever thread comes to a place
        // in the code first, and remembers: that of another test has none.
        let _second = Dispatch::new(Log::default());
        let log = Log::default();
        let result = tracing::subscriber::with_default(log.clone(), work);
        (log, result)
    }

    /// The lines of this level and those above.
    pub(crate) fn lines(&self, level: Level) -> Vec<String> {
        let lines = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = lines.iter().filter(|(of, _)| *of <= level);
        wanted.map(|(_, line)| line.clone()).collect()
    }

    fn push(&self, level: Level, line: String) {
        let mut lines = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lines.push((level, line));
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("duologue")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut line = Line(span.metadata().name().to_owned());
        span.record(&mut line);
        self.push(*span.metadata().level(), line.0);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.push(*event.metadata().level(), line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
