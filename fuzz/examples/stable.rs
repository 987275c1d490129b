//! Fuzzing on a stable toolchain: every committed seed, then mutations of the seeds, without the
//! guidance of coverage. It does not find what a long run of cargo-fuzz does; it keeps every target
//! running and its invariants checked wherever the tests are.
//!
//! `cargo run --example stable -- [TARGET] [--seconds N] [--seed N]`, or `-- TARGET FILE` to run one
//! input again. Every run has another seed, which it prints.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::exit;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use arbitrary::{Arbitrary, Unstructured};
use cpu_time::ProcessTime;
use duologue_base::Rng;

/// A target by the name of its file in `targets/`, and what it does with bytes.
struct Target {
    name: &'static str,
    run: fn(&[u8]),
}

const TARGETS: [Target; 34] = [
    target("candidate", |bytes| on(duologue_fuzz::candidate, bytes)),
    target("certificate", |bytes| on(duologue_fuzz::certificate, bytes)),
    target("congestion", |bytes| on(duologue_fuzz::congestion, bytes)),
    target("dcep", |bytes| on(duologue_fuzz::dcep, bytes)),
    target("dependency", |bytes| on(duologue_fuzz::dependency, bytes)),
    target("dtls", |bytes| on(duologue_fuzz::dtls, bytes)),
    target("dtls_12", |bytes| on(duologue_fuzz::dtls_12, bytes)),
    target("dtls_13", |bytes| on(duologue_fuzz::dtls_13, bytes)),
    target("dtls_record", |bytes| on(duologue_fuzz::dtls_record, bytes)),
    target("files", |bytes| on(duologue_fuzz::files, bytes)),
    target("fingerprint", |bytes| on(duologue_fuzz::fingerprint, bytes)),
    target("hostile_peer", |bytes| {
        on(duologue_fuzz::hostile_peer, bytes)
    }),
    target("ice_agent", |bytes| on(duologue_fuzz::ice_agent, bytes)),
    target("ice_server", |bytes| on(duologue_fuzz::ice_server, bytes)),
    target("mdns", |bytes| on(duologue_fuzz::mdns, bytes)),
    target("media_loop", |bytes| on(duologue_fuzz::media_loop, bytes)),
    target("media_receive", |bytes| {
        on(duologue_fuzz::media_receive, bytes)
    }),
    target("payload_join", |bytes| {
        on(duologue_fuzz::payload_join, bytes)
    }),
    target("payload_split", |bytes| {
        on(duologue_fuzz::payload_split, bytes)
    }),
    target("peer", |bytes| on(duologue_fuzz::peer, bytes)),
    target("playout", |bytes| on(duologue_fuzz::playout, bytes)),
    target("remote_answer", |bytes| {
        on(duologue_fuzz::remote_answer, bytes)
    }),
    target("remote_offer", |bytes| {
        on(duologue_fuzz::remote_offer, bytes)
    }),
    target("repair", |bytes| on(duologue_fuzz::repair, bytes)),
    target("rtcp", |bytes| on(duologue_fuzz::rtcp, bytes)),
    target("rtp", |bytes| on(duologue_fuzz::rtp, bytes)),
    target("sctp_association", |bytes| {
        on(duologue_fuzz::sctp_association, bytes)
    }),
    target("sctp_packet", |bytes| on(duologue_fuzz::sctp_packet, bytes)),
    target("sdp", |bytes| on(duologue_fuzz::sdp, bytes)),
    target("session_datagrams", |bytes| {
        on(duologue_fuzz::session_datagrams, bytes)
    }),
    target("set_remote_description", |bytes| {
        on(duologue_fuzz::set_remote_description, bytes)
    }),
    target("srtp", |bytes| on(duologue_fuzz::srtp, bytes)),
    target("stream", |bytes| on(duologue_fuzz::stream, bytes)),
    target("stun", |bytes| on(duologue_fuzz::stun, bytes)),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Makes of the bytes what cargo-fuzz would.
fn on<'a, T: Arbitrary<'a>>(run: fn(T), bytes: &'a [u8]) {
    if let Ok(input) = T::arbitrary_take_rest(Unstructured::new(bytes)) {
        run(input);
    }
}

/// The bounds of one run, as cargo-fuzz has them.
const RUN_MAX: Duration = Duration::from_secs(10);
const RESIDENT_MAX_KIB: u64 = 1 << 20;
const INPUT_MAX: usize = 4096;
/// How long the mutations of a target take when nobody says.
const SECONDS: f64 = 3.0;

/// The input that runs, for whoever has to say what went wrong with it.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    target: &'static str,
    input: Vec<u8>,
    since: Instant,
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let seconds = take_number(&mut args, "--seconds").unwrap_or(SECONDS);
    let seed = take_number(&mut args, "--seed").unwrap_or_else(seed_of_now);
    let only = args.first();
    assert_eq!(
        names_in("targets"),
        TARGETS.map(|t| format!("{}.rs", t.name))
    );
    if args.len() < 2 {
        println!("fuzz: --seed {seed}");
    }
    thread::spawn(watch);
    for target in TARGETS.iter().filter(|t| only.is_none_or(|o| o == t.name)) {
        match args.get(1) {
            Some(file) => run(target, fs::read(file).expect("the input's file")),
            None => fuzz(target, Duration::from_secs_f64(seconds), seed),
        }
    }
}

