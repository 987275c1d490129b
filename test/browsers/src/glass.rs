//! Pictures with numbers, and when they were seen: from when one was captured until it is to be shown.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use duologue::codec::{CodecError, ContentHint, PixelFormat, VideoFrame, pattern};
use duologue::{Exception, MediaKind, RtpTransceiver, VideoTrackGenerator, VideoTrackProcessor};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Pictures a second.
const RATE: u32 = 30;
/// Pictures that are kept: a minute.
const KEPT: usize = 1_800;

/// What was captured and shown here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glass {
    captured: Notes,
    shown: Notes,
}

/// The number of each picture, when it was, in milliseconds since 1970, and how wide it was.
type Notes = Arc<Mutex<Vec<(u16, f64, u32)>>>;

impl Glass {
    /// Captures pictures for all senders of video, and looks at what all receivers of it show; until the
    /// connection is closed.
    pub(crate) fn watch(&self, transceivers: &[RtpTransceiver]) -> Result<(), Exception> {
        let video = |it: &&RtpTransceiver| it.kind() == Some(MediaKind::Video);
        for transceiver in transceivers.iter().filter(video) {
            let direction = transceiver.current_direction();
            if direction.is_some_and(|it| it.receives()) {
                let from = transceiver.receiver().video()?;
                tokio::spawn(look(from, self.shown.clone()));
            }
            if direction.is_some_and(|it| it.sends()) {
                let to = transceiver.sender().video()?;
                tokio::spawn(capture(to, self.captured.clone()));
            }
        }
        Ok(())
    }

    pub(crate) fn seen(&self) -> Value {
        json!({ "captured": *lock(&self.captured), "shown": *lock(&self.shown) })
    }
}

fn lock(notes: &Notes) -> MutexGuard<'_, Vec<(u16, f64, u32)>> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(notes: &Notes, number: u16, width: u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let at = since.unwrap_or_default().as_secs_f64() * 1e3;
    let mut notes = lock(notes);
    if notes.len() < KEPT {
        notes.push((number, at, width));
    }
}

async fn capture(to: VideoTrackGenerator, captured: Notes) {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // As the page's source says.
    to.set_content_hint(ContentHint::Detail);
    let began = ticks.tick().await;
    for number in 0..=u16::MAX {
        let at = ticks.tick().await - began;
        let Ok(picture) = paint(number) else {
            return;
        };
        note(&captured, number, WIDTH);
        if to.write(picture.at(at)).is_err() {
            return;
        }
    }
}

/// The picture of `page/call.js`, sample by sample: what encoding takes depends on what is seen.
fn paint(number: u16) -> Result<VideoFrame, CodecError> {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let side = width / 16;
    let row: Vec<u8> = (0..2 * width).map(|x| 40 + (x / 4 % 160) as u8).collect();
    let mut data = Vec::with_capacity(width * height * 3 / 2);
    for y in 0..2 * side {
        data.extend((0..width).map(|x| {
            let bit = number >> (15 - x / side) & 1;
            if (y < side) == (bit == 1) { 235 } else { 16 }
        }));
    }
    for y in 2 * side..height {
        let from = (usize::from(number) * 4 + y) % width;
        data.extend_from_slice(&row[from..from + width]);
    }
    data.resize(width * height * 3 / 2, 128);
    VideoFrame::packed(PixelFormat::I420, WIDTH, HEIGHT, data.into())
}

async fn look(mut from: VideoTrackProcessor, shown: Notes) {
    while let Some(picture) = from.recv().await {
        if let Some(number) = pattern::number(&picture) {
            note(&shown, number, picture.width());
        }
    }
}
