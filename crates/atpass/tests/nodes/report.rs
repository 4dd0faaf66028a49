//! The numbers of a run, as a table.

use std::collections::BTreeMap;
use std::fmt;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::checker::Finding;
use crate::history::{Act, Exchange, History, Millis, Reply, What, Who};

/// What is told of a run.
pub(crate) struct Report<'a> {
    pub(crate) history: &'a History,
    pub(crate) findings: &'a [Finding],
    /// How requests were cut, and how often.
    pub(crate) fates: BTreeMap<&'static str, u64>,
    /// Sessions at the end: those that went on, and those that were over.
    pub(crate) sessions: (usize, usize),
}

impl Report<'_> {
    fn count(&self, fits: impl Fn(&Act) -> bool) -> String {
        self.history
            .acts
            .iter()
            .filter(|act| fits(act))
            .count()
            .to_string()
    }

    /// What owners were told to be done.
    fn done(&self, fits: impl Fn(&What) -> bool) -> String {
        self.count(|act| {
            let good = act.reply().is_some_and(Reply::is_good);
            good && act.who == Who::Owner && fits(&act.what)
        })
    }

    fn replayed(&self, fits: impl Fn(&Act) -> bool) -> String {
        self.count(|act| act.who == Who::Attacker && fits(act))
    }

    /// The fault in whose time this was.
    fn fault(&self, from: Millis, to: Millis) -> &'static str {
        let mut spells = self.history.spells.iter();
        let spell = spells.find(|spell| spell.touches(from, to));
        spell.map_or("no fault at the time", |spell| spell.fault)
    }

    /// The nodes' 503s by fault.
    fn unavailable(&self) -> BTreeMap<&'static str, u64> {
        let acts = self.history.acts.iter().filter(|act| {
            let asked = act.who != Who::Probe && !matches!(act.what, What::Call { .. });
            asked && is_unavailable(act)
        });
        counted(acts.map(|act| self.fault(act.sent, act.told)))
    }

    /// Nonces asked for twice in a row, by fault.
    fn asked_twice(&self) -> BTreeMap<&'static str, u64> {
        let times = self.history.asked_twice.iter();
        counted(times.map(|&at| self.fault(at, at)))
    }

    /// How often each fault befell, and the longest until all nodes worked again.
    fn faults(&self) -> BTreeMap<&'static str, (u64, Millis)> {
        let mut faults: BTreeMap<&'static str, (u64, Millis)> = BTreeMap::new();
        for spell in &self.history.spells {
            let (count, longest) = faults.entry(spell.fault).or_default();
            *count += 1;
            let took = spell.recovered.map_or(Millis::MAX, |at| at - spell.healed);
            *longest = took.max(*longest);
        }
        faults
    }
}

fn counted(names: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn is_unavailable(act: &Act) -> bool {
    act.reply().is_some_and(|reply| reply.status == 503)
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let mut row = |name: &str, value: String| {
            table.add_row([name.to_owned(), value]);
        };
        let first = |what: &What| match what {
            What::Exchange { how, .. } => *how != Exchange::AfterSuccess,
            _ => false,
        };
        row("logins told", self.done(first));
        row(
            "refreshes told",
            self.done(|what| matches!(what, What::Refresh { .. })),
        );
        row(
            "calls passed",
            self.done(|what| matches!(what, What::Call { .. })),
        );
        row(
            "revocations told",
            self.done(|what| matches!(what, What::Revoke { .. })),
        );
        row(
            "sessions at the end, all refreshed twice",
            self.sessions.0.to_string(),
        );
        row(
            "sessions that were over, all refused",
            self.sessions.1.to_string(),
        );
        row("requests in all", self.count(|_| true));
        row(
            "requests without an answer",
            self.count(|act| act.reply().is_none()),
        );
        for (fate, count) in &self.fates {
            row(&format!("  {fate}"), count.to_string());
        }
        let refused = |act: &Act| act.reply().is_some_and(|reply| !reply.is_good());
        row("replays tried", self.replayed(|_| true));
        row("  refused", self.replayed(refused));
        row(
            "  with an assertion",
            self.replayed(|act| act.assertion.is_some()),
        );
        row("  accepted", self.replayed(Act::was_accepted));
        for (fault, count) in self.asked_twice() {
            row(
                &format!("nonce asked for twice in a row while: {fault}"),
                count.to_string(),
            );
        }
        let calls = |act: &Act| matches!(act.what, What::Call { .. }) && is_unavailable(act);
        row(
            "calls without news of ended sessions, 503",
            self.count(calls),
        );
        for (fault, count) in self.unavailable() {
            row(&format!("503 while: {fault}"), count.to_string());
        }
        for (fault, (count, longest)) in self.faults() {
            let text = format!("{count} times; all worked again {longest} ms after it healed");
            row(&format!("fault: {fault}"), text);
        }
        row("findings", self.findings.len().to_string());
        writeln!(f, "{table}")?;
        for finding in self.findings.iter().take(50) {
            writeln!(f, "FINDING: {finding}")?;
        }
        Ok(())
    }
}
