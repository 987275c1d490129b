//! DTLS with other implementations: the programs of OpenSSL and GnuTLS, and wolfSSL's library, over loopback, as client and
//! as server, with keys of ECDSA and RSA; rtc-dtls in memory.

mod peer;
mod programs;
mod rtc_dtls;

use std::time::Duration;

use duologue_base::{Rng, WallClock};
use duologue_identity::{Certificate, KeygenAlgorithm};

use crate::peer::Peer;
use crate::programs::{Side, Stack};

const RSA: KeygenAlgorithm = KeygenAlgorithm::RsaPkcs1 {
    modulus_length: 2048,
};
const KINDS: [KeygenAlgorithm; 2] = [KeygenAlgorithm::EcdsaP256, RSA];

fn certificate(algorithm: KeygenAlgorithm) -> Certificate {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = WallClock::from_unix_millis(now.expect("a clock").as_millis() as u64);
    let day = Duration::from_secs(24 * 60 * 60);
    Certificate::generate(algorithm, now, day, &mut Rng::from_u64(1)).expect("a key")
}

/// A handshake, the same SRTP keys where the program shows its own, and a line of text each way.
fn understand_each_other(stack: Stack, side: Side, extra: &[&str]) {
    with_keys(stack, side, extra, &KINDS);
}

fn with_keys(stack: Stack, side: Side, extra: &[&str], kinds: &[KeygenAlgorithm]) {
    for &ours in kinds {
        for &theirs in kinds {
            let what = format!("{stack:?} as {side:?}, {ours:?} with {theirs:?}, {extra:?}");
            let [ours, theirs] = [ours, theirs].map(certificate);
            let mut peer = Peer::bind(ours, &theirs, side);
            let mut program = stack.start(side, &theirs, peer.port(), extra);
            peer.connect(program.port(), &what);
            if program.echoes() {
                peer.say("hello from here\n");
                peer.wait_for("hello from here", &what);
                continue;
            }
            program.say("hello from there");
            peer.wait_for("hello from there", &what);
            peer.say("hello from here\n");
            program.wait_for("hello from here", &what);
            if let Some(keys) = program.srtp_keys() {
                assert_eq!(peer.srtp_keys(), Some(keys), "{what}");
            }
        }
    }
}

#[test]
fn openssl_as_a_server() {
    understand_each_other(Stack::OpenSsl, Side::Server, &[]);
}

#[test]
fn openssl_as_a_client() {
    understand_each_other(Stack::OpenSsl, Side::Client, &[]);
}

#[test]
fn openssl_with_each_cipher_and_curve() {
    let suites = [
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    ];
    for suite in suites {
        understand_each_other(Stack::OpenSsl, Side::Server, &["-cipher", suite]);
    }
    for curve in ["X25519", "P-256", "P-384"] {
        // It takes no certificate with a key on another curve.
        for side in [Side::Server, Side::Client] {
            with_keys(Stack::OpenSsl, side, &["-curves", curve], &[RSA]);
        }
    }
}

#[test]
fn openssl_with_fragments_of_a_small_path() {
    // The least that it takes: certificates come in many pieces.
    understand_each_other(Stack::OpenSsl, Side::Server, &["-mtu", "256"]);
    understand_each_other(Stack::OpenSsl, Side::Client, &["-mtu", "256"]);
}

#[test]
fn gnutls_as_a_server() {
    understand_each_other(Stack::GnuTls, Side::Server, &[]);
}

#[test]
fn gnutls_as_a_client() {
    understand_each_other(Stack::GnuTls, Side::Client, &[]);
}

#[test]
fn wolfssl_as_a_server() {
    // It asks its client for a certificate of its own kind only.
    for kind in KINDS {
        with_keys(Stack::WolfSsl, Side::Server, &[], &[kind]);
    }
}

#[test]
fn wolfssl_as_a_client() {
    understand_each_other(Stack::WolfSsl, Side::Client, &[]);
}

#[test]
fn rtc_dtls_as_a_server() {
    understand_rtc_dtls(Side::Server);
}

#[test]
fn rtc_dtls_as_a_client() {
    understand_rtc_dtls(Side::Client);
}

/// On a whole path, and on paths that lose, repeat and delay up to a tenth of what is sent.
fn understand_rtc_dtls(side: Side) {
    for ours in KINDS {
        for theirs in KINDS {
            for trouble in [0, 5, 10] {
                let what = format!("{side:?}, {ours:?} with {theirs:?}, {trouble} %");
                let [ours, theirs] = [ours, theirs].map(certificate);
                let pair = rtc_dtls::Pair::new(side, ours, &theirs, trouble);
                pair.understand_each_other(&what);
            }
        }
    }
}
