//! Ids of clauses in a text: alone, in lists and in ranges (`AS-REF-01 to AS-REF-03`).

use std::collections::BTreeSet;

use super::list::List;

/// What a text names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    /// The places of the clauses in the list.
    pub(crate) clauses: BTreeSet<usize>,
    /// What has the form of an id or a range and is none: the line, counted from 1, and the fault.
    pub(crate) faults: Vec<(usize, String)>,
}

/// Reads the ids out of a text in any language. Where a range is broken over lines of comment, the
/// marks at the start of the lines don't matter.
pub(crate) fn mentions(text: &str, list: &List) -> Mentions {
    let mut found = Mentions::default();
    // The clause before, and whether "to" followed it.
    let mut before: Option<(usize, bool)> = None;
    for (line, word) in words(text) {
        match before {
            Some((first, false)) if word == "to" => before = Some((first, true)),
            Some((first, true)) if is_number(word) => {
                let id = list.clauses.get(first).map_or("", |clause| &clause.id);
                let section = id.rsplit_once('-').map_or("", |(section, _)| section);
                end_range(first, &format!("{section}-{word}"), line, list, &mut found);
                before = None;
            }
            Some((first, true)) if list.looks_like_id(word) => {
                end_range(first, word, line, list, &mut found);
                before = None;
            }
            _ if list.looks_like_id(word) => {
                before = list.place(word).map(|place| (place, false));
                match before {
                    Some((place, _)) => drop(found.clauses.insert(place)),
                    None => found
                        .faults
                        .push((line, format!("there is no clause {word}"))),
                }
            }
            _ => before = None,
        }
    }
    found
}

fn end_range(first: usize, last: &str, line: usize, list: &List, found: &mut Mentions) {
    let Some(end) = list.place(last) else {
        found
            .faults
            .push((line, format!("there is no clause {last}")));
        return;
    };
    let section = |place: usize| {
        let clause = list.clauses.get(place)?;
        Some(clause.id.rsplit_once('-')?.0)
    };
    if first < end && (first..=end).all(|place| section(place) == section(first)) {
        found.clauses.extend(first..=end);
    } else {
        found
            .faults
            .push((line, format!("no range ends at {last}")));
    }
}

/// Two digits, as the ids have them.
fn is_number(word: &str) -> bool {
    word.len() == 2 && word.bytes().all(|b| b.is_ascii_digit())
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .filter(|word| !word.is_empty())
            .map(move |word| (index + 1, word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::list::tests::small;
    use super::*;

    fn clauses(text: &str) -> Vec<usize> {
        let found = mentions(text, &small());
        assert_eq!(found.faults, [], "{text}");
        found.clauses.into_iter().collect()
    }

    fn faults(text: &str) -> Vec<(usize, String)> {
        mentions(text, &small()).faults
    }

    #[test]
    fn ids_are_found_wherever_they_stand() {
        assert_eq!(clauses("/// Clause AS-ONE-02: text."), [1]);
        assert_eq!(clauses("(\"AS-ONE-01 typ\", \"C-TWO-01\")"), [0, 3]);
        assert_eq!(
            clauses("clauses AS-ONE-03, AS-ONE-01 and C-TWO-01"),
            [0, 2, 3]
        );
        assert_eq!(clauses("AS-ONE-*, AS-ONE, UTF-8, RFC-ONE-01"), [0; 0]);
    }

    #[test]
    fn ranges_are_expanded() {
        assert_eq!(clauses("AS-ONE-01 to AS-ONE-03"), [0, 1, 2]);
        assert_eq!(clauses("AS-ONE-01 to 03"), [0, 1, 2]);
        assert_eq!(
            clauses("/// (clauses AS-ONE-01 to\n    /// AS-ONE-03)"),
            [0, 1, 2]
        );
        assert_eq!(clauses("AS-ONE-01 to be sure, and AS-ONE-03"), [0, 2]);
    }

    #[test]
    fn a_typo_is_a_fault_and_its_line_is_told() {
        let no = |id| format!("there is no clause {id}");
        assert_eq!(faults("\nAS-ONE-04"), [(2, no("AS-ONE-04"))]);
        assert_eq!(faults("AS-ONES-01"), [(1, no("AS-ONES-01"))]);
        assert_eq!(faults("AS-ONE-1"), [(1, no("AS-ONE-1"))]);
        assert_eq!(faults("AS-ONE-01 to AS-ONE-09"), [(1, no("AS-ONE-09"))]);
    }

    #[test]
    fn a_range_goes_upwards_within_one_section() {
        assert_eq!(faults("AS-ONE-02 to 01").len(), 1);
        assert_eq!(faults("AS-ONE-02 to C-TWO-01").len(), 1);
    }
}
