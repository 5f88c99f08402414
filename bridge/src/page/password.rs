//! Who is let in where the page has a password (HTTP Basic, RFC 7617). Any user's name will do: there is one owner.
//!
//! A password is compared in a time that says nothing of it, and [`guesses`](super::guesses) bounds how often that is done.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;
use tracing::warn;

use crate::{
    daemon::credentials::Secret,
    page::guesses::Guesses,
    words::{journal, language::Words},
};

const GUESSED: Words = Words::new(
    "somebody at {} tries passwords of the page; more tries are refused for a while",
    "quelqu'un à l'adresse {} essaie des mots de passe de la page ; d'autres essais sont refusés un moment",
);
const SCHEME: &str = "basic";

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer it.
    Answer,
    /// Ask for the password.
    Ask,
    /// Too many wrong ones came: let it come back later.
    Later,
}

/// The password, and who has guessed at it.
pub struct Lock {
    key: hmac::Key,
    tag: hmac::Tag,
    guesses: Mutex<Told>,
}

/// The guesses, and whether the journal says so already: once is enough.
#[derive(Default)]
struct Told {
    guesses: Guesses,
    is_told: bool,
}

impl Lock {
    /// With the password that opens it.
    #[must_use]
    pub fn new(password: &Secret) -> Self {
        // Whatever is compared becomes of one length. The key is no secret: nothing that is made with it leaves this process.
        let key = hmac::Key::new(hmac::HMAC_SHA256, module_path!().as_bytes());
        let tag = hmac::sign(&key, password.reveal().as_bytes());
        Self { key, tag, guesses: Mutex::default() }
    }

    /// What is to be done with a request of this client, which has sent this header.
    pub fn judge(&self, client: IpAddr, authorization: &str, now: Instant) -> Verdict {
        let Some(password) = password_of(authorization) else { return Verdict::Ask };
        let mut told = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.guesses.may_try(client, now) {
            if !std::mem::replace(&mut told.is_told, true) {
                warn!("{}", journal::say(GUESSED, &[&client]));
            }
            return Verdict::Later;
        }
        if hmac::verify(&self.key, &password, self.tag.as_ref()).is_ok() {
            return Verdict::Answer;
        }
        told.guesses.handle_wrong(client, now);
        Verdict::Ask
    }
}

/// What follows the user's name.
fn password_of(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    let both = scheme.eq_ignore_ascii_case(SCHEME).then(|| BASE64_STANDARD.decode(encoded.trim()).ok())??;
    let colon = both.iter().position(|byte| *byte == b':')?;
    Some(both[colon + 1..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(words: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(words))
    }

    #[test]
    fn the_password_opens_whatever_the_name() {
        let (lock, now) = (Lock::new(&Secret::new("Pâté: à midi")), Instant::now());
        let judge = |text: &str| lock.judge("192.168.1.2".parse().unwrap(), text, now);
        for words in ["teleinfo:Pâté: à midi", ":Pâté: à midi"] {
            assert_eq!(judge(&header(words)), Verdict::Answer);
            assert_eq!(judge(&header(words).replace("Basic", "basic")), Verdict::Answer);
        }
        let wrong = [header("teleinfo:"), header("Pâté: à midi"), header("a:Pâté: à mid"), header("a:Pâté: à midi ")];
        let none = ["", "Basic", "Basic ###", "Bearer UMOidMOpOiDDoCBtaWRp"].map(str::to_owned);
        for text in wrong.iter().chain(&none) {
            assert_eq!(judge(text), Verdict::Ask, "{text}");
        }
    }

    #[test]
    fn who_guesses_waits_even_with_the_right_one_and_nobody_else_does() {
        let (lock, now) = (Lock::new(&Secret::new("12345678")), Instant::now());
        let judge = |client: &str, password: &str| lock.judge(client.parse().unwrap(), &header(password), now);
        let verdicts: Vec<Verdict> = (0..20).map(|n| judge("192.168.1.9", &format!("a:{n}"))).collect();
        assert_eq!((verdicts[9], verdicts[10], verdicts[19]), (Verdict::Ask, Verdict::Later, Verdict::Later));
        assert_eq!(judge("192.168.1.9", "a:12345678"), Verdict::Later);
        assert_eq!(judge("192.168.1.2", "a:12345678"), Verdict::Answer);
    }
}
