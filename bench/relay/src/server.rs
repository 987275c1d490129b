//! What the server's process takes, as `/proc` tells it.

use std::fs;
use std::time::Duration;

use crate::Outcome;

/// User and system time of a process so far.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // proc(5): the name of the program, in parentheses, may have anything in it.
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u64>().ok());
    let both = ticks().zip(ticks()).ok_or("no times")?;
    Ok(Duration::from_millis((both.0 + both.1) * TICK_MS))
}

/// What it has in memory.
pub(crate) fn resident_mib(pid: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
}

/// How many there are of what it has in a folder: `fd` for descriptors, `task` for threads.
pub(crate) fn entries(pid: u32, folder: &str) -> Outcome<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/{folder}"))?.count())
}

/// Linux counts in hundredths of a second for programs (`USER_HZ`).
const TICK_MS: u64 = 10;
