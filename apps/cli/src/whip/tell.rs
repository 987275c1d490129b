//! What the commands say.

use serde::Serialize;

use super::recorder::Arrived;
use crate::plain;

/// Where to: people or programs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tell {
    json: bool,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Happening<'h> {
    Opened { session: &'h str },
    Refused { codec: &'h str },
    Connected,
    Playing,
    Lost { url: &'h str },
    Published { frames: Option<u64> },
    Played { tracks: &'h [Arrived] },
}

impl Tell {
    pub(super) fn new(json: bool) -> Self {
        Tell { json }
    }

    pub(super) fn opened(self, session: &str) {
        self.say(&Happening::Opened { session }, || {
            format!("the session is at {session}")
        });
    }

    /// The server does not take a track of the file.
    pub(super) fn refused(self, codec: &str) {
        self.say(&Happening::Refused { codec }, || {
            format!("the server refuses the track of {codec}")
        });
    }

    pub(super) fn connected(self) {
        self.say(&Happening::Connected, || "connected".to_owned());
    }

    /// The first frame came.
    pub(super) fn playing(self) {
        self.say(&Happening::Playing, || "it plays".to_owned());
    }

    /// The server is gone, and there are others.
    pub(super) fn lost(self, url: &str) {
        self.say(&Happening::Lost { url }, || format!("{url} is gone"));
    }

    pub(super) fn published(self, frames: Option<u64>) {
        self.say(&Happening::Published { frames }, || match frames {
            Some(frames) => format!("{frames} frames were sent"),
            None => "ended".to_owned(),
        });
    }

    pub(super) fn played(self, tracks: &[Arrived]) {
        self.say(&Happening::Played { tracks }, || {
            let lines = tracks.iter().map(|track| {
                let size = match track.width {
                    0 => String::new(),
                    width => format!(", {width}x{}", track.height),
                };
                let left_out = match track.left_out {
                    0 => String::new(),
                    frames => format!(", {frames} not in the file"),
                };
                let Arrived {
                    codec,
                    frames,
                    key_frames,
                    bytes,
                    ..
                } = track;
                format!(
                    "{codec}: {frames} frames, {key_frames} of them key frames, {bytes} bytes{size}{left_out}"
                )
            });
            lines.collect::<Vec<_>>().join("\n")
        });
    }

    fn say(self, happening: &Happening<'_>, text: impl FnOnce() -> String) {
        match self.json {
            true => println!("{}", serde_json::to_string(happening).unwrap_or_default()),
            // Names of codecs are the server's.
            false => println!("{}", plain::marked("", &text())),
        }
    }
}
