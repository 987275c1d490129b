//! Errors of sockets in the log: they come by the packet, and are told by the second.

use std::io;

use duologue_base::Instant;

use crate::limits::{SOCKET_ERROR_INTERVAL, SOCKET_ERROR_KINDS};

/// What was told lately.
#[derive(Debug, Default)]
pub(crate) struct ErrorLog(Vec<(&'static str, Kind, Instant)>);

/// The system's number where there is one: the standard library has no name for many of them.
type Kind = (io::ErrorKind, Option<i32>);

impl ErrorLog {
    /// `what` could not be done.
    pub(crate) fn note(&mut self, now: Instant, what: &'static str, error: &io::Error) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        if self.is_news(now, what, (error.kind(), error.raw_os_error())) {
            // No address is in it: those of the system have a text for each number.
            tracing::debug!("a socket could not {what}: {error}");
        }
    }

    /// Once an interval for each thing and kind.
    fn is_news(&mut self, now: Instant, what: &'static str, kind: Kind) -> bool {
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
        let refused = (io::ErrorKind::ConnectionRefused, None);
        let unreachable = (io::ErrorKind::HostUnreachable, None);
        assert!(log.is_news(at(0), "send", refused));
        assert!(!log.is_news(at(999), "send", refused));
        assert!(log.is_news(at(999), "receive", refused));
        assert!(log.is_news(at(999), "send", unreachable));
        assert!(log.is_news(at(1_000), "send", refused));
    }
    #[test]
    fn errors_without_a_name_of_the_standard_library_are_told_apart() {
        let mut log = ErrorLog::default();
        let mut is_news = |code| {
            let error = io::Error::from_raw_os_error(code);
            log.is_news(Instant::ZERO, "send", (error.kind(), Some(code)))
        };
        // ENOBUFS and EMSGSIZE of Linux.
        assert!(is_news(105));
        assert!(is_news(90));
        assert!(!is_news(105));
    }
}
