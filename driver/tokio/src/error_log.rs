//! Errors of sockets in the log: they come by the packet, and are told by the second.

use std::io;

use duologue_base::Instant;

use crate::limits::{SOCKET_ERROR_INTERVAL, SOCKET_ERROR_KINDS};

/// What was told lately.
#[derive(Debug, Default)]
pub(crate) struct ErrorLog(Vec<(&'static str, io::ErrorKind, Instant)>);

impl ErrorLog {
    /// `what` could not be done.
    pub(crate) fn note(&mut self, now: Instant, what: &'static str, error: &io::Error) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let kind = error.kind();
        if self.is_news(now, what, kind) {
            tracing::debug!("a socket could not {what}: {kind:?}");
        }
    }

    /// Once an interval for each thing and kind.
    fn is_news(&mut self, now: Instant, what: &'static str, kind: io::ErrorKind) -> bool {
        self.0
            .retain(|(_, _, at)| now - *at < SOCKET_ERROR_INTERVAL);
        let known = (self.0.iter()).any(|(told, of, _)| (*told, *of) == (what, kind));
        let news = !known && self.0.len() < SOCKET_ERROR_KINDS;
        if news {
            self.0.push((what, kind, now));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_error_of_one_kind_is_told_once_a_second() {
        let mut log = ErrorLog::default();
        let at = |ms| Instant::ZERO + Duration::from_millis(ms);
        let refused = io::ErrorKind::ConnectionRefused;
        assert!(log.is_news(at(0), "send", refused));
        assert!(!log.is_news(at(999), "send", refused));
        assert!(log.is_news(at(999), "receive", refused));
        assert!(log.is_news(at(999), "send", io::ErrorKind::HostUnreachable));
        assert!(log.is_news(at(1_000), "send", refused));
    }
}
