//! Hours that somebody else has kept of a register, and which of them the memory takes. What it has heard itself stays as it is. An hour that it
//! lacks is taken where its index leads from what was before to what came after; where it does not, another index stood there.

use std::collections::BTreeMap;

/// Indexes of one register, by the minute since 1970.
pub type Curve = BTreeMap<i64, u32>;

const HOUR: i64 = 60;
/// No Linky lets more through, in Wh an hour.
const MOST: u64 = 36_000;
/// What another program kept for the end of an hour is what it last heard in that hour, by a clock of its own: so much more it may be, in Wh.
const NEAR: u32 = 100;

/// What the memory takes of what is offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filling {
    /// These it takes.
    pub hours: Curve,
    /// So many lead to nothing that it knows.
    pub left_out: usize,
}

/// What is offered is of another register: at this minute it does not show what the memory heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Different {
    /// In minutes since 1970.
    pub minute: i64,
    /// In Wh.
    pub heard: u32,
    /// In Wh.
    pub offered: u32,
}

/// What is taken.
///
/// # Errors
/// Most of the hours that both have do not agree.
pub fn filling(heard: &Curve, offered: &Curve) -> Result<Filling, Different> {
    let common = offered.iter().filter_map(|(minute, offered)| Some((*minute, *offered, *heard.get(minute)?)));
    let (agreed, strange): (Vec<_>, Vec<_>) = common.partition(|(minute, offered, now)| agrees(heard, *minute, *offered, *now));
    match strange.last() {
        Some(&(minute, offered, heard)) if strange.len() > agreed.len() => Err(Different { minute, heard, offered }),
        _ => Ok(taken(heard, offered)),
    }
}

/// It was last heard within the hour that ends then.
fn agrees(heard: &Curve, minute: i64, offered: u32, now: u32) -> bool {
    let before = heard.get(&(minute - HOUR)).copied().unwrap_or_else(|| now.saturating_sub(MOST as u32));
    (before.saturating_sub(NEAR)..=now.saturating_add(NEAR)).contains(&offered)
}

/// From the newest hour to the oldest: each must lead to the one after it. One that does not is left out; where those before lead to that one, and nothing was heard before
/// them, they are of another index, and are left out too. What is newer than all that was heard is still to be heard.
fn taken(heard: &Curve, offered: &Curve) -> Filling {
    let newest = heard.last_key_value().map_or(i64::MAX, |(minute, _)| *minute);
    let (mut filling, mut next, mut stray) = (Filling::default(), None, None);
    for (&minute, &wh) in offered.range(..newest).rev().filter(|(minute, wh)| **wh > 0 && !heard.contains_key(*minute)) {
        let [before, after] = [heard.range(..minute).next_back(), heard.range(minute..).next()].map(|known| known.map(at));
        // What was heard between this hour and the one that was taken last is nearer, and is to be believed.
        if after.is_some_and(|after| next.is_none_or(|next| after < next)) {
            (next, stray) = (after, None);
        }
        let is_another = before.is_none() && stray.is_some_and(|stray| leads((minute, wh), stray));
        let leads_on = next.is_none_or(|next| leads((minute, wh), next)) && before.is_none_or(|before| leads(before, (minute, wh)));
        if leads_on && !is_another {
            filling.hours.insert(minute, wh);
            (next, stray) = (Some((minute, wh)), None);
        } else {
            filling.left_out += 1;
            stray = Some((minute, wh));
        }
    }
    filling
}

fn at((minute, wh): (&i64, &u32)) -> (i64, u32) {
    (*minute, *wh)
}

/// Whether an index can have moved so.
fn leads((from, then): (i64, u32), (to, now): (i64, u32)) -> bool {
    now.checked_sub(then).is_some_and(|wh| u64::from(wh) * HOUR.unsigned_abs() <= MOST * (to - from).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours of an index that grows by 300 Wh an hour.
    fn hours(range: std::ops::Range<i64>) -> Curve {
        range.map(|hour| (hour * HOUR, 20_000_000 + u32::try_from(hour).unwrap() * 300)).collect()
    }

    fn moved(curve: Curve, by: i64) -> Curve {
        curve.into_iter().map(|(minute, wh)| (minute, u32::try_from(i64::from(wh) + by).unwrap())).collect()
    }

    #[test]
    fn what_the_memory_lacks_is_taken_and_what_it_heard_stays() {
        let heard = hours(100..110);
        let offered = moved(hours(0..120), -40);
        let filled = filling(&heard, &offered).unwrap();
        assert_eq!(filled, Filling { hours: moved(hours(0..100), -40), left_out: 0 });
        let both: Curve = heard.into_iter().chain(filled.hours).collect();
        assert_eq!(filling(&both, &offered), Ok(Filling::default()), "once");
        assert!(both.values().is_sorted(), "an index never goes back");
        assert_eq!(filling(&Curve::new(), &offered).unwrap().hours, offered, "nothing was heard yet");
    }

    #[test]
    fn a_gap_in_what_was_heard_is_filled() {
        let heard: Curve = hours(0..10).into_iter().chain(hours(20..30)).collect();
        assert_eq!(filling(&heard, &hours(5..25)).unwrap().hours, hours(10..20));
        let strange = moved(hours(12..14), 4_000);
        let offered: Curve = hours(5..25).into_iter().chain(strange).collect();
        let filled = filling(&heard, &offered).unwrap();
        assert_eq!((filled.hours.len(), filled.left_out), (8, 2), "more than what came after it");
    }

    #[test]
    fn an_index_that_was_replaced_ends_what_is_taken() {
        // A register that another contract had moved, and one that was higher before.
        for by in [-5_000_000, 700] {
            let offered: Curve = moved(hours(0..400), by).into_iter().chain(hours(400..500)).collect();
            let filled = filling(&hours(500..510), &offered).unwrap();
            assert!((filled.hours == hours(400..500)) && filled.left_out == 400, "{by}");
        }
    }

    #[test]
    fn a_stray_hour_is_left_out_and_those_before_it_are_not() {
        let mut offered = hours(0..100);
        offered.insert(50 * HOUR, 7);
        offered.insert(60 * HOUR, 0);
        let filled = filling(&hours(100..110), &offered).unwrap();
        assert_eq!((filled.hours.len(), filled.left_out), (98, 1), "one that shows nothing is none");
    }

    #[test]
    fn another_register_is_refused() {
        let heard = hours(100..110);
        let different = Different { minute: 109 * HOUR, heard: 20_032_700, offered: 20_033_300 };
        assert_eq!(filling(&heard, &moved(hours(0..110), 600)), Err(different));
        assert!(filling(&heard, &moved(hours(0..110), -600)).is_err(), "it was not heard within its hour");
        let mut offered = hours(0..110);
        offered.insert(104 * HOUR, 20_000_000);
        assert_eq!(filling(&heard, &offered).unwrap().hours, hours(0..100), "one wrong hour among many");
    }
}
