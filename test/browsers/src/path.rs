//! A path whose rate changes, and media that takes what it gives.

use std::io;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use duologue::{EncodedFrameInit, Exception, RtpTransceiver};
use tokio::time::{MissedTickBehavior, interval};

/// The device and the shaper of [`NAMESPACE`].
const SHAPER: [&str; 6] = ["dev", "lo", "parent", "1:10", "handle", "10:"];

/// As a network namespace is made that has such a path, before `"$@"` runs in it: what is longer than 400
/// bytes on loopback goes through a shaper, feedback does not, as if it were the path in one direction.
pub const NAMESPACE: &str = "ip link set lo up
    ip link add d0 type veth peer name d1
    ip link set d1 up && ip addr add 10.9.0.1/24 dev d0 && ip link set d0 up && ip route add default dev d0
    nft add table inet path
    nft add chain inet path out '{ type route hook output priority 0; }'
    nft add rule inet path out meta l4proto udp meta length '>' 400 meta priority set 1:10
    tc qdisc add dev lo root handle 1: htb
    tc class add dev lo parent 1: classid 1:10 htb rate 10gbit quantum 60000
    tc qdisc add dev lo parent 1:10 handle 10: tbf rate 20mbit burst 3kb limit 4mb
    exec \"$@\"";

/// The path carries so much from now on.
pub(crate) fn set(kbps: u32) -> io::Result<()> {
    let rate = format!("{kbps}kbit");
    let mut command = Command::new("tc");
    command.args(["qdisc", "change"]).args(SHAPER);
    command.args(["tbf", "rate", &rate, "burst", "3kb", "limit", "4mb"]);
    match command.status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("tc refuses")),
    }
}

/// Pictures a second.
const PICTURES: u32 = 30;

/// What an encoder of VP8 makes whose pictures are as large as they may be, whatever they show; until the
/// connection is closed.
pub(crate) async fn fill(transceiver: RtpTransceiver) -> Result<(), Exception> {
    let sender = transceiver.sender();
    let frames = sender.frames();
    let mut ticks = interval(Duration::from_secs(1) / PICTURES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for picture in 0.. {
        ticks.tick().await;
        // Encoders leave out pictures while those before them wait.
        if frames.queued() > 0 {
            continue;
        }
        let target = sender.target_bitrates().first().copied();
        let bytes = target.unwrap_or(START) / 8 / u64::from(PICTURES);
        let mut data = vec![0x55; (bytes as usize).max(KEY.len())];
        data[..KEY.len()].copy_from_slice(&KEY);
        let frame = EncodedFrameInit {
            timestamp: picture * (90_000 / PICTURES),
            data: Bytes::from(data),
            ..EncodedFrameInit::default()
        };
        frames.send_all(&mut vec![frame]).await?;
    }
    Ok(())
}

/// What is made before a target is known, in bits per second.
const START: u64 = 300_000;

/// A key frame of 640 × 480 begins like this (RFC 6386 §9.1).
const KEY: [u8; 10] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
