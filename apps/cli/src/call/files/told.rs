//! How a file goes: a bar in the terminal, or lines of JSON.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::hash::Sha256;
use super::limits::TELL_TIME;
use crate::call::story::Story;

/// One file on its way.
pub(super) struct Told {
    story: Story,
    /// `sending`, `receiving` or `reading`.
    what: &'static str,
    name: String,
    size: u64,
    bar: ProgressBar,
    last: Option<Instant>,
}

impl Told {
    pub(super) fn new(story: &Story, what: &'static str, name: &str, size: u64, from: u64) -> Self {
        let bar = story.bar(size);
        let template = "{prefix:>10.cyan} {bar:30.cyan/dim} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        // A name may have anything in it, here too.
        let name = super::told_by_peer(name);
        bar.set_prefix(what);
        bar.set_message(name.clone());
        bar.set_position(from);
        bar.reset_eta();
        Told {
            story: story.clone(),
            what,
            name,
            size,
            bar,
            last: None,
        }
    }

    /// So much of it is there.
    pub(super) fn at(&mut self, bytes: u64) {
        self.bar.set_position(bytes);
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < TELL_TIME) {
            return;
        }
        self.last = Some(now);
        self.story.only_json(|| {
            json!({ "event": "progress", "what": self.what, "name": self.name,
                "bytes": bytes, "size": self.size })
        });
    }

    /// It is over: `sent`, `received`, `damaged`, `refused`, `cut` or `failed`.
    pub(super) fn end(self, how: &str, text: &str, more: impl FnOnce(&mut Value)) {
        self.bar.finish_and_clear();
        let name = &self.name;
        self.story.tell(how, &format!("{name}: {text}"), || {
            let mut line = json!({ "event": "file", "how": how, "name": name, "size": self.size,
                "text": text });
            more(&mut line);
            line
        });
    }

    /// It is here, with a hash that both ends know.
    pub(super) fn arrived(self, how: &str, from: u64, sha256: Sha256, path: Option<&str>) {
        let size = indicatif::HumanBytes(self.size);
        let before = match from {
            0 => String::new(),
            from => format!(", {} of it from before", indicatif::HumanBytes(from)),
        };
        let place = path.map_or_else(String::new, |path| format!(" → {path}"));
        let text = format!("{size}{before}, SHA-256 {sha256}{place}");
        self.end(how, &text, |line| {
            line["sha256"] = json!(sha256);
            line["from"] = json!(from);
            line["path"] = json!(path);
        });
    }
}

/// However it ends, no bar of it stays.
impl Drop for Told {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
