//! The log: lines on standard error, as the journal or a terminal wants them.
//!
//! Under systemd each line opens with `<N>`, a syslog priority that `journalctl -p` understands (sd-daemon(3)); elsewhere with
//! the level in words. No time: the journal has its own.

use std::{borrow::Cow, io::Write};

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Lines {
    journal: bool,
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // One write per line, so that lines of two programs do not mix. A closed standard error is not our trouble.
            let _ = std::io::stderr().write_all(line(self.journal, record.level(), &record.args().to_string()).as_bytes());
        }
    }

    fn flush(&self) {}
}

fn line(journal: bool, level: Level, text: &str) -> String {
    let text = printable(text);
    if journal { format!("<{}>{text}\n", priority(level)) } else { format!("{level:5} {text}\n") }
}

/// What the network or a file has put into a message must not move the cursor, begin a line or turn the text around.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().flat_map(|c| if is_unprintable(c) { c.escape_default().collect() } else { vec![c] });
    Cow::Owned(escaped.collect())
}

/// Control characters, and those that change the direction of the text or take no room (Unicode, general categories Cc and Cf).
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// syslog(3) priorities.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Starts the log. A second call changes the level only.
pub(crate) fn start(level: LevelFilter) {
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let _ = log::set_boxed_logger(Box::new(Lines { journal }));
    log::set_max_level(level);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_gets_priorities_and_a_terminal_gets_words() {
        assert_eq!(line(true, Level::Warn, "x"), "<4>x\n");
        assert_eq!(line(false, Level::Warn, "x"), "WARN  x\n");
        assert_eq!(line(true, Level::Info, "x"), "<6>x\n");
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        assert_eq!(line(true, Level::Warn, "a\n<3>b\u{1b}[2J \u{202e}é"), "<4>a\\n<3>b\\u{1b}[2J \\u{202e}é\n");
    }
}
