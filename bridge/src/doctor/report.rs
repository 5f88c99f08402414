//! What the doctor says: a line for each check, with a mark, then what to do.

use std::io::Write;

use crate::daemon::exit::ExitCode;

/// An advice that begins so is a command to type.
const COMMAND: &str = "$ ";

/// Writes what was found, and remembers what it amounts to.
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

    /// Something is as it should be.
    pub(super) fn good(&mut self, topic: &'static str, text: &str) {
        self.tell("ok", topic, text, &[]);
    }

    /// Something is not known, which does no harm.
    pub(super) fn skip(&mut self, topic: &'static str, text: &str, advice: &[&str]) {
        self.tell("--", topic, text, advice);
    }

    /// Something works, but a person should look at it.
    pub(super) fn doubt(&mut self, topic: &'static str, text: &str, advice: &[&str]) {
        self.doubts += 1;
        self.tell("??", topic, text, advice);
    }

    /// Something does not work; the first of these decides the exit code.
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
        // If the terminal was closed, nobody reads this.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}
