//! The part of TOML 1.0 that configuration files of this program need: `[section]`, `key = value`, comments; values are strings, whole
//! numbers and lists of strings. Whatever else TOML has is refused with its line, never misread.
//!
//! A complete TOML parser would make the program a sixth larger. The tests hold this one against the `toml` crate.

/// A `key = value` and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The section; "" before the first.
    pub(super) section: String,
    /// The key.
    pub(super) key: String,
    /// The value.
    pub(super) value: Value,
    /// The line, from 1.
    pub(super) line: usize,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `"text"` or `'text'`
    Text(String),
    /// `42`
    Number(i64),
    /// `["a", "b"]`
    Texts(Vec<String>),
    /// What a variable of the environment says, without TOML's marks: its key knows which of the above it is.
    Bare(String),
}

/// What stands in a file, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    /// The sections, with their lines.
    pub(super) sections: Vec<(String, usize)>,
    /// The keys and values.
    pub(super) entries: Vec<Entry>,
}

/// Takes a file apart.
///
/// # Errors
/// The line, and what was expected there.
pub(super) fn parse(text: &str) -> Result<File, String> {
    let mut scanner = Scanner { rest: text, line: 1 };
    scanner.file().map_err(|what| format!("line {}: {what}", scanner.line))
}

/// A list of texts alone, as a variable may give it.
///
/// # Errors
/// What was expected.
pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    let mut scanner = Scanner { rest: text, line: 1 };
    let texts = scanner.texts()?;
    scanner.end_of_line()?;
    Ok(texts)
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl Scanner<'_> {
    fn file(&mut self) -> Result<File, String> {
        let (mut file, mut section) = (File::default(), String::new());
        while self.skip_lines().is_some() {
            if self.take('[') {
                section = self.section()?;
                if file.sections.iter().any(|(name, _)| *name == section) {
                    return Err(format!("[{section}] stands here a second time"));
                }
                file.sections.push((section.clone(), self.line));
            } else {
                let entry = self.entry(&section)?;
                if file.entries.iter().any(|other| other.section == entry.section && other.key == entry.key) {
                    return Err(format!("\"{}\" stands here a second time", entry.key));
                }
                file.entries.push(entry);
            }
            self.end_of_line()?;
        }
        Ok(file)
    }

    fn section(&mut self) -> Result<String, String> {
        let name = self.key()?;
        if !self.take(']') {
            return Err("expected ] after the name of the section (sections in sections are not used here)".into());
        }
        Ok(name)
    }

    fn entry(&mut self, section: &str) -> Result<Entry, String> {
        let (line, key) = (self.line, self.key()?);
        if !self.take('=') {
            return Err(format!("expected = after \"{key}\" (write a section as [section], on a line of its own)"));
        }
        self.skip_spaces();
        let value = self.value().map_err(|what| format!("{what} after \"{key}\""))?;
        Ok(Entry { section: section.into(), key, value, line })
    }

    fn key(&mut self) -> Result<String, String> {
        self.skip_spaces();
        let key = match self.peek() {
            Some('"' | '\'') => self.text()?,
            _ => self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).to_owned(),
        };
        self.skip_spaces();
        if key.is_empty() { Err("expected a key or a [section]".into()) } else { Ok(key) }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.peek() {
            Some('"' | '\'') => self.text().map(Value::Text),
            Some('[') => self.texts().map(Value::Texts),
            Some('0'..='9' | '+' | '-') => self.number().map(Value::Number),
            _ => Err("expected a text in quotes, a whole number or a list of texts".into()),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let written = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '.')).to_owned();
        let digits = written.trim_start_matches(['+', '-']);
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        let stray = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
        match written.replace('_', "").parse() {
            Ok(number) if !leading_zero && !stray => Ok(number),
            _ => Err(format!("expected a whole number instead of {written}")),
        }
    }

    fn texts(&mut self) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        self.take('[');
        loop {
            if self.skip_lines().is_none() {
                return Err("expected ] at the end of the list".into());
            }
            if self.take(']') {
                return Ok(texts);
            }
            texts.push(self.text()?);
            self.skip_lines();
            if !self.take(',') && self.peek() != Some(']') {
                return Err("expected , or ] in the list".into());
            }
        }
    }

    fn text(&mut self) -> Result<String, String> {
        if self.rest.starts_with("\"\"\"") || self.rest.starts_with("'''") {
            return Err("texts of several lines are not used here".into());
        }
        if self.take('\'') {
            let text = self.take_while(|c| c != '\'' && !is_control(c)).to_owned();
            return if self.take('\'') { Ok(text) } else { Err("expected ' at the end of the text".into()) };
        }
        if !self.take('"') {
            return Err("expected a text in quotes".into());
        }
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if !is_control(c) => text.push(c),
                _ => return Err("expected \" at the end of the text".into()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let digits = match self.next() {
            Some('n') => return Ok('\n'),
            Some('t') => return Ok('\t'),
            Some('r') => return Ok('\r'),
            Some('b') => return Ok('\u{8}'),
            Some('f') => return Ok('\u{c}'),
            Some(c @ ('"' | '\\')) => return Ok(c),
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err("unknown \\ in the text (a Windows path goes in single quotes)".into()),
        };
        let code = self.rest.get(..digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
        let c = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        self.rest = self.rest.get(digits..).unwrap_or_default();
        c.ok_or_else(|| format!("expected {digits} hexadecimal digits of a character after \\u"))
    }

    /// Past blank lines and comments; the next character, if any.
    fn skip_lines(&mut self) -> Option<char> {
        loop {
            self.skip_spaces();
            match self.peek()? {
                // What is neither text nor the end of a line after it is found where the next line should begin.
                '#' => _ = self.take_while(|c| !is_control(c)),
                '\n' => _ = self.next(),
                '\r' if self.rest.starts_with("\r\n") => _ = self.next(),
                c => return Some(c),
            }
        }
    }

    fn end_of_line(&mut self) -> Result<(), String> {
        self.skip_spaces();
        match self.peek() {
            None | Some('\n' | '#') => Ok(()),
            Some('\r') if self.rest.starts_with("\r\n") => Ok(()),
            Some(_) => Err("expected nothing more on this line".into()),
        }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn is_control(c: char) -> bool {
    c != '\t' && c.is_ascii_control()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by the `toml` crate; `None` where it refuses.
    fn reference(text: &str) -> Option<Vec<(String, String, Value)>> {
        let mut entries = Vec::new();
        for (key, value) in toml::from_str::<toml::Table>(text).ok()? {
            match value {
                toml::Value::Table(table) => {
                    entries.extend(table.into_iter().map(|(inner, value)| (key.clone(), inner, converted(value))));
                }
                value => entries.push((String::new(), key, converted(value))),
            }
        }
        entries.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Some(entries)
    }

    fn converted(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::Text(text),
            toml::Value::Integer(number) => Value::Number(number),
            toml::Value::Array(list) => Value::Texts(list.into_iter().map(|value| value.as_str().unwrap_or("?").to_owned()).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn ours(text: &str) -> Option<Vec<(String, String, Value)>> {
        let mut entries: Vec<_> = parse(text).ok()?.entries.into_iter().map(|entry| (entry.section, entry.key, entry.value)).collect();
        entries.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        Some(entries)
    }

    #[test]
    fn what_is_understood_means_what_toml_means() {
        let shipped = include_str!("../../../deploy/etc/reader.toml");
        for text in [
            shipped,
            "",
            "a = 1 # one\r\n\r\n[ b ] # two\n\"c d\" = 'e\\f'\n",
            "a = [ \"x\", # first\n 'y',\n]\nb=[]",
            "a = \"\\u00e9\\t\\\"\\\\\"\nb = -1_000\nc = +7",
        ] {
            assert!(ours(text).is_some(), "{text}: {:?}", parse(text));
            assert_eq!(ours(text), reference(text), "{text}");
        }
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("a = 1\nb\n", "line 2: expected = after \"b\""),
            ("\n\na = yes", "line 3: expected a text in quotes, a whole number or a list of texts after \"a\""),
            ("a = \"x\nb = 1", "expected \" at the end of the text"),
            ("a = 1.5", "line 1: expected a whole number instead of 1.5 after \"a\""),
            ("a = 007", "expected a whole number instead of 007"),
            ("a = 1\na = 2", "line 2: \"a\" stands here a second time"),
            ("[a]\n[a]", "line 2: [a] stands here a second time"),
            ("[a.b]", "line 1: expected ] after the name of the section"),
            ("[[a]]", "line 1: expected a key"),
            ("a.b = 1", "line 1: expected = after \"a\""),
            ("a = [1]", "expected a text in quotes after \"a\""),
            ("a = [\"x\" \"y\"]", "expected , or ] in the list"),
            ("a = 1 b = 2", "line 1: expected nothing more on this line"),
            ("= 1", "line 1: expected a key"),
            ("a = 1 # \0", "line 1: expected a key"),
            ("a = 1\n# \u{7f}\n", "line 2: expected a key"),
            ("a = 1\n\rb = 2", "line 2: expected a key"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
    }

    proptest! {
        /// Whatever is accepted, TOML accepts too, and it means the same.
        #[test]
        fn nothing_is_misread(parts in proptest::collection::vec(prop_oneof![
            Just("a"), Just("b-c"), Just(" = "), Just("="), Just("\""), Just("'"), Just("x"), Just("\\"), Just("u0041"), Just("["), Just("]"),
            Just(","), Just("\n"), Just("\r\n"), Just("\r"), Just("\0"), Just("#"), Just("-"), Just("1"), Just("0"), Just("_"), Just("."), Just(" "), Just("é"), Just("\n[s]\n"),
            Just("\nk = \"v\"\n"), Just("k = 'w'"), Just("= [\"p\", 'q']"),
        ], 0..14)) {
            let text = parts.concat();
            if let Some(read) = ours(&text) {
                prop_assert_eq!(Some(read), reference(&text).map(|mut all| { all.retain(|(_, key, _)| !key.is_empty()); all }), "{:?}", text);
            }
        }
    }
}
