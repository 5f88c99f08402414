//! The table on a terminal: as much of it as fits, drawn over what was there (ECMA-48: CUP, EL, ED; DEC: DECAWM, DECTCEM).
//!
//! What is read most comes first: power, energy, current. The rest is a key away. On a narrow terminal a meaning has lines of its own below its
//! label, so that no word is broken.

use std::fmt::Write;

use super::rows::Row;
use crate::{
    language::{Language, Words},
    terminal::wrapped,
};

/// Columns of a label: the longest has nine characters.
const LABEL: usize = 9;
/// Columns of a value, at most; the day profiles have 98 characters, which nobody reads.
const VALUE_MAX: usize = 30;
/// With fewer columns than these behind the value a meaning goes below it.
const MEANING_MIN: usize = 24;

/// Empties the screen, has long lines cut, and hides the cursor.
pub(super) const BEGIN: &str = "\x1b[2J\x1b[?7l\x1b[?25l";
/// Leaves the table where it is, the prompt below it, and the terminal as it was.
pub(super) const END: &str = "\x1b[?7h\x1b[?25h\r\n";

/// The last line, where not all fits: which lines are shown, and the keys.
const MORE: Words = Words::new("{}-{} of {}; space: more; q: end", "{}-{} sur {} ; espace : suite ; q : fin");

/// Where one is in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The first line shown.
    top: usize,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Lines(isize),
    Pages(isize),
    Begin,
    End,
}

impl Position {
    /// Goes somewhere else, on a screen that shows so many of so many lines.
    pub(super) fn go(&mut self, to: Move, shown: usize, all: usize) {
        let step = |count: isize| self.top.saturating_add_signed(count);
        let top = match to {
            Move::Lines(count) => step(count),
            Move::Pages(count) => step(count * shown.saturating_sub(1).max(1) as isize),
            Move::Begin => 0,
            Move::End => all,
        };
        self.top = top.min(all.saturating_sub(shown));
    }
}

/// A table laid out for a terminal.
pub(super) struct Page {
    head: Vec<String>,
    body: Vec<String>,
    height: usize,
}

impl Page {
    /// `size`: columns and lines.
    pub(super) fn new(heading: &[String], rows: &[Row], size: (usize, usize)) -> Self {
        let (width, height) = size;
        let head = heading.iter().flat_map(|text| wrapped(text, width)).collect();
        Self { head, body: body(rows, width), height }
    }

    /// Lines of the table that there are.
    pub(super) fn all(&self) -> usize {
        self.body.len()
    }

    /// Lines of the table that fit.
    pub(super) fn shown(&self) -> usize {
        let room = self.height.saturating_sub(self.head.len());
        if self.body.len() <= room { room } else { room.saturating_sub(1) }.max(1)
    }

    /// The part at this position, written over what was there.
    pub(super) fn draw(&self, position: &mut Position, language: Language) -> String {
        let (all, shown) = (self.all(), self.shown());
        position.go(Move::Lines(0), shown, all);
        let part = &self.body[position.top..all.min(position.top + shown)];
        let more = MORE.say(language, &[&(position.top + 1), &(position.top + part.len()), &all]);
        let foot = (all > shown).then(|| more.to_string());
        let mut text = String::new();
        for (index, line) in self.head.iter().chain(part).chain(&foot).take(self.height).enumerate() {
            let _ = write!(text, "\x1b[{}H{line}\x1b[K", index + 1);
        }
        text + "\x1b[J"
    }
}

/// The same for a file or a pipe, all of it.
pub(super) fn list(heading: &[String], rows: &[Row]) -> String {
    let lines = heading.iter().cloned().chain(body(rows, usize::MAX));
    lines.map(|line| line + "\n").collect::<String>() + "\n"
}

/// The most important first; of the rest, what never counts comes last.
fn body(rows: &[Row], width: usize) -> Vec<String> {
    let value = rows.iter().map(|row| row.value.chars().count()).max().unwrap_or_default().min(VALUE_MAX);
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| (row.idle, row.importance));
    let before = LABEL + 1 + value + 2;
    rows.into_iter().flat_map(|row| lines(row, value, before, width)).collect()
}

