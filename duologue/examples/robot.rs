//! A robot's camera and the channel that steers it: `cargo run --example robot`.
//!
//! Commands go over a channel that neither waits for an order nor repeats: an old command is worth nothing. The robot
//! stops by itself when none comes for a while, which is the only word that a broken connection gives in time. Its
//! encoder, pretended here as a piece of hardware with two knobs, follows what the path carries.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

#[path = "pair/mod.rs"]
mod pair;

use std::time::Duration;

use duologue::{
    Configuration, DataChannel, DataChannelInit, EncodedFrameInit, EncodedFrames, Endpoint, Event,
    Events, MediaKind, Message, RtpSender, TransceiverDirection, TransceiverInit,
};
use tokio::time::{Instant, interval, sleep_until};

use pair::{Outcome, announced, negotiate, pretended_vp8};

/// How long a command counts.
const WATCHDOG: Duration = Duration::from_millis(300);
/// Time between two commands of a driver.
const COMMANDS: Duration = Duration::from_millis(50);

#[tokio::main]
pub(crate) async fn main() -> Outcome<()> {
    let endpoint = Endpoint::builder().loopback(true).build()?;
    let (robot, mut robot_events) = endpoint.connection(Configuration::default())?;
    let (driver, mut driver_events) = endpoint.connection(Configuration::default())?;
    let init = TransceiverInit {
        direction: TransceiverDirection::Sendonly,
        ..TransceiverInit::default()
    };
    let camera = robot.add_transceiver(MediaKind::Video, init)?.sender();
    let init = DataChannelInit {
        ordered: false,
        max_retransmits: Some(0),
        ..DataChannelInit::default()
    };
    let steering = robot.create_data_channel("steering", init)?;
    negotiate((&robot, &mut robot_events), (&driver, &mut driver_events)).await?;
    let wheel = announced(&mut driver_events).await?;
    let picture = driver
        .transceivers()
        .first()
        .ok_or("no camera")?
        .receiver()
        .frames();

    let moving = tokio::spawn(drive_until_silence(steering));
    let filming = tokio::spawn(film(Encoder::new(camera), robot_events));
    let frames = steer(&wheel, picture).await?;
    println!("the driver saw {frames} frames, and lets go");
    let (way, stopped_after) = moving.await??;
    filming.abort();
    println!("the robot went {way} steps, and stopped {stopped_after:?} after the last command");
    match way > 0 && stopped_after >= WATCHDOG {
        true => Ok(()),
        false => Err("it did not move, or stopped too early".into()),
    }
}

/// The robot's wheels. Gives how far they went, and how long after the last command they stopped.
async fn drive_until_silence(steering: DataChannel) -> Outcome<(i64, Duration)> {
    let (mut way, mut last, mut newest) = (0, None, 0);
    loop {
        let deadline = last.map_or_else(Instant::now, |at: Instant| at + WATCHDOG);
        tokio::select! {
            message = steering.recv() => {
                let Some(Message::Text(text)) = message else {
                    return Err("the driver is gone".into());
                };
                let (number, speed) = text.split_once(' ').ok_or("no command")?;
                let (number, speed): (u64, i64) = (number.parse()?, speed.parse()?);
                // One that was overtaken is old.
                if number > newest {
                    newest = number;
                    last = Some(Instant::now());
                    way += speed;
                }
            }
            () = sleep_until(deadline), if last.is_some() => {
                let last = last.ok_or("there was one")?;
                return Ok((way, last.elapsed()));
            }
        }
    }
}

/// Commands until enough was seen. Gives how many frames that were.
async fn steer(wheel: &DataChannel, mut picture: EncodedFrames) -> Outcome<usize> {
    wheel.opened().await?;
    let mut clock = interval(COMMANDS);
    let (mut number, mut frames) = (0u64, 0);
    while frames < 30 || number < 10 {
        tokio::select! {
            _ = clock.tick() => {
                number += 1;
                wheel.send_text(format!("{number} 1")).await?;
            }
            frame = picture.recv() => {
                let frame = frame.ok_or("the robot is gone")?;
                if frames == 0 && !frame.key {
                    return Err("nobody can decode the first frame".into());
                }
                frames += 1;
            }
        }
    }
    Ok(frames)
}

/// What an encoder of hardware has: a rate that is set, and key frames that are asked for.
struct Encoder {
    camera: RtpSender,
    bits_per_second: u64,
    key_wanted: bool,
    number: u32,
}

/// Frames a second.
const RATE: u32 = 30;

impl Encoder {
    fn new(camera: RtpSender) -> Self {
        Encoder {
            camera,
            bits_per_second: 300_000,
            key_wanted: true,
            number: 0,
        }
    }

    fn encode(&mut self) -> EncodedFrameInit {
        let len = self.bits_per_second / 8 / u64::from(RATE);
        let frame = EncodedFrameInit {
            timestamp: self.number * (90_000 / RATE),
            data: pretended_vp8(std::mem::take(&mut self.key_wanted), len as usize).into(),
            ..Default::default()
        };
        self.number += 1;
        frame
    }

    fn handle(&mut self, event: &Event) {
        match event {
            Event::KeyFrameRequest { .. } => self.key_wanted = true,
            Event::TargetBitrateChange(sender) if *sender == self.camera => {
                let room: u64 = sender.target_bitrates().iter().sum();
                // Whoever makes more than there is room for makes delay.
                self.bits_per_second = room.clamp(50_000, 2_000_000);
            }
            _ => {}
        }
    }
}

async fn film(mut encoder: Encoder, mut events: Events) -> Outcome<()> {
    let writer = encoder.camera.frames();
    let mut clock = interval(Duration::from_secs(1) / RATE);
    loop {
        tokio::select! {
            event = events.recv() => encoder.handle(&event.ok_or("closed")?),
            // A frame that there is no room for is left out.
            _ = clock.tick() => drop(writer.send(&mut vec![encoder.encode()])?),
        }
    }
}
