//! The page: where it was measured, the main table, then each part.

use super::found::Found;
use super::{details, lines};
use crate::bench::machine::Head;

/// The whole page in Markdown.
pub(super) fn page(found: &Found) -> String {
    let head = &found.head;
    let quick = if head.quick {
        "\n**A quick look: too short for numbers that are to be kept.**\n"
    } else {
        ""
    };
    format!(
        "# Measured on {}\n\n`{}` wrote this page; [performance.md](../performance.md) says what is measured, and how.\n{quick}\n{}\n{}{}",
        head.date,
        head.command,
        machine(head),
        lines::markdown(&lines::all(found)),
        details::all(found)
    )
}

fn machine(head: &Head) -> String {
    let peers: Vec<_> = head
        .peers
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let rows = [
        (
            "processor",
            format!("{}, {} cores", head.processor, head.cores),
        ),
        ("memory", format!("{:.1} GiB", head.memory_gib)),
        ("kernel", head.kernel.clone()),
        ("with", format!("{}, Node {}", head.rustc, head.node)),
        ("beside", peers.join(", ")),
        ("commit", head.commit.clone()),
    ];
    rows.map(|(name, value)| format!("- {name}: {value}\n"))
        .concat()
}

#[cfg(test)]
mod tests {
    use super::super::tests::recorded;
    use super::*;

    #[test]
    fn the_page_says_where_and_with_what() {
        let page = page(&recorded().found);
        for text in [
            "# Measured on 2026-11-26\n",
            "`cargo xtask bench` wrote this page",
            "- processor: Fast 9000, 2 cores\n",
            "- memory: 7.7 GiB\n",
            "- beside: @atproto/pds 0.4.217, rsky-oauth 1.1.0\n",
            "- commit: 0123456789\n",
        ] {
            assert!(page.contains(text), "{text}\n{page}");
        }
        assert!(!page.contains("quick look"));
    }

    #[test]
    fn the_page_has_the_tables_of_all_parts() {
        let page = page(&recorded().found);
        for text in [
            "| refresh, public: atpass | 7,000 | 6,900 to 7,100 | 0.14 | 6,500 | 0.50 | 2.10 |\n",
            "| share of a durable commit | 5.00 |\n",
            "| … with 1,000,000 live sessions | 30.0 | – |\n",
            "| skyauth: the proof | 442,402 | 5.02 | 4.32 | yes |\n",
            "\n## Clients at the official PDS\n",
            "| login, cold: atpass-client | 7 | 7 | 0 | 40.0 | 390 | 1,090 |\n",
            "| PAR, public | 300 | 30000 | 1500000 |\n",
            "The program has 21,000,000 bytes, and 15,000,000 without its symbols.",
            "| consent | 3,000 | 1,100 | 0 |\n",
        ] {
            assert!(page.contains(text), "{text}\n{page}");
        }
    }

    #[test]
    fn a_quick_look_says_that_it_is_one() {
        let mut report = recorded();
        report.found.head.quick = true;
        assert!(page(&report.found).contains("**A quick look"));
    }
}
