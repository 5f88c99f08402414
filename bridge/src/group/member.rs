//! A member of a group, as the others know it: its name, and the run of its process.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use teleinfo_proto::wire::keys;

/// A process of a member. One that starts again, or joins the network anew, has another run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Member {
    /// Its name: what decides which meters it gets.
    pub name: String,
    /// Its run, drawn by chance.
    pub run: u64,
}

impl Member {
    /// The member of a liveliness token, and its group.
    #[must_use]
    pub fn of_token(key: &str) -> Option<(&str, Self)> {
        let (group, name, run) = keys::bridge_of(key)?;
        Some((group, Self { name: name.into(), run }))
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:016x}", self.name, self.run)
    }
}

impl FromStr for Member {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, run) = text.split_once('@').filter(|(name, _)| keys::is_name(name)).ok_or("no member of a group")?;
        let run = u64::from_str_radix(run, 16).map_err(|_| "no run of a member")?;
        Ok(Self { name: name.into(), run })
    }
}

impl From<Member> for String {
    fn from(member: Member) -> Self {
        member.to_string()
    }
}

impl TryFrom<String> for Member {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
