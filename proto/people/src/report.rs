//! What a `doctor` says: a line for each check, with a mark, then what to do; in the reader's language, and as wide as the terminal is.

use std::{fmt::Display, io::Write};

use crate::{
    exit::ExitCode,
    language::{Language, Sentence, Words},
    terminal::{wrapped, wrapped_command},
};

/// What stands under a check is set in by so many.
const INDENT: usize = 3;
/// What is to be done is set in by so many more.
const BULLET: usize = 2;
/// A topic, and what is said of it.
const TOPIC: Words = Words::new("{}: {}", "{} : {}");

const VERDICT: Words = Words::new("Verdict: {}", "Verdict : {}");
const ONE_FAULT: Words = Words::new("One fault (!!): {}. What to do stands there.", "Un défaut (!!) : {}. Quoi faire est écrit là.");
const FAULTS: Words = Words::new("{} faults (!!). Begin with the first: {}.", "{} défauts (!!). Commencez par le premier : {}.");
const NOT_ALL_TESTED: Words =
    Words::new("No fault found, but not everything could be tested (??).", "Aucun défaut trouvé, mais tout n'a pas pu être essayé (??).");
const ALL_GOOD: Words = Words::new("All good.", "Tout va bien.");
const IT_WORKS: Words = Words::new("It works. See what is marked ??.", "Cela marche. Voyez ce qui est marqué ??.");

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
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

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// By somebody.
    Do(Sentence),
    /// By a shell: something to be typed.
    Type(String),
}

/// On what it is written, and for whom.
#[derive(Clone, Copy)]
pub struct Style {
    /// Whose words.
    pub language: Language,
    /// Whether signs are coloured.
    pub colour: bool,
    /// Columns of a line.
    pub width: usize,
}

/// Says what was found, as it is found, and remembers what it comes to.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    style: Style,
    wrong: Vec<Words>,
    doubtful: usize,
    code: Option<ExitCode>,
}

impl<'a> Report<'a> {
    /// A report of which nothing is said yet.
    #[must_use]
    pub fn new(out: &'a mut dyn Write, style: Style) -> Self {
        Self { out, style, wrong: Vec::new(), doubtful: 0, code: None }
    }

    /// Of whoever reads it.
    #[must_use]
    pub fn language(&self) -> Language {
        self.style.language
    }

    /// A sentence in the language of whoever reads it.
    #[must_use]
    pub fn say(&self, words: Words, values: &[&dyn Display]) -> Sentence {
        words.say(self.language(), values)
    }

    /// Something to do.
    #[must_use]
    pub fn advise(&self, words: Words, values: &[&dyn Display]) -> Advice {
        Advice::Do(self.say(words, values))
    }

    /// Several things to do, in which nothing is filled in.
    #[must_use]
    pub fn advise_all(&self, all: &[Words]) -> Vec<Advice> {
        all.iter().map(|words| self.advise(*words, &[])).collect()
    }

    /// It is as it should be.
    pub fn good(&mut self, topic: Words, text: &Sentence) {
        self.tell(Mark::Good, topic, text, &[]);
    }

    /// It was not looked at, or is not known, which does no harm.
    pub fn skip(&mut self, topic: Words, text: &Sentence, advice: &[Advice]) {
        self.tell(Mark::Skipped, topic, text, advice);
    }

    /// It works, but.
    pub fn doubt(&mut self, topic: Words, text: &Sentence, advice: &[Advice]) {
        self.doubtful += 1;
        self.tell(Mark::Doubt, topic, text, advice);
    }

    /// Could not be tested, so that nobody can call it good.
    pub fn untested(&mut self, topic: Words, text: &Sentence, advice: &[Advice]) {
        self.code.get_or_insert(ExitCode::Unavailable);
        self.doubt(topic, text, advice);
    }

    /// It does not work; `code` is how the doctor ends, if nothing else was wrong before.
    pub fn wrong(&mut self, topic: Words, code: ExitCode, text: &Sentence, advice: &[Advice]) {
        if self.wrong.is_empty() {
            self.code = Some(code);
        }
        self.wrong.push(topic);
        self.tell(Mark::Wrong, topic, text, advice);
    }

    /// The last line. `None`: nothing to complain of.
    #[must_use]
    pub fn verdict(mut self) -> Option<ExitCode> {
        let language = self.language();
        let text = match (self.wrong.as_slice(), self.code, self.doubtful) {
            ([topic], ..) => self.say(ONE_FAULT, &[&topic.get(language)]),
            ([topic, ..], ..) => self.say(FAULTS, &[&self.wrong.len(), &topic.get(language)]),
            ([], Some(_), _) => self.say(NOT_ALL_TESTED, &[]),
            ([], None, 0) => self.say(ALL_GOOD, &[]),
            ([], None, _) => self.say(IT_WORKS, &[]),
        };
        self.write("");
        for line in wrapped(self.say(VERDICT, &[&text]).as_str(), self.style.width) {
            self.write(&line);
        }
        self.code
    }

