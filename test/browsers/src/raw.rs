//! Decodes what a receiver gets and sends back what the page can tell from an echo of packets: it was
//! decoded here, and something else encoded.

use duologue::codec::{AudioData, pattern};
use duologue::{Exception, MediaKind, RtpTransceiver};

/// What is added to the number in a picture: as in `page/raw.js`.
const STEP: u16 = 1_000;

pub(crate) async fn answer(transceiver: RtpTransceiver) -> Result<(), Exception> {
    if transceiver.kind() == Some(MediaKind::Video) {
        pictures(&transceiver).await
    } else {
        sound(&transceiver).await
    }
}

/// A picture with a number is answered by one of our own with another number, any other by itself.
async fn pictures(transceiver: &RtpTransceiver) -> Result<(), Exception> {
    let mut from = transceiver.receiver().video()?;
    let to = transceiver.sender().video()?;
    while let Some(picture) = from.recv().await {
        let (width, height) = (picture.width(), picture.height());
        let number = pattern::number(&picture);
        let drawn = number.and_then(|it| pattern::draw(it.wrapping_add(STEP), width, height).ok());
        let at = picture.timestamp;
        to.write(drawn.unwrap_or(picture).at(at))?;
    }
    Ok(())
}

/// A tone is answered by one that is an octave higher.
async fn sound(transceiver: &RtpTransceiver) -> Result<(), Exception> {
    let mut from = transceiver.receiver().audio()?;
    let to = transceiver.sender().audio()?;
    let mut heard: Vec<f32> = Vec::new();
    let mut phase = 0.0_f32;
    while let Some(sound) = from.recv().await {
        let rate = sound.sample_rate();
        heard.extend(
            sound
                .samples()
                .iter()
                .step_by(usize::from(sound.channels())),
        );
        // The last tenth of a second.
        let beyond = heard.len().saturating_sub(rate as usize / 10);
        heard.drain(..beyond);
        let rises = heard
            .windows(2)
            .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0);
        let hertz = 10 * rises.count() as u16;
        let step = 2.0 * f32::from(hertz) * std::f32::consts::TAU / rate as f32;
        let tone = (0..sound.frames()).map(|_| {
            phase = (phase + step) % std::f32::consts::TAU;
            phase.sin() / 2.0
        });
        let tone: Vec<f32> = tone.collect();
        if let Ok(answer) = AudioData::new(tone.into(), rate, 1) {
            to.write(answer.at(sound.timestamp))?;
        }
    }
    Ok(())
}
