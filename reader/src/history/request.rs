//! What the bridge asks the history for, as the parameters of its query: `from=<boot>:<sequence>`, `since=<ms>;until=<ms>`, or nothing.

use std::{fmt, str::FromStr};

use teleinfo_proto::wire::BootId;

/// Which samples are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// All that are held.
    Everything,
    /// Those that came after this one. If its process is not known, all.
    After(BootId, u64),
    /// Those of this time by the reader's wall clock, in milliseconds since 1970, both ends included.
    Between {
        /// The beginning; open if not given.
        since: i64,
        /// The end; open if not given.
        until: i64,
    },
}

impl FromStr for Request {
    type Err = ParseRequestError;

    fn from_str(parameters: &str) -> Result<Self, Self::Err> {
        let (mut since, mut until) = (None, None);
        for parameter in parameters.split(';').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("from", "")) => return Ok(Self::Everything),
                Some(("from", place)) => return after(place),
                Some(("since", ms)) => since = Some(ms.parse().map_err(|_| ParseRequestError)?),
                Some(("until", ms)) => until = Some(ms.parse().map_err(|_| ParseRequestError)?),
                // A later release may ask for more; what it adds is its business.
                _ => {}
            }
        }
        Ok(match (since, until) {
            (None, None) => Self::Everything,
            _ => Self::Between { since: since.unwrap_or(i64::MIN), until: until.unwrap_or(i64::MAX) },
        })
    }
}

fn after(place: &str) -> Result<Request, ParseRequestError> {
    let (boot, sequence) = place.split_once(':').ok_or(ParseRequestError)?;
    match (boot.parse(), sequence.parse()) {
        (Ok(boot), Ok(sequence)) => Ok(Request::After(boot, sequence)),
        _ => Err(ParseRequestError),
    }
}

/// Parameters that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParseRequestError;

impl fmt::Display for ParseRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected from=<boot>:<sequence>, or since=<milliseconds>;until=<milliseconds>")
    }
}

impl std::error::Error for ParseRequestError {}

#[cfg(test)]
mod tests {
    use teleinfo_proto::wire::BootId;

    use super::Request;

    #[test]
    fn parameters() {
        let cases = [
            ("", Some(Request::Everything)),
            ("from=", Some(Request::Everything)),
            ("from=00000000000000ff:12", Some(Request::After(BootId::new(255), 12))),
            ("since=5;until=9", Some(Request::Between { since: 5, until: 9 })),
            ("until=9", Some(Request::Between { since: i64::MIN, until: 9 })),
            ("new=1", Some(Request::Everything)),
            ("from=12", None),
            ("from=x:12", None),
            ("since=yesterday", None),
        ];
        for (text, request) in cases {
            assert_eq!(text.parse().ok(), request, "{text}");
        }
    }
}
