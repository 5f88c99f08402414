//! How a person compares keys: words that can be read aloud in any language. There is no list of words: a word is 16 bits as consonant, vowel,
//! consonant, vowel, consonant ("A Proposal for Proquints", D. S. Wilkerson, 2009).

use core::{
    fmt::{self, Write},
    str::FromStr,
};

use crate::tic::ParseError;

/// Five words: 80 bits, beyond what anybody can search.
const FINGERPRINT_BYTES: usize = 10;
/// Two words: they are tried against the bridge only, and the bridge counts.
const SECRET_BYTES: usize = 4;
/// Letters of a word.
const WORD_LETTERS: usize = 5;

const CONSONANTS: &[u8] = b"bdfghjklmnprstvz";
const VOWELS: &[u8] = b"aiou";
/// The letters of a word: from which table, and where its bits stand.
const LETTERS: [(&[u8], u32); WORD_LETTERS] = [(CONSONANTS, 12), (VOWELS, 10), (CONSONANTS, 6), (VOWELS, 4), (CONSONANTS, 0)];

/// A key's fingerprint, five words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    pub(super) const fn new(bytes: [u8; FINGERPRINT_BYTES]) -> Self {
        Self(bytes)
    }
}

/// What a person types at a reader that shall trust one bridge only: the fingerprint of that bridge, and a secret that only ever goes to it,
/// sealed. Seven words; or the five of the fingerprint alone, for a bridge that wants no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PairingCode {
    /// The bridge.
    pub bridge: Fingerprint,
    /// What the bridge wants to hear; 0 is no secret.
    pub secret: u32,
}

impl From<Fingerprint> for PairingCode {
    fn from(bridge: Fingerprint) -> Self {
        Self { bridge, secret: 0 }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_words(&self.0, f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bridge)?;
        if self.secret == 0 {
            return Ok(());
        }
        f.write_char('-')?;
        write_words(&self.secret.to_be_bytes(), f)
    }
}

/// The secret is not shown.
impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PairingCode({})", self.bridge)
    }
}

/// Case, spaces and dashes do not matter.
impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_words(text).map(Self).ok_or(ParseError::expected("five words of five letters"))
    }
}

/// Case, spaces and dashes do not matter.
impl FromStr for PairingCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(bridge) = text.parse::<Fingerprint>() {
            return Ok(bridge.into());
        }
        let bytes: [u8; FINGERPRINT_BYTES + SECRET_BYTES] =
            read_words(text).ok_or(ParseError::expected("five or seven words of five letters"))?;
        let bridge = Fingerprint(core::array::from_fn(|i| bytes[i]));
        Ok(Self { bridge, secret: u32::from_be_bytes(core::array::from_fn(|i| bytes[FINGERPRINT_BYTES + i])) })
    }
}

fn write_words(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, pair) in bytes.chunks_exact(2).enumerate() {
        if place > 0 {
            f.write_char('-')?;
        }
        let number = u16::from_be_bytes([pair[0], pair[1]]);
        for (table, shift) in LETTERS {
            f.write_char(char::from(table[usize::from(number >> shift) % table.len()]))?;
        }
    }
    Ok(())
}

/// `N` bytes of words; `None` if there are more or fewer letters, or one that is in no word.
fn read_words<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut letters = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')).map(|byte| byte.to_ascii_lowercase());
    let mut bytes = [0; N];
    for pair in bytes.chunks_exact_mut(2) {
        let mut number = 0;
        for (table, shift) in LETTERS {
            let letter = letters.next()?;
            number |= u16::try_from(table.iter().position(|known| *known == letter)?).ok()? << shift;
        }
        pair.copy_from_slice(&number.to_be_bytes());
    }
    letters.next().is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{format, string::ToString};

    use super::*;
    use crate::seal::Identity;

    struct Words<'a>(&'a [u8]);

    impl fmt::Display for Words<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_words(self.0, f)
        }
    }

    #[test]
    fn the_examples_of_the_proposal() {
        let examples = [
            ([127, 0, 0, 1], "lusab-babad"),
            ([63, 84, 220, 193], "gutih-tugad"),
            ([147, 67, 119, 2], "natag-lisaf"),
            ([198, 81, 129, 136], "sinid-makam"),
        ];
        for (bytes, words) in examples {
            assert_eq!(Words(&bytes).to_string(), words);
            assert_eq!(read_words(words), Some(bytes));
        }
    }

    #[test]
    fn a_code_says_which_bridge_and_a_secret() {
        let key = *Identity::from_seed(&[1; 32]).key();
        let code = PairingCode { bridge: key.fingerprint(), secret: 0xdead_beef };
        let text = code.to_string();
        assert_eq!((text.split('-').count(), text.parse()), (7, Ok(code)));
        assert_eq!(text.to_uppercase().replace('-', " ").parse(), Ok(code));
        assert_eq!(key.fingerprint().to_string().parse(), Ok(key.fingerprint()));
        let alone = PairingCode::from(key.fingerprint());
        assert_eq!((alone.to_string(), alone.to_string().parse()), (key.fingerprint().to_string(), Ok(alone)));
        for wrong in [&text[1..], &format!("{text}b"), &format!("e{}", &text[1..]), "", "été"] {
            assert!(wrong.parse::<PairingCode>().is_err(), "{wrong}");
        }
        assert!(!format!("{code:?}").contains(&text[30..]));
    }
}