    fn tell(&mut self, mark: Mark, topic: Words, text: &Sentence, advice: &[Advice]) {
        let sign = mark.sign();
        let sign = if self.style.colour { format!("\x1b[{}m{sign}\x1b[m", mark.colour()) } else { sign.into() };
        let margin = " ".repeat(INDENT);
        let said = self.say(TOPIC, &[&topic.get(self.language()), text]);
        for (index, line) in wrapped(said.as_str(), self.style.width - INDENT).iter().enumerate() {
            self.write(&if index == 0 { format!("{sign} {line}") } else { format!("{margin}{line}") });
        }
        let width = self.style.width - INDENT - BULLET;
        for advice in advice {
            let (first, lines) = match advice {
                Advice::Do(sentence) => ("> ", wrapped(sentence.as_str(), width)),
                Advice::Type(command) => ("$ ", wrapped_command(command, width)),
            };
            for (index, line) in lines.iter().enumerate() {
                let bullet = if index == 0 { first } else { "  " };
                self.write(&format!("{margin}{bullet}{line}"));
            }
        }
    }

    fn write(&mut self, line: &str) {
        // Whoever has closed the terminal did not want to know. At once: the next check may take its time.
        let _ = self.out.write_all(format!("{line}\n").as_bytes()).and_then(|()| self.out.flush());
    }
}

/// What a check says, for its tests: in English, on so many columns that no line is broken.
pub fn said(tell: impl FnOnce(&mut Report<'_>)) -> (String, Option<ExitCode>) {
    said_in(Style { language: Language::English, colour: false, width: 1000 }, tell)
}

/// The same in a style.
pub fn said_in(style: Style, tell: impl FnOnce(&mut Report<'_>)) -> (String, Option<ExitCode>) {
    let mut out = Vec::new();
    let mut report = Report::new(&mut out, style);
    tell(&mut report);
    let code = report.verdict();
    (String::from_utf8_lossy(&out).into_owned(), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Words = Words::new("in use", "occupé");
    const B: Words = Words::alike("b");

    fn narrow(language: Language) -> Style {
        Style { language, colour: false, width: 40 }
    }

    #[test]
    fn lines_fit_a_narrow_terminal_and_a_command_stays_one() {
        let command = "sudo systemctl disable --now serial-getty@ttyAMA0";
        let text = Sentence::of("agetty (process 412) listens on the same line and takes bytes away");
        let advice = [Advice::Do(Sentence::of("free it:")), Advice::Type(command.into())];
        for (language, verdict) in [
            (Language::English, "Verdict: One fault (!!): in use. What to\ndo stands there.\n"),
            (Language::French, "Verdict : Un défaut (!!) : occupé. Quoi\nfaire est écrit là.\n"),
        ] {
            let (said, code) = said_in(narrow(language), |report| report.wrong(A, ExitCode::Unavailable, &text, &advice));
            assert!(said.lines().all(|line| line.chars().count() <= 40), "{said}");
            assert!(said.contains("   > free it:\n   $ sudo systemctl disable --now \\\n     serial-getty@ttyAMA0\n"), "{said}");
            assert!(said.ends_with(verdict), "{said}");
            assert_eq!(code, Some(ExitCode::Unavailable));
        }
    }

    #[test]
    fn the_verdict_is_the_worst_and_the_code_the_first() {
        let text = Sentence::of("x");
        assert_eq!(said(|report| report.good(A, &text)).1, None);
        assert!(said(|report| report.skip(A, &text, &[])).0.ends_with("Verdict: All good.\n"));
        let (words, code) = said(|report| report.doubt(A, &text, &[]));
        assert!(words.contains("It works") && code.is_none(), "{words}");
        let (words, code) = said(|report| report.untested(A, &text, &[]));
        assert!(words.contains("not everything") && code == Some(ExitCode::Unavailable), "{words}");
        let (words, code) = said(|report| {
            report.untested(A, &text, &[]);
            report.wrong(B, ExitCode::Permission, &text, &[]);
            report.wrong(A, ExitCode::Config, &text, &[]);
        });
        assert!(words.contains("2 faults (!!). Begin with the first: b."), "{words}");
        assert_eq!(code, Some(ExitCode::Permission));
    }
}