/// The number behind an option, which goes with it.
fn take_number<T: FromStr>(args: &mut Vec<String>, option: &str) -> Option<T> {
    let at = args.iter().position(|arg| arg == option)?;
    let number = args.get(at + 1).and_then(|number| number.parse().ok());
    args.drain(at..args.len().min(at + 2));
    let Some(number) = number else {
        panic!("{option} N");
    };
    Some(number)
}

/// Another one for each run.
fn seed_of_now() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    since.as_nanos() as u64 ^ u64::from(std::process::id()) << 32
}

fn fuzz(target: &Target, time: Duration, seed: u64) {
    let folder = format!("seeds/{}", target.name);
    let seeds: Vec<Vec<u8>> = names_in(&folder)
        .iter()
        .map(|name| fs::read(here(&folder).join(name)).expect("a seed"))
        .collect();
    for seed in &seeds {
        run(target, seed.clone());
    }
    // What is made once is made by now.
    duologue_fuzz::take_most_kib();
    let (begin, cpu) = (Instant::now(), ProcessTime::now());
    let mut rng = Rng::from_u64(seed);
    let mut runs = seeds.len();
    while begin.elapsed() < time {
        run(target, mutation(&seeds, &mut rng));
        runs += 1;
    }
    println!(
        "fuzz: {:22} {runs:8} runs, {} seeds, {:.0} CPU s, {} KiB at most",
        target.name,
        seeds.len(),
        cpu.elapsed().as_secs_f64(),
        duologue_fuzz::take_most_kib()
    );
}

fn run(target: &Target, input: Vec<u8>) {
    *RUNNING.lock().expect("nobody panics with it") = Some(Running {
        target: target.name,
        input: input.clone(),
        since: Instant::now(),
    });
    if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
        fail("panicked");
    }
    *RUNNING.lock().expect("nobody panics with it") = None;
}

/// Ends the program when a run takes too long or too much memory.
fn watch() {
    loop {
        thread::sleep(Duration::from_millis(100));
        let running = RUNNING.lock().expect("nobody panics with it");
        let late = running
            .as_ref()
            .is_some_and(|run| run.since.elapsed() > RUN_MAX);
        drop(running);
        if late {
            fail("took too long");
        }
        if resident_kib().is_some_and(|kib| kib > RESIDENT_MAX_KIB) {
            fail("took too much memory");
        }
    }
}

/// Where the system tells it.
fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn fail(why: &str) -> ! {
    let running = RUNNING.lock().expect("nobody panics with it");
    if let Some(running) = running.as_ref() {
        let folder = here("artifacts").join(running.target);
        let file = folder.join("stable");
        fs::create_dir_all(&folder).expect("a folder for the input");
        fs::write(&file, &running.input).expect("the input is written");
        eprintln!(
            "fuzz: {} {why}; once more: cargo run --example stable -- {} {}",
            running.target,
            running.target,
            file.display()
        );
    }
    exit(1);
}

/// Some bytes that are not far from a seed, mostly.
fn mutation(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = match pick(seeds, rng) {
        Some(seed) if rng.below(10) > 0 => seed.clone(),
        _ => random(INPUT_MAX, rng),
    };
    for _ in 0..=rng.below(6) {
        mutate(&mut input, seeds, rng);
    }
    input.truncate(INPUT_MAX);
    input
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut Rng) {
    let len = input.len();
    let at = below(len + 1, rng);
    let end = at + below((len - at).min(64) + 1, rng);
    match rng.below(9) {
        0 if at < len => input[at] ^= 1 << rng.below(8),
        1 if at < len => input[at] = rng.u32() as u8,
        // Lengths, counters and ends of strings.
        2 if at < len => input[at] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'\n', b' '][below(8, rng)],
        3 => input.truncate(at),
        4 => drop(input.drain(at..end)),
        5 => drop(input.splice(at..at, random(16, rng))),
        6 => input.extend_from_within(at..end),
        7 => drop(input.splice(at..at, input[at..end].to_vec())),
        _ => {
            if let Some(other) = pick(seeds, rng) {
                let from = below(other.len() + 1, rng);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
}

fn pick<'a>(seeds: &'a [Vec<u8>], rng: &mut Rng) -> Option<&'a Vec<u8>> {
    seeds.get(below(seeds.len(), rng))
}

fn random(max: usize, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0; below(max, rng)];
    rng.fill(&mut bytes);
    bytes
}

fn below(bound: usize, rng: &mut Rng) -> usize {
    match u32::try_from(bound) {
        Ok(0) | Err(_) => 0,
        Ok(bound) => rng.below(bound) as usize,
    }
}

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The files of a folder in their order; none of one that is not there.
fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(here(folder)).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a file").file_name())
        .map(|name| name.into_string().expect("an ASCII name"))
        .collect();
    names.sort_unstable();
    names
}
