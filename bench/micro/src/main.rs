//! `bench-micro NAME` does one piece of the packet path over and over, `bench-micro list` names
//! them. Alone it measures nothing: `cargo xtask bench micro` runs it under callgrind, which counts
//! the instructions that are executed inside of `measured_here`.

mod dtls;
mod rtp;
mod sctp;
mod session;
mod srtp;

use std::process::ExitCode;

/// How much work a bench has done.
struct Done {
    /// Pieces that were measured.
    count: u64,
    /// What a piece is.
    unit: &'static str,
}

type Bench = fn() -> Done;

const BENCHES: &[(&str, Bench)] = &[
    ("sctp-out-16k", sctp::out_16k),
    ("sctp-out-64b", sctp::out_64b),
    ("sctp-in-16k", sctp::in_16k),
    ("sctp-in-64b", sctp::in_64b),
    ("sctp-sack-made", sctp::sack_made),
    ("sctp-sack-taken", sctp::sack_taken),
    ("sctp-sack-taken-loss", sctp::sack_taken_loss),
    ("dtls13-out", dtls::out_13),
    ("dtls13-in", dtls::in_13),
    ("dtls12-out", dtls::out_12),
    ("dtls12-in", dtls::in_12),
    ("srtp-out-1200", srtp::out_1200),
    ("srtp-in-1200", srtp::in_1200),
    ("srtp-out-160", srtp::out_160),
    ("srtp-in-160", srtp::in_160),
    ("session-out-16k", session::out_16k),
    ("session-in-16k", session::in_16k),
    ("session-message-64b", session::message_64b),
    ("session-ping", session::ping),
    ("session-demux", session::demux),
    ("session-stun-check", session::stun_check),
    ("session-idle-poll", session::idle_poll),
    ("rtp-header-out", rtp::header_out),
    ("rtp-header-in", rtp::header_in),
    ("channels-1", session::channels_1),
    ("channels-100", session::channels_100),
    ("channels-10000", session::channels_10000),
];

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]
fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "list" {
        for (name, _) in BENCHES {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    let Some((_, bench)) = BENCHES.iter().find(|(known, _)| *known == name) else {
        eprintln!("no bench {name:?}: see `bench-micro list`");
        return ExitCode::FAILURE;
    };
    let Done { count, unit } = bench();
    println!("{count} {unit}");
    ExitCode::SUCCESS
}

/// Callgrind counts what happens in here, and nothing else.
#[inline(never)]
fn measured_here<R>(work: impl FnOnce() -> R) -> R {
    std::hint::black_box(work())
}

/// `measured_here` if this is what is to be measured.
fn measured_if<R>(wanted: bool, work: impl FnOnce() -> R) -> R {
    if wanted { measured_here(work) } else { work() }
}
