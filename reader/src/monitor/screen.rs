//! The table on a terminal: drawn over itself (ECMA-48: CUP, EL, ED; DEC: DECAWM).
//!
//! Nobody asks for the terminal's size, which no safe function tells. Lines that are too long are not wrapped but cut, by the terminal.
//! Lines that would be below the last are drawn on the last, as the position is clamped; they are drawn from the bottom up, so that the
//! line that belongs there comes last.

use std::fmt::Write;

use super::rows::Row;

/// Columns of a label: the longest has nine characters.
const LABEL: usize = 9;
/// Columns of a value, at most; the day profiles have 98 characters, which nobody reads.
const VALUE_MAX: usize = 30;

/// Empties the screen, and has long lines cut.
pub(super) const BEGIN: &str = "\x1b[2J\x1b[?7l";
/// Leaves the table where it is, the prompt below it, and the terminal as it was.
pub(super) const END: &str = "\x1b[?7h\r\n";

/// The rows under their heading, written over what was there.
pub(super) fn draw(heading: &[String], rows: &[Row]) -> String {
    let lines: Vec<_> = lines(heading, rows).collect();
    let below = lines.len() + 1;
    let mut text = format!("\x1b[{below}H\x1b[J");
    for (index, line) in lines.iter().enumerate().rev() {
        let _ = write!(text, "\x1b[{}H{line}\x1b[K", index + 1);
    }
    let _ = write!(text, "\x1b[{below}H");
    text
}

/// The same for a file or a pipe.
pub(super) fn list(heading: &[String], rows: &[Row]) -> String {
    lines(heading, rows).map(|line| line + "\n").collect::<String>() + "\n"
}

/// Of a meter with ten indexes most have never counted: they come last, where the screen may end.
fn lines(heading: &[String], rows: &[Row]) -> impl Iterator<Item = String> {
    let width = rows.iter().map(|row| row.value.chars().count()).max().unwrap_or_default().min(VALUE_MAX);
    let rows = [false, true].into_iter().flat_map(move |idle| rows.iter().filter(move |row| row.idle == idle));
    heading.iter().cloned().chain(rows.map(move |row| line(row, width)))
}

fn line(row: &Row, width: usize) -> String {
    let Row { label, value, meaning, .. } = row;
    let mut line = format!("{label:LABEL$} {:width$}  {meaning}", cut(value));
    line.truncate(line.trim_end().len());
    line
}

fn cut(value: &str) -> String {
    let mut characters = value.chars();
    let cut: String = characters.by_ref().take(VALUE_MAX - 1).collect();
    match (characters.next(), characters.next()) {
        (None, _) => cut,
        (Some(last), None) => format!("{cut}{last}"),
        (Some(_), Some(_)) => cut + "~",
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Decoder, Parity};

    use super::*;
    use crate::{language::Language, monitor::rows::Table};

    fn table() -> Table {
        let mut table = Table::new(Language::English);
        let mut bytes = &include_bytes!("../../../proto/tests/frames/syn-std-producer-tri.tic")[..];
        let mut decoder = Decoder::new(Parity::Stripped);
        while let Some(event) = decoder.next_event(&mut bytes) {
            table.handle_event(&event);
        }
        table
    }

    /// What a terminal of this many lines shows: the last text put on each of them.
    fn shown(text: &str, lines: usize) -> Vec<String> {
        let mut screen = vec![String::new(); lines];
        for part in text.split("\x1b[").filter(|part| !part.is_empty() && !part.starts_with(['J', 'K'])) {
            let (line, text) = part.split_once('H').unwrap();
            let line = line.parse::<usize>().unwrap().min(lines) - 1;
            if !text.is_empty() {
                screen[line] = text.into();
            }
        }
        screen
    }

    #[test]
    fn a_small_screen_shows_the_beginning_a_large_one_all() {
        let (table, heading) = (table(), ["a meter".to_owned()]);
        let text = draw(&heading, table.rows());
        let all: Vec<_> = lines(&heading, table.rows()).collect();
        assert_eq!(shown(&text, 10), all[..10]);
        assert_eq!(shown(&text, 100)[..all.len()], all);
        assert!(table.rows().iter().all(|row| all.iter().any(|line| line.starts_with(&row.label))));
        let idle = |line: &str| table.rows().iter().any(|row| row.idle && line.starts_with(&format!("{:LABEL$} ", row.label)));
        let first = all.iter().position(|line| idle(line)).unwrap();
        assert!(all[first..].iter().all(|line| idle(line)), "what never counts is last");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"x".repeat(30)), "x".repeat(30));
        assert_eq!(cut(&"é".repeat(98)), "é".repeat(29) + "~");
    }
}
