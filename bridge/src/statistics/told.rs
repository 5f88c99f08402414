//! The numbers of a row as Home Assistant tells it. What no statistic can have is left out: everything that is worked out of it stays bounded, and finite.

use serde_json::Value;

/// No row begins later than 2100, in s since 1970.
const END: f64 = 4_102_444_800.0;
/// No energy in Wh, and no sum of money, is larger.
const AMOUNT_MAX: f64 = 1e15;

/// When a row begins, in s since 1970.
#[must_use]
pub fn start(row: &Value) -> Option<i64> {
    let seconds = row["start"].as_f64()? / 1_000.0;
    is_time(seconds).then_some(seconds as i64)
}

/// Whether a time, in s since 1970, can be that of a row.
#[must_use]
pub fn is_time(seconds: f64) -> bool {
    (0.0..=END).contains(&seconds)
}

/// An energy, an index, a sum of money or a price.
#[must_use]
pub fn amount(value: &Value) -> Option<f64> {
    value.as_f64().filter(|amount| is_amount(*amount))
}

/// Whether a number can be one of these.
#[must_use]
pub fn is_amount(amount: f64) -> bool {
    amount.abs() <= AMOUNT_MAX
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_statistic_can_have_is_left_out() {
        for (start_ms, expected) in
            [(json!(1_700_000_000_000_i64), Some(1_700_000_000)), (json!(1e300), None), (json!(-1), None), (json!("x"), None)]
        {
            assert_eq!(start(&json!({ "start": start_ms })), expected, "{start_ms}");
        }
        assert_eq!([json!(1.5), json!(-3e15), json!(1e308), json!(null)].map(|value| amount(&value)), [Some(1.5), None, None, None]);
        assert!(!is_amount(f64::NAN) && !is_time(f64::INFINITY));
    }
}
