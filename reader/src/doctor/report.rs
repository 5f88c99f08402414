//! What the doctor says: a line for each check, with a mark, then what to do. Narrow enough for a phone held upright.
//!
//! Plain ASCII, since nobody knows what the terminal at the cupboard can show.

use std::io::Write;

use crate::daemon::exit::ExitCode;

/// Columns: an ssh client on a phone has about so many.
const WIDTH: usize = 46;
/// What stands under a check is set in by so many.
const INDENT: usize = 3;
/// Begins something to be typed, which is never broken into lines.
const COMMAND: &str = "$ ";

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it should be.
    Good,
    /// It works, but something should be looked at.
    Doubt,
    /// It does not work.
    Wrong,
    /// Not looked at, and no harm in that.
    Skipped,
}

impl Mark {
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubt => "??",
            Self::Wrong => "!!",
            Self::Skipped => "--",
        }
    }

    /// The colour of the sign (ECMA-48, SGR).
    fn colour(self) -> u8 {
        match self {
            Self::Good => 32,
            Self::Doubt => 33,
            Self::Wrong => 31,
            Self::Skipped => 90,
        }
    }
}

/// Says what was found, as it is found, and remembers what it comes to.
pub(super) struct Report<'a> {
    out: &'a mut dyn Write,
    colour: bool,
    wrong: Vec<&'static str>,
    doubtful: usize,
    code: Option<ExitCode>,
}

impl<'a> Report<'a> {
    pub(super) fn new(out: &'a mut dyn Write, colour: bool) -> Self {
        Self { out, colour, wrong: Vec::new(), doubtful: 0, code: None }
    }

    pub(super) fn good(&mut self, topic: &'static str, text: &str) {
        self.tell(Mark::Good, topic, text, &[]);
    }

    pub(super) fn skip(&mut self, topic: &'static str, text: &str) {
        self.tell(Mark::Skipped, topic, text, &[]);
    }

    /// It works, but.
    pub(super) fn doubt(&mut self, topic: &'static str, text: &str, advice: &[&str]) {
        self.doubtful += 1;
        self.tell(Mark::Doubt, topic, text, advice);
    }

    /// Could not be tested, so that nobody can call it good.
    pub(super) fn untested(&mut self, topic: &'static str, text: &str, advice: &[&str]) {
        self.code.get_or_insert(ExitCode::Unavailable);
        self.doubt(topic, text, advice);
    }

    /// It does not work; `code` is how the doctor ends, if nothing else was wrong before.
    pub(super) fn wrong(&mut self, topic: &'static str, code: ExitCode, text: &str, advice: &[&str]) {
        if self.wrong.is_empty() {
            self.code = Some(code);
        }
        self.wrong.push(topic);
        self.tell(Mark::Wrong, topic, text, advice);
    }

    /// The last line. `None`: nothing to complain of.
    pub(super) fn verdict(mut self) -> Option<ExitCode> {
        let text = match (self.wrong.as_slice(), self.code, self.doubtful) {
            ([first], ..) => format!("One fault (!!): {first}. What to do stands there."),
            ([first, ..], ..) => format!("{} faults (!!). Begin with the first: {first}.", self.wrong.len()),
            ([], Some(_), _) => "No fault found, but not everything could be tested (??).".into(),
            ([], None, 0) => "All good.".into(),
            ([], None, _) => "It works. See what is marked ??.".into(),
        };
        self.write("");
        for line in wrapped(&format!("Verdict: {text}"), WIDTH) {
            self.write(&line);
        }
        self.code
    }

    fn tell(&mut self, mark: Mark, topic: &str, text: &str, advice: &[&str]) {
        let sign = mark.sign();
        let sign = if self.colour { format!("\x1b[{}m{sign}\x1b[m", mark.colour()) } else { sign.into() };
        let margin = " ".repeat(INDENT);
        for (index, line) in wrapped(&format!("{topic}: {text}"), WIDTH - INDENT).iter().enumerate() {
            self.write(&if index == 0 { format!("{sign} {line}") } else { format!("{margin}{line}") });
        }
        for advice in advice {
            for (index, line) in wrapped(advice, WIDTH - INDENT - 2).iter().enumerate() {
                let bullet = if index > 0 || advice.starts_with(COMMAND) { "  " } else { "> " };
                self.write(&format!("{margin}{bullet}{line}"));
            }
        }
    }

    fn write(&mut self, line: &str) {
        // Whoever has closed the terminal did not want to know. At once: the next check may take its time.
        let _ = self.out.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.out.flush());
    }
}

/// At spaces; a word that is too long, and a command, have a line of their own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    if text.starts_with(COMMAND) {
        return vec![text.into()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tell: impl FnOnce(&mut Report<'_>)) -> (String, Option<ExitCode>) {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        tell(&mut report);
        let code = report.verdict();
        (String::from_utf8(out).unwrap(), code)
    }

    #[test]
    fn lines_fit_a_phone_and_commands_stay_whole() {
        let command = "$ sudo systemctl disable --now serial-getty@ttyAMA0";
        let (text, code) = said(|report| {
            report.good("device", "/dev/ttyAMA0, root:dialout 660");
            report.wrong(
                "in use",
                ExitCode::Unavailable,
                "agetty (process 412) listens on the same line and takes bytes away",
                &["free it:", command],
            );
        });
        assert!(text.lines().all(|line| line.len() <= WIDTH || line.trim() == command), "{text}");
        assert!(text.starts_with("ok device: /dev/ttyAMA0, root:dialout 660\n!! in use: agetty (process 412)"), "{text}");
        assert!(text.contains("   > free it:\n     $ sudo"), "{text}");
        assert!(text.ends_with("\nVerdict: One fault (!!): in use. What to do\nstands there.\n"), "{text}");
        assert_eq!(code, Some(ExitCode::Unavailable));
    }

    #[test]
    fn the_verdict_is_the_worst_and_the_code_the_first() {
        assert_eq!(said(|report| report.good("a", "b")).1, None);
        assert!(said(|report| report.skip("a", "b")).0.ends_with("Verdict: All good.\n"));
        let (text, code) = said(|report| report.doubt("a", "b", &[]));
        assert!(text.contains("It works") && code.is_none(), "{text}");
        let (text, code) = said(|report| report.untested("a", "b", &[]));
        assert!(text.contains("not everything") && code == Some(ExitCode::Unavailable), "{text}");
        let (text, code) = said(|report| {
            report.untested("a", "b", &[]);
            report.wrong("c", ExitCode::Permission, "d", &[]);
            report.wrong("e", ExitCode::Config, "f", &[]);
        });
        assert!(text.contains("2 faults (!!). Begin with the first:\nc."), "{text}");
        assert_eq!(code, Some(ExitCode::Permission));
    }
}
