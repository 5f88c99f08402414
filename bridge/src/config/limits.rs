//! How much the bridge takes on, checked: `[limits]`.

use crate::{config::file::LimitsKeys, daemon::exit::Failure, words::limits::Limits};

/// The limits that follow from one number.
///
/// # Errors
/// No meter at all, or more than one bridge serves.
pub fn checked(keys: LimitsKeys) -> Result<Limits, Failure> {
    match keys.meters as usize {
        meters @ 1..=Limits::METERS_MAX => Ok(Limits { meters }),
        meters => Err(Failure::config(format!("limits.meters: {meters} is not between 1 and {}", Limits::METERS_MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_one_bridge_serves() {
        let meters = |meters| checked(LimitsKeys { meters }).map(|limits| limits.meters);
        assert_eq!(checked(LimitsKeys::default()), Ok(Limits::default()));
        assert_eq!(meters(5_000), Ok(5_000));
        for wrong in [0, 20_001] {
            assert!(meters(wrong).unwrap_err().to_string().starts_with("limits.meters: "), "{wrong}");
        }
    }
}
