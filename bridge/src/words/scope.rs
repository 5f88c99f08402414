//! Whose something is, and what a command is about: one meter, or everything.

use std::str::FromStr;

use teleinfo_proto::tic::MeterId;

/// Whose a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// One of a meter.
    Meter(MeterId),
    /// The bridge's own.
    Bridge,
}

impl Owner {
    /// Whose the topics of values under this name are.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        if name == "bridge" { Some(Self::Bridge) } else { name.parse().ok().map(Self::Meter) }
    }
}

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One meter.
    Meter(MeterId),
    /// All meters, and the bridge.
    All,
}

impl Scope {
    /// The meter, if it is one.
    #[must_use]
    pub const fn meter(self) -> Option<MeterId> {
        match self {
            Self::Meter(meter) => Some(meter),
            Self::All => None,
        }
    }

    /// Whether it is about what this owner has.
    #[must_use]
    pub fn covers(self, owner: Owner) -> bool {
        self == Self::All || owner == self.meter().map_or(Owner::Bridge, Owner::Meter)
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::Meter).map_err(|_| "a meter has 12 digits, its ADCO or ADSC; or: all".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_covers_itself_and_all_covers_everything() {
        let meter: MeterId = "021861000001".parse().unwrap();
        let other = Owner::Meter("021861000002".parse().unwrap());
        let one = Scope::Meter(meter);
        assert_eq!([Owner::Meter(meter), other, Owner::Bridge].map(|owner| one.covers(owner)), [true, false, false]);
        assert_eq!([Owner::Meter(meter), other, Owner::Bridge].map(|owner| Scope::All.covers(owner)), [true; 3]);
        assert_eq!(("all".parse(), "021861000001".parse()), (Ok(Scope::All), Ok(one)));
        assert!("linky".parse::<Scope>().is_err());
    }
}
