//! What a member of a group remembers of a meter, for the others: a meter that was taken over has its past where it was. Pure.
//!
//! Indexes are those of full minutes, whoever took them down, so what all remember together is the union of it.

use std::collections::BTreeMap;

use crate::archive::block::{Curves, Grain};

/// Energies of minutes are those of half hours: what lies between the first and the last index of one is not needed.
const HALF_HOUR: i64 = 30;
/// The longest label of a register, with room.
const REGISTER_MAX: usize = 16;

/// One curve as it is told: minute and Wh in turn, each as the difference to the one before, which makes short numbers of them.
type Differences = Vec<i64>;

/// What is told of these curves. `None`: no JSON, which cannot be.
#[must_use]
pub fn written(curves: &Curves, grain: Grain) -> Option<String> {
    let told = curves.iter().filter(|(_, curve)| !curve.is_empty()).map(|(register, curve)| (register, differences(curve, grain)));
    serde_json::to_string(&told.collect::<BTreeMap<&String, Differences>>()).ok()
}

/// What was told, from one minute to another; nothing if it is damaged.
#[must_use]
pub fn read(text: &str, from: i64, to: i64) -> Option<Curves> {
    let told: BTreeMap<String, Differences> = serde_json::from_str(text).ok()?;
    let is_register = |name: &str| name.len() <= REGISTER_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut curves = Curves::new();
    for (register, differences) in told {
        if !is_register(&register) {
            return None;
        }
        let (mut minute, mut wh, curve) = (0_i64, 0_i64, curves.entry(register).or_default());
        for [minutes, step] in differences.as_chunks::<2>().0 {
            (minute, wh) = (minute.checked_add(*minutes)?, wh.checked_add(*step)?);
            if (from..=to).contains(&minute) {
                curve.insert(minute, u32::try_from(wh).ok()?);
            }
        }
    }
    Some(curves)
}

/// Adds what another member remembers. Where both know a minute, one may have it from samples further apart; all members take the same one.
pub fn join(curves: &mut Curves, others: Curves) {
    for (register, curve) in others {
        let known = curves.entry(register).or_default();
        for (minute, wh) in curve {
            known.entry(minute).and_modify(|known| *known = wh.max(*known)).or_insert(wh);
        }
    }
}

fn differences(curve: &BTreeMap<i64, u32>, grain: Grain) -> Differences {
    let half_hour = |minute: i64| minute.div_euclid(HALF_HOUR);
    let mut told: Vec<(i64, u32)> = Vec::new();
    for (minute, wh) in curve {
        // The last index of a half hour takes the place of the one before it, unless that is its first.
        if grain == Grain::Minute
            && let [.., before, _] = told[..]
            && half_hour(before.0) == half_hour(*minute)
        {
            told.pop();
        }
        told.push((*minute, *wh));
    }
    let mut known = (0, 0);
    let step = |(minute, wh): (i64, u32)| {
        let before = std::mem::replace(&mut known, (minute, i64::from(wh)));
        [known.0 - before.0, known.1 - before.1]
    };
    told.into_iter().flat_map(step).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::periods::{Period, counted};

    fn curves(minutes: impl Iterator<Item = i64>) -> Curves {
        Curves::from([("BASE".to_owned(), minutes.map(|minute| (minute, u32::try_from(minute * 7 % 1_000 + minute).unwrap())).collect())])
    }

    fn told(curves: &Curves, grain: Grain) -> Curves {
        read(&written(curves, grain).unwrap(), 0, i64::MAX).unwrap()
    }

    #[test]
    fn hours_are_told_as_they_are_and_minutes_by_half_hours() {
        let hours = curves((0..2_000).map(|hour| hour * 60));
        assert_eq!(told(&hours, Grain::Hour), hours);
        let minutes = curves((10..100).filter(|minute| !(50..70).contains(minute)));
        assert_eq!(told(&minutes, Grain::Minute)["BASE"].keys().copied().collect::<Vec<_>>(), [10, 29, 30, 49, 70, 89, 90, 99]);
        assert_eq!(read(&written(&hours, Grain::Hour).unwrap(), 60, 120).unwrap()["BASE"].len(), 2, "what was asked for");
        assert!(told(&Curves::new(), Grain::Hour).is_empty());
    }

    #[test]
    fn what_is_damaged_is_nothing() {
        for text in ["", "[]", "{\"BASE\":[0,-1]}", "{\"BASE\":[1,4294967296]}", "{\"a,b\":[]}", "{\"BASE\":[9223372036854775807,0,1,0]}"] {
            assert_eq!(read(text, i64::MIN, i64::MAX), None, "{text}");
        }
    }

    #[test]
    fn two_years_of_hours_of_a_meter_are_one_answer() {
        let registers = (1..=10).map(|number| format!("EASF{number:02}"));
        let curve: BTreeMap<i64, u32> = (0..800 * 24).map(|hour| (29_000_000 + hour * 60, 10_000_000 + hour as u32 * 1_234)).collect();
        let text = written(&registers.map(|register| (register, curve.clone())).collect(), Grain::Hour).unwrap();
        assert!(text.len() < crate::group::inquiries::ANSWER_MAX, "{}", text.len());
    }

    proptest! {
        /// A meter that goes to and fro: each minute is known to one member, to both, or to none.
        #[test]
        fn what_two_remember_counts_as_what_one_had(owners in proptest::collection::vec(0..4_u8, 1..200)) {
            let of = |who: u8| (0..).zip(&owners).filter(move |(_, owner)| **owner & who != 0).map(|(minute, _)| minute).collect::<Vec<i64>>();
            let alone = curves(of(3).into_iter());
            for grain in [Grain::Minute, Grain::Hour] {
                let mut together = told(&curves(of(1).into_iter()), grain);
                join(&mut together, told(&curves(of(2).into_iter()), grain));
                for start in (0..200).step_by(30) {
                    let period = Period { start: start * 60, end: (start + 30) * 60 };
                    let of = |curves: &Curves| curves.get("BASE").and_then(|curve| counted(curve, period));
                    prop_assert_eq!(of(&together), of(&alone), "{}", start);
                }
            }
        }
    }
}
