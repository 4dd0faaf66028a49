//! What processes used, from `/proc`.

use std::fs;
use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};

/// Clock ticks of `/proc/PID/stat` in a second: 100 on every Linux that is about.
const TICKS: u32 = 100;

/// What a process, or several, used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time of the processor.
    pub cpu: Duration,
    /// Bytes that were fetched from the disk, and not from the system's memory of it. What is written isn't told
    /// here: Linux counts whole folios of its memory there, many times what reaches the disk.
    pub read: u64,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            read: self.read.saturating_sub(before.read),
        }
    }
}

/// Of this process.
pub fn own() -> Result<Usage> {
    of(std::process::id())
}

/// Of one process.
pub fn of(process: u32) -> Result<Usage> {
    let stat = Stat::of(process)?;
    Ok(stat.usage(process, false))
}

/// Of a process and its children, those that are gone too.
pub fn of_family(parent: u32) -> Result<Usage> {
    let mut sum = Stat::of(parent)?.usage(parent, true);
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // It may end while we look.
        let Ok(stat) = Stat::of(process) else {
            continue;
        };
        if stat.parent == parent {
            let usage = stat.usage(process, true);
            sum.cpu += usage.cpu;
            sum.read += usage.read;
        }
    }
    Ok(sum)
}

/// The parent of a process.
pub fn parent_of(process: u32) -> Result<u32> {
    Stat::of(process).map(|stat| stat.parent)
}

struct Stat {
    parent: u32,
    own: u32,
    of_gone_children: u32,
}

impl Stat {
    fn of(process: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name comes first, in parentheses, and may hold anything.
        let (_, rest) = text.rsplit_once(')').context("a stat file")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |place: usize| -> Result<u32> {
            let text = fields.get(place).context("a stat file")?;
            Ok(text.parse()?)
        };
        // proc_pid_stat(5), counted from the state: 4 ppid, 14 utime, 15 stime, 16 cutime, 17 cstime.
        Ok(Self {
            parent: field(1)?,
            own: field(11)? + field(12)?,
            of_gone_children: field(13)? + field(14)?,
        })
    }

    fn usage(&self, process: u32, with_gone: bool) -> Usage {
        let ticks = self.own + if with_gone { self.of_gone_children } else { 0 };
        let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
        let bytes = |name: &str| -> u64 {
            let line = io.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
        };
        Usage {
            cpu: Duration::from_secs(1) * ticks / TICKS,
            read: bytes("read_bytes:"),
        }
    }
}

/// What everybody on this machine used together, since it was started.
pub fn of_all() -> Result<Usage> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("a stat file")?;
    let mut ticks = 0_u32;
    // proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
    for place in [1, 2, 3, 6, 7, 8] {
        let field = line.split_whitespace().nth(place);
        ticks += field.context("a stat file")?.parse::<u32>()?;
    }
    Ok(Usage {
        cpu: Duration::from_secs(1) * ticks / TICKS,
        read: 0,
    })
}
