//! What the doctor says: a line for each check, with a mark, then what to do.

use std::io::Write;

use crate::daemon::exit::ExitCode;

/// Begins what is to be typed.
const COMMAND: &str = "$ ";

/// Says what was found, and remembers what it comes to.
pub(super) struct Report<'a> {
    out: &'a mut dyn Write,
    wrong: Vec<&'static str>,
    doubts: usize,
    reason: Option<ExitCode>,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, wrong: Vec::new(), doubts: 0, reason: None }
    }

    /// As it should be.
    pub(super) fn good(&mut self, topic: &'static str, text: &str) {
        self.tell("ok", topic, text, &[]);
    }

    /// Not known, and no harm in that.
    pub(super) fn skip(&mut self, topic: &'static str, text: &str, advice: &[&str]) {
        self.tell("--", topic, text, advice);
    }

    /// It works, but.
    pub(super) fn doubt(&mut self, topic: &'static str, text: &str, advice: &[&str]) {
        self.doubts += 1;
        self.tell("??", topic, text, advice);
    }

    /// It does not work; the first of these decides how the doctor ends.
    pub(super) fn wrong(&mut self, topic: &'static str, reason: ExitCode, text: &str, advice: &[&str]) {
        self.reason.get_or_insert(reason);
        self.wrong.push(topic);
        self.tell("!!", topic, text, advice);
    }

    /// The last line. `None`: nothing is wrong.
    pub(super) fn verdict(mut self) -> Option<ExitCode> {
        let text = match (self.wrong.as_slice(), self.doubts) {
            ([first], _) => format!("one fault (!!): {first}; what to do stands there"),
            ([first, ..], _) => format!("{} faults (!!); begin with the first: {first}", self.wrong.len()),
            ([], 0) => "all good".into(),
            ([], _) => "it works; see what is marked ??".into(),
        };
        self.write(&format!("\nVerdict: {text}"));
        self.reason
    }

    fn tell(&mut self, mark: &str, topic: &str, text: &str, advice: &[&str]) {
        self.write(&format!("{mark} {topic}: {text}"));
        for advice in advice {
            let bullet = if advice.starts_with(COMMAND) { "  " } else { "> " };
            self.write(&format!("   {bullet}{advice}"));
        }
    }

    fn write(&mut self, line: &str) {
        // Whoever has closed the terminal did not want to know.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}