fn lines(row: &Row, value: usize, before: usize, width: usize) -> Vec<String> {
    let Row { label, meaning, .. } = row;
    let beside = width.saturating_sub(before) >= MEANING_MIN;
    let first = format!("{label:LABEL$} {:value$}", cut(&row.value));
    let indent = if beside { before } else { LABEL + 1 };
    let mut words = if meaning.is_empty() { vec![] } else { wrapped(meaning, width.saturating_sub(indent)) };
    let first = if beside && !words.is_empty() { format!("{first}  {}", words.remove(0)) } else { first };
    let rest = words.into_iter().map(|line| format!("{:indent$}{line}", ""));
    std::iter::once(first.trim_end().to_owned()).chain(rest).collect()
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
    use crate::monitor::rows::Table;

    fn table(language: Language) -> Table {
        let mut table = Table::new(language);
        let mut bytes = &include_bytes!("../../../proto/tests/frames/syn-std-producer-tri.tic")[..];
        let mut decoder = Decoder::new(Parity::Stripped);
        while let Some(event) = decoder.next_event(&mut bytes) {
            table.handle_event(&event);
        }
        table
    }

    /// What a terminal shows: the lines that are written, from the first on.
    fn shown(text: &str) -> Vec<String> {
        let parts = text.split("\x1b[").filter(|part| !part.is_empty() && !part.starts_with(['J', 'K']));
        parts.map(|part| part.split_once('H').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn power_and_energy_come_first_and_the_rest_is_reached() {
        let (table, heading) = (table(Language::English), ["a meter".to_owned()]);
        let page = Page::new(&heading, table.rows(), (80, 24));
        let mut position = Position::default();
        let first = shown(&page.draw(&mut position, Language::English));
        assert_eq!(first.len(), 24);
        assert!(first[1].starts_with("SINSTS ") && first[2].starts_with("SINSTI "), "{first:#?}");
        assert!(first.iter().any(|line| line.starts_with("EAST ")) && first.iter().any(|line| line.starts_with("EAIT ")));
        let mut seen = first;
        while position.top + page.shown() < page.all() {
            position.go(Move::Pages(1), page.shown(), page.all());
            seen.extend(shown(&page.draw(&mut position, Language::English)));
        }
        for row in table.rows() {
            assert!(seen.iter().any(|line| line.starts_with(&format!("{:LABEL$} ", row.label))), "{} is never seen", row.label);
        }
        position.go(Move::Begin, page.shown(), page.all());
        assert_eq!(position, Position::default());
        position.go(Move::Lines(-1), page.shown(), page.all());
        assert_eq!(position, Position::default());
    }

    #[test]
    fn no_word_is_broken_on_terminals_of_40_and_80_columns() {
        for language in [Language::English, Language::French] {
            let table = table(language);
            for width in [40, 80] {
                let heading = ["a meter whose name is rather long, so that it is broken into lines".to_owned()];
                let page = Page::new(&heading, table.rows(), (width, 24));
                for line in page.head.iter().chain(&page.body) {
                    assert!(line.chars().count() <= width, "{language:?} {width}: {line}");
                }
                let words = page.body.join(" ").split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
                for row in table.rows() {
                    assert!(words.contains(row.meaning), "{}: {}", row.label, row.meaning);
                }
            }
        }
    }

    #[test]
    fn a_screen_that_is_large_enough_shows_all_and_no_keys() {
        let (table, heading) = (table(Language::English), ["a meter".to_owned()]);
        let page = Page::new(&heading, table.rows(), (200, 100));
        let lines = shown(&page.draw(&mut Position::default(), Language::English));
        assert_eq!(lines.len(), table.rows().len() + 1);
        let idle = |line: &str| table.rows().iter().any(|row| row.idle && line.starts_with(&format!("{:LABEL$} ", row.label)));
        let first = lines.iter().position(|line| idle(line)).unwrap();
        assert!(lines[first..].iter().all(|line| idle(line)), "what never counts is last");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"x".repeat(30)), "x".repeat(30));
        assert_eq!(cut(&"é".repeat(98)), "é".repeat(29) + "~");
    }
}
