//! Keys of the terminal, one by one and without waiting (termios(3): no ICANON, no ECHO, VMIN and VTIME 0). The terminal is put back at the end.

use std::{
    io::{self, IsTerminal},
    os::fd::AsFd,
};

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};

use super::screen::Move;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Go(Move),
    Quit,
}

/// Every key, as a terminal sends it (ECMA-48: CUU, CUD; xterm for the others).
const KEYS: [(&[u8], Key); 14] = [
    (b"\x1b[A", Key::Go(Move::Lines(-1))),
    (b"\x1b[B", Key::Go(Move::Lines(1))),
    (b"\x1bOA", Key::Go(Move::Lines(-1))),
    (b"\x1bOB", Key::Go(Move::Lines(1))),
    (b"\x1b[5~", Key::Go(Move::Pages(-1))),
    (b"\x1b[6~", Key::Go(Move::Pages(1))),
    (b"\x1b[H", Key::Go(Move::Begin)),
    (b"\x1b[F", Key::Go(Move::End)),
    (b"k", Key::Go(Move::Lines(-1))),
    (b"j", Key::Go(Move::Lines(1))),
    (b"b", Key::Go(Move::Pages(-1))),
    (b" ", Key::Go(Move::Pages(1))),
    (b"q", Key::Quit),
    (b"Q", Key::Quit),
];

/// The terminal's keys, as long as this lives.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// Takes the keys; nothing where standard input is no terminal.
    pub(super) fn take() -> Option<Self> {
        let input = io::stdin();
        if !input.is_terminal() {
            return None;
        }
        let before = tcgetattr(input.as_fd()).ok()?;
        let mut raw = before.clone();
        raw.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        raw.control_chars[SpecialCharacterIndices::VMIN as usize] = 0;
        raw.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(input.as_fd(), SetArg::TCSANOW, &raw).ok()?;
        Some(Self { before })
    }

    /// What was pressed since the last call.
    pub(super) fn pressed(&self) -> Vec<Key> {
        let mut buffer = [0; 64];
        let count = nix::unistd::read(io::stdin().as_fd(), &mut buffer).unwrap_or_default();
        understood(&buffer[..count])
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.before);
    }
}

/// The keys in what a terminal has sent; what is none of them is left out.
fn understood(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while !bytes.is_empty() {
        let found = KEYS.iter().find(|(code, _)| bytes.starts_with(code));
        keys.extend(found.map(|(_, key)| *key));
        bytes = &bytes[found.map_or(1, |(code, _)| code.len())..];
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_and_others_are_left_out() {
        let keys = understood(b"\x1b[B\x1b[6~x q");
        assert_eq!(keys, [Key::Go(Move::Lines(1)), Key::Go(Move::Pages(1)), Key::Go(Move::Pages(1)), Key::Quit]);
        assert_eq!(understood(b"\x1b"), []);
    }
}
