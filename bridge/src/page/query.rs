//! What follows the question mark of an address: `name=value` pairs of letters, digits and hyphens. Nothing that is asked for here needs more.

/// The value of a name; nothing if it is not there.
#[must_use]
pub fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn values_go_by_their_names() {
        let query = "meter=041876097767&step=day&&x";
        assert_eq!(["meter", "step", "x", "day"].map(|name| value(query, name)), [Some("041876097767"), Some("day"), None, None]);
    }
}
