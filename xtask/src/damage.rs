//! `cargo xtask damage [CODEC] [--seconds N]`: decoders are given damaged streams, each in a process of its own: it may
//! refuse them, but not die of them, nor take memory without bound.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::reliability::{self, Entry};
use crate::run::{Outcome, cargo, command, cpu_of_children, output};
use crate::setup;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this one: VP8, VP9, H264, AV1, opus (the libraries of the system), oxideav-vp8, ropus
    codec: Option<String>,
    /// Seconds of the processor for each
    #[arg(long, default_value_t = 600)]
    seconds: u32,
    /// What chance begins with; the time when left out
    #[arg(long)]
    seed: Option<u64>,
    /// The run is not added to the ledger
    #[arg(long)]
    unrecorded: bool,
}

/// The tests that do it: package, program, name, codecs.
const TESTS: [(&str, &str, &str, &[&str]); 2] = [
    (
        "duologue-system",
        "damaged",
        "damaged_frames_are_refused_and_end_no_process",
        &["VP8", "VP9", "H264", "AV1", "opus"],
    ),
    (
        "duologue-safe",
        "oracle",
        "damaged_streams_are_refused_without_a_panic",
        &["oxideav-vp8", "ropus"],
    ),
];

/// A name that is nobody's would test nothing, and end well.
fn known(codec: Option<&str>) -> Outcome {
    let Some(codec) = codec else {
        return Ok(());
    };
    let all: Vec<&str> = TESTS
        .iter()
        .flat_map(|(.., codecs)| codecs.iter().copied())
        .collect();
    match all.contains(&codec) {
        true => Ok(()),
        false => Err(format!(
            "there is no codec {codec}; there are {}",
            all.join(", ")
        )),
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    known(args.codec.as_deref())?;
    setup::provide(setup::CODECS)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(1, |it| it.as_secs());
    let seed = args.seed.unwrap_or(now);
    let mut failed = Vec::new();
    for (package, target, test, codecs) in TESTS {
        let wanted = |codec: &&&str| args.codec.as_ref().is_none_or(|only| only == **codec);
        let mut codecs = codecs.iter().filter(wanted).peekable();
        if codecs.peek().is_none() {
            continue;
        }
        let program = build(package, target)?;
        for codec in codecs {
            let before = cpu_of_children();
            let mut run = command(
                &program.display().to_string(),
                ["--exact", "--nocapture", test],
            );
            run.env("DUOLOGUE_DAMAGED_CODEC", codec)
                .env("DUOLOGUE_DAMAGED_SECONDS", args.seconds.to_string())
                .env("DUOLOGUE_DAMAGED_SEED", seed.to_string());
            let ended = output(run);
            let count = ended
                .as_ref()
                .ok()
                .and_then(|text| text.lines().find_map(|line| read(codec, line)));
            println!(
                "damage: {codec:<12} seed {seed}, {} damaged",
                count.unwrap_or(0)
            );
            if !args.unrecorded {
                reliability::record(&Entry {
                    command: "damage".to_owned(),
                    what: (*codec).to_owned(),
                    count: count.unwrap_or(0),
                    cpu_seconds: cpu_of_children().saturating_sub(before),
                    failed: u64::from(count.is_none()),
                })?;
            }
            if count.is_none() {
                let why = ended.err().unwrap_or_default();
                failed.push(format!("{codec}, --seed {seed}: {why}"));
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("\n")),
    }
}

/// Gives the program.
fn build(package: &str, target: &str) -> Outcome<PathBuf> {
    let quiet = ["--no-run", "--message-format", "json-render-diagnostics"];
    let lines = output(cargo(
        ["test", "-p", package, "--test", target]
            .into_iter()
            .chain(quiet),
    ))?;
    let program = lines.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let built = line["target"]["name"] == target;
        built.then(|| line["executable"].as_str().map(PathBuf::from))?
    });
    program.ok_or_else(|| format!("{package}: no test program {target}"))
}

/// `VP8: 1234 damaged, 567 refused, slowest 8ms`
fn read(codec: &str, line: &str) -> Option<u64> {
    let rest = line.strip_prefix(codec)?.strip_prefix(": ")?;
    let (count, _) = rest.split_once(" damaged, ")?;
    count.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_that_is_none_is_an_error() {
        assert!(known(None).is_ok() && known(Some("ropus")).is_ok());
        assert!(known(Some("vp8")).unwrap_err().contains("there are VP8"));
    }

    #[test]
    fn the_line_of_a_codec_is_read() {
        let line = "VP8: 1234 damaged, 567 refused, slowest 8ms";
        assert_eq!(read("VP8", line), Some(1_234));
        assert_eq!(read("VP9", line), None);
        assert_eq!(read("VP8", "test result: ok"), None);
    }
}
