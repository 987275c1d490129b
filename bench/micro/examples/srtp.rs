//! `cargo run --release -p duologue-bench-micro --example srtp`: nanoseconds to protect and to open a
//! packet, beside those of the bare cipher on the same bytes, by profile and size of packet.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use duologue_base::SrtpProfile;
use duologue_srtp::{MasterKey, Receiver, Sender};

/// Rounds, in which the bare cipher and ours take turns. The fastest of each counts: a busy machine
/// only ever makes one slower.
const ROUNDS: usize = 1_000;
/// Packets of a round.
const PACKETS: usize = 50;
const HEADER: usize = 12;

fn main() {
    println!("| profile | bytes | out | bare | ratio | in | bare | ratio | both |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (profile, key, salt) in [
        (SrtpProfile::AeadAes128Gcm, 16, 12),
        (SrtpProfile::AeadAes256Gcm, 32, 12),
        (SrtpProfile::Aes128CmSha1_80, 16, 14),
        (SrtpProfile::Aes128CmSha1_32, 16, 14),
    ] {
        let master = MasterKey::new(profile, &[1; 32][..key], &[2; 14][..salt]).expect("a key");
        for size in [1200, 160] {
            measure(&master, &Bare::new(profile), profile, size);
        }
    }
}

fn measure(master: &MasterKey, bare: &Bare, profile: SrtpProfile, size: usize) {
    let mut sender = Sender::new(master).expect("a context");
    let mut receiver = Receiver::new(master).expect("a context");
    let mut packets: [_; PACKETS] = std::array::from_fn(|_| Vec::with_capacity(size + 32));
    let mut times = [f64::INFINITY; 4];
    let mut number = 0_u16;
    for _ in 0..ROUNDS {
        for packet in &mut packets {
            write(packet, number, size);
            number = number.wrapping_add(1);
        }
        let out = each(&mut packets, |packet| {
            sender.protect_rtp(packet, 0).expect("protected");
        });
        let open = each(&mut packets, |packet| {
            receiver.open_rtp(packet).expect("opened");
        });
        for packet in &mut packets {
            write(packet, 0, size);
        }
        let bare_out = each(&mut packets, |packet| bare.seal(packet));
        let bare_open = each(&mut packets, |packet| bare.open(packet));
        for (fastest, now) in times.iter_mut().zip([out, open, bare_out, bare_open]) {
            *fastest = now.min(*fastest);
        }
    }
    let [out, open, bare_out, bare_open] = times;
    println!(
        "| {} | {size} | {out:.0} | {bare_out:.0} | {:.2} | {open:.0} | {bare_open:.0} | {:.2} | {:.2} |",
        profile.name(),
        out / bare_out,
        open / bare_open,
        (out + open) / (bare_out + bare_open)
    );
}

fn write(packet: &mut Vec<u8>, number: u16, size: usize) {
    packet.clear();
    packet.extend([0x80, 96]);
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 0, 9, 0, 0, 0, 1]);
    packet.resize(size, 0x5a);
}

/// Nanoseconds of each.
fn each(packets: &mut [Vec<u8>], mut work: impl FnMut(&mut Vec<u8>)) -> f64 {
    let begin = Instant::now();
    for packet in packets.iter_mut() {
        work(black_box(packet));
    }
    begin.elapsed().as_nanos() as f64 / packets.len() as f64
}

/// The cipher with a key that is made once, and the tag, of the same bytes: no stream, no number, no
/// header that is read.
enum Bare {
    Gcm(LessSafeKey),
    CounterMode(Box<(EncryptingKey, hmac::Key)>, usize),
}

impl Bare {
    fn new(profile: SrtpProfile) -> Self {
        let gcm = |algorithm: &'static Algorithm| {
            let key = UnboundKey::new(algorithm, &[1; 32][..algorithm.key_len()]);
            Bare::Gcm(LessSafeKey::new(key.expect("a key")))
        };
        let counter_mode = |tag| {
            let key = UnboundCipherKey::new(&AES_128, &[1; 16]).and_then(EncryptingKey::ctr);
            let authentication = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[2; 20]);
            Bare::CounterMode(Box::new((key.expect("a key"), authentication)), tag)
        };
        match profile {
            SrtpProfile::AeadAes128Gcm => gcm(&AES_128_GCM),
            SrtpProfile::AeadAes256Gcm => gcm(&AES_256_GCM),
            SrtpProfile::Aes128CmSha1_80 => counter_mode(10),
            SrtpProfile::Aes128CmSha1_32 => counter_mode(4),
        }
    }

    fn seal(&self, packet: &mut Vec<u8>) {
        let (clear, rest) = packet.split_at_mut(HEADER);
        match self {
            Bare::Gcm(key) => {
                let nonce = Nonce::assume_unique_for_key([3; 12]);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(clear), rest);
                packet.extend_from_slice(tag.expect("sealed").as_ref());
            }
            Bare::CounterMode(keys, tag) => {
                let (key, authentication) = &**keys;
                let context = EncryptionContext::Iv128([3; 16].into());
                key.less_safe_encrypt(rest, context).expect("encrypted");
                let whole = hmac::sign(authentication, packet);
                packet.extend_from_slice(&whole.as_ref()[..*tag]);
            }
        }
    }

    fn open(&self, packet: &mut [u8]) {
        match self {
            Bare::Gcm(key) => {
                let (clear, rest) = packet.split_at_mut(HEADER);
                let nonce = Nonce::assume_unique_for_key([3; 12]);
                key.open_in_place(nonce, Aad::from(clear), rest)
                    .expect("authentic");
            }
            Bare::CounterMode(keys, tag) => {
                let (key, authentication) = &**keys;
                let at = packet.len() - tag;
                let (bytes, theirs) = packet.split_at_mut(at);
                let whole = hmac::sign(authentication, bytes);
                assert_eq!(whole.as_ref()[..*tag], *theirs);
                let context = EncryptionContext::Iv128([3; 16].into());
                key.less_safe_encrypt(&mut bytes[HEADER..], context)
                    .expect("decrypted");
            }
        }
    }
}
