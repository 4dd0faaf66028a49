//! Servers as processes: each on one core, with what it uses.

use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use atpass_bench_load::usage;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Which cores are for whom.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    server: String,
    driver: String,
}

/// A running process. It ends when this is dropped.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    pid: u32,
}

/// What a process has of the memory, in megabytes (10⁶ bytes).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident.
    pub(crate) rss: f64,
    /// Resident, its share of what is shared with others.
    pub(crate) pss: f64,
}

impl Cores {
    /// The last one for servers, the others for the driver, which is this process: to be called before it has
    /// other threads.
    pub(crate) fn divide() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .context("no list of cores in /proc/self/status")?;
        let mut all = Vec::new();
        for range in list.trim().split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            all.extend(first.parse::<usize>()?..=last.parse()?);
        }
        let server = all.pop().context("no core")?;
        ensure!(!all.is_empty(), "two cores are needed: one is the server's");
        let driver: Vec<_> = all.iter().map(ToString::to_string).collect();
        let cores = Self {
            server: server.to_string(),
            driver: driver.join(","),
        };
        let done = std::process::Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &cores.driver])
            .arg(std::process::id().to_string())
            .stdout(Stdio::null())
            .status()
            .context("taskset is missing (Debian's package util-linux)")?;
        ensure!(done.success(), "taskset: {done}");
        Ok(cores)
    }

    /// A program on the servers' core, with all its threads.
    pub(crate) fn pinned(&self, program: &Path) -> Command {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &self.server]).arg(program);
        command
    }
}

impl Process {
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let pid = child.id().context("it has ended")?;
        Ok(Self { name, child, pid })
    }

    /// The first line that it prints, where its output is piped.
    pub(crate) async fn line(&mut self) -> Result<String> {
        let output = self.child.stdout.take().context("its output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        line.with_context(|| format!("{} ended, and said nothing", self.name))
    }

    /// Time of the processor that it used so far, with its children.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        Ok(usage::of_family(self.pid)?.cpu)
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?;
        let of = |name: &str| -> Result<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next());
            let kib: f64 = kib.context("no such line in smaps_rollup")?.parse()?;
            Ok(kib * 1024.0 / 1e6)
        };
        Ok(Memory {
            rss: of("Rss:")?,
            pss: of("Pss:")?,
        })
    }

    /// Whether it goes on.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Nothing of it runs until [`Self::resume`].
    pub(crate) async fn pause(&self) -> Result<()> {
        self.signal("-STOP").await
    }

    pub(crate) async fn resume(&self) -> Result<()> {
        self.signal("-CONT").await
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.signal("-TERM").await?;
        let patience = Duration::from_secs(60);
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        ended.with_context(|| format!("{} doesn't end", self.name))??;
        Ok(())
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        let pid = self.pid.to_string();
        let done = Command::new("kill").args([signal, &pid]).status().await?;
        if !done.success() {
            bail!("kill {signal} of {}: {done}", self.name);
        }
        Ok(())
    }
}
