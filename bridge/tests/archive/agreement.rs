//! What the memory tells of each hour is what the meter counted, whatever is lost on the way.

use std::time::Duration;

use teleinfo_bridge::archive::{
    block::Grain,
    readings::{Readings, Turns},
};
use teleinfo_proto::tic::{Dataset, MeterId, Mode};
use teleinfo_simulator::{
    meter::{Meter, MeterOptions, tariff::contract::Contract},
    rng::Rng,
};

use super::started;

/// Midnight in France, a week before the clock is set back.
const START: i64 = 1_792_274_400;
const HOUR_S: i64 = 3_600;
/// One frame in so many is damaged.
const DAMAGED: u64 = 10;
/// The way is cut so often, for so long, in s.
const CUTS_EVERY: i64 = 9_000;
const CUT: i64 = 2_400;

fn meter() -> Meter {
    Meter::new(MeterOptions { index: Some(5_000_000), ..MeterOptions::new(Mode::Standard, Contract::find("base").unwrap(), START) })
}

fn is_cut(unix: i64) -> bool {
    (unix - START) % CUTS_EVERY > CUTS_EVERY - CUT
}

/// What the meter had counted at each hour.
fn truth(hours: i64) -> Vec<u64> {
    let mut meter = meter();
    let mut at_hours = vec![meter.energy().total];
    for _ in 0..hours {
        meter.skip(Duration::from_secs(HOUR_S.unsigned_abs()));
        at_hours.push(meter.energy().total);
    }
    at_hours
}

/// The samples as they come: some frames are damaged; what was cut comes as the past, a frame a minute, after the first frame of the present.
fn samples(hours: i64) -> Vec<(i64, u64)> {
    let (mut meter, mut random) = (meter(), Rng::named(1, "damage"));
    let (mut samples, mut missed) = (Vec::new(), Vec::new());
    loop {
        let (frame, _) = meter.next_frame();
        if frame.unix > START + hours * HOUR_S + 60 {
            return samples;
        }
        let sample = (frame.unix, frame.energy.drawn);
        if random.between(0, DAMAGED) == 0 {
            continue;
        }
        if is_cut(frame.unix) {
            let is_new_minute = missed.last().is_none_or(|(at, _): &(i64, u64)| at / 60 != frame.unix / 60);
            missed.extend(is_new_minute.then_some(sample));
        } else {
            samples.push(sample);
            samples.append(&mut missed);
        }
    }
}

fn picked(samples: &[(i64, u64)]) -> Vec<Readings> {
    let mut turns = Turns::default();
    for (unix, wh) in samples {
        let data = format!("{wh:09}");
        turns.handle_datasets(&[Dataset::new(Mode::Standard, "EAST", None, &data).unwrap()], unix * 1_000);
    }
    turns.poll_picked()
}

async fn agree(hours: i64) {
    let (archive, meter): (_, MeterId) = (started(None), "041876097767".parse().unwrap());
    for (place, readings) in picked(&samples(hours)).into_iter().enumerate() {
        assert!(archive.handle_readings(meter, readings));
        if place % 1_000 == 0 {
            archive.finish().await;
        }
    }
    archive.finish().await;
    let curve = &archive.read(meter, Grain::Hour, START / 60, START / 60 + hours * 60).unwrap()["EAST"];
    let truth = truth(hours);
    let mut worst = [0_usize; 2];
    for hour in 1..hours {
        let at = |hour: i64| (u64::from(curve[&(START / 60 + hour * 60)]), truth[usize::try_from(hour).unwrap()]);
        let ((from, true_from), (to, true_to)) = (at(hour - 1), at(hour));
        let off = (to - from).abs_diff(true_to - true_from);
        assert!(off <= 1, "hour {hour}: {} Wh, not {}", to - from, true_to - true_from);
        worst[usize::try_from(off).unwrap()] += 1;
    }
    println!("hours that are off by 0 and by 1 Wh: {worst:?}");
    let first = u64::from(*curve.values().next().unwrap());
    assert!(u64::from(*curve.values().last().unwrap()).abs_diff(first) > 0);
}

#[tokio::test]
async fn a_day_agrees_with_the_meter() {
    agree(26).await;
}

#[tokio::test]
#[ignore = "minutes"]
async fn thirty_days_agree_with_the_meter() {
    agree(30 * 24).await;
}
