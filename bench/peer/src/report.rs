//! The one line of JSON that `compare.py` reads, and what it counts with.

use std::time::Duration;

use cpu_time::ProcessTime;

/// CPU time of this process so far, user and system together.
pub(crate) fn cpu() -> Duration {
    ProcessTime::now().as_duration()
}

/// Resident bytes of this process; 0 where there is no `/proc`.
pub(crate) fn resident_bytes() -> f64 {
    const PAGE: f64 = 4096.0;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|n| n.parse().ok());
    pages.unwrap_or(0.0) * PAGE
}

/// Set-up times of single pairs, and the CPU time of all of them.
pub(crate) fn setup(mut ms: Vec<f64>, cpu: Duration) -> String {
    let pairs = ms.len() as f64;
    line(&[
        ("n", pairs),
        ("ms", percentile(&mut ms, 0.5)),
        ("ms_min", percentile(&mut ms, 0.0)),
        ("ms_max", percentile(&mut ms, 1.0)),
        ("cpu_ms_pair", cpu.as_secs_f64() * 1e3 / pairs),
        ("pairs_per_core_s", pairs / cpu.as_secs_f64()),
    ])
}

/// A call of pictures: those that were encoded, decoded, shown; those that were copied before an encoder and behind a
/// decoder; CPU time of the codecs, and of all.
pub(crate) fn video(
    [encoded, decoded, shown]: [f64; 3],
    [to_encoder, to_reader]: [f64; 2],
    codecs: Duration,
    cpu: Duration,
) -> String {
    let (codecs, cpu) = (codecs.as_secs_f64(), cpu.as_secs_f64());
    line(&[
        ("encoded", encoded),
        ("decoded", decoded),
        ("shown", shown),
        ("copied_to_encoder", to_encoder),
        ("copied_to_reader", to_reader),
        ("codec_ms_picture", codecs * 1e3 / encoded.max(1.0)),
        ("cpu_ms_picture", cpu * 1e3 / encoded.max(1.0)),
        ("cpu_ratio", cpu / codecs.max(f64::MIN_POSITIVE)),
    ])
}

/// What arrived in the counted window.
pub(crate) fn throughput(bytes: f64, messages: f64, window: Duration, cpu: Duration) -> String {
    let (secs, cpu) = (window.as_secs_f64(), cpu.as_secs_f64());
    let per = |cost: f64, of: f64| if of > 0.0 { cost / of } else { 0.0 };
    line(&[
        ("mb_s", bytes / 1e6 / secs),
        ("msgs_s", messages / secs),
        ("cpu_s_gb", per(cpu, bytes / 1e9)),
        ("cpu_us_msg", per(cpu * 1e6, messages)),
        ("bytes", bytes),
        ("secs", secs),
    ])
}

/// RTP packets sent and received in the counted window.
pub(crate) fn rtp(
    sent: f64,
    (bytes, received): (f64, f64),
    window: Duration,
    cpu: Duration,
) -> String {
    let (secs, lost) = (window.as_secs_f64(), sent - received);
    let per = |cost: f64, of: f64| if of > 0.0 { cost / of } else { 0.0 };
    line(&[
        ("recv_pps", received / secs),
        ("sent_pps", sent / secs),
        ("loss_pct", per(100.0 * lost, sent)),
        ("cpu_s_mpkt", per(cpu.as_secs_f64(), received / 1e6)),
        ("mb_s", bytes / 1e6 / secs),
    ])
}

/// What many peers sent to one server in the counted window.
pub(crate) fn server(served: &Served, window: Duration, cpu: Duration) -> String {
    let (secs, cpu) = (window.as_secs_f64(), cpu.as_secs_f64());
    let per = |cost: f64, of: f64| if of > 0.0 { cost / of } else { 0.0 };
    line(&[
        ("mb_s", served.bytes / 1e6 / secs),
        ("msgs_s", served.messages / secs),
        ("cpu_s_gb", per(cpu, served.bytes / 1e9)),
        ("cpu_us_msg", per(cpu * 1e6, served.messages)),
        ("lost_s", served.lost / secs),
        ("cores", cpu / secs),
    ])
}

/// What arrived at a server, and what its sockets lost.
pub(crate) struct Served {
    pub(crate) bytes: f64,
    pub(crate) messages: f64,
    /// Datagrams that found a socket's buffer full.
    pub(crate) lost: f64,
}

/// Round trips in microseconds.
pub(crate) fn ping(mut us: Vec<f64>, cpu: Duration) -> String {
    let n = us.len() as f64;
    line(&[
        ("n", n),
        ("p50_us", percentile(&mut us, 0.5)),
        ("p99_us", percentile(&mut us, 0.99)),
        ("cpu_us_rt", cpu.as_secs_f64() * 1e6 / n),
    ])
}

/// Resident memory before and after so many idle pairs.
pub(crate) fn memory(before: f64, after: f64, pairs: usize) -> String {
    line(&[
        ("kib_conn", (after - before) / 1024.0 / pairs as f64 / 2.0),
        ("rss_mib", after / 1_048_576.0),
    ])
}

/// The value below which this share of them lies; they are sorted by it.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(0.0)
}

/// One object of JSON.
pub(crate) fn line(fields: &[(&str, f64)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value:.4}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_with_the_fields_of_every_peer() {
        let second = Duration::from_secs(1);
        assert_eq!(
            throughput(2e9, 1e6, second, second),
            r#"{"mb_s":2000.0000,"msgs_s":1000000.0000,"cpu_s_gb":0.5000,"cpu_us_msg":1.0000,"bytes":2000000000.0000,"secs":1.0000}"#
        );
        assert!(ping(vec![3.0, 1.0, 2.0], second).contains("\"p50_us\":2.0000"));
    }
}
