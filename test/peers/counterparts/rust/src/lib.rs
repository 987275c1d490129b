//! What the counterparts in Rust share: JSON lines out, and the count of what came. The lines are described in
//! test/peers/src/process.rs.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const MESSAGE: usize = 16_384;

pub fn say(line: Value) {
    println!("{line}");
}

pub fn text(error: impl Display) -> String {
    error.to_string()
}

/// Byte i of what is sent.
pub fn pattern(count: usize, seed: usize) -> Vec<u8> {
    (0..count).map(|i| ((31 * i + seed) % 251) as u8).collect()
}

/// Bytes that came on each channel since the last report, and how many are awaited.
#[derive(Default)]
pub struct Tallies(HashMap<String, (usize, Sha256, Option<usize>)>);

impl Tallies {
    pub fn take(&mut self, label: &str, data: &[u8]) {
        let tally = self.0.entry(label.to_owned()).or_default();
        tally.0 += data.len();
        tally.1.update(data);
        self.report(label);
    }

    pub fn expect(&mut self, label: &str, bytes: usize) {
        self.0.entry(label.to_owned()).or_default().2 = Some(bytes);
        self.report(label);
    }

    fn report(&mut self, label: &str) {
        let (bytes, hash, expected) = self.0.entry(label.to_owned()).or_default();
        if expected.is_none_or(|expected| *bytes < expected) {
            return;
        }
        let digest = std::mem::take(hash).finalize();
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        say(json!({ "received": { "label": label, "bytes": bytes, "sha256": sha256 } }));
        self.0.remove(label);
    }
}

/// Media that came, by kind and layer; told now and then.
#[derive(Default)]
pub struct Counts(HashMap<(String, String), u64>);

impl Counts {
    pub fn take(&mut self, kind: &str, rid: &str, unit: &str) {
        let count = self.0.entry((kind.to_owned(), rid.to_owned())).or_default();
        *count += 1;
        if count.is_multiple_of(10) {
            say(json!({ "counted": { "kind": kind, "rid": rid, "count": count, "unit": unit } }));
        }
    }
}

/// Silence in Opus, or what is a picture of VP8 by its header (RFC 6386 §9.1).
pub fn frame(kind: &str) -> Vec<u8> {
    if kind == "audio" {
        return vec![0xf8, 0xff, 0xfe];
    }
    let mut picture = vec![0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];
    picture.resize(700, 0x5a);
    picture
}

/// How often they are sent.
pub fn pause(kind: &str) -> Duration {
    Duration::from_millis(if kind == "audio" { 20 } else { 50 })
}

/// The address of this host by which others reach it; nothing is sent.
pub fn address() -> IpAddr {
    let route = |to: &str| {
        let socket = UdpSocket::bind(if to.contains('[') {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        })
        .ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    // RFC 5737 §3, RFC 3849: addresses for documents.
    let found = route("198.51.100.1:9").or_else(|| route("[2001:db8::1]:9"));
    found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Strings of an array of a line.
pub fn words(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

/// The version of a dependency, as this was built with it.
pub fn version(of: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let mut lines = lock
        .lines()
        .skip_while(|line| *line != format!("name = \"{of}\""));
    let line = lines.nth(1).unwrap_or_default();
    line.trim_start_matches("version = ")
        .trim_matches('"')
        .to_owned()
}
