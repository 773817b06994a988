//! Samples Envoy's resident memory once a second, and checks that it stops growing.

use std::time::Duration;

/// After this time memory must stay level: caches are warm, and each worker has had every kind of request.
const WARM: Duration = Duration::from_secs(60);
/// The time over which a level is the median.
const WINDOW: Duration = Duration::from_secs(15);
/// The growth that is allowed, in KiB: an allocator keeps some memory of the highest load.
const GROWTH_KIB: u64 = 16 * 1024;

/// Samples since the start.
#[derive(Debug)]
pub(crate) struct Memory {
    process: u64,
    /// Later samples do not count: the memory that the gathered streams free would hide a leak.
    until: Duration,
    samples: Vec<(Duration, u64)>,
}

impl Memory {
    pub(crate) const fn of(process: u64, until: Duration) -> Self {
        Self { process, until, samples: Vec::new() }
    }

    /// Takes a sample; `at`: the time since the start.
    pub(crate) fn sample(&mut self, at: Duration) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        if let Ok(kib) = line.trim().trim_end_matches(" kB").parse() {
            self.samples.push((at, kib));
        }
    }

    /// The last sample, in MiB.
    pub(crate) fn now(&self) -> String {
        mib(self.samples.last().map_or(0, |(_, kib)| *kib))
    }

    /// The figures, and whether memory stayed level. A run that is too short to judge counts as level.
    pub(crate) fn verdict(&self) -> (String, bool) {
        let (Some((_, first)), Some((end, last))) = (self.samples.first(), self.samples.last()) else {
            return ("Envoy's memory could not be read".to_owned(), false);
        };
        let highest = self.samples.iter().map(|(_, kib)| *kib).max().unwrap_or(0);
        let figures =
            format!("{} at the start, {} at the end, {} at most", mib(*first), mib(*last), mib(highest));
        let end = self.until.min(*end);
        if end < 2 * WARM - WINDOW {
            return (figures, true);
        }
        let warm = self.level(WARM, WARM + WINDOW);
        let final_level = self.level(end.saturating_sub(WINDOW), end);
        let flat = final_level <= warm + GROWTH_KIB;
        let judged = if flat { "flat" } else { "GROWING" };
        (
            format!(
                "{figures}; {} after the first minute, {} before the many streams: {judged}",
                mib(warm),
                mib(final_level)
            ),
            flat,
        )
    }

    fn level(&self, from: Duration, to: Duration) -> u64 {
        let mut within: Vec<u64> =
            self.samples.iter().filter(|(at, _)| *at >= from && *at <= to).map(|(_, kib)| *kib).collect();
        within.sort_unstable();
        within.get(within.len() / 2).copied().unwrap_or(0)
    }
}

fn mib(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use std::time::Duration;

    #[test]
    fn growth_after_the_first_minute_is_detected() {
        let memory = |grows: u64| Memory {
            process: 0,
            until: Duration::from_secs(190),
            samples: (0..200).map(|second| (Duration::from_secs(second), 100_000 + second * grows)).collect(),
        };
        assert!(memory(10).verdict().1);
        assert!(!memory(1000).verdict().1);
    }
}
