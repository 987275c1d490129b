//! A voice agent: sound in, sound out, and it stops talking when it is talked to (barge-in):
//! `cargo run --features codecs --example voice_agent`.
//!
//! Speech recognition and speech are pretended by loudness and a tone. The agent's clock is the caller's sound: for
//! each piece that comes one goes.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "pair/mod.rs"]
mod pair;

use std::time::Duration;

use duologue::codec::AudioData;
use duologue::{
    AudioTrackGenerator, AudioTrackProcessor, Configuration, Endpoint, MediaKind, RtpReceiver,
    Track, TrackId,
};
use tokio::time::interval;

use pair::{Outcome, negotiate};

/// G.711, which needs no library: 8,000 samples a second, in pieces of 20 ms.
const CODEC: &str = "audio/PCMU";
const RATE: u32 = 8_000;
const PIECE: usize = 160;
/// What is speech.
const LOUD: f32 = 0.05;
/// Pieces of silence after which it is the other one's turn.
const PAUSE: u32 = 10;
/// Pieces of an answer.
const ANSWER: u32 = 150;

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (caller, mut caller_events) = endpoint.connection(Configuration::default())?;
    let (agent, mut agent_events) = endpoint.connection(Configuration::default())?;
    let line = caller.add_transceiver(MediaKind::Audio, Default::default())?;
    let mut codecs = RtpReceiver::capabilities(MediaKind::Audio).codecs;
    codecs.retain(|codec| codec.mime_type == CODEC);
    line.set_codec_preferences(codecs)?;
    // The agent's end of the line: an offer takes a transceiver that a track was added to.
    let voice = Track {
        id: TrackId::from("voice"),
        kind: MediaKind::Audio,
    };
    agent.add_track(voice, &[])?;
    negotiate((&caller, &mut caller_events), (&agent, &mut agent_events)).await?;
    let there = agent.transceivers().into_iter().next().ok_or("no line")?;

    let answering =
        tokio::spawn(Agent::default().run(there.receiver().audio()?, there.sender().audio()?));
    let call = call(line.receiver().audio()?, line.sender().audio()?);
    let outcome = tokio::time::timeout(Duration::from_secs(30), call).await;
    let kept_talking = outcome.map_err(|_| "the agent never answered")??;
    caller.close();
    agent.close();
    answering.await??;
    println!("interrupted, the agent said {kept_talking} more pieces of 20 ms");
    match kept_talking < ANSWER / 2 {
        true => Ok(()),
        false => Err("the agent did not let itself be interrupted".into()),
    }
}

/// What the agent is at.
#[derive(Debug)]
enum Agent {
    Listening { heard: bool, quiet: u32 },
    Talking { left: u32 },
}

impl Default for Agent {
    fn default() -> Self {
        Agent::Listening {
            heard: false,
            quiet: 0,
        }
    }
}

impl Agent {
    /// Until the call is over.
    async fn run(
        mut self,
        mut ear: AudioTrackProcessor,
        mouth: AudioTrackGenerator,
    ) -> Outcome<()> {
        let mut number = 0;
        while let Some(sound) = ear.recv().await {
            self = self.hear(is_loud(&sound));
            let talks = matches!(self, Agent::Talking { .. });
            // A caller who has hung up does not hear it.
            if mouth.write(piece(number, talks)?).is_err() {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    /// Talked to it listens, whatever it was at; after a pause it answers.
    fn hear(self, loud: bool) -> Self {
        match self {
            _ if loud => Agent::Listening {
                heard: true,
                quiet: 0,
            },
            Agent::Listening {
                heard: true,
                quiet: PAUSE..,
            } => Agent::Talking { left: ANSWER },
            Agent::Listening { heard, quiet } => Agent::Listening {
                heard,
                quiet: quiet + 1,
            },
            Agent::Talking { left: 0 } => Agent::default(),
            Agent::Talking { left } => Agent::Talking { left: left - 1 },
        }
    }
}

/// Says something, listens to the answer, and talks into it. Gives how long the agent talked on.
async fn call(mut ear: AudioTrackProcessor, mouth: AudioTrackGenerator) -> Outcome<u32> {
    let mut clock = interval(Duration::from_millis(20));
    let (mut number, mut heard, mut quiet, mut since) = (0, 0, 0, None);
    loop {
        tokio::select! {
            _ = clock.tick() => {
                // A first sentence of half a second, and another one as soon as the agent has begun to answer.
                let talks = number < 25 || since.is_some();
                mouth.write(piece(number, talks)?)?;
                number += 1;
            }
            sound = ear.recv() => {
                let loud = is_loud(&sound.ok_or("the agent hung up")?);
                heard += u32::from(loud);
                if heard >= 25 && since.is_none() {
                    since = Some(heard);
                }
                quiet = if loud { 0 } else { quiet + 1 };
                if let Some(since) = since && quiet >= PAUSE {
                    return Ok(heard - since);
                }
            }
        }
    }
}

/// 20 ms of a tone, or of silence.
fn piece(number: u32, loud: bool) -> Outcome<AudioData> {
    let at = Duration::from_millis(20) * number;
    let level = if loud { 0.5 } else { 0.0 };
    let sample = |n: usize| (n as f32 * std::f32::consts::TAU * 400.0 / RATE as f32).sin() * level;
    let mut sound = AudioData::new((0..PIECE).map(sample).collect(), RATE, 1)?;
    sound.timestamp = at;
    Ok(sound)
}

fn is_loud(sound: &AudioData) -> bool {
    sound.samples().iter().any(|sample| sample.abs() > LOUD)
}
