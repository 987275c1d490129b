//! What the log says meanwhile. Sockets that refuse do so by the packet, and are told of by the second.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::limits::KEPT_LINES;
use crate::tally::lock;

/// What was said since the beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    /// By connection and text, when it was said last.
    last: HashMap<(Option<u64>, String), Instant>,
    /// How often, by text.
    counts: HashMap<String, u64>,
    /// Lines that came sooner than a second after the same line of the same connection.
    hasty: u64,
}

/// A second, but for the time between the beginning of a session's turn and its line.
const SECOND: Duration = Duration::from_millis(900);

impl Heard {
    /// From now on.
    pub(crate) fn begin() -> Self {
        let heard = Heard::default();
        let filter = EnvFilter::new("warn,duologue_tokio=debug");
        let layered = tracing_subscriber::registry().with(filter);
        layered.with(heard.clone()).init();
        heard
    }

    /// How often something was said that begins so.
    pub(crate) fn count(&self, begin: &str) -> u64 {
        let lines = lock(&self.0);
        let counts = lines.counts.iter();
        counts
            .filter(|(text, _)| text.starts_with(begin))
            .map(|(_, count)| count)
            .sum()
    }

    pub(crate) fn hasty(&self) -> u64 {
        lock(&self.0).hasty
    }
}

impl Lines {
    fn note(&mut self, now: Instant, connection: Option<u64>, text: String) {
        if self.last.len() >= KEPT_LINES {
            self.last.retain(|_, at| now.duration_since(*at) < SECOND);
        }
        *self.counts.entry(text.clone()).or_default() += 1;
        let before = self.last.insert((connection, text), now);
        if before.is_some_and(|before| now.duration_since(before) < SECOND) {
            self.hasty += 1;
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Heard {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let of_interest = *event.metadata().level() <= Level::WARN || is_of_sockets(&text.0);
        if of_interest {
            let connection = context.event_span(event).map(|span| span.id().into_u64());
            lock(&self.0).note(Instant::now(), connection, text.0);
        }
    }
}

fn is_of_sockets(text: &str) -> bool {
    text.starts_with("a socket could not")
}

/// The message of an event.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_within_a_second_is_hasty_but_not_of_another_connection() {
        let (mut lines, begin) = (Lines::default(), Instant::now());
        let mut note = |ms, connection, text: &str| {
            let at = begin + Duration::from_millis(ms);
            lines.note(at, connection, text.to_owned());
            lines.hasty
        };
        assert_eq!(note(0, Some(1), "a"), 0);
        assert_eq!(note(10, Some(2), "a"), 0);
        assert_eq!(note(10, Some(1), "b"), 0);
        assert_eq!(note(1_000, Some(1), "a"), 0);
        assert_eq!(note(1_500, Some(1), "a"), 1);
    }
}
