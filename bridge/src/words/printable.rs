//! Text from the network, made fit for a log: what somebody else wrote must not move the cursor, begin a line of its own, turn the
//! direction of writing round, or fill the journal.

/// Characters that stay of a long text: the longest sentence of our own names a reader twice, by its five words.
const CHARS_MAX: usize = 220;

/// The text with every character that a terminal would not simply show replaced by its code (`\u{1b}`), cut at 220 characters.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown = String::new();
    for character in chars.by_ref().take(CHARS_MAX) {
        match character {
            // The standard library would put a backslash before quotes too, which are harmless.
            '\'' | '"' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The text with every control character, and every character that turns the direction of writing round, replaced by its code, and
/// nothing else: what is one line already stays as it is.
#[must_use]
pub fn one_line(text: String) -> String {
    let moves = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    if !text.contains(moves) {
        return text;
    }
    let shown = |c: char| if moves(c) { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_shown_is_shown_as_it_is() {
        for text in ["tic/v2/042161000021/sample", "Éléonore's \"cave\" (2)", "compteur n° 3 · 12 kVA"] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        for (text, shown) in [
            ("a\nMay 01 host sshd: accepted", r"a\nMay 01 host sshd: accepted"),
            ("\u{1b}[2J", r"\u{1b}[2J"),
            ("\u{202e}gnp.exe", r"\u{202e}gnp.exe"),
            ("a\0b\u{7f}\u{9b}c", r"a\0b\u{7f}\u{9b}c"),
            (r"a\nb", r"a\\nb"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn a_line_stays_one_and_is_not_spelled_twice() {
        for (text, shown) in [
            (r"C:\users: a\\nb", r"C:\users: a\\nb"),
            ("a\nMay 01 host sshd: accepted", r"a\nMay 01 host sshd: accepted"),
            ("\u{1b}[2J\r\u{202e}gnp.exe é", r"\u{1b}[2J\r\u{202e}gnp.exe é"),
        ] {
            assert_eq!(one_line(text.into()), shown);
            assert_eq!(one_line(shown.into()), shown);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let shown = printable(&"é".repeat(1_000));
        assert_eq!(shown.chars().count(), CHARS_MAX + 1);
        assert!(shown.ends_with('…'));
    }
}
