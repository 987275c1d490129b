//! The lines that are typed, or piped in.

use std::io::{BufRead, IsTerminal};

use tokio::sync::mpsc;

/// Lines that were typed and are not read yet; the terminal waits then.
const MAX_LINES: usize = 64;

/// Standard input by lines. A thread of its own reads it: a blocking read of the runtime would
/// keep the program from ending.
pub(super) struct Lines {
    lines: mpsc::Receiver<String>,
    /// Somebody types; else it is a file or a pipe.
    pub(super) typed: bool,
}

impl Lines {
    pub(super) fn read() -> Self {
        let (sender, lines) = mpsc::channel(MAX_LINES);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Lines {
            lines,
            typed: std::io::stdin().is_terminal(),
        }
    }

    /// None: standard input is for something else.
    pub(super) fn none() -> Self {
        Lines {
            lines: mpsc::channel(1).1,
            typed: false,
        }
    }

    /// The next line; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}
