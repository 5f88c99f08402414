//! When a cut-off opens: how the heat of a load grows, in a closed form.
//!
//! A Linky filters the square of the apparent power that is drawn, each second, and opens when the filter reaches 1.3 times the cut-off
//! power (Enedis-NOI-CPT_54E v3 §7). An older meter has no such filter: a breaker beside it trips, of which the same section tells two
//! usual points, 1.4 times the subscribed current in 100 s and 2.5 times in 20 s. The standard of such breakers allows so much around
//! them that the time is an order of size only.

/// A cut-off: what it opens at, and how slowly it gets there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CutOff {
    /// It opens at so many times its rating.
    pub factor: f64,
    /// The part of the filter that is left after a second.
    pub kept_each_second: f64,
}

/// The filter of a Linky: B = 0.008, and 1.3 times the cut-off power (54E §7).
pub const LINKY: CutOff = CutOff { factor: 1.3, kept_each_second: 0.992 };
/// A usual breaker, from the two points of 54E §7: a time constant of 78 s, and 1.19 times the subscribed current.
pub const USUAL_BREAKER: CutOff = CutOff { factor: 1.19, kept_each_second: 0.987_261 };

/// A cut-off for a rating of so many VA.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    cut_off: CutOff,
    /// What it opens at, in VA.
    pub apparent: f64,
}

impl Limit {
    /// The limit of a cut-off for this rating in VA.
    #[must_use]
    pub fn new(cut_off: CutOff, rating: f64) -> Self {
        Self { cut_off, apparent: cut_off.factor * rating }
    }

    /// What it opens at, squared: what the filter is held against.
    #[must_use]
    pub fn squared(&self) -> f64 {
        self.apparent * self.apparent
    }

    /// The filter after so many seconds at this load.
    #[must_use]
    pub fn after(&self, filter: f64, load: f64, seconds: f64) -> f64 {
        let kept = self.cut_off.kept_each_second.powf(seconds);
        load * load * (1.0 - kept) + kept * filter
    }

    /// Whole seconds until it opens, if the load stays; `None`: never.
    #[must_use]
    pub fn seconds_left(&self, filter: f64, load: f64) -> Option<u32> {
        let (limit, drive) = (self.squared(), load * load);
        if filter >= limit {
            return Some(0);
        }
        (drive > limit).then(|| {
            let steps = ((drive - limit) / (drive - filter)).ln() / self.cut_off.kept_each_second.ln();
            (steps.ceil() as u32).max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The filter, second by second, as the specification writes it.
    fn stepped(limit: &Limit, mut filter: f64, load: f64) -> u32 {
        let kept = limit.cut_off.kept_each_second;
        (0..)
            .find(|_| {
                let opens = filter >= limit.squared();
                filter = (1.0 - kept) * load * load + kept * filter;
                opens
            })
            .unwrap()
    }

    #[test]
    fn the_usual_breaker_trips_at_its_two_points() {
        let limit = Limit::new(USUAL_BREAKER, 1.0);
        assert!(limit.seconds_left(0.0, 1.4).unwrap().abs_diff(100) <= 1);
        assert!(limit.seconds_left(0.0, 2.5).unwrap().abs_diff(20) <= 1);
    }

    #[test]
    fn times_from_rest() {
        let limit = Limit::new(LINKY, 1.0);
        let times = [1.35, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0].map(|load| limit.seconds_left(0.0, load).unwrap());
        assert_eq!(times, [327, 247, 174, 100, 69, 40, 26, 14]);
        assert_eq!(limit.seconds_left(0.0, 1.3), None);
        assert_eq!(limit.seconds_left(1.7, 0.0), Some(0));
    }

    proptest! {
        #[test]
        fn the_closed_form_is_the_stepped_filter(filter in 0.0..1.28f64, load in 1.302..4.0f64) {
            let limit = Limit::new(LINKY, 6_000.0);
            let (filter, load) = ((filter * 6_000.0).powi(2), load * 6_000.0);
            prop_assert_eq!(limit.seconds_left(filter, load), Some(stepped(&limit, filter, load)));
        }

        #[test]
        fn each_second_takes_one_second_off(filter in 0.0..1.0f64, load in 1.31..3.0f64) {
            let limit = Limit::new(LINKY, 1.0);
            let left = limit.seconds_left(filter, load).unwrap();
            prop_assume!(left > 1);
            prop_assert_eq!(limit.seconds_left(limit.after(filter, load, 1.0), load), Some(left - 1));
        }
    }
}
