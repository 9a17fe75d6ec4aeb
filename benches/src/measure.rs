//! Counting: CPU time, memory, and what many measurements come to.

use std::time::Duration;

/// CPU time of this process so far, all threads, user and system.
#[must_use]
pub fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU time of another process so far, in hundredths of a second; Linux only.
#[must_use]
pub fn cpu_of(process: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// Memory that this process has at the most had in RAM, in MiB; Linux only.
#[must_use]
pub fn own_peak_memory() -> Option<f64> {
    peak_memory_of(std::process::id())
}

/// Memory that this process has in RAM, in MiB; Linux only.
#[must_use]
pub fn own_memory() -> Option<f64> {
    status_of(std::process::id(), "VmRSS:")
}

/// Memory that another process has at the most had in RAM, in MiB; Linux only.
#[must_use]
pub fn peak_memory_of(process: u32) -> Option<f64> {
    status_of(process, "VmHWM:")
}

fn status_of(process: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// What many measurements come to.
#[derive(Debug, Clone, Default)]
pub struct Measurements(Vec<Duration>);

impl Measurements {
    /// Adds one.
    pub fn add(&mut self, one: Duration) {
        self.0.push(one);
        self.0.sort();
    }

    /// The one in the middle; zero where there is none.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// The longest; zero where there is none.
    #[must_use]
    pub fn worst(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Measurements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        let best = self.0.first().copied().unwrap_or_default();
        write!(
            f,
            "median {:.2} ms, best {:.2} ms, worst {:.2} ms of {}",
            ms(self.median()),
            ms(best),
            ms(self.worst()),
            self.0.len()
        )
    }
}
