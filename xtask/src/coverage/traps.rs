//! In Rust: the first instruction of a function is one that no processor has, in a copy of the program of the test,
//! which has to fail then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use serde_json::Value;

use super::{Row, Test};
use crate::names::Code;
use crate::run::{Outcome, cargo, command, output, target_dir};

pub(super) fn run(rows: &[&Row]) -> Outcome {
    let code = Code::read()?;
    let targets = rows.iter().filter_map(|row| target_of(&row.rust_test));
    let programs = programs(&targets.collect())?;
    let mut sound: BTreeMap<&Test, bool> = BTreeMap::new();
    let mut survivors = Vec::new();
    for row in rows {
        let functions = code.functions(&row.rust);
        if functions.is_empty() {
            continue;
        }
        let test = &row.rust_test;
        let program = target_of(test).and_then(|target| programs.get(target));
        let program = program.ok_or(format!("{} is no test of the library", test.file))?;
        let is_sound = *sound.entry(test).or_insert_with(|| passes(program, test));
        let trapped = trapped(program, &functions)?;
        let failed = is_sound && trapped.is_some_and(|trapped| !passes(&trapped, test));
        println!(
            "{} {}",
            if failed { "killed  " } else { "SURVIVED" },
            row.rust
        );
        if !failed {
            let why = if is_sound {
                "passes without it"
            } else {
                "fails as it is"
            };
            survivors.push(format!("{}: {}: {} {why}", row.rust, test.file, test.name));
        }
    }
    match survivors.is_empty() {
        true => Ok(()),
        false => Err(survivors.join("\n")),
    }
}

/// What the file of a test of the library is called there.
fn target_of(test: &Test) -> Option<&str> {
    let file = test.file.strip_prefix("duologue/tests/")?;
    file.strip_suffix(".rs")
}

/// The tests of the library, each with its program.
fn programs(targets: &BTreeSet<&str>) -> Outcome<BTreeMap<String, PathBuf>> {
    // All but the machine's own devices, which want ALSA's headers.
    let features = "codecs,files,legacy,safe-codecs,tokio";
    let test = ["test", "-p", "duologue", "--features", features];
    let targets = targets.iter().flat_map(|target| ["--test", target]);
    let quiet = ["--no-run", "--message-format", "json-render-diagnostics"];
    let lines = output(cargo(test.into_iter().chain(targets).chain(quiet)))?;
    let built = lines.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let name = line["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(line["executable"].as_str()?)))
    });
    Ok(built.collect())
}

/// Whether the test passes, and is there.
fn passes(program: &Path, test: &Test) -> bool {
    let mut run = Command::new(program);
    run.args(["--exact", &test.name]).stderr(Stdio::null());
    let ran = run.output();
    ran.is_ok_and(|out| {
        out.status.success() && String::from_utf8_lossy(&out.stdout).contains(" 1 passed")
    })
}

/// A copy of a program in which these functions trap; none of one that has none of them.
fn trapped(program: &Path, functions: &[(String, String)]) -> Outcome<Option<PathBuf>> {
    let path = program.display().to_string();
    let symbols = output(command("nm", ["--demangle", "--defined-only", &path]))?;
    let mut bytes = fs::read(program).map_err(|error| error.to_string())?;
    let mut places = Vec::new();
    for (ty, function) in functions {
        places.extend(addresses(&symbols, ty, function));
    }
    if places.is_empty() {
        return Ok(None);
    }
    for address in places {
        let at = place(&bytes, address).ok_or("a function is not in the program's file")?;
        bytes[at..at + TRAP.len()].copy_from_slice(&TRAP);
    }

    let copy = target_dir().join("trapped");
    // A program that still runs cannot be written.
    match fs::remove_file(&copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    fs::copy(program, &copy).map_err(|error| error.to_string())?;
    fs::write(&copy, &bytes).map_err(|error| error.to_string())?;
    Ok(Some(copy))
}

/// Where a function begins, in each of its instances; the library's own, if there is one of that name.
fn addresses(symbols: &str, ty: &str, function: &str) -> Vec<u64> {
    let ends = [format!("{ty}>::{function}"), format!("{ty}::{function}")];
    let found = symbols.lines().filter_map(|line| {
        let (address, rest) = line.split_once(' ')?;
        let (_, name) = rest.split_once(' ')?;
        let is_it = ends.iter().any(|end| name.ends_with(end.as_str()));
        is_it.then_some((u64::from_str_radix(address, 16).ok()?, name))
    });
    let found: Vec<(u64, &str)> = found.collect();
    let own = |name: &str| name.trim_start_matches('<').starts_with("duologue::");
    let has_own = found.iter().any(|(_, name)| own(name));
    let wanted = found.iter().filter(|(_, name)| !has_own || own(name));
    wanted.map(|(address, _)| *address).collect()
}

/// Where an address is in an ELF file of 64 bits, by its program headers.
fn place(file: &[u8], address: u64) -> Option<usize> {
    let number = |at: usize, size: usize| {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(file.get(at..at + size)?);
        Some(u64::from_le_bytes(bytes))
    };
    let first = usize::try_from(number(0x20, 8)?).ok()?;
    let (size, count) = (number(0x36, 2)?, number(0x38, 2)?);
    (0..count).find_map(|i| {
        let header = first + usize::try_from(i * size).ok()?;
        let (offset, start) = (number(header + 0x08, 8)?, number(header + 0x10, 8)?);
        let length = number(header + 0x20, 8)?;
        let is_loaded = number(header, 4)? == 1;
        let is_in = is_loaded && (start..start + length).contains(&address);
        is_in.then(|| usize::try_from(offset + address - start).ok())?
    })
}

/// An instruction that is none.
#[cfg(target_arch = "x86_64")]
const TRAP: [u8; 2] = [0x0f, 0x0b];
#[cfg(not(target_arch = "x86_64"))]
const TRAP: [u8; 4] = [0; 4];
