//! What is measured and how it is summed up: times to percentiles, rounds to a median with its extremes, a process's processor time and memory.
//! Linux alone: the figures of a process are read from `/proc`.

use std::time::Duration;

use serde::Serialize;

use crate::cli::Failure;

/// One figure over several rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of one value per round; all zero where there was no round.
    pub fn of(rounds: &[f64]) -> Self {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| rounded(sorted.get(index).copied().unwrap_or_default());
        Self {
            median: at(sorted.len() / 2),
            min: at(0),
            max: at(sorted.len().saturating_sub(1)),
        }
    }
}

pub fn mib(bytes: u64) -> f64 {
    rounded(bytes as f64 / f64::from(1 << 20))
}

/// Four digits that count; what comes after them is noise.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3.0 - value.abs().log10().floor();
    let scale = 10f64.powf(digits.max(0.0));
    (value * scale).round() / scale
}

/// The time that `percent` of the times do not exceed, in milliseconds; sorts them.
pub fn percentile_ms(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

/// How many of something there were in a second.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^52"
)]
pub fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

/// Processor time of a process so far, user and system, in seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "ticks of a benchmark are far below 2^52"
)]
pub fn cpu_s(process: u32) -> Result<f64, Failure> {
    let stat = read(&format!("/proc/{process}/stat"))?;
    // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
    let fields = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>())
        .unwrap_or_default();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or_default()
    };
    Ok((ticks(11) + ticks(12)) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Memory of a process that is in RAM, in bytes.
pub fn rss_bytes(process: u32) -> Result<u64, Failure> {
    memory(process, "VmRSS:")
}

/// The most that a process had in RAM since its start, or since this was asked last, in bytes.
pub fn rss_peak_bytes(process: u32) -> Result<u64, Failure> {
    let peak = memory(process, "VmHWM:");
    // Sets the peak to what is there now (man 5 proc). Where that is not allowed, the peak is the one since the start.
    let _ = std::fs::write(format!("/proc/{process}/clear_refs"), "5");
    peak
}

fn memory(process: u32, figure: &str) -> Result<u64, Failure> {
    let status = read(&format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let kib = line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| Failure::failed(format!("/proc tells no {figure}")))
}

fn read(path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|e| Failure::failed(format!("{path}: {e}; the benchmark runs on Linux")))
}

/// Open files that a process needs besides its held polls.
const FILES: u64 = 1_000;

/// Raises the limit of open files as far as `polls` need it, or says who must.
pub fn allow_files(polls: usize) -> Result<(), Failure> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let needed = polls as u64 + FILES;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    limit.current = limit
        .maximum
        .map(|maximum| maximum.max(needed).min(maximum))
        .or(Some(needed));
    if limit.current.is_some_and(|allowed| allowed < needed) || setrlimit(Resource::Nofile, limit).is_err() {
        return Err(Failure::usage(format!(
            "this needs {needed} open files in each process: raise the hard limit with `ulimit -Hn {needed}`, or hold fewer polls"
        )));
    }
    Ok(())
}

/// What the figures depend on.
#[derive(Debug, Serialize)]
pub struct Machine {
    processors: usize,
    model: String,
    memory_mib: u64,
    kernel: String,
    /// Running processes of the last minute; above the benchmark's own, others compete with it.
    load_average: String,
}

impl Machine {
    pub fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, key: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(key))
                .and_then(|line| line.split_once(':'));
            line.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = after(&text("/proc/meminfo"), "MemTotal");
        let memory_kib: u64 = memory
            .split_whitespace()
            .next()
            .and_then(|kib| kib.parse().ok())
            .unwrap_or_default();
        Self {
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            model: after(&text("/proc/cpuinfo"), "model name"),
            memory_mib: memory_kib / 1024,
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average: text("/proc/loadavg").split_whitespace().take(1).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile_ms(&mut times, 50), 100.0);
        assert_eq!(percentile_ms(&mut times, 99), 198.0);
        assert_eq!(percentile_ms(&mut times, 100), 200.0);
        assert_eq!(percentile_ms(&mut [], 99), 0.0);
    }

    #[test]
    fn a_spread_keeps_its_extremes() {
        assert_eq!(
            Spread::of(&[3.0, 1.0, 2.0]),
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            }
        );
        assert_eq!(
            (rounded(12_345.6), rounded(0.123_456), rounded(0.0)),
            (12_346.0, 0.1235, 0.0)
        );
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        let own = std::process::id();
        assert!(rss_bytes(own).unwrap() > 100_000);
        assert!(rss_peak_bytes(own).unwrap() > 100_000);
        assert!(cpu_s(own).unwrap() >= 0.0);
    }
}
