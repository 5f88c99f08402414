//! What can change at a meter while it runs, and when it does.
//!
//! The registers go on through all of it: a new contract counts further on the index that the old one left, and the other mode shows the
//! same registers. Only another meter begins at zero.

use crate::meter::tariff::contract::Contract;
use std::str::FromStr;
use std::time::Duration;
use teleinfo_proto::tic::Mode;

/// One thing that changes.
#[derive(Debug, Clone)]
pub enum Change {
    /// The meter speaks this mode from now on.
    Mode(Mode),
    /// The meter is programmed for this contract from now on.
    Contract(&'static Contract),
    /// Panels are on the roof, and the meter is in producer mode.
    Producer,
    /// Another meter of this address takes its place.
    Exchanged(String),
}

/// A change and its time on the line.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    /// After this time on the line.
    pub after: Duration,
    /// What changes.
    pub change: Change,
}

impl Change {
    /// The silence on the line that goes with it. What has none shows in the next frame.
    pub(crate) fn silence(&self) -> Option<Duration> {
        match self {
            // Nothing is specified for the time a meter needs to change its mode.
            Self::Mode(_) => Some(Duration::from_millis(1500)),
            // In truth it takes half an hour; the tests have no use for more than a line that falls silent.
            Self::Exchanged(_) => Some(Duration::from_secs(10)),
            Self::Contract(_) | Self::Producer => None,
        }
    }
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "historic" => Ok(Self::Mode(Mode::Historic)),
            "standard" => Ok(Self::Mode(Mode::Standard)),
            "producer" => Ok(Self::Producer),
            name if is_address(name) => Ok(Self::Exchanged(name.into())),
            name => Contract::find(name)
                .map(Self::Contract)
                .map_err(|contracts| format!("historic, standard, producer, the 12 digits of another meter, or a contract: {contracts}")),
        }
    }
}

impl FromStr for PlannedChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "SECONDS=WHAT, as 60=tempo or 90=standard";
        let (seconds, change) = text.split_once('=').ok_or(wanted)?;
        let after = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or(wanted)?;
        Ok(Self { after, change: change.parse()? })
    }
}

/// Whether this is an address as ADCO and ADSC have it.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PlannedChange, String> {
        text.parse()
    }

    #[test]
    fn every_kind_of_change_can_be_written() {
        assert!(matches!(parse("60=tempo").unwrap().change, Change::Contract(contract) if contract.name == "tempo"));
        assert!(matches!(parse("0=historic").unwrap().change, Change::Mode(Mode::Historic)));
        assert!(matches!(parse("1.5=standard").unwrap(), PlannedChange { after, .. } if after == Duration::from_millis(1500)));
        assert!(matches!(parse("9=producer").unwrap().change, Change::Producer));
        assert!(matches!(parse("9=900061000009").unwrap().change, Change::Exchanged(id) if id == "900061000009"));
    }

    #[test]
    fn what_is_no_change_is_told_what_is() {
        for text in ["tempo", "x=tempo", "-1=tempo", "60="] {
            assert!(parse(text).is_err(), "{text}");
        }
        let error = parse("60=green").unwrap_err();
        assert!(error.contains("producer") && error.contains("base, hc, ejp, tempo"), "{error}");
    }
}
