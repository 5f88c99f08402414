//! The table on a terminal: drawn over itself, cut to the terminal's size (ECMA-48: CUP, EL, ED).

use std::{
    fmt::Write,
    process::{Command, Stdio},
};

use super::rows::Row;

/// Columns of a label: the longest has nine characters.
const LABEL: usize = 9;
/// Columns of a value, at most; the day profiles have 98 characters, which nobody reads.
const VALUE_MAX: usize = 30;
/// A terminal that does not tell its size.
const USUAL: Size = Size { columns: 80, lines: 24 };

/// Of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

impl Size {
    /// Of our terminal. Asked of stty(1): the system call is one that no safe function offers.
    pub(super) fn ask() -> Self {
        let output = Command::new("stty").args(["-F", "/dev/tty", "size"]).stderr(Stdio::null()).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let mut numbers = text.split_whitespace().filter_map(|word| word.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(lines), Some(columns)) if lines > 0 && columns > 0 => Self { columns, lines },
            _ => USUAL,
        }
    }
}

/// The rows under their heading, to be written over what was there.
pub(super) fn draw(heading: &[String], rows: &[Row], size: Size) -> String {
    let heading = &heading[..heading.len().min(size.lines.saturating_sub(2).max(1))];
    let room = size.lines.saturating_sub(heading.len() + 1);
    let idle = rows.len() > room;
    // Of a meter with ten indexes most have never counted: the first to go when there is no room for all.
    let rows: Vec<_> = rows.iter().filter(|row| !(idle && row.idle)).collect();
    let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
    let more = room > 0 && shown < rows.len();
    let width = value_width(rows.iter().copied());
    let mut text = String::from("\x1b[H");
    let mut put = |line: &str| _ = write!(text, "{}\x1b[K\r\n", cut(line, size.columns));
    heading.iter().for_each(|line| put(line));
    rows[..shown].iter().for_each(|row| put(&line(row, width)));
    if more {
        put(&format!("... +{}", rows.len() - shown));
    }
    text.push_str("\x1b[J");
    text
}

/// The rows for a file or a pipe: nothing is cut.
pub(super) fn list(heading: &[String], rows: &[Row]) -> String {
    let width = value_width(rows.iter());
    let lines = heading.iter().cloned().chain(rows.iter().map(|row| line_with(&row.label, &row.value, row.meaning, width)));
    lines.map(|line| line + "\n").collect::<String>() + "\n"
}

fn value_width<'a>(rows: impl Iterator<Item = &'a Row>) -> usize {
    rows.map(|row| row.value.chars().count()).max().unwrap_or_default().min(VALUE_MAX)
}

fn line(row: &Row, width: usize) -> String {
    line_with(&row.label, &cut(&row.value, width), row.meaning, width)
}

fn line_with(label: &str, value: &str, meaning: &str, width: usize) -> String {
    format!("{label:LABEL$} {value:width$}  {meaning}").trim_end().to_owned()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.into();
    }
    text.chars().take(width.saturating_sub(1)).chain(['~']).collect()
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
            table.handle(&event);
        }
        table
    }

    #[test]
    fn it_fits_every_terminal() {
        let (table, heading) = (table(), ["a meter".to_owned()]);
        for size in [
            Size { columns: 40, lines: 20 },
            Size { columns: 200, lines: 100 },
            Size { columns: 5, lines: 2 },
            Size { columns: 1, lines: 1 },
        ] {
            let text = draw(&heading, table.rows(), size);
            let lines: Vec<_> = text.trim_start_matches("\x1b[H").split("\r\n").collect();
            // What follows the last line break is empty.
            assert!(lines.len() <= size.lines.max(2), "{size:?}: {}", lines.len());
            assert!(
                lines.iter().all(|line| line.trim_end_matches("\x1b[K").trim_end_matches("\x1b[J").chars().count() <= size.columns),
                "{text}"
            );
        }
        let all = draw(&heading, table.rows(), Size { columns: 200, lines: 100 });
        assert!(table.rows().iter().all(|row| all.contains(&row.label)));
        assert!(list(&heading, table.rows()).lines().count() == table.rows().len() + 2);
    }
}
