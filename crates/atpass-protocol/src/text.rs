//! Text of strangers, made fit to be shown: in an error, a log, a terminal.

/// The longest piece that is shown, in characters.
const LONGEST: usize = 200;

/// The text with what could steer a terminal or turn a line around (control and format characters,
/// Unicode's line separators) as question marks, cut after 200 characters.
pub fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if steers(c) { '?' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(
            shown("https://pds.example.com/ü"),
            "https://pds.example.com/ü"
        );
        let hostile = "\u{1b}[2J\u{1b}]52;c;cm0=\u{7}\r\n\u{9b}2J\u{202e}x\u{200b}";
        assert_eq!(shown(hostile), "?[2J?]52;c;cm0=????2J?x?");
        let long = "x".repeat(1000);
        assert_eq!(shown(&long).chars().count(), LONGEST + 1);
    }
}
