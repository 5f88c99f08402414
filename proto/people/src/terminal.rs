//! The terminal that people read on: how wide it is, and how text is broken into its lines.

/// A telephone held upright has about so many columns, which is what is taken where nobody says.
pub const TELEPHONE: usize = 46;
/// Longer lines are hard to read.
const WIDEST: usize = 80;
/// On fewer columns nothing can be laid out; the terminal breaks what does not fit.
const NARROWEST: usize = 20;
/// Signs that belong to the word before them, also where French puts a space between.
const STICKING: [&str; 5] = [":", ";", "?", "!", "%"];

/// Columns and lines, where standard output is a terminal that says so.
pub fn size() -> Option<(usize, usize)> {
    let (columns, lines) = termion::terminal_size().ok()?;
    (columns > 0 && lines > 0).then_some((columns.into(), lines.into()))
}

/// Columns for text that is read from line to line. How many lines the terminal has does not matter, and some do not say it.
pub fn reading_width() -> usize {
    let columns = termion::terminal_size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0);
    columns.map_or(TELEPHONE, |columns| columns.clamp(NARROWEST, WIDEST))
}

/// Text in lines of this width, broken at spaces; a word that is too long has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A command in lines of this width: the shell goes on behind a `\` at the end of a line.
pub fn wrapped_command(command: &str, width: usize) -> Vec<String> {
    if command.chars().count() <= width {
        return vec![command.into()];
    }
    let mut lines = wrapped(command, width.saturating_sub(2));
    let last = lines.len() - 1;
    lines[..last].iter_mut().for_each(|line| line.push_str(" \\"));
    lines
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match words.last_mut() {
            Some(last) if STICKING.contains(&word) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.into()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_but_never_before_a_french_sign() {
        assert_eq!(wrapped("un deux trois : quatre ?", 8), ["un deux", "trois :", "quatre ?"]);
        assert_eq!(wrapped("/a/path/that/is/too/long is one word", 10), ["/a/path/that/is/too/long", "is one", "word"]);
    }

    #[test]
    fn a_command_that_is_broken_is_still_one_command() {
        let lines = wrapped_command("sudo systemctl disable --now serial-getty@ttyAMA0", 34);
        assert_eq!(lines, ["sudo systemctl disable --now \\", "serial-getty@ttyAMA0"]);
        assert_eq!(wrapped_command("ls -l", 5), ["ls -l"]);
    }
}
