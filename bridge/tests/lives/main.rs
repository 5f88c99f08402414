//! Random lives of a meter, against the hub as it is: contracts and modes change, samples are lost and come twice, readers restart, a
//! second reader lies, the broker forgets, and the bridge crashes and finds its disk as it was at some earlier moment.
//!
//! What is promised, whatever happens in whatever order:
//!
//! * `energy_total` is the energy truly drawn while somebody looked, and never steps back. *While somebody looked* is the time between two
//!   samples that were published, whichever of the meter's registers they show, as long as each register that moved between them is shown
//!   by both. Where it is not (the display changed unseen), at most what was drawn is added, and at least what the common registers show.
//! * No index steps back or jumps under the same entity: it never counts more than was drawn.
//! * Each sample is told once, as the present or as the past, and the present never steps back. After a crash what was told since the
//!   positions were last kept is told again, as the past only.
//!
//! `LIVES=10000 cargo test --workspace --test lives` plays so many lives, `SEED=7` that one alone. Begin with [`life`].

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, reason = "a test has no outside")]

mod bridge;
mod life;
mod listener;
mod reader;
mod truth;

use std::panic::catch_unwind;

/// Lives that are played without being asked for more: some seconds.
const FEW: u64 = 100;
/// Lives that have ended wrong once, and are played each time.
#[rustfmt::skip]
const ENDED_WRONG: [u64; 35] = [
    1096, 1362, 1373, 1381, 1986, 2045, 2369, 2376, 3727, 4117, 4215, 4439, 4509, 4767, 4862, 4914, 5061, 5678,
    5759, 6372, 6442, 6645, 6837, 7099, 7585, 7622, 7863, 8053, 8286, 8404, 8909, 9212, 9293, 9683, 9820,
];

#[test]
fn energy_is_what_was_drawn_and_never_steps_back() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let all = || (0..number("LIVES").unwrap_or(FEW)).chain(ENDED_WRONG).collect();
    let seeds: Vec<u64> = number("SEED").map_or_else(all, |seed| vec![seed]);
    let failed: Vec<u64> = seeds.into_iter().filter(|seed| catch_unwind(|| life::play(*seed)).is_err()).collect();
    assert!(failed.is_empty(), "{} lives ended wrong; SEED= one of {:?}", failed.len(), &failed[..failed.len().min(20)]);
}
