//! A memory of more than a year, for the tests in a browser: a Tempo meter in standard mode that says the same every time.

use std::{env, path::Path};

use teleinfo_bridge::archive::{
    file::{File, Rows},
    keeper::Archive,
};
use teleinfo_proto::tic::{MeterId, Timestamp};

/// Where to.
const FOLDER: &str = "TELEINFO_ARCHIVE_FILLED";
/// Whose.
const METER: &str = "041876000002";
const DAYS: i64 = 430;
/// So much of it by the minute.
const MINUTES_DAYS: i64 = 3;
const MINUTE_S: i64 = 60;
/// What the registers had counted before.
const BEFORE: u32 = 1_000_000;

/// White and red days: fewer than in a true season, but some of each in every month.
fn colour(day: i64) -> usize {
    match day.rem_euclid(13) {
        4 | 9 => 1,
        6 => 2,
        _ => 0,
    }
}

/// What is drawn at a minute of a day, in W: more in winter, in the evening, and less on red days.
fn watts(day: i64, hour: u8, colour: usize) -> u32 {
    let season = [900, 850, 700, 500, 400, 350, 300, 300, 400, 550, 750, 900][usize::try_from(day / 30).unwrap_or(0) % 12];
    let of_day =
        [60, 55, 50, 50, 50, 60, 120, 160, 110, 90, 100, 150, 140, 90, 80, 80, 90, 140, 190, 200, 170, 130, 110, 80][usize::from(hour)];
    season * of_day / 100 * [10, 9, 6][colour] / 10 + u32::try_from(day.rem_euclid(5)).unwrap_or(0) * 20
}

/// All rows until now, and what each register shows at last.
fn rows(now: i64) -> (Rows, [u32; 6]) {
    let meter: MeterId = METER.parse().unwrap();
    let (mut rows, mut indexes, mut rest) = (Rows::new(), [BEFORE; 6], 0);
    let first = (now / MINUTE_S - DAYS * 24 * 60) / 60 * 60;
    for minute in first..=now / MINUTE_S {
        let time = Timestamp::from_unix(minute * MINUTE_S - 6 * 3_600);
        let hour = Timestamp::from_unix(minute * MINUTE_S).hour();
        let day = (minute - 6 * 60) / 1_440;
        let (colour, is_off_peak) = (colour(i64::from(time.day()) + 31 * i64::from(time.month())), !(6..22).contains(&hour));
        if minute % 60 == 0 || minute >= now / MINUTE_S - MINUTES_DAYS * 1_440 {
            for (place, wh) in indexes.iter().enumerate() {
                rows.entry((meter, format!("EASF{:02}", place + 1))).or_default().insert(minute, *wh);
            }
            rows.entry((meter, "EAST".into())).or_default().insert(minute, indexes.iter().sum());
        }
        rest += watts(day - first / 1_440, hour, colour);
        indexes[2 * colour + usize::from(!is_off_peak)] += rest / 60;
        rest %= 60;
    }
    (rows, indexes)
}

#[tokio::test]
#[ignore = "for the tests in a browser, which name the folder"]
async fn fills_a_memory() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let now: i64 = env::var("TELEINFO_ARCHIVE_NOW").unwrap().parse().unwrap();
    let (rows, indexes) = rows(now);
    let (file, _) = File::open(&Path::new(&folder).join("archive.redb")).unwrap();
    file.commit(&rows).unwrap();
    drop(file);
    let archive = Archive::start(Some(Path::new(&folder)), Box::new(|text| panic!("{text}"))).unwrap();
    archive.finish().await;
    println!("registers {}", indexes.iter().zip(1..).map(|(wh, index)| format!("EASF{index:02}={wh}")).collect::<Vec<_>>().join(","));
}
