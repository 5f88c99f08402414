//! Who of the members publishes which meter: the one whose name, mixed with that of the meter, gives the highest number.
//!
//! All members that see the same members come to the same result without asking each other. When one goes, only its meters move; when one
//! comes, only those move that become its own. A member with twice the weight gets twice as many.

/// The members that work, by name, with their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    own: String,
    members: Vec<(String, u32)>,
}

impl Share {
    /// Of these members; `own` is the name of this one, which may be none of them.
    #[must_use]
    pub fn new(own: &str, members: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup_by(|later, earlier| later.0 == earlier.0);
        Self { own: own.into(), members }
    }

    /// Nobody works, as far as is known here.
    #[must_use]
    pub fn of_nobody(own: &str) -> Self {
        Self::new(own, [])
    }

    /// The member that this belongs to.
    #[must_use]
    pub fn owner(&self, what: &str) -> Option<&str> {
        let numbers = self.members.iter().map(|(name, weight)| (name, number(name, *weight, what)));
        numbers.max_by(|one, other| one.1.total_cmp(&other.1)).map(|(name, _)| name.as_str())
    }

    /// Whether this belongs to this member.
    #[must_use]
    pub fn is_ours(&self, what: &str) -> bool {
        self.owner(what) == Some(self.own.as_str())
    }

    /// Whether another member than this one works.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.names().any(|name| name != self.own)
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }
}

/// The number of a member for this: `-weight / ln(u)`, where `u` is between 0 and 1 by chance, but always the same.
fn number(name: &str, weight: u32, what: &str) -> f64 {
    let chance = mixed(hash(name) ^ hash(what).rotate_left(32));
    let chance = u32::try_from(chance >> 32).unwrap_or(u32::MAX);
    let u = (f64::from(chance) + 0.5) / (f64::from(u32::MAX) + 1.0);
    -f64::from(weight) / u.ln()
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The last step of splitmix64: names that differ in one letter give numbers that have nothing in common.
const fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn meters() -> impl Iterator<Item = String> {
        (0..3_000).map(|number| format!("{:012}", 21_861_000_000_u64 + number))
    }

    fn share(members: &[(&str, u32)]) -> Share {
        Share::new("a", members.iter().map(|(name, weight)| ((*name).to_owned(), *weight)))
    }

    fn counts(share: &Share) -> BTreeMap<String, usize> {
        meters().fold(BTreeMap::new(), |mut counts, meter| {
            *counts.entry(share.owner(&meter).unwrap().to_owned()).or_default() += 1;
            counts
        })
    }

    #[test]
    fn members_get_parts_by_their_weights() {
        let equal = counts(&share(&[("a", 1), ("b", 1), ("c", 1)]));
        assert!(equal.values().all(|count| (900..1_100).contains(count)), "{equal:?}");
        let weighted = counts(&share(&[("bridge1", 1), ("bridge2", 2)]));
        assert!((900..1_100).contains(&weighted["bridge1"]), "{weighted:?}");
    }

    #[test]
    fn where_nobody_works_nothing_has_an_owner() {
        assert_eq!(Share::of_nobody("a").owner("021861000001"), None);
        assert!(!Share::of_nobody("a").is_ours("021861000001"));
    }

    /// Members of different releases and machines have to agree: do not change this test.
    #[test]
    fn the_numbers_are_frozen() {
        let of_three = share(&[("a", 1), ("b", 1), ("c", 1)]);
        let owners: String = meters().take(24).map(|meter| of_three.owner(&meter).unwrap().to_owned()).collect();
        assert_eq!(owners, FROZEN);
    }

    const FROZEN: &str = "acabacbcaaacabbbbbbbcacc";

    fn names() -> impl Strategy<Value = BTreeMap<String, u32>> {
        proptest::collection::btree_map("[a-z]{1,6}", 1_u32..5, 1..6)
    }

    proptest! {
        #[test]
        fn every_meter_has_one_owner_and_only_the_part_of_who_comes_or_goes_moves(
            members in names(), joins in "[A-Z]{1,4}", weight in 1_u32..5
        ) {
            let before = Share::new("a", members.clone());
            let with = members.iter().map(|(name, weight)| (name.clone(), *weight)).chain([(joins.clone(), weight)]);
            // The order in which members were met does not matter.
            let after = Share::new(&joins, with.clone().collect::<Vec<_>>().into_iter().rev());
            for meter in meters().take(200) {
                let owners = members.keys().chain([&joins]).filter(|own| Share::new(own, with.clone()).is_ours(&meter));
                prop_assert_eq!(owners.count(), 1);
                let (was, is) = (before.owner(&meter).unwrap(), after.owner(&meter).unwrap());
                prop_assert!(was == is || is == joins, "{} moved from {} to {}", meter, was, is);
            }
        }
    }
}
